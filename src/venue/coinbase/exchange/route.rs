//! Finds the product and the channel of an Exchange frame.
//!
//! Book messages and tickers name both first, and are placed by their first few bytes. Trades name the product late; they
//! are small and read properly, as is any other order of keys.
//! Source: <https://docs.cdp.coinbase.com/exchange/websocket-feed/channels>

use crate::engine::event::{Channel, DecodeError};
use crate::venue::Route;
use crate::venue::field::put;
use crate::venue::json::{Json, Value};

pub fn route(text: &str) -> Route<'_> {
    quick(text).unwrap_or_else(|| match read(text) {
        Ok(route) => route,
        Err(error) => Route::Malformed(error),
    })
}

/// The data channel of a message's `type`.
fn channel(kind: &str) -> Option<Channel> {
    match kind {
        "snapshot" | "l2update" => Some(Channel::Book),
        "match" | "last_match" => Some(Channel::Trade),
        "ticker" => Some(Channel::Quote),
        _ => None,
    }
}

/// `{"type":"l2update","product_id":"X",…`, with the sequence of a ticker between the two.
fn quick(text: &str) -> Option<Route<'_>> {
    let mut json = Json::new(text);
    let kind = json.literal(r#"{"type":"#).then(|| json.plain_text())??;
    let channel = channel(kind)?;
    if json.literal(r#","sequence":"#) {
        json.plain_whole()?;
    }
    let symbol = json.literal(r#","product_id":"#).then(|| json.plain_text())??;
    Some(Route::Data { symbol, channel })
}

/// The slow way: the whole frame.
fn read(text: &str) -> Result<Route<'_>, DecodeError> {
    let (mut kind, mut product) = (None, None);
    let mut json = Json::new(text);
    json.object(|key, json| match key {
        "type" => put(&mut kind, "type", json.value()?),
        "product_id" => put(&mut product, "product_id", json.value()?),
        _ => json.skip(),
    })?;
    json.end()?;
    match kind {
        Some(Value::Text("subscriptions" | "heartbeat" | "error")) => Ok(Route::Control),
        Some(Value::Text(kind)) => match (channel(kind), product) {
            (None, _) => Ok(Route::Unknown),
            (Some(channel), Some(Value::Text(symbol))) => Ok(Route::Data { symbol, channel }),
            (Some(_), None | Some(Value::Null)) => Err(DecodeError::MissingField("product_id")),
            (Some(_), Some(_)) => Err(DecodeError::BadField("product_id")),
        },
        Some(_) => Err(DecodeError::BadField("type")),
        None => Ok(Route::Unknown),
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{ERROR, HEARTBEAT, MATCH, SNAPSHOT, SUBSCRIPTIONS, TICKER, UPDATE};
    use super::*;

    fn data(symbol: &str, channel: Channel) -> Route<'_> {
        Route::Data { symbol, channel }
    }

    #[test]
    fn frames_are_placed_in_any_order_and_form() {
        use DecodeError::{BadField, Json, MissingField};
        for (text, want) in [
            (UPDATE, data("SKL-BTC", Channel::Book)),
            (SNAPSHOT, data("CRV-EUR", Channel::Book)),
            (MATCH, data("SKL-BTC", Channel::Trade)),
            (TICKER, data("BTC-USD", Channel::Quote)),
            (SUBSCRIPTIONS, Route::Control),
            (HEARTBEAT, Route::Control),
            (ERROR, Route::Control),
            (r#"{"changes":[],"product_id":"A-B","type":"l2update"}"#, data("A-B", Channel::Book)),
            (" { \"product_id\" : \"A-B\" , \"type\" : \"last_match\" } ", data("A-B", Channel::Trade)),
            (
                r#"{"x":{"product_id":"C-D","type":"ticker"},"type":"match","product_id":"A-B"}"#,
                data("A-B", Channel::Trade),
            ),
            (r#"{"type":"received","product_id":"A-B"}"#, Route::Unknown),
            (r#"{"type":"status","products":[]}"#, Route::Unknown),
            ("{}", Route::Unknown),
            (r#"{"type":"l2update"}"#, Route::Malformed(MissingField("product_id"))),
            (r#"{"type":"ticker","product_id":null}"#, Route::Malformed(MissingField("product_id"))),
            (r#"{"type":"match","product_id":7}"#, Route::Malformed(BadField("product_id"))),
            (r#"{"type":7}"#, Route::Malformed(BadField("type"))),
            (r#"{"x":1,"type":"match","type":"match"}"#, Route::Malformed(BadField("type"))),
            ("", Route::Malformed(Json)),
            ("[]", Route::Malformed(Json)),
            ("<html>", Route::Malformed(Json)),
        ] {
            assert_eq!(route(text), want, "{text}");
        }
    }

    #[test]
    fn the_quick_way_agrees_with_the_slow_one_or_steps_aside() {
        for text in [UPDATE, SNAPSHOT, TICKER] {
            assert_eq!(quick(text), read(text).ok(), "{text}");
        }
        for text in [MATCH, HEARTBEAT, SUBSCRIPTIONS, ERROR, r#"{"type":"ticker","product_id":"A\"B"}"#] {
            assert_eq!(quick(text), None, "{text}");
        }
        for text in [UPDATE, SNAPSHOT, TICKER, MATCH, HEARTBEAT, SUBSCRIPTIONS, ERROR] {
            let whole = route(text);
            for cut in 0..text.len() {
                let place = route(&text[..cut]);
                assert!(
                    place == whole || matches!(place, Route::Malformed(DecodeError::Json)),
                    "{cut} of {text}"
                );
            }
        }
    }
}
