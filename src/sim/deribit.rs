//! The Deribit face: JSON-RPC subscriptions, whole books that change by change ids, quotes, trades, heartbeats that ask back.
//!
//! Change ids are the market's own versions. Numbers are bare JSON numbers.
//! Source: <https://docs.deribit.com/subscriptions/orderbook/bookinstrument_nameinterval.md>

use crate::engine::event::{Side, TakerSide};
use crate::engine::time::Wall;
use crate::sim::fault::{Extra, StreamFault};
use crate::sim::market::ladder::Ladder;
use crate::sim::market::number::{self, Spelling};
use crate::sim::market::{Change, Deal};
use crate::sim::tongue::{Scene, Tongue, Wanted, millis};
use serde_json::{Value, json};
use std::fmt::Write;

/// What a channel carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Book,
    Quote,
    Trades,
}

/// One connection.
#[derive(Debug)]
pub struct Deribit {
    /// By symbol: the change id that the client was told last.
    books: Vec<Option<u64>>,
    quotes: Wanted,
    trades: Wanted,
    /// The client wants heartbeats; every other one asks back.
    heartbeat: bool,
    asks: bool,
}

impl Deribit {
    pub fn new(symbols: usize) -> Deribit {
        Deribit {
            books: vec![None; symbols],
            quotes: Wanted::none(symbols),
            trades: Wanted::none(symbols),
            heartbeat: false,
            asks: false,
        }
    }

    /// Enters or leaves a channel; a book entered is sent whole.
    fn set(&mut self, kind: Kind, symbol: usize, on: bool, scene: Scene<'_>) -> Option<String> {
        match kind {
            Kind::Quote => drop(self.quotes.set(symbol, on)),
            Kind::Trades => drop(self.trades.set(symbol, on)),
            Kind::Book if !on => self.books[symbol] = None,
            Kind::Book if self.books[symbol].is_some() => {}
            Kind::Book => {
                let ladder = scene.ladder(symbol);
                self.books[symbol] = Some(ladder.id());
                return Some(whole(&scene.symbols[symbol], ladder));
            }
        }
        None
    }
}

impl Tongue for Deribit {
    fn said(&mut self, text: &str, scene: Scene<'_>, out: &mut Vec<String>) {
        let Ok(request) = serde_json::from_str::<Value>(text) else { return };
        let id = &request["id"];
        let answer = |result: Value| json!({"jsonrpc": "2.0", "id": id, "result": result}).to_string();
        match request["method"].as_str() {
            Some(method @ ("public/subscribe" | "public/unsubscribe")) => {
                let names = request["params"]["channels"].as_array().cloned().unwrap_or_default();
                let known: Vec<(&str, Kind, usize)> = names
                    .iter()
                    .filter_map(|name| {
                        let (kind, symbol) = channel(name.as_str()?, scene)?;
                        Some((name.as_str()?, kind, symbol))
                    })
                    .collect();
                // What does not exist is silently missing.
                out.push(answer(known.iter().map(|(name, ..)| *name).collect()));
                let on = method == "public/subscribe";
                out.extend(known.iter().filter_map(|&(_, kind, symbol)| self.set(kind, symbol, on, scene)));
            }
            Some("public/set_heartbeat") => {
                self.heartbeat = true;
                out.push(answer(json!("ok")));
            }
            Some("public/test") => out.push(answer(json!({"version": "1.2.26"}))),
            _ => {
                let error = json!({"code": -32601, "message": "Method not found"});
                out.push(json!({"jsonrpc": "2.0", "id": id, "error": error}).to_string());
            }
        }
    }

    fn takes_books(&self, symbol: usize) -> bool {
        self.books[symbol].is_some()
    }

    fn book(&mut self, symbol: usize, change: &Change, scene: Scene<'_>) -> Option<String> {
        let last = self.books[symbol].as_mut()?;
        let previous = std::mem::replace(last, change.id);
        Some(changed(&scene.symbols[symbol], scene.ladder(symbol), change, previous))
    }

    fn others(&mut self, symbol: usize, change: &Change, scene: Scene<'_>, out: &mut Vec<String>) {
        let (name, ladder) = (&scene.symbols[symbol], scene.ladder(symbol));
        if self.quotes.has(symbol) && change.top_changed {
            out.extend(quote(name, ladder));
        }
        if let Some(deal) = change.trade.as_ref().filter(|_| self.trades.has(symbol)) {
            out.push(trades(name, ladder, deal));
        }
    }

    fn beat(&mut self, _scene: Scene<'_>, out: &mut Vec<String>) {
        if self.heartbeat {
            self.asks = !self.asks;
            let kind = if self.asks { "test_request" } else { "heartbeat" };
            out.push(json!({"jsonrpc": "2.0", "method": "heartbeat", "params": {"type": kind}}).to_string());
        }
    }

    /// Each message names the one before it.
    fn shows(&self, _fault: StreamFault) -> bool {
        true
    }

    fn stranger(&mut self, extra: Extra, scene: Scene<'_>) -> String {
        match extra {
            Extra::UnknownSymbol => {
                notification("book.NOWHERE.100ms", &changed_body("NOWHERE", scene.now, "", "", 1, 2))
            }
            _ => notification("mystery.all", "[]"),
        }
    }
}

/// `book.BTC_USD.100ms`, `trades.BTC_USD.100ms`, `quote.BTC_USD`.
fn channel(name: &str, scene: Scene<'_>) -> Option<(Kind, usize)> {
    let mut parts = name.split('.');
    let (kind, symbol, interval) = (parts.next()?, parts.next()?, parts.next());
    let kind = match (kind, interval) {
        ("book", Some("100ms" | "agg2")) => Kind::Book,
        ("trades", Some("100ms" | "agg2")) => Kind::Trades,
        ("quote", None) => Kind::Quote,
        _ => return None,
    };
    Some((kind, scene.symbol(symbol)?))
}

fn notification(channel: &str, data: &str) -> String {
    format!(
        "{{\"jsonrpc\":\"2.0\",\"method\":\"subscription\",\"params\":{{\"channel\":\"{channel}\",\"data\":{data}}}}}"
    )
}

fn whole(name: &str, ladder: &Ladder) -> String {
    let side = |side| list(ladder, ladder.levels(side).map(|(price, size)| ("new", price, size)));
    let data = format!(
        "{{\"timestamp\":{},\"type\":\"snapshot\",\"change_id\":{},\"instrument_name\":\"{name}\",\"bids\":{},\"asks\":{}}}",
        millis(ladder.time()),
        ladder.id(),
        side(Side::Bid),
        side(Side::Ask),
    );
    notification(&format!("book.{name}.100ms"), &data)
}

fn changed(name: &str, ladder: &Ladder, change: &Change, previous: u64) -> String {
    let side = |wanted| {
        let prices = change.touched.iter().filter(move |(side, _)| *side == wanted);
        list(
            ladder,
            prices.map(|&(side, price)| match ladder.size(side, price) {
                0 => ("delete", price, 0),
                size => ("change", price, size),
            }),
        )
    };
    let (bids, asks) = (side(Side::Bid), side(Side::Ask));
    let body = changed_body(name, change.time, &bids, &asks, change.id, previous);
    notification(&format!("book.{name}.100ms"), &body)
}

fn changed_body(name: &str, time: Wall, bids: &str, asks: &str, id: u64, previous: u64) -> String {
    let or_none = |side: &str| if side.is_empty() { "[]".to_owned() } else { side.to_owned() };
    format!(
        "{{\"timestamp\":{},\"type\":\"change\",\"change_id\":{id},\"instrument_name\":\"{name}\",\"bids\":{},\"asks\":{},\
         \"prev_change_id\":{previous}}}",
        millis(time),
        or_none(bids),
        or_none(asks),
    )
}

/// `[["new",price,size],…]`.
fn list(ladder: &Ladder, levels: impl Iterator<Item = (&'static str, i64, i64)>) -> String {
    let spec = ladder.spec();
    let mut out = String::from("[");
    for (action, price, size) in levels {
        // Writing to a String cannot fail.
        let _ = write!(out, "{}[\"{action}\",", if out.len() > 1 { "," } else { "" });
        number::write(&mut out, price, spec.price_scale, Spelling::Short);
        out.push(',');
        number::write(&mut out, size, spec.size_scale, Spelling::Short);
        out.push(']');
    }
    out.push(']');
    out
}

fn quote(name: &str, ladder: &Ladder) -> Option<String> {
    let ((bid, bid_size), (ask, ask_size)) = (ladder.best(Side::Bid)?, ladder.best(Side::Ask)?);
    let spec = ladder.spec();
    let text = |units, scale| number::text(units, scale, Spelling::Short);
    let data = format!(
        "{{\"timestamp\":{},\"instrument_name\":\"{name}\",\"best_ask_price\":{},\"best_bid_price\":{},\
         \"best_ask_amount\":{},\"best_bid_amount\":{}}}",
        millis(ladder.time()),
        text(ask, spec.price_scale),
        text(bid, spec.price_scale),
        text(ask_size, spec.size_scale),
        text(bid_size, spec.size_scale),
    );
    Some(notification(&format!("quote.{name}"), &data))
}

fn trades(name: &str, ladder: &Ladder, deal: &Deal) -> String {
    let spec = ladder.spec();
    let price = number::text(deal.price, spec.price_scale, Spelling::Short);
    let size = number::text(deal.size, spec.size_scale, Spelling::Short);
    let direction = if deal.taker == TakerSide::Sell { "sell" } else { "buy" };
    let data = format!(
        "[{{\"timestamp\":{},\"price\":{price},\"direction\":\"{direction}\",\"trade_id\":\"{}\",\"instrument_name\":\"{name}\",\
         \"trade_seq\":{},\"amount\":{size}}}]",
        millis(ladder.time()),
        deal.id,
        deal.id,
    );
    notification(&format!("trades.{name}.100ms"), &data)
}

#[cfg(test)]
mod tests;
