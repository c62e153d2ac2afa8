//! Instants and wall times as plain numbers.
//!
//! Nothing in the engine reads a clock: time is always an argument. [`Mono`] orders events and measures
//! waits; [`Wall`] is what people and venues see, and is never used to decide anything but ages shown.

use std::fmt;
use std::time::Duration;

const NANOS_PER_SECOND: i64 = 1_000_000_000;

/// A monotonic instant: nanoseconds since the process (or a simulation) began.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Mono(u64);

impl Mono {
    pub const ZERO: Mono = Mono(0);
    /// An instant that never comes: the deadline of a wait for something else.
    pub const NEVER: Mono = Mono(u64::MAX);

    pub const fn from_nanos(nanos: u64) -> Mono {
        Mono(nanos)
    }

    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// The instant `wait` later; saturates at [`Mono::NEVER`].
    #[must_use]
    pub fn after(self, wait: Duration) -> Mono {
        Mono(self.0.saturating_add(u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX)))
    }

    /// How long ago `earlier` was; zero when it is not in the past.
    pub fn since(self, earlier: Mono) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// A wall-clock time: nanoseconds since 1970-01-01 UTC. Covers the years 1678 to 2262.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Wall(i64);

impl Wall {
    pub const fn from_nanos(nanos: i64) -> Wall {
        Wall(nanos)
    }

    /// Venue milliseconds; `None` when they lie outside the range of years.
    pub fn from_millis(millis: i64) -> Option<Wall> {
        millis.checked_mul(1_000_000).map(Wall)
    }

    /// Venue microseconds; `None` when they lie outside the range of years.
    pub fn from_micros(micros: i64) -> Option<Wall> {
        micros.checked_mul(1_000).map(Wall)
    }

    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// Reads `YYYY-MM-DDThh:mm:ss[.fffffffff][Z]`, zero to nine fractional digits, UTC.
    /// Further digits are cut off. Anything else is `None`.
    pub fn parse(text: &str) -> Option<Wall> {
        let text = text.as_bytes();
        let (head, rest) = text.strip_suffix(b"Z").unwrap_or(text).split_first_chunk::<19>()?;
        if [head[4], head[7], head[13], head[16]] != *b"--::" || !matches!(head[10], b'T' | b' ') {
            return None;
        }
        let part = |from: usize, to: usize| digits(&head[from..to]);
        let (year, month, day) = (part(0, 4)?, part(5, 7)?, part(8, 10)?);
        let (hour, minute, second) = (part(11, 13)?, part(14, 16)?, part(17, 19)?);
        // A leap second is shown as :60 by some venues; it is the first of the next minute here.
        if !(1..=12).contains(&month) || day < 1 || day > days_in_month(year, month) {
            return None;
        }
        if hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        let fraction = match rest {
            [] => 0,
            [b'.', rest @ ..] if !rest.is_empty() => {
                let (kept, cut) = rest.split_at(rest.len().min(9));
                if !cut.iter().all(u8::is_ascii_digit) {
                    return None;
                }
                digits(kept)? * 10_i64.pow(9 - kept.len() as u32)
            }
            _ => return None,
        };
        let seconds = days_from_civil(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
        seconds.checked_mul(NANOS_PER_SECOND)?.checked_add(fraction).map(Wall)
    }
}

/// RFC 3339 in UTC with nine fractional digits: one width, so that times sort as text.
impl fmt::Display for Wall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.div_euclid(NANOS_PER_SECOND);
        let nanos = self.0.rem_euclid(NANOS_PER_SECOND);
        let (year, month, day) = civil_from_days(seconds.div_euclid(86_400));
        let s = seconds.rem_euclid(86_400);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{nanos:09}Z",
            s / 3_600,
            s / 60 % 60,
            s % 60
        )
    }
}

/// One reading of both clocks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Stamp {
    pub mono: Mono,
    pub wall: Wall,
}

impl Stamp {
    /// Before anything happened; stands for "never" in what readers are shown.
    pub const ZERO: Stamp = Stamp { mono: Mono::ZERO, wall: Wall(0) };
}

/// The value of an all-digit slice of at most 9; empty is 0.
#[inline] // with a length known there, it is a few instructions
fn digits(text: &[u8]) -> Option<i64> {
    let (mut value, mut all_digits) = (0u32, true);
    for c in text {
        let digit = c.wrapping_sub(b'0');
        all_digits &= digit <= 9;
        value = value.wrapping_mul(10).wrapping_add(u32::from(digit));
    }
    all_digits.then_some(i64::from(value))
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 of a proleptic Gregorian date, counted in 400-year eras that start on 1 March.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let year_of_era = y - era * 400;
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The inverse of [`days_from_civil`].
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z - era * 146_097;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wall_times_round_trip() {
        for text in [
            "1970-01-01T00:00:00.000000000Z",
            "2013-09-28T22:40:50.123456700Z",
            "2024-02-29T23:59:59.999999999Z",
            "1969-12-31T23:59:59.999999999Z",
            "2026-11-20T12:00:00.000000001Z",
        ] {
            assert_eq!(Wall::parse(text).expect(text).to_string(), text);
        }
        assert_eq!(Wall::parse("2017-03-18T22:42:21.3763342Z").unwrap().nanos(), 1_489_876_941_376_334_200);
        assert_eq!(Wall::parse("2020-01-01T00:00:00Z"), Wall::parse("2020-01-01T00:00:00.0"));
        let long = format!("2020-01-01T00:00:00.{}Z", "9".repeat(1_000));
        assert_eq!(
            Wall::parse(&long),
            Wall::parse("2020-01-01T00:00:00.999999999Z"),
            "cut, whatever its length"
        );
        assert_eq!(Wall::parse(&long.replace("9Z", "xZ")), None);
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "",
            "2020",
            "2020-13-01T00:00:00Z",
            "2021-02-29T00:00:00Z",
            "2020-01-01T24:00:00Z",
            "2020-01-01T00:00:00.Z",
            "2020-01-01T00:00:00.12x",
            "9999-01-01T00:00:00Z",
        ] {
            assert_eq!(Wall::parse(text), None, "{text}");
        }
    }

    #[test]
    fn instants_saturate() {
        assert_eq!(Mono::NEVER.after(Duration::from_secs(1)), Mono::NEVER);
        assert_eq!(Mono::ZERO.since(Mono::from_nanos(5)), Duration::ZERO);
    }
}
