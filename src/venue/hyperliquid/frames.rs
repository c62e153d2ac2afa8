//! Decodes Hyperliquid data frames.
//!
//! Source: <https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/websocket/subscriptions> (data formats)

use super::route;
use crate::engine::event::{
    BookEvent, BookKind, Channel, DecodeError, Decoded, Event, Level, Quote, TakerSide, Trade,
};
use crate::engine::trade_id::TradeId;
use crate::venue::field::{self, put, required};
use crate::venue::json::{Json, Value};

type Result<T> = std::result::Result<T, DecodeError>;

/// Levels a side ever read of one message. Twenty are sent; fifty times that is no book of this venue.
const LEVELS_READ_MAX: usize = 1_000;

pub fn decode(channel: Channel, text: &str, out: &mut Decoded) -> Result<()> {
    let event = match channel {
        Channel::Book => Event::Book(book(text, &mut out.bids, &mut out.asks)?),
        Channel::Trade => {
            trades(text, &mut out.trades)?;
            Event::Trades
        }
        Channel::Quote => Event::Quote(quote(text)?),
        Channel::Book5 | Channel::Book20 | Channel::Book50 | Channel::Liquidation | Channel::Instrument => {
            return Err(DecodeError::BadField("channel"));
        }
    };
    out.event = Some(event);
    Ok(())
}

/// Reads a frame of `want`; `data` is given what it carries.
fn frame<'t>(text: &'t str, want: Channel, mut data: impl FnMut(&mut Json<'t>) -> Result<()>) -> Result<()> {
    let (mut name, mut has_data) = (None, None);
    let mut json = Json::new(text);
    json.object(|key, json| match key {
        "channel" => put(&mut name, "channel", json.value()?),
        "data" => {
            put(&mut has_data, "data", ())?;
            data(json)
        }
        _ => json.skip(),
    })?;
    json.end()?;
    required(has_data, "data")?;
    match required(name, "channel")? {
        Value::Text(name) if route::channel(name) == Some(want) => Ok(()),
        _ => Err(DecodeError::BadField("channel")),
    }
}

/// Every message is the whole of what there is: twenty levels a side, or all where there are fewer.
fn book(text: &str, bids: &mut Vec<Level>, asks: &mut Vec<Level>) -> Result<BookEvent> {
    let (mut coin, mut time, mut sides) = (None, None, None);
    frame(text, Channel::Book, |json| {
        json.object(|key, json| match key {
            "coin" => put(&mut coin, "coin", json.value()?),
            "time" => put(&mut time, "time", json.value()?),
            "levels" => {
                let mut count = 0;
                json.array(|json| {
                    count += 1;
                    match count {
                        1 => levels(json, bids),
                        2 => levels(json, asks),
                        _ => Err(DecodeError::BadField("levels")),
                    }
                })?;
                put(&mut sides, "levels", count)
            }
            _ => json.skip(),
        })
    })?;
    named(coin)?;
    if required(sides, "levels")? != 2 {
        return Err(DecodeError::BadField("levels"));
    }
    Ok(BookEvent {
        cross: None,
        kind: BookKind::Snapshot,
        span: None,
        exchange_time: field::millis(required(time, "time")?, "time")?,
        checksum: None,
        venue_time: None,
    })
}

fn levels(json: &mut Json<'_>, into: &mut Vec<Level>) -> Result<()> {
    json.array(|json| {
        if into.len() == LEVELS_READ_MAX {
            return Err(DecodeError::TooDeep);
        }
        let mut ahead = json.clone();
        let level = match plain_level(&mut ahead) {
            Some(level) => {
                *json = ahead;
                level
            }
            None => level(json)?,
        };
        into.push(level);
        Ok(())
    })
}

/// A level in the form that all of them have: `{"px":"…","sz":"…","n":…}`. `None`: in another one, or none.
#[inline(always)] // forty of these are a book
fn plain_level(json: &mut Json<'_>) -> Option<Level> {
    let price = json.literal(r#"{"px":"#).then(|| json.plain_number())??;
    let size = json.literal(r#","sz":"#).then(|| json.plain_number())??;
    json.literal(r#","n":"#).then(|| json.plain_whole())??;
    json.literal("}").then_some(Level { price, size })
}

fn level(json: &mut Json<'_>) -> Result<Level> {
    let (mut price, mut size) = (None, None);
    json.object(|key, json| match key {
        "px" => put(&mut price, "px", field::next_decimal(json, "px")?),
        "sz" => put(&mut size, "sz", field::next_decimal(json, "sz")?),
        _ => json.skip(),
    })?;
    Ok(Level { price: required(price.flatten(), "px")?, size: required(size.flatten(), "sz")? })
}

/// `bbo` holds two levels, either of which may be `null`.
fn quote(text: &str) -> Result<Quote> {
    let (mut coin, mut time, mut sides) = (None, None, None);
    let (mut bid, mut ask) = (None, None);
    frame(text, Channel::Quote, |json| {
        json.object(|key, json| match key {
            "coin" => put(&mut coin, "coin", json.value()?),
            "time" => put(&mut time, "time", json.value()?),
            "bbo" => {
                let mut count = 0;
                json.array(|json| {
                    count += 1;
                    let side = match count {
                        1 => &mut bid,
                        2 => &mut ask,
                        _ => return Err(DecodeError::BadField("bbo")),
                    };
                    if json.peek() == Some(b'{') {
                        *side = Some(level(json)?);
                        return Ok(());
                    }
                    if json.value()? == Value::Null { Ok(()) } else { Err(DecodeError::BadField("bbo")) }
                })?;
                put(&mut sides, "bbo", count)
            }
            _ => json.skip(),
        })
    })?;
    named(coin)?;
    if required(sides, "bbo")? != 2 {
        return Err(DecodeError::BadField("bbo"));
    }
    let exchange_time = field::millis(required(time, "time")?, "time")?;
    Ok(Quote { sequence: None, bid, ask, exchange_time })
}

fn trades(text: &str, into: &mut Vec<Trade>) -> Result<()> {
    let mut first = None;
    frame(text, Channel::Trade, |json| {
        json.array(|json| {
            let (coin, trade) = trade(json)?;
            if *first.get_or_insert(coin) != coin {
                return Err(DecodeError::WrongSymbol);
            }
            into.push(trade);
            Ok(())
        })
    })?;
    // Recorded frames list the oldest first; nothing promises it.
    let is_newest_first =
        into.first().zip(into.last()).is_some_and(|(first, last)| first.exchange_time > last.exchange_time);
    if is_newest_first {
        into.reverse();
    }
    Ok(())
}

/// `side` is the taker's: `B` bought, `A` sold. `tid` is a hash, documented as a number and recorded as a text.
fn trade<'t>(json: &mut Json<'t>) -> Result<(&'t str, Trade)> {
    let (mut coin, mut id, mut price, mut size) = (None, None, None, None);
    let (mut side, mut time) = (None, None);
    json.object(|key, json| match key {
        "coin" => put(&mut coin, "coin", json.value()?),
        "tid" => put(&mut id, "tid", json.value()?),
        "px" => put(&mut price, "px", field::next_decimal(json, "px")?),
        "sz" => put(&mut size, "sz", field::next_decimal(json, "sz")?),
        "side" => put(&mut side, "side", json.value()?),
        "time" => put(&mut time, "time", json.value()?),
        _ => json.skip(),
    })?;
    let trade = Trade {
        id: TradeId::number(required(field::whole(required(id, "tid")?, "tid")?, "tid")?),
        price: required(price.flatten(), "px")?,
        size: required(size.flatten(), "sz")?,
        taker: match required(side, "side")? {
            Value::Text("B") => TakerSide::Buy,
            Value::Text("A") => TakerSide::Sell,
            _ => return Err(DecodeError::BadField("side")),
        },
        exchange_time: field::millis(required(time, "time")?, "time")?,
    };
    Ok((named(coin)?, trade))
}

fn named(coin: Option<Value<'_>>) -> Result<&str> {
    required(field::text(required(coin, "coin")?, "coin")?, "coin")
}

/// Real and documented frames, for tests.
#[cfg(test)]
pub mod samples;

#[cfg(test)]
mod tests;
