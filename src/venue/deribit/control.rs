//! Reads what Deribit says about the connection: answers, errors, heartbeats and its questions for a sign of life.
//!
//! An answer to a subscription lists the channels that took; a bad one is merely not among them.
//! Source: <https://docs.deribit.com/api-reference/subscription-management/public-subscribe>
//! Source: <https://docs.deribit.com/api-reference/session-management/public-set_heartbeat>

use super::route::{HEARTBEAT, by_channel};
use super::subscribe::{CHANNELS_PER_REQUEST, SUBSCRIBE, sign_of_life};
use crate::engine::event::DecodeError;
use crate::venue::json::{Json, Value};
use crate::venue::{Control, text};

type Result<T> = std::result::Result<T, DecodeError>;

pub fn read(text: &str) -> Control {
    let mut message = Message::default();
    let mut json = Json::new(text);
    let read = json.object(|key, json| message.field(key, json));
    match read.and_then(|()| json.end()) {
        Ok(()) => message.meaning(),
        Err(_) => Control::Other,
    }
}

/// The channels that a request asked for and its answer does not list. `None`: not the answer to it, or not to a
/// subscription. Source: <https://docs.deribit.com/api-reference/subscription-management/public-subscribe>
pub fn left_out(request: &str, answer: &str) -> Option<Vec<Control>> {
    let (asked, answered) = (Channels::of(request)?, Channels::of(answer)?);
    if asked.method != Some(SUBSCRIBE) || asked.id.is_none() || asked.id != answered.id {
        return None;
    }
    let refused = |name: &&str| {
        let symbol = by_channel(name).map(|(symbol, _)| symbol.to_owned());
        Control::Refused { symbol, message: text::message(&format!("{name} is not among what it granted")) }
    };
    let missing = asked.names.iter().filter(|name| !answered.names.contains(name));
    Some(missing.map(refused).collect())
}

/// The channels that a request or its answer names.
#[derive(Default)]
struct Channels<'t> {
    id: Option<i64>,
    method: Option<&'t str>,
    names: Vec<&'t str>,
}

impl<'t> Channels<'t> {
    fn of(text: &'t str) -> Option<Channels<'t>> {
        let mut found = Channels::default();
        let mut json = Json::new(text);
        let read = json.object(|key, json| found.field(key, json));
        read.and_then(|()| json.end()).ok().map(|()| found)
    }

    fn field(&mut self, key: &str, json: &mut Json<'t>) -> Result<()> {
        match (key, json.peek()) {
            ("result", Some(b'[')) => return self.list(json),
            ("params", Some(b'{')) => {
                return json.object(|key, json| match (key, json.peek()) {
                    ("channels", Some(b'[')) => self.list(json),
                    _ => json.skip(),
                });
            }
            _ => {}
        }
        match (key, json.value()?) {
            ("id", Value::Number(id) | Value::Text(id)) => self.id = id.parse().ok(),
            ("method", Value::Text(method)) => self.method = Some(method),
            _ => {}
        }
        Ok(())
    }

    fn list(&mut self, json: &mut Json<'t>) -> Result<()> {
        json.array(|json| {
            // No answer is longer than what was asked for; more would only be memory.
            if let Value::Text(name) = json.value()?
                && self.names.len() < CHANNELS_PER_REQUEST
            {
                self.names.push(name);
            }
            Ok(())
        })
    }
}

/// What an answer brings.
#[derive(Clone, Copy)]
enum Outcome {
    /// So many channels took.
    Channels(u16),
    Done,
    /// Only the answer to a sign of life is an object.
    Alive,
}

#[derive(Default)]
struct Message<'t> {
    is_heartbeat: bool,
    /// What a heartbeat is about.
    kind: Option<&'t str>,
    id: Option<i64>,
    outcome: Option<Outcome>,
    is_error: bool,
    code: Option<i64>,
    error: &'t str,
}

impl<'t> Message<'t> {
    /// One level into what is nested, and no deeper: a frame must not choose how deep we call ourselves.
    fn field(&mut self, key: &'t str, json: &mut Json<'t>) -> Result<()> {
        match (key, json.peek()) {
            ("error", Some(b'{')) => {
                self.is_error = true;
                return json.object(|key, json| {
                    match (key, json.value()?) {
                        ("code", Value::Number(code)) => self.code = code.parse().ok(),
                        ("message", Value::Text(message)) => self.error = message,
                        _ => {}
                    }
                    Ok(())
                });
            }
            ("params", Some(b'{')) => {
                return json.object(|key, json| {
                    if let ("type", Value::Text(kind)) = (key, json.value()?) {
                        self.kind = Some(kind);
                    }
                    Ok(())
                });
            }
            ("result", Some(b'[')) => {
                let mut channels = 0u16;
                json.array(|json| {
                    channels = channels.saturating_add(1);
                    json.skip()
                })?;
                self.outcome = Some(Outcome::Channels(channels));
                return Ok(());
            }
            _ => {}
        }
        match (key, json.value()?) {
            ("method", Value::Text(HEARTBEAT)) => self.is_heartbeat = true,
            ("id", Value::Number(id) | Value::Text(id)) => self.id = id.parse().ok(),
            ("result", Value::Nested) => self.outcome = Some(Outcome::Alive),
            ("result", _) => self.outcome = Some(Outcome::Done),
            ("error", _) => self.is_error = true,
            _ => {}
        }
        Ok(())
    }

    fn meaning(&self) -> Control {
        if self.is_error {
            let message = text::message(self.error);
            return if self.code.is_some_and(is_ours) {
                Control::Fatal { message }
            } else {
                Control::Error { message }
            };
        }
        match (self.is_heartbeat, self.kind, self.outcome) {
            (true, Some("test_request"), _) => Control::Asked { answer: sign_of_life() },
            (true, ..) | (_, _, Some(Outcome::Alive)) => Control::Heartbeat,
            (_, _, Some(Outcome::Channels(channels))) => {
                Control::Ack { id: self.id, granted: Some(channels) }
            }
            (_, _, Some(Outcome::Done)) => Control::Ack { id: self.id, granted: None },
            (_, _, None) => Control::Other,
        }
    }
}

/// Whether an error says that our own request is wrong, or needs a key: the next connection would only send it again. Any
/// other, too many requests (10028) among them, may pass.
/// Source: <https://nautilustrader.io/docs/core-latest/nautilus_deribit/common/consts/static.DERIBIT_RETRY_ERROR_CODES.html>
fn is_ours(code: i64) -> bool {
    const NO_AUTHORIZATION: i64 = 10_000;
    const INVALID_ARGUMENTS: i64 = 11_029;
    const BAD_REQUEST: i64 = 11_050;
    const UNAUTHORIZED: i64 = 13_009;
    const RAW_NEEDS_LOGIN: i64 = 13_778;
    matches!(
        code,
        -32_768
            ..=-32_000 | NO_AUTHORIZATION | INVALID_ARGUMENTS | BAD_REQUEST | UNAUTHORIZED | RAW_NEEDS_LOGIN
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Among them vector V6 of the dossier: the question, too many requests, and an answer with fewer channels than asked for.
    #[test]
    fn every_known_message_is_understood() {
        let ack = |id, granted| Control::Ack { id, granted };
        let error = |message: &str| Control::Error { message: message.into() };
        let fatal = |message: &str| Control::Fatal { message: message.into() };
        for (text, want) in [
            (
                r#"{"jsonrpc":"2.0","id":1,"result":["book.BTC-PERPETUAL.100ms","trades.BTC-PERPETUAL.100ms"],"usIn":1786563085259177,"usOut":1786563085259323,"usDiff":146,"testnet":false}"#,
                ack(Some(1), Some(2)),
            ),
            (r#"{"result":["book.A.100ms"],"id":"7"}"#, ack(Some(7), Some(1))),
            (r#"{"jsonrpc":"2.0","id":"x","result":[]}"#, ack(None, Some(0))),
            (r#"{"jsonrpc":"2.0","id":9,"result":"ok","usIn":1}"#, ack(Some(9), None)),
            (r#"{"jsonrpc":"2.0","id":0,"result":{"version":"1.2.26"},"usIn":1}"#, Control::Heartbeat),
            (r#"{"jsonrpc":"2.0","method":"heartbeat","params":{"type":"heartbeat"}}"#, Control::Heartbeat),
            (
                r#"{"jsonrpc":"2.0","method":"heartbeat","params":{"type":"test_request"}}"#,
                Control::Asked { answer: sign_of_life() },
            ),
            (
                r#"{"params":{"type":"test_request"},"method":"heartbeat"}"#,
                Control::Asked { answer: sign_of_life() },
            ),
            (
                r#"{"jsonrpc":"2.0","id":1,"error":{"code":10028,"message":"too_many_requests","data":null}}"#,
                error("too_many_requests"),
            ),
            (
                r#"{"jsonrpc":"2.0","id":"x","error":{"message":"raw_subscriptions_not_available_for_unauthorized","code":13778},"usIn":1,"testnet":false}"#,
                fatal("raw_subscriptions_not_available_for_unauthorized"),
            ),
            (
                r#"{"error":{"code":-32602,"message":"Invalid params","data":{"reason":"\"x\""}}}"#,
                fatal("Invalid params"),
            ),
            (r#"{"error":{"code":11050,"message":"bad_request"}}"#, fatal("bad_request")),
            (r#"{"error":{"message":"settlement_in_progress"}}"#, error("settlement_in_progress")),
            (r#"{"error":"what"}"#, error("")),
            (r#"{"jsonrpc":"2.0","id":1}"#, Control::Other),
            (r#"{"method":"subscription","params":{"type":"test_request"}}"#, Control::Other),
            (r#"{"result":["#, Control::Other),
            ("", Control::Other),
        ] {
            assert_eq!(read(text), want, "{text}");
        }
    }

    /// A bad channel is merely missing: nobody said which it was, and only the timer of first books saw it at all.
    #[test]
    fn what_an_answer_leaves_out_is_refused_by_name() {
        let asked = r#"{"jsonrpc":"2.0","id":4,"method":"public/subscribe","params":{"channels":["book.A.100ms","quote.NO","odd"]}}"#;
        let refused = |symbol: Option<&str>, name: &str| Control::Refused {
            symbol: symbol.map(str::to_owned),
            message: format!("{name} is not among what it granted"),
        };
        let granted =
            |names: &str| left_out(asked, &format!(r#"{{"jsonrpc":"2.0","id":4,"result":[{names}]}}"#));
        assert_eq!(granted(r#""odd","quote.NO","book.A.100ms""#), Some(vec![]), "in any order");
        assert_eq!(granted(r#""book.A.100ms","odd""#), Some(vec![refused(Some("NO"), "quote.NO")]));
        let all = [(Some("A"), "book.A.100ms"), (Some("NO"), "quote.NO"), (None, "odd")];
        assert_eq!(granted(""), Some(all.map(|(symbol, name)| refused(symbol, name)).to_vec()));
        let answer = r#"{"jsonrpc":"2.0","id":4,"result":[]}"#;
        for (request, answer) in [
            (asked, r#"{"jsonrpc":"2.0","id":5,"result":[]}"#),
            (&asked.replace("public/subscribe", "public/unsubscribe"), answer),
            (&asked.replace(r#""id":4,"#, ""), &answer.replace(r#""id":4,"#, "")),
            ("", answer),
            (asked, "{"),
        ] {
            assert_eq!(left_out(request, answer), None, "{request} {answer}");
        }
    }

    #[test]
    fn nested_errors_do_not_nest_us() {
        for key in ["error", "params", "result"] {
            assert_eq!(read(&format!(r#"{{"{key}":"#).repeat(100_000)), Control::Other);
        }
        assert_eq!(read(&format!(r#"{{"result":{}"#, "[".repeat(100_000))), Control::Other);
    }
}
