//! Decodes data frames of the futures, combined or raw.
//!
//! Source: the pages "Diff. Book Depth Streams", "Individual Symbol Book Ticker Streams", "Aggregate Trade Streams" and
//! "Liquidation Order Streams" below
//! <https://developers.binance.com/docs/derivatives/usds-margined-futures/websocket-market-streams> and
//! <https://developers.binance.com/docs/derivatives/coin-margined-futures/websocket-market-streams>

use super::plain;
use crate::engine::event::{
    BookEvent, BookKind, Channel, DecodeError, Decoded, Event, Level, Liquidation, Quote, Span, TakerSide,
    Trade,
};
use crate::engine::time::Wall;
use crate::engine::trade_id::TradeId;
use crate::venue::binance::frames::{best, check, check_symbol, fields, whole};
use crate::venue::field::{self, put, required};
use crate::venue::json::Value;

type Result<T> = std::result::Result<T, DecodeError>;

/// What a market's trades come as.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trades {
    /// One by one, with ids `t`.
    Single,
    /// All that one order took at one price, with ids `a`.
    Aggregated,
}

/// What is no trade on the book: fills by the insurance fund, by auto-deleveraging, and place holders without a price.
/// The aggregated stream leaves them out itself.
const OFF_BOOK: [&str; 3] = ["INSURANCE_FUND", "ADL", "NA"];

pub fn decode(trades: Trades, channel: Channel, text: &str, out: &mut Decoded) -> Result<()> {
    let event = match channel {
        Channel::Book => Event::Book(match plain::depth(text, &mut out.bids, &mut out.asks) {
            Some(event) => event,
            None => {
                out.clear();
                depth(text, &mut out.bids, &mut out.asks)?
            }
        }),
        Channel::Trade => {
            out.trades.extend(trade(trades, text)?);
            Event::Trades
        }
        Channel::Quote => Event::Quote(plain::quote(text).map_or_else(|| quote(text), Ok)?),
        Channel::Liquidation => {
            out.liquidations.push(liquidation(text)?);
            Event::Liquidations
        }
        Channel::Book5 | Channel::Book20 | Channel::Book50 | Channel::Instrument => {
            return Err(DecodeError::BadField("stream"));
        }
    };
    out.event = Some(event);
    Ok(())
}

/// `pu` is the `u` of the event before; `U` is of no use for following on, ids skip. `T` is when it happened, `E` when it
/// was sent.
fn depth(text: &str, bids: &mut Vec<Level>, asks: &mut Vec<Level>) -> Result<BookEvent> {
    let (mut kind, mut symbol, mut sent, mut time) = (None, None, None, None);
    let (mut first, mut last, mut previous) = (None, None, None);
    let (mut has_bids, mut has_asks) = (None, None);
    let stream = fields(text, |key, json| match key {
        "e" => put(&mut kind, "e", json.value()?),
        "s" => put(&mut symbol, "s", json.value()?),
        "E" => put(&mut sent, "E", json.value()?),
        "T" => put(&mut time, "T", json.value()?),
        "U" => put(&mut first, "U", json.value()?),
        "u" => put(&mut last, "u", json.value()?),
        "pu" => put(&mut previous, "pu", json.value()?),
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
    let (first, last, previous) = (whole(first, "U")?, whole(last, "u")?, whole(previous, "pu")?);
    if first > last {
        return Err(DecodeError::BadField("U"));
    }
    Ok(BookEvent {
        cross: None,
        kind: BookKind::Delta,
        span: Some(Span { first, last, previous: Some(previous) }),
        exchange_time: exchange_time(time, sent)?,
        checksum: None,
        venue_time: None,
    })
}

/// `m` says that the buyer was the maker: the taker sold. `None` where nothing was traded on the book.
fn trade(form: Trades, text: &str) -> Result<Option<Trade>> {
    let (name, id_name) = match form {
        Trades::Single => ("trade", "t"),
        Trades::Aggregated => ("aggTrade", "a"),
    };
    let (mut kind, mut symbol, mut id, mut price) = (None, None, None, None);
    let (mut size, mut time, mut maker, mut how) = (None, None, None, None);
    let stream = fields(text, |key, json| match key {
        "e" => put(&mut kind, "e", json.value()?),
        "s" => put(&mut symbol, "s", json.value()?),
        "p" => put(&mut price, "p", field::next_decimal(json, "p")?),
        "q" => put(&mut size, "q", field::next_decimal(json, "q")?),
        "T" => put(&mut time, "T", json.value()?),
        "m" => put(&mut maker, "m", json.value()?),
        "X" => put(&mut how, "X", json.value()?),
        _ if key == id_name => put(&mut id, id_name, json.value()?),
        _ => json.skip(),
    })?;
    check(kind, name, symbol, stream)?;
    let maker = field::truth(required(maker, "m")?, "m")?;
    let trade = Trade {
        id: TradeId::number(whole(id, id_name)?),
        price: required(price.flatten(), "p")?,
        size: required(size.flatten(), "q")?,
        taker: if required(maker, "m")? { TakerSide::Sell } else { TakerSide::Buy },
        exchange_time: exchange_time(time, None)?,
    };
    let off_book = matches!(how, Some(Value::Text(how)) if OFF_BOOK.contains(&how));
    Ok((!off_book && !trade.size.is_zero()).then_some(trade))
}

/// The newest order of a second that closed somebody's position; others of the same second are not told. `T` is the order's
/// time, `E` when it was sent. COIN-M and newer USD-M frames also name the pair.
fn liquidation(text: &str) -> Result<Liquidation> {
    let (mut kind, mut sent, mut order) = (None, None, None);
    let (mut symbol, mut side, mut price, mut size, mut time) = (None, None, None, None, None);
    let stream = fields(text, |key, json| match key {
        "e" => put(&mut kind, "e", json.value()?),
        "E" => put(&mut sent, "E", json.value()?),
        "o" => {
            put(&mut order, "o", ())?;
            json.object(|key, json| match key {
                "s" => put(&mut symbol, "s", json.value()?),
                "S" => put(&mut side, "S", json.value()?),
                "p" => put(&mut price, "p", field::next_decimal(json, "p")?),
                "q" => put(&mut size, "q", field::next_decimal(json, "q")?),
                "T" => put(&mut time, "T", json.value()?),
                _ => json.skip(),
            })
        }
        _ => json.skip(),
    })?;
    required(order, "o")?;
    check(kind, "forceOrder", symbol, stream)?;
    Ok(Liquidation {
        price: required(price.flatten(), "p")?,
        size: required(size.flatten(), "q")?,
        side: match required(side, "S")? {
            Value::Text("BUY") => TakerSide::Buy,
            Value::Text("SELL") => TakerSide::Sell,
            _ => return Err(DecodeError::BadField("S")),
        },
        exchange_time: exchange_time(time, sent)?,
    })
}

/// `u` is on the book's own scale.
fn quote(text: &str) -> Result<Quote> {
    let (mut kind, mut symbol, mut id, mut sent, mut time) = (None, None, None, None, None);
    let (mut bid, mut bid_size, mut ask, mut ask_size) = (None, None, None, None);
    let stream = fields(text, |key, json| match key {
        "e" => put(&mut kind, "e", json.value()?),
        "s" => put(&mut symbol, "s", json.value()?),
        "u" => put(&mut id, "u", json.value()?),
        "E" => put(&mut sent, "E", json.value()?),
        "T" => put(&mut time, "T", json.value()?),
        "b" => put(&mut bid, "b", field::next_decimal(json, "b")?),
        "B" => put(&mut bid_size, "B", field::next_decimal(json, "B")?),
        "a" => put(&mut ask, "a", field::next_decimal(json, "a")?),
        "A" => put(&mut ask_size, "A", field::next_decimal(json, "A")?),
        _ => json.skip(),
    })?;
    // Older ones have no type.
    match kind {
        None => check_symbol(symbol, stream)?,
        kind => check(kind, "bookTicker", symbol, stream)?,
    }
    let (bid, bid_size) = (required(bid.flatten(), "b")?, required(bid_size.flatten(), "B")?);
    let (ask, ask_size) = (required(ask.flatten(), "a")?, required(ask_size.flatten(), "A")?);
    Ok(Quote {
        sequence: Some(whole(id, "u")?),
        bid: best(bid, bid_size),
        ask: best(ask, ask_size),
        exchange_time: exchange_time(time, sent)?,
    })
}

/// When it happened or else when it was sent.
fn exchange_time(happened: Option<Value<'_>>, sent: Option<Value<'_>>) -> Result<Option<Wall>> {
    let read = |value: Option<Value<'_>>, name| value.map_or(Ok(None), |value| field::millis(value, name));
    let (happened, sent) = (read(happened, "T")?, read(sent, "E")?);
    Ok(happened.or(sent))
}
