//! How one thread shows a state of `N` words, and how any other looks at it and knows when not to believe it.
//!
//! The state's owner may be far behind: messages on their way to it were dropped, or the connection they came from is
//! gone. Whoever knows that first says so here, and from that moment on no look gives the shown state without a doubt,
//! until a state was shown that knows of it. What makes it hold is an order on both sides: the owner shows a state and
//! then says what it knows of; a look asks for doubts and then reads the state.

use crate::engine::state::StaleReason;
use crate::engine::time::Mono;
use crate::shell::seqcell::SeqCell;
use crate::shell::status::ConnectionStatus;
use crate::shell::sync::atomic::{AtomicU64, Ordering};

#[derive(Debug)]
pub struct Face<const N: usize> {
    cell: SeqCell<N>,
    /// How often messages went missing on our side, and how many of these times the shown state knows of.
    breaks: AtomicU64,
    passed: AtomicU64,
    /// When the first of those it does not know of was, nanoseconds of the monotonic clock, and why.
    broken_since: AtomicU64,
    broken_why: AtomicU64,
    /// The generation whose stream the shown state belongs to.
    generation: AtomicU64,
}

/// Why what is shown is not to be believed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Doubt {
    /// The life of the connection that it belongs to is not the one that is believed.
    Disconnected,
    /// Messages are missing of which it does not know.
    Broken { since: Mono, why: StaleReason },
}

impl<const N: usize> Face<N> {
    pub fn new() -> Face<N> {
        Face {
            cell: SeqCell::new([0; N]),
            breaks: AtomicU64::new(0),
            passed: AtomicU64::new(0),
            broken_since: AtomicU64::new(0),
            broken_why: AtomicU64::new(0),
            generation: AtomicU64::new(0),
        }
    }

    /// Shows a state. One thread at a time: its owner.
    pub fn publish(&self, words: &[u64; N], generation: u64) {
        self.cell.write(words);
        // After the state: who sees that another life is shown must not find the state of the life before.
        self.generation.store(generation, Ordering::Release);
    }

    /// The generation whose stream the shown state belongs to.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// What is shown, believed or not.
    pub fn read(&self) -> [u64; N] {
        self.cell.read()
    }

    /// Changes with everything that is shown.
    pub fn version(&self) -> u64 {
        self.cell.version()
    }

    /// What is shown and why not to believe it.
    pub fn look(&self, connection: Option<&ConnectionStatus>) -> (Option<Doubt>, [u64; N]) {
        // Asked first: what is shown after that knows of all that was doubted before.
        let doubt = self.doubt(connection);
        (doubt, self.cell.read())
    }

    pub fn doubt(&self, connection: Option<&ConnectionStatus>) -> Option<Doubt> {
        let mut generation = self.generation();
        while connection.is_some_and(|c| !c.is_believed(generation)) {
            // The book may have gone over to the next life between the two looks, and the life before be over since.
            let now = self.generation();
            if now == generation {
                return Some(Doubt::Disconnected);
            }
            generation = now;
        }
        self.broken().map(|(since, why)| Doubt::Broken { since, why })
    }

    /// Messages are missing from here on: gives the break's number, from 1.
    pub fn break_at(&self, now: Mono, why: StaleReason) -> u64 {
        if self.broken().is_none() {
            self.broken_why.store(reason_code(why), Ordering::Release);
            self.broken_since.store(now.nanos(), Ordering::Release);
        }
        self.breaks.fetch_add(1, Ordering::AcqRel) + 1
    }

    /// The last break's number, 0 before the first.
    pub fn breaks(&self) -> u64 {
        self.breaks.load(Ordering::Acquire)
    }

    /// Called by the owner only: what is shown now knows of this break and of all before it.
    pub fn pass(&self, number: u64) {
        self.passed.fetch_max(number, Ordering::AcqRel);
    }

    pub fn is_passed(&self, number: u64) -> bool {
        self.passed.load(Ordering::Acquire) >= number
    }

    /// Since when messages are missing of which the shown state does not know, and why.
    pub fn broken(&self) -> Option<(Mono, StaleReason)> {
        let open = !self.is_passed(self.breaks());
        open.then(|| {
            let since = Mono::from_nanos(self.broken_since.load(Ordering::Acquire));
            (since, reason_of(self.broken_why.load(Ordering::Acquire)))
        })
    }
}

/// A reason as a word of a shown state.
pub(super) fn reason_code(reason: StaleReason) -> u64 {
    StaleReason::ALL.iter().position(|r| *r == reason).unwrap_or_default() as u64
}

/// A word that is none reads as a gap.
pub(super) fn reason_of(code: u64) -> StaleReason {
    usize::try_from(code).ok().and_then(|i| StaleReason::ALL.get(i).copied()).unwrap_or(StaleReason::Gap)
}

impl<const N: usize> Default for Face<N> {
    fn default() -> Face<N> {
        Face::new()
    }
}
