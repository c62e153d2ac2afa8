//! What a book sums up to, as venues compute it over the text of its best levels.
//!
//! A book holds numbers and not their spelling, so each rule says how its venue spells them. All are CRC-32 with zlib's
//! polynomial.

use crate::engine::book::Book;
use crate::engine::decimal::Decimal;
use crate::engine::event::{Level, Precision, Side};

/// How a venue sums a book up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ChecksumRule {
    /// The best ten asks, then the best ten bids; of each level the price and the size with all their decimals, without the
    /// point and without leading zeros.
    /// Source: <https://docs.kraken.com/exchange/guides/websockets/book-checksum-v2.md>
    Kraken,
    /// The best 25 of both sides by turns, `price:size` joined by colons.
    /// Source: <https://www.okx.com/docs-v5/en/> (order book channel, checksum)
    Okx,
    /// The same with the sizes of asks negative and numbers as JavaScript writes them.
    /// Source: <https://docs.bitfinex.com/docs/ws-websocket-checksum>
    Bitfinex,
}

/// Levels a side that each rule looks at.
const KRAKEN_LEVELS: usize = 10;
const INTERLEAVED_LEVELS: usize = 25;

impl ChecksumRule {
    /// Whether the sum cannot be made before the venue said how many decimals it writes.
    pub const fn needs_precision(self) -> bool {
        matches!(self, ChecksumRule::Kraken)
    }

    /// The book's sum. `None` when a number has more decimals than its venue writes, or nobody said how many those are: no
    /// sum of it can be the venue's.
    pub fn sum(self, book: &Book, precision: Option<Precision>) -> Option<u32> {
        let mut text = Text::default();
        match self {
            ChecksumRule::Kraken => {
                let precision = precision?;
                for side in [Side::Ask, Side::Bid] {
                    for level in book.levels(side).take(KRAKEN_LEVELS) {
                        text.whole(level.price.at_scale(precision.price)?);
                        text.whole(level.size.at_scale(precision.size)?);
                    }
                }
            }
            ChecksumRule::Okx => text.by_turns(book, |text, _, level| {
                text.number(level.price);
                text.byte(b':');
                text.number(level.size);
            }),
            ChecksumRule::Bitfinex => text.by_turns(book, |text, side, level| {
                text.javascript(level.price);
                text.byte(b':');
                if side == Side::Ask {
                    text.byte(b'-');
                }
                text.javascript(level.size);
            }),
        }
        Some(text.sum())
    }
}

/// Longest text of one number: 28 digits with their zeros before, sign and point.
const NUMBER_BYTES_MAX: usize = 64;

/// What is summed up, a piece at a time: nothing is allocated.
#[derive(Default)]
struct Text {
    sum: crc32fast::Hasher,
    /// The next level is not the first.
    begun: bool,
}

impl Text {
    fn sum(self) -> u32 {
        self.sum.finalize()
    }

    fn byte(&mut self, byte: u8) {
        self.sum.update(&[byte]);
    }

    /// The best levels of both sides by turns, joined by colons; where one side has run out, the other alone.
    fn by_turns(&mut self, book: &Book, each: impl Fn(&mut Text, Side, Level)) {
        let (mut bids, mut asks) = (book.levels(Side::Bid), book.levels(Side::Ask));
        for _ in 0..INTERLEAVED_LEVELS {
            for (side, level) in [(Side::Bid, bids.next()), (Side::Ask, asks.next())] {
                let Some(level) = level else { continue };
                if std::mem::replace(&mut self.begun, true) {
                    self.byte(b':');
                }
                each(self, side, level);
            }
        }
    }

    /// A whole number's digits.
    fn whole(&mut self, number: i128) {
        let mut digits = [0; NUMBER_BYTES_MAX];
        let from = write_digits(&mut digits, number.unsigned_abs());
        self.sum.update(&digits[from..]);
    }

    /// A number as people write it, without needless zeros.
    fn number(&mut self, number: Decimal) {
        let mut digits = [0; NUMBER_BYTES_MAX];
        let from = write_digits(&mut digits, number.mantissa().unsigned_abs());
        let scale = usize::from(number.scale());
        let point = digits.len() - scale;
        if scale == 0 {
            return self.sum.update(&digits[from..]);
        }
        if from < point {
            self.sum.update(&digits[from..point]);
            self.byte(b'.');
            return self.sum.update(&digits[point..]);
        }
        self.sum.update(b"0.");
        (point..from).for_each(|_| self.byte(b'0'));
        self.sum.update(&digits[from..]);
    }

    /// A number as JavaScript writes it: with an exponent when there are six zeros or more after the point.
    /// Source: <https://tc39.es/ecma262/#sec-numeric-types-number-tostring>
    fn javascript(&mut self, number: Decimal) {
        let mut digits = [0; NUMBER_BYTES_MAX];
        let from = write_digits(&mut digits, number.mantissa().unsigned_abs());
        let (count, scale) = (digits.len() - from, usize::from(number.scale()));
        // Numbers from 10^21 on have one too; no book has room for them.
        if scale < count + 6 {
            return self.number(number);
        }
        self.byte(digits[from]);
        if count > 1 {
            self.byte(b'.');
            self.sum.update(&digits[from + 1..]);
        }
        self.sum.update(b"e-");
        // At most 28.
        self.whole((scale - count + 1) as i128);
    }
}

/// Writes a number to the end of `digits` and says where it begins.
fn write_digits(digits: &mut [u8; NUMBER_BYTES_MAX], number: u128) -> usize {
    let mut at = digits.len();
    let mut put = |digit: u8| {
        at -= 1;
        digits[at] = b'0' + digit;
    };
    // The casts are exact: all are remainders of ten.
    let mut wide = number;
    while wide > u128::from(u64::MAX) {
        put((wide % 10) as u8);
        wide /= 10;
    }
    let mut narrow = wide as u64;
    loop {
        put((narrow % 10) as u8);
        narrow /= 10;
        if narrow == 0 {
            return at;
        }
    }
}

#[cfg(test)]
mod tests;
