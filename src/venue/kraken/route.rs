//! Finds a Kraken frame's symbol and channel, and takes frames of several symbols apart.
//!
//! The usual update is placed by its first bytes and a search that finds no other symbol behind them; every other frame
//! is read properly. Source: <https://docs.kraken.com/exchange/api-reference/spot-websocket-v2/book>

use crate::engine::event::{Channel, DecodeError};
use crate::venue::field::put;
use crate::venue::json::{Json, Value, plain_string};
use crate::venue::{Parts, Route};
use memchr::memmem;

/// Channels about the connection itself.
pub const HEARTBEAT: &str = "heartbeat";
pub const STATUS: &str = "status";

type Result<T> = std::result::Result<T, DecodeError>;

pub fn route(text: &str) -> Route<'_> {
    quick(text).unwrap_or_else(|| match Frame::read(text).and_then(|frame| frame.route()) {
        Ok(route) => route,
        Err(error) => Route::Malformed(error),
    })
}

pub fn parts<'f>(text: &'f str, part: &mut Parts<'_, 'f>) -> Result<()> {
    let frame = Frame::read(text)?;
    match frame.channel {
        Some(Value::Text("trade")) => frame.each(|symbol, text| {
            part(plain(symbol)?, Channel::Trade, text);
            Ok(())
        }),
        Some(Value::Text("ticker")) => frame.each(|symbol, text| {
            part(plain(symbol)?, Channel::Quote, text);
            Ok(())
        }),
        // One pair among a thousand with an odd name is nobody's here, and no reason to do without the others.
        Some(Value::Text("instrument")) => frame.each_pair(|symbol, text| {
            if let Ok(symbol) = plain(symbol) {
                part(symbol, Channel::Instrument, text);
            }
            Ok(())
        }),
        _ => Err(DecodeError::BadField("channel")),
    }
}

/// An update of one symbol in the form that all of them are sent in.
fn quick(text: &str) -> Option<Route<'_>> {
    let rest = text.strip_prefix(r#"{"channel":""#)?;
    let name = plain_string(rest)?;
    let channel = match name {
        "book" => Channel::Book,
        "trade" => Channel::Trade,
        "ticker" => Channel::Quote,
        _ => return None,
    };
    let rest = rest.get(name.len()..)?.strip_prefix(r#"","type":"update","data":[{"symbol":""#)?;
    let symbol = plain_string(rest)?;
    let mut others = memmem::find_iter(rest.as_bytes(), br#""symbol""#).filter_map(|at| rest.get(at..));
    let is_same = |other: &str| {
        let name = other.strip_prefix(r#""symbol":""#).and_then(|other| other.strip_prefix(symbol));
        name.is_some_and(|end| end.starts_with('"'))
    };
    // Trades of one symbol may come together; of anything else there is one.
    let placed = others.all(|other| channel == Channel::Trade && is_same(other));
    placed.then_some(Route::Data { symbol, channel })
}

/// A frame read over, with what it takes to place it.
struct Frame<'t> {
    text: &'t str,
    channel: Option<Value<'t>>,
    kind: Option<Value<'t>>,
    /// Stands at the data.
    data: Option<Json<'t>>,
    is_reply: bool,
}

impl<'t> Frame<'t> {
    fn read(text: &'t str) -> Result<Frame<'t>> {
        let mut frame = Frame { text, channel: None, kind: None, data: None, is_reply: false };
        let mut json = Json::new(text);
        json.object(|key, json| {
            match key {
                "channel" => return put(&mut frame.channel, "channel", json.value()?),
                "type" => return put(&mut frame.kind, "type", json.value()?),
                "data" => put(&mut frame.data, "data", json.clone())?,
                // Both spellings of an error were seen.
                "method" | "success" | "error" | "Error" => frame.is_reply = true,
                _ => {}
            }
            json.skip()
        })?;
        json.end()?;
        Ok(frame)
    }

    fn route(self) -> Result<Route<'t>> {
        let kind = self.kind;
        match self.channel {
            None if self.is_reply => Ok(Route::Control),
            None => Ok(Route::Unknown),
            Some(Value::Text(HEARTBEAT | STATUS)) => Ok(Route::Control),
            Some(Value::Text("book")) => match self.symbols()? {
                (Some(symbol), 1, _) => Ok(Route::Data { symbol, channel: Channel::Book }),
                // Each message is of one book.
                _ => Err(DecodeError::BadField("data")),
            },
            // Trades of before, which nobody asked for.
            Some(Value::Text("trade")) if kind == Some(Value::Text("snapshot")) => Ok(Route::Unused),
            Some(Value::Text("trade")) => Ok(match self.symbols()? {
                (None, ..) => Route::Unknown,
                (Some(symbol), _, true) => Route::Data { symbol, channel: Channel::Trade },
                _ => Route::Parts,
            }),
            Some(Value::Text("ticker")) => Ok(match self.symbols()? {
                (None, ..) => Route::Unknown,
                (Some(symbol), 1, _) => Route::Data { symbol, channel: Channel::Quote },
                _ => Route::Parts,
            }),
            Some(Value::Text("instrument")) => Ok(Route::Parts),
            Some(Value::Text(_)) => Ok(Route::Unknown),
            Some(_) => Err(DecodeError::BadField("channel")),
        }
    }

    /// The first symbol of the data, how many entries it has, and whether all are of that symbol.
    fn symbols(self) -> Result<(Option<&'t str>, usize, bool)> {
        let (mut first, mut count, mut alike) = (None, 0, true);
        self.each(|symbol, _| {
            let symbol = plain(symbol)?;
            alike &= *first.get_or_insert(symbol) == symbol;
            count += 1;
            Ok(())
        })?;
        Ok((first, count, alike))
    }

    /// Calls `each` with the symbol and the text of every entry of the data.
    fn each(self, each: impl FnMut(Option<Value<'t>>, &'t str) -> Result<()>) -> Result<()> {
        let mut data = self.data.ok_or(DecodeError::MissingField("data"))?;
        objects(self.text, &mut data, "data", each)
    }

    /// The same for the pairs of an instrument frame, whose data also lists assets.
    fn each_pair(self, mut each: impl FnMut(Option<Value<'t>>, &'t str) -> Result<()>) -> Result<()> {
        let (text, mut pairs) = (self.text, None);
        let mut data = self.data.ok_or(DecodeError::MissingField("data"))?;
        if data.peek() != Some(b'{') {
            return Err(DecodeError::BadField("data"));
        }
        data.object(|key, json| match key {
            "pairs" => {
                put(&mut pairs, "pairs", ())?;
                objects(text, json, "pairs", &mut each)
            }
            _ => json.skip(),
        })
    }
}

/// Calls `each` with the symbol and the text of every object of a list.
fn objects<'t>(
    text: &'t str,
    json: &mut Json<'t>,
    name: &'static str,
    mut each: impl FnMut(Option<Value<'t>>, &'t str) -> Result<()>,
) -> Result<()> {
    if json.peek() != Some(b'[') {
        return Err(DecodeError::BadField(name));
    }
    json.array(|json| {
        if json.peek() != Some(b'{') {
            return Err(DecodeError::BadField(name));
        }
        let (from, mut symbol) = (json.position(), None);
        json.object(|key, json| match key {
            "symbol" => put(&mut symbol, "symbol", json.value()?),
            _ => json.skip(),
        })?;
        each(symbol, text.get(from..json.position()).ok_or(DecodeError::Json)?)
    })
}

/// A symbol's text. One with escapes would be looked for in vain, and its data be lost unnoticed.
fn plain<'t>(symbol: Option<Value<'t>>) -> Result<&'t str> {
    match symbol {
        Some(Value::Text(symbol)) if !symbol.contains('\\') => Ok(symbol),
        Some(_) => Err(DecodeError::BadField("symbol")),
        None => Err(DecodeError::MissingField("symbol")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use DecodeError::{BadField, MissingField};

    fn data(symbol: &str, channel: Channel) -> Route<'_> {
        Route::Data { symbol, channel }
    }

    fn taken_apart(text: &str) -> Result<Vec<(&str, Channel, &str)>> {
        let mut taken = Vec::new();
        parts(text, &mut |symbol, channel, text| taken.push((symbol, channel, text)))?;
        Ok(taken)
    }

    #[test]
    fn frames_are_placed_in_any_order_and_form() {
        let malformed = Route::Malformed;
        for (text, want) in [
            (
                r#"{"channel":"book","type":"update","data":[{"symbol":"BTC/USD","bids":[]}]}"#,
                data("BTC/USD", Channel::Book),
            ),
            (
                r#"{"channel":"book","type":"snapshot","data":[{"symbol":"BTC/USD"}]}"#,
                data("BTC/USD", Channel::Book),
            ),
            (
                r#"{"data":[{"bids":[{"symbol":"X/Y"}],"symbol":"A/B"}],"x":1,"type":"update","channel":"book"}"#,
                data("A/B", Channel::Book),
            ),
            (
                " { \"channel\" : \"ticker\" , \"data\" : [ { \"symbol\" : \"A/B\" } ] } ",
                data("A/B", Channel::Quote),
            ),
            (
                r#"{"channel":"trade","type":"update","data":[{"symbol":"A/B"},{"symbol":"A/B"}]}"#,
                data("A/B", Channel::Trade),
            ),
            (
                r#"{"channel":"trade","type":"update","data":[{"symbol":"A/B"},{"symbol":"C/D"}]}"#,
                Route::Parts,
            ),
            (
                r#"{"channel":"trade","type":"update","data":[{"symbol":"A/B"},{"symbol":"A/BC"}]}"#,
                Route::Parts,
            ),
            (
                r#"{"channel":"trade","type":"update","data":[{"symbol":"A/B"},{"symbol" : "A/B"}]}"#,
                data("A/B", Channel::Trade),
            ),
            (
                r#"{"channel":"ticker","type":"update","data":[{"symbol":"A/B"},{"symbol":"A/B"}]}"#,
                Route::Parts,
            ),
            (r#"{"channel":"instrument","type":"update","data":{"pairs":[]}}"#, Route::Parts),
            (r#"{"channel":"trade","type":"snapshot","data":[{"symbol":"A/B"}]}"#, Route::Unused),
            (r#"{"channel":"trade","type":"update","data":[]}"#, Route::Unknown),
            (r#"{"channel":"ohlc","type":"update","data":[]}"#, Route::Unknown),
            ("{}", Route::Unknown),
            (r#"{"channel":"heartbeat"}"#, Route::Control),
            (r#"{"channel":"status","type":"update","data":[{"system":"online"}]}"#, Route::Control),
            (r#"{"method":"pong","req_id":1}"#, Route::Control),
            (r#"{"Error":"Exceeded msg rate"}"#, Route::Control),
            (r#"{"error":"Exceeded msg rate"}"#, Route::Control),
            (r#"{"success":false}"#, Route::Control),
            (
                r#"{"channel":"book","type":"update","data":[{"symbol":"A/B"},{"symbol":"A/B"}]}"#,
                malformed(BadField("data")),
            ),
            (r#"{"channel":"book","type":"update","data":[]}"#, malformed(BadField("data"))),
            (r#"{"channel":"book","type":"update","data":{}}"#, malformed(BadField("data"))),
            (r#"{"channel":"book","type":"update","data":[7]}"#, malformed(BadField("data"))),
            (r#"{"channel":"book","type":"update"}"#, malformed(MissingField("data"))),
            (r#"{"channel":"book","data":[{}]}"#, malformed(MissingField("symbol"))),
            (r#"{"channel":"book","data":[{"symbol":7}]}"#, malformed(BadField("symbol"))),
            (r#"{"channel":"book","data":[{"symbol":"A\/B"}]}"#, malformed(BadField("symbol"))),
            (
                r#"{"channel":"book","type":"update","data":[{"symbol":"A/B","symbol":"C/D"}]}"#,
                malformed(BadField("symbol")),
            ),
            (r#"{"channel":"book","channel":"book","data":[]}"#, malformed(BadField("channel"))),
            (r#"{"channel":7}"#, malformed(BadField("channel"))),
            (r#"{"channel":"book"#, malformed(DecodeError::Json)),
            (r#"{"channel":"heartbeat"} x"#, malformed(DecodeError::Json)),
            ("", malformed(DecodeError::Json)),
            ("[]", malformed(DecodeError::Json)),
            ("<html>", malformed(DecodeError::Json)),
        ] {
            assert_eq!(route(text), want, "{text}");
        }
    }

    #[test]
    fn the_pairs_of_an_instrument_frame_are_handed_out_one_by_one() {
        let text = r#"{"channel":"instrument","type":"snapshot","data":{"assets":[{"id":"USD","symbol":"no"}],"pairs":[{"symbol":"BTC/USD","price_precision":1}, {"symbol":"\u00e4/USD"},{},{"x":[{}],"symbol":"ETH/USD"}]}}"#;
        let want = [
            ("BTC/USD", Channel::Instrument, r#"{"symbol":"BTC/USD","price_precision":1}"#),
            ("ETH/USD", Channel::Instrument, r#"{"x":[{}],"symbol":"ETH/USD"}"#),
        ];
        assert_eq!(taken_apart(text), Ok(want.to_vec()));
        for (data, want) in [
            (r#"{"assets":[]}"#, Ok(vec![])),
            (r#"{"pairs":[],"pairs":[]}"#, Err(BadField("pairs"))),
            (r#"{"pairs":{}}"#, Err(BadField("pairs"))),
            (r#"{"pairs":[7]}"#, Err(BadField("pairs"))),
            ("[]", Err(BadField("data"))),
        ] {
            let text = format!(r#"{{"channel":"instrument","data":{data}}}"#);
            assert_eq!(taken_apart(&text), want, "{text}");
        }
        assert_eq!(taken_apart(r#"{"channel":"instrument"}"#), Err(MissingField("data")));
    }

    #[test]
    fn trades_and_quotes_of_several_symbols_are_taken_apart() {
        let text = r#"{"channel":"trade","type":"update","data":[{"symbol":"A/B","qty":1},{"qty":2,"symbol":"C/D"}]}"#;
        let want = [
            ("A/B", Channel::Trade, r#"{"symbol":"A/B","qty":1}"#),
            ("C/D", Channel::Trade, r#"{"qty":2,"symbol":"C/D"}"#),
        ];
        assert_eq!(taken_apart(text), Ok(want.to_vec()));
        let quotes = text.replace("trade", "ticker");
        assert!(taken_apart(&quotes).unwrap().iter().all(|part| part.1 == Channel::Quote));
        assert_eq!(taken_apart(&text.replace("C/D", r"C\/D")), Err(BadField("symbol")));
        assert_eq!(taken_apart(&text.replace("trade", "book")), Err(BadField("channel")));
        for cut in 0..text.len() {
            assert!(taken_apart(&text[..cut]).is_err(), "{cut}");
        }
    }
}
