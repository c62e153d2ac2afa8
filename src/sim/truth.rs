//! The venue's true book at one moment, and the comparison by which a daemon's book is judged.
//!
//! It is built from the market itself, never from what was sent, and shares no code with the daemon's own book.

use super::market::ladder::Frozen;
use super::market::number;
use super::market::spec::Spec;
use crate::engine::decimal::Decimal;
use crate::engine::event::{Level, Side};
use crate::engine::time::Wall;
use std::fmt;

/// A true book, every level the venue has, best first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TrueBook {
    pub bids: Vec<Level>,
    pub asks: Vec<Level>,
    /// The version's number. Binance's update id; CoinAPI does not show it.
    pub version: u64,
    pub exchange_time: Wall,
    /// How many newer versions there are by now.
    pub behind: u64,
}

/// What a daemon shows of a book: its levels best first, and how much it claims with them.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    pub bids: &'a [Level],
    pub asks: &'a [Level],
    /// Levels asked for on each side: fewer shown means there are no more inside the range.
    pub depth: usize,
    /// The prices between which the book is claimed complete, both included; `None` for no limit.
    pub low: Option<Decimal>,
    pub high: Option<Decimal>,
}

/// The first place where a shown book is not the true one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Difference {
    pub side: Side,
    /// Counted from the best level, 0.
    pub index: usize,
    pub shown: Option<Level>,
    pub truth: Option<Level>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = if self.side == Side::Bid { "bid" } else { "ask" };
        let text = |level: Option<Level>| {
            level.map_or_else(|| "nothing".to_owned(), |l| format!("{} x {}", l.price, l.size))
        };
        write!(f, "{side} {}: shown {}, true {}", self.index, text(self.shown), text(self.truth))
    }
}

impl TrueBook {
    pub(super) fn new(spec: &Spec, frozen: &Frozen, newest: u64) -> TrueBook {
        let side = |side| {
            frozen
                .levels(side)
                .filter_map(|(price, size)| {
                    let price = number::decimal(price, spec.price_scale)?;
                    Some(Level { price, size: number::decimal(size, spec.size_scale)? })
                })
                .collect()
        };
        TrueBook {
            bids: side(Side::Bid),
            asks: side(Side::Ask),
            version: frozen.id,
            exchange_time: frozen.time,
            behind: newest - frozen.id,
        }
    }

    /// Compares what is shown with the truth, inside the claimed range and depth.
    ///
    /// # Errors
    /// The first difference, bids before asks.
    pub fn judge(&self, shown: &Shown<'_>) -> Result<(), Difference> {
        judge_side(Side::Bid, &self.bids, shown.bids, shown)?;
        judge_side(Side::Ask, &self.asks, shown.asks, shown)
    }
}

fn judge_side(side: Side, truth: &[Level], levels: &[Level], shown: &Shown<'_>) -> Result<(), Difference> {
    let claimed =
        |l: &&Level| shown.low.is_none_or(|p| l.price >= p) && shown.high.is_none_or(|p| l.price <= p);
    let mut truth = truth.iter().filter(claimed).take(shown.depth).copied();
    for (index, &level) in levels.iter().enumerate() {
        let want = truth.next();
        if want != Some(level) {
            return Err(Difference { side, index, shown: Some(level), truth: want });
        }
    }
    match truth.next() {
        None => Ok(()),
        missing => Err(Difference { side, index: levels.len(), shown: None, truth: missing }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(price: &str, size: &str) -> Level {
        let parse = |t: &str| Decimal::parse(t.as_bytes()).expect("a number");
        Level { price: parse(price), size: parse(size) }
    }

    #[test]
    fn each_kind_of_wrong_is_seen_and_right_is_right() {
        let truth = TrueBook {
            bids: vec![level("10", "1"), level("9", "2"), level("7", "3")],
            asks: vec![level("11", "1"), level("12.5", "4")],
            version: 1,
            exchange_time: Wall::from_nanos(0),
            behind: 0,
        };
        let judge = |bids: &[Level], asks: &[Level], depth, low: Option<&str>| {
            let low = low.map(|t| Decimal::parse(t.as_bytes()).expect("a number"));
            truth.judge(&Shown { bids, asks, depth, low, high: None })
        };
        assert_eq!(judge(&truth.bids, &truth.asks, 100, None), Ok(()));
        assert_eq!(judge(&truth.bids, &truth.asks, 3, None), Ok(()));
        assert_eq!(judge(&truth.bids[..1], &truth.asks[..1], 1, None), Ok(()));
        // Inside the range only two bids exist.
        assert_eq!(judge(&truth.bids[..2], &truth.asks, 100, Some("8")), Ok(()));
        assert_eq!(judge(&truth.bids[..2], &truth.asks, 100, Some("9.0")), Ok(()));

        let missing = judge(&truth.bids[..2], &truth.asks, 100, None).expect_err("a level is missing");
        assert_eq!((missing.index, missing.shown), (2, None));
        let phantom = [level("10", "1"), level("9.5", "1"), level("9", "2"), level("7", "3")];
        assert_eq!(judge(&phantom, &truth.asks, 100, None).expect_err("a phantom").index, 1);
        let size = [level("11", "1"), level("12.5", "4.1")];
        let wrong = judge(&truth.bids, &size, 100, None).expect_err("a wrong size");
        assert_eq!((wrong.side, wrong.index), (Side::Ask, 1));
        assert_eq!(wrong.to_string(), "ask 1: shown 12.5 x 4.1, true 12.5 x 4");
        // More than was asked for, and outside what is claimed: both are wrong.
        assert!(judge(&truth.bids, &truth.asks, 2, None).is_err());
        assert!(judge(&truth.bids, &truth.asks, 100, Some("8")).is_err());
        assert!(judge(&[], &truth.asks, 100, None).is_err());
    }
}
