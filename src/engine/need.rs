//! What a book needs from the recovery machine. Level-triggered: it stands until the book says otherwise.

use crate::engine::state::StaleReason;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Need {
    /// Nothing: live, or waiting for a snapshot that comes by itself.
    Nothing,
    /// Nothing, and live where a snapshot can be compared with the book: one may be asked for while nobody needs anything.
    Audit,
    /// A first book on a fresh connection.
    First,
    /// A new book after the chain broke.
    Repair(StaleReason),
    /// A book that only a snapshot in the stream brings further, so never worth a REST call: `partial`, or restarted
    /// and waiting, or live with a window that runs out (it goes on being served meanwhile).
    Complete,
    /// A live book whose window runs out soon: a newer snapshot, joined without going stale.
    Refresh,
}

/// What became of a REST snapshot handed to a book.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Joined {
    /// The book is live.
    Live,
    /// The book is partial.
    Partial,
    /// The snapshot is older than the stream we kept: ask again, a little later.
    TooOld,
    /// The snapshot makes no sense (crossed, duplicate prices, numbers that do not fit, empty): ask again, later.
    Unusable,
    /// The book no longer needs it.
    NotNeeded,
}
