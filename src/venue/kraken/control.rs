//! Reads what Kraken says about the connection: answers, errors, heartbeats and its status.
//!
//! Every symbol of a request is answered by itself, and refused by itself.
//! Source: <https://docs.kraken.com/exchange/api-reference/spot-websocket-v2/status> and .../book

use super::route::{HEARTBEAT, STATUS};
use crate::engine::event::DecodeError;
use crate::venue::json::{Json, Value};
use crate::venue::{Control, text};

/// In a refusal of what already is.
const AS_ASKED: &str = "Already subscribed";

/// How an error begins that says our own request is wrong.
const OUR_FAULTS: [&str; 2] = ["Malformed", "Unsupported"];

pub fn read(text: &str) -> Control {
    let mut message = Message::default();
    let mut json = Json::new(text);
    let read = json.object(|key, json| match (key, json.peek()) {
        // One level, and no deeper: a frame must not choose how deep we call ourselves.
        ("result", Some(b'{')) => json.object(|key, json| match (key, json.value()?) {
            ("symbol", Value::Text(symbol)) => {
                message.symbol.get_or_insert(symbol);
                Ok(())
            }
            _ => Ok(()),
        }),
        _ => message.field(key, json.value()?),
    });
    match read.and_then(|()| json.end()) {
        Ok(()) => message.meaning(),
        Err(_) => Control::Other,
    }
}

#[derive(Default)]
struct Message<'t> {
    channel: Option<&'t str>,
    method: Option<&'t str>,
    id: Option<i64>,
    success: Option<bool>,
    error: Option<&'t str>,
    symbol: Option<&'t str>,
}

impl<'t> Message<'t> {
    fn field(&mut self, key: &'t str, value: Value<'t>) -> Result<(), DecodeError> {
        match (key, value) {
            ("channel", Value::Text(channel)) => self.channel = Some(channel),
            ("method", Value::Text(method)) => self.method = Some(method),
            ("req_id", Value::Number(id) | Value::Text(id)) => self.id = id.parse().ok(),
            ("success", Value::Bool(success)) => self.success = Some(success),
            ("error" | "Error", Value::Text(error)) => self.error = Some(error),
            ("symbol", Value::Text(symbol)) => self.symbol = Some(symbol),
            _ => {}
        }
        Ok(())
    }

    fn meaning(&self) -> Control {
        match (self.channel, self.method) {
            (Some(HEARTBEAT), _) | (None, Some("pong")) => return Control::Heartbeat,
            // In `maintenance` and the like the market rests and the stream stays.
            (Some(STATUS), _) => return Control::Other,
            _ => {}
        }
        if self.error.is_some() || self.success == Some(false) {
            return self.refusal(self.error.unwrap_or_default());
        }
        match (self.method, self.success) {
            (Some("subscribe" | "unsubscribe"), Some(true)) => Control::Ack { id: self.id, granted: None },
            _ => Control::Other,
        }
    }

    fn refusal(&self, error: &str) -> Control {
        let message = text::message(error);
        if error == AS_ASKED {
            return Control::Ack { id: self.id, granted: None };
        }
        // Not this symbol's fault: it and who knows which others are without their data until all are asked for again.
        if error.contains("msg rate") {
            return Control::Error { message };
        }
        match self.symbol {
            Some(symbol) => Control::Refused { symbol: Some(text::message(symbol)), message },
            None if OUR_FAULTS.iter().any(|fault| error.starts_with(fault)) => Control::Fatal { message },
            None => Control::Error { message },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ack(id: i64) -> Control {
        Control::Ack { id: Some(id), granted: None }
    }

    fn error(message: &str) -> Control {
        Control::Error { message: message.into() }
    }

    fn refused(symbol: &str, message: &str) -> Control {
        Control::Refused { symbol: Some(symbol.into()), message: message.into() }
    }

    /// Among them vector V5 of the dossier: the status, the heartbeat and an answer without a depth.
    #[test]
    fn every_known_message_is_understood() {
        for (text, want) in [
            (
                r#"{"method":"subscribe","req_id":1,"result":{"channel":"book","depth":100,"snapshot":true,"symbol":"BTC/USD"},"success":true,"time_in":"2026-10-06T08:04:55.791872Z","time_out":"2026-10-06T08:04:55.791930Z"}"#,
                ack(1),
            ),
            (
                r#"{"method":"subscribe","req_id":4,"result":{"channel":"ticker","event_trigger":"bbo","snapshot":true,"symbol":"BTC/USD","warnings":["old"]},"success":true}"#,
                ack(4),
            ),
            (
                r#"{"method":"unsubscribe","req_id":2,"result":{"channel":"book","depth":100,"symbol":"BTC/USD"},"success":true}"#,
                ack(2),
            ),
            (
                r#"{"success":true,"method":"subscribe","result":{"channel":"instrument","snapshot":true}}"#,
                Control::Ack { id: None, granted: None },
            ),
            (
                r#"{"method":"subscribe","success":false,"error":"Currency pair not supported BOGUS/USD","symbol":"BOGUS/USD","req_id":3,"time_in":"x","time_out":"y"}"#,
                refused("BOGUS/USD", "Currency pair not supported BOGUS/USD"),
            ),
            (
                r#"{"method":"subscribe","success":false,"error":"no","result":{"channel":"trade","symbol":"A\/B"}}"#,
                refused("A/B", "no"),
            ),
            (r#"{"method":"unsubscribe","success":false,"symbol":"A/B"}"#, refused("A/B", "")),
            (
                r#"{"method":"subscribe","success":false,"error":"Already subscribed","symbol":"A/B","req_id":7}"#,
                ack(7),
            ),
            (
                r#"{"method":"subscribe","success":false,"error":"Exceeded msg rate","symbol":"A/B","req_id":7}"#,
                error("Exceeded msg rate"),
            ),
            (r#"{"error":"Exceeded msg rate"}"#, error("Exceeded msg rate")),
            (r#"{"Error":"Exceeded msg rate","req_id":1}"#, error("Exceeded msg rate")),
            (
                r#"{"method":"subscribe","success":false,"error":"EService:Unavailable"}"#,
                error("EService:Unavailable"),
            ),
            (r#"{"error":"Malformed request"}"#, Control::Fatal { message: "Malformed request".into() }),
            (
                r#"{"error":"Unsupported field: 'x'"}"#,
                Control::Fatal { message: "Unsupported field: 'x'".into() },
            ),
            (r#"{"channel":"heartbeat"}"#, Control::Heartbeat),
            (r#"{"method":"pong","req_id":101,"time_in":"x","time_out":"y"}"#, Control::Heartbeat),
            (
                r#"{"channel":"status","type":"update","data":[{"version":"2.0.10","system":"online","api_version":"v2","connection_id":1743042658499070000,"upcoming_maintenance":[],"emergency":[]}]}"#,
                Control::Other,
            ),
            (r#"{"channel":"status","type":"update","data":[{"system":"maintenance"}]}"#, Control::Other),
            (r#"{"method":"subscribe"}"#, Control::Other),
            (r#"{"method":"add_order","success":true}"#, Control::Other),
            (r#"{"error":7}"#, Control::Other),
            (r#"{"error":"cut"#, Control::Other),
            ("", Control::Other),
        ] {
            assert_eq!(read(text), want, "{text}");
        }
    }

    #[test]
    fn nested_results_do_not_nest_us() {
        assert_eq!(read(&r#"{"result":"#.repeat(100_000)), Control::Other);
    }
}
