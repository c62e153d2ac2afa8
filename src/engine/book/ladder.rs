//! One side of a book: levels sorted by price, the best one last.
//!
//! Bids are keyed by price and asks by the negated price, so both sides share one order: keys ascend towards the
//! touch, where a change moves the fewest levels. The first key is the farthest level, which a full ladder gives up first;
//! `edge` then remembers how far it still knows everything.
//!
//! In six recorded minutes of BTCUSDT on Binance (124,057 changes, four in five of them insert or remove) the median change
//! is 85 levels away from the touch, and one in ten over 648. Two `BTreeMap`s without any checks take 0.79 to 0.85 of the time
//! there (`cargo bench --bench parts -- recorded`): they move less, and allocate; with levels searched one by one from the
//! touch 0.72. With 200 books, whose memory is cold, this takes 0.77 to 1.24 of one thread with maps
//! (`cargo bench --bench e2e -- scaling`); searched by halving alone 1.35.

use super::BookFault;
use super::units::Units;
use crate::engine::decimal::Decimal;
use crate::engine::event::{Level, Side};

/// The first allocation: 16 levels are 256 bytes, and a book that has any levels usually has more than that.
const CAPACITY_FIRST: usize = 16;

/// Levels that are looked at first, half a kilobyte of them.
const NEAR_TOUCH: usize = 32;

/// The first step away from where a level was expected: two lines of a cache.
const STEP_FIRST: usize = 8;

pub(super) struct Ladder<N> {
    side: Side,
    /// `(key, size)`, ascending by key; sizes are never zero.
    levels: Vec<(N, N)>,
    /// Nothing is known of keys below this one. `None`: the side is complete.
    edge: Option<N>,
    /// A side that slides was full since it was loaded: nothing is known below its last level.
    filled: bool,
}

/// How many levels a side holds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Bound {
    /// More are given up for good.
    pub levels_max: usize,
    /// The stream itself has so many after each message: what is given up then is sent again when it comes back.
    pub stream: Option<usize>,
}

/// The exponents of a book's units: a price is a count of `10^-price`, a size one of `10^-size`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Scales {
    pub price: u8,
    pub size: u8,
}

/// Checks what no number format decides: prices are above zero, sizes not below.
pub(in crate::engine) fn check_signs(level: &Level) -> Result<(), BookFault> {
    if level.price.is_negative() || level.price.is_zero() {
        return Err(BookFault::BadPrice);
    }
    if level.size.is_negative() {
        return Err(BookFault::NegativeSize);
    }
    Ok(())
}

impl<N: Units> Ladder<N> {
    pub fn new(side: Side) -> Ladder<N> {
        Ladder { side, levels: Vec::new(), edge: None, filled: false }
    }

    /// Keys and prices are the same number with or without its sign, so this works both ways.
    fn key(&self, price: N) -> N {
        match self.side {
            Side::Bid => price,
            Side::Ask => price.negated(),
        }
    }

    /// Takes changes in order until one needs other units: returns how many were taken.
    pub fn apply(&mut self, changes: &[Level], scales: Scales, bound: Bound) -> Result<usize, BookFault> {
        for (taken, change) in changes.iter().enumerate() {
            check_signs(change)?;
            let Some(price) = N::of(change.price, scales.price) else {
                if change.size.is_zero() {
                    continue; // a price these units cannot say is not in the book
                }
                return Ok(taken);
            };
            let key = self.key(price);
            if self.edge.is_some_and(|edge| key < edge) {
                continue;
            }
            if change.size.is_zero() {
                if let Ok(at) = self.find(key) {
                    self.levels.remove(at);
                }
                continue;
            }
            let Some(size) = N::of(change.size, scales.size) else { return Ok(taken) };
            self.put(key, size, bound);
        }
        Ok(changes.len())
    }

    fn find(&self, key: N) -> Result<usize, usize> {
        // Many changes are near the touch: one comparison saves half of the others, and the memory they look at.
        let near = self.levels.len().saturating_sub(NEAR_TOUCH);
        let (from, to) = match self.levels.get(near) {
            Some(level) if key < level.0 => self.far(key, near),
            _ => (near, self.levels.len()),
        };
        let found = self.levels[from..to].binary_search_by(|level| level.0.cmp(&key));
        found.map(|at| at + from).map_err(|at| at + from)
    }

    /// The part of the levels before `near` that a key belongs to. The levels near the touch say how dense they are, so
    /// where it would be if all were; from there in steps that double. Halving would look at ten places of a thousand
    /// levels, each in memory that no other change has warmed.
    fn far(&self, key: N, near: usize) -> (usize, usize) {
        if near == 0 {
            return (0, 0);
        }
        let at = |index: usize| self.levels[index].0;
        let (first, last) = (at(near).roughly(), at(self.levels.len() - 1).roughly());
        let back = (first - key.roughly()) / (last - first) * (NEAR_TOUCH - 1) as f64;
        // A cast of what is no index saturates.
        let guess = near.saturating_sub(back as usize).min(near - 1);
        let (mut from, mut to, mut step) = (guess, guess, STEP_FIRST);
        if at(guess) > key {
            while from > 0 && at(from) > key {
                (from, to, step) = (from.saturating_sub(step), from, step * 2);
            }
        } else {
            while to < near && at(to) <= key {
                (from, to, step) = (to, near.min(to + step), step * 2);
            }
        }
        (from, to)
    }

    fn put(&mut self, key: N, size: N, bound: Bound) {
        let at = match self.find(key) {
            Ok(at) => {
                self.levels[at].1 = size;
                return;
            }
            Err(at) => at,
        };
        if self.levels.len() < bound.levels_max {
            self.grow(1, bound.levels_max);
            self.levels.insert(at, (key, size));
            return;
        }
        // Full: the farthest level goes, be it the new one. What lies beyond the farthest kept is unknown from here on.
        if at > 0 {
            self.levels.copy_within(1..at, 0);
            self.levels[at - 1] = (key, size);
        }
        self.edge = self.levels.first().map(|level| level.0);
    }

    /// After a message: gives up what its stream does not carry any more. Not before, because a message may put levels in
    /// first and take others out then. A side that has as many as the stream carries has all of them, whatever it gave up
    /// on the way: that was farther out.
    pub fn trim(&mut self, bound: Bound) {
        if let Some(depth) = bound.stream.filter(|depth| self.levels.len() >= *depth) {
            self.levels.drain(..self.levels.len() - depth);
            self.edge = None;
            self.filled = true;
        }
    }

    /// Makes room by doubling, but never past the cap: what a book may hold in memory follows from `levels_max`.
    fn grow(&mut self, more: usize, levels_max: usize) {
        let wanted = self.levels.len() + more;
        if wanted > self.levels.capacity() {
            let doubled = (self.levels.capacity() * 2).max(CAPACITY_FIRST).min(levels_max).max(wanted);
            self.levels.reserve_exact(doubled - self.levels.len());
        }
    }

    /// Replaces everything. `false`: a number does not fit this width, and nothing of use is held.
    pub fn load(
        &mut self,
        levels: &[Level],
        edge: Option<Decimal>,
        scales: Scales,
        bound: Bound,
    ) -> Result<bool, BookFault> {
        self.levels.clear();
        self.edge = None;
        if let Some(edge) = edge {
            let Some(edge) = N::of(edge, scales.price) else { return Ok(false) };
            self.edge = Some(self.key(edge));
        }
        // A snapshot deeper than the cap is cut only after sorting, so it gets memory of its own, given back below.
        let mut kept = std::mem::take(&mut self.levels);
        kept.reserve_exact(levels.len());
        for level in levels.iter().rev().filter(|level| !level.size.is_zero()) {
            let Some(price) = N::of(level.price, scales.price) else { return Ok(false) };
            let Some(size) = N::of(level.size, scales.size) else { return Ok(false) };
            let key = self.key(price);
            if self.edge.is_none_or(|edge| key >= edge) {
                kept.push((key, size));
            }
        }
        if !kept.is_sorted() {
            kept.sort_unstable();
        }
        if kept.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            return Err(BookFault::DuplicatePrice);
        }
        if kept.len() > bound.levels_max {
            kept.drain(..kept.len() - bound.levels_max);
            self.edge = kept.first().map(|level| level.0);
        }
        kept.shrink_to(bound.levels_max);
        self.levels = kept;
        self.filled = false;
        Ok(true)
    }

    /// Whether every number here can be said in units finer by `finer`.
    pub fn can_refine(&self, finer: Scales) -> bool {
        self.edge.is_none_or(|edge| edge.refined(finer.price).is_some())
            && self
                .levels
                .iter()
                .all(|&(key, size)| key.refined(finer.price).is_some() && size.refined(finer.size).is_some())
    }

    /// Says every number in units finer by `finer`.
    pub fn refine(&mut self, finer: Scales) {
        let fits = "can_refine was asked first";
        self.edge = self.edge.map(|edge| edge.refined(finer.price).expect(fits));
        for (key, size) in &mut self.levels {
            *key = key.refined(finer.price).expect(fits);
            *size = size.refined(finer.size).expect(fits);
        }
    }

    pub fn widened(&self) -> Ladder<i128> {
        let mut levels = Vec::with_capacity(self.levels.capacity());
        levels.extend(self.levels.iter().map(|&(key, size)| (key.widened(), size.widened())));
        Ladder { side: self.side, levels, edge: self.edge.map(N::widened), filled: self.filled }
    }

    pub fn len(&self) -> usize {
        self.levels.len()
    }

    /// `(price, size)` of the level at `depth`, 0 being the best.
    pub fn at(&self, depth: usize) -> Option<(i128, i128)> {
        let index = self.levels.len().checked_sub(depth + 1)?;
        let (key, size) = self.levels[index];
        Some((self.key(key).widened(), size.widened()))
    }

    /// The price this side is complete to.
    pub fn edge(&self) -> Option<i128> {
        let last = self.levels.first().map(|level| level.0).filter(|_| self.filled);
        self.edge.or(last).map(|edge| self.key(edge).widened())
    }

    /// Whether there may be levels beyond the last one.
    pub fn is_cut_off(&self) -> bool {
        self.edge.is_some() || self.filled
    }

    /// The best price as a signed key, for comparison between the sides.
    pub fn best_price(&self) -> Option<N> {
        self.levels.last().map(|level| self.key(level.0))
    }

    pub fn size_of(&self, price: N) -> Option<N> {
        self.find(self.key(price)).ok().map(|at| self.levels[at].1)
    }

    pub fn heap_bytes(&self) -> usize {
        self.levels.capacity() * size_of::<(N, N)>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Prices that lie as evenly as a guess wants them, and ones that make fun of it.
    #[test]
    fn every_level_is_found_however_they_lie() {
        let even = |n: i64| n * 7;
        let dense_far = |n: i64| if n < 900 { n } else { 1_000 + (n - 900) * 500 };
        let dense_near = |n: i64| if n < 900 { n * 500 } else { 450_000 + n };
        let growing = |n: i64| n * n * n;
        let huge = |n: i64| if n < 500 { n } else { i64::MAX - 1_000 + n };
        for key_of in [even, dense_far, dense_near, growing, huge] {
            for count in [0, 1, 31, 32, 33, 40, 41, 100, 1_000] {
                let levels: Vec<(i64, i64)> = (0..count).map(|n| (key_of(n), 1)).collect();
                let ladder = Ladder { side: Side::Bid, levels, edge: None, filled: false };
                for key in ladder.levels.iter().flat_map(|level| [level.0 - 1, level.0, level.0 + 1]) {
                    let plain = ladder.levels.binary_search_by(|level| level.0.cmp(&key));
                    assert_eq!(ladder.find(key), plain, "{key} of {count}");
                }
            }
        }
    }
}
