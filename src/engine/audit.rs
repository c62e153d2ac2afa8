//! A book against an independent witness: the best bid and offer that the venue publishes at the same update id.
//!
//! The two streams are not in step, so a few recent quotes wait for the book to reach their id. A quote whose id the
//! book steps over cannot be compared and is let go.

use crate::engine::event::{Level, Quote};
use std::collections::VecDeque;

/// Quotes kept waiting. A busy symbol has up to a few hundred in the 100 ms between two book messages, but only the last
/// of them can match; 64 cover a late book message, and an overflow costs a comparison, never a wrong one.
const WAITING_MAX: usize = 64;

/// A book and its witness differ.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mismatch {
    pub sequence: u64,
    pub book: (Option<Level>, Option<Level>),
    pub quote: (Option<Level>, Option<Level>),
}

#[derive(Debug, Default)]
pub struct Audit {
    waiting: VecDeque<Quote>,
    checks: u64,
    mismatches: u64,
}

impl Audit {
    /// The most heap one audit takes.
    pub const BYTES_MAX: usize = WAITING_MAX * size_of::<Quote>();

    /// A quote came; `book` is the live book's sequence and best levels, when it is live. Says how the two differ.
    pub fn quote(
        &mut self,
        quote: &Quote,
        book: Option<(u64, Option<Level>, Option<Level>)>,
    ) -> Option<Mismatch> {
        let sequence = quote.sequence?;
        if let Some((at, bid, ask)) = book {
            if at == sequence {
                return self.compare(quote, bid, ask);
            }
            if at > sequence {
                return None;
            }
        }
        if self.waiting.len() == WAITING_MAX {
            self.waiting.pop_front();
        }
        self.waiting.push_back(*quote);
        None
    }

    /// A live book reached `sequence`. Says how it differs from the quote of that id.
    pub fn book(&mut self, sequence: u64, bid: Option<Level>, ask: Option<Level>) -> Option<Mismatch> {
        while let Some(quote) = self.waiting.front().copied() {
            if quote.sequence > Some(sequence) {
                break;
            }
            self.waiting.pop_front();
            if quote.sequence == Some(sequence) {
                return self.compare(&quote, bid, ask);
            }
        }
        None
    }

    /// The stream broke off; quotes of before say nothing of what follows.
    pub fn clear(&mut self) {
        self.waiting.clear();
    }

    pub const fn checks(&self) -> u64 {
        self.checks
    }

    pub const fn mismatches(&self) -> u64 {
        self.mismatches
    }

    fn compare(&mut self, quote: &Quote, bid: Option<Level>, ask: Option<Level>) -> Option<Mismatch> {
        self.checks += 1;
        if quote.bid == bid && quote.ask == ask {
            return None;
        }
        self.mismatches += 1;
        Some(Mismatch {
            sequence: quote.sequence.unwrap_or_default(),
            book: (bid, ask),
            quote: (quote.bid, quote.ask),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::decimal::Decimal;

    fn level(price: i128) -> Option<Level> {
        Some(Level { price: Decimal::new(price, 2).unwrap(), size: Decimal::new(1, 0).unwrap() })
    }

    fn quote(sequence: u64, bid: i128) -> Quote {
        Quote { sequence: Some(sequence), bid: level(bid), ask: level(bid + 1), exchange_time: None }
    }

    #[test]
    fn only_equal_ids_are_compared() {
        let mut audit = Audit::default();
        assert_eq!(audit.quote(&quote(10, 100), Some((9, level(1), level(2)))), None);
        assert_eq!(audit.quote(&quote(11, 101), Some((9, level(1), level(2)))), None);
        assert_eq!(audit.quote(&quote(8, 55), Some((9, level(1), level(2)))), None, "older than the book");
        assert_eq!(audit.book(11, level(101), level(102)), None);
        assert_eq!((audit.checks(), audit.mismatches()), (1, 0));
        assert!(audit.quote(&quote(11, 102), Some((11, level(101), level(102)))).is_some());
        assert_eq!((audit.checks(), audit.mismatches()), (2, 1));
    }

    #[test]
    fn waiting_quotes_are_bounded() {
        let mut audit = Audit::default();
        for n in 0..1_000 {
            assert_eq!(audit.quote(&quote(n, 7), None), None);
        }
        assert_eq!(audit.waiting.len(), WAITING_MAX);
        assert_eq!(audit.book(999, level(7), level(8)), None);
        assert_eq!(audit.checks(), 1);
    }
}
