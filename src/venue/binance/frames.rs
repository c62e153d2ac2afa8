//! Decodes Binance data frames, combined or raw.
//!
//! Source: web-socket-streams.md, "Diff. Depth Stream", "Trade Streams" and "Individual Symbol Book Ticker Streams".

use super::route::symbol_of;
use crate::engine::decimal::Decimal;
use crate::engine::event::{
    BookEvent, BookKind, Channel, DecodeError, Decoded, Event, Level, Quote, Span, TakerSide, Trade,
};
use crate::engine::time::Wall;
use crate::engine::trade_id::TradeId;
use crate::venue::field::{self, put, required};
use crate::venue::json::{Json, Value};

type Result<T> = std::result::Result<T, DecodeError>;

pub fn decode(channel: Channel, text: &str, out: &mut Decoded) -> Result<()> {
    let event = match channel {
        Channel::Book => Event::Book(match plain_depth(text, &mut out.bids, &mut out.asks) {
            Some(event) => event,
            None => {
                out.clear();
                depth(text, &mut out.bids, &mut out.asks)?
            }
        }),
        Channel::Trade => {
            out.trades.push(trade(text)?);
            Event::Trades
        }
        Channel::Quote => Event::Quote(plain_quote(text).map_or_else(|| quote(text), Ok)?),
        Channel::Book5 | Channel::Book20 | Channel::Book50 | Channel::Liquidation | Channel::Instrument => {
            return Err(DecodeError::BadField("stream"));
        }
    };
    out.event = Some(event);
    Ok(())
}

/// Reads a depth event in the one form that all of them are sent in, key by key as the documents show it: a third of the
/// time of [`depth`], which decides on every other. `None`, with who knows what in the vectors, leaves it to that.
fn plain_depth(text: &str, bids: &mut Vec<Level>, asks: &mut Vec<Level>) -> Option<BookEvent> {
    let mut json = Json::new(text);
    let stream = json.literal(r#"{"stream":"#).then(|| json.plain_text())??;
    let time = json.literal(r#","data":{"e":"depthUpdate","E":"#).then(|| json.plain_whole())??;
    let symbol = json.literal(r#","s":"#).then(|| json.plain_text())??;
    let first = json.literal(r#","U":"#).then(|| json.plain_whole())??;
    let last = json.literal(r#","u":"#).then(|| json.plain_whole())??;
    json.literal(r#","b":"#).then(|| field::plain_level_pairs(&mut json, bids))??;
    json.literal(r#","a":"#).then(|| field::plain_level_pairs(&mut json, asks))??;
    let good = json.literal("}}") && json.bytes_left() == 0 && first <= last && is_of(stream, symbol);
    good.then(|| BookEvent {
        cross: None,
        kind: BookKind::Delta,
        span: Some(Span { first, last, previous: None }),
        exchange_time: i64::try_from(time).ok().and_then(Wall::from_millis),
        checksum: None,
        venue_time: None,
    })
}

/// The same for the best bid and offer, of which there are most.
fn plain_quote(text: &str) -> Option<Quote> {
    let mut json = Json::new(text);
    let stream = json.literal(r#"{"stream":"#).then(|| json.plain_text())??;
    let id = json.literal(r#","data":{"u":"#).then(|| json.plain_whole())??;
    let symbol = json.literal(r#","s":"#).then(|| json.plain_text())??;
    let bid_price = json.literal(r#","b":"#).then(|| json.plain_number())??;
    let bid_size = json.literal(r#","B":"#).then(|| json.plain_number())??;
    let ask_price = json.literal(r#","a":"#).then(|| json.plain_number())??;
    let ask_size = json.literal(r#","A":"#).then(|| json.plain_number())??;
    let good = json.literal("}}") && json.bytes_left() == 0 && is_of(stream, symbol);
    good.then(|| Quote {
        sequence: Some(id),
        bid: best(bid_price, bid_size),
        ask: best(ask_price, ask_size),
        exchange_time: None,
    })
}

/// A side of zero price is an empty side.
pub fn best(price: Decimal, size: Decimal) -> Option<Level> {
    (!price.is_zero()).then_some(Level { price, size })
}

/// Whether a stream is this symbol's, as far as plain letters tell.
pub fn is_of(stream: &str, symbol: &str) -> bool {
    let end = stream.bytes().position(|c| c == b'@');
    end.is_some_and(|end| stream.as_bytes()[..end].eq_ignore_ascii_case(symbol.as_bytes()))
}

/// `U` is the first and `u` the last update id the event covers. A side may be empty or left out.
fn depth(text: &str, bids: &mut Vec<Level>, asks: &mut Vec<Level>) -> Result<BookEvent> {
    let (mut kind, mut symbol, mut time, mut first, mut last) = (None, None, None, None, None);
    let (mut has_bids, mut has_asks) = (None, None);
    let stream = fields(text, |key, json| match key {
        "e" => put(&mut kind, "e", json.value()?),
        "s" => put(&mut symbol, "s", json.value()?),
        "E" => put(&mut time, "E", json.value()?),
        "U" => put(&mut first, "U", json.value()?),
        "u" => put(&mut last, "u", json.value()?),
        "b" => {
            put(&mut has_bids, "b", ())?;
            field::level_pairs(json, "b", bids)
        }
        "a" => {
            put(&mut has_asks, "a", ())?;
            field::level_pairs(json, "a", asks)
        }
        _ => json.skip(),
    })?;
    check(kind, "depthUpdate", symbol, stream)?;
    let (first, last) = (whole(first, "U")?, whole(last, "u")?);
    if first > last {
        return Err(DecodeError::BadField("U"));
    }
    Ok(BookEvent {
        cross: None,
        kind: BookKind::Delta,
        span: Some(Span { first, last, previous: None }),
        exchange_time: time.map_or(Ok(None), |t| field::millis(t, "E"))?,
        checksum: None,
        venue_time: None,
    })
}

/// `m` says that the buyer was the maker: the taker sold.
fn trade(text: &str) -> Result<Trade> {
    let (mut kind, mut symbol, mut id, mut price) = (None, None, None, None);
    let (mut size, mut time, mut maker) = (None, None, None);
    let stream = fields(text, |key, json| match key {
        "e" => put(&mut kind, "e", json.value()?),
        "s" => put(&mut symbol, "s", json.value()?),
        "t" => put(&mut id, "t", json.value()?),
        "p" => put(&mut price, "p", field::next_decimal(json, "p")?),
        "q" => put(&mut size, "q", field::next_decimal(json, "q")?),
        "T" => put(&mut time, "T", json.value()?),
        "m" => put(&mut maker, "m", json.value()?),
        _ => json.skip(),
    })?;
    check(kind, "trade", symbol, stream)?;
    let maker = field::truth(required(maker, "m")?, "m")?;
    Ok(Trade {
        id: TradeId::number(whole(id, "t")?),
        price: required(price.flatten(), "p")?,
        size: required(size.flatten(), "q")?,
        taker: if required(maker, "m")? { TakerSide::Sell } else { TakerSide::Buy },
        exchange_time: time.map_or(Ok(None), |t| field::millis(t, "T"))?,
    })
}

/// `u` is on the book's own scale.
fn quote(text: &str) -> Result<Quote> {
    let (mut symbol, mut id) = (None, None);
    let (mut bid, mut bid_size, mut ask, mut ask_size) = (None, None, None, None);
    let stream = fields(text, |key, json| match key {
        "s" => put(&mut symbol, "s", json.value()?),
        "u" => put(&mut id, "u", json.value()?),
        "b" => put(&mut bid, "b", field::next_decimal(json, "b")?),
        "B" => put(&mut bid_size, "B", field::next_decimal(json, "B")?),
        "a" => put(&mut ask, "a", field::next_decimal(json, "a")?),
        "A" => put(&mut ask_size, "A", field::next_decimal(json, "A")?),
        _ => json.skip(),
    })?;
    check_symbol(symbol, stream)?;
    let (bid, bid_size) = (required(bid.flatten(), "b")?, required(bid_size.flatten(), "B")?);
    let (ask, ask_size) = (required(ask.flatten(), "a")?, required(ask_size.flatten(), "A")?);
    Ok(Quote {
        sequence: Some(whole(id, "u")?),
        bid: best(bid, bid_size),
        ask: best(ask, ask_size),
        exchange_time: None,
    })
}

/// Hands every field of the event to `field`, whether the event is wrapped or not. Answers the stream's name.
pub fn fields<'t>(
    text: &'t str,
    mut field: impl FnMut(&'t str, &mut Json<'t>) -> Result<()>,
) -> Result<Option<Value<'t>>> {
    let (mut stream, mut data) = (None, None);
    let mut json = Json::new(text);
    json.object(|key, json| match key {
        "stream" => put(&mut stream, "stream", json.value()?),
        "data" => {
            put(&mut data, "data", ())?;
            json.object(&mut field)
        }
        _ => field(key, json),
    })?;
    json.end()?;
    Ok(stream)
}

pub fn check(kind: Option<Value>, want: &str, symbol: Option<Value>, stream: Option<Value>) -> Result<()> {
    if required(kind, "e")? != Value::Text(want) {
        return Err(DecodeError::BadField("e"));
    }
    check_symbol(symbol, stream)
}

/// The frame was routed by its stream's name, so the event inside must be of the same symbol.
pub fn check_symbol(symbol: Option<Value>, stream: Option<Value>) -> Result<()> {
    match (required(symbol, "s")?, stream) {
        (Value::Text(_), None) => Ok(()),
        (Value::Text(symbol), Some(Value::Text(stream))) => {
            let routed = symbol_of(stream).ok_or(DecodeError::BadField("stream"))?;
            // Case beyond ASCII costs an allocation, and is only looked at when ASCII does not settle it.
            let same = routed.eq_ignore_ascii_case(symbol) || routed.to_lowercase() == symbol.to_lowercase();
            if same { Ok(()) } else { Err(DecodeError::WrongSymbol) }
        }
        _ => Err(DecodeError::BadField("s")),
    }
}

pub fn whole(value: Option<Value<'_>>, name: &'static str) -> Result<u64> {
    required(field::whole(required(value, name)?, name)?, name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEPTH: &str = r#"{"e":"depthUpdate","E":1672515782136,"s":"BNBBTC","U":157,"u":160,"b":[["0.0024","10"]],"a":[["0.0026","100"]]}"#;
    const TRADE: &str = r#"{"e":"trade","E":1672515782136,"s":"BNBBTC","t":12345,"p":"0.001","q":"100","T":1672515782136,"m":true,"M":true}"#;
    const TICKER: &str = r#"{"u":400900217,"s":"BNBUSDT","b":"25.35190000","B":"31.21000000","a":"25.36520000","A":"40.66000000"}"#;

    fn decoded(channel: Channel, text: &str) -> Result<Decoded> {
        let mut out = Decoded::default();
        decode(channel, text, &mut out).map(|()| out)
    }

    fn shown(levels: &[Level]) -> Vec<(String, String)> {
        levels.iter().map(|l| (l.price.to_string(), l.size.to_string())).collect()
    }

    fn combined(stream: &str, data: &str) -> String {
        format!(r#"{{"stream":"{stream}","data":{data}}}"#)
    }

    #[test]
    fn depth_updates_are_read_raw_and_combined() {
        for text in [
            DEPTH.to_owned(),
            combined("bnbbtc@depth@100ms", DEPTH),
            format!(r#" {{ "data" : {DEPTH} , "stream" : "bnbbtc@depth" }} "#),
            r#"{"a":[[0.0026,100]],"b":[["0.00240","1e1",[]]],"x":{"y":[1]},"u":"160","U":157,"E":1672515782136,"s":"BNBBTC","e":"depthUpdate"}"#.to_owned(),
        ] {
            let out = decoded(Channel::Book, &text).unwrap_or_else(|e| panic!("{text}: {e}"));
            let want = BookEvent { cross: None,
                kind: BookKind::Delta,
                span: Some(Span { first: 157, last: 160, previous: None }),
                exchange_time: Wall::from_millis(1_672_515_782_136),
                checksum: None,
                venue_time: None,
            };
            assert_eq!(out.event, Some(Event::Book(want)), "{text}");
            assert_eq!(shown(&out.bids), [("0.0024".to_owned(), "10".to_owned())], "{text}");
            assert_eq!(shown(&out.asks), [("0.0026".to_owned(), "100".to_owned())], "{text}");
        }
    }

    #[test]
    fn recorded_bodies_keep_their_zeros_and_sizes() {
        let text = r#"{"e":"depthUpdate","E":1634000000000,"s":"NKNUSDT","U":499869753,"u":499869754,"b":[["0.35170000","4265.00000000"]],"a":[["0.35290000","10968.00000000"],["0.35300000","0.00000000"]]}"#;
        let out = decoded(Channel::Book, text).unwrap();
        assert_eq!(shown(&out.bids), [("0.3517".into(), "4265".into())]);
        assert_eq!(shown(&out.asks)[1], ("0.353".into(), "0".into()));
    }

    #[test]
    fn a_side_without_changes_may_be_empty_null_or_absent() {
        for sides in [r#","b":[],"a":[]"#, r#","b":null"#, ""] {
            let text = format!(r#"{{"e":"depthUpdate","s":"X","U":1,"u":1{sides}}}"#);
            let out = decoded(Channel::Book, &text).unwrap();
            assert!(out.bids.is_empty() && out.asks.is_empty(), "{text}");
        }
    }

    #[test]
    fn trades_are_read_from_the_takers_side() {
        let out = decoded(Channel::Trade, &combined("bnbbtc@trade", TRADE)).unwrap();
        assert_eq!(out.event, Some(Event::Trades));
        let trade = &out.trades[0];
        assert_eq!((trade.id.as_str(), trade.taker), ("12345", TakerSide::Sell));
        assert_eq!((trade.price.to_string(), trade.size.to_string()), ("0.001".into(), "100".into()));
        assert_eq!(trade.exchange_time, Wall::from_millis(1_672_515_782_136));
        let bought = TRADE.replace(r#""m":true"#, r#""m":false"#);
        assert_eq!(decoded(Channel::Trade, &bought).unwrap().trades[0].taker, TakerSide::Buy);
    }

    #[test]
    fn tickers_are_read_with_their_book_id() {
        let Some(Event::Quote(quote)) =
            decoded(Channel::Quote, &combined("bnbusdt@bookTicker", TICKER)).unwrap().event
        else {
            panic!("a quote");
        };
        assert_eq!(quote.sequence, Some(400_900_217));
        assert_eq!(shown(quote.bid.as_slice()), [("25.3519".into(), "31.21".into())]);
        assert_eq!(shown(quote.ask.as_slice()), [("25.3652".into(), "40.66".into())]);
        let empty = r#"{"u":1,"s":"X","b":"0.00000000","B":"0.00000000","a":"2","A":"1"}"#;
        let Some(Event::Quote(quote)) = decoded(Channel::Quote, empty).unwrap().event else {
            panic!("a quote")
        };
        assert!(quote.bid.is_none() && quote.ask.is_some());
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_name() {
        use DecodeError::*;
        for (channel, from, to, want) in [
            (Channel::Book, r#""U":157"#, r#""U":161"#, BadField("U")),
            (Channel::Book, r#""U":157"#, r#""U":-1"#, BadField("U")),
            (Channel::Book, r#""U":157"#, r#""U":1.5"#, BadField("U")),
            (Channel::Book, r#""U":157,"#, "", MissingField("U")),
            (Channel::Book, r#""u":160"#, r#""u":null"#, MissingField("u")),
            (Channel::Book, r#""u":160"#, r#""u":160,"u":160"#, BadField("u")),
            (Channel::Book, r#""u":160"#, r#""u":18446744073709551616"#, BadField("u")),
            (Channel::Book, r#""depthUpdate""#, r#""trade""#, BadField("e")),
            (Channel::Book, r#""s":"BNBBTC","#, "", MissingField("s")),
            (Channel::Book, r#""s":"BNBBTC""#, r#""s":[]"#, BadField("s")),
            (Channel::Book, r#"[["0.0024","10"]]"#, r#"{"0.0024":"10"}"#, BadField("b")),
            (Channel::Book, r#"[["0.0024","10"]]"#, r#"[],"b":[]"#, BadField("b")),
            (Channel::Book, "0.0024", "0.00000000000000000000000000001", DoesNotFit("b")),
            (Channel::Book, "1672515782136", "{}", BadField("E")),
            (Channel::Trade, r#""m":true"#, r#""m":1"#, BadField("m")),
            (Channel::Trade, r#""m":true,"#, "", MissingField("m")),
            (Channel::Trade, r#""p":"0.001""#, r#""p":"NaN""#, BadField("p")),
            (Channel::Quote, r#""A":"40.66000000""#, r#""A":null"#, MissingField("A")),
        ] {
            let sample = match channel {
                Channel::Book => DEPTH,
                Channel::Trade => TRADE,
                _ => TICKER,
            };
            let text = sample.replacen(from, to, 1);
            assert_ne!(text, sample, "{from} is in the sample");
            assert_eq!(decoded(channel, &text).err(), Some(want), "{text}");
        }
        assert_eq!(decoded(Channel::Book, &combined("bnbusdt@depth", DEPTH)).err(), Some(WrongSymbol));
        assert_eq!(decoded(Channel::Book, &combined("bnbbtc", DEPTH)).err(), Some(BadField("stream")));
        let halves = r#"{"stream":"x@depth","data":{"e":"depthUpdate","s":"X","U":1},"data":{"u":2}}"#;
        assert_eq!(
            decoded(Channel::Book, halves).err(),
            Some(BadField("data")),
            "half of one and half of another"
        );
        assert_eq!(decoded(Channel::Book5, DEPTH).err(), Some(BadField("stream")));
    }

    #[test]
    fn a_cut_frame_is_refused_wherever_it_is_cut() {
        for (channel, sample) in [
            (Channel::Book, combined("bnbbtc@depth@100ms", DEPTH)),
            (Channel::Trade, TRADE.into()),
            (Channel::Quote, TICKER.into()),
        ] {
            for cut in 0..sample.len() {
                assert!(decoded(channel, &sample[..cut]).is_err(), "{cut}");
            }
        }
    }
}
