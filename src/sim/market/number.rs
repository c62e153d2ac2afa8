//! Numbers as venues print them, from whole units and never through floating point.

use crate::engine::decimal::Decimal;
use std::fmt::Write;

/// How a number is spelled; all spellings of one value are that value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Spelling {
    /// No zeros after the last digit that counts: `456.1`.
    Short,
    /// At least this many decimals: `456.10000000`.
    Padded(u8),
    /// `4561e-1`: legal in JSON, seen nowhere, accepted everywhere.
    Exponent,
}

/// Appends `units / 10^scale`.
pub fn write(out: &mut String, units: i64, scale: u8, spelling: Spelling) {
    // Writing to a String cannot fail, so the results carry nothing.
    let (sign, mut n, mut scale) = (if units < 0 { "-" } else { "" }, units.unsigned_abs(), scale);
    if spelling == Spelling::Exponent {
        let _ = write!(out, "{sign}{n}e-{scale}");
        return;
    }
    while scale > 0 && n.is_multiple_of(10) {
        n /= 10;
        scale -= 1;
    }
    let unit = 10u64.pow(u32::from(scale.min(19)));
    let _ = write!(out, "{sign}{}", n / unit);
    let width = match spelling {
        Spelling::Padded(width) => width.max(scale),
        _ => scale,
    };
    if width > 0 {
        out.push('.');
        if scale > 0 {
            let _ = write!(out, "{:0digits$}", n % unit, digits = usize::from(scale));
        }
        out.extend(std::iter::repeat_n('0', usize::from(width - scale)));
    }
}

/// The same as a text of its own.
pub fn text(units: i64, scale: u8, spelling: Spelling) -> String {
    let mut out = String::new();
    write(&mut out, units, scale, spelling);
    out
}

/// The same value for comparisons; `None` only for a scale no spec has.
pub fn decimal(units: i64, scale: u8) -> Option<Decimal> {
    Decimal::new(i128::from(units), scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_is_the_same_value() {
        for (units, scale) in
            [(45_610, 2), (0, 8), (7, 18), (1_000_000_000_000_000, 0), (1_234_567, 15), (100, 1), (-25, 1)]
        {
            let want = decimal(units, scale).expect("fits");
            let all =
                [Spelling::Short, Spelling::Padded(8), Spelling::Padded(0), Spelling::Exponent].map(|s| {
                    let mut text = String::new();
                    write(&mut text, units, scale, s);
                    assert_eq!(Decimal::parse(text.as_bytes()), Ok(want), "{text}");
                    text
                });
            assert_eq!(all[0], want.to_string());
        }
        let mut text = String::new();
        write(&mut text, 45_610, 2, Spelling::Padded(8));
        assert_eq!(text, "456.10000000");
    }
}
