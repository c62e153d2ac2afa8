//! Reads what the Exchange feed says about the connection: what is subscribed now, heartbeats, errors.

use super::super::errors;
use crate::venue::Control;
use crate::venue::json::{Json, Value};

pub fn read(text: &str) -> Control {
    let (mut kind, mut message, mut reason) = ("", "", "");
    let mut json = Json::new(text);
    let read = json.object(|key, json| {
        match (key, json.value()?) {
            ("type", Value::Text(text)) => kind = text,
            ("message", Value::Text(text)) => message = text,
            ("reason", Value::Text(text)) => reason = text,
            _ => {}
        }
        Ok(())
    });
    match (read.and_then(|()| json.end()), kind) {
        (Ok(()), "subscriptions") => Control::Ack { id: None, granted: None },
        (Ok(()), "heartbeat") => Control::Heartbeat,
        (Ok(()), "error") => errors::meaning(message, reason),
        _ => Control::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{ERROR, HEARTBEAT, SUBSCRIPTIONS};
    use super::*;

    /// With vector V7 of the dossier.
    #[test]
    fn every_message_is_understood() {
        let Control::Fatal { message } = read(ERROR) else { panic!("a permanent failure") };
        assert!(message.starts_with("Failed to subscribe: level2, level3, and full channels now require"));
        for (text, want) in [
            (SUBSCRIPTIONS, Control::Ack { id: None, granted: None }),
            (HEARTBEAT, Control::Heartbeat),
            (
                r#"{"reason":"A-B is not a valid product","message":"Failed to subscribe","type":"error"}"#,
                Control::Refused {
                    symbol: Some("A-B".into()),
                    message: "Failed to subscribe: A-B is not a valid product".into(),
                },
            ),
            (r#"{"type":"error","message":[]}"#, Control::Error { message: String::new() }),
            (r#"{"type":"status"}"#, Control::Other),
            ("{}", Control::Other),
            ("", Control::Other),
        ] {
            assert_eq!(read(text), want, "{text}");
        }
        for text in [ERROR, HEARTBEAT, SUBSCRIPTIONS] {
            assert!((0..text.len()).all(|cut| read(&text[..cut]) == Control::Other));
        }
        assert_eq!(read(&r#"{"type":"#.repeat(100_000)), Control::Other);
    }
}
