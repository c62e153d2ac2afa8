//! One symbol's true book, with a bounded past that can be gone back to exactly.
//!
//! Every version writes down what it replaced. An old version is the newest book with those notes applied backward: asking
//! for the recent past, which is what an auditor does, costs little, and nothing is ever copied ahead of need.

use super::spec::Spec;
use crate::engine::event::Side;
use crate::engine::time::Wall;
use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;

type Rungs = BTreeMap<i64, i64>;

/// See the module page. Prices and sizes are in the spec's units.
#[derive(Debug)]
pub struct Ladder {
    spec: Spec,
    bids: Rungs,
    asks: Rungs,
    /// The newest version.
    id: u64,
    time: Wall,
    /// Newest last; `heads[i]` is the version `id - (len - 1 - i)`.
    heads: VecDeque<Head>,
    undo: VecDeque<Undo>,
    /// The date of the oldest version that can be gone back to: the one before `heads[0]`.
    base_time: Wall,
    keep: usize,
    /// Versions are at least so far apart, and dated in whole steps.
    step_nanos: i64,
}

#[derive(Clone, Copy, Debug)]
struct Head {
    time: Wall,
    undo_count: u32,
}

#[derive(Clone, Copy, Debug)]
struct Undo {
    side: Side,
    price: i64,
    /// What stood there before; 0 for nothing.
    size: i64,
}

/// One version of a book, complete.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Frozen {
    pub id: u64,
    pub time: Wall,
    /// Lowest price first, as the map has it.
    pub bids: Rungs,
    pub asks: Rungs,
}

impl Ladder {
    pub(super) fn new(spec: Spec, id: u64, time: Wall, bids: Rungs, asks: Rungs, keep: usize) -> Ladder {
        let time = Wall::from_nanos(time.nanos() / 100 * 100);
        let (heads, undo) = (VecDeque::new(), VecDeque::new());
        Ladder {
            spec,
            bids,
            asks,
            id,
            time,
            heads,
            undo,
            base_time: time,
            keep: keep.max(1),
            step_nanos: 100,
        }
    }

    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    pub fn id(&self) -> u64 {
        self.id
    }

    /// The oldest version that can be gone back to.
    pub fn oldest(&self) -> u64 {
        self.id - self.heads.len() as u64
    }

    pub fn time(&self) -> Wall {
        self.time
    }

    pub fn len(&self, side: Side) -> usize {
        self.rungs(side).len()
    }

    /// The size at a price now; 0 for no level.
    pub fn size(&self, side: Side, price: i64) -> i64 {
        self.rungs(side).get(&price).copied().unwrap_or(0)
    }

    /// Best first.
    pub fn levels(&self, side: Side) -> Box<dyn Iterator<Item = (i64, i64)> + '_> {
        best_first(self.rungs(side), side)
    }

    /// Those that are worse than this price, best first.
    pub fn beyond(&self, side: Side, price: i64) -> Box<dyn Iterator<Item = (i64, i64)> + '_> {
        let pair = |(&price, &size): (&i64, &i64)| (price, size);
        match side {
            Side::Bid => Box::new(self.bids.range(..price).rev().map(pair)),
            Side::Ask => Box::new(self.asks.range((Bound::Excluded(price), Bound::Unbounded)).map(pair)),
        }
    }

    pub fn best(&self, side: Side) -> Option<(i64, i64)> {
        match side {
            Side::Bid => self.bids.last_key_value(),
            Side::Ask => self.asks.first_key_value(),
        }
        .map(|(&price, &size)| (price, size))
    }

    /// The level farthest from the other side.
    pub fn worst(&self, side: Side) -> Option<i64> {
        match side {
            Side::Bid => self.bids.first_key_value(),
            Side::Ask => self.asks.last_key_value(),
        }
        .map(|(&price, _)| price)
    }

    /// Dates versions in whole steps of this many nanoseconds from here on.
    pub(super) fn set_step(&mut self, step_nanos: i64) {
        self.step_nanos = step_nanos.max(1);
        self.time = Wall::from_nanos(self.time.nanos() / self.step_nanos * self.step_nanos);
        self.base_time = self.time;
    }

    /// Begins the next version. Dates strictly increase.
    pub(super) fn begin(&mut self, now: Wall) {
        let step = self.step_nanos;
        let tick = now.nanos() / step * step;
        self.time = Wall::from_nanos(tick.max(self.time.nanos() + step));
        self.id += 1;
        self.heads.push_back(Head { time: self.time, undo_count: 0 });
        while self.heads.len() > self.keep {
            if let Some(old) = self.heads.pop_front() {
                self.base_time = old.time;
                self.undo.drain(..old.undo_count as usize);
            }
        }
    }

    /// Sets a level of the version begun; size 0 removes it.
    pub(super) fn set(&mut self, side: Side, price: i64, size: i64) {
        let old = put(self.rungs_mut(side), price, size);
        self.undo.push_back(Undo { side, price, size: old });
        self.heads.back_mut().expect("set comes after begin, which pushes a head").undo_count += 1;
    }

    /// The book at a version; `None` when that is gone or has not been.
    pub fn at_id(&self, id: u64) -> Option<Frozen> {
        let back = self.id.checked_sub(id)?;
        let back = usize::try_from(back).ok().filter(|&n| n <= self.heads.len())?;
        let mut frozen =
            Frozen { id: self.id, time: self.time, bids: self.bids.clone(), asks: self.asks.clone() };
        let mut notes = self.undo.iter().rev();
        for head in self.heads.iter().rev().take(back) {
            for note in notes.by_ref().take(head.undo_count as usize) {
                let rungs = if note.side == Side::Bid { &mut frozen.bids } else { &mut frozen.asks };
                put(rungs, note.price, note.size);
            }
        }
        frozen.id = id;
        frozen.time = match self.heads.len().checked_sub(back + 1) {
            Some(index) => self.heads[index].time,
            None => self.base_time,
        };
        Some(frozen)
    }

    /// The version with exactly this date; `None` when there is none such, or it is gone.
    pub fn id_at(&self, time: Wall) -> Option<u64> {
        let behind = self.heads.len() as u64;
        if time == self.base_time {
            return Some(self.id - behind);
        }
        let index = self.heads.partition_point(|head| head.time < time);
        let head = self.heads.get(index)?;
        (head.time == time).then(|| self.id - (behind - 1 - index as u64))
    }

    fn rungs(&self, side: Side) -> &Rungs {
        if side == Side::Bid { &self.bids } else { &self.asks }
    }

    fn rungs_mut(&mut self, side: Side) -> &mut Rungs {
        if side == Side::Bid { &mut self.bids } else { &mut self.asks }
    }
}

impl Frozen {
    /// Best first.
    pub fn levels(&self, side: Side) -> Box<dyn Iterator<Item = (i64, i64)> + '_> {
        best_first(if side == Side::Bid { &self.bids } else { &self.asks }, side)
    }
}

fn best_first(rungs: &Rungs, side: Side) -> Box<dyn Iterator<Item = (i64, i64)> + '_> {
    let pairs = rungs.iter().map(|(&price, &size)| (price, size));
    if side == Side::Bid { Box::new(pairs.rev()) } else { Box::new(pairs) }
}

/// Puts a size at a price and gives back the old one.
fn put(rungs: &mut Rungs, price: i64, size: i64) -> i64 {
    if size == 0 { rungs.remove(&price) } else { rungs.insert(price, size) }.unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::market::{Market, Move};

    #[test]
    fn every_kept_version_comes_back_exactly() {
        let mut market = Market::new(1, 11, Wall::from_nanos(0));
        let instrument = &mut market.instruments[0];
        instrument.ladder.keep = 500;
        let mut copies = vec![instrument.ladder.at_id(instrument.ladder.id()).expect("now")];
        for n in 0..2_000i64 {
            let how = if n % 300 == 7 { Move::Jump } else { Move::Ordinary };
            let change = instrument.step(Wall::from_nanos(n * 70), how);
            let l = &instrument.ladder;
            copies.push(Frozen {
                id: change.id,
                time: change.time,
                bids: l.bids.clone(),
                asks: l.asks.clone(),
            });
        }
        let ladder = &instrument.ladder;
        for (age, copy) in copies.iter().rev().enumerate() {
            if age <= 500 {
                assert_eq!(ladder.at_id(copy.id).as_ref(), Some(copy));
                assert_eq!(ladder.id_at(copy.time), Some(copy.id));
            } else {
                assert_eq!(ladder.at_id(copy.id), None);
                assert_eq!(ladder.id_at(copy.time), None);
            }
        }
        assert_eq!(ladder.at_id(ladder.id() + 1), None);
        assert_eq!(ladder.id_at(Wall::from_nanos(ladder.time().nanos() + 100)), None);
        let undo: u32 = ladder.heads.iter().map(|h| h.undo_count).sum();
        assert_eq!(undo as usize, ladder.undo.len());
    }
}
