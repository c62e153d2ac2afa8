//! Finds an OKX frame's symbol and channel: both stand in its `arg`.
//!
//! Answers have an `arg` too, so that a frame is data only where it has some. `pong` is the one text that is not JSON.
//! Source: <https://www.okx.com/docs-v5/en/#overview-websocket-subscribe>

use crate::engine::event::{Channel, DecodeError};
use crate::venue::Route;
use crate::venue::field::put;
use crate::venue::json::{Json, Value, plain_string};

/// The answer to a ping of ours.
pub const PONG: &str = "pong";

pub fn route(text: &str) -> Route<'_> {
    match documented(text) {
        Some(route) => route,
        None if text == PONG => Route::Control,
        None => read(text).unwrap_or_else(Route::Malformed),
    }
}

/// The channel by its name in `arg`.
pub fn channel(name: &str) -> Option<Channel> {
    match name {
        "books" => Some(Channel::Book),
        "trades" => Some(Channel::Trade),
        "bbo-tbt" => Some(Channel::Quote),
        _ => None,
    }
}

/// `{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"update","data":[…`
fn documented(text: &str) -> Option<Route<'_>> {
    let rest = text.strip_prefix(r#"{"arg":{"channel":""#)?;
    let name = plain_string(rest)?;
    let channel = channel(name)?;
    let rest = rest.get(name.len()..)?.strip_prefix(r#"","instId":""#)?;
    let symbol = plain_string(rest)?;
    let rest = rest.get(symbol.len()..)?;
    const DATA: [&str; 3] =
        [r#""},"action":"update","data":["#, r#""},"data":["#, r#""},"action":"snapshot","data":["#];
    DATA.iter().any(|data| rest.starts_with(data)).then_some(Route::Data { symbol, channel })
}

/// The slow way: the whole frame.
fn read(text: &str) -> Result<Route<'_>, DecodeError> {
    let (mut arg, mut name, mut symbol) = (None, None, None);
    let (mut has_data, mut is_answer) = (false, false);
    let mut json = Json::new(text);
    json.object(|key, json| {
        match key {
            "arg" if json.peek() == Some(b'{') => {
                put(&mut arg, "arg", ())?;
                return json.object(|key, json| match key {
                    "channel" => put(&mut name, "channel", json.value()?),
                    "instId" => put(&mut symbol, "instId", json.value()?),
                    _ => json.skip(),
                });
            }
            "data" => has_data = true,
            "event" | "code" => is_answer = true,
            _ => {}
        }
        json.skip()
    })?;
    json.end()?;
    match name {
        Some(Value::Text(name)) if has_data => match (channel(name), symbol) {
            (None, _) => Ok(Route::Unknown),
            (Some(channel), Some(Value::Text(symbol))) => Ok(Route::Data { symbol, channel }),
            (Some(_), None | Some(Value::Null)) => Err(DecodeError::MissingField("instId")),
            (Some(_), Some(_)) => Err(DecodeError::BadField("instId")),
        },
        Some(_) if has_data => Err(DecodeError::BadField("channel")),
        _ if is_answer => Ok(Route::Control),
        _ => Ok(Route::Unknown),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(symbol: &str, channel: Channel) -> Route<'_> {
        Route::Data { symbol, channel }
    }

    #[test]
    fn frames_are_placed_in_any_order_and_form() {
        use DecodeError::*;
        for (text, want) in [
            (
                r#"{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"snapshot","data":[{}]}"#,
                data("BTC-USDT", Channel::Book),
            ),
            (
                r#"{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"update","data":[{}]}"#,
                data("BTC-USDT", Channel::Book),
            ),
            (
                r#"{"arg":{"channel":"trades","instId":"BTC-USDT"},"data":[{}]}"#,
                data("BTC-USDT", Channel::Trade),
            ),
            (
                r#"{"arg":{"channel":"bbo-tbt","instId":"BCH-USDT-SWAP"},"data":[{}]}"#,
                data("BCH-USDT-SWAP", Channel::Quote),
            ),
            (
                r#"{"data":[],"action":"update","arg":{"instId":"BTC-USDT","uly":{"channel":"x"},"channel":"books"}}"#,
                data("BTC-USDT", Channel::Book),
            ),
            (
                " { \"arg\" : { \"channel\" : \"books\" , \"instId\" : \"A-B\" } , \"data\" : [ ] }\n",
                data("A-B", Channel::Book),
            ),
            (r#"{"arg":{"channel":"books5","instId":"A-B"},"data":[{}]}"#, Route::Unknown),
            (r#"{"arg":{"channel":"tickers","instId":"A-B"},"data":[{}]}"#, Route::Unknown),
            (r#"{"arg":{"channel":"status"},"data":[{}]}"#, Route::Unknown),
            (
                r#"{"id":"1","event":"subscribe","arg":{"channel":"books","instId":"A-B"},"connId":"x"}"#,
                Route::Control,
            ),
            (
                r#"{"arg":{"channel":"books","instId":"A-B"},"event":"subscribe","connId":"x"}"#,
                Route::Control,
            ),
            (r#"{"event":"error","code":"60012","msg":"Invalid request"}"#, Route::Control),
            (r#"{"code":"60012","msg":"Invalid request"}"#, Route::Control),
            (r#"{"event":"notice","code":"64008","msg":"x","connId":"x"}"#, Route::Control),
            ("pong", Route::Control),
            ("{}", Route::Unknown),
            (r#"{"arg":{"channel":"books","instId":"A-B"}}"#, Route::Unknown),
            (r#"{"arg":"books","data":[]}"#, Route::Unknown),
            (r#"{"arg":{"channel":"books"},"data":[]}"#, Route::Malformed(MissingField("instId"))),
            (r#"{"arg":{"channel":"books","instId":7},"data":[]}"#, Route::Malformed(BadField("instId"))),
            (r#"{"arg":{"channel":7,"instId":"A-B"},"data":[]}"#, Route::Malformed(BadField("channel"))),
            (
                r#"{"arg":{"channel":"books"},"arg":{"instId":"A-B"},"data":[]}"#,
                Route::Malformed(BadField("arg")),
            ),
            (
                r#"{"arg":{"channel":"books","instId":"A-B","instId":"A-B"},"data":[]}"#,
                Route::Malformed(BadField("instId")),
            ),
            ("", Route::Malformed(Json)),
            ("ping", Route::Malformed(Json)),
            ("pong ", Route::Malformed(Json)),
            ("[]", Route::Malformed(Json)),
            ("<html>", Route::Malformed(Json)),
            (r#"{"arg":{"channel":"books","instId":"A-B"#, Route::Malformed(Json)),
        ] {
            assert_eq!(route(text), want, "{text}");
        }
    }

    #[test]
    fn the_fast_way_agrees_with_the_slow_one_or_steps_aside() {
        for text in [
            r#"{"arg":{"channel":"books","instId":"A-B"},"action":"update","data":[]}"#,
            r#"{"arg":{"channel":"books","instId":"A-B"},"data":[],"event":"subscribe"}"#,
            r#"{"arg":{"channel":"books","instId":"A-B"},"event":"subscribe","data":[]}"#,
            r#"{"arg":{"channel":"books","instId":"A\"},\"data\":[B"},"action":"update","data":[]}"#,
            r#"{"arg":{"channel":"books","instId":"A-B","x":1},"action":"update","data":[]}"#,
            r#"{"arg":{"channel":"books5","instId":"A-B"},"data":[]}"#,
        ] {
            let slow = read(text).unwrap_or_else(Route::Malformed);
            assert!(documented(text).is_none_or(|fast| fast == slow), "{text}: {slow:?}");
        }
    }
}
