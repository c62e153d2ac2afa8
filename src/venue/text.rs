//! Small readings and writings that venues share: waits from headers, error texts, addresses, request bodies.

use crate::venue::RestReply;
use std::fmt::Write;
use std::time::Duration;

/// The longest wait believed. Three days is the longest ban Binance announces; a header that says more is a mistake,
/// and a person who fixed the cause should not have to restart the daemon to be heard.
pub const WAIT_MAX: Duration = Duration::from_secs(3 * 24 * 3_600);

/// Longest text of a venue's own that is kept, bytes.
pub const MESSAGE_BYTES_MAX: usize = 200;

/// A header that holds whole units of `unit`. Zero says nothing about when, so it is `None`.
pub fn wait_header(reply: &RestReply<'_>, name: &str, unit: Duration) -> Option<Duration> {
    let count: u64 = reply.header(name)?.parse().ok().filter(|&n| n > 0)?;
    let wait = u32::try_from(count).ok().and_then(|n| unit.checked_mul(n)).unwrap_or(WAIT_MAX);
    Some(wait.min(WAIT_MAX))
}

/// `Retry-After`, in seconds; its date form is not used by any venue here and reads as `None`.
pub fn retry_after(reply: &RestReply<'_>) -> Option<Duration> {
    wait_header(reply, "retry-after", Duration::from_secs(1))
}

/// A venue's text for people: `raw` is a JSON string's content with its escapes, the answer is cut to
/// [`MESSAGE_BYTES_MAX`]. Whoever shows it escapes control characters.
///
/// Of a text of megabytes only the beginning is looked at, and nothing of it is kept.
pub fn message(raw: &str) -> String {
    let mut text = String::new();
    for letter in char::decode_utf16(utf16(raw)) {
        // Half of a surrogate pair says nothing.
        let letter = letter.unwrap_or(char::REPLACEMENT_CHARACTER);
        if text.len() + letter.len_utf8() > MESSAGE_BYTES_MAX {
            break;
        }
        text.push(letter);
    }
    text
}

/// The content of a JSON string with its escapes resolved, in the units that `\u` counts in.
fn utf16(raw: &str) -> impl Iterator<Item = u16> {
    let (mut letters, mut second_half) = (raw.chars(), None);
    std::iter::from_fn(move || {
        if let Some(unit) = second_half.take() {
            return Some(unit);
        }
        let letter = match letters.next()? {
            '\\' => match letters.next() {
                Some('u') => match letters.as_str().split_at_checked(4) {
                    Some((hex, rest)) => {
                        letters = rest.chars();
                        return u16::from_str_radix(hex, 16).ok();
                    }
                    None => 'u',
                },
                Some('b') => '\u{8}',
                Some('f') => '\u{c}',
                Some('n') => '\n',
                Some('r') => '\r',
                Some('t') => '\t',
                Some(same) => same,
                None => '\\',
            },
            plain => plain,
        };
        let mut units = [0; 2];
        let units = letter.encode_utf16(&mut units);
        second_half = units.get(1).copied();
        units.first().copied()
    })
}

/// A venue's endpoint: `base` is scheme, host and port, as configured. Who writes the venue's path too gets it once.
pub fn endpoint(base: &str, path: &str) -> String {
    let base = base.trim_end_matches('/');
    if base.ends_with(path) { base.to_owned() } else { format!("{base}{path}") }
}

/// `text` for a place inside a URL's path or query: everything but letters, digits, `-._~` and `@` becomes `%XX`.
pub fn percent_encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~@".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// A message of ours as JSON text.
pub fn json(message: &impl serde::Serialize) -> String {
    serde_json::to_string(message).expect("structs of strings, lists and numbers always have a JSON form")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &str, value: &str) -> Vec<(String, String)> {
        vec![(name.into(), value.into())]
    }

    #[test]
    fn endpoints_have_their_path_once() {
        for base in ["ws://h:1", "ws://h:1/", "ws://h:1/ws/v2", "ws://h:1/ws/v2/"] {
            assert_eq!(endpoint(base, "/ws/v2"), "ws://h:1/ws/v2", "{base}");
        }
    }

    #[test]
    fn waits_are_read_bounded_and_never_zero() {
        let wait = |value: &str| {
            let headers = headers("retry-after", value);
            retry_after(&RestReply { status: 429, headers: &headers, body: b"" })
        };
        assert_eq!(wait("7"), Some(Duration::from_secs(7)));
        assert_eq!(wait(" 120 "), Some(Duration::from_secs(120)));
        assert_eq!(wait("99999999999999"), Some(WAIT_MAX));
        assert_eq!(wait("18446744073709551615"), Some(WAIT_MAX));
        for nothing in ["0", "-1", "", "soon", "Wed, 21 Oct 2026 07:28:00 GMT", "99999999999999999999999"] {
            assert_eq!(wait(nothing), None, "{nothing}");
        }
        let ms = headers("x-wait-ms", "1500");
        let reply = RestReply { status: 429, headers: &ms, body: b"" };
        assert_eq!(
            wait_header(&reply, "x-wait-ms", Duration::from_millis(1)),
            Some(Duration::from_millis(1_500))
        );
    }

    #[test]
    fn messages_are_unescaped_and_cut() {
        assert_eq!(message(r#"say \"no\""#), "say \"no\"");
        assert_eq!(message(r"half an escape \"), r"half an escape \");
        assert_eq!(message(r"a\tb\/\u00e9\ud83d\ude00 \ud800\ud800\udc00"), "a\tb/é😀 \u{fffd}𐀀");
        // A text of megabytes was once kept whole behind the 200 bytes shown of it.
        assert!(message(&"x".repeat(1 << 20)).capacity() <= 2 * MESSAGE_BYTES_MAX);
        assert_eq!(message(&"é".repeat(500)).len(), 200);
        assert_eq!(message(&format!("x{}", "é".repeat(500))).len(), 199, "cut between characters");
    }

    #[test]
    fn addresses_are_encoded() {
        assert_eq!(percent_encoded("btcusdt@depth@100ms"), "btcusdt@depth@100ms");
        assert_eq!(percent_encoded("币安a/?&#% "), "%E5%B8%81%E5%AE%89a%2F%3F%26%23%25%20");
    }
}
