//! Reads what Deribit says about the connection: answers, errors, heartbeats and its questions for a sign of life.
//!
//! An answer to a subscription lists the channels that took; a bad one is merely not among them.
//! Source: <https://docs.deribit.com/api-reference/subscription-management/public-subscribe>
//! Source: <https://docs.deribit.com/api-reference/session-management/public-set_heartbeat>

use super::route::HEARTBEAT;
use super::subscribe::sign_of_life;
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

    #[test]
    fn nested_errors_do_not_nest_us() {
        for key in ["error", "params", "result"] {
            assert_eq!(read(&format!(r#"{{"{key}":"#).repeat(100_000)), Control::Other);
        }
        assert_eq!(read(&format!(r#"{{"result":{}"#, "[".repeat(100_000))), Control::Other);
    }
}
