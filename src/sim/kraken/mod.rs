//! The Kraken face: WebSocket v2, its books with a sum in every message, quotes, trades, and the decimals of every pair.
//!
//! Nothing is numbered. A version is named by its time, to the microsecond.
//! Source: <https://docs.kraken.com/exchange/api-reference/spot-websocket-v2/book>

mod message;

use crate::engine::time::Wall;
use crate::sim::fault::{Extra, StreamFault};
use crate::sim::market::Change;
use crate::sim::tongue::{Scene, Slide, Tongue, Wanted};
use serde_json::{Map, Value, json};

/// Levels a side that a book may be asked for with, and what it is when nobody says.
const DEPTHS: [u64; 5] = [10, 25, 100, 500, 1_000];
const DEPTH: u64 = 10;

/// A book as its client knows it.
#[derive(Debug)]
struct Book {
    depth: usize,
    slide: Slide,
}

/// When a quote is sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Trigger {
    Trades,
    Bbo,
}

/// One connection.
#[derive(Debug)]
pub struct Kraken {
    books: Vec<Option<Book>>,
    quotes: Vec<Option<Trigger>>,
    trades: Wanted,
    instruments: bool,
    /// Heartbeats begin with the first subscription.
    begun: bool,
}

impl Kraken {
    pub fn new(symbols: usize) -> Kraken {
        Kraken {
            books: std::iter::repeat_with(|| None).take(symbols).collect(),
            quotes: vec![None; symbols],
            trades: Wanted::none(symbols),
            instruments: false,
            begun: false,
        }
    }

    /// Answers for one symbol of a request, with what a subscription begins with behind it.
    fn answer(&mut self, asked: &Asked<'_>, name: &str, scene: Scene<'_>, out: &mut Vec<String>) {
        let done = match scene.symbol(name) {
            None => Err(format!("Currency pair not supported {name}")),
            Some(symbol) if asked.enters => self.enter(asked, symbol, scene),
            Some(symbol) => self.leave(asked, symbol).map(|()| None).map_err(str::to_owned),
        };
        match done {
            Ok(first) => {
                out.push(asked.granted(Some(name), scene.now));
                out.extend(first);
                self.begun |= asked.enters;
            }
            Err(why) => out.push(asked.refused(Some(name), &why, scene.now)),
        }
    }

    fn enter(
        &mut self,
        asked: &Asked<'_>,
        symbol: usize,
        scene: Scene<'_>,
    ) -> Result<Option<String>, String> {
        let (ladder, name) = (scene.ladder(symbol), &scene.symbols[symbol]);
        let already = || Err("Already subscribed".to_owned());
        match asked.channel {
            "book" if self.books[symbol].is_some() => already(),
            "book" => {
                let depth = asked.depth()?;
                self.books[symbol] = Some(Book { depth, slide: Slide::of(ladder, depth) });
                Ok(asked.snapshot.then(|| message::whole(name, ladder, depth)))
            }
            "ticker" if self.quotes[symbol].is_some() => already(),
            "ticker" => {
                let trigger = match asked.params["event_trigger"].as_str() {
                    None | Some("trades") => Trigger::Trades,
                    Some("bbo") => Trigger::Bbo,
                    Some(_) => return Err("Event trigger not supported".to_owned()),
                };
                self.quotes[symbol] = Some(trigger);
                Ok(message::quote("snapshot", name, ladder).filter(|_| asked.snapshot))
            }
            // Trades of before are not kept.
            _ if self.trades.set(symbol, true) => already(),
            _ => Ok(None),
        }
    }

    /// A subscription is its channel with its depth.
    fn leave(&mut self, asked: &Asked<'_>, symbol: usize) -> Result<(), &'static str> {
        let was = match asked.channel {
            "book" => {
                let depth = asked.depth().unwrap_or_default();
                self.books[symbol].take_if(|book| book.depth == depth).is_some()
            }
            "ticker" => self.quotes[symbol].take().is_some(),
            _ => self.trades.set(symbol, false),
        };
        if was { Ok(()) } else { Err("Subscription Not Found") }
    }
}

impl Tongue for Kraken {
    fn greeting(&mut self, _scene: Scene<'_>, out: &mut Vec<String>) {
        out.push(message::status("online"));
    }

    fn said(&mut self, text: &str, scene: Scene<'_>, out: &mut Vec<String>) {
        let Ok(request) = serde_json::from_str::<Value>(text) else {
            return out.push(json!({"error": "Malformed request"}).to_string());
        };
        let Some(asked) = Asked::read(&request) else {
            return out.push(other(&request, scene.now));
        };
        match (asked.channel, asked.params["symbol"].as_array()) {
            ("instrument", _) => {
                self.instruments = asked.enters;
                self.begun |= asked.enters;
                out.push(asked.granted(None, scene.now));
                if asked.enters && asked.snapshot {
                    out.push(message::instruments(scene));
                }
            }
            ("book" | "ticker" | "trade", Some(names)) => {
                for name in names {
                    self.answer(&asked, name.as_str().unwrap_or_default(), scene, out);
                }
            }
            ("book" | "ticker" | "trade", None) => {
                out.push(asked.refused(None, "Malformed request", scene.now));
            }
            _ => out.push(asked.refused(None, "Unsupported channel", scene.now)),
        }
    }

    fn takes_books(&self, symbol: usize) -> bool {
        self.books[symbol].is_some()
    }

    fn book(&mut self, symbol: usize, change: &Change, scene: Scene<'_>) -> Option<String> {
        let book = self.books[symbol].as_mut()?;
        let ladder = scene.ladder(symbol);
        // What slid out of sight is not told: clients cut their books themselves.
        let (bids, asks) = book.slide.step(ladder, &change.touched, book.depth);
        let told = !bids.changed.is_empty() || !asks.changed.is_empty();
        told.then(|| message::changed(&scene.symbols[symbol], ladder, change, &bids.changed, &asks.changed))
    }

    fn others(&mut self, symbol: usize, change: &Change, scene: Scene<'_>, out: &mut Vec<String>) {
        let (name, ladder) = (&scene.symbols[symbol], scene.ladder(symbol));
        let moved = match self.quotes[symbol] {
            Some(Trigger::Bbo) => change.top_changed,
            Some(Trigger::Trades) => change.trade.is_some(),
            None => false,
        };
        if moved {
            out.extend(message::quote("update", name, ladder));
        }
        if let Some(deal) = change.trade.as_ref().filter(|_| self.trades.has(symbol)) {
            out.push(message::trade(name, ladder, deal));
        }
    }

    fn beat(&mut self, _scene: Scene<'_>, out: &mut Vec<String>) {
        if self.begun {
            out.push("{\"channel\":\"heartbeat\"}".to_owned());
        }
    }

    /// Sums cover the best levels alone: what goes wrong below them cannot be found out.
    fn shows(&self, fault: StreamFault) -> bool {
        matches!(fault, StreamFault::Fragmented | StreamFault::Malformed(_) | StreamFault::Extra(_))
    }

    fn sums(&self, symbol: usize) -> bool {
        self.takes_books(symbol)
    }

    fn wrong_sum(&mut self, _symbol: usize, text: String) -> String {
        message::with_wrong_sum(&text)
    }

    fn stranger(&mut self, extra: Extra, scene: Scene<'_>) -> String {
        match extra {
            Extra::UnknownSymbol => message::nowhere(scene.now),
            _ => json!({"channel": "mystery", "type": "update", "data": [{"symbol": 7}]}).to_string(),
        }
    }

    /// The state of the engine is told whenever it changes.
    fn notice(&mut self, _scene: Scene<'_>) -> Option<String> {
        Some(message::status("maintenance"))
    }
}

/// What a client asks for, or asks no longer.
struct Asked<'r> {
    enters: bool,
    channel: &'r str,
    snapshot: bool,
    params: &'r Value,
    id: &'r Value,
}

impl<'r> Asked<'r> {
    fn read(request: &'r Value) -> Option<Asked<'r>> {
        let enters = match request["method"].as_str()? {
            "subscribe" => true,
            "unsubscribe" => false,
            _ => return None,
        };
        let params = &request["params"];
        let channel = params["channel"].as_str().unwrap_or_default();
        // Of trades the last fifty come only to who wants them.
        let snapshot = params["snapshot"].as_bool().unwrap_or(channel != "trade");
        Some(Asked { enters, channel, snapshot, params, id: &request["req_id"] })
    }

    fn depth(&self) -> Result<usize, String> {
        let depth = self.params["depth"].as_u64().unwrap_or(DEPTH);
        let known = DEPTHS.contains(&depth).then(|| usize::try_from(depth).ok());
        known.flatten().ok_or_else(|| "Depth not supported".to_owned())
    }

    fn method(&self) -> &'static str {
        if self.enters { "subscribe" } else { "unsubscribe" }
    }

    fn granted(&self, name: Option<&str>, now: Wall) -> String {
        let mut result = Map::new();
        result.insert("channel".to_owned(), self.channel.into());
        if let Some(name) = name {
            result.insert("symbol".to_owned(), name.into());
        }
        for key in ["depth", "event_trigger"] {
            if let Some(value) = self.params.get(key) {
                result.insert(key.to_owned(), value.clone());
            }
        }
        if self.enters {
            result.insert("snapshot".to_owned(), self.snapshot.into());
        }
        let said = json!({"method": self.method(), "result": result, "success": true});
        message::answer(said, self.id, now)
    }

    fn refused(&self, name: Option<&str>, why: &str, now: Wall) -> String {
        let mut said = json!({"method": self.method(), "success": false, "error": why});
        if let Some(name) = name {
            said["symbol"] = name.into();
        }
        message::answer(said, self.id, now)
    }
}

/// The answer to whatever asks for no channel.
fn other(request: &Value, now: Wall) -> String {
    match request["method"].as_str() {
        Some("ping") => message::answer(json!({"method": "pong"}), &request["req_id"], now),
        _ => message::answer(json!({"error": "Malformed request"}), &request["req_id"], now),
    }
}

#[cfg(test)]
mod tests;
