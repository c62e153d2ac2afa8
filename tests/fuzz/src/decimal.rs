//! Numbers: text to [`Decimal`] and back, in order, and against strings of digits.

use crate::slow::Exact;
use depthd::engine::decimal::{Decimal, DecimalError};
use std::cmp::Ordering;

/// Texts separated by spaces.
pub fn run(data: &[u8]) {
    let mut values = Vec::new();
    for text in data.split(|b| *b == b' ') {
        values.extend(check(text));
    }
    values.truncate(8);
    for &a in &values {
        for &b in &values {
            assert_eq!(a.cmp(&b), slow_order(a, b), "{a} and {b}");
            assert_eq!(a == b, a.cmp(&b) == Ordering::Equal, "{a} and {b}");
        }
    }
}

pub fn work(data: &[u8]) {
    let _ = Decimal::parse(data);
}

fn check(text: &[u8]) -> Option<Decimal> {
    let exact = std::str::from_utf8(text).ok().and_then(Exact::read);
    let value = match (Decimal::parse(text), exact) {
        (Err(DecimalError::Malformed), None) => return None,
        (Err(DecimalError::DoesNotFit), Some(exact)) => {
            assert!(!exact.fits(), "refused though it fits: {exact:?}");
            return None;
        }
        (Ok(value), Some(exact)) => {
            assert_eq!(Exact::of(value), exact);
            assert!(exact.fits());
            value
        }
        (parsed, exact) => panic!("{parsed:?}, but {exact:?}"),
    };
    let shown = value.to_string();
    assert_eq!(Decimal::parse(shown.as_bytes()), Ok(value), "{shown}");
    assert!(!shown.contains('e'), "{shown}");
    assert!(!shown.contains('.') || !shown.ends_with('0'), "{shown}");
    assert_eq!(Decimal::from_words(value.to_words()), value);
    assert_eq!(Decimal::new(value.mantissa(), value.scale()), Some(value));
    assert_eq!(value.at_scale(value.scale()), Some(value.mantissa()));
    if let Some(finer) = value.scale().checked_add(3).and_then(|scale| value.at_scale(scale)) {
        assert_eq!(finer, value.mantissa() * 1_000);
    }
    let float: f64 = shown.parse().expect("a number");
    assert!((value.to_f64() - float).abs() <= float.abs() * 1e-12, "{shown} as {}", value.to_f64());
    Some(value)
}

/// By sign, then by all digits written out.
fn slow_order(a: Decimal, b: Decimal) -> Ordering {
    let written = |d: Decimal| {
        let digits = format!("{:0>29}", d.mantissa().unsigned_abs());
        format!(
            "{:0>29}{:0<28}",
            &digits[..29 - usize::from(d.scale())],
            &digits[29 - usize::from(d.scale())..]
        )
    };
    let sign = |d: Decimal| match () {
        () if d.is_zero() => 0,
        () if d.is_negative() => -1,
        () => 1,
    };
    sign(a).cmp(&sign(b)).then_with(|| {
        let order = written(a).cmp(&written(b));
        if a.is_negative() { order.reverse() } else { order }
    })
}
