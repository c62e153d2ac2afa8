//! Who is who, for readers: every feed, connection, book and thread, with what each has published.
//!
//! Reading takes no lock that a worker or reader takes while it handles messages. A book whose connection is no longer
//! believed is shown as stale at once, however far behind its worker may be.

mod stats;

use crate::engine::connection::end::EndReason;
use crate::engine::id::BookId;
use crate::engine::rate::Rate;
use crate::engine::state::{StaleReason, State};
use crate::engine::time::{Mono, Stamp};
use crate::engine::view::{BookTop, BookView, TradeView};
use crate::http::{Ask, Source};
use crate::shell::beat::Beat;
use crate::shell::clock::Clock;
use crate::shell::count::{FeedCounters, RecoveryCounters, Timings, Words, WorkerCounters, nanos};
use crate::shell::memory::ProcessMemory;
use crate::shell::queue::{LossBoard, QueueGauge};
use crate::shell::recovery::Notice;
use crate::shell::slot::{Published, Slot};
use crate::shell::status::ConnectionStatus;
use crate::shell::worker::Side;
use crossbeam_channel::{Sender, bounded};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long a reader of a book waits for its worker. A worker behind a full queue answers within a millisecond or two;
/// one that does not within this is stuck, and the reader is told so.
const ASK_WAIT: Duration = Duration::from_secs(1);

/// Rates are over the last minute at most, gaps over the last hour.
const RATE_SLOT: Duration = Duration::from_secs(1);
const GAP_SLOT: Duration = Duration::from_secs(60);

pub struct FeedEntry {
    pub name: String,
    pub venue: &'static str,
    pub enabled: bool,
    /// Into the recovery counters.
    pub venue_index: usize,
    pub counters: Arc<FeedCounters>,
    pub reconnects: Words,
}

pub struct WorkerEntry {
    pub name: String,
    pub books: usize,
    pub counters: Arc<WorkerCounters>,
    pub gauge: Arc<QueueGauge>,
    pub side: Sender<Side>,
}

pub struct Registry {
    pub clock: Clock,
    pub started: Stamp,
    pub feeds: Vec<FeedEntry>,
    pub connections: Vec<Arc<ConnectionStatus>>,
    pub slots: Vec<Arc<Slot>>,
    pub workers: Vec<WorkerEntry>,
    pub recovery: Arc<RecoveryCounters>,
    pub notices: Sender<Notice>,
    pub beats: Vec<Arc<Beat>>,
    /// By connection; only a reader that runs is expected to report.
    pub reader_beats: Vec<Arc<Beat>>,
    pub memory_limit_bytes: u64,
    pub log_dropped: Arc<dyn Fn() -> u64 + Send + Sync>,
    pub observed: Mutex<Observed>,
    pub timings: Arc<Timings>,
}

/// What is sampled twice a second.
#[derive(Debug)]
pub struct Observed {
    pub memory: ProcessMemory,
    pub heap_peak_bytes: u64,
    pub message_rate: Rate,
    pub feed_rates: Vec<Rate>,
    pub gap_rate: Rate,
    pub error_rate: Rate,
    pub reconnect_last: Option<Duration>,
}

impl Default for Observed {
    fn default() -> Observed {
        Observed {
            memory: ProcessMemory::default(),
            heap_peak_bytes: 0,
            message_rate: Rate::new(RATE_SLOT),
            feed_rates: Vec::new(),
            gap_rate: Rate::new(GAP_SLOT),
            error_rate: Rate::new(RATE_SLOT),
            reconnect_last: None,
        }
    }
}

impl Registry {
    /// Where a book stands for readers, which is never better than its worker says, and worse when the worker cannot
    /// know yet.
    pub fn top(&self, slot: &Slot) -> (BookTop, Published) {
        let published = slot.read();
        let mut top = published.top;
        top.state = self.seen(slot, top.state);
        (top, published)
    }

    fn seen(&self, slot: &Slot, state: State) -> State {
        if !matches!(state, State::Live | State::Partial { .. }) {
            return state;
        }
        let connection = self.connections.get(usize::from(slot.connection.0));
        match connection {
            Some(c) if !c.is_believed(slot.generation()) => {
                State::Stale { reason: StaleReason::Disconnected, since: c.told().since }
            }
            Some(_) if slot.is_lost() => {
                State::Stale { reason: StaleReason::Overflow, since: self.clock.stamp() }
            }
            _ => state,
        }
    }

    /// A life of one of the feed's connections ended.
    pub fn ended(&self, feed: usize, reason: &EndReason, _teardown: Duration) {
        if let Some(feed) = self.feeds.get(feed).filter(|_| *reason != EndReason::Stop) {
            feed.reconnects.add(reason.name());
        }
    }

    /// A connection is subscribed again, so long after it was lost.
    pub fn reconnected(&self, took: Duration) {
        self.timings.reconnect_took.record(nanos(took));
        self.observed().reconnect_last = Some(took);
    }

    /// Samples what cannot be counted as it happens.
    pub fn observe(&self, now: Stamp, memory: ProcessMemory) {
        let received: Vec<u64> = self.feeds.iter().map(|f| f.counters.received.load(Relaxed)).collect();
        let gaps = self.feeds.iter().map(|f| f.counters.gaps.tally().total()).sum();
        let errors = self.feeds.iter().map(|f| f.counters.decode_errors.tally().total()).sum::<u64>() + gaps;
        let mut observed = self.observed();
        observed.memory = memory;
        observed.heap_peak_bytes = observed.heap_peak_bytes.max(memory.anonymous_bytes);
        observed.message_rate.observe(now.mono, received.iter().sum());
        observed.gap_rate.observe(now.mono, gaps);
        observed.error_rate.observe(now.mono, errors);
        observed.feed_rates.resize(received.len(), Rate::new(RATE_SLOT));
        for (rate, count) in observed.feed_rates.iter_mut().zip(received) {
            rate.observe(now.mono, count);
        }
    }

    /// The part of the limit that is in use.
    pub fn memory_part(&self, limit_bytes: u64) -> f64 {
        if limit_bytes == 0 {
            0.0
        } else {
            self.observed().memory.anonymous_bytes as f64 / limit_bytes as f64
        }
    }

    /// A thread that has not reported within its time.
    pub fn overdue(&self, now: Mono) -> Option<&str> {
        self.expected().find(|b| b.is_overdue(now)).map(|b| b.name.as_str())
    }

    /// The threads that must report: those that always run, and the readers of living connections.
    pub fn expected(&self) -> impl Iterator<Item = &Arc<Beat>> {
        let running = |(c, _): &(&Arc<ConnectionStatus>, &Arc<Beat>)| c.is_alive();
        let readers = self.connections.iter().zip(&self.reader_beats).filter(running).map(|(_, beat)| beat);
        self.beats.iter().chain(readers)
    }

    /// One line for `systemctl status`.
    pub fn summary(&self) -> String {
        let live = self.slots.iter().filter(|slot| self.top(slot).0.state.is_live()).count();
        let connected = self.connections.iter().filter(|c| c.told().connected).count();
        format!(
            "{live} of {} books live, {connected} of {} connections up",
            self.slots.len(),
            self.connections.len()
        )
    }

    /// Writes the state of every feed and book to the log.
    pub fn dump(&self) {
        for connection in &self.connections {
            let (told, name) = (connection.told(), self.feed_name(connection.feed));
            log::info!(
                "feed {name}: connection {} is {} since {}, {} symbols, {} lives, last end {}",
                connection.id.0,
                told.phase,
                told.since.wall,
                connection.symbols,
                told.lives,
                told.last_end.as_deref().unwrap_or("none")
            );
        }
        for slot in &self.slots {
            let (top, published) = self.top(slot);
            let name = self.feed_name(usize::from(slot.feed.0));
            let show = |level: Option<crate::engine::event::Level>| {
                level.map_or_else(|| "-".to_owned(), |l| l.price.to_string())
            };
            log::info!(
                "book {name}/{}: {} at {:?}, bid {} ask {}, {} gaps, {} recoveries, {} messages",
                slot.symbol,
                top.state.name(),
                top.sequence,
                show(top.bid),
                show(top.ask),
                top.gaps,
                top.recoveries,
                published.counts.received
            );
        }
    }

    fn feed_name(&self, feed: usize) -> &str {
        self.feeds.get(feed).map_or("?", |f| f.name.as_str())
    }

    fn observed(&self) -> std::sync::MutexGuard<'_, Observed> {
        self.observed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, feed: &str, symbol: &str) -> Result<&Arc<Slot>, Ask> {
        let index = self.feeds.iter().position(|f| f.name == feed).ok_or(Ask::UnknownFeed)?;
        let here = |slot: &&Arc<Slot>| usize::from(slot.feed.0) == index && slot.symbol == symbol;
        self.slots.iter().find(here).ok_or(Ask::UnknownBook)
    }

    fn ask<T>(&self, slot: &Slot, request: impl FnOnce(Sender<T>) -> Side) -> Result<T, Ask> {
        let (reply, replies) = bounded(1);
        let worker = self.workers.get(slot.worker).ok_or(Ask::Busy)?;
        worker.side.try_send(request(reply)).map_err(|_| Ask::Busy)?;
        replies.recv_timeout(ASK_WAIT).map_err(|_| Ask::Busy)
    }
}

impl Source for Registry {
    fn stats(&self) -> crate::engine::stats::Stats {
        stats::collect(self)
    }

    fn books(&self) -> Vec<(String, String, BookTop)> {
        let row = |slot: &Arc<Slot>| {
            (self.feed_name(usize::from(slot.feed.0)).to_owned(), slot.symbol.clone(), self.top(slot).0)
        };
        self.slots.iter().map(row).collect()
    }

    fn book(&self, feed: &str, symbol: &str, depth: usize) -> Result<BookView, Ask> {
        let slot = self.find(feed, symbol)?;
        // A book that is read is repaired first; a planner with a full inbox has more urgent news.
        let _ = self.notices.try_send(Notice::Interest { book: slot.id });
        let mut view = self.ask(slot, |reply| Side::AskBook { book: slot.id, depth, reply })?;
        view.top.state = self.seen(slot, view.top.state);
        Ok(view)
    }

    fn trades(&self, feed: &str, symbol: &str, limit: usize) -> Result<Vec<TradeView>, Ask> {
        let slot = self.find(feed, symbol)?;
        self.ask(slot, |reply| Side::AskTrades { book: slot.id, limit, reply })
    }
}

/// The books' marks of dropped messages.
pub struct Losses(pub Vec<Arc<Slot>>);

impl LossBoard for Losses {
    fn set(&self, book: BookId) -> bool {
        self.0.get(book.0 as usize).is_some_and(|slot| slot.set_lost())
    }
}
