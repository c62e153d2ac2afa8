//! Reads what Advanced Trade says about the connection: what is subscribed now, heartbeats, errors.

use super::super::errors;
use crate::venue::Control;
use crate::venue::json::{Json, Value};

pub fn read(text: &str) -> Control {
    let (mut kind, mut channel, mut message, mut reason) = (None, None, "", "");
    let mut json = Json::new(text);
    let read = json.object(|key, json| {
        match (key, json.value()?) {
            ("type", Value::Text(text)) => kind = Some(text),
            ("channel", Value::Text(text)) => channel = Some(text),
            ("message", Value::Text(text)) => message = text,
            ("reason", Value::Text(text)) => reason = text,
            _ => {}
        }
        Ok(())
    });
    if read.and_then(|()| json.end()).is_err() {
        return Control::Other;
    }
    match (kind, channel) {
        (Some("error"), _) => errors::meaning(message, reason),
        (_, Some("subscriptions")) => Control::Ack { id: None, granted: None },
        (_, Some("heartbeats")) => Control::Heartbeat,
        _ => Control::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{ERROR, HEARTBEAT, SUBSCRIPTIONS};
    use super::*;

    #[test]
    fn every_message_is_understood() {
        let fatal = |message: &str| Control::Fatal { message: message.into() };
        for (text, want) in [
            (SUBSCRIPTIONS, Control::Ack { id: None, granted: None }),
            (HEARTBEAT, Control::Heartbeat),
            (r#"{"events":[],"channel":"heartbeats"}"#, Control::Heartbeat),
            (ERROR, fatal("authentication failure")),
            (r#"{"message":"say \"no\"","type":"error"}"#, Control::Error { message: "say \"no\"".into() }),
            (r#"{"type":"error"}"#, Control::Error { message: String::new() }),
            (r#"{"type":"error","message":7}"#, Control::Error { message: String::new() }),
            (r#"{"channel":"status"}"#, Control::Other),
            ("{}", Control::Other),
            ("", Control::Other),
            ("null", Control::Other),
        ] {
            assert_eq!(read(text), want, "{text}");
        }
        for cut in 0..ERROR.len() {
            assert_eq!(read(&ERROR[..cut]), Control::Other, "{cut}");
        }
        assert_eq!(read(&r#"{"type":"#.repeat(100_000)), Control::Other);
    }
}
