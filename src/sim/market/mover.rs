//! How a book moves: mostly near the touch, a level or a few at a time, the price drifting and coming back.
//!
//! The shape is that of recorded spot books: 70 % of touched levels within 20 ticks of the best, 25 % within 200, the rest far.

use super::ladder::Ladder;
use super::spec::Spec;
use super::{Change, Deal, Move};
use crate::engine::event::{Side, TakerSide};
use crate::engine::time::Wall;
use crate::sim::random::Random;
use std::collections::BTreeMap;

/// Fewest levels a side is worn down to: a jump must leave something to trade against.
const LEVELS_MIN: usize = 60;
/// How far the price strays from its anchor before it is surely pulled back.
const STRAY_TICKS: i64 = 2_000;

/// Moves one symbol's ladder.
#[derive(Debug)]
pub(super) struct Mover {
    pub(super) random: Random,
    levels: usize,
    /// True while the price drifts up.
    rising: bool,
    deals: u64,
    touched: Vec<(Side, i64)>,
}

impl Mover {
    pub(super) fn new(spec: &Spec, mut random: Random) -> Mover {
        let rising = random.percent(50);
        Mover { random, levels: spec.levels, rising, deals: 0, touched: Vec::new() }
    }

    /// Dense near the touch, thinner with distance.
    pub(super) fn first_book(&mut self, spec: &Spec) -> (BTreeMap<i64, i64>, BTreeMap<i64, i64>) {
        let mut side = |sign: i64| {
            let mut away = 0;
            (0..spec.levels)
                .map(|i| {
                    away += 1 + self.random.below(1 + i as u64 / 20) as i64;
                    (spec.anchor + sign * away * spec.tick, size(&mut self.random, spec))
                })
                .filter(|&(price, _)| price > 0)
                .collect()
        };
        (side(-1), side(1))
    }

    pub(super) fn step(&mut self, ladder: &mut Ladder, now: Wall, how: Move) -> Change {
        let top = (ladder.best(Side::Bid), ladder.best(Side::Ask));
        ladder.begin(now);
        self.touched.clear();
        self.uncross(ladder);
        let mut trade = None;
        match how {
            Move::Jump => self.jump(ladder),
            Move::Cross => self.cross(ladder),
            Move::Ordinary => {
                for _ in 0..levels_touched(&mut self.random) {
                    match self.random.below(100) {
                        0..8 => self.drift(ladder),
                        8 => self.remove_unknown(ladder),
                        _ => self.touch(ladder),
                    }
                }
                trade = self.trade(ladder);
            }
        }
        let mut touched = self.touched.clone();
        touched.sort_unstable_by_key(|&(side, price)| (side == Side::Ask, price));
        touched.dedup();
        let top_changed = top != (ladder.best(Side::Bid), ladder.best(Side::Ask));
        Change { id: ladder.id(), time: ladder.time(), touched, top_changed, trade }
    }

    fn set(&mut self, ladder: &mut Ladder, side: Side, price: i64, size: i64) {
        ladder.set(side, price, size);
        self.touched.push((side, price));
    }

    /// Changes, adds or removes a level at a distance that is usually small.
    fn touch(&mut self, ladder: &mut Ladder) {
        let side = if self.random.percent(50) { Side::Bid } else { Side::Ask };
        let (Some((best, _)), Some((other, _))) = (ladder.best(side), ladder.best(opposite(side))) else {
            return;
        };
        let tick = ladder.spec().tick;
        let spread = (best - other).abs() / tick;
        let away = match self.random.below(100) {
            0..4 if spread > 1 => -self.random.between(1, spread - 1),
            0..70 => self.random.between(0, 19),
            70..95 => self.random.between(20, 199),
            _ => self.random.between(200, 3_000),
        };
        let price = if side == Side::Bid { best - away * tick } else { best + away * tick };
        if price <= 0 {
            return;
        }
        let (there, count) = (ladder.size(side, price) != 0, ladder.len(side));
        if there && count > LEVELS_MIN && self.random.percent(45) {
            self.set(ladder, side, price, 0);
            return;
        }
        let size = size(&mut self.random, ladder.spec());
        self.set(ladder, side, price, size);
        // A book at its size gives up its farthest level for a new one.
        let full = !there && count >= self.levels + self.levels / 8;
        if let Some(worst) = ladder.worst(side).filter(|_| full) {
            self.set(ladder, side, worst, 0);
        }
    }

    /// The best level of one side goes, and often its price passes to the other side.
    fn drift(&mut self, ladder: &mut Ladder) {
        self.turn(ladder);
        let eaten = if self.rising { Side::Ask } else { Side::Bid };
        let Some((price, _)) = ladder.best(eaten) else { return };
        if ladder.len(eaten) <= LEVELS_MIN {
            return;
        }
        self.set(ladder, eaten, price, 0);
        if self.random.percent(60) {
            let size = size(&mut self.random, ladder.spec());
            self.set(ladder, opposite(eaten), price, size);
        }
    }

    /// Trends last about twenty steps, and lean toward the anchor.
    fn turn(&mut self, ladder: &Ladder) {
        if !self.random.percent(5) {
            return;
        }
        let spec = ladder.spec();
        let (bid, _) = ladder.best(Side::Bid).unwrap_or((spec.anchor, 0));
        let stray = ((bid - spec.anchor) / spec.tick).clamp(-STRAY_TICKS, STRAY_TICKS);
        let percent_up = 50 - stray * 50 / STRAY_TICKS;
        self.rising = self.random.percent(percent_up.unsigned_abs());
    }

    /// A third of one side is eaten at once; the other side follows, and the eaten one is refilled far out.
    fn jump(&mut self, ladder: &mut Ladder) {
        self.turn(ladder);
        self.rising = match ladder.best(Side::Bid) {
            Some((bid, _)) if bid < ladder.spec().anchor => true,
            Some(_) => false,
            None => self.rising,
        };
        let eaten = if self.rising { Side::Ask } else { Side::Bid };
        let gone: Vec<i64> = ladder.levels(eaten).map(|l| l.0).take(ladder.len(eaten) / 3).collect();
        let Some(mut far) = ladder.worst(eaten) else { return };
        for price in gone {
            if ladder.len(eaten) <= LEVELS_MIN {
                return;
            }
            self.set(ladder, eaten, price, 0);
            if self.random.percent(70) {
                let size = size(&mut self.random, ladder.spec());
                self.set(ladder, opposite(eaten), price, size);
            }
            let step = self.random.between(1, 12) * ladder.spec().tick;
            far += if eaten == Side::Ask { step } else { -step };
            if far > 0 {
                let size = size(&mut self.random, ladder.spec());
                self.set(ladder, eaten, far, size);
            }
        }
        // What passed to the other side made it longer: its far end goes.
        let other = opposite(eaten);
        while ladder.len(other) > self.levels + self.levels / 8 {
            let Some(worst) = ladder.worst(other) else { return };
            self.set(ladder, other, worst, 0);
        }
    }

    fn cross(&mut self, ladder: &mut Ladder) {
        if let Some((ask, _)) = ladder.best(Side::Ask) {
            let price = ask + ladder.spec().tick * self.random.between(0, 2);
            let size = size(&mut self.random, ladder.spec());
            self.set(ladder, Side::Bid, price, size);
        }
    }

    fn uncross(&mut self, ladder: &mut Ladder) {
        while let (Some((bid, _)), Some((ask, _))) = (ladder.best(Side::Bid), ladder.best(Side::Ask)) {
            if bid < ask {
                return;
            }
            self.set(ladder, Side::Bid, bid, 0);
        }
    }

    /// Venues also remove levels they never sent: nothing changes, and the message names it.
    fn remove_unknown(&mut self, ladder: &mut Ladder) {
        if let Some(worst) = ladder.worst(Side::Ask) {
            let price = worst + ladder.spec().tick * self.random.between(1, 50);
            self.set(ladder, Side::Ask, price, 0);
        }
    }

    fn trade(&mut self, ladder: &Ladder) -> Option<Deal> {
        if !self.random.percent(15) {
            return None;
        }
        let (side, taker) =
            if self.random.percent(50) { (Side::Ask, TakerSide::Buy) } else { (Side::Bid, TakerSide::Sell) };
        let (price, there) = ladder.best(side)?;
        self.deals += 1;
        Some(Deal { id: self.deals, price, size: self.random.between(1, there.max(1)), taker })
    }
}

fn opposite(side: Side) -> Side {
    if side == Side::Bid { Side::Ask } else { Side::Bid }
}

/// One to ten, mostly few.
fn levels_touched(random: &mut Random) -> u64 {
    match random.below(100) {
        0..40 => 1,
        40..65 => 2,
        65..80 => 3,
        80..95 => 4 + random.below(3),
        _ => 7 + random.below(4),
    }
}

/// Over several magnitudes, and sometimes round: both occur in one book.
fn size(random: &mut Random, spec: &Spec) -> i64 {
    let max = (spec.size_max >> (4 * random.below(4))).max(1);
    let size = random.between(1, max);
    if random.percent(20) && size > 1_000 { size / 1_000 * 1_000 } else { size }
}
