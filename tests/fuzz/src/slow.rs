//! The slow reader: JSON, exact numbers and times, read by other means than depthd's own.
//!
//! It stands on serde_json's raw values and on strings of digits, keeps everything as written, and is in no hurry.

use depthd::engine::decimal::Decimal;
use depthd::engine::time::Wall;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

/// Whether it is JSON.
pub fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// How deep objects and arrays are nested.
pub fn nesting(text: &str) -> u32 {
    let (mut depth, mut most, mut in_string, mut escaped) = (0u32, 0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                most = most.max(depth);
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    most
}

/// The members of an object in their order, keys and values as written; `None` for anything else.
#[derive(Debug, Default)]
pub struct Members(pub Vec<(String, String)>);

impl Members {
    pub fn of(text: &str) -> Option<Members> {
        serde_json::from_str(text).ok()
    }

    /// The value of a member that may come once.
    ///
    /// # Panics
    /// When it comes twice: nobody may accept such a message.
    pub fn get(&self, name: &str) -> Option<&str> {
        let mut found = self.all(name);
        let first = found.next();
        assert!(found.next().is_none(), "accepted with {name} twice");
        first
    }

    /// The value of the last member of that name.
    pub fn last(&self, name: &str) -> Option<&str> {
        self.all(name).last()
    }

    fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Members, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Members;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some((key, value)) = map.next_entry::<Box<RawValue>, Box<RawValue>>()? {
                    let key = text(key.get()).expect("a key is a string").to_owned();
                    members.push((key, value.get().to_owned()));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Each)
    }
}

/// The items of an array as written; `None` for anything else.
pub fn items(text: &str) -> Option<Vec<String>> {
    let items: Vec<Box<RawValue>> = serde_json::from_str(text).ok()?;
    Some(items.into_iter().map(|item| item.get().to_owned()).collect())
}

/// What stands between a string's quotes.
pub fn text(raw: &str) -> Option<&str> {
    raw.strip_prefix('"')?.strip_suffix('"')
}

/// A string with its escapes resolved.
pub fn resolved(raw: &str) -> Option<String> {
    serde_json::from_str(raw).ok()
}

/// A scalar's text, whether it stands in quotes or not; `None` for null and for what is missing.
pub fn scalar(raw: Option<&str>) -> Option<&str> {
    raw.filter(|raw| *raw != "null").map(|raw| text(raw).unwrap_or(raw))
}

/// An exact number: its sign, its digits without zeros at either end, and the power of ten of its last digit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Exact {
    pub negative: bool,
    /// Empty for zero.
    pub digits: String,
    pub power: i128,
}

impl Exact {
    /// `None` when the text is no number.
    pub fn read(text: &str) -> Option<Exact> {
        let negative = text.starts_with('-');
        let text = text.strip_prefix(['-', '+']).unwrap_or(text);
        let (number, exponent) = match text.split_once(['e', 'E']) {
            None => (text, 0),
            Some((number, exponent)) => {
                let digits = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
                if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
                    return None;
                }
                let size = digits.parse::<i128>().unwrap_or(i128::MAX / 4).min(i128::MAX / 4);
                (number, if exponent.starts_with('-') { -size } else { size })
            }
        };
        let (whole, fraction) = match number.split_once('.') {
            None => (number, ""),
            Some((_, "")) => return None,
            Some(parts) => parts,
        };
        if whole.is_empty() || !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
            return None;
        }
        let digits = format!("{whole}{fraction}");
        let digits = digits.trim_start_matches('0');
        let kept = digits.trim_end_matches('0');
        if kept.is_empty() {
            return Some(Exact { negative: false, digits: String::new(), power: 0 });
        }
        let power = exponent - fraction.len() as i128 + (digits.len() - kept.len()) as i128;
        Some(Exact { negative, digits: kept.to_owned(), power })
    }

    /// A decimal's own parts, by its mantissa and scale and not by its text.
    pub fn of(value: Decimal) -> Exact {
        let digits = value.mantissa().unsigned_abs().to_string();
        let kept = digits.trim_end_matches('0');
        if kept.is_empty() {
            return Exact { negative: false, digits: String::new(), power: 0 };
        }
        let power = (digits.len() - kept.len()) as i128 - i128::from(value.scale());
        Exact { negative: value.is_negative(), digits: kept.to_owned(), power }
    }

    /// Whether 96 bits and 28 decimals hold it.
    pub fn fits(&self) -> bool {
        if self.power < -28 || self.digits.len() as i128 + self.power.max(0) > 29 {
            return false;
        }
        let zeros = "0".repeat(self.power.max(0) as usize);
        let mantissa = format!("{}{zeros}", self.digits);
        mantissa.is_empty() || mantissa.parse::<u128>().expect("29 digits at most") >> 96 == 0
    }
}

/// Asserts that a number was read exactly as it is written.
#[track_caller]
pub fn same(raw: &str, value: Decimal) {
    let written = Exact::read(scalar(Some(raw)).expect("a number is not null"));
    assert_eq!(written, Some(Exact::of(value)), "{raw} was read as {value}");
}

/// Days since 1970, counted one year and one month at a time.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let leap = |y: i64| y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);
    let length = |y: i64| if leap(y) { 366 } else { 365 };
    let years: i64 =
        if year >= 1970 { (1970..year).map(length).sum() } else { -(year..1970).map(length).sum::<i64>() };
    years + (1..month).map(|m| month_length(m, leap(year))).sum::<i64>() + day - 1
}

fn month_length(month: i64, leap: bool) -> i64 {
    [31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month as usize - 1]
}

/// An ISO 8601 time in UTC; `None` for what is none and for years that no [`Wall`] holds.
pub fn time(text: &str) -> Option<Wall> {
    let text = text.strip_suffix('Z').unwrap_or(text);
    let (whole, fraction) = match text.split_once('.') {
        Some((_, "")) => return None,
        Some((whole, fraction)) => (whole, fraction),
        None => (text, ""),
    };
    let shape = "dddd-dd-ddTdd:dd:dd";
    let fits = whole.len() == shape.len()
        && whole.bytes().zip(shape.bytes()).all(|(c, s)| match s {
            b'd' => c.is_ascii_digit(),
            b'T' => c == b'T' || c == b' ',
            _ => c == s,
        });
    if !fits || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let field = |from: usize, to: usize| whole[from..to].parse::<i64>().expect("digits");
    let (year, month, day) = (field(0, 4), field(5, 7), field(8, 10));
    let (hour, minute, second) = (field(11, 13), field(14, 16), field(17, 19));
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let is_date = (1..=12).contains(&month) && (1..=month_length(month.clamp(1, 12), leap)).contains(&day);
    if !is_date || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let nanos: String = fraction.chars().chain("000000000".chars()).take(9).collect();
    let seconds = ((days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
    let nanos = i128::from(seconds) * 1_000_000_000 + nanos.parse::<i128>().expect("nine digits");
    i64::try_from(nanos).ok().map(Wall::from_nanos)
}
