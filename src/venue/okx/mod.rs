//! OKX v5 public streams, and its REST book.
//!
//! A subscribed book comes as a snapshot and goes on as changes that each name the one before. The venue announced that the
//! snapshot would go, and that the REST book, which is numbered like the stream, takes its place: what the stream sends
//! first decides which of the two begins a book. Prices and sizes are strings; of derivatives, sizes are contracts.
//! Source: <https://www.okx.com/docs-v5/en/#order-book-trading-market-data-ws-order-book-channel>

mod control;
mod frames;
mod instruments;
mod levels;
pub mod limits;
mod plain;
mod rest;
mod route;
mod snapshot;
mod subscribe;
mod symbols;

pub use limits::PROFILE;

use crate::engine::event::{Channel, DecodeError, Decoded, Snapshot};
use crate::engine::time::Wall;
use crate::venue::canonical::Canonical;
use crate::venue::handles::Handles;
use crate::venue::instrument::Page;
use crate::venue::profile::Profile;
use crate::venue::text;
use crate::venue::{
    Control, Dial, Request, RestReply, RestRequest, Route, Scope, UpgradeRefusal, Venue, Verdict,
};

/// The venue. It holds nothing.
#[derive(Clone, Copy, Debug)]
pub struct Okx;

impl Venue for Okx {
    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    fn check_symbol(&self, symbol: &str) -> Result<(), String> {
        symbols::check(symbol)
    }

    fn native(&self, market: &Canonical) -> Option<String> {
        symbols::native(market)
    }

    /// Frames carry the configured spelling.
    fn symbol_key(&self, symbol: &str) -> String {
        symbol.to_owned()
    }

    fn dial(&self, url: &str, _scope: &Scope, _key: Option<&str>) -> Dial {
        Dial { url: text::endpoint(url, "/ws/v5/public"), headers: Vec::new() }
    }

    fn opening(&self, scope: &Scope, id: i64) -> Vec<Request> {
        let symbols: Vec<&str> = scope.symbols.iter().map(String::as_str).collect();
        subscribe::requests(subscribe::SUBSCRIBE, &scope.channels, &symbols, id)
    }

    fn withdraw(&self, scope: &Scope, symbols: &[&str], _handles: &Handles, id: i64) -> Vec<Request> {
        subscribe::requests(subscribe::UNSUBSCRIBE, subscribe::book(scope), symbols, id)
    }

    fn restore(&self, scope: &Scope, symbols: &[&str], id: i64) -> Vec<Request> {
        subscribe::requests(subscribe::SUBSCRIBE, subscribe::book(scope), symbols, id)
    }

    fn subscribe(&self, scope: &Scope, symbols: &[&str], id: i64) -> Vec<Request> {
        subscribe::requests(subscribe::SUBSCRIBE, &scope.channels, symbols, id)
    }

    fn unsubscribe(&self, scope: &Scope, symbols: &[&str], _handles: &Handles, id: i64) -> Vec<Request> {
        subscribe::requests(subscribe::UNSUBSCRIBE, &scope.channels, symbols, id)
    }

    /// Text, and not JSON; so is the answer.
    fn ping(&self, _id: i64) -> Option<String> {
        Some("ping".to_owned())
    }

    fn route<'f>(&self, text: &'f str, _handles: &'f Handles) -> Route<'f> {
        route::route(text)
    }

    fn control(&self, text: &str) -> Control {
        control::read(text)
    }

    fn decode(&self, channel: Channel, text: &str, out: &mut Decoded) -> Result<(), DecodeError> {
        frames::decode(channel, text, out)
    }

    fn snapshot_request(&self, rest_url: &str, symbol: &str, _key: Option<&str>) -> Option<RestRequest> {
        Some(rest::snapshot_request(rest_url, symbol))
    }

    fn verdict(&self, reply: &RestReply<'_>) -> Verdict {
        rest::verdict(reply)
    }

    /// Nothing is said of what was used.
    fn used_budget(&self, _reply: &RestReply<'_>) -> Option<u32> {
        None
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
        Ok(instruments::requests(rest_url))
    }

    fn instruments(&self, body: &[u8]) -> Result<Page, DecodeError> {
        instruments::read(self, body)
    }

    fn upgrade_refused(&self, reply: &RestReply<'_>, _now: Wall) -> UpgradeRefusal {
        rest::upgrade_refused(reply)
    }
}
