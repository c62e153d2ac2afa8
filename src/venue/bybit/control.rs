//! Reads Bybit's answers. There are three forms of a pong, and an answer is to a whole request and names no topic; a refusal
//! mostly names one in its text.
//!
//! Source: <https://bybit-exchange.github.io/docs/v5/ws/connect>

use super::symbols;
use crate::venue::json::{Json, Value};
use crate::venue::{Control, text};

pub fn read(text: &str) -> Control {
    let mut answer = Answer::default();
    let mut json = Json::new(text);
    let read = json.object(|key, json| {
        match (key, json.value()?) {
            ("op", Value::Text(op)) => answer.op = op,
            ("type", Value::Text(kind)) => answer.kind = kind,
            ("ret_msg", Value::Text(message)) => answer.message = message,
            ("req_id", Value::Text(id) | Value::Number(id)) => answer.id = id.parse().ok(),
            ("success", Value::Bool(success)) => answer.success = Some(success),
            _ => {}
        }
        Ok(())
    });
    match read.and_then(|()| json.end()) {
        Ok(()) => answer.meaning(),
        Err(_) => Control::Other,
    }
}

#[derive(Default)]
struct Answer<'t> {
    op: &'t str,
    kind: &'t str,
    message: &'t str,
    id: Option<i64>,
    success: Option<bool>,
}

impl Answer<'_> {
    fn meaning(&self) -> Control {
        if self.op == "pong" || self.message == "pong" {
            return Control::Heartbeat;
        }
        let to_request = matches!(self.op, "subscribe" | "unsubscribe") || self.kind == "COMMAND_RESP";
        match self.success {
            Some(true) if to_request => Control::Ack { id: self.id, granted: None },
            Some(false) if to_request => {
                let message = text::message(self.message);
                Control::Refused { symbol: symbol(&message), message }
            }
            // Not an answer to what was asked for: it says something of the connection.
            Some(false) => Control::Error { message: text::message(self.message) },
            _ => Control::Other,
        }
    }
}

/// The symbol that a refusal names by its topics: `error:handler not found,topic:orderbook.500.BTCUSDT`. `None` where it
/// names several, or nothing that looks like one.
fn symbol(message: &str) -> Option<String> {
    let topic_ends = |c: char| !(c.is_alphanumeric() || c == '.' || c == '-');
    let names = message.split(topic_ends).filter_map(|topic| topic.rsplit_once('.'));
    let mut symbols = names.filter_map(|(start, name)| {
        let has_letters = name.contains(char::is_alphabetic) && !start.is_empty();
        (has_letters && symbols::check(name).is_ok()).then_some(name)
    });
    let first = symbols.next()?;
    symbols.all(|other| other == first).then(|| first.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(symbol: Option<&str>, message: &str) -> Control {
        Control::Refused { symbol: symbol.map(str::to_owned), message: message.to_owned() }
    }

    /// Vector V5 of the dossier, with the answers to requests of each class.
    #[test]
    fn every_documented_answer_is_understood() {
        let ack = |id| Control::Ack { id, granted: None };
        for (text, want) in [
            (r#"{"success":true,"ret_msg":"pong","conn_id":"x","op":"ping"}"#, Control::Heartbeat),
            (
                r#"{"success":true,"ret_msg":"pong","conn_id":"x","req_id":"","op":"ping"}"#,
                Control::Heartbeat,
            ),
            (r#"{"args":["1672916271846"],"op":"pong"}"#, Control::Heartbeat),
            (
                r#"{"success":true,"ret_msg":"subscribe","conn_id":"x","req_id":"1","op":"subscribe"}"#,
                ack(Some(1)),
            ),
            (r#"{"success":true,"ret_msg":"","conn_id":"x","req_id":"","op":"subscribe"}"#, ack(None)),
            (r#"{"op":"unsubscribe","req_id":9,"success":true}"#, ack(Some(9))),
            (
                r#"{"success":true,"conn_id":"x","data":{"failTopics":[],"successTopics":["a"]},"type":"COMMAND_RESP"}"#,
                ack(None),
            ),
            (
                r#"{"success":false,"ret_msg":"Invalid topic: invalid.topic.BTCUSDT","conn_id":"x","op":"subscribe"}"#,
                refused(Some("BTCUSDT"), "Invalid topic: invalid.topic.BTCUSDT"),
            ),
            (
                r#"{"success":false,"ret_msg":"error:handler not found,topic:orderbook.500.BTCUSDT","req_id":"2","op":"subscribe"}"#,
                refused(Some("BTCUSDT"), "error:handler not found,topic:orderbook.500.BTCUSDT"),
            ),
            (
                r#"{"success":false,"ret_msg":"error:already subscribed,topic:publicTrade.BTC-26DEC25","op":"subscribe"}"#,
                refused(Some("BTC-26DEC25"), "error:already subscribed,topic:publicTrade.BTC-26DEC25"),
            ),
            (
                r#"{"success":false,"ret_msg":"args size >10","op":"subscribe"}"#,
                refused(None, "args size >10"),
            ),
            (r#"{"success":false,"op":"subscribe"}"#, refused(None, "")),
            (
                r#"{"success":false,"ret_msg":"Too \"often\"","op":"ping"}"#,
                Control::Error { message: "Too \"often\"".into() },
            ),
            (r#"{"op":"subscribe"}"#, Control::Other),
            (r#"{"success":"true","op":"subscribe"}"#, Control::Other),
            (r#"{"success":true,"op":"#, Control::Other),
            ("{}", Control::Other),
            ("", Control::Other),
        ] {
            assert_eq!(read(text), want, "{text}");
        }
        assert_eq!(read(&r#"{"a":"#.repeat(100_000)), Control::Other);
    }

    #[test]
    fn a_symbol_is_only_taken_from_what_names_exactly_one() {
        for (message, want) in [
            ("Invalid symbol :[orderbook.50.BTCUSDTX]", Some("BTCUSDTX")),
            ("error:[orderbook.200.AUSDT publicTrade.AUSDT orderbook.1.AUSDT]", Some("AUSDT")),
            ("error:[orderbook.200.AUSDT,orderbook.200.BUSDT]", None),
            ("see e.g. page 1.5 of docs.html.", None),
            (".BTCUSDT", None),
            ("", None),
        ] {
            assert_eq!(symbol(message).as_deref(), want, "{message}");
        }
    }
}
