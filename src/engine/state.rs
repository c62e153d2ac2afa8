//! What a book is worth to a reader, and why.

use crate::engine::time::Stamp;

/// Why a book that was known no longer is. The words are the contract's.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum StaleReason {
    /// The venue's sequence jumped, or what we can vouch for ran out.
    Gap,
    /// Our own queue dropped a message of this book.
    Overflow,
    /// The connection ended.
    Disconnected,
    /// The venue's checksum and ours differ.
    Checksum,
    /// A message of this book could not be read, or did not fit.
    Decode,
    /// Nothing came for longer than this book's pace allows.
    Silent,
}

impl StaleReason {
    pub const ALL: [StaleReason; 6] = [
        StaleReason::Gap,
        StaleReason::Overflow,
        StaleReason::Disconnected,
        StaleReason::Checksum,
        StaleReason::Decode,
        StaleReason::Silent,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            StaleReason::Gap => "gap",
            StaleReason::Overflow => "overflow",
            StaleReason::Disconnected => "disconnected",
            StaleReason::Checksum => "checksum",
            StaleReason::Decode => "decode",
            StaleReason::Silent => "silent",
        }
    }
}

/// A book's state as readers see it: never optimistic.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// Nothing to show yet.
    Syncing,
    /// Equal to the venue's book at its sequence, inside the window it vouches for.
    Live,
    /// Exact for the best `exact_depth` levels of each side.
    Partial { exact_depth: u32 },
    /// Was known, no longer is.
    Stale { reason: StaleReason, since: Stamp },
}

impl State {
    pub const fn name(self) -> &'static str {
        match self {
            State::Syncing => "syncing",
            State::Live => "live",
            State::Partial { .. } => "partial",
            State::Stale { .. } => "stale",
        }
    }

    pub const fn is_live(self) -> bool {
        matches!(self, State::Live)
    }
}
