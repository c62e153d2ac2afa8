//! The call for a whole book, and its answers.
//!
//! Source: <https://bybit-exchange.github.io/docs/v5/market/full-ob>

use super::words::{cross, list};
use crate::engine::event::Side;
use crate::sim::market::ladder::{Frozen, Ladder};
use crate::sim::net::http::Head;
use crate::sim::tongue::millis;
use serde_json::json;

/// The most levels a side of an answer.
const LEVELS: usize = 10_000;

/// The symbol and the levels a side of a call for a book.
pub fn call(head: &Head) -> Option<(String, usize)> {
    let is_book = head.path == "/v5/market/full_orderbook" && head.param("category") == Some("spot");
    let symbol = head.param("symbol").filter(|_| is_book)?;
    Some((symbol.to_owned(), LEVELS))
}

/// The book of one version; `crossed` puts a bid above the best ask.
pub fn body(ladder: &Ladder, frozen: &Frozen, name: &str, levels: usize, crossed: bool) -> String {
    let spec = ladder.spec();
    let above = frozen.levels(Side::Ask).next().map(|(ask, size)| (ask + spec.tick, size));
    let bids = above.filter(|_| crossed).into_iter().chain(frozen.levels(Side::Bid)).take(levels);
    let asks = list(spec, frozen.levels(Side::Ask).take(levels));
    let time = millis(frozen.time);
    format!(
        "{{\"retCode\":0,\"retMsg\":\"OK\",\"result\":{{\"s\":\"{name}\",\"b\":{},\"a\":{asks},\"ts\":{time},\"u\":{},\
         \"seq\":{},\"cts\":{time}}},\"retExtInfo\":{{}},\"time\":{time}}}",
        list(spec, bids),
        frozen.id,
        cross(frozen.id),
    )
}

/// What a call gets that has no answer.
/// Source: <https://bybit-exchange.github.io/docs/v5/error>
pub fn error(code: u32, message: &str) -> String {
    json!({"retCode": code, "retMsg": message, "result": {}, "retExtInfo": {}}).to_string()
}
