//! The true market: what every book of the simulated venue really is, at every moment of its recent past.
//!
//! Pure: told the time, seeded, no sockets. One market is shared by all connections and by the auditor, so the auditor's
//! truth is never reconstructed from anything that was sent.

pub mod ladder;
pub mod mover;
pub mod number;
pub mod spec;

use super::random::Random;
use crate::engine::event::{Side, TakerSide};
use crate::engine::time::Wall;
use ladder::Ladder;
use mover::Mover;
use spec::Spec;

/// Versions kept over all symbols together, so that the bound does not grow with their number. A version is about three
/// undo entries of 24 bytes and a head of 16, hence at most some 20 MB; less would lose the past of a busy symbol
/// before an auditor that asks once a second and reads slowly gets to it.
const VERSIONS_MAX: usize = 200_000;

/// One version step of one symbol's book.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Change {
    /// The new version: dense per symbol.
    pub id: u64,
    /// When the exchange says it happened; strictly increasing per symbol.
    pub time: Wall,
    /// Every level this change names, once each. Its size now is in the ladder; absent means removed (or never there).
    pub touched: Vec<(Side, i64)>,
    /// True when the best level of either side is another one, or of another size.
    pub top_changed: bool,
    pub trade: Option<Deal>,
}

/// A trade that went with a change, in the spec's units.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Deal {
    pub id: u64,
    pub price: i64,
    pub size: i64,
    pub taker: TakerSide,
}

/// One symbol: its true book and what moves it.
#[derive(Debug)]
pub struct Instrument {
    pub ladder: Ladder,
    mover: Mover,
}

/// All symbols.
#[derive(Debug)]
pub struct Market {
    pub instruments: Vec<Instrument>,
    random: Random,
    /// Running sums of the symbols' weights: the first is the busiest, none is silent.
    weights: Vec<u64>,
}

/// What the next change of a symbol should be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Move {
    /// As markets go: mostly near the touch.
    Ordinary,
    /// The price jumps through a good part of the book.
    Jump,
    /// Bids at or above the best ask, until the next change.
    Cross,
}

impl Market {
    /// A market of `symbols` instruments (1 to 10,000) whose first version is dated `start`.
    #[cfg(test)]
    pub fn new(symbols: usize, seed: u64, start: Wall) -> Market {
        Market::with_levels(symbols, None, seed, start)
    }

    /// The same, every book with about so many levels a side where that is said.
    pub fn with_levels(symbols: usize, levels: Option<usize>, seed: u64, start: Wall) -> Market {
        let mut random = Random::new(seed);
        let mut specs = spec::specs(symbols.clamp(1, 10_000), &mut random);
        if let Some(levels) = levels {
            specs.iter_mut().for_each(|spec| spec.levels = levels);
        }
        let keep = (VERSIONS_MAX / specs.len()).clamp(1_000, 65_536);
        let instruments: Vec<Instrument> = specs
            .into_iter()
            .enumerate()
            .map(|(i, spec)| Instrument::new(spec, keep, start, random.fork(i as u64)))
            .collect();
        let mut sum = 0;
        let weights = (0..instruments.len() as u64)
            .map(|i| {
                sum += 100 + 400 / (1 + i);
                sum
            })
            .collect();
        Market { instruments, random, weights }
    }

    /// Dates versions in whole steps of this many nanoseconds: 100 unless told, as CoinAPI prints them.
    pub fn set_step(&mut self, step_nanos: i64) {
        self.instruments.iter_mut().for_each(|instrument| instrument.ladder.set_step(step_nanos));
    }

    /// Draws the symbol that moves next.
    pub fn draw(&mut self) -> usize {
        let point = self.random.below(self.weights.last().copied().unwrap_or(1));
        self.weights.partition_point(|&sum| sum <= point)
    }
}

impl Instrument {
    fn new(spec: Spec, keep: usize, start: Wall, random: Random) -> Instrument {
        let mut mover = Mover::new(&spec, random);
        let (bids, asks) = mover.first_book(&spec);
        let first_id = 5_000_000_000 + mover.random.below(1_000_000_000);
        Instrument { ladder: Ladder::new(spec, first_id, start, bids, asks, keep), mover }
    }

    pub fn spec(&self) -> &Spec {
        self.ladder.spec()
    }

    /// Makes the next version, dated `now` or just after the one before.
    pub fn step(&mut self, now: Wall, how: Move) -> Change {
        self.mover.step(&mut self.ladder, now, how)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn best(ladder: &Ladder) -> (i64, i64) {
        let bid = ladder.levels(Side::Bid).next().map_or(0, |l| l.0);
        let ask = ladder.levels(Side::Ask).next().map_or(0, |l| l.0);
        (bid, ask)
    }

    #[test]
    fn it_moves_near_the_touch_and_is_never_crossed() {
        let mut market = Market::new(12, 3, Wall::from_nanos(1_000_000));
        let (mut near, mut all) = (0u64, 0u64);
        for n in 0..60_000i64 {
            let s = market.draw();
            let instrument = &mut market.instruments[s];
            let (bid, ask) = best(&instrument.ladder);
            let before = (instrument.ladder.id(), instrument.ladder.time());
            let how = if n % 5_000 == 4_999 { Move::Jump } else { Move::Ordinary };
            let change = instrument.step(Wall::from_nanos(2_000_000 + n), how);
            assert_eq!(change.id, before.0 + 1);
            assert!(change.time > before.1 && change.time.nanos() % 100 == 0);
            assert!(!change.touched.is_empty());
            if how == Move::Ordinary {
                assert!(change.touched.len() <= 24, "{}", change.touched.len());
                for &(side, price) in &change.touched {
                    let from = if side == Side::Bid { bid - price } else { price - ask };
                    near += u64::from(from / instrument.spec().tick < 20);
                    all += 1;
                }
            }
            let (bid, ask) = best(&instrument.ladder);
            assert!(0 < bid && bid < ask, "{} {bid} {ask}", instrument.spec().base);
            for side in [Side::Bid, Side::Ask] {
                let levels = instrument.ladder.len(side);
                assert!((50..=2_000).contains(&levels), "{} {levels}", instrument.spec().base);
            }
        }
        assert!((0.6..0.95).contains(&(near as f64 / all as f64)), "{near} of {all}");
    }

    #[test]
    fn the_same_seed_is_the_same_market() {
        let run = |seed| {
            let mut market = Market::new(5, seed, Wall::from_nanos(0));
            (0..2_000)
                .map(|n| {
                    let s = market.draw();
                    market.instruments[s].step(Wall::from_nanos(n), Move::Ordinary)
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(run(1), run(1));
        assert_ne!(run(1), run(2));
    }

    #[test]
    fn a_crossed_book_lasts_one_version() {
        let mut market = Market::new(1, 3, Wall::from_nanos(0));
        let instrument = &mut market.instruments[0];
        instrument.step(Wall::from_nanos(1), Move::Cross);
        let (bid, ask) = best(&instrument.ladder);
        assert!(bid >= ask);
        let change = instrument.step(Wall::from_nanos(2), Move::Ordinary);
        let (now_bid, now_ask) = best(&instrument.ladder);
        assert!(now_bid < now_ask);
        assert!(change.touched.contains(&(Side::Bid, bid)));
    }
}
