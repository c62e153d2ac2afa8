//! Decimals against the naive reading of a number's text: all of it or nothing, and back again.

use depthd::engine::decimal::{Decimal, DecimalError, SCALE_MAX};
use proptest::prelude::*;

/// The digits and the exponent of a number, read the slow way: `mantissa × 10^exponent`, without trailing zeros.
fn naive(negative: bool, whole: &str, part: &str, exponent: i32) -> (bool, String, i32) {
    let digits = format!("{whole}{part}");
    let mut exponent = exponent - i32::try_from(part.len()).expect("short");
    let mut digits = digits.trim_start_matches('0').to_owned();
    while digits.ends_with('0') {
        digits.pop();
        exponent += 1;
    }
    if digits.is_empty() { (false, "0".to_owned(), 0) } else { (negative, digits, exponent) }
}

/// What a decimal stands for, in the same form.
fn meaning(d: Decimal) -> (bool, String, i32) {
    naive(d.is_negative(), &d.mantissa().unsigned_abs().to_string(), "", -i32::from(d.scale()))
}

/// Whether 96 bits and 28 decimals hold it.
fn fits(digits: &str, exponent: i32) -> bool {
    if exponent < -i32::from(SCALE_MAX) || digits.len() > 29 {
        return false;
    }
    let zeros = exponent.max(0);
    digits.len() as i32 + zeros <= 29
        && digits.parse::<u128>().is_ok_and(|m| (m * 10_u128.pow(zeros.cast_unsigned())) >> 96 == 0)
}

fn number() -> impl Strategy<Value = (bool, String, String, Option<i32>)> {
    let digits =
        |most: usize| proptest::string::string_regex(&format!("[0-9]{{1,{most}}}")).expect("a pattern");
    let whole = prop_oneof![3 => digits(6), 1 => digits(31)];
    let part = prop_oneof![2 => Just(String::new()), 3 => digits(9), 1 => digits(30)];
    (any::<bool>(), whole, part, proptest::option::weighted(0.2, -32_i32..32))
}

fn text_of((negative, whole, part, exponent): &(bool, String, String, Option<i32>)) -> String {
    let sign = if *negative { "-" } else { "" };
    let point = if part.is_empty() { "" } else { "." };
    let exponent = exponent.map_or_else(String::new, |e| format!("e{e}"));
    format!("{sign}{whole}{point}{part}{exponent}")
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(4_000) })]

    #[test]
    fn a_number_is_held_exactly_or_refused(number in number()) {
        let text = text_of(&number);
        let (negative, whole, part, exponent) = number;
        let expected = naive(negative, &whole, &part, exponent.unwrap_or(0));
        match Decimal::parse(text.as_bytes()) {
            Ok(decimal) => {
                prop_assert_eq!(meaning(decimal), expected, "{}", text);
                let shown = decimal.to_string();
                prop_assert_eq!(Decimal::parse(shown.as_bytes()), Ok(decimal), "{} is shown as {}", text, shown);
                prop_assert_eq!(Decimal::from_words(decimal.to_words()), decimal);
                prop_assert_eq!(Decimal::new(decimal.mantissa(), decimal.scale()), Some(decimal));
            }
            Err(DecimalError::DoesNotFit) => {
                prop_assert!(!fits(&expected.1, expected.2), "{} fits", text);
            }
            Err(DecimalError::Malformed) => prop_assert!(false, "{} is a number", text),
        }
    }

    #[test]
    fn order_is_the_order_of_the_numbers(
        a in -1_000_000_i64..1_000_000, b in -1_000_000_i64..1_000_000, scales in (0_u8..6, 0_u8..6),
    ) {
        let decimal = |m: i64, scale| Decimal::new(i128::from(m), scale).expect("a short number");
        let (x, y) = (decimal(a, scales.0), decimal(b, scales.1));
        let again = Decimal::new(i128::from(a) * 10, scales.0 + 1);
        prop_assert_eq!(again, Some(x), "a zero more changes nothing");
        let common = |m: i64, scale: u8| i128::from(m) * 10_i128.pow(u32::from(6 - scale));
        prop_assert_eq!(x.cmp(&y), common(a, scales.0).cmp(&common(b, scales.1)));
        prop_assert_eq!(x == y, common(a, scales.0) == common(b, scales.1));
    }
}
