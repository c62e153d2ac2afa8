//! Decodes Advanced Trade data: whole frames of one event, or parts of others.
//!
//! Source: <https://docs.cdp.coinbase.com/coinbase-app/advanced-trade-apis/websocket/websocket-channels>

use super::super::levels::Sides;
use super::super::values::{self, best};
use super::route;
use crate::engine::event::{
    BookEvent, BookKind, Channel, DecodeError, Decoded, Event, Level, Quote, Side, Trade,
};
use crate::engine::time::Wall;
use crate::venue::field::{self, put, required};
use crate::venue::json::{Json, Value};

type Result<T> = std::result::Result<T, DecodeError>;

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

/// What stands around the one event of a frame. A part has none of it.
#[derive(Default)]
struct Head<'t> {
    channel: Option<Value<'t>>,
    time: Option<Value<'t>>,
}

impl<'t> Head<'t> {
    /// Reads a frame or an event: every field of the event goes to `field`.
    fn read(
        json: &mut Json<'t>,
        mut field: impl FnMut(&'t str, &mut Json<'t>) -> Result<()>,
    ) -> Result<Head<'t>> {
        let (mut head, mut events) = (Head::default(), None);
        json.object(|key, json| match key {
            "channel" => put(&mut head.channel, "channel", json.value()?),
            "timestamp" => put(&mut head.time, "timestamp", json.value()?),
            "events" => {
                put(&mut events, "events", ())?;
                let mut count = 0;
                json.array(|json| {
                    count += 1;
                    // Another one may be of another product.
                    if count > 1 { Err(DecodeError::BadField("events")) } else { json.object(&mut field) }
                })
            }
            _ => field(key, json),
        })?;
        Ok(head)
    }

    fn check(&self, want: Channel) -> Result<()> {
        match self.channel {
            None => Ok(()),
            Some(Value::Text(name)) if route::channel(name) == Some(want) => Ok(()),
            Some(_) => Err(DecodeError::BadField("channel")),
        }
    }

    fn time(&self) -> Result<Option<Wall>> {
        self.time.map_or(Ok(None), |time| field::time(time, "timestamp"))
    }
}

fn book(text: &str, bids: &mut Vec<Level>, asks: &mut Vec<Level>) -> Result<BookEvent> {
    let (mut kind, mut product, mut listed, mut last) = (None, None, None, None);
    let mut sides = Sides::new(bids, asks);
    let mut json = Json::new(text);
    let head = Head::read(&mut json, |key, json| match key {
        "type" => put(&mut kind, "type", json.value()?),
        "product_id" => put(&mut product, "product_id", json.value()?),
        "updates" => {
            put(&mut listed, "updates", ())?;
            updates(json, &mut sides, &mut last)
        }
        _ => json.skip(),
    })?;
    json.end()?;
    head.check(Channel::Book)?;
    required(listed, "updates")?;
    required(field::text(required(product, "product_id")?, "product_id")?, "product_id")?;
    let kind = match required(kind, "type")? {
        Value::Text("snapshot") => BookKind::Snapshot,
        Value::Text("update") => BookKind::Delta,
        _ => return Err(DecodeError::BadField("type")),
    };
    sides.check(kind)?;
    // A level that nobody touched since may have the beginning of 1970 for a time: the frame's own says more.
    let happened = match last {
        Some(last) => field::time(last, "event_time")?.filter(|time| time.nanos() > 0),
        None => None,
    };
    let exchange_time = happened.or(head.time()?);
    Ok(BookEvent { cross: None, kind, span: None, exchange_time, checksum: None, venue_time: None })
}

/// Reads `[{"side":"bid","event_time":…,"price_level":"…","new_quantity":"…"},…]`. `last` is the time of the last one.
fn updates<'t>(json: &mut Json<'t>, sides: &mut Sides<'_>, last: &mut Option<Value<'t>>) -> Result<()> {
    if json.peek() == Some(b'n') {
        let nothing = json.value()?;
        return if nothing == Value::Null { Ok(()) } else { Err(DecodeError::Json) };
    }
    json.array(|json| {
        let mut ahead = json.clone();
        let (side, level, time) = match plain_update(&mut ahead) {
            Some(update) => {
                *json = ahead;
                update
            }
            None => update(json)?,
        };
        *last = Some(time);
        sides.take(side, level)
    })
}

/// An update in the form that all of them have. `None`: in another one, or none; see [`update`].
#[inline(always)] // the loop around it is what takes a decoder's time
fn plain_update<'t>(json: &mut Json<'t>) -> Option<(Side, Level, Value<'t>)> {
    let side = if json.literal(r#"{"side":"bid","event_time":"#) {
        Side::Bid
    } else if json.literal(r#"{"side":"offer","event_time":"#) {
        Side::Ask
    } else {
        return None;
    };
    let time = json.plain_text()?;
    let price = json.literal(r#","price_level":"#).then(|| json.plain_number())??;
    let size = json.literal(r#","new_quantity":"#).then(|| json.plain_number())??;
    json.literal("}").then_some((side, Level { price, size }, Value::Text(time)))
}

fn update<'t>(json: &mut Json<'t>) -> Result<(Side, Level, Value<'t>)> {
    let (mut side, mut time, mut price, mut size) = (None, None, None, None);
    json.object(|key, json| match key {
        "side" => put(&mut side, "side", json.value()?),
        "event_time" => put(&mut time, "event_time", json.value()?),
        "price_level" => put(&mut price, "price_level", field::next_decimal(json, "price_level")?),
        "new_quantity" => put(&mut size, "new_quantity", field::next_decimal(json, "new_quantity")?),
        _ => json.skip(),
    })?;
    let side = match required(side, "side")? {
        Value::Text("bid") => Side::Bid,
        Value::Text("offer") => Side::Ask,
        _ => return Err(DecodeError::BadField("side")),
    };
    let level = Level {
        price: required(price.flatten(), "price_level")?,
        size: required(size.flatten(), "new_quantity")?,
    };
    Ok((side, level, time.unwrap_or(Value::Null)))
}

/// The trades of a frame, or of a part, which lists them without brackets.
fn trades(text: &str, into: &mut Vec<Trade>) -> Result<()> {
    let (mut listed, mut product, mut single) = (None, None, values::Trade::default());
    let mut json = Json::new(text);
    let head = Head::read(&mut json, |key, json| match key {
        "trades" => {
            put(&mut listed, "trades", ())?;
            json.array(|json| {
                let mut trade = values::Trade::default();
                json.object(|key, json| trade.field(key, json))?;
                one_more(trade, &mut product, into)
            })
        }
        _ => single.field(key, json),
    })?;
    if listed.is_none() {
        one_more(single, &mut product, into)?;
        while json.peek() == Some(b',') && json.literal(",") {
            let mut trade = values::Trade::default();
            json.object(|key, json| trade.field(key, json))?;
            one_more(trade, &mut product, into)?;
        }
    }
    json.end()?;
    head.check(Channel::Trade)?;
    // Recorded frames list the newest first, changes and not only snapshots.
    if into.first().zip(into.last()).is_some_and(|(first, last)| values::is_newer(first, last)) {
        into.reverse();
    }
    Ok(())
}

/// Takes a trade, which is to be of the same product as those before it.
fn one_more<'t>(
    trade: values::Trade<'t>,
    product: &mut Option<&'t str>,
    into: &mut Vec<Trade>,
) -> Result<()> {
    let (of, trade) = trade.read()?;
    if *product.get_or_insert(of) != of {
        return Err(DecodeError::WrongSymbol);
    }
    into.push(trade);
    Ok(())
}

/// The ticker of a frame, or a part that is one.
fn quote(text: &str) -> Result<Quote> {
    let mut ticker = Ticker::default();
    let mut listed = None;
    let mut json = Json::new(text);
    let head = Head::read(&mut json, |key, json| match key {
        "tickers" => {
            put(&mut listed, "tickers", ())?;
            let mut count = 0;
            json.array(|json| {
                count += 1;
                if count > 1 {
                    return Err(DecodeError::BadField("tickers"));
                }
                json.object(|key, json| ticker.field(key, json))
            })
        }
        // The event's own type.
        "type" => json.skip(),
        _ => ticker.field(key, json),
    })?;
    json.end()?;
    head.check(Channel::Quote)?;
    required(field::text(required(ticker.product, "product_id")?, "product_id")?, "product_id")?;
    Ok(Quote {
        sequence: None,
        bid: best(required(ticker.bid, "best_bid")?, ticker.bid_size, "best_bid")?,
        ask: best(required(ticker.ask, "best_ask")?, ticker.ask_size, "best_ask")?,
        exchange_time: head.time()?,
    })
}

#[derive(Default)]
struct Ticker<'t> {
    product: Option<Value<'t>>,
    bid: Option<Value<'t>>,
    bid_size: Option<Value<'t>>,
    ask: Option<Value<'t>>,
    ask_size: Option<Value<'t>>,
}

impl<'t> Ticker<'t> {
    fn field(&mut self, key: &'t str, json: &mut Json<'t>) -> Result<()> {
        match key {
            "product_id" => put(&mut self.product, "product_id", json.value()?),
            "best_bid" => put(&mut self.bid, "best_bid", json.value()?),
            "best_bid_quantity" => put(&mut self.bid_size, "best_bid_quantity", json.value()?),
            "best_ask" => put(&mut self.ask, "best_ask", json.value()?),
            "best_ask_quantity" => put(&mut self.ask_size, "best_ask_quantity", json.value()?),
            _ => json.skip(),
        }
    }
}

#[cfg(test)]
mod tests;
