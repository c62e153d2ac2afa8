//! The Bybit face, in its three classes of products: books of 200 levels that count up by one, best levels, trades.
//!
//! The number of a book's message is the market's own version. Levels that slide out of the best 200 are deleted. Numbers are
//! strings. The classes word their answers differently and order their fields differently.
//! Source: <https://bybit-exchange.github.io/docs/v5/ws/connect>
//! Source: <https://bybit-exchange.github.io/docs/v5/websocket/public/orderbook>

use crate::engine::event::{Side, TakerSide};
use crate::engine::time::Wall;
use crate::sim::config::Face;
use crate::sim::fault::{Extra, StreamFault};
use crate::sim::market::ladder::Ladder;
use crate::sim::market::number::{self, Spelling};
use crate::sim::market::spec::Spec;
use crate::sim::market::{Change, Deal};
use crate::sim::tongue::{Scene, Slide, Tongue, Wanted, millis};
use serde_json::Value;
use std::fmt::Write;

/// Levels a side of the book's topic.
const DEPTH: usize = 200;
/// Topics in one request, spot only.
const SPOT_ARGS_MAX: usize = 10;
/// Characters of all topics of one connection.
const CHARACTERS_MAX: usize = 21_000;
/// Seconds after which the best levels are told again where nothing has changed.
const REPEAT_BEATS: u32 = 3;

const CONNECTION: &str = "2324d924-aa4d-45b0-a858-7b8be29ab52b";

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Product {
    Spot,
    Linear,
    Inverse,
}

/// What a topic carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Book,
    Quote,
    Trades,
}

/// What the client was told last of a symbol's best levels.
#[derive(Debug)]
struct Quoted {
    update: u64,
    text: String,
    idle_beats: u32,
}

/// One connection.
#[derive(Debug)]
pub struct Bybit {
    product: Product,
    books: Vec<Option<Slide>>,
    quotes: Vec<Option<Quoted>>,
    trades: Wanted,
    /// Characters of all topics subscribed to.
    characters: usize,
}

impl Bybit {
    /// Each class has its own path.
    pub fn open(face: Face, path: &str, symbols: usize) -> Option<Bybit> {
        let product = match (face, path) {
            (Face::Bybit, "/v5/public/spot") => Product::Spot,
            (Face::BybitLinear, "/v5/public/linear") => Product::Linear,
            (Face::BybitInverse, "/v5/public/inverse") => Product::Inverse,
            _ => return None,
        };
        Some(Bybit {
            product,
            books: (0..symbols).map(|_| None).collect(),
            quotes: (0..symbols).map(|_| None).collect(),
            trades: Wanted::none(symbols),
            characters: 0,
        })
    }

    /// Enters all topics or none; whole books are sent for those that begin with one.
    fn subscribe(&mut self, names: &[&str], scene: Scene<'_>) -> Result<Vec<String>, String> {
        let topics = self.known(names, scene)?;
        if let Some((name, ..)) = topics.iter().find(|&&(_, kind, symbol)| self.has(kind, symbol)) {
            return Err(format!("error:already subscribed,topic:{name}"));
        }
        let more: usize = names.iter().map(|name| name.len()).sum();
        if self.characters + more > CHARACTERS_MAX {
            return Err("error:args length exceeds limit".to_owned());
        }
        self.characters += more;
        let mut books = Vec::new();
        for (_, kind, symbol) in topics {
            let ladder = scene.ladder(symbol);
            match kind {
                Kind::Trades => drop(self.trades.set(symbol, true)),
                Kind::Book => {
                    self.books[symbol] = Some(Slide::of(ladder, DEPTH));
                    books.push(self.whole(symbol, scene));
                }
                Kind::Quote => {
                    let update = ladder.id();
                    let text = self.best(symbol, update, scene);
                    books.push(text.clone());
                    self.quotes[symbol] = Some(Quoted { update, text, idle_beats: 0 });
                }
            }
        }
        Ok(books)
    }

    fn unsubscribe(&mut self, names: &[&str], scene: Scene<'_>) -> Result<(), String> {
        for (name, kind, symbol) in self.known(names, scene)? {
            if self.has(kind, symbol) {
                self.characters -= name.len();
            }
            match kind {
                Kind::Trades => drop(self.trades.set(symbol, false)),
                Kind::Book => self.books[symbol] = None,
                Kind::Quote => self.quotes[symbol] = None,
            }
        }
        Ok(())
    }

    /// One bad topic fails the request.
    fn known<'n>(&self, names: &[&'n str], scene: Scene<'_>) -> Result<Vec<(&'n str, Kind, usize)>, String> {
        if names.is_empty() {
            return Err("error:request params error".to_owned());
        }
        if self.product == Product::Spot && names.len() > SPOT_ARGS_MAX {
            return Err("args size >10".to_owned());
        }
        let known = |&name| match topic(name, scene) {
            Some((kind, symbol)) => Ok((name, kind, symbol)),
            None => Err(format!("error:handler not found,topic:{name}")),
        };
        names.iter().map(known).collect()
    }

    fn has(&self, kind: Kind, symbol: usize) -> bool {
        match kind {
            Kind::Book => self.books[symbol].is_some(),
            Kind::Quote => self.quotes[symbol].is_some(),
            Kind::Trades => self.trades.has(symbol),
        }
    }

    fn whole(&self, symbol: usize, scene: Scene<'_>) -> String {
        let ladder = scene.ladder(symbol);
        let side = |side| list(ladder.spec(), ladder.levels(side).take(DEPTH));
        let data = Data {
            bids: side(Side::Bid),
            asks: side(Side::Ask),
            update: ladder.id(),
            version: ladder.id(),
            time: ladder.time(),
        };
        self.message(DEPTH, &scene.symbols[symbol], "snapshot", &data, scene.now)
    }

    /// The topic of one level sends nothing but whole books.
    fn best(&self, symbol: usize, update: u64, scene: Scene<'_>) -> String {
        let ladder = scene.ladder(symbol);
        let side = |side| list(ladder.spec(), ladder.best(side).into_iter());
        let data = Data {
            bids: side(Side::Bid),
            asks: side(Side::Ask),
            update,
            version: ladder.id(),
            time: ladder.time(),
        };
        self.message(1, &scene.symbols[symbol], "snapshot", &data, scene.now)
    }

    fn message(&self, depth: usize, name: &str, kind: &str, data: &Data, now: Wall) -> String {
        let Data { bids, asks, update, version, time } = data;
        let (sent, matched) = (millis(now), millis(*time));
        // Spot, and the single level of every class, say the time before the type.
        let head = if self.product == Product::Spot || depth == 1 {
            format!("\"ts\":{sent},\"type\":\"{kind}\"")
        } else {
            format!("\"type\":\"{kind}\",\"ts\":{sent}")
        };
        // `seq` grows with the version over all depths of a symbol, with holes.
        format!(
            "{{\"topic\":\"orderbook.{depth}.{name}\",{head},\"data\":{{\"s\":\"{name}\",\"b\":{bids},\"a\":{asks},\
             \"u\":{update},\"seq\":{}}},\"cts\":{matched}}}",
            version * 7,
        )
    }

    fn trade(&self, name: &str, ladder: &Ladder, deal: &Deal, now: Wall) -> String {
        let (spec, side) = (ladder.spec(), if deal.taker == TakerSide::Sell { "Sell" } else { "Buy" });
        let (price, size) = (price(spec, deal.price), size(spec, deal.size));
        let (sent, matched, seq) = (millis(now), millis(ladder.time()), ladder.id() * 7);
        let id = deal.id;
        let data = match self.product {
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

    /// The answer to a request. Spot repeats the operation and leaves out a number that was not sent.
    fn answer(&self, request: &Value, outcome: Result<(), &str>) -> String {
        let op = request["op"].as_str().unwrap_or_default();
        let id = match &request["req_id"] {
            Value::String(id) => Some(Value::from(id.as_str())),
            // Numbers come back as text.
            Value::Number(id) => Some(Value::from(id.to_string())),
            _ => None,
        };
        let message = match outcome {
            Err(why) => why,
            Ok(()) if op == "ping" => "pong",
            Ok(()) if self.product == Product::Spot => op,
            Ok(()) => "",
        };
        let id = match (id, self.product) {
            (Some(id), _) => format!("\"req_id\":{id},"),
            (None, Product::Spot) => String::new(),
            (None, _) => "\"req_id\":\"\",".to_owned(),
        };
        format!(
            "{{\"success\":{},\"ret_msg\":{},\"conn_id\":\"{CONNECTION}\",{id}\"op\":{}}}",
            outcome.is_ok(),
            Value::from(message),
            Value::from(op),
        )
    }
}

impl Tongue for Bybit {
    fn said(&mut self, text: &str, scene: Scene<'_>, out: &mut Vec<String>) {
        let request: Value = serde_json::from_str(text).unwrap_or_default();
        let names: Vec<&str> =
            request["args"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let outcome = match request["op"].as_str() {
            Some("ping") => Ok(Vec::new()),
            Some("subscribe") => self.subscribe(&names, scene),
            Some("unsubscribe") => self.unsubscribe(&names, scene).map(|()| Vec::new()),
            _ => Err("error:request params error".to_owned()),
        };
        let answer = self.answer(&request, outcome.as_ref().map(|_| ()).map_err(String::as_str));
        let books = outcome.unwrap_or_default();
        // Contracts' books are sent before the answer.
        match self.product {
            Product::Spot => out.extend(std::iter::once(answer).chain(books)),
            Product::Linear | Product::Inverse => out.extend(books.into_iter().chain([answer])),
        }
    }

    fn takes_books(&self, symbol: usize) -> bool {
        self.has(Kind::Book, symbol)
    }

    fn book(&mut self, symbol: usize, change: &Change, scene: Scene<'_>) -> Option<String> {
        let ladder = scene.ladder(symbol);
        let (bids, asks) = self.books[symbol].as_mut()?.step(ladder, &change.touched, DEPTH);
        let data = Data {
            bids: list(ladder.spec(), bids.best_first(Side::Bid)),
            asks: list(ladder.spec(), asks.best_first(Side::Ask)),
            update: change.id,
            version: change.id,
            time: change.time,
        };
        Some(self.message(DEPTH, &scene.symbols[symbol], "delta", &data, scene.now))
    }

    fn others(&mut self, symbol: usize, change: &Change, scene: Scene<'_>, out: &mut Vec<String>) {
        let last = self.quotes[symbol].as_ref().filter(|_| change.top_changed).map(|quoted| quoted.update);
        if let Some(last) = last {
            let (update, text) = (last + 1, self.best(symbol, last + 1, scene));
            out.push(text.clone());
            self.quotes[symbol] = Some(Quoted { update, text, idle_beats: 0 });
        }
        if let Some(deal) = change.trade.as_ref().filter(|_| self.trades.has(symbol)) {
            out.push(self.trade(&scene.symbols[symbol], scene.ladder(symbol), deal, scene.now));
        }
    }

    fn beat(&mut self, _scene: Scene<'_>, out: &mut Vec<String>) {
        for quoted in self.quotes.iter_mut().flatten() {
            quoted.idle_beats += 1;
            if quoted.idle_beats == REPEAT_BEATS {
                quoted.idle_beats = 0;
                out.push(quoted.text.clone());
            }
        }
    }

    /// Numbers of a topic rise by one a message.
    fn shows(&self, _fault: StreamFault) -> bool {
        true
    }

    fn stranger(&mut self, extra: Extra, scene: Scene<'_>) -> String {
        match extra {
            Extra::UnknownSymbol => {
                let (bids, asks) = ("[[\"1\",\"1\"]]".to_owned(), "[]".to_owned());
                let data = Data { bids, asks, update: 2, version: 2, time: scene.now };
                self.message(DEPTH, "NOWHERE", "delta", &data, scene.now)
            }
            _ => format!(
                "{{\"topic\":\"mystery.all\",\"type\":\"snapshot\",\"ts\":{},\"data\":[]}}",
                millis(scene.now)
            ),
        }
    }
}

/// What a message of a book's topic says.
struct Data {
    bids: String,
    asks: String,
    /// The number within the topic.
    update: u64,
    /// The market's own.
    version: u64,
    time: Wall,
}

/// `orderbook.200.BTCUSDT`, `orderbook.1.BTCUSDT`, `publicTrade.BTCUSDT`.
fn topic(name: &str, scene: Scene<'_>) -> Option<(Kind, usize)> {
    let (kind, symbol) = name.rsplit_once('.')?;
    let kind = match kind {
        "orderbook.200" => Kind::Book,
        "orderbook.1" => Kind::Quote,
        "publicTrade" => Kind::Trades,
        _ => return None,
    };
    Some((kind, scene.symbol(symbol)?))
}

/// `[["price","size"],…]`; size 0 deletes.
fn list(spec: &Spec, levels: impl Iterator<Item = (i64, i64)>) -> String {
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

#[cfg(test)]
mod tests;
