//! What is known outside the daemon, and every look held against it.

use super::venue::{self, Face, Market, RUN, Venue};
use crate::config::Overflow;
use crate::engine::connection::step::Phase;
use crate::engine::decimal::Decimal;
use crate::engine::event::Level;
use crate::engine::id::Generation;
use crate::engine::state::State;
use crate::engine::view::BookTop;
use crate::http::Source;
use crate::shell::count::FeedCounters;
use crate::shell::registry::Registry;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// Deeper than any book here.
const DEPTH: usize = 10;

static LOOKS: AtomicU64 = AtomicU64::new(0);
static LIVE: AtomicU64 = AtomicU64::new(0);
static DROPS: AtomicU64 = AtomicU64::new(0);
static LIVES: AtomicU64 = AtomicU64::new(0);
static GAPS: AtomicU64 = AtomicU64::new(0);

/// What all schedules so far have met: a model in which nothing happens proves nothing.
pub fn tally() -> String {
    format!(
        "so far {} looks, {} of them live, {} drops, {} lives, {} gaps",
        LOOKS.load(Relaxed),
        LIVE.load(Relaxed),
        DROPS.load(Relaxed),
        LIVES.load(Relaxed),
        GAPS.load(Relaxed)
    )
}

/// Locks of the standard library: nothing is scheduled while one is held, so nobody ever waits for one.
pub struct Witness {
    venue: Mutex<Venue>,
    known: Mutex<Known>,
    counters: OnceLock<Arc<FeedCounters>>,
    overflow: Overflow,
}

#[derive(Default)]
struct Known {
    /// Lives started and not joined.
    running: u32,
    joined: Option<Generation>,
    /// A live book has this message: it was dropped, and everybody was told.
    lost: [Option<Market>; 2],
    failure: Option<String>,
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Witness {
    pub fn new(venue: Venue, overflow: Overflow) -> Witness {
        Witness { venue: Mutex::new(venue), known: Mutex::default(), counters: OnceLock::new(), overflow }
    }

    pub fn overflow(&self) -> Overflow {
        self.overflow
    }

    pub fn venue(&self) -> MutexGuard<'_, Venue> {
        held(&self.venue)
    }

    pub fn watches(&self, counters: Arc<FeedCounters>) {
        let _ = self.counters.set(counters);
    }

    /// Messages our own queues had no room for.
    pub fn dropped(&self) -> u64 {
        self.counters.get().map_or(0, |c| c.overflow.load(Relaxed))
    }

    pub fn started(&self) {
        let mut known = held(&self.known);
        assert_eq!(known.running, 0, "I5: a life begins before the one before is joined");
        known.running += 1;
        LIVES.fetch_add(1, Relaxed);
    }

    pub fn joined(&self, generation: Generation) {
        let mut known = held(&self.known);
        known.running -= 1;
        assert!(Some(generation) > known.joined, "I5: {generation:?} joined after {:?}", known.joined);
        known.joined = Some(generation);
    }

    /// Where the newest goes, what was dropped is the message the reader had in its hand.
    pub fn lost(&self, book: usize, market: Market) {
        if self.overflow == Overflow::DropNewest {
            held(&self.known).lost[book] = Some(market);
        }
    }

    /// Something broke where a panic would be taken for a fault of the daemon's own and mended.
    pub fn fail(&self, what: String) {
        held(&self.known).failure.get_or_insert(what);
    }

    /// Looks at every book as an HTTP reader does. True when all are live.
    pub fn look(&self, registry: &Registry) -> bool {
        let (joined, lost) = {
            let known = held(&self.known);
            if let Some(failure) = &known.failure {
                panic!("{failure}");
            }
            (known.joined, known.lost)
        };
        let tables = registry.tables();
        let status = &tables.connections.first().expect("one connection").status;
        // In this order: what is torn down was believed before, and is not again before another life.
        let told = status.told();
        let dead = told.phase == Phase::TearingDown.name() && !status.is_alive();
        let face = self.venue().face;
        let mut all = true;
        for (book, symbol) in face.symbols().into_iter().enumerate() {
            let slot = tables.slots.iter().find(|slot| slot.symbol == symbol).expect("a slot a book");
            let (top, _) = registry.top(&tables, slot);
            LOOKS.fetch_add(1, Relaxed);
            all &= top.state.is_live();
            if !top.state.is_live() {
                continue;
            }
            LIVE.fetch_add(1, Relaxed);
            let over = dead && status.told().lives == told.lives;
            assert!(!over, "I6: {symbol} is live though its connection was gone before the look: {top:?}");
            self.is_right(symbol, &top, joined, lost[book]);
        }
        all
    }

    /// Asks a worker for a whole book, as an HTTP reader does, and compares all of it.
    pub fn ask(&self, registry: &Registry, book: usize) {
        let face = self.venue().face;
        let (joined, lost) = {
            let known = held(&self.known);
            (known.joined, known.lost[book])
        };
        let symbol = face.symbols()[book];
        // A worker that is busy for long is nothing wrong.
        let Ok(view) = registry.book(face.name(), symbol, DEPTH) else { return };
        if view.top.state == State::Live {
            let Market { run, n } = self.is_right(symbol, &view.top, joined, lost);
            assert_eq!(view.bids, venue::levels(&venue::bids(run, n)), "I1: bids of {symbol} at {run}, {n}");
            assert_eq!(view.asks, venue::levels(&venue::asks(run, n)), "I1: asks of {symbol} at {run}, {n}");
        }
    }

    /// I1 to I4 and I6 for one book that is shown live. Gives what it is the book of.
    fn is_right(
        &self,
        symbol: &str,
        top: &BookTop,
        joined: Option<Generation>,
        lost: Option<Market>,
    ) -> Market {
        let bid = top.bid.expect("a live book has a best bid");
        let run = (1..).find(|run| size(*run + 1, 0) > bid.size).expect("a size is of a run");
        let n = top.sequence.expect("a live book has a sequence") - venue::sequence(0);
        let market = Market { run, n };
        let best = |side: Vec<(u64, u64)>| -> Option<Level> { venue::levels(&side).first().copied() };
        assert_eq!(top.bid, best(venue::bids(run, n)), "I1: the best bid of {symbol} at {market:?}");
        assert_eq!(top.ask, best(venue::asks(run, n)), "I1: the best ask of {symbol} at {market:?}");
        if let Some(lost) = lost {
            let knows = (run, n) >= (lost.run, lost.n);
            assert!(knows, "I6: {symbol} is live at {market:?} though {lost:?} was dropped before the look");
        }
        let venue = self.venue();
        if venue.face == Face::InBand {
            let life = venue.lives_of_runs.iter().find(|(of, _)| *of == run).map(|(_, life)| *life);
            assert!(life > joined, "I4: {symbol} is live with {life:?}, and {joined:?} was joined");
        }
        market
    }

    /// Nothing is left over: every message has its place, every queue is empty and was never over its bound.
    pub fn at_rest(&self, registry: &Registry) {
        let stats = registry.stats();
        for feed in &stats.feeds {
            assert_eq!(feed.messages.in_flight(), 0, "I7: {:?}", feed.messages);
        }
        for worker in &registry.workers {
            let gauge = &worker.gauge;
            assert_eq!(worker.counters.panics.load(Relaxed), 0, "a worker panicked");
            use crate::shell::sync::atomic::Ordering::SeqCst;
            assert_eq!((gauge.messages.load(SeqCst), gauge.bytes.load(SeqCst)), (0, 0), "queues are empty");
            assert!(gauge.messages_high.load(SeqCst) <= gauge.messages_max, "I9");
            assert!(gauge.bytes_high.load(SeqCst) <= gauge.bytes_max, "I9");
        }
        assert_eq!(held(&self.known).running, 0, "I5: every life was joined");
        DROPS.fetch_add(self.dropped(), Relaxed);
        GAPS.fetch_add(self.counters.get().map_or(0, |c| c.gaps.tally().total()), Relaxed);
    }
}

fn size(run: u64, n: u64) -> Decimal {
    Decimal::new(i128::from(run * RUN + n), 0).expect("a small number")
}
