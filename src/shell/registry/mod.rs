//! Who is who, for readers: every feed, connection, book and thread, with what each has published.
//!
//! Reading takes no lock that a worker or reader takes while it handles messages. A book whose connection is no longer
//! believed is shown as stale at once, however far behind its worker may be.

mod stats;

use crate::engine::event::Level;
use crate::engine::evidence::Evidence;
use crate::engine::id::{BookId, ConnectionId, FeedId};
use crate::engine::rate::Rate;
use crate::engine::state::{StaleReason, State};
use crate::engine::time::{Mono, Stamp};
use crate::engine::view::{BookTop, BookView, LiquidationView, TradeView};
use crate::http::{Ask, Source};
use crate::shell::beat::Beat;
use crate::shell::clock::Clock;
use crate::shell::count::{FeedCounters, RecoveryCounters, Timings, WorkerCounters, nanos};
use crate::shell::face::Doubt;
use crate::shell::memory::ProcessMemory;
use crate::shell::queue::{LossBoard, QueueGauge};
use crate::shell::recovery::Notice;
use crate::shell::slot::{Published, Slot};
use crate::shell::status::ConnectionStatus;
use crate::shell::sync::channel::{Sender, bounded};
use crate::shell::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use crate::shell::worker::Side;
use crate::venue::canonical::Canonical;
use crate::venue::catalog;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// How long a reader of a book waits for its worker. A worker behind a full queue answers within a millisecond or two;
/// one that does not within this is stuck, and the reader is told so.
const ASK_WAIT: Duration = Duration::from_secs(1);

/// Rates are over the last minute at most, gaps over the last hour.
const RATE_SLOT: Duration = Duration::from_secs(1);
const GAP_SLOT: Duration = Duration::from_secs(60);

#[derive(Clone)]
pub struct FeedEntry {
    pub id: FeedId,
    pub name: String,
    pub venue: &'static str,
    pub enabled: bool,
    /// Its channels bring levels. Where they do not, its symbols have no books to show.
    pub carries_books: bool,
    /// Into the recovery counters.
    pub venue_index: usize,
    pub counters: Arc<FeedCounters>,
}

/// A connection, and the sign of life of its reader.
#[derive(Clone)]
pub struct ConnectionEntry {
    pub status: Arc<ConnectionStatus>,
    pub beat: Arc<Beat>,
}

/// Who is who now. Replaced as a whole when a reload adds or removes something.
#[derive(Clone, Default)]
pub struct Tables {
    pub feeds: Vec<FeedEntry>,
    pub connections: Vec<ConnectionEntry>,
    /// In configured order.
    pub slots: Vec<Arc<Slot>>,
}

pub struct WorkerEntry {
    pub name: String,
    pub counters: Arc<WorkerCounters>,
    pub gauge: Arc<QueueGauge>,
    pub side: Sender<Side>,
}

pub struct Registry {
    pub clock: Clock,
    pub started: Stamp,
    /// Held for the moment of taking a clone.
    pub tables: RwLock<Arc<Tables>>,
    pub workers: Vec<WorkerEntry>,
    pub recovery: Arc<RecoveryCounters>,
    pub notices: Sender<Notice>,
    pub beats: Vec<Arc<Beat>>,
    pub memory_limit_bytes: u64,
    pub log_dropped: Arc<dyn Fn() -> u64 + Send + Sync>,
    pub observed: Mutex<Observed>,
    pub timings: Arc<Timings>,
}

/// What is sampled once a second.
#[derive(Debug)]
pub struct Observed {
    pub memory: ProcessMemory,
    pub heap_peak_bytes: u64,
    pub message_rate: Rate,
    pub feed_rates: Vec<(FeedId, Rate)>,
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

impl Tables {
    fn feed(&self, id: FeedId) -> Option<&FeedEntry> {
        self.feeds.iter().find(|feed| feed.id == id)
    }

    fn feed_name(&self, id: FeedId) -> &str {
        self.feed(id).map_or("?", |feed| feed.name.as_str())
    }

    fn carries_books(&self, id: FeedId) -> bool {
        self.feed(id).is_some_and(|feed| feed.carries_books)
    }

    /// Every book there is to be shown, in configured order.
    fn books(&self) -> impl Iterator<Item = &Arc<Slot>> {
        self.slots.iter().filter(|slot| self.carries_books(slot.feed))
    }

    fn connection(&self, id: ConnectionId) -> Option<&ConnectionStatus> {
        self.connections.iter().map(|c| c.status.as_ref()).find(|status| status.id == id)
    }

    fn find(&self, feed: &str, symbol: &str) -> Result<Arc<Slot>, Ask> {
        let feed = self.feeds.iter().find(|f| f.name == feed).ok_or(Ask::UnknownFeed)?;
        let here = |symbol: &str| {
            let of = |slot: &&Arc<Slot>| slot.feed == feed.id && slot.symbol == symbol;
            self.slots.iter().find(of).cloned()
        };
        // A market may be asked for as it may be configured.
        let native = || catalog::by_name(feed.venue)?.native(&Canonical::parse(symbol)?);
        here(symbol).or_else(|| here(&native()?)).ok_or(Ask::UnknownBook)
    }
}

impl Registry {
    /// Who is who at this moment.
    pub fn tables(&self) -> Arc<Tables> {
        self.tables.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Makes a change to who is who.
    pub fn change(&self, change: impl FnOnce(&mut Tables)) {
        let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        let mut next = Tables::clone(&tables);
        change(&mut next);
        *tables = Arc::new(next);
    }

    /// Where a book stands for readers, which is never better than its worker says, and worse when the worker cannot
    /// know yet.
    pub fn top(&self, tables: &Tables, slot: &Slot) -> (BookTop, Published) {
        let (doubt, published) = slot.look(tables.connection(slot.connection));
        let mut top = published.top;
        top.state = seen(top.state, doubt.map(|doubt| self.stale(tables, slot, doubt)));
        (top, published)
    }

    fn doubt(&self, tables: &Tables, slot: &Slot) -> Option<State> {
        let doubt = slot.doubt(tables.connection(slot.connection))?;
        Some(self.stale(tables, slot, doubt))
    }

    /// How a doubt is shown.
    fn stale(&self, tables: &Tables, slot: &Slot, doubt: Doubt) -> State {
        let now = self.clock.stamp();
        match doubt {
            Doubt::Disconnected => {
                let since = tables.connection(slot.connection).map_or(now, |c| c.told().since);
                State::Stale { reason: StaleReason::Disconnected, since }
            }
            Doubt::Broken { since, why } => State::Stale { reason: why, since: stats::at_wall(since, now) },
        }
    }

    /// A connection is subscribed again, so long after it was lost.
    pub fn reconnected(&self, took: Duration) {
        self.timings.reconnect_took.record(nanos(took));
        self.observed().reconnect_last = Some(took);
    }

    /// A life of a connection is gone, so long after it ended.
    pub fn torn_down(&self, took: Duration) {
        self.timings.teardown_took.record(nanos(took));
    }

    /// Samples what cannot be counted as it happens.
    pub fn observe(&self, now: Stamp, memory: ProcessMemory) {
        let tables = self.tables();
        let feeds = || tables.feeds.iter().map(|f| &f.counters);
        let gaps = feeds().map(|c| c.gaps.tally().total()).sum();
        let errors = feeds().map(|c| c.decode_errors.tally().total()).sum::<u64>() + gaps;
        let mut observed = self.observed();
        observed.memory = memory;
        observed.heap_peak_bytes = observed.heap_peak_bytes.max(memory.anonymous_bytes);
        observed.message_rate.observe(now.mono, feeds().map(|c| c.received.load(Relaxed)).sum());
        observed.gap_rate.observe(now.mono, gaps);
        observed.error_rate.observe(now.mono, errors);
        observed.feed_rates.retain(|(id, _)| tables.feed(*id).is_some());
        for feed in &tables.feeds {
            let received = feed.counters.received.load(Relaxed);
            match observed.feed_rates.iter_mut().find(|(id, _)| *id == feed.id) {
                Some((_, rate)) => rate.observe(now.mono, received),
                None => observed.feed_rates.push((feed.id, Rate::new(RATE_SLOT))),
            }
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
    pub fn overdue(&self, now: Mono) -> Option<String> {
        self.expected().into_iter().find(|b| b.is_overdue(now)).map(|b| b.name.clone())
    }

    /// The threads that must report: those that always run, and the readers of living connections.
    pub fn expected(&self) -> Vec<Arc<Beat>> {
        let tables = self.tables();
        let readers = tables.connections.iter().filter(|c| c.status.is_alive()).map(|c| c.beat.clone());
        self.beats.iter().cloned().chain(readers).collect()
    }

    /// One line for `systemctl status`.
    pub fn summary(&self) -> String {
        let tables = self.tables();
        let live = tables.books().filter(|slot| self.top(&tables, slot).0.state.is_live()).count();
        let connected = tables.connections.iter().filter(|c| c.status.told().connected).count();
        let (books, connections) = (tables.books().count(), tables.connections.len());
        format!("{live} of {books} books live, {connected} of {connections} connections up")
    }

    /// Writes the state of every feed and book to the log.
    pub fn dump(&self) {
        let tables = self.tables();
        for ConnectionEntry { status, .. } in &tables.connections {
            let (told, name) = (status.told(), tables.feed_name(status.feed));
            log::info!(
                "feed {name}: connection {} is {} since {}, {} symbols, {} lives, last end {}",
                status.id.0,
                told.phase,
                told.since.wall,
                told.symbols,
                told.lives,
                told.last_end.as_deref().unwrap_or("none")
            );
        }
        for slot in tables.books() {
            let (top, published) = self.top(&tables, slot);
            let price = |level: Option<Level>| level.map_or_else(|| "-".to_owned(), |l| l.price.to_string());
            let sequence = top.sequence.map_or_else(|| "-".to_owned(), |s| s.to_string());
            log::info!(
                "book {}/{}: {} at {sequence}, bid {} ask {}, {} gaps, {} recoveries, {} messages",
                tables.feed_name(slot.feed),
                slot.symbol,
                top.state.name(),
                price(top.bid),
                price(top.ask),
                top.gaps,
                top.recoveries,
                published.counts.received
            );
        }
    }

    fn observed(&self) -> MutexGuard<'_, Observed> {
        self.observed.lock().unwrap_or_else(PoisonError::into_inner)
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
        let tables = self.tables();
        let row = |slot: &Arc<Slot>| {
            (tables.feed_name(slot.feed).to_owned(), slot.symbol.clone(), self.top(&tables, slot).0)
        };
        tables.books().map(row).collect()
    }

    fn book(&self, feed: &str, symbol: &str, depth: usize) -> Result<BookView, Ask> {
        let tables = self.tables();
        let slot = tables.find(feed, symbol)?;
        if !tables.carries_books(slot.feed) {
            return Err(Ask::NoBook);
        }
        // A book that is read is repaired first; a planner with a full inbox has more urgent news.
        let _ = self.notices.try_send(Notice::Interest { book: slot.id });
        let doubt = self.doubt(&tables, &slot);
        let mut view = self.ask(&slot, |reply| Side::AskBook { book: slot.id, depth, reply })?;
        view.top.state = seen(view.top.state, doubt.or_else(|| self.doubt(&tables, &slot)));
        Ok(view)
    }

    fn trades(&self, feed: &str, symbol: &str, limit: usize) -> Result<Vec<TradeView>, Ask> {
        let slot = self.tables().find(feed, symbol)?;
        self.ask(&slot, |reply| Side::AskTrades { book: slot.id, limit, reply })
    }

    fn liquidations(&self, feed: &str, symbol: &str, limit: usize) -> Result<Vec<LiquidationView>, Ask> {
        let slot = self.tables().find(feed, symbol)?;
        self.ask(&slot, |reply| Side::AskLiquidations { book: slot.id, limit, reply })
    }

    fn evidence(&self) -> Vec<(String, Evidence)> {
        let tables = self.tables();
        let of = |feed: &FeedEntry| {
            let ring = feed.counters.evidence();
            ring.iter().map(|piece| (feed.name.clone(), piece.clone())).collect::<Vec<_>>()
        };
        tables.feeds.iter().flat_map(of).collect()
    }
}

/// A book that shows nothing as good cannot be worse.
fn seen(state: State, doubt: Option<State>) -> State {
    match state {
        State::Live | State::Partial { .. } => doubt.unwrap_or(state),
        State::Syncing | State::Stale { .. } => state,
    }
}

/// Tells books and feeds of dropped messages. Asked only when there is no room, so it may look.
impl LossBoard for Registry {
    fn dropped(&self, connection: ConnectionId, book: BookId, at: Stamp) {
        let tables = self.tables();
        // The connection's feed: the book may have been dismissed while its message waited.
        let Some(feed) = tables.connection(connection).and_then(|c| tables.feed(c.feed)) else { return };
        let symbol = tables.slots.iter().find(|slot| slot.id == book).map_or("?", |slot| &slot.symbol);
        feed.counters.overflowed(symbol, at.mono);
    }

    fn broken(&self, book: BookId, why: StaleReason, at: Stamp) -> u64 {
        let tables = self.tables();
        tables.slots.iter().find(|slot| slot.id == book).map_or(0, |slot| slot.break_at(at.mono, why))
    }

    fn is_passed(&self, book: BookId, number: u64) -> bool {
        self.tables().slots.iter().find(|slot| slot.id == book).is_none_or(|slot| slot.is_passed(number))
    }
}
