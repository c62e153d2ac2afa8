//! Reads what Hyperliquid says about the connection: a greeting that is no JSON, answers, pongs, errors.
//!
//! Errors are texts; most quote the subscription they are about. Those known are from users' logs.
//! Source: <https://github.com/nktkas/hyperliquid/issues/78>

use super::route::is_greeting;
use crate::venue::json::{Json, Value, plain_string};
use crate::venue::{Control, text};

pub fn read(text: &str) -> Control {
    if is_greeting(text) {
        return Control::Other;
    }
    let (mut channel, mut data) = (None, None);
    let mut json = Json::new(text);
    let read = json.object(|key, json| {
        match (key, json.value()?) {
            ("channel", Value::Text(name)) => channel = Some(name),
            ("data", Value::Text(said)) => data = Some(said),
            _ => {}
        }
        Ok(())
    });
    match (read.and_then(|()| json.end()), channel) {
        (Ok(()), Some("subscriptionResponse")) => Control::Ack { id: None, granted: None },
        (Ok(()), Some("pong")) => Control::Heartbeat,
        (Ok(()), Some("error")) => error(data.unwrap_or_default()),
        _ => Control::Other,
    }
}

/// `said` as written, with its escapes.
fn error(said: &str) -> Control {
    let message = text::message(said);
    // What was asked for holds already.
    if message.starts_with("Already subscribed") || message.starts_with("Already unsubscribed") {
        return Control::Ack { id: None, granted: None };
    }
    let symbol = coin(&message);
    // One subscription, or one too many of them: the others go on. Anything else may be of the connection.
    let is_of_subscription = ["Invalid subscription", "Cannot subscribe", "Cannot track"];
    if symbol.is_some() || is_of_subscription.iter().any(|begin| message.starts_with(begin)) {
        return Control::Refused { symbol, message };
    }
    Control::Error { message }
}

/// The coin of the subscription that a message quotes.
fn coin(message: &str) -> Option<String> {
    let (_, rest) = message.split_once(r#""coin":"#)?;
    plain_string(rest.trim_start().strip_prefix('"')?).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With vector V6 of the dossier.
    #[test]
    fn every_message_is_understood() {
        let ack = Control::Ack { id: None, granted: None };
        let refused = |symbol: Option<&str>, message: &str| Control::Refused {
            symbol: symbol.map(str::to_owned),
            message: message.into(),
        };
        for (text, want) in [
            (
                r#"{"channel":"subscriptionResponse","data":{"method":"subscribe","subscription":{"type":"l2Book","coin":"BTC"}}}"#,
                ack.clone(),
            ),
            (
                r#"{"data":{"method":"unsubscribe","subscription":{"type":"l2Book","coin":"BTC","nSigFigs":null}},"channel":"subscriptionResponse"}"#,
                ack.clone(),
            ),
            (r#"{"channel":"pong"}"#, Control::Heartbeat),
            ("Websocket connection established.", Control::Other),
            (
                r#"{"channel":"error","data":"Already subscribed: {\"type\":\"candle\",\"interval\":\"30m\",\"coin\":\"UNI\"}"}"#,
                ack.clone(),
            ),
            (
                r#"{"channel":"error","data":"Already unsubscribed: {\"type\":\"bbo\",\"coin\":\"UNI\"}"}"#,
                ack,
            ),
            (
                r#"{"channel":"error","data":"Invalid subscription {\"type\":\"l2Book\", \"coin\": \"xyz:FOO\"}"}"#,
                refused(Some("xyz:FOO"), r#"Invalid subscription {"type":"l2Book", "coin": "xyz:FOO"}"#),
            ),
            (
                r#"{"channel":"error","data":"Cannot subscribe to more than 1000 channels."}"#,
                refused(None, "Cannot subscribe to more than 1000 channels."),
            ),
            (
                r#"{"channel":"error","data":"Cannot send more than 2000 messages per minute."}"#,
                Control::Error { message: "Cannot send more than 2000 messages per minute.".into() },
            ),
            (r#"{"channel":"error"}"#, Control::Error { message: String::new() }),
            (r#"{"channel":"error","data":{}}"#, Control::Error { message: String::new() }),
            (r#"{"channel":"post","data":{}}"#, Control::Other),
            ("{}", Control::Other),
            ("", Control::Other),
            (r#"{"channel":"pong""#, Control::Other),
        ] {
            assert_eq!(read(text), want, "{text}");
        }
        assert_eq!(read(&r#"{"data":"#.repeat(100_000)), Control::Other);
    }
}
