//! The quick way of reading a book message: one with no other fields than the documents show, in any order, each once, and
//! nothing between the tokens. Everything else is `None` and left to [`super::frames`], which decides on it.

use super::frames::{Message, Sides};
use crate::engine::event::Level;
use crate::engine::time::Wall;
use crate::venue::field::plain_level_pairs;
use crate::venue::json::Json;

/// A book message; `None` with who knows what in the vectors.
pub fn read<'t>(text: &'t str, bids: &mut Vec<Level>, asks: &mut Vec<Level>) -> Option<Message<'t>> {
    let mut json = Json::new(text);
    let (mut topic, mut kind, mut sent, mut time, mut symbol) = (None, None, None, None, None);
    let (mut has_bids, mut has_asks, mut update, mut cross) = (None, None, None, None);
    fields(&mut json, |json| {
        if json.literal(r#""topic":"#) {
            once(&mut topic, json.plain_text())
        } else if json.literal(r#""type":"#) {
            once(&mut kind, json.plain_text())
        } else if json.literal(r#""ts":"#) {
            once(&mut sent, json.plain_whole())
        } else if json.literal(r#""cts":"#) {
            once(&mut time, json.plain_whole())
        } else if json.literal(r#""data":"#) {
            fields(json, |json| {
                if json.literal(r#""s":"#) {
                    once(&mut symbol, json.plain_text())
                } else if json.literal(r#""b":"#) {
                    once(&mut has_bids, plain_level_pairs(json, bids))
                } else if json.literal(r#""a":"#) {
                    once(&mut has_asks, plain_level_pairs(json, asks))
                } else if json.literal(r#""u":"#) {
                    once(&mut update, json.plain_whole())
                } else if json.literal(r#""seq":"#) {
                    once(&mut cross, json.plain_whole())
                } else {
                    None
                }
            })
        } else {
            None
        }
    })?;
    let sides = has_bids.and(has_asks).map(|()| Sides::Listed)?;
    let exchange_time = time.and_then(|ms| i64::try_from(ms).ok()).and_then(Wall::from_millis);
    let good = json.bytes_left() == 0;
    good.then_some(Message {
        topic: topic?,
        kind: kind?,
        symbol: symbol?,
        update: update?,
        cross,
        exchange_time,
        sides,
    })
}

/// Reads an object. `field` is asked at each name and reads it with its value.
#[inline(always)]
fn fields<'t>(json: &mut Json<'t>, mut field: impl FnMut(&mut Json<'t>) -> Option<()>) -> Option<()> {
    if !json.literal("{") {
        return None;
    }
    loop {
        field(json)?;
        if !json.literal(",") {
            return json.literal("}").then_some(());
        }
    }
}

/// Fills a slot, once and with something.
#[inline(always)]
fn once<T>(slot: &mut Option<T>, value: Option<T>) -> Option<()> {
    slot.replace(value?).is_none().then_some(())
}
