//! Decodes CoinAPI data frames.
//!
//! `sequence` counts per message type and symbol. `time_coinapi` is the operator's stamp, and the one REST books
//! are joined by. A zero size means: in a book delta, remove; in a quote, unknown; in a trade, no trade.
//! Source: <https://docs.coinapi.io/market-data/websocket/messages>

use super::{plain, route};
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
        Channel::Trade => {
            out.trades.extend(plain::trade(text).map_or_else(|| trade(text), Ok)?);
            Event::Trades
        }
        Channel::Quote => Event::Quote(plain::quote(text).map_or_else(|| quote(text), Ok)?),
        Channel::Book | Channel::Book5 | Channel::Book20 | Channel::Book50 => {
            Event::Book(match plain::book(channel, text, &mut out.bids, &mut out.asks) {
                Some(event) => event,
                None => {
                    out.clear();
                    book(channel, text, &mut out.bids, &mut out.asks)?
                }
            })
        }
        Channel::Liquidation | Channel::Instrument => return Err(DecodeError::BadField("type")),
    };
    out.event = Some(event);
    Ok(())
}

/// What every message has.
#[derive(Default)]
struct Head<'t> {
    kind: Option<Value<'t>>,
    symbol: Option<Value<'t>>,
    sequence: Option<Value<'t>>,
    time_exchange: Option<Value<'t>>,
    time_coinapi: Option<Value<'t>>,
}

impl<'t> Head<'t> {
    fn field(&mut self, key: &str, json: &mut Json<'t>) -> Result<()> {
        match key {
            "type" => put(&mut self.kind, "type", json.value()?),
            // Routed by it already; one that comes twice could have been routed by either.
            "symbol_id" => put(&mut self.symbol, "symbol_id", json.value()?),
            "sequence" => put(&mut self.sequence, "sequence", json.value()?),
            "time_exchange" => put(&mut self.time_exchange, "time_exchange", json.value()?),
            "time_coinapi" => put(&mut self.time_coinapi, "time_coinapi", json.value()?),
            _ => json.skip(),
        }
    }

    /// The frame must be what it was routed as.
    fn check(&self, channel: Channel) -> Result<()> {
        match required(self.kind, "type")? {
            Value::Text(kind) if route::channel(kind) == Some(channel) => Ok(()),
            _ => Err(DecodeError::BadField("type")),
        }
    }

    /// `None` when there is none: the venue took the number away from another product once.
    fn sequence(&self) -> Result<Option<u64>> {
        self.sequence.map_or(Ok(None), |v| field::whole(v, "sequence"))
    }

    fn exchange_time(&self) -> Result<Option<Wall>> {
        self.time_exchange.map_or(Ok(None), |v| field::time(v, "time_exchange"))
    }

    fn venue_time(&self) -> Result<Option<Wall>> {
        self.time_coinapi.map_or(Ok(None), |v| field::time(v, "time_coinapi"))
    }
}

/// A side without changes may be empty, null or absent; a message that replaces the book must name at least one.
fn book(channel: Channel, text: &str, bids: &mut Vec<Level>, asks: &mut Vec<Level>) -> Result<BookEvent> {
    let mut head = Head::default();
    let (mut is_snapshot, mut has_bids, mut has_asks) = (None, None, None);
    object(text, |key, json| match key {
        "is_snapshot" => put(&mut is_snapshot, "is_snapshot", json.value()?),
        "bids" => {
            put(&mut has_bids, "bids", ())?;
            field::level_objects(json, "bids", bids)
        }
        "asks" => {
            put(&mut has_asks, "asks", ())?;
            field::level_objects(json, "asks", asks)
        }
        _ => head.field(key, json),
    })?;
    head.check(channel)?;
    let kind = match channel {
        Channel::Book => {
            // Not guessed when absent: a delta taken for a snapshot would be a wrong book.
            let flag = field::truth(required(is_snapshot, "is_snapshot")?, "is_snapshot")?;
            if required(flag, "is_snapshot")? { BookKind::Snapshot } else { BookKind::Delta }
        }
        _ => BookKind::Top,
    };
    if kind != BookKind::Delta && has_bids.is_none() && has_asks.is_none() {
        return Err(DecodeError::MissingField("asks"));
    }
    Ok(BookEvent {
        cross: None,
        kind,
        span: head.sequence()?.map(Span::at),
        exchange_time: head.exchange_time()?,
        checksum: None,
        venue_time: head.venue_time()?,
    })
}

/// `None` for the zero-size marker.
fn trade(text: &str) -> Result<Option<Trade>> {
    let mut head = Head::default();
    let (mut id, mut price, mut size, mut side) = (None, None, None, None);
    object(text, |key, json| match key {
        "uuid" => put(&mut id, "uuid", json.value()?),
        "price" => put(&mut price, "price", field::next_decimal(json, "price")?),
        "size" => put(&mut size, "size", field::next_decimal(json, "size")?),
        "taker_side" => put(&mut side, "taker_side", json.value()?),
        _ => head.field(key, json),
    })?;
    head.check(Channel::Trade)?;
    let (price, size) = (required(price.flatten(), "price")?, required(size.flatten(), "size")?);
    let id = id.map_or(Ok(None), |v| field::text(v, "uuid"))?.unwrap_or_default();
    let taker = self::taker(side.map_or(Ok(None), |v| field::text(v, "taker_side"))?);
    // One id in one spelling: the stream writes UUIDs in upper case, REST in lower.
    let id = TradeId::lower(id).ok_or(DecodeError::BadField("uuid"))?;
    let trade = Trade { id, price, size, taker, exchange_time: head.exchange_time()? };
    Ok((!size.is_zero()).then_some(trade))
}

fn quote(text: &str) -> Result<Quote> {
    let mut head = Head::default();
    let (mut bid, mut bid_size, mut ask, mut ask_size) = (None, None, None, None);
    object(text, |key, json| match key {
        "bid_price" => put(&mut bid, "bid_price", field::next_decimal(json, "bid_price")?),
        "bid_size" => put(&mut bid_size, "bid_size", field::next_decimal(json, "bid_size")?),
        "ask_price" => put(&mut ask, "ask_price", field::next_decimal(json, "ask_price")?),
        "ask_size" => put(&mut ask_size, "ask_size", field::next_decimal(json, "ask_size")?),
        _ => head.field(key, json),
    })?;
    head.check(Channel::Quote)?;
    Ok(Quote {
        sequence: head.sequence()?,
        bid: level(bid.flatten(), bid_size.flatten()),
        ask: level(ask.flatten(), ask_size.flatten()),
        exchange_time: head.exchange_time()?,
    })
}

/// Who took, in the venue's word. An estimate is still its best.
pub(super) fn taker(side: Option<&str>) -> TakerSide {
    match side {
        Some("BUY" | "BUY_ESTIMATED") => TakerSide::Buy,
        Some("SELL" | "SELL_ESTIMATED") => TakerSide::Sell,
        _ => TakerSide::Unknown,
    }
}

/// A quote's side, when the venue knows it.
pub(super) fn level(price: Option<Decimal>, size: Option<Decimal>) -> Option<Level> {
    let level = Level { price: price?, size: size? };
    (!level.size.is_zero()).then_some(level)
}

fn object<'t>(text: &'t str, field: impl FnMut(&'t str, &mut Json<'t>) -> Result<()>) -> Result<()> {
    let mut json = Json::new(text);
    json.object(field)?;
    json.end()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SNAPSHOT: &str = r#"{"type":"book","symbol_id":"BITSTAMP_SPOT_BTC_USD","sequence":1,"time_exchange":"2013-09-28T22:40:50.0000000Z","time_coinapi":"2017-03-18T22:42:21.3763342Z","is_snapshot":true,"asks":[{"price":456.35,"size":123}],"bids":[{"price":456.10,"size":42},{"price":456.09,"size":5}]}"#;
    const DELTA: &str = r#"{"type":"book","symbol_id":"BITSTAMP_SPOT_BTC_USD","sequence":2,"time_exchange":"2013-09-28T22:40:50.1000000Z","time_coinapi":"2017-03-18T22:42:21.4763342Z","is_snapshot":false,"asks":[{"price":456.35,"size":0}],"bids":[]}"#;
    const BOOK5: &str = r#"{"type":"book5","symbol_id":"BITSTAMP_SPOT_BTC_USD","sequence":7,"time_exchange":"2013-09-28T22:40:50.0000000Z","time_coinapi":"2017-03-18T22:42:21.3763342Z","asks":[{"price":456.35,"size":123}],"bids":[{"price":456.10,"size":42}]}"#;
    const TRADE: &str = r#"{"type":"trade","symbol_id":"BITSTAMP_SPOT_BTC_USD","sequence":2323346,"time_exchange":"2013-09-28T22:40:50.0000000Z","time_coinapi":"2017-03-18T22:42:21.3763342Z","uuid":"770C7A3B-7258-4441-8182-83740F3E2457","price":770.000000000,"size":0.050000000,"taker_side":"BUY"}"#;
    const QUOTE: &str = r#"{"type":"quote","symbol_id":"BITSTAMP_SPOT_BTC_USD","sequence":2323346,"time_exchange":"2013-09-28T22:40:50.0000000Z","time_coinapi":"2017-03-18T22:42:21.3763342Z","ask_price":770.000000000,"ask_size":3252,"bid_price":760,"bid_size":124}"#;

    fn decoded(channel: Channel, text: &str) -> Result<Decoded> {
        let mut out = Decoded::default();
        decode(channel, text, &mut out).map(|()| out)
    }

    type Shown = Vec<(String, String)>;

    fn book_event(channel: Channel, text: &str) -> (BookEvent, Shown, Shown) {
        let out = decoded(channel, text).unwrap_or_else(|e| panic!("{text}: {e}"));
        let Some(Event::Book(event)) = out.event else { panic!("a book: {text}") };
        (event, shown(&out.bids), shown(&out.asks))
    }

    fn shown(levels: &[Level]) -> Shown {
        levels.iter().map(|l| (l.price.to_string(), l.size.to_string())).collect()
    }

    fn pairs(levels: &[(&str, &str)]) -> Shown {
        levels.iter().map(|&(p, s)| (p.into(), s.into())).collect()
    }

    #[test]
    fn the_documented_snapshot_and_its_delta_are_read() {
        let (event, bids, asks) = book_event(Channel::Book, SNAPSHOT);
        assert_eq!((event.kind, event.span), (BookKind::Snapshot, Some(Span::at(1))));
        assert_eq!(event.exchange_time, Wall::parse("2013-09-28T22:40:50Z"));
        assert_eq!(event.venue_time, Some(Wall::from_nanos(1_489_876_941_376_334_200)));
        assert_eq!(bids, pairs(&[("456.1", "42"), ("456.09", "5")]));
        assert_eq!(asks, pairs(&[("456.35", "123")]));

        let (event, bids, asks) = book_event(Channel::Book, DELTA);
        assert_eq!((event.kind, event.span), (BookKind::Delta, Some(Span::at(2))));
        assert_eq!((bids, asks), (pairs(&[]), pairs(&[("456.35", "0")])));
    }

    #[test]
    fn fixed_depths_are_tops_whatever_their_flag() {
        for (channel, name) in
            [(Channel::Book5, "book5"), (Channel::Book20, "book20"), (Channel::Book50, "book50")]
        {
            let text = BOOK5.replace("book5", name);
            let (event, bids, asks) = book_event(channel, &text);
            assert_eq!((event.kind, event.span), (BookKind::Top, Some(Span::at(7))));
            assert_eq!((bids.len(), asks.len()), (1, 1));
            for flag in ["null", "true", "false"] {
                let flagged = text.replacen("\"asks\"", &format!("\"is_snapshot\":{flag},\"asks\""), 1);
                assert_eq!(book_event(channel, &flagged).0.kind, BookKind::Top);
            }
        }
    }

    #[test]
    fn forms_the_documents_leave_open_are_taken() {
        for (from, to) in [
            (r#","bids":[]"#, ""),
            (r#""bids":[]"#, r#""bids":null"#),
            (r#""size":0"#, r#""size":"0""#),
            (r#""size":0"#, r#""size":0E-9,"id":null"#),
            (r#""sequence":2"#, r#""sequence":"2""#),
            (r#"false"#, r#""false""#),
            (r#""is_snapshot""#, r#""new_field":{"a":[1]},"is_snapshot""#),
        ] {
            let text = DELTA.replacen(from, to, 1);
            assert_ne!(text, DELTA);
            let (event, bids, asks) = book_event(Channel::Book, &text);
            assert_eq!((event.kind, event.span), (BookKind::Delta, Some(Span::at(2))), "{text}");
            assert_eq!((bids, asks), (pairs(&[]), pairs(&[("456.35", "0")])), "{text}");
        }
        for missing in [DELTA.replace(r#""sequence":2,"#, ""), DELTA.replace(":2,", ":null,")] {
            assert_eq!(book_event(Channel::Book, &missing).0.span, None);
        }
        let timeless = DELTA.replace("2017-03-18T22:42:21.4763342Z", "0001-01-01T00:00:00.0000000Z");
        assert_eq!(book_event(Channel::Book, &timeless).0.venue_time, None);
        let one_sided = SNAPSHOT.replace(r#""asks":[{"price":456.35,"size":123}],"#, "");
        assert_eq!(book_event(Channel::Book, &one_sided).2, pairs(&[]));
        // As the live service was seen to order them.
        let reordered = r#"{"time_exchange":"2022-03-26T04:08:37.7090940Z","time_coinapi":"2022-03-26T04:08:37.7770910Z","is_snapshot":false,"asks":[],"bids":[{"size":1,"price":2}],"symbol_id":"COINBASE_SPOT_BTC_USD","sequence":3813055,"type":"book"}"#;
        assert_eq!(book_event(Channel::Book, reordered).1, pairs(&[("2", "1")]));
    }

    #[test]
    fn trades_are_read() {
        let out = decoded(Channel::Trade, TRADE).unwrap();
        assert_eq!(out.event, Some(Event::Trades));
        let trade = &out.trades[0];
        assert_eq!((trade.price.to_string(), trade.size.to_string()), ("770".into(), "0.05".into()));
        assert_eq!(
            (trade.id.as_str(), trade.taker),
            ("770c7a3b-7258-4441-8182-83740f3e2457", TakerSide::Buy)
        );
        for (side, want) in [
            ("SELL", TakerSide::Sell),
            ("SELL_ESTIMATED", TakerSide::Sell),
            ("BUY_ESTIMATED", TakerSide::Buy),
            ("UNKNOWN", TakerSide::Unknown),
            ("SOMETHING_NEW", TakerSide::Unknown),
        ] {
            let text = TRADE.replace("\"BUY\"", &format!("\"{side}\""));
            assert_eq!(decoded(Channel::Trade, &text).unwrap().trades[0].taker, want);
        }
        let marker = decoded(Channel::Trade, &TRADE.replace("0.050000000", "0")).unwrap();
        assert_eq!((marker.event, marker.trades.len()), (Some(Event::Trades), 0), "a zero size is no trade");
    }

    #[test]
    fn quotes_are_read_and_unknown_sides_are_left_out() {
        let quote_of = |text: &str| match decoded(Channel::Quote, text).unwrap().event {
            Some(Event::Quote(quote)) => quote,
            other => panic!("{other:?}"),
        };
        let quote = quote_of(QUOTE);
        assert_eq!(quote.sequence, Some(2_323_346));
        assert_eq!(shown(quote.bid.as_slice()), pairs(&[("760", "124")]));
        assert_eq!(shown(quote.ask.as_slice()), pairs(&[("770", "3252")]));
        for (from, to) in [("3252", "0"), ("3252", "null"), (r#","ask_size":3252"#, "")] {
            let quote = quote_of(&QUOTE.replace(from, to));
            assert!(quote.ask.is_none() && quote.bid.is_some(), "{to}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_name() {
        use DecodeError::*;
        for (channel, sample, from, to, want) in [
            (Channel::Book, DELTA, r#""type":"book""#, r#""type":"trade""#, BadField("type")),
            (Channel::Book, DELTA, r#""type":"book","#, "", MissingField("type")),
            (Channel::Book, DELTA, r#""type":"book""#, r#""type":null"#, BadField("type")),
            // Routed to the book of one and said of the other.
            (
                Channel::Book,
                DELTA,
                r#""sequence":2"#,
                r#""sequence":2,"symbol_id":"X_SPOT_Y_Z""#,
                BadField("symbol_id"),
            ),
            (Channel::Book, DELTA, r#""is_snapshot":false,"#, "", MissingField("is_snapshot")),
            (
                Channel::Book,
                DELTA,
                r#""is_snapshot":false"#,
                r#""is_snapshot":null"#,
                MissingField("is_snapshot"),
            ),
            (Channel::Book, DELTA, r#""is_snapshot":false"#, r#""is_snapshot":0"#, BadField("is_snapshot")),
            (Channel::Book, DELTA, r#""sequence":2"#, r#""sequence":-2"#, BadField("sequence")),
            (Channel::Book, DELTA, r#""sequence":2"#, r#""sequence":2.5"#, BadField("sequence")),
            (Channel::Book, DELTA, r#""sequence":2"#, r#""sequence":[]"#, BadField("sequence")),
            (Channel::Book, DELTA, r#""sequence":2"#, r#""sequence":2,"sequence":2"#, BadField("sequence")),
            (Channel::Book, DELTA, r#""bids":[]"#, r#""asks":[]"#, BadField("asks")),
            (Channel::Book, DELTA, r#""bids":[]"#, r#""bids":{}"#, BadField("bids")),
            (Channel::Book, DELTA, r#""bids":[]"#, r#""bids":[["1","2"]]"#, Json),
            (Channel::Book, DELTA, r#""bids":[]"#, r#""bids":[{"price":1}]"#, MissingField("bids")),
            (Channel::Book, DELTA, "456.35", "1e40", DoesNotFit("asks")),
            (Channel::Book, DELTA, "456.35", "NaN", Json),
            (Channel::Book, DELTA, "456.35", "\"NaN\"", BadField("asks")),
            (Channel::Book, DELTA, r#""2017-03-18T22:42:21.4763342Z""#, "7", BadField("time_coinapi")),
            (Channel::Trade, TRADE, "770.000000000", "null", MissingField("price")),
            (Channel::Trade, TRADE, "770.000000000", "[]", BadField("price")),
            (Channel::Quote, QUOTE, "3252", "true", BadField("ask_size")),
        ] {
            let text = sample.replacen(from, to, 1);
            assert_ne!(text, sample, "{from} is in the sample");
            assert_eq!(decoded(channel, &text).err(), Some(want), "{text}");
        }
        let sideless = r#"{"type":"book","symbol_id":"X","sequence":1,"is_snapshot":true}"#;
        assert_eq!(decoded(Channel::Book, sideless).err(), Some(MissingField("asks")));
    }

    #[test]
    fn a_cut_frame_is_refused_wherever_it_is_cut() {
        for (channel, sample) in [
            (Channel::Book, SNAPSHOT),
            (Channel::Book5, BOOK5),
            (Channel::Trade, TRADE),
            (Channel::Quote, QUOTE),
        ] {
            for cut in 0..sample.len() {
                assert!(decoded(channel, &sample[..cut]).is_err(), "{cut}");
            }
        }
    }
}
