//! The sides of a book message as they are read, of books deeper than any other venue's.
//!
//! The largest product's snapshot has more than 4 MB at some hundred bytes a level, while no book here keeps more than
//! [`LEVELS_PER_SIDE_MAX`]. Snapshots list the best levels first, so what comes behind those kept is only looked at.
//! Source: <https://github.com/ccxt/ccxt/issues/23597>

use crate::engine::decimal::Decimal;
use crate::engine::event::{BookKind, DecodeError, Level, Side};
use crate::venue::field::LEVELS_PER_SIDE_MAX;

/// One more than any book keeps: a book that is given more than it keeps knows that it is cut off, and where.
pub const LEVELS_KEPT: usize = LEVELS_PER_SIDE_MAX + 1;

/// Room for the first levels; most messages have fewer.
const ROOM_FIRST: usize = 64;

/// One side.
pub struct Kept<'o> {
    side: Side,
    levels: &'o mut Vec<Level>,
    /// The farthest of the levels kept, once there are [`LEVELS_KEPT`].
    farthest: Option<Decimal>,
    /// Some were left out.
    cut: bool,
}

/// Both sides.
pub struct Sides<'o> {
    pub bids: Kept<'o>,
    pub asks: Kept<'o>,
}

impl<'o> Sides<'o> {
    pub fn new(bids: &'o mut Vec<Level>, asks: &'o mut Vec<Level>) -> Sides<'o> {
        Sides { bids: Kept::new(Side::Bid, bids), asks: Kept::new(Side::Ask, asks) }
    }

    pub fn take(&mut self, side: Side, level: Level) -> Result<(), DecodeError> {
        match side {
            Side::Bid => self.bids.take(level),
            Side::Ask => self.asks.take(level),
        }
    }

    /// Whether what was kept says what the message said.
    pub fn check(&self, kind: BookKind) -> Result<(), DecodeError> {
        self.bids.check(kind)?;
        self.asks.check(kind)
    }
}

impl<'o> Kept<'o> {
    fn new(side: Side, levels: &'o mut Vec<Level>) -> Kept<'o> {
        Kept { side, levels, farthest: None, cut: false }
    }

    /// Keeps a level, or leaves it out where all that are kept are better.
    #[inline]
    pub fn take(&mut self, level: Level) -> Result<(), DecodeError> {
        if self.levels.len() == self.levels.capacity() {
            self.make_room();
        }
        if self.levels.len() < LEVELS_KEPT {
            self.levels.push(level);
            return Ok(());
        }
        self.leave_out(level)
    }

    fn leave_out(&mut self, level: Level) -> Result<(), DecodeError> {
        let prices = || self.levels.iter().map(|level| level.price);
        let farthest = self.farthest.or_else(|| match self.side {
            Side::Bid => prices().min(),
            Side::Ask => prices().max(),
        });
        let is_farther = farthest.is_some_and(|farthest| match self.side {
            Side::Bid => level.price < farthest,
            Side::Ask => level.price > farthest,
        });
        (self.farthest, self.cut) = (farthest, true);
        // Not best first after all: which ones to keep is not known.
        if is_farther { Ok(()) } else { Err(DecodeError::TooDeep) }
    }

    /// By doubling, and never for more levels than are kept.
    fn make_room(&mut self) {
        let len = self.levels.len();
        let room = (2 * len).clamp(ROOM_FIRST, LEVELS_KEPT);
        self.levels.reserve_exact(room.saturating_sub(len));
    }

    /// Changes may not be left out, and levels without size count for nothing: fewer than were thought would be left.
    fn check(&self, kind: BookKind) -> Result<(), DecodeError> {
        let whole = !self.cut || kind == BookKind::Snapshot && !self.levels.iter().any(|l| l.size.is_zero());
        if whole { Ok(()) } else { Err(DecodeError::TooDeep) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(price: usize, size: i128) -> Level {
        Level { price: Decimal::new(price as i128, 0).unwrap(), size: Decimal::new(size, 0).unwrap() }
    }

    #[test]
    fn a_deep_snapshot_keeps_its_best_levels_and_a_deep_change_is_refused() {
        let (mut bids, mut asks) = (Vec::new(), Vec::new());
        let mut sides = Sides::new(&mut bids, &mut asks);
        let count = 60_000;
        for n in 0..count {
            sides.take(Side::Bid, level(count - n, 1)).unwrap();
            sides.take(Side::Ask, level(count + 1 + n, 1)).unwrap();
        }
        assert_eq!(sides.check(BookKind::Snapshot), Ok(()));
        assert_eq!(sides.check(BookKind::Delta), Err(DecodeError::TooDeep));
        for (levels, last) in [(&bids, count - LEVELS_PER_SIDE_MAX), (&asks, count + 1 + LEVELS_PER_SIDE_MAX)]
        {
            assert_eq!((levels.len(), levels.capacity()), (LEVELS_KEPT, LEVELS_KEPT));
            assert_eq!(levels.last(), Some(&level(last, 1)));
        }
    }

    #[test]
    fn what_cannot_be_cut_is_refused() {
        let (mut bids, mut asks) = (Vec::new(), Vec::new());
        let mut sides = Sides::new(&mut bids, &mut asks);
        for n in 0..LEVELS_KEPT {
            sides.take(Side::Ask, level(10 + n, i128::from(n != 7))).unwrap();
        }
        assert_eq!(sides.check(BookKind::Delta), Ok(()), "nothing was left out yet");
        assert_eq!(sides.take(Side::Ask, level(9, 1)), Err(DecodeError::TooDeep), "better than those kept");
        assert_eq!(
            sides.take(Side::Ask, level(9 + LEVELS_KEPT, 1)),
            Err(DecodeError::TooDeep),
            "the farthest once more"
        );
        assert_eq!(sides.take(Side::Ask, level(10 + LEVELS_KEPT, 1)), Ok(()));
        assert_eq!(sides.check(BookKind::Snapshot), Err(DecodeError::TooDeep), "one kept has no size");
    }
}
