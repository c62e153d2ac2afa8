//! What Kraken sends, as text.
//!
//! Source: <https://docs.kraken.com/exchange/api-reference/spot-websocket-v2/book> and .../ticker, .../trade, .../instrument,
//! .../status

use crate::engine::event::{Side, TakerSide};
use crate::engine::time::Wall;
use crate::sim::market::ladder::Ladder;
use crate::sim::market::number::{self, Spelling};
use crate::sim::market::{Change, Deal};
use crate::sim::tongue::{Scene, micros};
use serde_json::Value;
use std::fmt::Write;

/// Levels a side that are summed up.
const SUMMED: usize = 10;

/// Every so many changes name one level twice, as the venue may; what comes last counts.
const TWICE_EVERY: u64 = 16;

/// An answer, with the number of its request.
pub fn answer(mut said: Value, id: &Value, now: Wall) -> String {
    if id.is_i64() || id.is_u64() {
        said["req_id"] = id.clone();
    }
    said["time_in"] = micros(now).into();
    said["time_out"] = micros(now).into();
    said.to_string()
}

pub fn status(system: &str) -> String {
    // The number of a connection is more than a double holds.
    format!(
        "{{\"channel\":\"status\",\"type\":\"update\",\"data\":[{{\"version\":\"2.0.10\",\"system\":\"{system}\",\
         \"api_version\":\"v2\",\"connection_id\":17430426584990700001,\"upcoming_maintenance\":[],\"emergency\":[]}}]}}"
    )
}

/// The best levels of a book.
pub fn whole(name: &str, ladder: &Ladder, depth: usize) -> String {
    let side = |side| {
        let levels: Vec<(i64, i64)> = ladder.levels(side).take(depth).collect();
        list(ladder, &levels, Spelling::Short)
    };
    book("snapshot", name, &side(Side::Bid), &side(Side::Ask), sum(ladder), ladder.time())
}

pub fn changed(
    name: &str,
    ladder: &Ladder,
    change: &Change,
    bids: &[(i64, i64)],
    asks: &[(i64, i64)],
) -> String {
    let twice = change.id.is_multiple_of(TWICE_EVERY);
    let side = |levels: &[(i64, i64)]| {
        let mut levels = levels.to_vec();
        // As recorded: what goes, and then what takes its place.
        levels.sort_by_key(|(_, size)| *size != 0);
        if let Some(&(price, size)) = levels.first().filter(|_| twice) {
            levels.insert(0, (price, size + 1));
        }
        list(ladder, &levels, Spelling::Padded(ladder.spec().price_scale))
    };
    book("update", name, &side(bids), &side(asks), sum(ladder), change.time)
}

/// A good book message of a pair that nobody asked for.
pub fn nowhere(now: Wall) -> String {
    book("update", "NOWHERE/USD", "[{\"price\":1.5,\"qty\":2.0}]", "[]", 7, now)
}

fn book(kind: &str, name: &str, bids: &str, asks: &str, sum: u32, time: Wall) -> String {
    format!(
        "{{\"channel\":\"book\",\"type\":\"{kind}\",\"data\":[{{\"symbol\":\"{name}\",\"bids\":{bids},\"asks\":{asks},\
         \"checksum\":{sum},\"timestamp\":\"{}\"}}]}}",
        micros(time)
    )
}

pub fn quote(kind: &str, name: &str, ladder: &Ladder) -> Option<String> {
    let ((bid, bid_size), (ask, ask_size)) = (ladder.best(Side::Bid)?, ladder.best(Side::Ask)?);
    let (price, size) = writers(ladder);
    Some(format!(
        "{{\"channel\":\"ticker\",\"type\":\"{kind}\",\"data\":[{{\"symbol\":\"{name}\",\"bid\":{bid},\"bid_qty\":{},\
         \"ask\":{},\"ask_qty\":{},\"last\":{bid},\"volume\":1020.88391276,\"vwap\":{bid},\"low\":{bid},\"high\":{bid},\
         \"change\":0.7,\"change_pct\":0,\"trades\":47536,\"timestamp\":\"{}\"}}]}}",
        size(bid_size),
        price(ask),
        size(ask_size),
        micros(ladder.time()),
        bid = price(bid),
    ))
}

pub fn trade(name: &str, ladder: &Ladder, deal: &Deal) -> String {
    let (price, size) = writers(ladder);
    let side = if deal.taker == TakerSide::Sell { "sell" } else { "buy" };
    format!(
        "{{\"channel\":\"trade\",\"type\":\"update\",\"data\":[{{\"symbol\":\"{name}\",\"side\":\"{side}\",\"price\":{},\
         \"qty\":{},\"ord_type\":\"limit\",\"trade_id\":{},\"timestamp\":\"{}\"}}]}}",
        price(deal.price),
        size(deal.size),
        deal.id,
        micros(ladder.time()),
    )
}

/// What is listed, with the decimals that sums are made of.
pub fn instruments(scene: Scene<'_>) -> String {
    let mut pairs = String::new();
    for (instrument, name) in scene.market.instruments.iter().zip(scene.symbols) {
        let (spec, (price, size)) = (instrument.spec(), writers(&instrument.ladder));
        // Writing to a String cannot fail.
        let _ = write!(
            pairs,
            "{}{{\"symbol\":\"{name}\",\"base\":\"{}\",\"quote\":\"{}\",\"status\":\"online\",\"qty_precision\":{},\
             \"qty_increment\":{},\"qty_min\":{},\"price_precision\":{},\"price_increment\":{},\"cost_precision\":5,\
             \"marginable\":false,\"has_index\":true}}",
            if pairs.is_empty() { "" } else { "," },
            spec.base,
            spec.quote,
            spec.size_scale,
            size(1),
            size(1),
            spec.price_scale,
            price(spec.tick),
        );
    }
    let assets = "[{\"id\":\"USD\",\"status\":\"enabled\",\"precision\":4}]";
    format!(
        "{{\"channel\":\"instrument\",\"type\":\"snapshot\",\"data\":{{\"assets\":{assets},\"pairs\":[{pairs}]}}}}"
    )
}

/// The best asks and then the best bids, each as its price and its size without the point and without zeros before: which
/// is the whole number of units that the market counts in.
/// Source: <https://docs.kraken.com/exchange/guides/websockets/book-checksum-v2.md>
fn sum(ladder: &Ladder) -> u32 {
    let mut text = String::new();
    for side in [Side::Ask, Side::Bid] {
        for (price, size) in ladder.levels(side).take(SUMMED) {
            // Writing to a String cannot fail.
            let _ = write!(text, "{price}{size}");
        }
    }
    crc32fast::hash(text.as_bytes())
}

/// The same book message with a sum that is not the book's.
pub fn with_wrong_sum(text: &str) -> String {
    const MARK: &str = "\"checksum\":";
    let Some((head, tail)) = text.split_once(MARK) else { return text.to_owned() };
    let digits = tail.bytes().take_while(u8::is_ascii_digit).count();
    let sum: u32 = tail[..digits].parse().unwrap_or(0);
    format!("{head}{MARK}{}{}", sum ^ 1, &tail[digits..])
}

/// `[{"price":…,"qty":…},…]`; sizes with as many decimals as the pair has, and 0 for a level that is gone.
fn list(ladder: &Ladder, levels: &[(i64, i64)], prices: Spelling) -> String {
    let spec = ladder.spec();
    let mut out = String::from("[");
    for &(price, size) in levels {
        out.push_str(if out.len() > 1 { ",{\"price\":" } else { "{\"price\":" });
        number::write(&mut out, price, spec.price_scale, prices);
        out.push_str(",\"qty\":");
        match size {
            0 => out.push('0'),
            _ => number::write(&mut out, size, spec.size_scale, Spelling::Padded(spec.size_scale)),
        }
        out.push('}');
    }
    out.push(']');
    out
}

/// What writes a price, and what writes a size.
fn writers(ladder: &Ladder) -> (impl Fn(i64) -> String, impl Fn(i64) -> String) {
    let writer = |scale| move |units| number::text(units, scale, Spelling::Short);
    (writer(ladder.spec().price_scale), writer(ladder.spec().size_scale))
}
