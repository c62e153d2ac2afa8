//! What threads count as they go: atomics where it is hot, a locked tally of words where it is rare.

use crate::config::Secret;
use crate::engine::connection::end::EndReason;
use crate::engine::event::DecodeError;
use crate::engine::evidence::{Ring, Witness};
use crate::engine::histogram::Histogram;
use crate::engine::id::ConnectionId;
use crate::engine::state::StaleReason;
use crate::engine::stats::{Flow, OVERFLOW, RecoveryCount, Tally};
use crate::engine::sync::Gap;
use crate::engine::time::{Mono, Stamp, Wall};
use crate::shell::link::Target;
use crate::shell::slot::Published;
use crate::shell::voice::{About, Voice};
use log::Level;
use std::fmt::Arguments;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

mod evidence;
mod recovery;
pub use recovery::{RecoveryCounters, RestTally};

/// Rare events by a word out of a closed set.
#[derive(Debug, Default)]
pub struct Words(Mutex<Tally>);

impl Words {
    pub fn add(&self, word: &'static str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).add(word, 1);
    }

    pub fn tally(&self) -> Tally {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Sums over books that a reload has taken away.
#[derive(Clone, Default, Debug)]
pub struct Retired {
    pub messages: Flow,
    pub trades: u64,
    pub quotes: u64,
    pub liquidations: u64,
    pub audit_checks: u64,
    pub audit_mismatches: u64,
}

impl Retired {
    fn add(&mut self, flow: &Flow) {
        self.messages.applied += flow.applied;
        self.messages.duplicate += flow.duplicate;
        // Nobody waits for a snapshot any more.
        self.messages.discarded.add("dismissed", flow.buffered);
        flow.discarded.iter().for_each(|(why, count)| self.messages.discarded.add(why, count));
    }
}

/// One feed's counters; written by its readers and by the workers of its books.
#[derive(Debug, Default)]
pub struct FeedCounters {
    pub name: String,
    /// Data and control messages read from sockets, and their bytes.
    pub received: AtomicU64,
    pub bytes: AtomicU64,
    /// Control messages that did what they are for.
    pub controls: AtomicU64,
    /// Messages for which a queue had no room, or that were taken out of it for newer ones.
    pub overflow: AtomicU64,
    /// Messages thrown away while memory was critical.
    pub shed: AtomicU64,
    /// Messages of a generation that had ended.
    pub late: AtomicU64,
    /// What readers threw away, by reason: unknown symbols and types, malformed frames.
    pub refused: Words,
    pub decode_errors: Words,
    pub gaps: Words,
    pub mismatches: AtomicU64,
    /// By reason of the end before it.
    pub reconnects: Words,
    /// Of those, connections whose books went over to the next one first.
    pub handovers: AtomicU64,
    pub rest: RestTally,
    recoveries: Mutex<Vec<RecoveryCount>>,
    retired: Mutex<Retired>,
    evidence: Mutex<Ring>,
    pub control_sent: AtomicU64,
    /// Receive time minus exchange time of a recent message, nanoseconds, two's complement.
    pub exchange_delay_nanos: AtomicU64,
    /// The last overflow, nanoseconds of the monotonic clock; 0 for never.
    pub overflow_last: AtomicU64,
    pub voice: Arc<Voice>,
}

impl FeedCounters {
    /// The key is kept out of every line.
    pub fn new(name: &str, key: Option<Secret>) -> FeedCounters {
        let voice = Arc::new(Voice::new(name, key));
        FeedCounters { name: name.to_owned(), voice, ..FeedCounters::default() }
    }

    pub fn late(&self) {
        self.late.fetch_add(1, Relaxed);
    }

    /// A message of `symbol` found no room, or was taken out of the queue for a newer one.
    pub fn overflowed(&self, symbol: &str, now: Mono) {
        self.overflow.fetch_add(1, Relaxed);
        self.overflow_last.store(now.nanos().max(1), Relaxed);
        self.warn(
            About::Messages,
            OVERFLOW,
            now,
            format_args!(
                "the queue is full, dropping messages ({symbol} now); their books are stale until repaired"
            ),
        );
    }

    /// A data frame of `symbol` could not be read.
    pub fn undecodable(&self, error: DecodeError, symbol: &str, now: Mono) {
        self.decode_errors.add(error.kind());
        self.warn(
            About::Messages,
            error.kind(),
            now,
            format_args!("a message of {symbol} cannot be read: {error}; its book is stale until repaired"),
        );
    }

    /// A frame that belongs to no book of ours.
    pub fn refused(&self, reason: &'static str, detail: &str, now: Mono) {
        self.refused.add(reason);
        self.warn(
            About::Messages,
            reason,
            now,
            format_args!("dropped a message ({reason}): {}", self.voice.quote(detail)),
        );
    }

    pub fn gap(&self, gap: Gap, symbol: &str, at: Stamp) {
        self.gaps.add(gap.name());
        if let Gap::Checksum { here, there } = gap {
            self.contradicted(symbol, None, at.wall, Witness::Checksum { here, there });
        }
        self.warn(
            About::Messages,
            gap.name(),
            at.mono,
            format_args!("{symbol} has a gap: {gap}; the book is stale until repaired"),
        );
    }

    /// A book's stream brings nothing though it should.
    pub fn silent(&self, symbol: &str, now: Mono) {
        self.gaps.add(StaleReason::Silent.name());
        let text = format_args!("{symbol} has been silent for too long; the book is stale until repaired");
        self.warn(About::Messages, "silent", now, text);
    }

    /// A book is kept no more; what it counted stays counted.
    pub fn retire(&self, last: &Published) {
        let mut retired = self.retired.lock().unwrap_or_else(PoisonError::into_inner);
        retired.add(&last.messages());
        retired.trades += last.flow.trade_frames;
        retired.quotes += last.flow.quote_frames;
        retired.liquidations += last.flow.liquidation_frames;
        retired.audit_checks += last.audit_checks;
        retired.audit_mismatches += last.audit_mismatches;
    }

    /// What books that are kept no more counted.
    pub fn retired(&self) -> Retired {
        self.retired.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A repair by `method` came to `outcome`.
    pub fn recovery(&self, method: &'static str, outcome: &'static str) {
        let mut recoveries = self.recoveries.lock().unwrap_or_else(PoisonError::into_inner);
        match recoveries.iter_mut().find(|r| r.method == method && r.outcome == outcome) {
            Some(row) => row.count += 1,
            None => recoveries.push(RecoveryCount { method, outcome, count: 1 }),
        }
    }

    pub fn recoveries(&self) -> Vec<RecoveryCount> {
        self.recoveries.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A message said when it happened at the exchange.
    pub fn delayed(&self, received: Wall, exchange: Wall) {
        let delay = received.nanos().saturating_sub(exchange.nanos());
        self.exchange_delay_nanos.store(delay.cast_unsigned(), Relaxed);
    }

    pub fn exchange_delay_ms(&self) -> Option<f64> {
        let nanos = self.exchange_delay_nanos.load(Relaxed).cast_signed();
        (nanos != 0).then(|| nanos as f64 / 1e6)
    }

    /// The venue's planned end of the connection.
    pub fn notice(&self, now: Mono) {
        let text = format_args!("the venue asks to reconnect");
        self.voice.say(About::Connection, "notice", Level::Info, now, text);
    }

    /// A REST snapshot of `symbol` was read, and is no book.
    pub fn unusable(&self, symbol: &str, now: Mono) {
        self.warn(
            About::Messages,
            "unusable",
            now,
            format_args!("the snapshot of {symbol} is crossed, empty or otherwise no book; asking again"),
        );
    }

    fn warn(&self, about: About, kind: &'static str, now: Mono, text: Arguments<'_>) {
        self.voice.say(about, kind, Level::Warn, now, text);
    }

    /// The venue reported something about the connection.
    pub fn venue_said(&self, message: &str, now: Mono) {
        self.warn(
            About::Connection,
            "venue_said",
            now,
            format_args!("the venue says: {}", self.voice.quote(message)),
        );
    }

    /// The venue does not serve something that was asked for. `listed`: its name, where it has a list to look in.
    pub fn subscription_refused(
        &self,
        symbol: Option<&str>,
        message: &str,
        listed: Option<&'static str>,
        now: Mono,
    ) {
        let message = self.voice.quote(message);
        let remedy = listed.map_or_else(String::new, |venue| remedy(venue, symbol));
        let symbol = symbol.unwrap_or("a subscription");
        let text = format_args!(
            "the venue refuses {symbol}: {message}; the others are served, check the name{remedy}"
        );
        self.warn(About::Messages, "subscription_refused", now, text);
    }

    /// The count over all frames of a connection has a hole.
    pub fn count_jumped(&self, expected: u64, got: u64, now: Mono) {
        self.gaps.add("connection");
        let text = format_args!(
            "frame {expected} was expected and {got} came: every book of the connection is stale"
        );
        self.warn(About::Messages, "count_jumped", now, text);
    }

    /// Why a REST call brought no book.
    pub fn no_snapshot(&self, symbol: &str, trouble: &str, now: Mono) {
        let text = format_args!("no snapshot of {symbol}: {}; asking again", self.voice.quote(trouble));
        self.warn(About::Messages, "no_snapshot_answer", now, text);
    }

    /// A name has no address now.
    pub fn unresolved(&self, host: &str, why: &str, now: Mono) {
        self.warn(
            About::Connection,
            "name_not_found",
            now,
            format_args!("cannot look up {host}: {why}; trying again"),
        );
    }

    pub fn connected(&self, connection: ConnectionId, target: &Target, symbols: usize, now: Mono) {
        let Target { host, port, .. } = target;
        let text =
            format_args!("connection {} to {host}:{port} is subscribed, {symbols} symbols", connection.0);
        self.voice.say(About::Connection, "subscribed", Level::Info, now, text);
    }

    pub fn disconnected(&self, connection: ConnectionId, reason: &EndReason, now: Mono) {
        let why = self.voice.quote(&reason.to_string());
        self.warn(
            About::Connection,
            reason.name(),
            now,
            format_args!("connection {} ended ({why}); reconnecting", connection.0),
        );
    }

    /// A connection was replaced for a planned reason, and the next one carries its books.
    pub fn handed_over(&self, connection: ConnectionId, reason: &EndReason, now: Mono) {
        self.handovers.fetch_add(1, Relaxed);
        let text =
            format_args!("connection {} is replaced ({reason}): the next one has its books", connection.0);
        self.voice.say(About::Connection, "handed_over", Level::Info, now, text);
    }
}

/// Times and sizes, over all workers.
#[derive(Default)]
pub struct Timings {
    /// Messages a worker took at once.
    pub batch_messages: Histogram,
    /// Nanoseconds from socket read to book published.
    pub processing: Histogram,
    /// Nanoseconds from a batch taken by its worker to its books published.
    pub work: Histogram,
    /// Nanoseconds from gap to live.
    pub recovery_took: Histogram,
    /// Nanoseconds from connection lost to subscribed again.
    pub reconnect_took: Histogram,
    /// Nanoseconds from the end of a life to its last trace gone: shut, joined, fenced, cancelled.
    pub teardown_took: Histogram,
}

/// One worker's counters.
#[derive(Default)]
pub struct WorkerCounters {
    pub batches: AtomicU64,
    pub messages: AtomicU64,
    pub panics: AtomicU64,
    pub timings: Arc<Timings>,
}

impl WorkerCounters {
    pub fn new(timings: Arc<Timings>) -> WorkerCounters {
        WorkerCounters { timings, ..WorkerCounters::default() }
    }

    pub fn batch(&self, messages: usize) {
        self.batches.fetch_add(1, Relaxed);
        self.messages.fetch_add(messages as u64, Relaxed);
        self.timings.batch_messages.record(messages as u64);
    }

    /// So many messages took so long.
    pub fn processed(&self, took: Duration, messages: u64) {
        self.timings.processing.record_many(nanos(took), messages);
    }

    pub fn worked(&self, took: Duration) {
        self.timings.work.record(nanos(took));
    }

    pub fn recovered(&self, took: Duration) {
        self.timings.recovery_took.record(nanos(took));
    }
}

/// A duration as histograms take it: 584 years are enough.
pub fn nanos(took: Duration) -> u64 {
    u64::try_from(took.as_nanos()).unwrap_or(u64::MAX)
}

/// What to do about a refused symbol. A wrong name is looked for all the same: what is nearest to it is shown.
fn remedy(venue: &str, symbol: Option<&str>) -> String {
    // The text is to be pasted into a shell, and the symbol may be the venue's.
    let plain = |c: char| c.is_alphanumeric() || "-_:/.".contains(c);
    let pattern = symbol.filter(|symbol| !symbol.starts_with('-') && symbol.chars().all(plain));
    format!("; see `depthd symbols {venue} {}`", pattern.unwrap_or("PATTERN"))
}

#[cfg(test)]
mod tests {
    use super::remedy;

    #[test]
    fn what_to_do_about_a_refused_symbol_can_be_pasted() {
        assert_eq!(remedy("kraken", Some("BTC/UDST")), "; see `depthd symbols kraken BTC/UDST`");
        for odd in [None, Some("a; rm x"), Some("$(x)"), Some("`x`"), Some("--url"), Some("@1")] {
            assert_eq!(remedy("kraken", odd), "; see `depthd symbols kraken PATTERN`");
        }
    }
}
