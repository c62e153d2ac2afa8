//! The Bybit face, in its three classes of products: books of 200 levels that count up by one, best levels, trades; and spot
//! with whole books, which begin in REST.
//!
//! The number of a book's message is the market's own version. Levels that slide out of the best 200 are deleted. Numbers are
//! strings. The classes word their answers differently and order their fields differently.
//! Source: <https://bybit-exchange.github.io/docs/v5/ws/connect>
//! Source: <https://bybit-exchange.github.io/docs/v5/websocket/public/orderbook>
//! Source: <https://bybit-exchange.github.io/docs/v5/websocket/public/full-ob>

pub mod rest;
mod words;

use crate::engine::event::Side;
use crate::sim::config::Face;
use crate::sim::fault::{Extra, StreamFault};
use crate::sim::market::Change;
use crate::sim::tongue::{Scene, Slid, Slide, Tongue, Wanted, millis};
use serde_json::Value;
use words::{Data, list};

/// Levels a side of the book's topic.
const DEPTH: usize = 200;
/// As topics name the depths there are here.
const BEST: &str = "200";
const WHOLE: &str = "full";
const QUOTE: &str = "1";
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

/// How much of a book its topic carries.
#[derive(Debug)]
enum Book {
    Best(Slide),
    Whole,
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
    /// Its books are whole.
    full: bool,
    books: Vec<Option<Book>>,
    quotes: Vec<Option<Quoted>>,
    trades: Wanted,
    /// Characters of all topics subscribed to.
    characters: usize,
}

impl Bybit {
    /// Each class has its own path.
    pub fn open(face: Face, path: &str, symbols: usize) -> Option<Bybit> {
        let product = match (face, path) {
            (Face::Bybit | Face::BybitFull, "/v5/public/spot") => Product::Spot,
            (Face::BybitLinear, "/v5/public/linear") => Product::Linear,
            (Face::BybitInverse, "/v5/public/inverse") => Product::Inverse,
            _ => return None,
        };
        Some(Bybit {
            product,
            full: face == Face::BybitFull,
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
                // Changes follow, and REST has what they go on from.
                Kind::Book if self.full => self.books[symbol] = Some(Book::Whole),
                Kind::Book => {
                    self.books[symbol] = Some(Book::Best(Slide::of(ladder, DEPTH)));
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
        let known = |&name| match topic(name, self.full, scene) {
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
        words::message(self.product, BEST, &scene.symbols[symbol], "snapshot", &data, scene.now)
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
        words::message(self.product, QUOTE, &scene.symbols[symbol], "snapshot", &data, scene.now)
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
        let (depth, bids, asks) = match self.books[symbol].as_mut()? {
            Book::Best(slide) => {
                let (bids, asks) = slide.step(ladder, &change.touched, DEPTH);
                let of = |slid: Slid, side| list(ladder.spec(), slid.best_first(side));
                (BEST, of(bids, Side::Bid), of(asks, Side::Ask))
            }
            Book::Whole => {
                let of = |side| {
                    let touched = change.touched.iter().filter(move |(on, _)| *on == side);
                    list(ladder.spec(), touched.map(|&(_, price)| (price, ladder.size(side, price))))
                };
                (WHOLE, of(Side::Bid), of(Side::Ask))
            }
        };
        let data = Data { bids, asks, update: change.id, version: change.id, time: change.time };
        Some(words::message(self.product, depth, &scene.symbols[symbol], "delta", &data, scene.now))
    }

    fn others(&mut self, symbol: usize, change: &Change, scene: Scene<'_>, out: &mut Vec<String>) {
        let last = self.quotes[symbol].as_ref().filter(|_| change.top_changed).map(|quoted| quoted.update);
        if let Some(last) = last {
            let (update, text) = (last + 1, self.best(symbol, last + 1, scene));
            out.push(text.clone());
            self.quotes[symbol] = Some(Quoted { update, text, idle_beats: 0 });
        }
        if let Some(deal) = change.trade.as_ref().filter(|_| self.trades.has(symbol)) {
            out.push(words::trade(
                self.product,
                &scene.symbols[symbol],
                scene.ladder(symbol),
                deal,
                scene.now,
            ));
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
                let depth = if self.full { WHOLE } else { BEST };
                words::message(self.product, depth, "NOWHERE", "delta", &data, scene.now)
            }
            _ => format!(
                "{{\"topic\":\"mystery.all\",\"type\":\"snapshot\",\"ts\":{},\"data\":[]}}",
                millis(scene.now)
            ),
        }
    }
}

/// `orderbook.200.BTCUSDT` or `orderbook.full.BTCUSDT`, `orderbook.1.BTCUSDT`, `publicTrade.BTCUSDT`.
fn topic(name: &str, full: bool, scene: Scene<'_>) -> Option<(Kind, usize)> {
    let (kind, symbol) = name.rsplit_once('.')?;
    let kind = match kind.strip_prefix("orderbook.") {
        Some(BEST) if !full => Kind::Book,
        Some(WHOLE) if full => Kind::Book,
        Some(QUOTE) => Kind::Quote,
        None if kind == "publicTrade" => Kind::Trades,
        _ => return None,
    };
    Some((kind, scene.symbol(symbol)?))
}

#[cfg(test)]
mod tests;
