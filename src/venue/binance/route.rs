//! Finds a Binance frame's symbol and channel.
//!
//! Combined frames start with the stream's name, so the usual frame is placed by its first few bytes; any other
//! order of keys, white space and the raw form are read properly. Book tickers have no event type: their keys say
//! what they are. Source: web-socket-streams.md, "General WSS information" and "Individual Symbol Book Ticker".

use crate::engine::event::{Channel, DecodeError};
use crate::venue::Route;
use crate::venue::field::put;
use crate::venue::json::{Json, Value, plain_string};

/// The stream name of the shutdown notice.
pub const SHUTDOWN_STREAM: &str = "!serverShutdown";
/// The event type of the shutdown notice.
pub const SHUTDOWN_EVENT: &str = "serverShutdown";

/// What a market of this venue calls the streams and the events that depthd uses.
pub trait Names {
    /// By what follows the symbol and the `@`.
    fn stream(kind: &str) -> Option<Channel>;

    /// By the event's own type.
    fn event(kind: &str) -> Option<Channel>;
}

pub struct Spot;

impl Names for Spot {
    fn stream(kind: &str) -> Option<Channel> {
        match kind {
            "depth@100ms" | "depth" => Some(Channel::Book),
            "trade" => Some(Channel::Trade),
            "bookTicker" => Some(Channel::Quote),
            _ => None,
        }
    }

    fn event(kind: &str) -> Option<Channel> {
        match kind {
            "depthUpdate" => Some(Channel::Book),
            "trade" => Some(Channel::Trade),
            _ => None,
        }
    }
}

pub fn route<N: Names>(text: &str) -> Route<'_> {
    let fast = text.strip_prefix(r#"{"stream":""#).and_then(plain_string).and_then(by_stream::<N>);
    fast.unwrap_or_else(|| match read::<N>(text) {
        Ok(route) => route,
        Err(error) => Route::Malformed(error),
    })
}

/// The symbol of a stream's name, as written there.
pub fn symbol_of(stream: &str) -> Option<&str> {
    stream.split_once('@').map(|(symbol, _)| symbol)
}

/// The route of a stream depthd uses.
fn by_stream<N: Names>(stream: &str) -> Option<Route<'_>> {
    // Names are some ten bytes long: sooner looked at than a search is set up.
    let at = stream.bytes().position(|c| c == b'@')?;
    let (symbol, kind) = (stream.get(..at)?, stream.get(at + 1..)?);
    N::stream(kind).map(|channel| Route::Data { symbol, channel })
}

/// The slow way: the whole frame.
fn read<N: Names>(text: &str) -> Result<Route<'_>, DecodeError> {
    let (mut stream, mut event, mut symbol) = (None, None, None);
    let (mut is_reply, mut has_id, mut has_ask) = (false, false, false);
    let mut json = Json::new(text);
    json.object(|key, json| {
        match key {
            "stream" => return put(&mut stream, "stream", json.value()?),
            "e" => return put(&mut event, "e", json.value()?),
            "s" => return put(&mut symbol, "s", json.value()?),
            "result" | "id" | "code" | "error" => is_reply = true,
            "u" => has_id = true,
            "A" => has_ask = true,
            _ => {}
        }
        json.skip()
    })?;
    json.end()?;
    match (stream, event) {
        (Some(Value::Text(SHUTDOWN_STREAM)), _) | (None, Some(Value::Text(SHUTDOWN_EVENT))) => {
            Ok(Route::Control)
        }
        (Some(Value::Text(name)), _) => Ok(by_stream::<N>(name).unwrap_or(Route::Unknown)),
        (Some(_), _) => Err(DecodeError::BadField("stream")),
        (None, Some(Value::Text(kind))) => {
            N::event(kind).map_or(Ok(Route::Unknown), |channel| data(symbol, channel))
        }
        (None, Some(_)) => Err(DecodeError::BadField("e")),
        (None, None) if is_reply => Ok(Route::Control),
        (None, None) if has_id && has_ask => data(symbol, Channel::Quote),
        (None, None) => Ok(Route::Unknown),
    }
}

fn data<'t>(symbol: Option<Value<'t>>, channel: Channel) -> Result<Route<'t>, DecodeError> {
    match symbol {
        Some(Value::Text(symbol)) => Ok(Route::Data { symbol, channel }),
        Some(_) => Err(DecodeError::BadField("s")),
        None => Err(DecodeError::MissingField("s")),
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
        for (text, want) in [
            (r#"{"stream":"btcusdt@depth@100ms","data":{}}"#, data("btcusdt", Channel::Book)),
            (r#"{"stream":"btcusdt@depth","data":{}}"#, data("btcusdt", Channel::Book)),
            (r#"{"stream":"bnbbtc@trade","data":{}}"#, data("bnbbtc", Channel::Trade)),
            (r#"{"stream":"币安usdt@bookTicker","data":{}}"#, data("币安usdt", Channel::Quote)),
            (r#"{"data":{"stream":"x@trade"},"stream":"btcusdt@trade"}"#, data("btcusdt", Channel::Trade)),
            (" { \"stream\" : \"btcusdt@depth\" ,\n\"data\" : { } } ", data("btcusdt", Channel::Book)),
            (
                r#"{"e":"depthUpdate","E":1,"s":"BNBBTC","U":157,"u":160,"b":[],"a":[]}"#,
                data("BNBBTC", Channel::Book),
            ),
            (r#"{"e":"trade","s":"BNBBTC"}"#, data("BNBBTC", Channel::Trade)),
            (
                r#"{"u":400900217,"s":"BNBUSDT","b":"25.3","B":"31.2","a":"25.3","A":"40.6"}"#,
                data("BNBUSDT", Channel::Quote),
            ),
            (r#"{"stream":"btcusdt@depth5@100ms","data":{}}"#, Route::Unknown),
            (r#"{"stream":"btcusdt@aggTrade","data":{}}"#, Route::Unknown),
            (r#"{"e":"aggTrade","s":"BNBBTC"}"#, Route::Unknown),
            (r#"{"lastUpdateId":160,"bids":[],"asks":[]}"#, Route::Unknown),
            (r#"{}"#, Route::Unknown),
            (r#"{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1}}"#, Route::Control),
            (r#"{"e":"serverShutdown","E":1770123456789}"#, Route::Control),
            (r#"{"result":null,"id":1}"#, Route::Control),
            (r#"{"code":2,"msg":"Invalid request"}"#, Route::Control),
            (r#"{"error":{"code":2,"msg":"x"},"id":null}"#, Route::Control),
            (r#"{"stream":7}"#, Route::Malformed(DecodeError::BadField("stream"))),
            (r#"{"e":7}"#, Route::Malformed(DecodeError::BadField("e"))),
            (r#"{"e":"trade"}"#, Route::Malformed(DecodeError::MissingField("s"))),
            (r#"{"e":"trade","s":1}"#, Route::Malformed(DecodeError::BadField("s"))),
            (r#"{"e":"trade","e":"trade","s":"A"}"#, Route::Malformed(DecodeError::BadField("e"))),
            ("", Route::Malformed(DecodeError::Json)),
            ("[]", Route::Malformed(DecodeError::Json)),
            ("<html>", Route::Malformed(DecodeError::Json)),
            (r#"{"stream":"btcusdt"#, Route::Malformed(DecodeError::Json)),
        ] {
            assert_eq!(route::<Spot>(text), want, "{text}");
        }
    }
}
