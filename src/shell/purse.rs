//! One venue's ledger, as the threads that spend from it hold it.

use crate::engine::ledger::Ledger;
use crate::engine::resume::VenueBudgets;
use crate::engine::time::{Mono, Stamp};
use crate::shell::journal::Journal;
use crate::shell::sync::{Arc, Mutex, PoisonError};

/// A share in the ledgers of all venues. The lock is held for a few additions, never while anything waits.
#[derive(Clone, Debug)]
pub struct Purse {
    pub ledgers: Arc<Mutex<Vec<Ledger>>>,
    pub venue: usize,
    pub journal: Arc<Journal>,
}

impl Purse {
    /// # Errors
    /// When to ask again.
    pub fn take_control(&self, now: Mono, messages: u32) -> Result<(), Mono> {
        self.with(|ledger| ledger.take_control(now, messages))
    }

    /// # Errors
    /// When to ask again.
    pub fn take_connect(&self, now: Stamp) -> Result<(), Mono> {
        let taken = self.with(|ledger| ledger.take_connect(now.mono));
        if taken.is_ok() {
            self.note(now);
        }
        taken
    }

    /// No connection to this venue dials before this.
    pub fn hold_connects(&self, now: Stamp, until: Mono) {
        self.with(|ledger| ledger.hold_connects(until));
        self.note(now);
    }

    /// Writes down what is left.
    fn note(&self, now: Stamp) {
        let mut left = VenueBudgets::default();
        let venue = self.with(|ledger| {
            ledger.state(now.mono, &mut left);
            ledger.venue
        });
        self.journal.note(now.wall, venue, |budgets| {
            (budgets.connects, budgets.control_day) = (left.connects, left.control_day);
        });
    }

    fn with<T>(&self, spend: impl FnOnce(&mut Ledger) -> T) -> T {
        let mut ledgers = self.ledgers.lock().unwrap_or_else(PoisonError::into_inner);
        let ledger = ledgers.get_mut(self.venue).expect("every feed's venue has its ledger");
        spend(ledger)
    }
}
