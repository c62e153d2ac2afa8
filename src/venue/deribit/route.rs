//! Finds a Deribit notification's instrument and channel.
//!
//! Notifications begin with their channel's name, so the usual one is placed by its first bytes; any other order of keys is
//! read properly. Source: <https://docs.deribit.com/articles/notifications>

use crate::engine::event::{Channel, DecodeError};
use crate::venue::Route;
use crate::venue::field::put;
use crate::venue::json::{Json, Value, plain_string};

/// What the usual notification begins with.
const BEFORE: &str = r#"{"jsonrpc":"2.0","method":"subscription","params":{"channel":""#;

/// The method of notifications.
pub const SUBSCRIPTION: &str = "subscription";
/// The method of heartbeats, and of questions for a sign of life.
pub const HEARTBEAT: &str = "heartbeat";

pub fn route(text: &str) -> Route<'_> {
    let quick = text.strip_prefix(BEFORE).and_then(plain_string).and_then(by_channel);
    let quick = quick.map(|(symbol, channel)| Route::Data { symbol, channel });
    quick.unwrap_or_else(|| match read(text) {
        Ok(route) => route,
        Err(error) => Route::Malformed(error),
    })
}

/// The instrument and the channel of a name that depthd uses. Names with more parts are of groups of instruments, or of books
/// that are cut or rounded.
pub fn by_channel(name: &str) -> Option<(&str, Channel)> {
    let (kind, rest) = name.split_once('.')?;
    let (symbol, channel) = match (kind, rest.split_once('.')) {
        ("book", Some((symbol, "100ms" | "agg2" | "raw"))) => (symbol, Channel::Book),
        ("trades", Some((symbol, "100ms" | "agg2" | "raw"))) => (symbol, Channel::Trade),
        ("quote", None) => (rest, Channel::Quote),
        _ => return None,
    };
    Some((symbol, channel))
}

/// The slow way: the whole frame.
fn read(text: &str) -> Result<Route<'_>, DecodeError> {
    let (mut method, mut name, mut params, mut is_reply) = (None, None, None, false);
    let mut json = Json::new(text);
    json.object(|key, json| match key {
        "method" => put(&mut method, "method", json.value()?),
        "params" if json.peek() == Some(b'{') => {
            put(&mut params, "params", ())?;
            json.object(|key, json| match key {
                "channel" => put(&mut name, "channel", json.value()?),
                _ => json.skip(),
            })
        }
        _ => {
            is_reply |= matches!(key, "result" | "error");
            json.skip()
        }
    })?;
    json.end()?;
    match method {
        Some(Value::Text(SUBSCRIPTION)) => {
            match name {
                // One with escapes would be looked for in vain, and its data be lost unnoticed.
                Some(Value::Text(name)) if !name.contains('\\') => Ok(by_channel(name)
                    .map_or(Route::Unknown, |(symbol, channel)| Route::Data { symbol, channel })),
                Some(_) => Err(DecodeError::BadField("channel")),
                None => Err(DecodeError::MissingField("channel")),
            }
        }
        Some(Value::Text(HEARTBEAT)) => Ok(Route::Control),
        Some(Value::Text(_)) | None if is_reply => Ok(Route::Control),
        Some(Value::Text(_)) | None => Ok(Route::Unknown),
        Some(_) => Err(DecodeError::BadField("method")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use DecodeError::{BadField, MissingField};

    fn data(symbol: &str, channel: Channel) -> Route<'_> {
        Route::Data { symbol, channel }
    }

    #[test]
    fn channels_are_known_by_their_names() {
        for (name, want) in [
            ("book.BTC-PERPETUAL.100ms", Some(("BTC-PERPETUAL", Channel::Book))),
            ("book.BTC-PERPETUAL.agg2", Some(("BTC-PERPETUAL", Channel::Book))),
            ("book.BTC-24SEP21-8000-P.raw", Some(("BTC-24SEP21-8000-P", Channel::Book))),
            ("trades.ETH_USDC.100ms", Some(("ETH_USDC", Channel::Trade))),
            ("trades.ETH_USDC.raw", Some(("ETH_USDC", Channel::Trade))),
            ("quote.BTC-PERPETUAL", Some(("BTC-PERPETUAL", Channel::Quote))),
            ("book.BTC-PERPETUAL.none.10.100ms", None),
            ("book.BTC-PERPETUAL.1s", None),
            ("book.BTC-PERPETUAL", None),
            ("trades.option.BTC.100ms", None),
            ("quote.BTC-PERPETUAL.100ms", None),
            ("ticker.BTC-PERPETUAL.100ms", None),
            ("platform_state", None),
            ("announcements", None),
            ("", None),
        ] {
            assert_eq!(by_channel(name), want, "{name}");
        }
    }

    #[test]
    fn frames_are_placed_in_any_order_and_form() {
        let malformed = Route::Malformed;
        for (text, want) in [
            (
                r#"{"jsonrpc":"2.0","method":"subscription","params":{"channel":"book.BTC-PERPETUAL.100ms","data":{}}}"#,
                data("BTC-PERPETUAL", Channel::Book),
            ),
            (
                r#"{"params":{"data":{"channel":"book.X.raw"},"channel":"trades.A-B.100ms"},"method":"subscription"}"#,
                data("A-B", Channel::Trade),
            ),
            (
                " { \"method\" : \"subscription\" , \"params\" : { \"channel\" : \"quote.A\" } } ",
                data("A", Channel::Quote),
            ),
            (
                r#"{"jsonrpc":"2.0","method":"subscription","params":{"channel":"ticker.A.raw","data":{}}}"#,
                Route::Unknown,
            ),
            (
                r#"{"jsonrpc":"2.0","method":"subscription","params":{"channel":"platform_state","data":{"locked":true}}}"#,
                Route::Unknown,
            ),
            (r#"{"jsonrpc":"2.0","method":"heartbeat","params":{"type":"heartbeat"}}"#, Route::Control),
            (r#"{"jsonrpc":"2.0","method":"heartbeat","params":{"type":"test_request"}}"#, Route::Control),
            (r#"{"jsonrpc":"2.0","id":1,"result":["book.A.100ms"],"usIn":1}"#, Route::Control),
            (r#"{"jsonrpc":"2.0","id":1,"error":{"code":10028,"message":"x"}}"#, Route::Control),
            (r#"{"jsonrpc":"2.0","method":"notice","params":[]}"#, Route::Unknown),
            ("{}", Route::Unknown),
            (r#"{"method":"subscription","params":{}}"#, malformed(MissingField("channel"))),
            (r#"{"method":"subscription","params":[]}"#, malformed(MissingField("channel"))),
            (r#"{"method":"subscription"}"#, malformed(MissingField("channel"))),
            (r#"{"method":"subscription","params":{"channel":7}}"#, malformed(BadField("channel"))),
            (
                r#"{"method":"subscription","params":{"channel":"quote.\u0041"}}"#,
                malformed(BadField("channel")),
            ),
            (
                r#"{"method":"subscription","params":{"channel":"quote.A","channel":"quote.B"}}"#,
                malformed(BadField("channel")),
            ),
            (
                r#"{"method":"subscription","params":{"channel":"quote.A"},"params":{}}"#,
                malformed(BadField("params")),
            ),
            (r#"{"method":7}"#, malformed(BadField("method"))),
            (
                r#"{"jsonrpc":"2.0","method":"subscription","params":{"channel":"quote"#,
                malformed(DecodeError::Json),
            ),
            ("", malformed(DecodeError::Json)),
            ("[]", malformed(DecodeError::Json)),
            ("<html>", malformed(DecodeError::Json)),
        ] {
            assert_eq!(route(text), want, "{text}");
        }
    }
}
