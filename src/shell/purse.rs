//! One venue's ledger, as the threads that spend from it hold it.

use crate::engine::ledger::Ledger;
use crate::engine::time::Mono;
use crate::shell::sync::{Arc, Mutex, PoisonError};

/// A share in the ledgers of all venues. The lock is held for a few additions, never while anything waits.
#[derive(Clone, Debug)]
pub struct Purse {
    pub ledgers: Arc<Mutex<Vec<Ledger>>>,
    pub venue: usize,
}

impl Purse {
    /// # Errors
    /// When to ask again.
    pub fn take_control(&self, now: Mono, messages: u32) -> Result<(), Mono> {
        self.with(|ledger| ledger.take_control(now, messages))
    }

    /// # Errors
    /// When to ask again.
    pub fn take_connect(&self, now: Mono) -> Result<(), Mono> {
        self.with(|ledger| ledger.take_connect(now))
    }

    /// No connection to this venue dials before this.
    pub fn hold_connects(&self, until: Mono) {
        self.with(|ledger| ledger.hold_connects(until));
    }

    fn with<T>(&self, spend: impl FnOnce(&mut Ledger) -> T) -> T {
        let mut ledgers = self.ledgers.lock().unwrap_or_else(PoisonError::into_inner);
        let ledger = ledgers.get_mut(self.venue).expect("every feed's venue has its ledger");
        spend(ledger)
    }
}
