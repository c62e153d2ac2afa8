//! For tests of faces: what goes wrong on the way to a follower, found out and repaired.

use super::Follower;
use crate::sim::exchange::spoil;
use crate::sim::fault::{Extra, Malformed, StreamFault};
use crate::sim::market::Move;

impl Follower {
    /// A book message, spoiled in any way there is, is refused, and the book recovers.
    pub fn spoil(&mut self) {
        use Malformed::{Html, HugeNumber, NegativeSize, TooDeep, Truncated, WrongType};
        for how in [Truncated, Html, WrongType, HugeNumber, NegativeSize, TooDeep] {
            let mut refused = 0;
            while refused < 10 {
                let symbol = self.market.draw();
                let (said, good) = self.told(symbol, if refused == 0 { Move::Jump } else { Move::Ordinary });
                self.believe(&said.ahead);
                let (bad, unknown, mut count) = (spoil::text(&good, how), self.heard("unknown"), self.count);
                assert_ne!(bad, good);
                if let (Some(count), Some(number)) = (&mut count, self.venue.connection_number(&good)) {
                    count.take(number);
                }
                let is_refused = self.hear(&bad).is_err();
                // Its number is used up, whether or not that could still be read.
                self.count = count;
                self.believe(&said.others);
                if is_refused {
                    refused += 1;
                    self.restart(symbol);
                    continue;
                }
                // A level that goes has no size to be negative.
                let is_same = how == NegativeSize && self.heard("unknown") == unknown;
                assert!(is_same, "{how:?}: {}", &bad[..bad.floor_char_boundary(300)]);
                self.judge(symbol);
            }
        }
    }

    /// What happens to a book message is found out, and repaired by a restart.
    pub fn suffer(&mut self, symbol: usize) {
        for fault in [StreamFault::Gap, StreamFault::Duplicate, StreamFault::Late, StreamFault::Reorder] {
            assert!(self.tongue.shows(fault));
            let [(a, first), (b, second)] = [(); 2].map(|()| self.told(symbol, Move::Ordinary));
            let (first, second) = match fault {
                StreamFault::Gap => (vec![], vec![&second]),
                StreamFault::Duplicate => (vec![&first, &first], vec![&second]),
                StreamFault::Late => (vec![&first], vec![&second, &first]),
                _ => (vec![&second], vec![&first]),
            };
            let before = a.ahead.iter().chain(first).chain(&a.others);
            let texts = before.chain(&b.ahead).chain(second).chain(&b.others);
            let refused = texts.filter(|text| self.hear(text).is_err()).count();
            // A hole in the connection's count is everybody's, and what came before does no harm.
            assert!(refused > 0 && (self.count.is_some() || !self.is_live(symbol)), "{fault:?}");
            self.restart(symbol);
        }
    }

    /// A sum that is not the book's is found out, and repaired by a restart.
    pub fn spoil_sum(&mut self, symbol: usize) {
        assert!(self.tongue.sums(symbol));
        let (said, good) = self.told(symbol, Move::Ordinary);
        self.believe(&said.ahead);
        let bad = self.with_scene(|tongue, _| tongue.wrong_sum(symbol, good));
        let mut found = self.hear(&bad).is_err();
        found |= said.others.iter().any(|text| self.hear(text).is_err());
        // Where sums are messages of their own the next one is some changes away.
        for _ in 0..20 {
            if found {
                break;
            }
            let (told, book) = self.told(symbol, Move::Ordinary);
            self.believe(told.ahead.iter().chain([&book]));
            found = told.others.iter().any(|text| self.hear(text).is_err());
        }
        assert!(found && !self.is_live(symbol));
        self.restart(symbol);
        self.run(50);
    }

    /// What nobody asked for changes nothing and breaks nothing; `foreign` is what data of another symbol is taken for.
    pub fn takes_strangers(&mut self, foreign: &str) {
        for (extra, what) in [(Extra::UnknownType, "unknown"), (Extra::UnknownSymbol, foreign)] {
            let text = self.with_scene(|tongue, scene| tongue.stranger(extra, scene));
            let before = self.heard(what);
            self.believe([&text]);
            assert_eq!(self.heard(what), before + 1, "{text}");
        }
        self.run(50);
    }
}
