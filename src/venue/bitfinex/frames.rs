//! Decodes books, their sums and trades.
//!
//! Source: <https://docs.bitfinex.com/reference/ws-public-books>, <https://docs.bitfinex.com/docs/ws-websocket-checksum>,
//! <https://docs.bitfinex.com/reference/ws-public-trades>

use crate::engine::decimal::Decimal;
use crate::engine::event::{
    BookEvent, BookKind, Channel, DecodeError, Decoded, Event, Level, TakerSide, Trade,
};
use crate::engine::time::Wall;
use crate::engine::trade_id::TradeId;
use crate::venue::field::{self, required};
use crate::venue::json::{Json, Value};

type Result<T> = std::result::Result<T, DecodeError>;

/// Levels of a side in one message: four times what is asked for.
const LEVELS_PER_SIDE_MAX: usize = 4 * super::limits::LEVELS;

pub fn decode(channel: Channel, text: &str, out: &mut Decoded) -> Result<()> {
    let event = match channel {
        Channel::Book => Event::Book(book(text, &mut out.bids, &mut out.asks)?),
        Channel::Trade => {
            out.trades.push(trade(text)?);
            Event::Trades
        }
        _ => return Err(DecodeError::BadField("channel")),
    };
    out.event = Some(event);
    Ok(())
}

/// `[number,[[price,count,amount],…],…]` is the book, `[number,[price,count,amount],…]` a change of one level, and
/// `[number,"cs",sum,…]` what the book sums up to by now. Behind each stand its number in the count and its time.
fn book(text: &str, bids: &mut Vec<Level>, asks: &mut Vec<Level>) -> Result<BookEvent> {
    let (mut kind, mut is_sum, mut sum, mut time) = (None, false, None, None);
    frame(text, |item, json| {
        match (item, json.peek()) {
            (2, Some(b'[')) => kind = Some(levels(json, bids, asks)?),
            (2, _) if json.value()? == Value::Text("cs") => is_sum = true,
            (2, _) => return Err(DecodeError::BadField("book")),
            (3, _) if is_sum => sum = Some(checksum(json.value()?)?),
            (4, _) if !is_sum => time = sent(json)?,
            (5, _) if is_sum => time = sent(json)?,
            _ => json.skip()?,
        }
        Ok(())
    })?;
    if is_sum {
        kind = Some(BookKind::Delta);
        required(sum, "cs")?;
    }
    let kind = required(kind, "book")?;
    Ok(BookEvent { cross: None, kind, span: None, exchange_time: time, checksum: sum, venue_time: None })
}

/// When a frame was sent. Whatever else stands in that place is no time, and not worth a book.
fn sent(json: &mut Json<'_>) -> Result<Option<Wall>> {
    Ok(field::millis(json.value()?, "time").unwrap_or(None))
}

/// Sent as a signed number; the same bits unsigned.
fn checksum(value: Value<'_>) -> Result<u32> {
    let bad = DecodeError::BadField("cs");
    let Value::Number(digits) = value else { return Err(bad) };
    let sum: i64 = digits.parse().map_err(|_| bad)?;
    i32::try_from(sum).map(i32::cast_unsigned).or_else(|_| u32::try_from(sum)).map_err(|_| bad)
}

/// A list of lists is a book, and so is an empty one: there is nothing in it.
fn levels(json: &mut Json<'_>, bids: &mut Vec<Level>, asks: &mut Vec<Level>) -> Result<BookKind> {
    let (mut kind, mut change) = (None, Entry::default());
    json.array(|json| {
        let is_list = json.peek() == Some(b'[');
        let here = if is_list { BookKind::Snapshot } else { BookKind::Delta };
        if *kind.get_or_insert(here) != here {
            json.skip()?;
            return Err(DecodeError::BadField("book"));
        }
        if !is_list {
            return change.item(json);
        }
        let mut entry = Entry::default();
        json.array(|json| entry.item(json))?;
        if entry.count == Some(0) {
            return Err(DecodeError::BadField("count"));
        }
        entry.put(bids, asks)
    })?;
    match kind {
        Some(BookKind::Delta) => change.put(bids, asks).map(|()| BookKind::Delta),
        _ => Ok(BookKind::Snapshot),
    }
}

/// One level as sent. Whatever follows the three is not known here.
#[derive(Default)]
struct Entry {
    items: usize,
    price: Option<Decimal>,
    /// Orders at that price; none left, and the level goes.
    count: Option<u64>,
    /// Of a bid above zero, of an ask below.
    amount: Option<Decimal>,
}

impl Entry {
    fn item(&mut self, json: &mut Json<'_>) -> Result<()> {
        self.items += 1;
        match self.items {
            1 => self.price = field::next_decimal(json, "price")?,
            2 => self.count = field::whole(json.value()?, "count")?,
            3 => self.amount = field::next_decimal(json, "amount")?,
            _ => json.skip()?,
        }
        Ok(())
    }

    fn put(self, bids: &mut Vec<Level>, asks: &mut Vec<Level>) -> Result<()> {
        let price = required(self.price, "price")?;
        let (amount, is_sold) = magnitude(required(self.amount, "amount")?)?;
        let size = if required(self.count, "count")? == 0 { Decimal::ZERO } else { amount };
        let side = if is_sold { asks } else { bids };
        if side.len() >= LEVELS_PER_SIDE_MAX {
            return Err(DecodeError::TooDeep);
        }
        side.push(Level { price, size });
        Ok(())
    }
}

/// An amount and whether its sign says that it is sold. Nothing at all has no side.
fn magnitude(amount: Decimal) -> Result<(Decimal, bool)> {
    if amount.is_zero() {
        return Err(DecodeError::BadField("amount"));
    }
    let size = Decimal::new(amount.mantissa().abs(), amount.scale());
    Ok((size.ok_or(DecodeError::DoesNotFit("amount"))?, amount.is_negative()))
}

/// `[number,"te",[id,milliseconds,amount,price],…]`; the amount is below zero when the taker sold.
fn trade(text: &str) -> Result<Trade> {
    let (mut is_trade, mut trade) = (false, None);
    frame(text, |item, json| {
        match (item, json.peek()) {
            (2, _) => is_trade = json.value()? == Value::Text("te"),
            (3, Some(b'[')) if is_trade => trade = Some(execution(json)?),
            _ => json.skip()?,
        }
        Ok(())
    })?;
    required(trade, "te")
}

fn execution(json: &mut Json<'_>) -> Result<Trade> {
    let (mut items, mut id, mut time, mut amount, mut price) = (0u64, None, None, None, None);
    json.array(|json| {
        items += 1;
        match items {
            1 => id = field::whole(json.value()?, "id")?,
            2 => time = field::millis(json.value()?, "time")?,
            3 => amount = field::next_decimal(json, "amount")?,
            4 => price = field::next_decimal(json, "price")?,
            _ => json.skip()?,
        }
        Ok(())
    })?;
    let (size, is_sold) = magnitude(required(amount, "amount")?)?;
    Ok(Trade {
        id: TradeId::number(required(id, "id")?),
        price: required(price, "price")?,
        size,
        taker: if is_sold { TakerSide::Sell } else { TakerSide::Buy },
        exchange_time: time,
    })
}

/// Hands every item of a frame but the number of its stream to `item`, with its place from one.
fn frame<'t>(text: &'t str, mut item: impl FnMut(u64, &mut Json<'t>) -> Result<()>) -> Result<()> {
    let (mut items, mut json) = (0u64, Json::new(text));
    json.array(|json| {
        items += 1;
        if items > 1 {
            return item(items, json);
        }
        let number = field::whole(json.value()?, "number")?;
        required(number, "number").map(drop)
    })?;
    json.end()
}

#[cfg(test)]
mod tests;
