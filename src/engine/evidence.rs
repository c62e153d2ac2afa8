//! What is kept of a book that its own venue contradicted: both sides, and when.

use crate::engine::event::Level;
use crate::engine::time::Wall;
use std::collections::VecDeque;

/// Pieces kept a feed, the newest: one is enough to look for the cause, a few show a pattern. Some 200 bytes each.
pub const KEPT_MAX: usize = 16;

/// The witness that contradicts, with what it says and what the book says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Witness {
    /// Best bid and best ask at the same number.
    Quote { here: (Option<Level>, Option<Level>), there: (Option<Level>, Option<Level>) },
    /// The sum over the book; `None` where ours could not be made.
    Checksum { here: Option<u32>, there: u32 },
}

impl Witness {
    pub const fn name(&self) -> &'static str {
        match self {
            Witness::Quote { .. } => "quote",
            Witness::Checksum { .. } => "checksum",
        }
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
