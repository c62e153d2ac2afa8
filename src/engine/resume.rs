//! What is left of each venue's budgets, so that a daemon that was killed goes on where it was and not with full purses: one
//! that dies at every start must not earn a ban by starting again.
//!
//! Ages and waits are relative to the moment a state was taken, because the clock they are counted by ends with the process.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// Of every venue, by its name.
pub type Budgets = BTreeMap<String, VenueBudgets>;

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VenueBudgets {
    pub connects: Left,
    pub rest: Left,
    /// Control messages, where the venue counts a day of them.
    pub control_day: Spent,
    pub rest_day: Spent,
}

/// Of a budget that refills: whole tokens there, and how long nothing may be spent because the venue said so.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Left {
    pub tokens: u64,
    pub wait_ms: u64,
}

impl Left {
    /// What is left of the wait after so long.
    pub fn wait_after(&self, elapsed: Duration) -> Duration {
        Duration::from_millis(self.wait_ms).saturating_sub(elapsed)
    }
}

/// Of a budget for any 24 hours: what was spent, by how many quarters of an hour ago.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Spent(pub BTreeMap<u16, u32>);
