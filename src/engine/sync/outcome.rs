//! What became of a message, in closed sets, and the counts that must add up.

use std::fmt;

use crate::engine::book::BookFault;

/// Where one message went. Each message is in exactly one place at a time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Disposition {
    /// The book shows it.
    Applied,
    /// The book already knew.
    Duplicate,
    /// Kept for a snapshot to join; applied or discarded later.
    Buffered,
    Discarded(Discard),
}

/// Why a message was let go unused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Discard {
    /// A change before the snapshot the stream sends by itself, or beside complete tops: nothing to apply it to.
    Unsynced,
    /// Kept, then older than the snapshot that came.
    Superseded,
    /// Slid out of the replay window, or too large for it.
    WindowFull,
    /// Kept, then cut off from the stream by a gap; or without the number that would place it.
    Gap,
    /// It could not be what the venue means: see [`BookFault`].
    Invalid,
    /// Kept, then its connection ended; or it came after the end.
    Disconnected,
}

impl Discard {
    pub const COUNT: usize = Discard::ALL.len();

    /// In the order of [`Counts::discarded`].
    pub const ALL: [Discard; 6] = [
        Discard::Unsynced,
        Discard::Superseded,
        Discard::WindowFull,
        Discard::Gap,
        Discard::Invalid,
        Discard::Disconnected,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Discard::Unsynced => "unsynced",
            Discard::Superseded => "superseded",
            Discard::WindowFull => "window_full",
            Discard::Gap => "gap",
            Discard::Invalid => "invalid",
            Discard::Disconnected => "disconnected",
        }
    }
}

/// How the chain broke at a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Gap {
    /// The numbers jumped forward.
    Missing { expected: u64, got: u64 },
    /// The numbers jumped back: the venue counts anew, and its first messages are not ours.
    Restart { expected: u64, got: u64 },
    /// A message without the number this venue's messages have.
    Unnumbered,
    /// Changes keep coming and the snapshot they belong to does not.
    NoSnapshot,
    /// The market moved out of the prices we can vouch for.
    Exhausted,
    /// The message itself makes no sense.
    Invalid(BookFault),
    /// The venue's sum over the book is another one than ours; `None` where ours could not even be made.
    Checksum { here: Option<u32>, there: u32 },
    /// A snapshot of the venue shows another book: [`super::BookSync::take_difference`].
    Snapshot,
    /// The message covers no numbers: its first is above its last.
    BadSpan,
}

impl Gap {
    /// Every [`Gap::name`].
    pub const NAMES: [&'static str; 9] = [
        "missing",
        "restart",
        "unnumbered",
        "no_snapshot",
        "exhausted",
        "invalid",
        "checksum",
        "snapshot",
        "bad_span",
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Gap::Missing { .. } => "missing",
            Gap::Restart { .. } => "restart",
            Gap::Unnumbered => "unnumbered",
            Gap::NoSnapshot => "no_snapshot",
            Gap::Exhausted => "exhausted",
            Gap::Invalid(_) => "invalid",
            Gap::Checksum { .. } => "checksum",
            Gap::Snapshot => "snapshot",
            Gap::BadSpan => "bad_span",
        }
    }
}

/// For the log.
impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Gap::Missing { expected, got } => write!(f, "expected {expected}, got {got}"),
            Gap::Restart { expected, got } => {
                write!(f, "expected {expected}, the venue counts anew from {got}")
            }
            Gap::Unnumbered => f.write_str("a message without a number"),
            Gap::NoSnapshot => f.write_str("changes without the snapshot they belong to"),
            Gap::Exhausted => f.write_str("the market left the prices that the last snapshot covered"),
            Gap::Invalid(fault) => write!(f, "a message that cannot be: {fault}"),
            Gap::Checksum { here: Some(here), there } => {
                write!(f, "the book sums up to {here} here and to {there} at the venue")
            }
            Gap::Checksum { here: None, there } => {
                write!(f, "numbers finer than the symbol's, and so no sum of {there}")
            }
            Gap::Snapshot => f.write_str("the venue's own snapshot shows another book"),
            Gap::BadSpan => f.write_str("a message whose first number is above its last"),
        }
    }
}

/// What one message did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Outcome {
    pub disposition: Disposition,
    /// Levels, sequence or state differ from before: readers should see.
    pub changed: bool,
    /// The chain broke at this message.
    pub gap: Option<Gap>,
}

/// How often a book was compared with its venue's sum over it, and how often the two differed.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Checks {
    pub made: u64,
    pub differed: u64,
}

/// The law: `received == applied + duplicate + buffered + sum(discarded)`, at all times.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Counts {
    pub received: u64,
    pub applied: u64,
    pub duplicate: u64,
    /// Kept right now.
    pub buffered: u64,
    /// In the order of [`Discard::ALL`].
    pub discarded: [u64; Discard::COUNT],
    /// Breaks of the chain seen, connections lost not counted.
    pub gaps: u64,
    /// Times the book came back from stale to the best state its stream allows.
    pub recoveries: u64,
}

impl Counts {
    pub fn discarded(&self, why: Discard) -> u64 {
        self.discarded[why as usize]
    }

    pub(super) fn discard(&mut self, why: Discard, messages: u64) {
        self.discarded[why as usize] += messages;
    }

    /// Messages kept until now leave the window unused.
    pub(super) fn drop_kept(&mut self, why: Discard, messages: u64) {
        self.buffered -= messages;
        self.discard(why, messages);
    }

    /// Whether the law holds.
    pub fn balance(&self) -> bool {
        let gone: u64 = self.discarded.iter().sum();
        self.received == self.applied + self.duplicate + self.buffered + gone
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reasons_are_listed_in_the_order_they_are_counted() {
        for (position, why) in Discard::ALL.into_iter().enumerate() {
            assert_eq!(why as usize, position, "{}", why.name());
        }
    }
}
