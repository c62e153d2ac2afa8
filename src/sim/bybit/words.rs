//! The texts of books and trades, as each class of products words them.

use super::{Product, QUOTE};
use crate::engine::event::TakerSide;
use crate::engine::time::Wall;
use crate::sim::market::Deal;
use crate::sim::market::ladder::Ladder;
use crate::sim::market::number::{self, Spelling};
use crate::sim::market::spec::Spec;
use crate::sim::tongue::millis;
use std::fmt::Write;

/// What a message of a book's topic says.
pub struct Data {
    pub bids: String,
    pub asks: String,
    /// The number within the topic.
    pub update: u64,
    /// The market's own.
    pub version: u64,
    pub time: Wall,
}

/// A message of the topic of a book.
pub fn message(product: Product, depth: &str, name: &str, kind: &str, data: &Data, now: Wall) -> String {
    let Data { bids, asks, update, version, time } = data;
    let (sent, matched) = (millis(now), millis(*time));
    // Spot, and the single level of every class, say the time before the type.
    let head = if product == Product::Spot || depth == QUOTE {
        format!("\"ts\":{sent},\"type\":\"{kind}\"")
    } else {
        format!("\"type\":\"{kind}\",\"ts\":{sent}")
    };
    format!(
        "{{\"topic\":\"orderbook.{depth}.{name}\",{head},\"data\":{{\"s\":\"{name}\",\"b\":{bids},\"a\":{asks},\
         \"u\":{update},\"seq\":{}}},\"cts\":{matched}}}",
        cross(*version),
    )
}

pub fn trade(product: Product, name: &str, ladder: &Ladder, deal: &Deal, now: Wall) -> String {
    let (spec, side) = (ladder.spec(), if deal.taker == TakerSide::Sell { "Sell" } else { "Buy" });
    let (price, size) = (price(spec, deal.price), size(spec, deal.size));
    let (sent, matched, seq) = (millis(now), millis(ladder.time()), cross(ladder.id()));
    let id = deal.id;
    let data = match product {
        Product::Spot => format!(
            "{{\"i\":\"{}\",\"T\":{matched},\"p\":\"{price}\",\"v\":\"{size}\",\"S\":\"{side}\",\"s\":\"{name}\",\
             \"BT\":false,\"RPI\":false,\"seq\":{seq}}}",
            2_290_000_000_000_000_000 + id,
        ),
        Product::Linear | Product::Inverse => format!(
            "{{\"T\":{matched},\"s\":\"{name}\",\"S\":\"{side}\",\"v\":\"{size}\",\"p\":\"{price}\",\
             \"L\":\"PlusTick\",\"i\":\"20f43950-d8dd-5b31-9112-{id:012x}\",\"BT\":false,\"seq\":{seq}}}"
        ),
    };
    format!("{{\"topic\":\"publicTrade.{name}\",\"type\":\"snapshot\",\"ts\":{sent},\"data\":[{data}]}}")
}

/// The venue's count over all books: it grows with the version, over all depths of a symbol, with holes and repetitions.
pub const fn cross(version: u64) -> u64 {
    version / 2 * 7
}

/// `[["price","size"],…]`; size 0 deletes.
pub fn list(spec: &Spec, levels: impl Iterator<Item = (i64, i64)>) -> String {
    let mut out = String::from("[");
    for (at, units) in levels {
        // Writing to a String cannot fail.
        let comma = if out.len() > 1 { "," } else { "" };
        let _ = write!(out, "{comma}[\"{}\",\"{}\"]", price(spec, at), size(spec, units));
    }
    out.push(']');
    out
}

/// As many decimals as the tick has.
fn price(spec: &Spec, units: i64) -> String {
    number::text(units, spec.price_scale, Spelling::Padded(spec.price_scale))
}

fn size(spec: &Spec, units: i64) -> String {
    number::text(units, spec.size_scale, Spelling::Short)
}
