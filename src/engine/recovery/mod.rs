//! Recovery: which book is repaired next, by what means, and when. One planner for all venues.
//!
//! Books say what they need, level-triggered; the [`Planner`] answers with [`Action`]s that never exceed a budget:
//! REST calls (rate, day, concurrency, breaker, pauses the venue asked for), in-band restarts (control messages) and
//! reconnects. It sees no book and no body, and it never gives up: whatever fails is tried again, later.

mod gate;
mod means;
mod planner;
#[cfg(test)]
pub(super) mod testing;
mod want;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::engine::id::{BookId, ConnectionId, Generation};
use crate::venue::profile::{Profile, RestBudget};

pub use planner::Planner;

/// How one venue is asked: its profile, and what the configuration made of its limits.
#[derive(Clone, Copy, Debug)]
pub struct VenueRules {
    pub profile: &'static Profile,
    /// In force. A burst smaller than one snapshot's cost is raised to it: it would mean never.
    pub rest: RestBudget,
    /// REST calls in flight, at least one.
    pub max_concurrent: usize,
    pub breaker_failures: u32,
    pub breaker_open: Duration,
}

/// One REST call. Every ticket is answered once, whatever happened to the call: it holds its place until then.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Ticket(u64);

/// Why a whole connection is replaced.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Why {
    /// More than half of its books broke: one subscription for all is cheaper than a restart of each.
    MostBooks,
    /// All of its books broke: a restart would leave the scope empty, and an empty scope means everything.
    AllBooks,
    /// Restarts did not help a book, or the venue has none.
    NoOtherWay,
}

/// What to do; already paid for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
    /// Fetch the book over REST; answer with [`Planner::answered`], then [`Planner::joined`].
    Fetch { ticket: Ticket, book: BookId, connection: ConnectionId, generation: Generation },
    /// Fetch the book over REST to compare it, and tell it first: [`crate::engine::sync::BookSync::expect_comparison`].
    /// Answer with [`Planner::answered`].
    Audit { ticket: Ticket, book: BookId, connection: ConnectionId, generation: Generation },
    /// Take the books out of the scope and put them back.
    Restart { connection: ConnectionId, generation: Generation, books: Vec<BookId> },
    /// Replace the connection.
    Reconnect { connection: ConnectionId, generation: Generation, why: Why },
}

/// What was done and what became of it, since the start.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Counts {
    pub fetches: u64,
    pub audits: u64,
    pub restarts: u64,
    pub restarted_books: u64,
    pub reconnects: u64,
    pub joined_live: u64,
    pub joined_partial: u64,
    pub joined_too_old: u64,
    pub joined_unusable: u64,
}

/// REST calls to one venue and their answers, since the start.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct RestCounts {
    pub calls: u64,
    pub good: u64,
    pub throttled: u64,
    pub banned: u64,
    pub no_data: u64,
    pub refused: u64,
    pub denied: u64,
    pub failed: u64,
    /// By HTTP status; 0 where there was none. At most a thousand entries.
    pub by_status: BTreeMap<u16, u64>,
}

/// The control messages of one restart: one out, one back.
const RESTART_MESSAGES: u32 = 2;
