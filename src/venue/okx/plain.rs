//! The quick way of reading a message with levels: one with no other fields than the documents show, the outer ones in their
//! order and the inner ones in any, each once, and nothing between the tokens. Everything else is `None` and left to
//! [`super::frames`], which decides on it.

use super::frames::{Message, Sides};
use super::levels;
use crate::engine::event::Level;
use crate::engine::time::Wall;
use crate::venue::json::Json;

/// A message of the `books` or `bbo-tbt` channel; `None` with who knows what in the vectors.
pub fn read<'t>(text: &'t str, bids: &mut Vec<Level>, asks: &mut Vec<Level>) -> Option<Message<'t>> {
    let mut json = Json::new(text);
    let channel = json.literal(r#"{"arg":{"channel":"#).then(|| json.plain_text())??;
    let symbol = json.literal(r#","instId":"#).then(|| json.plain_text())??;
    let action = if json.literal(r#"},"action":"#) {
        Some(json.plain_text()?)
    } else {
        json.literal("}").then_some(None)?
    };
    if !json.literal(r#","data":[{"#) {
        return None;
    }
    let (mut has_asks, mut has_bids, mut time) = (None, None, None);
    let (mut checksum, mut sequence, mut previous) = (None, None, None);
    loop {
        if json.literal(r#""asks":"#) {
            once(&mut has_asks, levels::plain(&mut json, asks))?;
        } else if json.literal(r#""bids":"#) {
            once(&mut has_bids, levels::plain(&mut json, bids))?;
        } else if json.literal(r#""ts":""#) {
            once(&mut time, json.plain_whole().filter(|_| json.literal("\"")))?;
        } else if json.literal(r#""checksum":"#) {
            once(&mut checksum, signed(&mut json))?;
        } else if json.literal(r#""seqId":"#) {
            once(&mut sequence, json.plain_whole())?;
        } else if json.literal(r#""prevSeqId":"#) {
            once(&mut previous, signed(&mut json))?;
        } else {
            return None;
        }
        if !json.literal(",") {
            break;
        }
    }
    let sides = has_bids.and(has_asks).map(|()| Sides::Listed)?;
    let exchange_time = time.and_then(|ms| i64::try_from(ms).ok()).and_then(Wall::from_millis);
    let good = json.literal("}]}") && json.bytes_left() == 0;
    good.then_some(Message { channel, symbol, action, exchange_time, checksum, sequence, previous, sides })
}

/// A whole number of up to 18 digits. Zero has no sign.
fn signed(json: &mut Json<'_>) -> Option<i64> {
    let negative = json.literal("-");
    let number = i64::try_from(json.plain_whole()?).ok()?;
    Some(if negative { -number } else { number })
}

/// Fills a slot, once and with something.
fn once<T>(slot: &mut Option<T>, value: Option<T>) -> Option<()> {
    slot.replace(value?).is_none().then_some(())
}
