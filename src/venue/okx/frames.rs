//! Decodes OKX data frames.
//!
//! Each change of a book names the number of the message before it; numbers may stand still (a sign of life once a minute)
//! and fall (after maintenance), as long as the chain holds. Recordings older than the numbers have none, and a missing one is
//! never zero. `side` is the taker's.
//! Source: <https://www.okx.com/docs-v5/en/#order-book-trading-market-data-ws-order-book-channel> and .../trades-channel

use super::{levels, plain, route};
use crate::engine::event::{
    BookEvent, BookKind, Channel, DecodeError, Decoded, Event, Level, Quote, Span, TakerSide, Trade,
};
use crate::engine::time::Wall;
use crate::engine::trade_id::TradeId;
use crate::venue::field::{self, put, required};
use crate::venue::json::{Json, Value};

type Result<T> = std::result::Result<T, DecodeError>;

/// Most trades of one frame. All seen have one or a few; what a frame of thousands took would be kept for good.
const TRADES_MAX: usize = 4_096;

/// What a snapshot says where a change has the number before it.
const NOTHING_BEFORE: i64 = -1;

pub fn decode(channel: Channel, text: &str, out: &mut Decoded) -> Result<()> {
    let event = match channel {
        Channel::Book => Event::Book(message(text, out)?.book()?),
        Channel::Quote => {
            let message = message(text, out)?;
            let quote = message.quote(&out.bids, &out.asks)?;
            out.bids.clear();
            out.asks.clear();
            Event::Quote(quote)
        }
        Channel::Trade => {
            trades(text, &mut out.trades)?;
            Event::Trades
        }
        Channel::Book5 | Channel::Book20 | Channel::Book50 | Channel::Liquidation | Channel::Instrument => {
            return Err(DecodeError::BadField("channel"));
        }
    };
    out.event = Some(event);
    Ok(())
}

/// A message with levels, which are in the vectors beside it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Message<'t> {
    pub channel: &'t str,
    pub symbol: &'t str,
    pub action: Option<&'t str>,
    pub exchange_time: Option<Wall>,
    pub checksum: Option<i64>,
    pub sequence: Option<u64>,
    pub previous: Option<i64>,
    pub sides: Sides,
}

/// What stands where the levels should.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sides {
    Listed,
    /// A side is null: nothing changed there, but no whole book says it like that.
    Null,
}

impl Message<'_> {
    fn book(&self) -> Result<BookEvent> {
        is_of(self.channel, Channel::Book)?;
        let kind = match required(self.action, "action")? {
            "snapshot" => BookKind::Snapshot,
            "update" => BookKind::Delta,
            _ => return Err(DecodeError::BadField("action")),
        };
        // What is no list would pass for an empty, complete side.
        if kind == BookKind::Snapshot && self.sides == Sides::Null {
            return Err(DecodeError::BadField("data"));
        }
        Ok(BookEvent {
            cross: None,
            kind,
            span: self.span(kind)?,
            exchange_time: self.exchange_time,
            checksum: self.checksum()?,
            venue_time: None,
        })
    }

    fn span(&self, kind: BookKind) -> Result<Option<Span>> {
        let Some(previous) = self.previous else { return Ok(None) };
        let last = required(self.sequence, "seqId")?;
        let previous = match (u64::try_from(previous), kind) {
            (Ok(previous), _) => Some(previous),
            (Err(_), BookKind::Snapshot) if previous == NOTHING_BEFORE => None,
            (Err(_), _) => return Err(DecodeError::BadField("prevSeqId")),
        };
        Ok(Some(Span { first: last, last, previous }))
    }

    /// Zero stands for none: the venue fills the field in no longer.
    fn checksum(&self) -> Result<Option<u32>> {
        match self.checksum {
            None | Some(0) => Ok(None),
            Some(sum) => match i32::try_from(sum) {
                Ok(sum) => Ok(Some(sum.cast_unsigned())),
                Err(_) => Err(DecodeError::BadField("checksum")),
            },
        }
    }

    fn quote(&self, bids: &[Level], asks: &[Level]) -> Result<Quote> {
        is_of(self.channel, Channel::Quote)?;
        let best = |side: &[Level], name| match side {
            [] => Ok(None),
            [level] => Ok(Some(*level).filter(|level| !level.size.is_zero())),
            _ => Err(DecodeError::BadField(name)),
        };
        let (bid, ask) = (best(bids, "bids")?, best(asks, "asks")?);
        match self.sides {
            Sides::Listed => Ok(Quote { sequence: None, bid, ask, exchange_time: self.exchange_time }),
            Sides::Null => Err(DecodeError::BadField("data")),
        }
    }
}

/// The frame was routed by its channel's name.
fn is_of(name: &str, channel: Channel) -> Result<()> {
    if route::channel(name) == Some(channel) { Ok(()) } else { Err(DecodeError::BadField("channel")) }
}

fn message<'t>(text: &'t str, out: &mut Decoded) -> Result<Message<'t>> {
    match plain::read(text, &mut out.bids, &mut out.asks) {
        Some(message) => Ok(message),
        None => {
            out.clear();
            thorough(text, &mut out.bids, &mut out.asks)
        }
    }
}

/// Any form of a message with levels. The list has one item in all that was seen: two would be two events.
fn thorough<'t>(text: &'t str, bids: &mut Vec<Level>, asks: &mut Vec<Level>) -> Result<Message<'t>> {
    let mut item = None;
    let (mut time, mut checksum, mut sequence, mut previous) = (None, None, None, None);
    let (mut named, mut bids_listed, mut asks_listed) = (None, None, None);
    let envelope = envelope(text, |json| {
        put(&mut item, "data", ())?;
        json.object(|key, json| match key {
            "ts" => put(&mut time, "ts", json.value()?),
            "checksum" => put(&mut checksum, "checksum", json.value()?),
            "seqId" => put(&mut sequence, "seqId", json.value()?),
            "prevSeqId" => put(&mut previous, "prevSeqId", json.value()?),
            "instId" => put(&mut named, "instId", json.value()?),
            "bids" => {
                put(&mut bids_listed, "bids", json.peek() == Some(b'['))?;
                levels::read(json, "bids", bids)
            }
            "asks" => {
                put(&mut asks_listed, "asks", json.peek() == Some(b'['))?;
                levels::read(json, "asks", asks)
            }
            _ => json.skip(),
        })
    })?;
    required(item, "data")?;
    envelope.check(named)?;
    let listed = required(bids_listed, "bids")? && required(asks_listed, "asks")?;
    Ok(Message {
        channel: envelope.channel,
        symbol: envelope.symbol,
        action: envelope.action,
        exchange_time: time.map_or(Ok(None), |time| field::millis(time, "ts"))?,
        checksum: signed(checksum, "checksum")?,
        sequence: sequence.map_or(Ok(None), |number| field::whole(number, "seqId"))?,
        previous: signed(previous, "prevSeqId")?,
        sides: if listed { Sides::Listed } else { Sides::Null },
    })
}

/// The venue sends them as they were matched, oldest first.
fn trades(text: &str, into: &mut Vec<Trade>) -> Result<()> {
    let mut symbol = None;
    let envelope = envelope(text, |json| {
        if into.len() >= TRADES_MAX {
            return Err(DecodeError::TooDeep);
        }
        let (named, trade) = trade(json)?;
        into.push(trade);
        match symbol.replace(named) {
            Some(other) if other != named => Err(DecodeError::WrongSymbol),
            _ => Ok(()),
        }
    })?;
    is_of(envelope.channel, Channel::Trade)?;
    envelope.check(symbol.map(Value::Text))
}

fn trade<'t>(json: &mut Json<'t>) -> Result<(&'t str, Trade)> {
    let (mut symbol, mut id, mut price) = (None, None, None);
    let (mut size, mut side, mut time) = (None, None, None);
    json.object(|key, json| match key {
        "instId" => put(&mut symbol, "instId", json.value()?),
        "tradeId" => put(&mut id, "tradeId", json.value()?),
        "px" => put(&mut price, "px", field::next_decimal(json, "px")?),
        "sz" => put(&mut size, "sz", field::next_decimal(json, "sz")?),
        "side" => put(&mut side, "side", json.value()?),
        "ts" => put(&mut time, "ts", json.value()?),
        _ => json.skip(),
    })?;
    let trade = Trade {
        id: match required(id, "tradeId")? {
            Value::Text(id) | Value::Number(id) => {
                TradeId::lower(id).ok_or(DecodeError::BadField("tradeId"))?
            }
            Value::Null => return Err(DecodeError::MissingField("tradeId")),
            _ => return Err(DecodeError::BadField("tradeId")),
        },
        price: required(price.flatten(), "px")?,
        size: required(size.flatten(), "sz")?,
        taker: match text_of(side, "side")? {
            "buy" => TakerSide::Buy,
            "sell" => TakerSide::Sell,
            _ => return Err(DecodeError::BadField("side")),
        },
        exchange_time: field::millis(required(time, "ts")?, "ts")?,
    };
    Ok((text_of(symbol, "instId")?, trade))
}

/// What is around the data.
struct Envelope<'t> {
    channel: &'t str,
    symbol: &'t str,
    action: Option<&'t str>,
}

impl Envelope<'_> {
    /// The frame was routed by the symbol of its `arg`, so the one in its data must be the same.
    fn check(&self, named: Option<Value<'_>>) -> Result<()> {
        match named {
            None => Ok(()),
            Some(Value::Text(named)) if named == self.symbol => Ok(()),
            Some(Value::Text(_)) => Err(DecodeError::WrongSymbol),
            Some(_) => Err(DecodeError::BadField("instId")),
        }
    }
}

/// Reads a frame; `item` reads each thing in its data.
fn envelope<'t>(text: &'t str, mut item: impl FnMut(&mut Json<'t>) -> Result<()>) -> Result<Envelope<'t>> {
    let (mut arg, mut channel, mut symbol, mut action, mut data) = (None, None, None, None, None);
    let mut json = Json::new(text);
    json.object(|key, json| match key {
        "arg" => {
            put(&mut arg, "arg", ())?;
            json.object(|key, json| match key {
                "channel" => put(&mut channel, "channel", json.value()?),
                "instId" => put(&mut symbol, "instId", json.value()?),
                _ => json.skip(),
            })
        }
        "action" => put(&mut action, "action", json.value()?),
        "data" => {
            put(&mut data, "data", ())?;
            json.array(&mut item)
        }
        _ => json.skip(),
    })?;
    json.end()?;
    required(data, "data")?;
    Ok(Envelope {
        channel: text_of(channel, "channel")?,
        symbol: text_of(symbol, "instId")?,
        action: action.map_or(Ok(None), |action| field::text(action, "action"))?,
    })
}

fn text_of<'t>(value: Option<Value<'t>>, name: &'static str) -> Result<&'t str> {
    required(field::text(required(value, name)?, name)?, name)
}

/// A whole number with its sign; `None` where it is missing or null.
fn signed(value: Option<Value<'_>>, name: &'static str) -> Result<Option<i64>> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Number(digits) | Value::Text(digits)) => {
            digits.parse().map(Some).map_err(|_| DecodeError::BadField(name))
        }
        Some(_) => Err(DecodeError::BadField(name)),
    }
}

#[cfg(test)]
mod tests;
