//! Finds a CoinAPI frame's symbol and channel.
//!
//! The documentation shows `type` and `symbol_id` first; the live service was seen to send them last. Both are
//! placed without reading what lies between, any other order and white space by reading the frame properly.
//! Source: <https://docs.coinapi.io/market-data/websocket/messages>

use crate::engine::event::{Channel, DecodeError};
use crate::venue::Route;
use crate::venue::field::put;
use crate::venue::json::{Json, Value, plain_string};

pub fn route(text: &str) -> Route<'_> {
    let fast = documented(text).or_else(|| reversed(text));
    fast.unwrap_or_else(|| match read(text) {
        Ok(route) => route,
        Err(error) => Route::Malformed(error),
    })
}

/// The channel of a message's `type`.
pub fn channel(kind: &str) -> Option<Channel> {
    match kind {
        "book" => Some(Channel::Book),
        "trade" => Some(Channel::Trade),
        "quote" => Some(Channel::Quote),
        "book5" => Some(Channel::Book5),
        "book20" => Some(Channel::Book20),
        "book50" => Some(Channel::Book50),
        _ => None,
    }
}

/// `{"type":"book","symbol_id":"X",…`
fn documented(text: &str) -> Option<Route<'_>> {
    let rest = text.strip_prefix(r#"{"type":""#)?;
    let kind = plain_string(rest)?;
    let channel = channel(kind)?;
    let symbol = plain_string(rest.get(kind.len()..)?.strip_prefix(r#"","symbol_id":""#)?)?;
    Some(Route::Data { symbol, channel })
}

/// `…,"symbol_id":"X","sequence":7,"type":"book"}`
///
/// Read backwards from the end of the outermost object, each step over one whole member: a quote that follows a
/// colon opens a value and one that follows a comma opens a key, so nothing inside a string or deeper object matches.
fn reversed(text: &str) -> Option<Route<'_>> {
    let (rest, kind) = text.strip_suffix(r#""}"#)?.rsplit_once('"')?;
    let channel = channel(kind)?;
    let rest = rest.strip_suffix(r#","type":"#)?.trim_end_matches(|c: char| c.is_ascii_digit());
    let (rest, symbol) = rest.strip_suffix(r#"","sequence":"#)?.rsplit_once('"')?;
    let rest = rest.strip_suffix(r#""symbol_id":"#)?;
    (rest.ends_with([',', '{']) && !symbol.ends_with('\\')).then_some(Route::Data { symbol, channel })
}

/// The slow way: the whole frame.
fn read(text: &str) -> Result<Route<'_>, DecodeError> {
    let (mut kind, mut symbol) = (None, None);
    let mut json = Json::new(text);
    json.object(|key, json| match key {
        "type" => put(&mut kind, "type", json.value()?),
        "symbol_id" => put(&mut symbol, "symbol_id", json.value()?),
        _ => json.skip(),
    })?;
    json.end()?;
    match kind {
        // The misspelling is the documented one.
        Some(Value::Text("hearbeat" | "heartbeat" | "reconnect" | "error")) => Ok(Route::Control),
        Some(Value::Text(kind)) => match (channel(kind), symbol) {
            (None, _) => Ok(Route::Unknown),
            (Some(channel), Some(Value::Text(symbol))) => Ok(Route::Data { symbol, channel }),
            (Some(_), None | Some(Value::Null)) => Err(DecodeError::MissingField("symbol_id")),
            (Some(_), Some(_)) => Err(DecodeError::BadField("symbol_id")),
        },
        Some(_) => Err(DecodeError::BadField("type")),
        None => Err(DecodeError::MissingField("type")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(symbol: &str, channel: Channel) -> Route<'_> {
        Route::Data { symbol, channel }
    }

    #[test]
    fn frames_are_placed_in_any_order() {
        for (text, want) in [
            (
                r#"{"type":"book","symbol_id":"A_SPOT_B_C","sequence":1,"asks":[],"bids":[]}"#,
                data("A_SPOT_B_C", Channel::Book),
            ),
            (r#"{"type":"book5","symbol_id":"X"}"#, data("X", Channel::Book5)),
            (r#"{"type":"book20","symbol_id":"X"}"#, data("X", Channel::Book20)),
            (r#"{"type":"book50","symbol_id":"X"}"#, data("X", Channel::Book50)),
            (r#"{"asks":[],"bids":[],"symbol_id":"X","sequence":7,"type":"book"}"#, data("X", Channel::Book)),
            (r#"{"symbol_id":"X","sequence":7,"type":"trade"}"#, data("X", Channel::Trade)),
            (r#"{"sequence":7,"symbol_id":"X","type":"quote"}"#, data("X", Channel::Quote)),
            (
                " { \"symbol_id\" : \"X\" , \"a\" : { \"type\" : \"trade\" } , \"type\" : \"book\" } ",
                data("X", Channel::Book),
            ),
            (
                r#"{"x":{"symbol_id":"Y","sequence":7,"type":"book"},"type":"trade","symbol_id":"X"}"#,
                data("X", Channel::Trade),
            ),
            (r#"{"type":"hearbeat"}"#, Route::Control),
            (r#"{"type":"heartbeat"}"#, Route::Control),
            (r#"{"type":"error","message":"Invalid API key"}"#, Route::Control),
            (r#"{"within_seconds":10,"type":"reconnect"}"#, Route::Control),
            (r#"{"type":"ohlcv","symbol_id":"X","sequence":511}"#, Route::Unknown),
            (r#"{"type":"book_l3","symbol_id":"X"}"#, Route::Unknown),
            (r#"{"type":"volume","volume_by_symbol":[{"symbol_id":"X"}]}"#, Route::Unknown),
            (r#"{"type":"exrate","rate":1}"#, Route::Unknown),
            (r#"{"type":"book"}"#, Route::Malformed(DecodeError::MissingField("symbol_id"))),
            (r#"{"type":"book","symbol_id":7}"#, Route::Malformed(DecodeError::BadField("symbol_id"))),
            (r#"{"type":7,"symbol_id":"X"}"#, Route::Malformed(DecodeError::BadField("type"))),
            (r#"{"symbol_id":"X"}"#, Route::Malformed(DecodeError::MissingField("type"))),
            (r#"{"type":"hearbeat""#, Route::Malformed(DecodeError::Json)),
            ("", Route::Malformed(DecodeError::Json)),
            ("null", Route::Malformed(DecodeError::Json)),
            ("<html>", Route::Malformed(DecodeError::Json)),
        ] {
            assert_eq!(route(text), want, "{text}");
        }
    }

    #[test]
    fn the_fast_ways_agree_with_the_slow_one_or_step_aside() {
        for text in [
            r#"{"type":"book","symbol_id":"X","sequence":1}"#,
            r#"{"type":"book", "symbol_id":"X"}"#,
            r#"{"type":"book","symbol_id":"X\"Y","sequence":1}"#,
            r#"{"a":1,"symbol_id":"X","sequence":7,"type":"book"}"#,
            r#"{"symbol_id":"X","sequence":7,"type":"book"}"#,
            r#"{"symbol_id":"X","sequence":-7,"type":"book"}"#,
            r#"{"a":"\",\"symbol_id\":\"Y","symbol_id":"X","sequence":7,"type":"book"}"#,
            r#"{"x\"symbol_id":"Y","sequence":7,"type":"book","symbol_id":"X"}"#,
            r#"{"symbol_id":"X","x":{"symbol_id":"Y","sequence":7,"type":"book"}}"#,
            r#"{"x,\"symbol_id":"Y","sequence":7,"type":"book"}"#,
            r#"{"symbol_id":"X\\","sequence":7,"type":"book"}"#,
            r#"{"x":[{"y":1},"symbol_id","sequence","type","book"],"type":"quote","symbol_id":"X"}"#,
        ] {
            let slow = read(text).unwrap_or_else(Route::Malformed);
            for fast in [documented(text), reversed(text)] {
                assert!(fast.is_none_or(|fast| fast == slow), "{text}: {fast:?}, {slow:?}");
            }
        }
    }
}
