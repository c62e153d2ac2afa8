//! The integers a book computes with: counts of `10^-scale`, in 64 bits while they do and in 128 bits when not.
//!
//! Every conversion is exact or refused; nothing here rounds.

use crate::engine::decimal::{Decimal, pow10};

/// `10^n` as 64 bits: a table, because scaling a number up is half of what a level costs.
const POW10: [i64; 19] = {
    let mut powers = [1; 19];
    let mut n = 1;
    while n < powers.len() {
        powers[n] = powers[n - 1] * 10;
        n += 1;
    }
    powers
};

/// A width a book can be kept in.
pub(super) trait Units: Copy + Ord {
    /// `value` as a count of `10^-scale`; `None` when it is finer than that or too large for this width.
    fn of(value: Decimal, scale: u8) -> Option<Self>;

    /// The same value counted in `10^-(scale + finer)`; `None` when that is too large for this width.
    fn refined(self, finer: u8) -> Option<Self>;

    fn negated(self) -> Self;

    fn widened(self) -> i128;

    /// About as much, for guesses.
    fn roughly(self) -> f64;
}

impl Units for i64 {
    #[inline]
    fn of(value: Decimal, scale: u8) -> Option<i64> {
        let finer = scale.checked_sub(value.scale())?;
        value.mantissa_i64()?.checked_mul(*POW10.get(usize::from(finer))?)
    }

    fn refined(self, finer: u8) -> Option<i64> {
        self.checked_mul(*POW10.get(usize::from(finer))?)
    }

    fn negated(self) -> i64 {
        -self // cannot overflow: magnitudes come from positive numbers, so never i64::MIN
    }

    fn widened(self) -> i128 {
        self.into()
    }

    fn roughly(self) -> f64 {
        self as f64
    }
}

impl Units for i128 {
    fn of(value: Decimal, scale: u8) -> Option<i128> {
        value.at_scale(scale)
    }

    fn refined(self, finer: u8) -> Option<i128> {
        self.checked_mul(pow10(finer)?)
    }

    fn negated(self) -> i128 {
        -self
    }

    fn widened(self) -> i128 {
        self
    }

    fn roughly(self) -> f64 {
        self as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        Decimal::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn conversions_are_exact_or_refused() {
        assert_eq!(i64::of(decimal("456.1"), 2), Some(45_610));
        assert_eq!(i64::of(decimal("456.123"), 2), None, "finer than the scale");
        assert_eq!(i64::of(decimal("1e15"), 8), None, "24 digits in 64 bits");
        assert_eq!(i128::of(decimal("1e15"), 8), Some(10i128.pow(23)));
        assert_eq!(i64::of(decimal("0"), 28), None, "past the table; the 128-bit form takes it");
        assert_eq!(i128::of(decimal("1e28"), 28), None);
        assert_eq!(45i64.refined(3), Some(45_000));
        assert_eq!(i64::MAX.refined(1), None);
        assert_eq!(i128::MAX.refined(1), None);
    }
}
