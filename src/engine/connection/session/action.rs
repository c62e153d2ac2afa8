//! What a session asks of its reader.

use crate::engine::connection::end::EndReason;
use crate::engine::id::BookId;

/// What a message of an in-band restart does to its books. Tell them after it was written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Restarted {
    /// They leave the scope: whatever of them still comes is of the old run.
    Withdrawn(Vec<BookId>),
    /// They are back in the scope: the next snapshot is theirs.
    Restored(Vec<BookId>),
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SessionAction {
    Send {
        text: String,
        restart: Option<Restarted>,
    },
    /// Everything is sent, answered where the venue answers, and the first frame is here. Once a life, and once more
    /// after each [`super::Session::say`].
    Subscribed,
    /// Ask the peer for a sign of life: half of the idle timeout has passed without a frame. A quiet peer answers; one that
    /// is gone does not, and the idle timeout finds it without taking quiet for dead.
    Ping,
    /// This life is to leave soon, for this reason: have another take over. Once a life.
    Succeed(EndReason),
    /// Leave, for this reason. The last action of this life.
    End(EndReason),
}
