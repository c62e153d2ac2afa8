//! Decodes Bybit data frames.
//!
//! `u` is the number of a topic's message, and `seq` counts over all topics; `cts` is the matching engine's time, on the scale
//! of trades' `T`, and `ts` only the gateway's. The topic of one level repeats its last message when nothing has changed for
//! three seconds.
//! Source: <https://bybit-exchange.github.io/docs/v5/websocket/public/orderbook> and .../trade

use super::{Bybit, plain, route};
use crate::engine::event::{
    BookEvent, BookKind, Channel, DecodeError, Decoded, Event, Level, Quote, Span, TakerSide, Trade,
};
use crate::engine::time::Wall;
use crate::engine::trade_id::TradeId;
use crate::venue::field::{self, put, required};
use crate::venue::json::{Json, Value};

type Result<T> = std::result::Result<T, DecodeError>;

/// Most trades of one frame; the documents say 1,024. A frame of more is not this venue's, and would be kept for good in the
/// room it took.
const TRADES_MAX: usize = 4_096;

/// The number of a book after a restart of the venue's service: it came whole, whatever the message calls itself.
const RESTARTED: u64 = 1;

pub fn decode(class: Bybit, channel: Channel, text: &str, out: &mut Decoded) -> Result<()> {
    let event = match channel {
        Channel::Book => Event::Book(message(text, out)?.book(class)?),
        Channel::Quote => {
            let message = message(text, out)?;
            let quote = message.quote(class, &out.bids, &out.asks)?;
            out.bids.clear();
            out.asks.clear();
            Event::Quote(quote)
        }
        Channel::Trade => {
            trades(class, text, &mut out.trades)?;
            Event::Trades
        }
        Channel::Book5 | Channel::Book20 | Channel::Book50 | Channel::Liquidation | Channel::Instrument => {
            return Err(DecodeError::BadField("topic"));
        }
    };
    out.event = Some(event);
    Ok(())
}

/// A message of a book's topic, whose levels are in the vectors beside it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Message<'t> {
    pub topic: &'t str,
    pub kind: &'t str,
    pub symbol: &'t str,
    pub update: u64,
    pub cross: Option<u64>,
    pub exchange_time: Option<Wall>,
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
    /// Replaces or changes the book.
    fn book(&self, class: Bybit) -> Result<BookEvent> {
        // REST has it beside the number of the whole book alone.
        let cross = match class {
            Bybit::Full => Some(required(self.cross, "seq")?),
            Bybit::Spot | Bybit::Linear | Bybit::Inverse => None,
        };
        Ok(BookEvent {
            kind: self.checked(class, Channel::Book)?,
            span: Some(Span::at(self.update)),
            cross,
            exchange_time: self.exchange_time,
            checksum: None,
            venue_time: None,
        })
    }

    /// The topic of one level sends nothing but whole books.
    fn quote(&self, class: Bybit, bids: &[Level], asks: &[Level]) -> Result<Quote> {
        if self.checked(class, Channel::Quote)? != BookKind::Snapshot {
            return Err(DecodeError::BadField("type"));
        }
        let best = |side: &[Level], name| match side {
            [] => Ok(None),
            [level] => Ok(Some(*level).filter(|level| !level.size.is_zero())),
            _ => Err(DecodeError::BadField(name)),
        };
        let (bid, ask) = (best(bids, "b")?, best(asks, "a")?);
        Ok(Quote { sequence: None, bid, ask, exchange_time: self.exchange_time })
    }

    /// The kind of a message that is of this channel and of its own symbol.
    fn checked(&self, class: Bybit, channel: Channel) -> Result<BookKind> {
        of(class, self.topic, channel, self.symbol)?;
        // No message of the full topic is a whole book, not even the first after a restart.
        let only_changes = class == Bybit::Full && channel == Channel::Book;
        let kind = match self.kind {
            "delta" if only_changes || self.update != RESTARTED => BookKind::Delta,
            "snapshot" | "delta" if !only_changes => BookKind::Snapshot,
            _ => return Err(DecodeError::BadField("type")),
        };
        // What is no list would pass for an empty, complete side.
        match (kind, self.sides) {
            (BookKind::Snapshot, Sides::Null) => Err(DecodeError::BadField("data")),
            _ => Ok(kind),
        }
    }
}

/// The frame was routed by its topic, so what it tells must be of the same symbol.
fn of(class: Bybit, topic: &str, channel: Channel, symbol: &str) -> Result<()> {
    match route::by_topic(class, topic) {
        Some((routed, of)) if of == channel => {
            if routed == symbol {
                Ok(())
            } else {
                Err(DecodeError::WrongSymbol)
            }
        }
        _ => Err(DecodeError::BadField("topic")),
    }
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

/// Any form of a book message.
fn thorough<'t>(text: &'t str, bids: &mut Vec<Level>, asks: &mut Vec<Level>) -> Result<Message<'t>> {
    let (mut topic, mut kind, mut time, mut data) = (None, None, None, None);
    let (mut symbol, mut update, mut cross) = (None, None, None);
    let (mut bids_listed, mut asks_listed) = (None, None);
    let mut json = Json::new(text);
    json.object(|key, json| match key {
        "topic" => put(&mut topic, "topic", json.value()?),
        "type" => put(&mut kind, "type", json.value()?),
        "cts" => put(&mut time, "cts", json.value()?),
        "data" => {
            put(&mut data, "data", ())?;
            json.object(|key, json| match key {
                "s" => put(&mut symbol, "s", json.value()?),
                "u" => put(&mut update, "u", json.value()?),
                "seq" => put(&mut cross, "seq", json.value()?),
                "b" => {
                    put(&mut bids_listed, "b", json.peek() == Some(b'['))?;
                    field::level_pairs(json, "b", bids)
                }
                "a" => {
                    put(&mut asks_listed, "a", json.peek() == Some(b'['))?;
                    field::level_pairs(json, "a", asks)
                }
                _ => json.skip(),
            })
        }
        _ => json.skip(),
    })?;
    json.end()?;
    required(data, "data")?;
    let listed = required(bids_listed, "b")? && required(asks_listed, "a")?;
    Ok(Message {
        topic: text_of(topic, "topic")?,
        kind: text_of(kind, "type")?,
        symbol: text_of(symbol, "s")?,
        update: required(field::whole(required(update, "u")?, "u")?, "u")?,
        cross: cross.map_or(Ok(None), |cross| field::whole(cross, "seq"))?,
        exchange_time: time.map_or(Ok(None), |time| field::millis(time, "cts"))?,
        sides: if listed { Sides::Listed } else { Sides::Null },
    })
}

/// The venue sorts them by the time they were matched at, oldest first.
fn trades(class: Bybit, text: &str, into: &mut Vec<Trade>) -> Result<()> {
    let (mut topic, mut data, mut symbols) = (None, None, None);
    let mut json = Json::new(text);
    json.object(|key, json| match key {
        "topic" => put(&mut topic, "topic", json.value()?),
        "data" => {
            put(&mut data, "data", ())?;
            json.array(|json| {
                if into.len() >= TRADES_MAX {
                    return Err(DecodeError::TooDeep);
                }
                let (symbol, trade) = trade(json)?;
                into.push(trade);
                match symbols.replace(symbol) {
                    Some(other) if other != symbol => Err(DecodeError::WrongSymbol),
                    _ => Ok(()),
                }
            })
        }
        _ => json.skip(),
    })?;
    json.end()?;
    required(data, "data")?;
    let topic = text_of(topic, "topic")?;
    let routed = route::by_topic(class, topic).map_or("", |(symbol, _)| symbol);
    of(class, topic, Channel::Trade, symbols.unwrap_or(routed))
}

/// `S` is the taker's side.
fn trade<'t>(json: &mut Json<'t>) -> Result<(&'t str, Trade)> {
    let (mut time, mut symbol, mut side) = (None, None, None);
    let (mut size, mut price, mut id) = (None, None, None);
    json.object(|key, json| match key {
        "T" => put(&mut time, "T", json.value()?),
        "s" => put(&mut symbol, "s", json.value()?),
        "S" => put(&mut side, "S", json.value()?),
        "v" => put(&mut size, "v", field::next_decimal(json, "v")?),
        "p" => put(&mut price, "p", field::next_decimal(json, "p")?),
        "i" => put(&mut id, "i", json.value()?),
        _ => json.skip(),
    })?;
    let trade = Trade {
        id: TradeId::lower(text_of(id, "i")?).ok_or(DecodeError::BadField("i"))?,
        price: required(price.flatten(), "p")?,
        size: required(size.flatten(), "v")?,
        taker: match text_of(side, "S")? {
            "Buy" => TakerSide::Buy,
            "Sell" => TakerSide::Sell,
            _ => return Err(DecodeError::BadField("S")),
        },
        exchange_time: field::millis(required(time, "T")?, "T")?,
    };
    Ok((text_of(symbol, "s")?, trade))
}

fn text_of<'t>(value: Option<Value<'t>>, name: &'static str) -> Result<&'t str> {
    required(field::text(required(value, name)?, name)?, name)
}

#[cfg(test)]
mod tests;
