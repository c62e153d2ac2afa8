//! Reading what nearly all frames look like: nothing between the tokens, no escapes, no exponents. Each says when something
//! else comes, and the strict reader takes over from where it stood.

use super::Json;
use crate::engine::decimal::Decimal;

impl<'t> Json<'t> {
    /// Reads a number, bare or as a string, in the form it mostly has: no sign, no exponent, nothing before the next
    /// comma or bracket. `None`, with nothing read, for any other: see [`Json::digits`].
    #[inline(always)] // see `Decimal::read`
    pub fn plain_number(&mut self) -> Option<Decimal> {
        let bytes = self.text.as_bytes().get(self.at..)?;
        let (value, len) = match bytes.split_first()? {
            (b'"', body) => {
                let (value, len) = Decimal::read(body)?;
                (value, (body.get(len) == Some(&b'"')).then_some(len + 2)?)
            }
            // JSON knows no number with zeros before it.
            (b'0', body) if body.first().is_some_and(u8::is_ascii_digit) => return None,
            _ => {
                let (value, len) = Decimal::read(bytes)?;
                (value, matches!(bytes.get(len), Some(b',' | b']' | b'}')).then_some(len)?)
            }
        };
        self.at += len;
        Some(value)
    }

    /// Reads over exactly this text; false, with nothing read, where something else comes.
    #[inline(always)] // so that a text known here is compared as a number or two
    pub fn literal(&mut self, text: &str) -> bool {
        let end = self.at.saturating_add(text.len());
        let there = self.text.as_bytes().get(self.at..end) == Some(text.as_bytes());
        if there {
            self.at = end;
        }
        there
    }

    /// Reads a string of nothing but plain characters. `None`, with nothing read, before anything else.
    #[inline]
    pub fn plain_text(&mut self) -> Option<&'t str> {
        let (quote, rest) = self.text.as_bytes().get(self.at..)?.split_first()?;
        let len = plain_bytes(rest);
        if *quote != b'"' || rest.get(len) != Some(&b'"') {
            return None;
        }
        let start = self.at + 1;
        let text = self.text.get(start..start + len)?;
        self.at = start + len + 1;
        Some(text)
    }

    /// Reads a whole number of up to 18 digits, and none that JSON does not know. `None`, with nothing read, before
    /// anything else.
    #[inline]
    pub fn plain_whole(&mut self) -> Option<u64> {
        let digits = self.text.as_bytes().get(self.at..)?.iter().take_while(|c| c.is_ascii_digit());
        let (mut value, mut len) = (0u64, 0);
        for digit in digits.take(19) {
            value = value.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
            len += 1;
        }
        // Nineteen digits may wrap and are not given out; zeros before a number are for the strict reader to refuse.
        if len == 0 || len == 19 || (len > 1 && self.text.as_bytes()[self.at] == b'0') {
            return None;
        }
        self.at += len;
        Some(value)
    }
}

/// How many bytes come before a quote, a backslash, a control character or the end.
#[inline]
pub(super) fn plain_bytes(text: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const TOPS: u64 = 0x8080_8080_8080_8080;
    // Sets the top bit of each byte below `n`; a borrow only reaches bytes behind one that has it set.
    let below = |eight: u64, n: u64| eight.wrapping_sub(ONES * n) & !eight & TOPS;
    let (eights, _) = text.as_chunks::<8>();
    for (at, eight) in eights.iter().enumerate() {
        let eight = u64::from_le_bytes(*eight);
        let quote = below(eight ^ (ONES * u64::from(b'"')), 1);
        let backslash = below(eight ^ (ONES * u64::from(b'\\')), 1);
        let found = quote | backslash | below(eight, 0x20);
        if found != 0 {
            return at * 8 + found.trailing_zeros() as usize / 8;
        }
    }
    let plain = |c: &&u8| !matches!(**c, b'"' | b'\\' | 0..=0x1f);
    let from = eights.len() * 8;
    from + text[from..].iter().take_while(plain).count()
}
