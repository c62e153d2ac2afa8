//! The quick way of reading a data frame: one with no other fields than the documents show, in any order, each once, and
//! nothing between the tokens. Everything else is `None` and left to [`super::frames`], which decides on it.

use super::frames::{level, taker};
use super::route;
use crate::engine::decimal::Decimal;
use crate::engine::event::{BookEvent, BookKind, Channel, Level, Quote, Span, Trade};
use crate::engine::time::Wall;
use crate::engine::trade_id::TradeId;
use crate::venue::field;
use crate::venue::json::Json;

/// What every message has.
#[derive(Default)]
struct Head<'t> {
    kind: Option<&'t str>,
    /// The frame was routed by it; here it only must not come twice.
    symbol: Option<&'t str>,
    sequence: Option<u64>,
    time_exchange: Option<&'t str>,
    time_coinapi: Option<&'t str>,
}

impl<'t> Head<'t> {
    #[inline(always)] // so that each name is compared as a number or two
    fn field(&mut self, json: &mut Json<'t>) -> Option<()> {
        if json.literal(r#""time_exchange":"#) {
            once(&mut self.time_exchange, json.plain_text())
        } else if json.literal(r#""time_coinapi":"#) {
            once(&mut self.time_coinapi, json.plain_text())
        } else if json.literal(r#""symbol_id":"#) {
            once(&mut self.symbol, json.plain_text())
        } else if json.literal(r#""sequence":"#) {
            once(&mut self.sequence, json.plain_whole())
        } else if json.literal(r#""type":"#) {
            once(&mut self.kind, json.plain_text())
        } else {
            None
        }
    }

    fn is_of(&self, channel: Channel) -> bool {
        self.kind.and_then(route::channel) == Some(channel)
    }

    fn exchange_time(&self) -> Option<Wall> {
        self.time_exchange.and_then(Wall::parse)
    }
}

/// A book message; `None` with who knows what in the vectors.
pub fn book(channel: Channel, text: &str, bids: &mut Vec<Level>, asks: &mut Vec<Level>) -> Option<BookEvent> {
    let mut head = Head::default();
    let (mut is_snapshot, mut has_bids, mut has_asks) = (None, None, None);
    fields(text, |json| {
        if json.literal(r#""bids":"#) {
            once(&mut has_bids, field::plain_level_objects(json, bids))
        } else if json.literal(r#""asks":"#) {
            once(&mut has_asks, field::plain_level_objects(json, asks))
        } else if json.literal(r#""is_snapshot":false"#) {
            once(&mut is_snapshot, Some(false))
        } else if json.literal(r#""is_snapshot":true"#) {
            once(&mut is_snapshot, Some(true))
        } else {
            head.field(json)
        }
    })?;
    let kind = match (channel, is_snapshot) {
        (Channel::Book, Some(false)) => BookKind::Delta,
        (Channel::Book, Some(true)) => BookKind::Snapshot,
        (Channel::Book, None) => return None,
        _ => BookKind::Top,
    };
    let says_something = kind == BookKind::Delta || has_bids.or(has_asks).is_some();
    (head.is_of(channel) && says_something).then(|| BookEvent {
        cross: None,
        kind,
        span: head.sequence.map(Span::at),
        exchange_time: head.exchange_time(),
        checksum: None,
        venue_time: head.time_coinapi.and_then(Wall::parse),
    })
}

pub fn quote(text: &str) -> Option<Quote> {
    let mut head = Head::default();
    let (mut bid, mut bid_size, mut ask, mut ask_size) = (None, None, None, None);
    fields(text, |json| {
        if json.literal(r#""ask_price":"#) {
            once(&mut ask, json.plain_number())
        } else if json.literal(r#""ask_size":"#) {
            once(&mut ask_size, json.plain_number())
        } else if json.literal(r#""bid_price":"#) {
            once(&mut bid, json.plain_number())
        } else if json.literal(r#""bid_size":"#) {
            once(&mut bid_size, json.plain_number())
        } else {
            head.field(json)
        }
    })?;
    head.is_of(Channel::Quote).then(|| Quote {
        sequence: head.sequence,
        bid: level(bid, bid_size),
        ask: level(ask, ask_size),
        exchange_time: head.exchange_time(),
    })
}

/// `Some(None)` for the zero-size marker.
pub fn trade(text: &str) -> Option<Option<Trade>> {
    let mut head = Head::default();
    let (mut id, mut price, mut size, mut side) = (None, None::<Decimal>, None::<Decimal>, None);
    fields(text, |json| {
        if json.literal(r#""price":"#) {
            once(&mut price, json.plain_number())
        } else if json.literal(r#""size":"#) {
            once(&mut size, json.plain_number())
        } else if json.literal(r#""uuid":"#) {
            once(&mut id, json.plain_text())
        } else if json.literal(r#""taker_side":"#) {
            once(&mut side, json.plain_text())
        } else {
            head.field(json)
        }
    })?;
    let (price, size) = (price?, size?);
    let id = TradeId::lower(id.unwrap_or_default())?;
    let trade = Trade { id, price, size, taker: taker(side), exchange_time: head.exchange_time() };
    head.is_of(Channel::Trade).then(|| (!size.is_zero()).then_some(trade))
}

/// Reads an object. `field` is asked at each name and reads it with its value.
#[inline(always)]
fn fields<'t>(text: &'t str, mut field: impl FnMut(&mut Json<'t>) -> Option<()>) -> Option<()> {
    let mut json = Json::new(text);
    if !json.literal("{") {
        return None;
    }
    loop {
        field(&mut json)?;
        if !json.literal(",") {
            return (json.literal("}") && json.bytes_left() == 0).then_some(());
        }
    }
}

/// Fills a slot, once and with something.
#[inline(always)]
fn once<T>(slot: &mut Option<T>, value: Option<T>) -> Option<()> {
    slot.replace(value?).is_none().then_some(())
}
