//! Reads what Binance says about the connection: answers to requests, errors, the shutdown notice.
//!
//! Errors come as `{"code":…,"msg":…}` or wrapped in `"error"`, with or without the request's id.
//! Source: web-socket-streams.md, "Live Subscribing/Unsubscribing to streams" and "Error Messages".

use super::route::{SHUTDOWN_EVENT, SHUTDOWN_STREAM};
use crate::engine::event::DecodeError;
use crate::venue::json::{Json, Value};
use crate::venue::{Control, text};

pub fn read(text: &str) -> Control {
    let mut reply = Reply::default();
    let mut json = Json::new(text);
    let read = json.object(|key, json| match (key, json.peek()) {
        // One level, and no deeper: a frame must not choose how deep we call ourselves.
        ("error", Some(b'{')) => {
            reply.is_error = true;
            json.object(|key, json| reply.field(key, json.value()?))
        }
        _ => reply.field(key, json.value()?),
    });
    match read.and_then(|()| json.end()) {
        Ok(()) => reply.meaning(),
        Err(_) => Control::Other,
    }
}

#[derive(Default)]
struct Reply<'t> {
    is_shutdown: bool,
    has_result: bool,
    is_error: bool,
    id: Option<i64>,
    code: Option<i64>,
    message: &'t str,
}

impl<'t> Reply<'t> {
    fn field(&mut self, key: &'t str, value: Value<'t>) -> Result<(), DecodeError> {
        match (key, value) {
            ("stream", Value::Text(SHUTDOWN_STREAM)) | ("e", Value::Text(SHUTDOWN_EVENT)) => {
                self.is_shutdown = true;
            }
            ("result", _) => self.has_result = true,
            ("id", Value::Number(id) | Value::Text(id)) => self.id = id.parse().ok(),
            ("code", Value::Number(code)) => {
                self.is_error = true;
                self.code = code.parse().ok();
            }
            ("msg", Value::Text(message)) => self.message = message,
            _ => {}
        }
        Ok(())
    }

    fn meaning(&self) -> Control {
        if self.is_shutdown {
            // The venue once promised ten minutes and took the promise back (2026-06-09): assume nothing.
            return Control::Reconnect { within: None };
        }
        if self.is_error {
            let message = text::message(self.message);
            // 0 to 3 say that our own request is wrong: the next connection would only send it again.
            return match self.code {
                Some(0..=3) => Control::Fatal { message },
                _ => Control::Error { message },
            };
        }
        if self.has_result { Control::Ack { id: self.id, granted: None } } else { Control::Other }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_message_is_understood() {
        let fatal = |message: &str| Control::Fatal { message: message.into() };
        let error = |message: &str| Control::Error { message: message.into() };
        for (text, want) in [
            (r#"{"result":null,"id":1}"#, Control::Ack { id: Some(1), granted: None }),
            (r#"{"result":null,"id":"312"}"#, Control::Ack { id: Some(312), granted: None }),
            (r#"{"result":["btcusdt@trade"],"id":null}"#, Control::Ack { id: None, granted: None }),
            (
                r#"{"code":2,"msg":"Invalid request: unknown variant"}"#,
                fatal("Invalid request: unknown variant"),
            ),
            (r#"{"code":3,"msg":"Invalid JSON","id":7}"#, fatal("Invalid JSON")),
            (r#"{"error":{"code":-1003,"msg":"Too many requests"},"id":7}"#, error("Too many requests")),
            (r#"{"id":7,"error":{"msg":"x","code":1}}"#, fatal("x")),
            (
                r#"{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1770123456789}}"#,
                Control::Reconnect { within: None },
            ),
            (r#"{"e":"serverShutdown","E":1770123456789}"#, Control::Reconnect { within: None }),
            (r#"{"id":1}"#, Control::Other),
            (r#"{"code":2,"#, Control::Other),
            ("", Control::Other),
        ] {
            assert_eq!(read(text), want, "{text}");
        }
    }

    #[test]
    fn nested_errors_do_not_nest_us() {
        assert_eq!(read(&r#"{"error":"#.repeat(100_000)), Control::Other);
    }
}
