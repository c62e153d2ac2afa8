//! The quick way of reading a depth event or a book ticker: one with no other fields than are known, in any order, each
//! once, and nothing between the tokens. Everything else is `None` and left to [`super::frames`], which decides on it.

use crate::engine::decimal::Decimal;
use crate::engine::event::{BookEvent, BookKind, Level, Quote, Span};
use crate::engine::time::Wall;
use crate::venue::binance::frames::{best, is_of};
use crate::venue::field;
use crate::venue::json::Json;

/// What both kinds of event have.
#[derive(Default)]
struct Head<'t> {
    symbol: Option<&'t str>,
    /// When it was sent, and when it happened.
    times: [Option<u64>; 2],
    last: Option<u64>,
    /// Of which nothing is used.
    pair: Option<&'t str>,
    kind_of_market: Option<u64>,
}

impl<'t> Head<'t> {
    #[inline(always)] // so that each name is compared as a number or two
    fn field(&mut self, json: &mut Json<'t>) -> Option<()> {
        if json.literal(r#""E":"#) {
            once(&mut self.times[0], json.plain_whole())
        } else if json.literal(r#""T":"#) {
            once(&mut self.times[1], json.plain_whole())
        } else if json.literal(r#""s":"#) {
            once(&mut self.symbol, json.plain_text())
        } else if json.literal(r#""u":"#) {
            once(&mut self.last, json.plain_whole())
        } else if json.literal(r#""ps":"#) {
            once(&mut self.pair, json.plain_text())
        } else if json.literal(r#""st":"#) {
            once(&mut self.kind_of_market, json.plain_whole())
        } else {
            None
        }
    }

    fn exchange_time(&self) -> Option<Wall> {
        let [sent, happened] = self.times.map(|time| i64::try_from(time?).ok().and_then(Wall::from_millis));
        happened.or(sent)
    }
}

/// Who knows what is in the vectors when it answers `None`.
pub fn depth(text: &str, bids: &mut Vec<Level>, asks: &mut Vec<Level>) -> Option<BookEvent> {
    let mut head = Head::default();
    let (mut kind, mut first, mut previous, mut has_bids, mut has_asks) = (None, None, None, None, None);
    let stream = fields(text, |json| {
        if json.literal(r#""b":"#) {
            once(&mut has_bids, field::plain_level_pairs(json, bids))
        } else if json.literal(r#""a":"#) {
            once(&mut has_asks, field::plain_level_pairs(json, asks))
        } else if json.literal(r#""U":"#) {
            once(&mut first, json.plain_whole())
        } else if json.literal(r#""pu":"#) {
            once(&mut previous, json.plain_whole())
        } else if json.literal(r#""e":"depthUpdate""#) {
            once(&mut kind, Some(()))
        } else {
            head.field(json)
        }
    })?;
    let (first, last) = (first?, head.last?);
    let good = kind.is_some() && has_bids.is_some() && has_asks.is_some() && first <= last;
    (good && is_of(stream, head.symbol?)).then_some(BookEvent {
        cross: None,
        kind: BookKind::Delta,
        span: Some(Span { first, last, previous: Some(previous?) }),
        exchange_time: head.exchange_time(),
        checksum: None,
        venue_time: None,
    })
}

/// The best bid and offer, of which there are most.
pub fn quote(text: &str) -> Option<Quote> {
    let mut head = Head::default();
    let (mut kind, mut bid, mut bid_size, mut ask, mut ask_size): (_, Number, Number, Number, Number) =
        (None, None, None, None, None);
    let stream = fields(text, |json| {
        if json.literal(r#""b":"#) {
            once(&mut bid, json.plain_number())
        } else if json.literal(r#""B":"#) {
            once(&mut bid_size, json.plain_number())
        } else if json.literal(r#""a":"#) {
            once(&mut ask, json.plain_number())
        } else if json.literal(r#""A":"#) {
            once(&mut ask_size, json.plain_number())
        } else if json.literal(r#""e":"bookTicker""#) {
            once(&mut kind, Some(()))
        } else {
            head.field(json)
        }
    })?;
    is_of(stream, head.symbol?).then_some(Quote {
        sequence: Some(head.last?),
        bid: best(bid?, bid_size?),
        ask: best(ask?, ask_size?),
        exchange_time: head.exchange_time(),
    })
}

type Number = Option<Decimal>;

/// Hands each field of a wrapped event to `field`, which reads it whole. Answers the stream's name.
#[inline(always)] // `field` is worth it
fn fields<'t>(text: &'t str, mut field: impl FnMut(&mut Json<'t>) -> Option<()>) -> Option<&'t str> {
    let mut json = Json::new(text);
    let stream = json.literal(r#"{"stream":"#).then(|| json.plain_text())??;
    if !json.literal(r#","data":{"#) {
        return None;
    }
    loop {
        field(&mut json)?;
        if json.literal("}}") {
            return (json.bytes_left() == 0).then_some(stream);
        }
        if !json.literal(",") {
            return None;
        }
    }
}

/// Fills a slot, once.
#[inline(always)]
fn once<T>(slot: &mut Option<T>, value: Option<T>) -> Option<()> {
    slot.replace(value?).is_none().then_some(())
}
