//! What a connection's lifecycle asks of the supervisor, and the words for where it is.

use std::time::Duration;

#[cfg(doc)]
use crate::engine::connection::{end::EndReason, lifecycle::Lifecycle, succession::Succession};
use crate::engine::id::Generation;
use crate::engine::time::Mono;

/// A teardown takes 50 ms (figure T1); one that is not through after this is stuck, and the supervisor is told.
pub const TEARDOWN_MAX: Duration = Duration::from_secs(2);

/// What the supervisor is to do next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// Look the name up; answer with [`Lifecycle::resolved`].
    Resolve,
    /// The name lookup was not answered in time. For the log; the wait before the next one has begun.
    LookupTimedOut,
    /// Ask the ledger for a connect; answer with [`Lifecycle::connect_token`].
    AskConnect,
    /// Start the reader. A thread that cannot be started has ended ([`EndReason::NoThread`]).
    Spawn { generation: Generation },
    /// From here on nothing of this life is to be believed.
    MarkDead(Generation),
    /// Shut its socket from outside, so that its reader wakes up.
    Shut(Generation),
    /// Join its reader; answer with [`Lifecycle::joined`], also when there was no thread.
    Join(Generation),
    /// Send the fence through every worker's queue; answer with [`Lifecycle::fenced`] once all have passed it.
    Fence(Generation),
    /// Cancel its repairs.
    Cancel(Generation),
    /// It is gone; so long did the teardown take.
    Record { generation: Generation, teardown: Duration },
    /// Have every worker move the books that wait for nothing but a word of this successor. [`Succession::carried`] is for
    /// when nothing is left.
    Move { generation: Generation },
    /// Said once when a teardown exceeds [`TEARDOWN_MAX`]: a thread does not end, or a worker does not move.
    Stuck { generation: Generation, joining: bool },
    /// The stop is complete. The last step.
    Stopped,
}

/// Where the connection is, for people.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    Idle,
    Resolving,
    /// Waits for a connect token.
    Queued,
    Connecting,
    /// Upgraded, not yet subscribed.
    Subscribing,
    Subscribed,
    TearingDown,
    BackingOff {
        until: Mono,
    },
    Stopped,
}

impl Phase {
    pub const fn name(self) -> &'static str {
        match self {
            Phase::Idle => "idle",
            Phase::Resolving => "resolving",
            Phase::Queued => "queued",
            Phase::Connecting => "connecting",
            Phase::Subscribing => "subscribing",
            Phase::Subscribed => "subscribed",
            Phase::TearingDown => "tearing_down",
            Phase::BackingOff { .. } => "backing_off",
            Phase::Stopped => "stopped",
        }
    }
}
