//! Exact decimal numbers, read from a number's own text and never through floating point.
//!
//! A [`Decimal`] is `±mantissa / 10^scale` with a 96-bit mantissa: 28 significant digits, as wide as the widest
//! number any venue was seen to send, in 16 bytes. It is always normalized (no trailing zeros after the point),
//! so `456.10` and `456.1` are one value and one level.

mod read;

use std::cmp::Ordering;
use std::fmt;

use serde::{Serialize, Serializer};

/// Most digits after the point. 28 is what 96 bits can hold of a number below one.
pub const SCALE_MAX: u8 = 28;

/// An exact decimal number.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Decimal {
    low: u64,
    high: u32,
    scale: u8,
    negative: bool,
}

/// Why a text is not a [`Decimal`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DecimalError {
    /// Not a JSON number.
    Malformed,
    /// A number, but with more digits than 96 bits and 28 decimals can hold exactly.
    DoesNotFit,
}

impl fmt::Display for DecimalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DecimalError::Malformed => "not a decimal number",
            DecimalError::DoesNotFit => "a number of more than 28 digits",
        })
    }
}

impl Decimal {
    pub const ZERO: Decimal = Decimal { low: 0, high: 0, scale: 0, negative: false };

    /// Reads `[+-]digits[.digits][(e|E)[+-]digits]`, exactly or not at all.
    ///
    /// # Errors
    /// [`DecimalError::Malformed`] when the text is no number, [`DecimalError::DoesNotFit`] when it cannot be held exactly.
    pub fn parse(text: &[u8]) -> Result<Decimal, DecimalError> {
        let (negative, body) = match text {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            _ => (false, text),
        };
        match read::one_by_one(body) {
            Some((value, len)) if len == body.len() => {
                Ok(Decimal { negative: negative && !value.is_zero(), ..value })
            }
            _ => parse_long(negative, body),
        }
    }

    /// `mantissa / 10^scale`, normalized; `None` when that does not fit.
    pub fn new(mantissa: i128, scale: u8) -> Option<Decimal> {
        let (mut m, mut scale) = (mantissa.unsigned_abs(), scale);
        if m == 0 {
            return Some(Decimal::ZERO);
        }
        // Nearly every number fits 64 bits, and dividing twice as many takes ten times as long.
        if let Ok(mut low) = u64::try_from(m) {
            while scale > 0 && low.is_multiple_of(10) {
                low /= 10;
                scale -= 1;
            }
            let fits = scale <= SCALE_MAX;
            return fits.then_some(Decimal { low, high: 0, scale, negative: mantissa < 0 });
        }
        while scale > 0 && m.is_multiple_of(10) {
            m /= 10;
            scale -= 1;
        }
        if m >> 96 != 0 || scale > SCALE_MAX {
            return None;
        }
        // The casts keep the low 64 and the next 32 bits; the check above says there are no others.
        Some(Decimal { low: m as u64, high: (m >> 64) as u32, scale, negative: mantissa < 0 })
    }

    /// The number as two words, for storage that knows only words.
    pub fn to_words(self) -> [u64; 2] {
        [self.low, u64::from(self.high) << 32 | u64::from(self.scale) << 8 | u64::from(self.negative)]
    }

    /// The inverse of [`Decimal::to_words`].
    pub fn from_words(words: [u64; 2]) -> Decimal {
        let [low, rest] = words;
        // The casts keep the fields that `to_words` put there; the scale stays in its range whatever the words.
        let scale = ((rest >> 8) as u8).min(SCALE_MAX);
        Decimal { low, high: (rest >> 32) as u32, scale, negative: rest & 1 == 1 }
    }

    pub fn is_zero(self) -> bool {
        self.low == 0 && self.high == 0
    }

    pub fn is_negative(self) -> bool {
        self.negative
    }

    /// Digits after the point, trailing zeros not counted.
    pub fn scale(self) -> u8 {
        self.scale
    }

    /// The signed mantissa: the value is `mantissa / 10^scale`.
    pub fn mantissa(self) -> i128 {
        let m = (u128::from(self.high) << 64 | u128::from(self.low)) as i128;
        if self.negative { -m } else { m }
    }

    /// The signed mantissa, where it fits 64 bits.
    #[inline]
    pub fn mantissa_i64(self) -> Option<i64> {
        let m = i64::try_from(self.low).ok().filter(|_| self.high == 0)?;
        Some(if self.negative { -m } else { m })
    }

    /// The value as a count of `10^-scale`; `None` when it is finer than that or exceeds 128 bits.
    pub fn at_scale(self, scale: u8) -> Option<i128> {
        let up = scale.checked_sub(self.scale)?;
        self.mantissa().checked_mul(pow10(up)?)
    }

    /// The nearest float, for ratios and displays only; no book is ever built from it.
    pub fn to_f64(self) -> f64 {
        self.mantissa() as f64 / 10f64.powi(i32::from(self.scale))
    }
}

/// `10^exponent`, or `None` past what an `i128` holds.
pub fn pow10(exponent: u8) -> Option<i128> {
    10_i128.checked_pow(u32::from(exponent))
}

/// Every other form: exponents, long mantissas, many leading or trailing zeros.
fn parse_long(negative: bool, body: &[u8]) -> Result<Decimal, DecimalError> {
    let (number, exponent) = match body.iter().position(|c| matches!(c, b'e' | b'E')) {
        None => (body, 0),
        Some(at) => (&body[..at], parse_exponent(&body[at + 1..])?),
    };
    let (whole, fraction) = match number.iter().position(|&c| c == b'.') {
        None => (number, &[][..]),
        Some(at) if at + 1 == number.len() => return Err(DecimalError::Malformed),
        Some(at) => (&number[..at], &number[at + 1..]),
    };
    if whole.is_empty() || !whole.iter().chain(fraction).all(u8::is_ascii_digit) {
        return Err(DecimalError::Malformed);
    }
    // Value = m × 10^(exponent - fraction.len() + zeros): trailing zeros are counted, not multiplied in.
    let (mut m, mut zeros) = (0u128, 0i64);
    for &c in whole.iter().chain(fraction) {
        if c == b'0' && m != 0 {
            zeros += 1;
            continue;
        }
        if m == 0 && c == b'0' {
            continue;
        }
        for _ in 0..zeros {
            m = m.checked_mul(10).filter(|m| m >> 100 == 0).ok_or(DecimalError::DoesNotFit)?;
        }
        zeros = 0;
        m = m * 10 + u128::from(c - b'0');
        if m >> 100 != 0 {
            return Err(DecimalError::DoesNotFit);
        }
    }
    if m == 0 {
        return Ok(Decimal::ZERO);
    }
    let exponent = exponent - fraction.len() as i64 + zeros;
    let (m, scale) = if exponent >= 0 {
        let up = u8::try_from(exponent).ok().and_then(pow10).ok_or(DecimalError::DoesNotFit)?;
        (m.checked_mul(up.unsigned_abs()).ok_or(DecimalError::DoesNotFit)?, 0)
    } else {
        (m, u8::try_from(-exponent).map_err(|_| DecimalError::DoesNotFit)?)
    };
    let signed = i128::try_from(m).map_err(|_| DecimalError::DoesNotFit)?;
    Decimal::new(if negative { -signed } else { signed }, scale).ok_or(DecimalError::DoesNotFit)
}

/// Larger than any text has digits.
const EXPONENT_MAX: i64 = 1 << 60;

fn parse_exponent(text: &[u8]) -> Result<i64, DecimalError> {
    let (sign, digits) = match text {
        [b'-', rest @ ..] => (-1, rest),
        [b'+', rest @ ..] => (1, rest),
        _ => (1, text),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(DecimalError::Malformed);
    }
    // A fraction of many zeros can bring a large exponent back into range, but no text is as long as this bound:
    // beyond it the verdict no longer depends on the value, and nothing computed from it overflows.
    let value = digits.iter().fold(0i64, |n, c| n.saturating_mul(10).saturating_add(i64::from(c - b'0')));
    Ok(sign * value.min(EXPONENT_MAX))
}

impl Ord for Decimal {
    fn cmp(&self, other: &Decimal) -> Ordering {
        if self.scale == other.scale {
            return self.mantissa().cmp(&other.mantissa());
        }
        // 96 bits scaled up may pass 128, so whole parts first, then fractions below 10^28.
        let split = |d: &Decimal| {
            let unit = pow10(d.scale).expect("the scale is at most 28");
            let fraction = d.mantissa().rem_euclid(unit);
            (d.mantissa().div_euclid(unit), fraction * pow10(SCALE_MAX - d.scale).expect("at most 28"))
        };
        split(self).cmp(&split(other))
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Decimal) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The shortest exact text: no exponent, no trailing zeros.
impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let m = self.mantissa().unsigned_abs();
        let sign = if self.negative { "-" } else { "" };
        if self.scale == 0 {
            return write!(f, "{sign}{m}");
        }
        let unit = pow10(self.scale).expect("the scale is at most 28").unsigned_abs();
        write!(f, "{sign}{}.{:0width$}", m / unit, m % unit, width = usize::from(self.scale))
    }
}

impl fmt::Debug for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A JSON string, as every venue and every client agrees on: a JSON number would be read as a float.
impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Decimal {
        Decimal::parse(text.as_bytes()).unwrap_or_else(|e| panic!("{text}: {e}"))
    }

    #[test]
    fn text_is_kept_exactly_and_normalized() {
        for (text, want) in [
            ("456.10", "456.1"),
            ("456.1", "456.1"),
            ("770.000000000", "770"),
            ("0.00000000", "0"),
            ("-0", "0"),
            ("0.000000000000000001", "0.000000000000000001"),
            ("1000000000000000", "1000000000000000"),
            ("1e15", "1000000000000000"),
            ("1.5E-3", "0.0015"),
            ("-2.50e+1", "-25"),
            ("1000000000000000.12345678", "1000000000000000.12345678"),
            ("7.922816251426433759354395033", "7.922816251426433759354395033"),
            ("0.1000000000000000000000000000000000000", "0.1"),
            ("000123.4500", "123.45"),
            ("9999999999999999999", "9999999999999999999"),
        ] {
            assert_eq!(parsed(text).to_string(), want, "{text}");
            assert_eq!(Decimal::from_words(parsed(text).to_words()), parsed(text));
        }
        assert_eq!(parsed("456.10"), parsed("456.1"));
        assert_eq!(size_of::<Decimal>(), 16);
    }

    #[test]
    fn what_is_no_number_or_too_fine_is_refused() {
        for text in
            ["", "-", ".", "1.", ".5", "1e", "1e+", "NaN", "1_000", "1,5", "0x1", "--1", " 1", "1 ", "1.2.3"]
        {
            assert_eq!(Decimal::parse(text.as_bytes()), Err(DecimalError::Malformed), "{text}");
        }
        for text in [
            "1e29",
            "1e-29",
            "1e99999999999",
            "79228162514264337593543950336",
            "1.00000000000000000000000000001",
        ] {
            assert_eq!(Decimal::parse(text.as_bytes()), Err(DecimalError::DoesNotFit), "{text}");
        }
    }

    /// The exponent was once cut at 9,999 before the zeros of the fraction were set against it: this read as 0.01.
    #[test]
    fn a_long_fraction_and_a_large_exponent_cancel_out() {
        for zeros in [9_990, 9_999, 10_000, 10_001, 100_000] {
            let text = format!("0.{}1e{}", "0".repeat(zeros), zeros + 1);
            assert_eq!(parsed(&text), parsed("1"), "{zeros} zeros");
            let text = format!("1{}e-{zeros}", "0".repeat(zeros));
            assert_eq!(parsed(&text), parsed("1"), "{zeros} zeros");
        }
        assert_eq!(parsed("0e99999999999999999999"), Decimal::ZERO);
    }

    #[test]
    fn order_is_by_value() {
        let sorted =
            ["-2", "-0.5", "0", "0.000000000000000001", "1", "1.01", "1.1", "79228162514264337593543950335"];
        for pair in sorted.windows(2) {
            assert!(parsed(pair[0]) < parsed(pair[1]), "{pair:?}");
        }
    }
}
