//! The Advanced Trade face: every frame of a connection numbered from 0, answers and heartbeats too; the data that a
//! subscription begins with comes before its answer.
//!
//! Books come whole, then change by change; trades in batches of a quarter of a second; tickers with each trade.
//! Source: <https://docs.cdp.coinbase.com/coinbase-app/advanced-trade-apis/websocket/websocket-channels>

use super::{Dealt, best, price, products, size};
use crate::engine::event::Side;
use crate::engine::time::Wall;
use crate::sim::fault::{Extra, StreamFault};
use crate::sim::market::Change;
use crate::sim::market::ladder::Ladder;
use crate::sim::market::number::{self, Spelling};
use crate::sim::tongue::{Scene, Tongue, Wanted, micros};
use serde_json::{Map, Value, json};
use std::collections::VecDeque;
use std::fmt::Write;

/// Trades are gathered for so long.
const BATCH_NANOS: i64 = 250_000_000;
/// Trades that a subscription begins with, as far as there were any.
const RECENT_MAX: usize = 5;
/// The time of a level that nobody has touched since the engine began.
const NEVER: &str = "1970-01-01T00:00:00Z";

/// What a subscription is to, by the names it is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Book,
    Ticker,
    Trades,
    Heartbeats,
}

const KINDS: [(&str, Kind); 4] = [
    ("level2", Kind::Book),
    ("ticker", Kind::Ticker),
    ("market_trades", Kind::Trades),
    ("heartbeats", Kind::Heartbeats),
];

/// One connection.
#[derive(Debug)]
pub struct Advanced {
    /// The number of the next frame.
    next: u64,
    books: Wanted,
    tickers: Wanted,
    trades: Wanted,
    heartbeats: bool,
    beats: u64,
    /// By symbol, newest last.
    recent: Vec<VecDeque<Dealt>>,
    /// What waits for the next batch, oldest first.
    pending: Vec<(usize, Dealt)>,
    pending_since: Wall,
}

impl Advanced {
    pub fn new(symbols: usize) -> Advanced {
        Advanced {
            next: 0,
            books: Wanted::none(symbols),
            tickers: Wanted::none(symbols),
            trades: Wanted::none(symbols),
            heartbeats: false,
            beats: 0,
            recent: vec![VecDeque::new(); symbols],
            pending: Vec::new(),
            pending_since: Wall::from_nanos(0),
        }
    }

    /// The next frame of the connection.
    fn frame(&mut self, channel: &str, time: Wall, events: &str) -> String {
        let number = self.next;
        self.next += 1;
        format!(
            "{{\"channel\":\"{channel}\",\"client_id\":\"\",\"timestamp\":\"{time}\",\"sequence_num\":{number},\
             \"events\":[{events}]}}"
        )
    }

    /// Acts on a request. What it brings is sent before it is answered, and what is refused has no effect at all.
    fn request(&mut self, request: &Value, scene: Scene<'_>, out: &mut Vec<String>) -> Result<(), String> {
        let on = match request["type"].as_str() {
            Some("subscribe") => true,
            Some("unsubscribe") => false,
            _ => return Err("malformed message: unknown type".to_owned()),
        };
        let channel = request["channel"].as_str().unwrap_or_default();
        let (_, kind) = *KINDS
            .iter()
            .find(|(name, _)| *name == channel)
            .ok_or_else(|| format!("{channel} is not a valid channel"))?;
        // Without products it is about all of them.
        let named = match &request["product_ids"] {
            Value::Null => (0..scene.symbols.len()).collect(),
            names => products(names, scene).map_err(|name| format!("{name} is not a valid product"))?,
        };
        for symbol in named {
            if self.set(kind, symbol, on) && on {
                out.extend(self.first(kind, symbol, scene));
            }
        }
        let set = self.subscriptions(scene);
        out.push(self.frame("subscriptions", scene.now, &json!({ "subscriptions": set }).to_string()));
        Ok(())
    }

    /// True when it was otherwise before.
    fn set(&mut self, kind: Kind, symbol: usize, on: bool) -> bool {
        let was = match kind {
            Kind::Book => self.books.set(symbol, on),
            Kind::Ticker => self.tickers.set(symbol, on),
            Kind::Trades => self.trades.set(symbol, on),
            Kind::Heartbeats => std::mem::replace(&mut self.heartbeats, on),
        };
        was != on
    }

    /// What a subscription begins with.
    fn first(&mut self, kind: Kind, symbol: usize, scene: Scene<'_>) -> Option<String> {
        Some(match kind {
            Kind::Book => {
                let (ladder, name) = (scene.ladder(symbol), &scene.symbols[symbol]);
                // Books of either kind are seen: each level with the time of the newest change, or with no time at all
                // in a frame that has it.
                let is_dated = symbol % 2 == 1;
                let time = if is_dated { micros(ladder.time()) } else { NEVER.to_owned() };
                let event = whole(name, ladder, &time);
                self.frame("l2_data", if is_dated { scene.now } else { ladder.time() }, &event)
            }
            Kind::Ticker => self.ticker("snapshot", symbol, scene)?,
            Kind::Trades if self.recent[symbol].is_empty() => return None,
            Kind::Trades => {
                let newest_first: Vec<Dealt> = self.recent[symbol].iter().rev().copied().collect();
                let event = trades_event("snapshot", symbol, &newest_first, scene);
                self.frame("market_trades", scene.now, &event)
            }
            Kind::Heartbeats => return None,
        })
    }

    /// Everything that is subscribed.
    fn subscriptions(&self, scene: Scene<'_>) -> Map<String, Value> {
        let mut set = Map::new();
        for (name, kind) in KINDS {
            let wanted = match kind {
                Kind::Book => &self.books,
                Kind::Ticker => &self.tickers,
                Kind::Trades => &self.trades,
                Kind::Heartbeats if self.heartbeats => {
                    set.insert(name.to_owned(), json!([name]));
                    continue;
                }
                Kind::Heartbeats => continue,
            };
            let of = |symbol: &usize| wanted.has(*symbol);
            let names: Vec<&String> =
                (0..scene.symbols.len()).filter(of).map(|symbol| &scene.symbols[symbol]).collect();
            if !names.is_empty() {
                set.insert(name.to_owned(), json!(names));
            }
        }
        set
    }

    /// A ticker goes with a trade: without one there is nothing to tell.
    fn ticker(&mut self, kind: &str, symbol: usize, scene: Scene<'_>) -> Option<String> {
        let ladder = scene.ladder(symbol);
        let last = self.recent[symbol].back()?.price(ladder.spec());
        let [bid, bid_size, ask, ask_size] = best(ladder);
        let event = format!(
            "{{\"type\":\"{kind}\",\"tickers\":[{{\"type\":\"ticker\",\"product_id\":\"{}\",\"price\":\"{last}\",\
             \"volume_24_h\":\"6629.927726\",\"low_24_h\":\"{last}\",\"high_24_h\":\"{last}\",\"low_52_w\":\"{last}\",\
             \"high_52_w\":\"{last}\",\"price_percent_chg_24_h\":\"0.03813791548644\",\"best_bid\":\"{bid}\",\
             \"best_ask\":\"{ask}\",\"best_bid_quantity\":\"{bid_size}\",\"best_ask_quantity\":\"{ask_size}\"}}]}}",
            scene.symbols[symbol],
        );
        Some(self.frame("ticker", scene.now, &event))
    }

    /// The batch of trades that is due, in one frame: an event a product, the newest first.
    fn batch(&mut self, scene: Scene<'_>) -> Option<String> {
        if self.pending.is_empty() || scene.now.nanos() - self.pending_since.nanos() < BATCH_NANOS {
            return None;
        }
        let pending = std::mem::take(&mut self.pending);
        let mut events = Vec::new();
        for symbol in (0..scene.symbols.len()).filter(|&symbol| self.trades.has(symbol)) {
            let of = pending.iter().rev().filter(|(of, _)| *of == symbol);
            let newest_first: Vec<Dealt> = of.map(|(_, dealt)| *dealt).collect();
            if !newest_first.is_empty() {
                events.push(trades_event("update", symbol, &newest_first, scene));
            }
        }
        (!events.is_empty()).then(|| self.frame("market_trades", scene.now, &events.join(",")))
    }
}

impl Tongue for Advanced {
    fn said(&mut self, text: &str, scene: Scene<'_>, out: &mut Vec<String>) {
        let request = serde_json::from_str::<Value>(text).unwrap_or_default();
        if let Err(message) = self.request(&request, scene, out) {
            // Errors alone carry no number.
            out.push(json!({ "type": "error", "message": message }).to_string());
        }
    }

    fn takes_books(&self, symbol: usize) -> bool {
        self.books.has(symbol)
    }

    fn book(&mut self, symbol: usize, change: &Change, scene: Scene<'_>) -> Option<String> {
        if !self.books.has(symbol) {
            return None;
        }
        let event = changed(&scene.symbols[symbol], scene.ladder(symbol), change);
        Some(self.frame("l2_data", scene.now, &event))
    }

    fn others(&mut self, symbol: usize, change: &Change, scene: Scene<'_>, out: &mut Vec<String>) {
        if let Some(dealt) = Dealt::of(change) {
            let recent = &mut self.recent[symbol];
            recent.push_back(dealt);
            if recent.len() > RECENT_MAX {
                recent.pop_front();
            }
            if self.trades.has(symbol) {
                if self.pending.is_empty() {
                    self.pending_since = scene.now;
                }
                self.pending.push((symbol, dealt));
            }
            if self.tickers.has(symbol) {
                out.extend(self.ticker("update", symbol, scene));
            }
        }
        out.extend(self.batch(scene));
    }

    fn beat(&mut self, scene: Scene<'_>, out: &mut Vec<String>) {
        out.extend(self.batch(scene));
        if self.heartbeats {
            self.beats += 1;
            let day_and_time = scene.now.to_string().replace('T', " ").replace('Z', "");
            let event = format!(
                "{{\"current_time\":\"{day_and_time} +0000 UTC m=+91717.525857105\",\"heartbeat_counter\":{}}}",
                self.beats
            );
            out.push(self.frame("heartbeats", scene.now, &event));
        }
    }

    /// The count shows what is missing and what came before.
    fn shows(&self, _fault: StreamFault) -> bool {
        true
    }

    fn stranger(&mut self, extra: Extra, scene: Scene<'_>) -> String {
        match extra {
            Extra::UnknownSymbol => {
                let level = update("bid", &micros(scene.now), "1.00", "1");
                let event =
                    format!("{{\"type\":\"update\",\"product_id\":\"NOWHERE-USD\",\"updates\":[{level}]}}");
                self.frame("l2_data", scene.now, &event)
            }
            _ => self.frame("mystery", scene.now, "{\"type\":\"snapshot\",\"mysteries\":[]}"),
        }
    }
}

fn whole(name: &str, ladder: &Ladder, time: &str) -> String {
    let mut updates = String::new();
    for (side, word) in [(Side::Bid, "bid"), (Side::Ask, "offer")] {
        for (at, there) in ladder.levels(side) {
            let comma = if updates.is_empty() { "" } else { "," };
            let one = update(word, time, &price(at, ladder.spec()), &size(there, ladder.spec()));
            // Writing to a String cannot fail.
            let _ = write!(updates, "{comma}{one}");
        }
    }
    format!("{{\"type\":\"snapshot\",\"product_id\":\"{name}\",\"updates\":[{updates}]}}")
}

fn changed(name: &str, ladder: &Ladder, change: &Change) -> String {
    let (spec, time) = (ladder.spec(), micros(change.time));
    let one = |&(side, at): &(Side, i64)| {
        let word = if side == Side::Bid { "bid" } else { "offer" };
        let there = number::text(ladder.size(side, at), spec.size_scale, Spelling::Padded(8));
        update(word, &time, &price(at, spec), &there)
    };
    let updates: Vec<String> = change.touched.iter().map(one).collect();
    format!("{{\"type\":\"update\",\"product_id\":\"{name}\",\"updates\":[{}]}}", updates.join(","))
}

fn update(side: &str, time: &str, price: &str, size: &str) -> String {
    format!(
        "{{\"side\":\"{side}\",\"event_time\":\"{time}\",\"price_level\":\"{price}\",\"new_quantity\":\"{size}\"}}"
    )
}

fn trades_event(kind: &str, symbol: usize, newest_first: &[Dealt], scene: Scene<'_>) -> String {
    let (name, spec) = (&scene.symbols[symbol], scene.ladder(symbol).spec());
    let one = |dealt: &Dealt| {
        format!(
            "{{\"product_id\":\"{name}\",\"trade_id\":\"{}\",\"price\":\"{}\",\"size\":\"{}\",\"time\":\"{}\",\
             \"side\":\"{}\"}}",
            dealt.deal.id,
            dealt.price(spec),
            dealt.size(spec),
            micros(dealt.time),
            dealt.maker("BUY", "SELL"),
        )
    };
    let trades: Vec<String> = newest_first.iter().map(one).collect();
    format!("{{\"type\":\"{kind}\",\"trades\":[{}]}}", trades.join(","))
}

#[cfg(test)]
mod tests;
