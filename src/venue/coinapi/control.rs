//! Reads what CoinAPI says about the connection: heartbeats, planned closes, errors.
//!
//! Source: <https://docs.coinapi.io/market-data/websocket/messages> and .../general ("Error handling")

use crate::venue::Control;
use crate::venue::json::{Json, Value};
use crate::venue::text::{self, WAIT_MAX};
use std::time::Duration;

/// Words of errors that stand until a person acts: a bad key, a plan that does not cover the scope, a used-up quota.
const FATAL_WORDS: [&str; 8] =
    ["api key", "apikey", "api-key", "quota", "credits", "subscription", "unauthorized", "forbidden"];

pub fn read(text: &str) -> Control {
    let (mut kind, mut message, mut seconds) = ("", "", None);
    let mut json = Json::new(text);
    let read = json.object(|key, json| {
        match (key, json.value()?) {
            ("type", Value::Text(text)) => kind = text,
            ("message", Value::Text(text)) => message = text,
            ("within_seconds", Value::Number(text) | Value::Text(text)) => seconds = text.parse().ok(),
            _ => {}
        }
        Ok(())
    });
    if read.and_then(|()| json.end()).is_err() {
        return Control::Other;
    }
    match kind {
        "hearbeat" | "heartbeat" => Control::Heartbeat,
        "reconnect" => Control::Reconnect { within: seconds.map(|s| Duration::from_secs(s).min(WAIT_MAX)) },
        "error" => error(text::message(message)),
        _ => Control::Other,
    }
}

fn error(message: String) -> Control {
    let lower = message.to_ascii_lowercase();
    if FATAL_WORDS.iter().any(|word| lower.contains(word)) {
        Control::Fatal { message }
    } else {
        Control::Error { message }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_message_is_understood() {
        let fatal = |message: &str| Control::Fatal { message: message.into() };
        let error = |message: &str| Control::Error { message: message.into() };
        let overrun = "Reached maximum allowed buffered messages for this connection.";
        let within = |s| Control::Reconnect { within: Some(Duration::from_secs(s)) };
        for (text, want) in [
            (r#"{"type":"hearbeat"}"#, Control::Heartbeat),
            (r#"{"type":"heartbeat"}"#, Control::Heartbeat),
            (
                r#"{"type":"reconnect","within_seconds":10,"before_time":"2020-08-06T19:19:09.7035429Z"}"#,
                within(10),
            ),
            (r#"{"type":"reconnect","within_seconds":18446744073709551615}"#, within(259_200)),
            (r#"{"type":"reconnect","within_seconds":-1}"#, Control::Reconnect { within: None }),
            (r#"{"type":"reconnect"}"#, Control::Reconnect { within: None }),
            (r#"{"type":"error","message":"Invalid API key"}"#, fatal("Invalid API key")),
            (r#"{"type":"error","message":"Quota exceeded"}"#, fatal("Quota exceeded")),
            (r#"{"message":"No active subscription","type":"error"}"#, fatal("No active subscription")),
            (&format!(r#"{{"type":"error","message":"{overrun}"}}"#), error(overrun)),
            (r#"{"type":"error","message":"say \"what\"?"}"#, error("say \"what\"?")),
            (r#"{"type":"error"}"#, error("")),
            (r#"{"type":"error","message":{"a":1}}"#, error("")),
            (r#"{"type":"something"}"#, Control::Other),
            (r#"{"type":"error","#, Control::Other),
            ("", Control::Other),
        ] {
            assert_eq!(read(text), want, "{text}");
        }
    }
}
