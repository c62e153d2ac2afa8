//! Finds a Hyperliquid frame's coin and channel.
//!
//! The usual frame is placed by its first few bytes; any other order of keys and white space are read properly.
//! Source: <https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/websocket/subscriptions>

use crate::engine::event::{Channel, DecodeError};
use crate::venue::Route;
use crate::venue::field::put;
use crate::venue::json::{Json, Value};

/// The first text of a connection, and the only one that is no JSON.
/// Source: <https://github.com/hyperliquid-dex/hyperliquid-python-sdk/blob/master/hyperliquid/websocket_manager.py>
const GREETING: &str = "Websocket connection established.";

pub fn route(text: &str) -> Route<'_> {
    quick(text).unwrap_or_else(|| match read(text) {
        _ if is_greeting(text) => Route::Control,
        Ok(route) => route,
        Err(error) => Route::Malformed(error),
    })
}

pub fn is_greeting(text: &str) -> bool {
    text.trim_ascii() == GREETING
}

/// The data channel of a frame's `channel`.
pub fn channel(name: &str) -> Option<Channel> {
    match name {
        "l2Book" => Some(Channel::Book),
        "trades" => Some(Channel::Trade),
        "bbo" => Some(Channel::Quote),
        _ => None,
    }
}

/// `{"channel":"l2Book","data":{"coin":"X",…`. A list of trades is one coin's, as subscriptions are: the decoder sees to it.
fn quick(text: &str) -> Option<Route<'_>> {
    let mut json = Json::new(text);
    let name = json.literal(r#"{"channel":"#).then(|| json.plain_text())??;
    let channel = channel(name)?;
    let before = if channel == Channel::Trade { r#","data":[{"coin":"# } else { r#","data":{"coin":"# };
    let symbol = json.literal(before).then(|| json.plain_text())??;
    Some(Route::Data { symbol, channel })
}

/// What the slow way learns of the data.
#[derive(Default)]
struct Seen<'t> {
    coin: Option<&'t str>,
    differs: bool,
}

impl<'t> Seen<'t> {
    fn item(&mut self, json: &mut Json<'t>) -> Result<(), DecodeError> {
        let mut coin = None;
        json.object(|key, json| match key {
            "coin" => put(&mut coin, "coin", json.value()?),
            _ => json.skip(),
        })?;
        match coin {
            None => {}
            Some(Value::Text(coin)) => self.differs |= *self.coin.get_or_insert(coin) != coin,
            Some(_) => return Err(DecodeError::BadField("coin")),
        }
        Ok(())
    }
}

/// The slow way: the whole frame.
fn read(text: &str) -> Result<Route<'_>, DecodeError> {
    let (mut name, mut data, mut is_list) = (None, None, false);
    let mut seen = Seen::default();
    let mut json = Json::new(text);
    json.object(|key, json| match key {
        "channel" => put(&mut name, "channel", json.value()?),
        "data" => {
            put(&mut data, "data", ())?;
            match json.peek() {
                Some(b'{') => seen.item(json),
                Some(b'[') => {
                    is_list = true;
                    // Lists of other channels hold anything.
                    json.array(|json| if json.peek() == Some(b'{') { seen.item(json) } else { json.skip() })
                }
                _ => json.skip(),
            }
        }
        _ => json.skip(),
    })?;
    json.end()?;
    match name {
        Some(Value::Text("subscriptionResponse" | "pong" | "error")) => Ok(Route::Control),
        Some(Value::Text(name)) => match (channel(name), seen.coin) {
            (None, _) => Ok(Route::Unknown),
            (Some(_), _) if seen.differs => Err(DecodeError::WrongSymbol),
            (Some(channel), Some(symbol)) => Ok(Route::Data { symbol, channel }),
            // No trades.
            (Some(Channel::Trade), None) if is_list => Ok(Route::Unknown),
            (Some(_), None) => Err(DecodeError::MissingField("coin")),
        },
        Some(_) => Err(DecodeError::BadField("channel")),
        None => Ok(Route::Unknown),
    }
}

#[cfg(test)]
mod tests {
    use super::super::frames::samples::{BBO, BOOK, TRADES};
    use super::*;

    fn data(symbol: &str, channel: Channel) -> Route<'_> {
        Route::Data { symbol, channel }
    }

    #[test]
    fn frames_are_placed_in_any_order_and_form() {
        use DecodeError::{BadField, Json, MissingField, WrongSymbol};
        for (text, want) in [
            (BOOK, data("BTC", Channel::Book)),
            (TRADES, data("BTC", Channel::Trade)),
            (BBO, data("BTC", Channel::Quote)),
            (
                r#"{"data":{"levels":[[],[]],"coin":"kPEPE"},"channel":"l2Book"}"#,
                data("kPEPE", Channel::Book),
            ),
            (
                " { \"channel\" : \"bbo\" , \"data\" : { \"coin\" : \"@142\" } } ",
                data("@142", Channel::Quote),
            ),
            (
                r#"{"channel":"trades","data":[{"px":"1","coin":"PURR/USDC"}]}"#,
                data("PURR/USDC", Channel::Trade),
            ),
            (
                r#"{"channel":"l2Book","data":{"x":{"coin":"A"},"coin":"xyz:NVDA"}}"#,
                data("xyz:NVDA", Channel::Book),
            ),
            (r#"{"channel":"subscriptionResponse","data":{"method":"subscribe"}}"#, Route::Control),
            (r#"{"channel":"pong"}"#, Route::Control),
            (r#"{"channel":"error","data":"x"}"#, Route::Control),
            ("Websocket connection established.", Route::Control),
            ("Websocket connection established.\n", Route::Control),
            (r#"{"channel":"trades","data":[]}"#, Route::Unknown),
            // Vector V4 of the dossier: a channel of packed texts, which nobody subscribes to here.
            (
                r#"{"channel":"fastAssetCtxs","data":"q1ZyCnFWsqpWyk0syg6oULJSsjQ3NTDQM1Wq1VFyDfFAkTI2MzXQMwJLVVRWWfmFuTiiyBuamOoZKdXWAgA="}"#,
                Route::Unknown,
            ),
            (r#"{"channel":"allMids","data":{"mids":{}}}"#, Route::Unknown),
            (r#"{"channel":"candle","data":[7,{"coin":"A"},{"coin":"B"}]}"#, Route::Unknown),
            (r#"{"channel":"post","data":{"id":1}}"#, Route::Unknown),
            ("{}", Route::Unknown),
            (
                r#"{"channel":"trades","data":[{"px":"1","coin":"A"},{"coin":"B"}]}"#,
                Route::Malformed(WrongSymbol),
            ),
            (r#"{"channel":"l2Book","data":null}"#, Route::Malformed(MissingField("coin"))),
            (r#"{"channel":"l2Book","data":{"coin":7}}"#, Route::Malformed(BadField("coin"))),
            (r#"{"channel":"l2Book","data":{},"data":{}}"#, Route::Malformed(BadField("data"))),
            (r#"{"channel":7}"#, Route::Malformed(BadField("channel"))),
            ("Websocket connection lost.", Route::Malformed(Json)),
            ("", Route::Malformed(Json)),
            ("[]", Route::Malformed(Json)),
            ("<html>", Route::Malformed(Json)),
        ] {
            assert_eq!(route(text), want, "{text}");
        }
    }

    #[test]
    fn the_quick_way_agrees_with_the_slow_one_or_steps_aside() {
        for text in [BOOK, TRADES, BBO] {
            assert_eq!(quick(text), read(text).ok(), "{text}");
            let whole = route(text);
            for cut in 0..text.len() {
                let place = route(&text[..cut]);
                assert!(place == whole || place == Route::Malformed(DecodeError::Json), "{cut} of {text}");
            }
        }
        for text in
            [r#"{"channel":"bbo","data":{"coin":"A\"B"}}"#, r#"{"channel":"bbo", "data":{"coin":"A"}}"#]
        {
            assert_eq!(quick(text), None, "{text}");
        }
    }
}
