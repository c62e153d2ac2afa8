//! The Hyperliquid face: a greeting that is no JSON, books complete in every message and never deeper than twenty levels,
//! best levels as they change, trades as lists, nothing numbered.
//!
//! Source: <https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/websocket/subscriptions>

use crate::engine::event::{Side, TakerSide};
use crate::engine::time::Wall;
use crate::sim::fault::{Extra, StreamFault};
use crate::sim::market::ladder::Ladder;
use crate::sim::market::number::{self, Spelling};
use crate::sim::market::{Change, Deal};
use crate::sim::tongue::{Scene, Tongue, Wanted, millis};
use serde_json::{Value, json};
use std::collections::VecDeque;

/// Levels a side.
const DEPTH: usize = 20;
/// Trades that a subscription begins with, as far as there were any.
const RECENT_MAX: usize = 5;
/// Trades are numbered by hashes of fifty bits.
const HASH_MASK: u64 = (1 << 50) - 1;

const BOOK: usize = 0;
const BEST: usize = 1;
const TRADES: usize = 2;
/// The types of subscriptions, in that order.
const TYPES: [&str; 3] = ["l2Book", "bbo", "trades"];

/// One connection.
#[derive(Debug)]
pub struct Hyperliquid {
    /// In the order of [`TYPES`].
    wanted: [Wanted; 3],
    /// By symbol, newest last.
    recent: Vec<VecDeque<(Deal, Wall)>>,
}

impl Hyperliquid {
    pub fn new(symbols: usize) -> Hyperliquid {
        Hyperliquid {
            wanted: std::array::from_fn(|_| Wanted::none(symbols)),
            recent: vec![VecDeque::new(); symbols],
        }
    }

    /// Enters or leaves one subscription; what it cannot do is said with the subscription it is about.
    fn set(
        &mut self,
        subscription: &Value,
        on: bool,
        scene: Scene<'_>,
        out: &mut Vec<String>,
    ) -> Result<(), String> {
        let text = |name: &str| subscription[name].as_str().unwrap_or_default();
        let kind = TYPES.iter().position(|one| *one == text("type"));
        let Some((kind, symbol)) = kind.zip(scene.symbol(text("coin"))) else {
            return Err(format!("Invalid subscription {subscription}"));
        };
        if self.wanted[kind].set(symbol, on) == on {
            let word = if on { "Already subscribed" } else { "Already unsubscribed" };
            return Err(format!("{word}: {subscription}"));
        }
        let mut echo = subscription.clone();
        if kind == BOOK {
            // Options that were left out come back as what they stand for.
            for option in ["nSigFigs", "mantissa"] {
                echo[option] = subscription[option].clone();
            }
        }
        let method = if on { "subscribe" } else { "unsubscribe" };
        out.push(message(
            "subscriptionResponse",
            &json!({ "method": method, "subscription": echo }).to_string(),
        ));
        if on {
            let (name, ladder) = (&scene.symbols[symbol], scene.ladder(symbol));
            match kind {
                BOOK => out.push(book(name, ladder)),
                BEST => out.push(best(name, ladder)),
                _ if self.recent[symbol].is_empty() => {}
                _ => out.push(trades(name, ladder, self.recent[symbol].make_contiguous())),
            }
        }
        Ok(())
    }
}

impl Tongue for Hyperliquid {
    fn greeting(&mut self, _scene: Scene<'_>, out: &mut Vec<String>) {
        out.push("Websocket connection established.".to_owned());
    }

    fn said(&mut self, text: &str, scene: Scene<'_>, out: &mut Vec<String>) {
        let request = serde_json::from_str::<Value>(text).unwrap_or_default();
        let done = match request["method"].as_str() {
            Some("subscribe") => self.set(&request["subscription"], true, scene, out),
            Some("unsubscribe") => self.set(&request["subscription"], false, scene, out),
            Some("ping") => return out.push("{\"channel\":\"pong\"}".to_owned()),
            _ => Err(format!("Error parsing JSON into valid websocket request: {text}")),
        };
        if let Err(what) = done {
            out.push(message("error", &json!(what).to_string()));
        }
    }

    fn takes_books(&self, symbol: usize) -> bool {
        self.wanted[BOOK].has(symbol)
    }

    fn book(&mut self, symbol: usize, _change: &Change, scene: Scene<'_>) -> Option<String> {
        self.takes_books(symbol).then(|| book(&scene.symbols[symbol], scene.ladder(symbol)))
    }

    fn others(&mut self, symbol: usize, change: &Change, scene: Scene<'_>, out: &mut Vec<String>) {
        let (name, ladder) = (&scene.symbols[symbol], scene.ladder(symbol));
        if self.wanted[BEST].has(symbol) && change.top_changed {
            out.push(best(name, ladder));
        }
        if let Some(deal) = change.trade {
            let recent = &mut self.recent[symbol];
            recent.push_back((deal, change.time));
            if recent.len() > RECENT_MAX {
                recent.pop_front();
            }
            if self.wanted[TRADES].has(symbol) {
                out.push(trades(name, ladder, &[(deal, change.time)]));
            }
        }
    }

    /// There is nothing to tell by, and nothing lost that the next message does not bring.
    fn shows(&self, fault: StreamFault) -> bool {
        !matches!(fault, StreamFault::Gap | StreamFault::Duplicate | StreamFault::Late | StreamFault::Reorder)
    }

    fn stranger(&mut self, extra: Extra, scene: Scene<'_>) -> String {
        match extra {
            Extra::UnknownSymbol => {
                let levels =
                    "[[{\"px\":\"1.0\",\"sz\":\"1\",\"n\":1}],[{\"px\":\"2.0\",\"sz\":\"1\",\"n\":1}]]";
                message("l2Book", &book_data("NOWHERE", scene.now, levels))
            }
            _ => message("mystery", "[{\"coin\":\"BTC\"}]"),
        }
    }
}

fn message(channel: &str, data: &str) -> String {
    format!("{{\"channel\":\"{channel}\",\"data\":{data}}}")
}

fn level(ladder: &Ladder, (price, size): (i64, i64)) -> String {
    let spec = ladder.spec();
    format!(
        "{{\"px\":\"{}\",\"sz\":\"{}\",\"n\":{}}}",
        number::text(price, spec.price_scale, Spelling::Padded(1)),
        number::text(size, spec.size_scale, Spelling::Short),
        1 + size % 17,
    )
}

fn book(name: &str, ladder: &Ladder) -> String {
    let side = |side| {
        let levels = ladder.levels(side).take(DEPTH).map(|one| level(ladder, one));
        levels.collect::<Vec<String>>().join(",")
    };
    let levels = format!("[[{}],[{}]]", side(Side::Bid), side(Side::Ask));
    message("l2Book", &book_data(name, ladder.time(), &levels))
}

fn book_data(name: &str, time: Wall, levels: &str) -> String {
    format!("{{\"coin\":\"{name}\",\"time\":{},\"levels\":{levels}}}", millis(time))
}

fn best(name: &str, ladder: &Ladder) -> String {
    let side = |side| ladder.best(side).map_or("null".to_owned(), |one| level(ladder, one));
    let (bid, ask) = (side(Side::Bid), side(Side::Ask));
    let data = format!("{{\"coin\":\"{name}\",\"time\":{},\"bbo\":[{bid},{ask}]}}", millis(ladder.time()));
    message("bbo", &data)
}

/// Oldest first.
fn trades(name: &str, ladder: &Ladder, deals: &[(Deal, Wall)]) -> String {
    let spec = ladder.spec();
    let one = |(deal, time): &(Deal, Wall)| {
        let hash = deal.id.wrapping_mul(0x9E37_79B9_7F4A_7C15) & HASH_MASK;
        // Documented as a number, recorded as a text too.
        let quote = if deal.id.is_multiple_of(2) { "\"" } else { "" };
        format!(
            "{{\"coin\":\"{name}\",\"side\":\"{}\",\"px\":\"{}\",\"sz\":\"{}\",\"time\":{},\"hash\":\"0x{hash:064x}\",\
             \"tid\":{quote}{hash}{quote},\"users\":[\"0x{:040x}\",\"0x{:040x}\"]}}",
            if deal.taker == TakerSide::Sell { "A" } else { "B" },
            number::text(deal.price, spec.price_scale, Spelling::Padded(1)),
            number::text(deal.size, spec.size_scale, Spelling::Short),
            millis(*time),
            deal.id,
            deal.id + 1,
        )
    };
    let list: Vec<String> = deals.iter().map(one).collect();
    message("trades", &format!("[{}]", list.join(",")))
}

#[cfg(test)]
mod tests;
