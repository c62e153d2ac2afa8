//! Decodes Exchange data.
//!
//! Source: <https://docs.cdp.coinbase.com/exchange/websocket-feed/channels>

use super::super::levels::{Kept, Sides};
use super::super::values::{self, best};
use crate::engine::event::{
    BookEvent, BookKind, Channel, DecodeError, Decoded, Event, Level, Quote, Side, Trade,
};
use crate::venue::field::{self, put, required};
use crate::venue::json::{Json, Value};

type Result<T> = std::result::Result<T, DecodeError>;

/// Items of a level and of a change that mean something, and those ever looked at: what is longer is neither.
const ITEMS_MAX: usize = 8;

pub fn decode(channel: Channel, text: &str, out: &mut Decoded) -> Result<()> {
    let event = match channel {
        Channel::Book => Event::Book(book(text, &mut out.bids, &mut out.asks)?),
        Channel::Trade => {
            out.trades.push(trade(text)?);
            Event::Trades
        }
        Channel::Quote => Event::Quote(quote(text)?),
        Channel::Book5 | Channel::Book20 | Channel::Book50 | Channel::Liquidation | Channel::Instrument => {
            return Err(DecodeError::BadField("type"));
        }
    };
    out.event = Some(event);
    Ok(())
}

/// `snapshot` lists both sides, `l2update` what changed.
fn book(text: &str, bids: &mut Vec<Level>, asks: &mut Vec<Level>) -> Result<BookEvent> {
    let (mut kind, mut product, mut time) = (None, None, None);
    let (mut has_bids, mut has_asks, mut has_changes) = (None, None, None);
    let mut sides = Sides::new(bids, asks);
    let mut json = Json::new(text);
    json.object(|key, json| match key {
        "type" => put(&mut kind, "type", json.value()?),
        "product_id" => put(&mut product, "product_id", json.value()?),
        "time" => put(&mut time, "time", json.value()?),
        "bids" => {
            put(&mut has_bids, "bids", ())?;
            levels(json, "bids", &mut sides.bids)
        }
        "asks" => {
            put(&mut has_asks, "asks", ())?;
            levels(json, "asks", &mut sides.asks)
        }
        "changes" => {
            put(&mut has_changes, "changes", ())?;
            changes(json, &mut sides)
        }
        _ => json.skip(),
    })?;
    json.end()?;
    required(field::text(required(product, "product_id")?, "product_id")?, "product_id")?;
    let kind = match required(kind, "type")? {
        Value::Text("snapshot") => BookKind::Snapshot,
        Value::Text("l2update") => BookKind::Delta,
        _ => return Err(DecodeError::BadField("type")),
    };
    match (kind, has_bids, has_asks, has_changes) {
        (BookKind::Snapshot, Some(()), Some(()), None) | (BookKind::Delta, None, None, Some(())) => {}
        (BookKind::Snapshot, None, _, _) => return Err(DecodeError::MissingField("bids")),
        (BookKind::Snapshot, _, None, _) => return Err(DecodeError::MissingField("asks")),
        (_, _, _, None) => return Err(DecodeError::MissingField("changes")),
        // Half of one and half of the other.
        _ => return Err(DecodeError::BadField("changes")),
    }
    sides.check(kind)?;
    Ok(BookEvent {
        cross: None,
        kind,
        span: None,
        // Rarely the year 1, which is no time: the changes count all the same.
        exchange_time: time.map_or(Ok(None), |time| field::time(time, "time"))?,
        checksum: None,
        venue_time: None,
    })
}

/// Reads `[["price","size"],…]`.
fn levels(json: &mut Json<'_>, name: &'static str, into: &mut Kept<'_>) -> Result<()> {
    json.array(|json| {
        let mut ahead = json.clone();
        let level = match plain_level(&mut ahead) {
            Some(level) => {
                *json = ahead;
                level
            }
            None => {
                let [price, size, _] = items(json, name)?;
                level(price, size, name)?
            }
        };
        into.take(level)
    })
}

/// Reads `[["buy","price","size"],…]`.
fn changes(json: &mut Json<'_>, sides: &mut Sides<'_>) -> Result<()> {
    const NAME: &str = "changes";
    json.array(|json| {
        let mut ahead = json.clone();
        let (side, level) = match plain_change(&mut ahead) {
            Some(change) => {
                *json = ahead;
                change
            }
            None => {
                let [side, price, size] = items(json, NAME)?;
                let side = match required(side, NAME)? {
                    Value::Text("buy") => Side::Bid,
                    Value::Text("sell") => Side::Ask,
                    _ => return Err(DecodeError::BadField(NAME)),
                };
                (side, level(price, size, NAME)?)
            }
        };
        sides.take(side, level)
    })
}

/// A level in the form that all of them have. `None`: in another one, or none.
#[inline(always)] // the loop around it is what takes a decoder's time
fn plain_level(json: &mut Json<'_>) -> Option<Level> {
    let price = json.literal("[").then(|| json.plain_number())??;
    let size = json.literal(",").then(|| json.plain_number())??;
    json.literal("]").then_some(Level { price, size })
}

#[inline(always)] // the same
fn plain_change(json: &mut Json<'_>) -> Option<(Side, Level)> {
    let side = if json.literal(r#"["buy","#) {
        Side::Bid
    } else if json.literal(r#"["sell","#) {
        Side::Ask
    } else {
        return None;
    };
    let price = json.plain_number()?;
    let size = json.literal(",").then(|| json.plain_number())??;
    json.literal("]").then_some((side, Level { price, size }))
}

/// The first three items of a list.
fn items<'t>(json: &mut Json<'t>, name: &'static str) -> Result<[Option<Value<'t>>; 3]> {
    let (mut found, mut count) = ([None; 3], 0);
    json.array(|json| {
        if count == ITEMS_MAX {
            return Err(DecodeError::BadField(name));
        }
        let value = json.value()?;
        if let Some(place) = found.get_mut(count) {
            *place = Some(value);
        }
        count += 1;
        Ok(())
    })?;
    Ok(found)
}

fn level(price: Option<Value<'_>>, size: Option<Value<'_>>, name: &'static str) -> Result<Level> {
    let number = |value| required(field::decimal(required(value, name)?, name)?, name);
    Ok(Level { price: number(price)?, size: number(size)? })
}

fn trade(text: &str) -> Result<Trade> {
    let (mut kind, mut trade) = (None, values::Trade::default());
    let mut json = Json::new(text);
    json.object(|key, json| match key {
        "type" => put(&mut kind, "type", json.value()?),
        _ => trade.field(key, json),
    })?;
    json.end()?;
    match required(kind, "type")? {
        Value::Text("match" | "last_match") => trade.read().map(|(_, trade)| trade),
        _ => Err(DecodeError::BadField("type")),
    }
}

/// The sizes came with the years: recordings of 2021 have none.
fn quote(text: &str) -> Result<Quote> {
    let (mut kind, mut product, mut time) = (None, None, None);
    let (mut bid, mut bid_size, mut ask, mut ask_size) = (None, None, None, None);
    let mut json = Json::new(text);
    json.object(|key, json| match key {
        "type" => put(&mut kind, "type", json.value()?),
        "product_id" => put(&mut product, "product_id", json.value()?),
        "time" => put(&mut time, "time", json.value()?),
        "best_bid" => put(&mut bid, "best_bid", json.value()?),
        "best_bid_size" => put(&mut bid_size, "best_bid_size", json.value()?),
        "best_ask" => put(&mut ask, "best_ask", json.value()?),
        "best_ask_size" => put(&mut ask_size, "best_ask_size", json.value()?),
        _ => json.skip(),
    })?;
    json.end()?;
    if required(kind, "type")? != Value::Text("ticker") {
        return Err(DecodeError::BadField("type"));
    }
    required(field::text(required(product, "product_id")?, "product_id")?, "product_id")?;
    Ok(Quote {
        sequence: None,
        bid: best(required(bid, "best_bid")?, bid_size, "best_bid")?,
        ask: best(required(ask, "best_ask")?, ask_size, "best_ask")?,
        exchange_time: time.map_or(Ok(None), |time| field::time(time, "time"))?,
    })
}

#[cfg(test)]
mod tests;
