//! What CoinAPI says about the connection, against the slow reader.

use crate::coinapi_frame::placed;
use crate::slow::{self, Members};
use depthd::venue::coinapi::CoinApi;
use depthd::venue::handles::Handles;
use depthd::venue::text::{MESSAGE_BYTES_MAX, WAIT_MAX};
use depthd::venue::{Control, Venue};
use std::time::Duration;

pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    placed(&CoinApi, text);
    let control = CoinApi.control(text);
    let Some(members) = Members::of(text).filter(|_| slow::nesting(text) <= 64) else {
        return assert_eq!(control, Control::Other);
    };
    let expected = match last_text(&members, "type") {
        Some("heartbeat" | "hearbeat") => Control::Heartbeat,
        Some("reconnect") => {
            // A number that is none does not overrule one before it, and one that is too large is none.
            let said = members.0.iter().rfind(|(key, raw)| key == "within_seconds" && is_scalar(raw));
            let seconds = said.and_then(|(_, raw)| slow::scalar(Some(raw))?.parse::<u64>().ok());
            Control::Reconnect { within: seconds.map(|s| Duration::from_secs(s).min(WAIT_MAX)) }
        }
        Some("error") => {
            let message = message(last_text(&members, "message").unwrap_or_default());
            let lower = message.to_ascii_lowercase();
            let words = [
                "api key",
                "apikey",
                "api-key",
                "quota",
                "credits",
                "subscription",
                "unauthorized",
                "forbidden",
            ];
            match words.iter().any(|word| lower.contains(word)) {
                true => Control::Fatal { message },
                false => Control::Error { message },
            }
        }
        _ => Control::Other,
    };
    assert_eq!(control, expected);
    bounded(&control);
}

pub fn work(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        drop((
            CoinApi.control(text),
            matches!(CoinApi.route(text, Handles::NONE), depthd::venue::Route::Control),
        ));
    }
}

/// A message is kept as long as a connection's last end is shown: so are the bytes it stands in.
pub fn bounded(control: &Control) {
    if let Control::Fatal { message } | Control::Error { message } | Control::Refused { message, .. } =
        control
    {
        assert!(message.len() <= MESSAGE_BYTES_MAX);
        assert!(message.capacity() <= 2 * MESSAGE_BYTES_MAX, "{} bytes kept", message.capacity());
    }
}

/// A string's content: its escapes resolved, cut at a letter within the bound. Half of a surrogate pair, which serde_json
/// refuses, is made whole first by the letter that stands for it.
pub fn message(raw: &str) -> String {
    let mut whole = raw.to_owned();
    let mut text = loop {
        match slow::resolved(&format!("\"{whole}\"")) {
            Some(text) => break text,
            None => whole = without_half(&whole),
        }
    };
    while text.len() > MESSAGE_BYTES_MAX {
        text.pop();
    }
    text
}

/// The last of that name that is a string: what is none is not looked at.
pub fn last_text<'m>(members: &'m Members, name: &str) -> Option<&'m str> {
    members.0.iter().filter(|(key, _)| key == name).filter_map(|(_, raw)| slow::text(raw)).next_back()
}

/// A number or a string.
pub fn is_scalar(raw: &str) -> bool {
    raw.starts_with(['"', '-']) || raw.starts_with(|c: char| c.is_ascii_digit())
}

/// The first half of a pair without its other half becomes U+FFFD.
fn without_half(raw: &str) -> String {
    let mut from = 0;
    while let Some(at) = raw[from..].find('\\').map(|at| from + at) {
        let unit = |at: usize| {
            let hex = raw.get(at..)?.strip_prefix("\\u")?.get(..4)?;
            u16::from_str_radix(hex, 16).ok()
        };
        from = match (unit(at), unit(at + 6)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => at + 12,
            (Some(0xd800..=0xdfff), _) => return format!("{}\u{fffd}{}", &raw[..at], &raw[at + 6..]),
            (Some(_), _) => at + 6,
            (None, _) => at + 2,
        };
    }
    panic!("no JSON string: {raw}");
}
