//! The quick ways of reading a decimal: eight bytes at a time, or digit by digit. They take the forms that nearly all
//! numbers have, and say so when one has another.

use super::Decimal;

/// `10^n` for as many digits as [`Eight`] has.
const POW10: [u64; 9] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];

impl Decimal {
    /// Reads the `digits[.digits]` that a text begins with: the number, and how many bytes it is. `None`: there is none,
    /// or one of more than 18 digits, which [`Decimal::parse`] takes.
    #[inline(always)] // a level is two of these, and passing the answer back took as long as finding it
    pub fn read(text: &[u8]) -> Option<(Decimal, usize)> {
        // Long sizes, and the last numbers of a text, take the other way.
        text.first_chunk().and_then(by_eights).or_else(|| one_by_one(text))
    }
}

/// Eight digits, a point, eight more, and what comes after them.
const EIGHTS: usize = 18;

/// Reads a number of at most eight digits on each side of the point.
#[inline(always)]
fn by_eights(text: &[u8; EIGHTS]) -> Option<(Decimal, usize)> {
    let whole = Eight::at(text, 0);
    let len = whole.digits();
    if len == 0 {
        return None;
    }
    match text[len] {
        b'.' => {}
        b'0'..=b'9' => return None,
        _ => return Some((Decimal { low: whole.first(len), ..Decimal::ZERO }, len)),
    }
    let fraction = Eight::at(text, len + 1);
    let decimals = fraction.digits();
    let end = len + 1 + decimals;
    if decimals == 0 || text[end].is_ascii_digit() {
        return None;
    }
    // Zeros at the end are not read: they would have to be divided out again.
    let scale = fraction.significant(decimals);
    // Eight digits and eight more: far from 64 bits.
    let low = whole.first(len).wrapping_mul(POW10[scale]).wrapping_add(fraction.first(scale));
    Some((Decimal { low, high: 0, scale: scale as u8, negative: false }, end))
}

/// Reads a number of up to 18 digits, which fit 64 bits.
#[inline(never)]
pub(super) fn one_by_one(text: &[u8]) -> Option<(Decimal, usize)> {
    // The mantissa so far, and the mantissa and its decimals up to the last that is not zero.
    let (mut m, mut point, mut low, mut scale) = (0u64, None, 0, 0);
    let mut end = 0;
    while let Some(&c) = text.get(end) {
        match (c, point) {
            (b'0'..=b'9', _) if end - usize::from(point.is_some()) == 18 => return None,
            (b'0'..=b'9', _) => {
                m = m * 10 + u64::from(c - b'0');
                match point {
                    None => low = m,
                    Some(_) if c == b'0' => {}
                    Some(at) => (low, scale) = (m, end - at),
                }
            }
            (b'.', None) if end > 0 => point = Some(end),
            _ => break,
        }
        end += 1;
    }
    let ends_well = end > 0 && point != Some(end - 1);
    ends_well.then_some((Decimal { low, high: 0, scale: scale as u8, negative: false }, end))
}

/// Eight bytes of a text at once, the first in the lowest byte, each as its distance from the digit zero. Arithmetic
/// wraps where a byte that is no digit, or lies behind one, takes part: none of those is looked at.
#[derive(Clone, Copy)]
struct Eight(u64);

impl Eight {
    /// The eight bytes from here, which is at most nine.
    #[inline]
    fn at(text: &[u8; EIGHTS], at: usize) -> Eight {
        let eight = text[at..].first_chunk().expect("eight of eighteen from the ninth on");
        Eight(u64::from_le_bytes(*eight) ^ 0x3030_3030_3030_3030)
    }

    /// How many digits come before anything else.
    #[inline]
    fn digits(self) -> usize {
        // Adding 0x76 sets a byte's top bit from ten on; a carry only reaches bytes behind the first that is no digit.
        let others = (self.0.wrapping_add(0x7676_7676_7676_7676) | self.0) & 0x8080_8080_8080_8080;
        others.trailing_zeros() as usize / 8
    }

    /// How many of the first `digits` are left without the zeros at their end.
    #[inline]
    fn significant(self, digits: usize) -> usize {
        // Moved to the end and back: what comes after them is gone.
        let away = 64 - 8 * digits as u32;
        let kept = if digits == 0 { 0 } else { self.0 << away >> away };
        8 - kept.leading_zeros() as usize / 8
    }

    /// The value of the first `digits`.
    #[inline]
    fn first(self, digits: usize) -> u64 {
        if digits == 0 {
            return 0;
        }
        // Moved to the end, with zeros before them; then pairs, fours and all eight are put together.
        let digits = self.0 << (64 - 8 * digits);
        let join = |n: u64, base: u64, width: u32| n.wrapping_mul(base).wrapping_add(n >> width);
        let pairs = join(digits, 10, 8) & 0x00ff_00ff_00ff_00ff;
        let fours = join(pairs, 100, 16) & 0x0000_ffff_0000_ffff;
        join(fours, 10_000, 32) & 0xffff_ffff
    }
}
