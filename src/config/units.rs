//! Durations, sizes and rates as people write them: `"30s"`, `"8MiB"`, `"100/min"`.
//!
//! Whole numbers only: `1.5s` is `1500ms`, so that what is written is exactly what is used. Every writer here is the
//! inverse of its reader, which `depthd check` relies on when it prints the effective configuration.

use std::time::Duration;

/// A number of things in a time, kept as written so that nothing is rounded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rate {
    pub count: u32,
    pub window: Duration,
}

/// Longest first, so that a writer finds the largest unit that divides.
const TIME: [(&str, u64); 5] = [("h", 3_600_000), ("min", 60_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Binary units are what this daemon prints; decimal ones are read because people write them.
const SIZE: [(&str, u64); 7] = [
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("KB", 1_000),
    ("B", 1),
];

/// Reads a duration.
///
/// # Errors
/// A sentence saying what is expected.
pub fn duration(text: &str) -> Result<Duration, String> {
    let expected =
        || format!("{text:?} is not a duration: write a whole number and ms, s, min or h, like \"30s\"");
    let (number, unit) = split(text).ok_or_else(expected)?;
    let (_, factor) = TIME.iter().find(|(name, _)| *name == unit).ok_or_else(expected)?;
    number.checked_mul(*factor).map(Duration::from_millis).ok_or_else(|| format!("{text:?} is too long"))
}

/// Reads a size in bytes.
///
/// # Errors
/// A sentence saying what is expected.
pub fn size(text: &str) -> Result<u64, String> {
    let expected =
        || format!("{text:?} is not a size: write a whole number and B, KiB, MiB or GiB, like \"8MiB\"");
    let (number, unit) = split(text).ok_or_else(expected)?;
    let (_, factor) = SIZE.iter().find(|(name, _)| *name == unit).ok_or_else(expected)?;
    number.checked_mul(*factor).ok_or_else(|| format!("{text:?} is too large"))
}

/// Reads a rate.
///
/// # Errors
/// A sentence saying what is expected.
pub fn rate(text: &str) -> Result<Rate, String> {
    let expected =
        || format!("{text:?} is not a rate: write a whole number, a slash and s, min or h, like \"2/s\"");
    let (count, unit) = text.split_once('/').ok_or_else(expected)?;
    let count = count.trim().parse().map_err(|_| expected())?;
    let unit = unit.trim();
    let (_, millis) = TIME.iter().find(|(name, _)| *name == unit).ok_or_else(expected)?;
    Ok(Rate { count, window: Duration::from_millis(*millis) })
}

/// Writes a duration in the largest unit that holds it whole; below a millisecond nothing is configured.
pub fn show_duration(value: Duration) -> String {
    let millis = u64::try_from(value.as_millis()).unwrap_or(u64::MAX);
    show(millis, &TIME, "ms")
}

/// Writes a size in the largest binary unit that holds it whole.
pub fn show_size(bytes: u64) -> String {
    let binary: Vec<_> = SIZE.into_iter().filter(|(_, factor)| factor.is_power_of_two()).collect();
    show(bytes, &binary, "B")
}

/// Writes a rate.
pub fn show_rate(rate: Rate) -> String {
    let window = show_duration(rate.window);
    format!("{}/{}", rate.count, window.strip_prefix('1').unwrap_or(&window))
}

fn show(value: u64, units: &[(&str, u64)], smallest: &str) -> String {
    match units.iter().find(|(_, factor)| value != 0 && value.is_multiple_of(*factor)) {
        Some((unit, factor)) => format!("{}{unit}", value / factor),
        None => format!("{value}{smallest}"),
    }
}

/// Splits `"30 s"` or `"30s"` into its number and its unit.
fn split(text: &str) -> Option<(u64, &str)> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(end);
    Some((number.parse().ok()?, unit.trim_start()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_and_write() {
        for (text, millis, shown) in [
            ("30s", 30_000, "30s"),
            ("500ms", 500, "500ms"),
            ("10min", 600_000, "10min"),
            ("10m", 600_000, "10min"),
            ("60 s", 60_000, "1min"),
            ("1h", 3_600_000, "1h"),
            ("0ms", 0, "0ms"),
        ] {
            let read = duration(text).expect(text);
            assert_eq!(read, Duration::from_millis(millis), "{text}");
            assert_eq!(show_duration(read), shown);
            assert_eq!(duration(shown), Ok(read));
        }
        for text in [
            "",
            "30",
            "s",
            "-1s",
            "1.5s",
            "30 seconds",
            "99999999999999999999s",
            "18446744073709551615h",
            "é1s",
        ] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_read_and_write() {
        for (text, bytes, shown) in [
            ("8MiB", 8 << 20, "8MiB"),
            ("64KiB", 64 << 10, "64KiB"),
            ("16MB", 16_000_000, "15625KiB"),
            ("1000B", 1000, "1000B"),
            ("2GiB", 2 << 30, "2GiB"),
        ] {
            let read = size(text).expect(text);
            assert_eq!(read, bytes, "{text}");
            assert_eq!(show_size(read), shown);
            assert_eq!(size(shown), Ok(read));
        }
        for text in ["8", "MiB", "8mib", "-8MiB", "8.5MiB", "18446744073709551615KiB"] {
            assert!(size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn rates_read_and_write() {
        for (text, count, seconds) in [("2/s", 2, 1), ("100/min", 100, 60), ("6000 / h", 6000, 3600)] {
            let read = rate(text).expect(text);
            assert_eq!(read, Rate { count, window: Duration::from_secs(seconds) });
            assert_eq!(rate(&show_rate(read)), Ok(read));
        }
        for text in ["2", "2/", "/s", "2/day", "-1/s", "2.5/s", "5000000000/s"] {
            assert!(rate(text).is_err(), "{text}");
        }
    }
}
