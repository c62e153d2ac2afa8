//! Finds the symbol, the channel and the number of an Advanced Trade frame.
//!
//! A frame's head names its channel, and the first event its product. Whether another event or product follows is looked
//! for in the rest, which for a whole book is megabytes: by searching, not by reading. What the search takes for one event
//! and is not, the decoder refuses. Any other order of keys and white space are read properly.
//! Source: <https://docs.cdp.coinbase.com/coinbase-app/advanced-trade-apis/websocket/websocket-channels>

use crate::engine::event::{Channel, DecodeError};
use crate::venue::Route;
use crate::venue::field::{self, put};
use crate::venue::json::{Json, Value};
use memchr::memmem;

pub fn route(text: &str) -> Route<'_> {
    quick(text).unwrap_or_else(|| match read(text) {
        Ok(route) => route,
        Err(error) => Route::Malformed(error),
    })
}

/// The frame's place in the count over its connection. It stands before the events, so that no more than the head of a frame
/// is read for it.
pub fn number(text: &str) -> Option<u64> {
    let mut found = None;
    // Ends at the number, or where the text is no JSON: either way there is no more to learn.
    let _ = Json::new(text).object(|key, json| match key {
        "sequence_num" => {
            found = field::whole(json.value()?, "sequence_num")?;
            Err(DecodeError::Json)
        }
        _ => json.skip(),
    });
    found
}

/// The data channel of a frame's `channel`. The books' is asked for as `level2` and called `l2_data` in frames.
pub fn channel(name: &str) -> Option<Channel> {
    match name {
        "l2_data" => Some(Channel::Book),
        "market_trades" => Some(Channel::Trade),
        "ticker" => Some(Channel::Quote),
        _ => None,
    }
}

/// The usual frame. `None`: another one, or none.
fn quick(text: &str) -> Option<Route<'_>> {
    let mut json = Json::new(text);
    let name = json.literal(r#"{"channel":"#).then(|| json.plain_text())??;
    if matches!(name, "heartbeats" | "subscriptions") {
        return None; // rare, and read properly
    }
    let channel = channel(name)?;
    if json.literal(r#","client_id":"#) {
        json.plain_text()?;
    }
    json.literal(r#","timestamp":"#).then(|| json.plain_text())??;
    json.literal(r#","sequence_num":"#).then(|| json.plain_whole())??;
    json.literal(r#","events":[{"type":"#).then(|| json.plain_text())??;
    let first = match channel {
        Channel::Book => json.literal(r#","product_id":"#),
        Channel::Trade => json.literal(r#","trades":[{"product_id":"#),
        _ => json.literal(r#","tickers":[{"type":"ticker","product_id":"#),
    };
    let symbol = first.then(|| json.plain_text())??;
    let rest = text.get(json.position()..)?;
    let is_one = match channel {
        Channel::Book => {
            rest.strip_prefix(r#","updates":["#).is_some_and(|rest| !holds(rest, r#""updates""#))
        }
        Channel::Trade => is_all_of(symbol, rest),
        _ => !holds(rest, r#""product_id""#),
    };
    (is_one && rest.ends_with("}]}]}")).then_some(Route::Data { symbol, channel })
}

fn holds(text: &str, what: &str) -> bool {
    memmem::find(text.as_bytes(), what.as_bytes()).is_some()
}

/// Whether every product named in the text is this one, and the list is one list.
fn is_all_of(symbol: &str, text: &str) -> bool {
    let of = |at: usize| {
        text.get(at..).and_then(|rest| rest.strip_prefix(symbol)).is_some_and(|r| r.starts_with('"'))
    };
    const NAMED: &str = r#""product_id":""#;
    let mut named = memmem::find_iter(text.as_bytes(), NAMED);
    !holds(text, r#""trades""#) && named.all(|at| of(at + NAMED.len()))
}

/// What the slow way learns of all events.
#[derive(Default)]
struct Seen<'t> {
    events: usize,
    /// Tickers over all of them.
    tickers: usize,
    symbol: Option<&'t str>,
    differs: bool,
}

impl<'t> Seen<'t> {
    fn product(&mut self, value: Value<'t>) -> Result<(), DecodeError> {
        let Value::Text(symbol) = value else { return Err(DecodeError::BadField("product_id")) };
        self.differs |= *self.symbol.get_or_insert(symbol) != symbol;
        Ok(())
    }

    /// Reads one event. Trades and tickers name their products one by one.
    fn event(&mut self, json: &mut Json<'t>) -> Result<(), DecodeError> {
        self.events += 1;
        json.object(|key, json| match (key, json.peek()) {
            ("product_id", _) => self.product(json.value()?),
            ("trades" | "tickers", Some(b'[')) => json.array(|json| {
                self.tickers += usize::from(key == "tickers");
                json.object(|key, json| match key {
                    "product_id" => self.product(json.value()?),
                    _ => json.skip(),
                })
            }),
            _ => json.skip(),
        })
    }
}

/// The slow way: the whole frame.
fn read(text: &str) -> Result<Route<'_>, DecodeError> {
    let (mut name, mut kind, mut listed) = (None, None, None);
    let mut seen = Seen::default();
    let mut json = Json::new(text);
    json.object(|key, json| match (key, json.peek()) {
        ("channel", _) => put(&mut name, "channel", json.value()?),
        ("type", _) => put(&mut kind, "type", json.value()?),
        ("events", Some(b'[')) => {
            put(&mut listed, "events", ())?;
            // Of other channels nothing is known.
            json.array(|json| if json.peek() == Some(b'{') { seen.event(json) } else { json.skip() })
        }
        _ => json.skip(),
    })?;
    json.end()?;
    match (name, kind) {
        (Some(Value::Text("heartbeats" | "subscriptions")), _) => Ok(Route::Control),
        (Some(Value::Text(name)), _) => match (channel(name), seen.symbol) {
            (None, _) => Ok(Route::Unknown),
            (Some(_), _) if listed.is_none() => Err(DecodeError::MissingField("events")),
            (Some(_), _) if seen.differs || seen.events > 1 || seen.tickers > 1 => Ok(Route::Parts),
            // A book without a product is an error, a list without trades is not.
            (Some(Channel::Book), None) if seen.events > 0 => Err(DecodeError::MissingField("product_id")),
            (Some(_), None) => Ok(Route::Unknown),
            (Some(channel), Some(symbol)) => Ok(Route::Data { symbol, channel }),
        },
        (Some(_), _) => Err(DecodeError::BadField("channel")),
        (None, Some(Value::Text("error"))) => Ok(Route::Control),
        (None, Some(Value::Text(_)) | None) => Ok(Route::Unknown),
        (None, Some(_)) => Err(DecodeError::BadField("type")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{ERROR, HEARTBEAT, SUBSCRIPTIONS, TICKER, TRADES, UPDATE};
    use super::*;

    fn data(channel: Channel) -> Route<'static> {
        Route::Data { symbol: "BTC-USD", channel }
    }

    #[test]
    fn real_frames_are_placed_the_quick_way() {
        for (text, channel) in [(UPDATE, Channel::Book), (TRADES, Channel::Trade), (TICKER, Channel::Quote)] {
            assert_eq!(quick(text), Some(data(channel)), "{text}");
            assert_eq!(read(text), Ok(data(channel)), "{text}");
            let plain = text.replace(r#""client_id":"","#, "");
            assert_eq!(quick(&plain), Some(data(channel)), "{plain}");
        }
        for text in [SUBSCRIPTIONS, HEARTBEAT, ERROR] {
            assert_eq!(route(text), Route::Control, "{text}");
        }
    }

    #[test]
    fn frames_are_placed_in_any_order_and_form() {
        use DecodeError::{BadField, Json, MissingField};
        let book = Channel::Book;
        for (text, want) in [
            (r#"{"events":[{"updates":[],"product_id":"BTC-USD"}],"channel":"l2_data"}"#, data(book)),
            (
                " { \"channel\" : \"l2_data\" , \"events\" : [ { \"product_id\" : \"BTC-USD\" } ] } ",
                data(book),
            ),
            (
                r#"{"events":[{"trades":[{"product_id":"BTC-USD"}]}],"channel":"market_trades"}"#,
                data(Channel::Trade),
            ),
            (
                r#"{"channel":"ticker","events":[{"tickers":[{"product_id":"BTC-USD"}]}]}"#,
                data(Channel::Quote),
            ),
            (
                r#"{"channel":"ticker","events":[{"tickers":[{"product_id":"BTC-USD"},{"product_id":"A-B"}]}]}"#,
                Route::Parts,
            ),
            (
                r#"{"channel":"ticker","events":[{"tickers":[{"product_id":"A-B"},{"product_id":"A-B"}]}]}"#,
                Route::Parts,
            ),
            (r#"{"channel":"market_trades","events":[{"type":"snapshot","trades":[]}]}"#, Route::Unknown),
            (r#"{"channel":"market_trades","events":[{"type":"snapshot","trades":null}]}"#, Route::Unknown),
            (r#"{"channel":"l2_data","events":[{"product_id":"A-B"},{"product_id":"A-B"}]}"#, Route::Parts),
            (
                r#"{"channel":"market_trades","events":[{"trades":[{"product_id":"A-B"}]},{"trades":[]}]}"#,
                Route::Parts,
            ),
            (r#"{"channel":"l2_data","events":[]}"#, Route::Unknown),
            (r#"{"channel":"candles","events":[{"candles":[]}]}"#, Route::Unknown),
            (r#"{"channel":"ticker_batch","events":[{"tickers":[{"product_id":"A-B"}]}]}"#, Route::Unknown),
            (r#"{"channel":"status","events":[7]}"#, Route::Unknown),
            (r#"{"type":"something"}"#, Route::Unknown),
            ("{}", Route::Unknown),
            (r#"{"channel":"l2_data"}"#, Route::Malformed(MissingField("events"))),
            (r#"{"channel":"l2_data","events":{}}"#, Route::Malformed(MissingField("events"))),
            (r#"{"channel":"l2_data","events":[{}]}"#, Route::Malformed(MissingField("product_id"))),
            (
                r#"{"channel":"l2_data","events":[{"product_id":7}]}"#,
                Route::Malformed(BadField("product_id")),
            ),
            (r#"{"channel":7}"#, Route::Malformed(BadField("channel"))),
            (r#"{"channel":"ticker","channel":"l2_data"}"#, Route::Malformed(BadField("channel"))),
            (r#"{"type":7}"#, Route::Malformed(BadField("type"))),
            ("", Route::Malformed(Json)),
            ("[]", Route::Malformed(Json)),
            ("<html>", Route::Malformed(Json)),
        ] {
            assert_eq!(route(text), want, "{text}");
        }
    }

    #[test]
    fn a_second_event_or_product_is_never_overlooked() {
        let second = |text: &str, event: &str| text.replace("}]}]}", &format!("}}]}},{event}]}}"));
        for text in [
            second(UPDATE, r#"{"type":"update","product_id":"ETH-USD","updates":[{}]}"#),
            second(UPDATE, r#"{"type":"update", "product_id" : "ETH-USD" , "updates" : [{}]}"#),
            second(TRADES, r#"{"type":"update","trades":[{"product_id":"BTC-USD"}]}"#),
            second(TICKER, r#"{"type":"update","tickers":[{"product_id":"BTC-USD"}]}"#),
            TRADES.replace(r#"BTC-USD","trade_id":"1069726292"#, r#"BTC-USDT","trade_id":"1069726292"#),
        ] {
            assert_eq!(route(&text), Route::Parts, "{text}");
        }
    }

    #[test]
    fn numbers_are_found_wherever_they_stand() {
        for (text, want) in [
            (UPDATE, Some(1)),
            (TICKER, Some(2)),
            (SUBSCRIPTIONS, Some(1)),
            (HEARTBEAT, Some(7)),
            (r#"{"events":[{"sequence_num":3}],"sequence_num":18446744073709551615}"#, Some(u64::MAX)),
            (r#"{ "sequence_num" : "5" }"#, Some(5)),
            (r#"{"sequence_num":null}"#, None),
            (r#"{"sequence_num":-1}"#, None),
            (r#"{"sequence_num":1.5}"#, None),
            (ERROR, None),
            ("", None),
            ("[]", None),
        ] {
            assert_eq!(number(text), want, "{text}");
        }
        // Even of a frame that is torn behind its head.
        assert_eq!(number(&UPDATE[..100]), Some(1));
    }

    #[test]
    fn no_cut_frame_is_placed_as_another() {
        for (text, channel) in [(UPDATE, Channel::Book), (TRADES, Channel::Trade), (TICKER, Channel::Quote)] {
            for cut in 0..text.len() {
                let place = route(&text[..cut]);
                let torn_event = place == data(channel) && text[..cut].ends_with("}]}]}");
                assert!(matches!(place, Route::Malformed(_)) || torn_event, "{cut}: {place:?}");
                let _ = number(&text[..cut]);
            }
        }
        for text in [SUBSCRIPTIONS, HEARTBEAT, ERROR] {
            for cut in 0..text.len() {
                assert!(matches!(route(&text[..cut]), Route::Malformed(_)), "{cut}");
            }
        }
    }
}
