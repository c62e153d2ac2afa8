//! Finds a Bybit frame's symbol and channel: both stand in its topic.
//!
//! Data frames begin with the topic whatever order their other fields have; any other order is read properly. Answers have
//! no topic, and each class of products words them in its own way.
//! Source: <https://bybit-exchange.github.io/docs/v5/ws/connect>

use super::Bybit;
use crate::engine::event::{Channel, DecodeError};
use crate::venue::Route;
use crate::venue::field::put;
use crate::venue::json::{Json, Value, plain_string};

pub fn route(class: Bybit, text: &str) -> Route<'_> {
    let topic = text.strip_prefix(r#"{"topic":""#).and_then(plain_string);
    match topic.and_then(|topic| by_topic(class, topic)) {
        Some((symbol, channel)) => Route::Data { symbol, channel },
        None => read(class, text).unwrap_or_else(Route::Malformed),
    }
}

/// The symbol and the channel of a topic depthd uses.
pub fn by_topic(class: Bybit, topic: &str) -> Option<(&str, Channel)> {
    let topics = [
        (class.book_topic(), Channel::Book),
        ("orderbook.1.", Channel::Quote),
        ("publicTrade.", Channel::Trade),
    ];
    let found = topics.iter().find_map(|(start, channel)| Some((topic.strip_prefix(start)?, *channel)));
    found.filter(|(symbol, _)| !symbol.is_empty())
}

/// The slow way: the whole frame.
fn read(class: Bybit, text: &str) -> Result<Route<'_>, DecodeError> {
    let (mut topic, mut kind, mut is_answer) = (None, None, false);
    let mut json = Json::new(text);
    json.object(|key, json| {
        match key {
            "topic" => return put(&mut topic, "topic", json.value()?),
            "type" => return put(&mut kind, "type", json.value()?),
            "op" | "success" | "ret_msg" => is_answer = true,
            _ => {}
        }
        json.skip()
    })?;
    json.end()?;
    match topic {
        Some(Value::Text(topic)) => Ok(match by_topic(class, topic) {
            Some((symbol, channel)) => Route::Data { symbol, channel },
            None => Route::Unknown,
        }),
        Some(_) => Err(DecodeError::BadField("topic")),
        None if is_answer || kind == Some(Value::Text("COMMAND_RESP")) => Ok(Route::Control),
        None => Ok(Route::Unknown),
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
                r#"{"topic":"orderbook.200.BTCUSDT","type":"delta","ts":1,"data":{}}"#,
                data("BTCUSDT", Channel::Book),
            ),
            (
                r#"{"topic":"orderbook.1.BTCUSDT","ts":1,"type":"snapshot","data":{}}"#,
                data("BTCUSDT", Channel::Quote),
            ),
            (r#"{"topic":"publicTrade.BTC-26DEC25","data":[]}"#, data("BTC-26DEC25", Channel::Trade)),
            (
                r#"{"data":{"topic":"publicTrade.X"},"topic":"orderbook.200.BTCUSDT"}"#,
                data("BTCUSDT", Channel::Book),
            ),
            (" { \"ts\" : 1 , \"topic\" : \"publicTrade.BTCUSDT\" }\n", data("BTCUSDT", Channel::Trade)),
            (r#"{"topic":"orderbook.50.BTCUSDT","data":{}}"#, Route::Unknown),
            (r#"{"topic":"orderbook.full.BTCUSDT","data":{}}"#, Route::Unknown),
            (r#"{"topic":"tickers.BTCUSDT","data":{}}"#, Route::Unknown),
            (r#"{"topic":"system.status","data":[]}"#, Route::Unknown),
            (r#"{"topic":"orderbook.200.","data":{}}"#, Route::Unknown),
            (r#"{"topic":"orderbook.200.\u0042","data":{}}"#, data(r"\u0042", Channel::Book)),
            (r#"{"success":true,"ret_msg":"subscribe","conn_id":"x","op":"subscribe"}"#, Route::Control),
            (r#"{"success":true,"ret_msg":"pong","conn_id":"x","op":"ping"}"#, Route::Control),
            (r#"{"args":["1672916271846"],"op":"pong"}"#, Route::Control),
            (
                r#"{"success":true,"conn_id":"x","data":{"failTopics":[]},"type":"COMMAND_RESP"}"#,
                Route::Control,
            ),
            (r#"{"type":"COMMAND_RESP"}"#, Route::Control),
            ("{}", Route::Unknown),
            (r#"{"type":"snapshot"}"#, Route::Unknown),
            (r#"{"topic":7}"#, Route::Malformed(BadField("topic"))),
            (r#"{"topic":"tickers.A","topic":"tickers.A"}"#, Route::Malformed(BadField("topic"))),
            ("", Route::Malformed(Json)),
            ("pong", Route::Malformed(Json)),
            ("[]", Route::Malformed(Json)),
            ("<html>", Route::Malformed(Json)),
            (r#"{"topic":"orderbook.200.BTC"#, Route::Malformed(Json)),
        ] {
            assert_eq!(route(Bybit::Spot, text), want, "{text}");
        }
    }

    #[test]
    fn a_book_is_of_the_depth_that_was_asked_for() {
        let topics = ["orderbook.200.BTCUSDT", "orderbook.full.BTCUSDT"];
        let routed = |class| topics.map(|topic| by_topic(class, topic));
        let book = Some(("BTCUSDT", Channel::Book));
        assert_eq!(routed(Bybit::Spot), [book, None]);
        assert_eq!(routed(Bybit::Full), [None, book]);
        assert_eq!(by_topic(Bybit::Full, "orderbook.1.A"), Some(("A", Channel::Quote)));
    }
}
