//! Reads what OKX says about the connection: answers, errors by their numbers, and the notice before an upgrade.
//!
//! Source: <https://www.okx.com/docs-v5/en/#error-code-websocket-public>
//! Source: <https://www.okx.com/docs-v5/en/#overview-websocket-notification>

use super::route::PONG;
use super::symbols;
use crate::venue::json::{Json, Value};
use crate::venue::{Control, text};
use std::time::Duration;

/// How long a connection lives on after the notice of an upgrade; an older page says half of it.
const NOTICE: Duration = Duration::from_secs(60);

pub fn read(text: &str) -> Control {
    if text == PONG {
        return Control::Heartbeat;
    }
    let mut said = Said::default();
    let mut json = Json::new(text);
    let read = json.object(|key, json| {
        match (key, json.value()?) {
            ("event", Value::Text(event)) => said.event = event,
            ("code", Value::Text(code) | Value::Number(code)) => said.code = code,
            ("msg", Value::Text(message)) => said.message = message,
            ("id", Value::Text(id) | Value::Number(id)) => said.id = id.parse().ok(),
            _ => {}
        }
        Ok(())
    });
    match read.and_then(|()| json.end()) {
        Ok(()) => said.meaning(),
        Err(_) => Control::Other,
    }
}

#[derive(Default)]
struct Said<'t> {
    event: &'t str,
    code: &'t str,
    message: &'t str,
    id: Option<i64>,
}

impl Said<'_> {
    fn meaning(&self) -> Control {
        match self.event {
            "subscribe" | "unsubscribe" => Control::Ack { id: self.id, granted: None },
            "notice" if self.code != "64008" => Control::Other,
            "notice" | "error" | "" if !self.code.is_empty() => self.by_code(),
            // More subscriptions than one connection may have.
            "error" | "channel-conn-count-error" => Control::Error { message: text::message(self.message) },
            _ => Control::Other,
        }
    }

    fn by_code(&self) -> Control {
        let message = text::message(self.message);
        match self.code {
            "64008" => Control::Reconnect { within: Some(NOTICE) },
            // No such channel or instrument: the other things asked for have answers of their own.
            "60018" => Control::Refused { symbol: symbol(&message), message },
            // Another address, a login, another request or a better fee tier: the next connection would hear the same.
            "60008" | "60011" | "60012" | "60013" | "60029" | "60030" | "64001" | "64002" | "64003" => {
                Control::Fatal { message }
            }
            // Too often (60014), a failure of the service, and whatever else there is.
            _ => Control::Error { message },
        }
    }
}

/// The symbol in `Wrong URL or channel:books,instId:BTC-USDX doesn't exist. …`.
fn symbol(message: &str) -> Option<String> {
    let (_, rest) = message.split_once("instId:")?;
    let rest = rest.trim_start();
    let name = rest.find(|c| !symbols::is_of_id(c)).map_or(rest, |end| &rest[..end]);
    (!name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Vector V6 of the dossier, and the other answers it shows.
    #[test]
    fn every_documented_message_is_understood() {
        let ack = |id| Control::Ack { id, granted: None };
        let fatal = |message: &str| Control::Fatal { message: message.into() };
        let error = |message: &str| Control::Error { message: message.into() };
        let refused = |symbol: Option<&str>, message: &str| Control::Refused {
            symbol: symbol.map(str::to_owned),
            message: message.into(),
        };
        let upgrade = "The connection will soon be closed for a service upgrade. Please reconnect.";
        let unknown = "Wrong URL or channel:books,instId:BTC-USDX doesn't exist. Please use the correct URL.";
        let older = "channel:tickers,instId:LTC-USD doesn't exist";
        for (text, want) in [
            ("pong", Control::Heartbeat),
            (
                r#"{"id":"1512","event":"subscribe","arg":{"channel":"books","instId":"A-B"},"connId":"x"}"#,
                ack(Some(1_512)),
            ),
            (
                r#"{"event":"unsubscribe","arg":{"channel":"books","instId":"A-B"},"connId":"d0b44253"}"#,
                ack(None),
            ),
            (
                &format!(r#"{{"event":"notice","code":"64008","msg":"{upgrade}","connId":"a4d3ae55"}}"#),
                Control::Reconnect { within: Some(Duration::from_secs(60)) },
            ),
            (
                &format!(r#"{{"event":"error","code":"60018","msg":"{unknown}","connId":"x"}}"#),
                refused(Some("BTC-USDX"), unknown),
            ),
            (
                &format!(r#"{{"msg":"{older}","code":60018,"event":"error"}}"#),
                refused(Some("LTC-USD"), older),
            ),
            (
                r#"{"event":"error","code":"60018","msg":"channel: doesn't exist"}"#,
                refused(None, "channel: doesn't exist"),
            ),
            (r#"{"event":"error","code":"60018","msg":"instId: "}"#, refused(None, "instId: ")),
            (
                r#"{"id":"1512","event":"error","code":"60012","msg":"Invalid request: {\"op\": \"subscribe\"}","connId":"x"}"#,
                fatal("Invalid request: {\"op\": \"subscribe\"}"),
            ),
            (r#"{"event":"error","msg":"Please log in","code":"60011"}"#, fatal("Please log in")),
            (r#"{"event":"error","code":"64003","msg":"tier"}"#, fatal("tier")),
            (r#"{"code":"60013","msg":"Invalid args"}"#, fatal("Invalid args")),
            (
                r#"{"event":"error","code":"60014","msg":"Requests too frequent"}"#,
                error("Requests too frequent"),
            ),
            (r#"{"event":"error","code":"63999","msg":"Internal"}"#, error("Internal")),
            (r#"{"event":"error","msg":"no number"}"#, error("no number")),
            (r#"{"event":"channel-conn-count-error","channel":"orders","connCount":"30"}"#, error("")),
            (
                r#"{"event":"channel-conn-count","channel":"orders","connCount":"2","connId":"x"}"#,
                Control::Other,
            ),
            (r#"{"event":"notice","code":"1","msg":"something new"}"#, Control::Other),
            (r#"{"event":"notice"}"#, Control::Other),
            (r#"{"event":"login","code":"0"}"#, Control::Other),
            (r#"{"event":"error","#, Control::Other),
            ("{}", Control::Other),
            ("", Control::Other),
        ] {
            assert_eq!(read(text), want, "{text}");
        }
        assert_eq!(read(&r#"{"arg":"#.repeat(100_000)), Control::Other);
    }
}
