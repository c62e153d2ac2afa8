//! What is kept of a book that its own venue contradicted: both sides, and when.

use crate::engine::event::{Level, Side};
use crate::engine::time::Wall;
use std::collections::VecDeque;
use std::fmt;

/// Pieces kept a feed, the newest: one is enough to look for the cause, a few show a pattern. Some 200 bytes each.
pub const KEPT_MAX: usize = 16;

/// The witness that contradicts, with what it says and what the book says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Witness {
    /// Best bid and best ask at the same number.
    Quote { here: (Option<Level>, Option<Level>), there: (Option<Level>, Option<Level>) },
    /// The sum over the book; `None` where ours could not be made.
    Checksum { here: Option<u32>, there: u32 },
    /// A snapshot that was asked for to compare.
    Snapshot(Difference),
}

/// Where a book and a snapshot of its venue, continued to the same number, differ first from the touch outwards.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Difference {
    pub side: Side,
    /// What comes next on that side; `None` where nothing does inside the prices that both vouch for.
    pub ours: Option<Level>,
    pub theirs: Option<Level>,
    /// The number at which the two were compared.
    pub sequence: Option<u64>,
    /// The snapshot's own number, and its time where the venue says one.
    pub snapshot: u64,
    pub time: Option<Wall>,
}

impl Witness {
    pub const fn name(&self) -> &'static str {
        match self {
            Witness::Quote { .. } => "quote",
            Witness::Checksum { .. } => "checksum",
            Witness::Snapshot(_) => "snapshot",
        }
    }
}

/// For the log.
impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = if self.side == Side::Bid { "bid" } else { "ask" };
        let level = |f: &mut fmt::Formatter<'_>, level: Option<Level>| match level {
            Some(Level { price, size }) => write!(f, "{size} at {price}"),
            None => f.write_str("nothing"),
        };
        write!(f, "the next {side} is ")?;
        level(f, self.ours)?;
        f.write_str(" here and ")?;
        level(f, self.theirs)?;
        write!(f, " in the snapshot {}", self.snapshot)
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Evidence {
    pub symbol: String,
    /// The number at which the two were compared, where the venue numbers.
    pub sequence: Option<u64>,
    /// When the message that showed it was received.
    pub received: Wall,
    pub witness: Witness,
}

/// The newest pieces, oldest first.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Ring(VecDeque<Evidence>);

impl Ring {
    pub fn push(&mut self, evidence: Evidence) {
        if self.0.len() == KEPT_MAX {
            self.0.pop_front();
        }
        self.0.push_back(evidence);
    }

    pub fn iter(&self) -> impl Iterator<Item = &Evidence> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_are_kept() {
        let mut ring = Ring::default();
        for n in 0..100 {
            let witness = Witness::Checksum { here: Some(n), there: 0 };
            let received = Wall::from_nanos(i64::from(n));
            ring.push(Evidence { symbol: "A".to_owned(), sequence: None, received, witness });
        }
        let kept: Vec<i64> = ring.iter().map(|e| e.received.nanos()).collect();
        assert_eq!(kept, (84..100).collect::<Vec<i64>>());
    }
}
