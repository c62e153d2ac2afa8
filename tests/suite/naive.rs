//! The slow, obvious book: the oracle for every property of the fast one.

use depthd::engine::book::{Book, Window};
use depthd::engine::decimal::Decimal;
use depthd::engine::event::{Level, Side};
use std::collections::BTreeMap;

/// A map a side; `window` and `max` work as a book's do.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct Naive {
    pub bids: BTreeMap<Decimal, Decimal>,
    pub asks: BTreeMap<Decimal, Decimal>,
    pub window: Window,
}

impl Naive {
    pub fn apply(&mut self, bids: &[Level], asks: &[Level], max: usize) {
        for level in bids {
            if self.window.low.is_some_and(|low| level.price < low) {
                continue;
            }
            set(&mut self.bids, level);
            if self.bids.len() > max {
                self.bids.pop_first();
                self.window.low = self.bids.keys().next().copied();
            }
        }
        for level in asks {
            if self.window.high.is_some_and(|high| level.price > high) {
                continue;
            }
            set(&mut self.asks, level);
            if self.asks.len() > max {
                self.asks.pop_last();
                self.window.high = self.asks.keys().next_back().copied();
            }
        }
    }

    /// The levels of a side, best first.
    pub fn levels(&self, side: Side) -> Vec<Level> {
        let level = |(&price, &size): (&Decimal, &Decimal)| Level { price, size };
        match side {
            Side::Bid => self.bids.iter().rev().map(level).collect(),
            Side::Ask => self.asks.iter().map(level).collect(),
        }
    }

    /// The levels of a side that lie inside `window`, best first.
    pub fn levels_within(&self, side: Side, window: Window) -> Vec<Level> {
        let mut levels = self.levels(side);
        levels.retain(|level| match side {
            Side::Bid => window.low.is_none_or(|low| level.price >= low),
            Side::Ask => window.high.is_none_or(|high| level.price <= high),
        });
        levels
    }

    pub fn is_crossed(&self) -> bool {
        let (bid, ask) = (self.bids.keys().next_back(), self.asks.keys().next());
        bid.zip(ask).is_some_and(|(bid, ask)| bid >= ask)
    }
}

fn set(side: &mut BTreeMap<Decimal, Decimal>, level: &Level) {
    if level.size.is_zero() {
        side.remove(&level.price);
    } else {
        side.insert(level.price, level.size);
    }
}

/// The levels of a side of the real book, best first.
pub fn levels_of(book: &Book, side: Side) -> Vec<Level> {
    book.levels(side).collect()
}
