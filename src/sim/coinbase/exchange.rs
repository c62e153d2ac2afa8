//! The Exchange face: flat messages without numbers, every answer the whole list of what is subscribed, zero in many
//! spellings, heartbeats by product.
//!
//! A snapshot has no time on the wire; a change rarely has that of the year 1.
//! Source: <https://docs.cdp.coinbase.com/exchange/websocket-feed/channels>

use super::{Dealt, best, price, products, size};
use crate::engine::event::Side;
use crate::sim::fault::{Extra, StreamFault};
use crate::sim::market::Change;
use crate::sim::market::ladder::Ladder;
use crate::sim::tongue::{Scene, Tongue, Wanted, micros};
use serde_json::{Value, json};
use std::fmt::Write;

/// As one recording has them.
/// Source: <https://github.com/bmoscon/cryptofeed/blob/master/sample_data/COINBASE.ws.28.0>
const ZEROS: [&str; 5] = ["0", "0.0", "0.00", "0.000000", "0.00000000"];
/// Every so many versions a change is of the year 1, which is no time.
/// Source: <https://github.com/tardis-dev/tardis-node/blob/master/src/mappers/coinbase.ts>
const DATELESS_EVERY: u64 = 509;
const NO_TIME: &str = "0001-01-01T00:00:00.000000Z";
/// What needs a key.
const KEYED: [&str; 3] = ["level2", "level3", "full"];

/// The channels, by the names they are asked for and those that answers list them by.
const NAMES: [(&str, &str); KINDS] =
    [("level2_batch", "level2_50"), ("matches", "matches"), ("ticker", "ticker"), ("heartbeat", "heartbeat")];
const KINDS: usize = 4;
const BOOK: usize = 0;
const MATCHES: usize = 1;
const TICKER: usize = 2;
const HEARTBEAT: usize = 3;

/// One connection.
#[derive(Debug)]
pub struct Exchange {
    /// In the order of [`NAMES`].
    wanted: [Wanted; KINDS],
    /// By symbol.
    last: Vec<Option<Dealt>>,
    zeros: usize,
}

impl Exchange {
    pub fn new(symbols: usize) -> Exchange {
        Exchange {
            wanted: std::array::from_fn(|_| Wanted::none(symbols)),
            last: vec![None; symbols],
            zeros: 0,
        }
    }

    /// Acts on a request, or says why none of it is done.
    fn request(&mut self, request: &Value, scene: Scene<'_>, out: &mut Vec<String>) -> Result<(), String> {
        let on = request["type"] == "subscribe";
        let channels = request["channels"].as_array().map(Vec::as_slice).unwrap_or_default();
        if channels.is_empty() {
            return Err("No channels provided".to_owned());
        }
        let mut asked = Vec::new();
        for channel in channels {
            let (name, names) = match channel {
                Value::String(name) => (name.as_str(), &request["product_ids"]),
                one => (one["name"].as_str().unwrap_or_default(), &one["product_ids"]),
            };
            if KEYED.contains(&name) {
                return Err(
                    "level2, level3, and full channels now require authentication. See the docs".to_owned()
                );
            }
            let kind = NAMES.iter().position(|(known, _)| *known == name);
            let kind = kind.ok_or_else(|| format!("{name} is not a valid channel"))?;
            let products = products(names, scene).map_err(|name| format!("{name} is not a valid product"))?;
            if products.is_empty() {
                return Err(" is not a valid product".to_owned());
            }
            asked.extend(products.into_iter().map(|symbol| (kind, symbol)));
        }
        asked.retain(|&(kind, symbol)| self.wanted[kind].set(symbol, on) != on);
        out.push(self.subscriptions(scene));
        for (kind, symbol) in asked.into_iter().filter(|_| on) {
            out.extend(self.first(kind, symbol, scene));
        }
        Ok(())
    }

    /// What a subscription begins with.
    fn first(&self, kind: usize, symbol: usize, scene: Scene<'_>) -> Option<String> {
        let (name, ladder) = (&scene.symbols[symbol], scene.ladder(symbol));
        match kind {
            BOOK => Some(whole(name, ladder)),
            MATCHES => Some(matched("last_match", name, ladder, self.last[symbol].as_ref()?)),
            TICKER => Some(ticker(name, ladder, self.last[symbol].as_ref()?)),
            _ => None,
        }
    }

    fn subscriptions(&self, scene: Scene<'_>) -> String {
        let mut channels = Vec::new();
        for ((_, name), wanted) in NAMES.iter().zip(&self.wanted) {
            let of = |symbol: &usize| wanted.has(*symbol);
            let products: Vec<&String> =
                (0..scene.symbols.len()).filter(of).map(|symbol| &scene.symbols[symbol]).collect();
            if !products.is_empty() {
                channels.push(json!({ "name": name, "product_ids": products, "account_ids": null }));
            }
        }
        // By hand: the type stands first.
        format!("{{\"type\":\"subscriptions\",\"channels\":{}}}", Value::Array(channels))
    }
}

impl Tongue for Exchange {
    fn said(&mut self, text: &str, scene: Scene<'_>, out: &mut Vec<String>) {
        let request = serde_json::from_str::<Value>(text).unwrap_or_default();
        let answer = match request["type"].as_str() {
            Some("subscribe" | "unsubscribe") => self.request(&request, scene, out),
            _ => return out.push(error("Malformed JSON", "")),
        };
        if let Err(reason) = answer {
            out.push(error("Failed to subscribe", &reason));
        }
    }

    fn takes_books(&self, symbol: usize) -> bool {
        self.wanted[BOOK].has(symbol)
    }

    fn book(&mut self, symbol: usize, change: &Change, scene: Scene<'_>) -> Option<String> {
        if !self.takes_books(symbol) {
            return None;
        }
        let (ladder, mut changes) = (scene.ladder(symbol), String::new());
        for &(side, at) in &change.touched {
            let comma = if changes.is_empty() { "" } else { "," };
            let word = if side == Side::Bid { "buy" } else { "sell" };
            let there = match ladder.size(side, at) {
                0 => {
                    self.zeros += 1;
                    ZEROS[self.zeros % ZEROS.len()].to_owned()
                }
                there => size(there, ladder.spec()),
            };
            // Writing to a String cannot fail.
            let _ = write!(changes, "{comma}[\"{word}\",\"{}\",\"{there}\"]", price(at, ladder.spec()));
        }
        let dated = !change.id.is_multiple_of(DATELESS_EVERY);
        let time = if dated { micros(change.time) } else { NO_TIME.to_owned() };
        Some(updated(&scene.symbols[symbol], &changes, &time))
    }

    fn others(&mut self, symbol: usize, change: &Change, scene: Scene<'_>, out: &mut Vec<String>) {
        let Some(dealt) = Dealt::of(change) else { return };
        self.last[symbol] = Some(dealt);
        let (name, ladder) = (&scene.symbols[symbol], scene.ladder(symbol));
        if self.wanted[MATCHES].has(symbol) {
            out.push(matched("match", name, ladder, &dealt));
        }
        if self.wanted[TICKER].has(symbol) {
            out.push(ticker(name, ladder, &dealt));
        }
    }

    fn beat(&mut self, scene: Scene<'_>, out: &mut Vec<String>) {
        let time = micros(scene.now);
        for symbol in (0..scene.symbols.len()).filter(|&symbol| self.wanted[HEARTBEAT].has(symbol)) {
            let (sequence, last) =
                self.last[symbol].map_or((0, 0), |dealt| (sequence(&dealt), dealt.deal.id));
            out.push(format!(
                "{{\"type\":\"heartbeat\",\"sequence\":{sequence},\"last_trade_id\":{last},\"product_id\":\"{}\",\
                 \"time\":\"{time}\"}}",
                scene.symbols[symbol],
            ));
        }
    }

    /// There is nothing to tell by.
    fn shows(&self, fault: StreamFault) -> bool {
        !matches!(fault, StreamFault::Gap | StreamFault::Duplicate | StreamFault::Late | StreamFault::Reorder)
    }

    fn stranger(&mut self, extra: Extra, scene: Scene<'_>) -> String {
        match extra {
            Extra::UnknownSymbol => updated("NOWHERE-USD", "[\"buy\",\"1.00\",\"1\"]", &micros(scene.now)),
            _ => "{\"type\":\"mystery\",\"product_id\":\"BTC-USD\",\"sequence\":[]}".to_owned(),
        }
    }
}

fn error(message: &str, reason: &str) -> String {
    format!("{{\"type\":\"error\",\"message\":{},\"reason\":{}}}", json!(message), json!(reason))
}

fn whole(name: &str, ladder: &Ladder) -> String {
    let side = |side| {
        let level =
            |(at, there)| format!("[\"{}\",\"{}\"]", price(at, ladder.spec()), size(there, ladder.spec()));
        ladder.levels(side).map(level).collect::<Vec<String>>().join(",")
    };
    format!(
        "{{\"type\":\"snapshot\",\"product_id\":\"{name}\",\"asks\":[{}],\"bids\":[{}]}}",
        side(Side::Ask),
        side(Side::Bid)
    )
}

fn updated(name: &str, changes: &str, time: &str) -> String {
    format!("{{\"type\":\"l2update\",\"product_id\":\"{name}\",\"changes\":[{changes}],\"time\":\"{time}\"}}")
}

/// A product's sequence counts all that happens to its orders: on any one channel it has holes.
fn sequence(dealt: &Dealt) -> u64 {
    dealt.id * 7
}

fn matched(kind: &str, name: &str, ladder: &Ladder, dealt: &Dealt) -> String {
    let order = |of: u64| format!("{:08x}-c01e-4608-be59-{:012x}", dealt.id & 0xFFFF_FFFF, of);
    format!(
        "{{\"type\":\"{kind}\",\"trade_id\":{},\"maker_order_id\":\"{}\",\"taker_order_id\":\"{}\",\"side\":\"{}\",\
         \"size\":\"{}\",\"price\":\"{}\",\"product_id\":\"{name}\",\"sequence\":{},\"time\":\"{}\"}}",
        dealt.deal.id,
        order(2 * dealt.deal.id),
        order(2 * dealt.deal.id + 1),
        dealt.maker("buy", "sell"),
        dealt.size(ladder.spec()),
        dealt.price(ladder.spec()),
        sequence(dealt),
        micros(dealt.time),
    )
}

/// The side of a ticker is the taker's.
fn ticker(name: &str, ladder: &Ladder, dealt: &Dealt) -> String {
    let [bid, bid_size, ask, ask_size] = best(ladder);
    let (last, last_size) = (dealt.price(ladder.spec()), dealt.size(ladder.spec()));
    format!(
        "{{\"type\":\"ticker\",\"sequence\":{},\"product_id\":\"{name}\",\"price\":\"{last}\",\"open_24h\":\"{last}\",\
         \"volume_24h\":\"42492.05081975\",\"low_24h\":\"{last}\",\"high_24h\":\"{last}\",\
         \"volume_30d\":\"1093827.95195495\",\"best_bid\":\"{bid}\",\"best_bid_size\":\"{bid_size}\",\
         \"best_ask\":\"{ask}\",\"best_ask_size\":\"{ask_size}\",\"side\":\"{}\",\"time\":\"{}\",\"trade_id\":{},\
         \"last_size\":\"{last_size}\"}}",
        sequence(dealt),
        dealt.maker("sell", "buy"),
        micros(dealt.time),
        dealt.deal.id,
    )
}

#[cfg(test)]
mod tests;
