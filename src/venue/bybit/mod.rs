//! Bybit v5 public streams: spot, linear and inverse contracts, and the whole depth of spot.
//!
//! One path of the host is one class of products, and a symbol exists in its own class only. A subscribed book comes as a
//! snapshot and goes on as changes with the next number each; leaving and re-entering the topic brings another snapshot, so
//! that REST is needed for nothing. The topic of the whole depth sends changes alone, and REST has the book that they go on
//! from. Prices and sizes are strings, times are milliseconds.
//! Source: <https://bybit-exchange.github.io/docs/v5/websocket/public/orderbook>
//! Source: <https://bybit-exchange.github.io/docs/v5/websocket/public/full-ob>

mod control;
mod frames;
mod instruments;
pub mod limits;
mod plain;
mod rest;
mod route;
mod snapshot;
mod subscribe;
mod symbols;

pub use limits::{FULL, INVERSE, LINEAR, SPOT};

use crate::engine::event::{Channel, DecodeError, Decoded, Snapshot};
use crate::engine::time::Wall;
use crate::venue::answer;
use crate::venue::canonical::Canonical;
use crate::venue::handles::Handles;
use crate::venue::instrument::Page;
use crate::venue::profile::Profile;
use crate::venue::text;
use crate::venue::{
    Control, Dial, Request, RestReply, RestRequest, Route, Scope, UpgradeRefusal, Venue, Verdict,
};

/// The venue, by its class of products and the depth of its books. It holds nothing else.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Bybit {
    Spot,
    /// Spot, with books of all levels.
    Full,
    /// Perpetuals and futures settled in USDT or USDC.
    Linear,
    /// Perpetuals and futures settled in the coin.
    Inverse,
}

impl Bybit {
    /// As REST calls the class.
    const fn category(self) -> &'static str {
        match self {
            Bybit::Spot | Bybit::Full => "spot",
            Bybit::Linear => "linear",
            Bybit::Inverse => "inverse",
        }
    }

    /// What stands before the symbol in the topic of a book.
    const fn book_topic(self) -> &'static str {
        match self {
            Bybit::Spot | Bybit::Linear | Bybit::Inverse => "orderbook.200.",
            Bybit::Full => "orderbook.full.",
        }
    }
}

impl Venue for Bybit {
    fn profile(&self) -> &'static Profile {
        match self {
            Bybit::Spot => &SPOT,
            Bybit::Full => &FULL,
            Bybit::Linear => &LINEAR,
            Bybit::Inverse => &INVERSE,
        }
    }

    fn check_symbol(&self, symbol: &str) -> Result<(), String> {
        symbols::check(symbol)
    }

    fn native(&self, market: &Canonical) -> Option<String> {
        symbols::native(*self, market)
    }

    /// Topics carry the configured spelling.
    fn symbol_key(&self, symbol: &str) -> String {
        symbol.to_owned()
    }

    fn dial(&self, url: &str, _scope: &Scope, _key: Option<&str>) -> Dial {
        let path = match self {
            Bybit::Spot | Bybit::Full => "/v5/public/spot",
            Bybit::Linear => "/v5/public/linear",
            Bybit::Inverse => "/v5/public/inverse",
        };
        Dial { url: text::endpoint(url, path), headers: Vec::new() }
    }

    fn opening(&self, scope: &Scope, id: i64) -> Vec<Request> {
        let symbols: Vec<&str> = scope.symbols.iter().map(String::as_str).collect();
        subscribe::requests(*self, subscribe::SUBSCRIBE, &scope.channels, &symbols, id)
    }

    fn withdraw(&self, scope: &Scope, symbols: &[&str], _handles: &Handles, id: i64) -> Vec<Request> {
        subscribe::requests(*self, subscribe::UNSUBSCRIBE, subscribe::book(scope), symbols, id)
    }

    fn restore(&self, scope: &Scope, symbols: &[&str], id: i64) -> Vec<Request> {
        subscribe::requests(*self, subscribe::SUBSCRIBE, subscribe::book(scope), symbols, id)
    }

    fn subscribe(&self, scope: &Scope, symbols: &[&str], id: i64) -> Vec<Request> {
        subscribe::requests(*self, subscribe::SUBSCRIBE, &scope.channels, symbols, id)
    }

    fn unsubscribe(&self, scope: &Scope, symbols: &[&str], _handles: &Handles, id: i64) -> Vec<Request> {
        subscribe::requests(*self, subscribe::UNSUBSCRIBE, &scope.channels, symbols, id)
    }

    fn ping(&self, id: i64) -> Option<String> {
        Some(subscribe::ping(id))
    }

    fn route<'f>(&self, text: &'f str, _handles: &'f Handles) -> Route<'f> {
        route::route(*self, text)
    }

    fn control(&self, text: &str) -> Control {
        control::read(text)
    }

    fn decode(&self, channel: Channel, text: &str, out: &mut Decoded) -> Result<(), DecodeError> {
        frames::decode(*self, channel, text, out)
    }

    fn snapshot_request(&self, rest_url: &str, symbol: &str, _key: Option<&str>) -> Option<RestRequest> {
        (*self == Bybit::Full).then(|| rest::snapshot_request(rest_url, symbol))
    }

    fn verdict(&self, reply: &RestReply<'_>) -> Verdict {
        rest::verdict(reply)
    }

    fn snapshot(&self, symbol: &str, body: &[u8]) -> Result<Snapshot, DecodeError> {
        snapshot::read(symbol, body)
    }

    fn instruments_requests(
        &self,
        rest_url: &str,
        _part: Option<&str>,
        _key: Option<&str>,
    ) -> Result<Vec<RestRequest>, String> {
        Ok(instruments::requests(*self, rest_url))
    }

    fn instruments(&self, body: &[u8]) -> Result<Page, DecodeError> {
        instruments::read(*self, body)
    }

    fn upgrade_refused(&self, reply: &RestReply<'_>, _now: Wall) -> UpgradeRefusal {
        answer::upgrade_refused(reply, Some(rest::BAN_MIN))
    }
}
