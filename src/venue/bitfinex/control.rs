//! Reads what Bitfinex says about the connection and its streams.
//!
//! Source: <https://docs.bitfinex.com/docs/ws-general> (info and error codes),
//! <https://docs.bitfinex.com/reference/ws-public-books>

use super::subscribe::{PRECISION, SEQ_ALL};
use crate::engine::event::{Channel, DecodeError};
use crate::venue::json::{Json, Value};
use crate::venue::{Control, text};
use std::time::Duration;

const RESTART: i64 = 20_051;
const MAINTENANCE_BEGINS: i64 = 20_060;
const MAINTENANCE_ENDS: i64 = 20_061;

const UNKNOWN_EVENT: i64 = 10_000;
const UNSUBSCRIBE_FAILED: i64 = 10_400;
const NOT_SUBSCRIBED: i64 = 10_401;

pub fn read(text: &str) -> Control {
    let mut json = Json::new(text);
    if json.peek() == Some(b'[') {
        return array(json);
    }
    let mut said = Said::default();
    let read = json.object(|key, json| match (key, json.peek()) {
        // One level, and no deeper: a frame must not choose how deep we call ourselves.
        ("platform", Some(b'{')) => json.object(|key, json| {
            let value = json.value()?;
            if key == "status" {
                said.in_maintenance = value == Value::Number("0");
            }
            Ok(())
        }),
        _ => said.field(key, json.value()?),
    });
    match read.and_then(|()| json.end()) {
        Ok(()) => said.meaning(),
        Err(_) => Control::Other,
    }
}

/// A stream's sign of life.
fn array(mut json: Json<'_>) -> Control {
    let (mut items, mut is_heartbeat) = (0u64, false);
    let read = json.array(|json| {
        items += 1;
        let value = json.value()?;
        is_heartbeat |= items == 2 && value == Value::Text("hb");
        Ok(())
    });
    match read.and_then(|()| json.end()) {
        Ok(()) if is_heartbeat => Control::Heartbeat,
        _ => Control::Other,
    }
}

#[derive(Default)]
struct Said<'t> {
    event: &'t str,
    status: &'t str,
    message: &'t str,
    channel: &'t str,
    symbol: Option<&'t str>,
    precision: Option<&'t str>,
    code: Option<i64>,
    number: Option<u64>,
    flags: Option<u64>,
    in_maintenance: bool,
}

impl<'t> Said<'t> {
    fn field(&mut self, key: &'t str, value: Value<'t>) -> Result<(), DecodeError> {
        match (key, value) {
            ("event", Value::Text(event)) => self.event = event,
            ("status", Value::Text(status)) => self.status = status,
            ("msg", Value::Text(message)) => self.message = message,
            ("channel", Value::Text(channel)) => self.channel = channel,
            ("symbol", Value::Text(symbol)) => self.symbol = Some(symbol),
            ("prec", Value::Text(precision)) => self.precision = Some(precision),
            ("code", Value::Number(code) | Value::Text(code)) => self.code = code.parse().ok(),
            ("chanId", Value::Number(number) | Value::Text(number)) => self.number = number.parse().ok(),
            ("flags", Value::Number(flags)) => self.flags = flags.parse().ok(),
            _ => {}
        }
        Ok(())
    }

    fn meaning(&self) -> Control {
        match self.event {
            "info" => self.info(),
            "conf" => self.conf(),
            "subscribed" => self.subscribed(),
            "unsubscribed" => self.number.map_or(ACK, |number| Control::Released { number }),
            "error" => self.error(),
            "pong" => Control::Heartbeat,
            _ => Control::Other,
        }
    }

    fn info(&self) -> Control {
        match self.code {
            Some(RESTART) => Control::Reconnect { within: None },
            // All is to be subscribed anew, which a new connection does; what this one says until then is worth nothing.
            Some(MAINTENANCE_ENDS) => Control::Reconnect { within: Some(Duration::ZERO) },
            Some(MAINTENANCE_BEGINS) => self.unusable("maintenance begins"),
            None if self.in_maintenance => self.unusable("the platform is in maintenance"),
            _ => Control::Other,
        }
    }

    /// Without numbers a loss would go unseen. Without sums there would merely be a check less, and that shows.
    fn conf(&self) -> Control {
        let numbered = self.flags.is_none_or(|flags| flags & SEQ_ALL == SEQ_ALL);
        if self.status == "OK" && numbered { ACK } else { self.unusable("frames will not be numbered") }
    }

    fn subscribed(&self) -> Control {
        let channel = match self.channel {
            "book" if self.precision.is_none_or(|precision| precision == PRECISION) => Channel::Book,
            "book" => return self.unusable("this is not the book that was asked for"),
            "trades" => Channel::Trade,
            _ => return ACK,
        };
        match (self.number, self.symbol) {
            (Some(number), Some(symbol)) => Control::Bound { number, symbol: symbol.to_owned(), channel },
            _ => ACK,
        }
    }

    fn error(&self) -> Control {
        let message = text::message(self.message);
        match (self.code, self.number) {
            // Our request is wrong: the next connection would only send it again.
            (Some(UNKNOWN_EVENT), _) => Control::Fatal { message },
            // The stream goes on, and there would be no way to have it begin anew.
            (Some(UNSUBSCRIBE_FAILED), _) => Control::Error { message },
            (Some(NOT_SUBSCRIBED), Some(number)) => Control::Released { number },
            (Some(NOT_SUBSCRIBED), None) => ACK,
            // Unknown pair, failed, subscribed already, no more room (10305) and whatever else there is.
            _ if self.symbol.is_some() || matches!(self.code, Some(10_001..=10_399)) => {
                Control::Refused { symbol: self.symbol.map(str::to_owned), message }
            }
            _ => Control::Error { message },
        }
    }

    fn unusable(&self, why: &str) -> Control {
        let message = if self.message.is_empty() { why.to_owned() } else { text::message(self.message) };
        Control::Error { message }
    }
}

const ACK: Control = Control::Ack { id: None, granted: None };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_message_is_understood() {
        let error = |message: &str| Control::Error { message: message.into() };
        let bound = |number, symbol: &str, channel| Control::Bound { number, symbol: symbol.into(), channel };
        let refused = |symbol: Option<&str>, message: &str| Control::Refused {
            symbol: symbol.map(str::to_owned),
            message: message.into(),
        };
        let reconnect = Control::Reconnect { within: None };
        for (text, want) in [
            (
                r#"{"event":"info","version":2,"serverId":"083bd8d4-aca7-4690-a573-eabfc8103de8","platform":{"status":1}}"#,
                Control::Other,
            ),
            (
                r#"{"event":"info","version":2,"platform":{"status":0}}"#,
                error("the platform is in maintenance"),
            ),
            // Vector V5 of the dossier.
            (r#"{"event":"info","code":20051,"msg":"Stopping. Please try to reconnect"}"#, reconnect),
            (
                r#"{"event":"info","code":20060,"msg":"Entering in Maintenance mode."}"#,
                error("Entering in Maintenance mode."),
            ),
            (r#"{"code":20060,"event":"info"}"#, error("maintenance begins")),
            (
                r#"{"event":"info","code":20061,"msg":"Maintenance ended."}"#,
                Control::Reconnect { within: Some(Duration::ZERO) },
            ),
            (
                r#"{"event":"error","msg":"subscribe: limit","code":10305,"channel":"book","symbol":"tBTCUSD","len":"250"}"#,
                refused(Some("tBTCUSD"), "subscribe: limit"),
            ),
            (
                r#"{"event":"error","msg":"subscribe: limit","code":10305,"channel":"book"}"#,
                refused(None, "subscribe: limit"),
            ),
            (
                r#"{"event":"error","msg":"symbol: invalid","code":10300,"symbol":"tNOTHING"}"#,
                refused(Some("tNOTHING"), "symbol: invalid"),
            ),
            (
                r#"{"event":"error","msg":"Unknown pair","code":10001,"pair":"NOTHING"}"#,
                refused(None, "Unknown pair"),
            ),
            (
                r#"{"event":"error","msg":"subscribe: dup","code":10301,"symbol":"tBTCUSD"}"#,
                refused(Some("tBTCUSD"), "subscribe: dup"),
            ),
            (
                r#"{"event":"error","msg":"new","code":19999,"symbol":"tBTCUSD"}"#,
                refused(Some("tBTCUSD"), "new"),
            ),
            (
                r#"{"event":"error","msg":"event: invalid","code":10000}"#,
                Control::Fatal { message: "event: invalid".into() },
            ),
            (
                r#"{"event":"error","msg":"unsubscribe: invalid","code":10400,"chanId":7}"#,
                error("unsubscribe: invalid"),
            ),
            (
                r#"{"event":"error","msg":"not subscribed","code":10401,"chanId":7}"#,
                Control::Released { number: 7 },
            ),
            (r#"{"event":"error","msg":"not subscribed","code":10401}"#, ACK),
            (r#"{"event":"error","msg":"ERR_RATE_LIMIT"}"#, error("ERR_RATE_LIMIT")),
            (r#"{"event":"conf","status":"OK","flags":229376}"#, ACK),
            (r#"{"event":"conf","status":"OK","flags":196608}"#, ACK),
            (r#"{"event":"conf","status":"OK","flags":65536}"#, ACK),
            (r#"{"event":"conf","status":"OK"}"#, ACK),
            (r#"{"event":"conf","status":"OK","flags":131072}"#, error("frames will not be numbered")),
            (r#"{"event":"conf","status":"FAILED","msg":"conf: invalid"}"#, error("conf: invalid")),
            (
                r#"{"event":"subscribed","channel":"book","chanId":204928,"symbol":"tODEUSD","prec":"P0","freq":"F0","len":"100","subId":"7","pair":"ODEUSD"}"#,
                bound(204_928, "tODEUSD", Channel::Book),
            ),
            (
                r#"{"pair":"TESTBTC:TESTUSD","symbol":"tTESTBTC:TESTUSD","chanId":232962,"channel":"trades","event":"subscribed"}"#,
                bound(232_962, "tTESTBTC:TESTUSD", Channel::Trade),
            ),
            (
                r#"{"event":"subscribed","channel":"book","chanId":1,"symbol":"tODEUSD","prec":"R0"}"#,
                error("this is not the book that was asked for"),
            ),
            (
                r#"{"event":"subscribed","channel":"ticker","chanId":232949,"symbol":"tBFTUSD","pair":"BFTUSD"}"#,
                ACK,
            ),
            (r#"{"event":"subscribed","channel":"book","symbol":"tBFTUSD"}"#, ACK),
            (
                r#"{"event":"unsubscribed","status":"OK","chanId":204928}"#,
                Control::Released { number: 204_928 },
            ),
            (r#"{"event":"pong","ts":1511545528111,"cid":1234}"#, Control::Heartbeat),
            (r#"[204928,"hb",127]"#, Control::Heartbeat),
            (r#" [ 204928 , "hb" ] "#, Control::Heartbeat),
            (r#"[204928,"cs",127]"#, Control::Other),
            (r#"[204928,"hb",127"#, Control::Other),
            (r#"{"event":"news"}"#, Control::Other),
            (r#"{"event":{"event":"error"}}"#, Control::Other),
            (r#"{"event":"error","#, Control::Other),
            ("", Control::Other),
        ] {
            assert_eq!(read(text), want, "{text}");
        }
    }

    #[test]
    fn nested_platforms_do_not_nest_us() {
        assert_eq!(read(&r#"{"platform":"#.repeat(100_000)), Control::Other);
        assert_eq!(read(&"[".repeat(100_000)), Control::Other);
    }
}
