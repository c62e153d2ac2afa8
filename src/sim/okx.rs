//! The OKX face: books of 400 levels that each name the message before, best levels, trades, and the REST book.
//!
//! `seqId` is the market's own version, in the stream and in REST. Levels that slide out of the best 400 are deleted. Numbers
//! are strings without needless zeros; the checksum is always zero, as it is since 2026-06-23. Pings are bare text.
//! Source: <https://www.okx.com/docs-v5/en/#order-book-trading-market-data-ws-order-book-channel>
//! Source: <https://www.okx.com/docs-v5/en/#order-book-trading-market-data-get-order-book>

use crate::engine::event::{Side, TakerSide};
use crate::engine::time::Wall;
use crate::sim::fault::{Extra, StreamFault};
use crate::sim::market::ladder::{Frozen, Ladder};
use crate::sim::market::number::{self, Spelling};
use crate::sim::market::spec::Spec;
use crate::sim::market::{Change, Deal};
use crate::sim::net::http::Head;
use crate::sim::tongue::{Scene, Slide, Tongue, Wanted, millis};
use serde_json::{Value, json};
use std::fmt::Write;

/// Levels a side of the book's channel, and the most of a REST book.
const DEPTH: usize = 400;
/// Seconds from one sign of life of a book to the next. The venue's come after a minute without a change.
const KEEP_ALIVE_BEATS: u32 = 5;

const CONNECTION: &str = "a4d3ae55";

/// What a channel carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Book,
    Quote,
    Trades,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Kind::Book => "books",
            Kind::Quote => "bbo-tbt",
            Kind::Trades => "trades",
        }
    }
}

/// A book as its client was told it.
#[derive(Debug)]
struct Told {
    slide: Slide,
    /// The number of the last message.
    id: u64,
    beats: u32,
}

/// One connection.
#[derive(Debug)]
pub struct Okx {
    books: Vec<Option<Told>>,
    quotes: Wanted,
    trades: Wanted,
}

impl Okx {
    pub fn new(symbols: usize) -> Okx {
        Okx {
            books: (0..symbols).map(|_| None).collect(),
            quotes: Wanted::none(symbols),
            trades: Wanted::none(symbols),
        }
    }

    /// Enters or leaves a channel; what begins with a book or with the best levels sends them.
    fn set(&mut self, kind: Kind, symbol: usize, on: bool, scene: Scene<'_>) -> Option<String> {
        let (name, ladder) = (&scene.symbols[symbol], scene.ladder(symbol));
        match kind {
            Kind::Trades => drop(self.trades.set(symbol, on)),
            Kind::Quote => {
                let before = self.quotes.set(symbol, on);
                return (on && !before).then(|| quote(name, ladder));
            }
            Kind::Book if !on => self.books[symbol] = None,
            // Asked for again: answered again, and nothing else.
            Kind::Book if self.books[symbol].is_some() => {}
            Kind::Book => {
                let slide = Slide::of(ladder, DEPTH);
                self.books[symbol] = Some(Told { slide, id: ladder.id(), beats: 0 });
                return Some(whole(name, ladder));
            }
        }
        None
    }
}

impl Tongue for Okx {
    fn said(&mut self, text: &str, scene: Scene<'_>, out: &mut Vec<String>) {
        if text == "ping" {
            return out.push("pong".to_owned());
        }
        let request: Value = serde_json::from_str(text).unwrap_or_default();
        let on = match request["op"].as_str() {
            Some("subscribe") => true,
            Some("unsubscribe") => false,
            _ => return out.push(error(&request["id"], "60012", &format!("Invalid request: {text}"))),
        };
        let Some(args) = request["args"].as_array().filter(|args| !args.is_empty()) else {
            return out.push(error(&request["id"], "60013", "Invalid args"));
        };
        // Each has an answer of its own.
        for arg in args {
            let (channel, name) = (arg["channel"].as_str(), arg["instId"].as_str());
            let kind =
                [Kind::Book, Kind::Quote, Kind::Trades].into_iter().find(|k| Some(k.name()) == channel);
            let (Some(kind), Some(symbol)) = (kind, name.and_then(|name| scene.symbol(name))) else {
                let message = format!(
                    "Wrong URL or channel:{},instId:{} doesn't exist. Please use the correct URL, channel and parameters \
                     referring to API document.",
                    channel.unwrap_or_default(),
                    name.unwrap_or_default(),
                );
                out.push(error(&request["id"], "60018", &message));
                continue;
            };
            let event = if on { "subscribe" } else { "unsubscribe" };
            let (id, name) = (id(&request["id"]), &scene.symbols[symbol]);
            out.push(format!(
                "{{{id}\"event\":\"{event}\",\"arg\":{},\"connId\":\"{CONNECTION}\"}}",
                arg_of(kind, name)
            ));
            out.extend(self.set(kind, symbol, on, scene));
        }
    }

    fn takes_books(&self, symbol: usize) -> bool {
        self.books[symbol].is_some()
    }

    fn book(&mut self, symbol: usize, change: &Change, scene: Scene<'_>) -> Option<String> {
        let ladder = scene.ladder(symbol);
        let told = self.books[symbol].as_mut()?;
        let (bids, asks) = told.slide.step(ladder, &change.touched, DEPTH);
        let previous = std::mem::replace(&mut told.id, change.id);
        let (bids, asks) = (
            list(ladder.spec(), bids.best_first(Side::Bid)),
            list(ladder.spec(), asks.best_first(Side::Ask)),
        );
        Some(update(&scene.symbols[symbol], &bids, &asks, change.time, previous, change.id))
    }

    fn others(&mut self, symbol: usize, change: &Change, scene: Scene<'_>, out: &mut Vec<String>) {
        let (name, ladder) = (&scene.symbols[symbol], scene.ladder(symbol));
        if change.top_changed && self.quotes.has(symbol) {
            out.push(quote(name, ladder));
        }
        if let Some(deal) = change.trade.as_ref().filter(|_| self.trades.has(symbol)) {
            out.push(trade(name, ladder, deal));
        }
    }

    /// A sign of life changes nothing and has the number of the message before it.
    fn beat(&mut self, scene: Scene<'_>, out: &mut Vec<String>) {
        for (told, name) in self.books.iter_mut().zip(scene.symbols) {
            let Some(told) = told else { continue };
            told.beats += 1;
            if told.beats == KEEP_ALIVE_BEATS {
                told.beats = 0;
                out.push(update(name, "[]", "[]", scene.now, told.id, told.id));
            }
        }
    }

    /// Each message names the one before it.
    fn shows(&self, _fault: StreamFault) -> bool {
        true
    }

    fn stranger(&mut self, extra: Extra, scene: Scene<'_>) -> String {
        match extra {
            Extra::UnknownSymbol => update("NO-WHERE", "[[\"1\",\"1\",\"0\",\"1\"]]", "[]", scene.now, 1, 2),
            _ => format!(
                "{{\"arg\":{{\"channel\":\"mystery\"}},\"data\":[{{\"ts\":\"{}\"}}]}}",
                millis(scene.now)
            ),
        }
    }

    fn notice(&mut self, _scene: Scene<'_>) -> Option<String> {
        let message = "The connection will soon be closed for a service upgrade. Please reconnect.";
        Some(json!({"event": "notice", "code": "64008", "msg": message, "connId": CONNECTION}).to_string())
    }
}

/// `"id":"1512",` where the request had one.
fn id(id: &Value) -> String {
    if id.is_null() { String::new() } else { format!("\"id\":{id},") }
}

fn error(asked: &Value, code: &str, message: &str) -> String {
    let message = Value::from(message);
    format!(
        "{{{}\"event\":\"error\",\"code\":\"{code}\",\"msg\":{message},\"connId\":\"{CONNECTION}\"}}",
        id(asked)
    )
}

fn arg_of(kind: Kind, name: &str) -> String {
    format!("{{\"channel\":\"{}\",\"instId\":\"{name}\"}}", kind.name())
}

fn whole(name: &str, ladder: &Ladder) -> String {
    let side = |side| list(ladder.spec(), ladder.levels(side).take(DEPTH));
    format!(
        "{{\"arg\":{},\"action\":\"snapshot\",\"data\":[{{\"asks\":{},\"bids\":{},\"ts\":\"{}\",\"checksum\":0,\
         \"prevSeqId\":-1,\"seqId\":{}}}]}}",
        arg_of(Kind::Book, name),
        side(Side::Ask),
        side(Side::Bid),
        millis(ladder.time()),
        ladder.id(),
    )
}

fn update(name: &str, bids: &str, asks: &str, time: Wall, previous: u64, id: u64) -> String {
    format!(
        "{{\"arg\":{},\"action\":\"update\",\"data\":[{{\"asks\":{asks},\"bids\":{bids},\"ts\":\"{}\",\"checksum\":0,\
         \"prevSeqId\":{previous},\"seqId\":{id}}}]}}",
        arg_of(Kind::Book, name),
        millis(time),
    )
}

fn quote(name: &str, ladder: &Ladder) -> String {
    let side = |side| list(ladder.spec(), ladder.best(side).into_iter());
    format!(
        "{{\"arg\":{},\"data\":[{{\"asks\":{},\"bids\":{},\"ts\":\"{}\",\"seqId\":{}}}]}}",
        arg_of(Kind::Quote, name),
        side(Side::Ask),
        side(Side::Bid),
        millis(ladder.time()),
        ladder.id(),
    )
}

fn trade(name: &str, ladder: &Ladder, deal: &Deal) -> String {
    let spec = ladder.spec();
    let (price, size) = (text(deal.price, spec.price_scale), text(deal.size, spec.size_scale));
    let (arg, side) =
        (arg_of(Kind::Trades, name), if deal.taker == TakerSide::Sell { "sell" } else { "buy" });
    format!(
        "{{\"arg\":{arg},\"data\":[{{\"instId\":\"{name}\",\"tradeId\":\"{}\",\"px\":\"{price}\",\"sz\":\"{size}\",\
         \"side\":\"{side}\",\"ts\":\"{}\",\"count\":\"1\",\"source\":\"0\",\"seqId\":{}}}]}}",
        deal.id,
        millis(ladder.time()),
        ladder.id(),
    )
}

fn text(units: i64, scale: u8) -> String {
    number::text(units, scale, Spelling::Short)
}

/// `[["price","size","0","orders"],…]`; size 0 deletes, and then there are no orders.
fn list(spec: &Spec, levels: impl Iterator<Item = (i64, i64)>) -> String {
    let mut out = String::from("[");
    for (price, size) in levels {
        let comma = if out.len() > 1 { "," } else { "" };
        let orders = if size == 0 { 0 } else { 1 + size % 7 };
        let (price, size) = (text(price, spec.price_scale), text(size, spec.size_scale));
        // Writing to a String cannot fail.
        let _ = write!(out, "{comma}[\"{price}\",\"{size}\",\"0\",\"{orders}\"]");
    }
    out.push(']');
    out
}

/// The symbol and the levels a side of a call for a book.
pub fn rest_call(head: &Head) -> Option<(String, usize)> {
    let levels = head.param("sz").unwrap_or("1").parse().ok().filter(|sz| (1..=DEPTH).contains(sz))?;
    let symbol = head.param("instId")?.to_owned();
    (head.path == "/api/v5/market/books").then_some((symbol, levels))
}

/// The book of one version; `crossed` puts a bid above the best ask. It does not name its symbol.
pub fn rest_body(ladder: &Ladder, frozen: &Frozen, levels: usize, crossed: bool) -> String {
    let above = frozen.levels(Side::Ask).next().map(|(ask, size)| (ask + ladder.spec().tick, size));
    let bids = above.filter(|_| crossed).into_iter().chain(frozen.levels(Side::Bid)).take(levels);
    let asks = list(ladder.spec(), frozen.levels(Side::Ask).take(levels));
    format!(
        "{{\"code\":\"0\",\"msg\":\"\",\"data\":[{{\"asks\":{asks},\"bids\":{},\"ts\":\"{}\",\"seqId\":{}}}]}}",
        list(ladder.spec(), bids),
        millis(frozen.time),
        frozen.id,
    )
}

/// What a call gets that has no answer.
/// Source: <https://www.okx.com/docs-v5/en/#error-code-rest-api>
pub fn rest_error(code: u32, message: &str) -> String {
    json!({"code": code.to_string(), "msg": message, "data": []}).to_string()
}

#[cfg(test)]
mod tests;
