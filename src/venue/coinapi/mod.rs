//! CoinAPI market data: WebSocket V1 and REST.
//!
//! The stream's first book message is a snapshot, and leaving and re-entering the subscription brings another. REST
//! books have no sequence and 20 levels: they are joined by the operator's own time and are worth `partial`.
//! Numbers are JSON numbers, times ISO 8601 with seven decimals; no request is ever acknowledged.
//! Source: <https://docs.coinapi.io/market-data/websocket/general> and .../messages (dump of 2025-08-12)

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

pub use limits::PROFILE;

use crate::engine::event::{Channel, DecodeError, Decoded, Snapshot};
use crate::engine::time::Wall;
use crate::venue::handles::Handles;
use crate::venue::instrument::Page;
use crate::venue::profile::Profile;
use crate::venue::{
    Control, Dial, Request, RestReply, RestRequest, Route, Scope, UpgradeRefusal, Venue, Verdict,
};

/// The header that carries the key, for REST and for the upgrade.
/// The vendor recommends it, and it keeps the key out of addresses and frames.
/// Source: <https://docs.coinapi.io/market-data/authentication>
const KEY_HEADER: &str = "X-CoinAPI-Key";

/// The venue. It holds nothing.
#[derive(Clone, Copy, Debug)]
pub struct CoinApi;

impl Venue for CoinApi {
    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    fn check_symbol(&self, symbol: &str) -> Result<(), String> {
        symbols::check(symbol)
    }

    /// Frames carry the configured spelling.
    fn symbol_key(&self, symbol: &str) -> String {
        symbol.to_owned()
    }

    fn dial(&self, url: &str, _scope: &Scope, key: Option<&str>) -> Dial {
        let headers = key.map(|key| (KEY_HEADER, key.to_owned())).into_iter().collect();
        Dial { url: url.to_owned(), headers }
    }

    fn opening(&self, scope: &Scope, _id: i64) -> Vec<Request> {
        subscribe::hello(scope)
    }

    fn withdraw(&self, scope: &Scope, symbols: &[&str], _handles: &Handles, _id: i64) -> Vec<Request> {
        subscribe::withdraw(scope, symbols)
    }

    fn restore(&self, scope: &Scope, symbols: &[&str], _id: i64) -> Vec<Request> {
        subscribe::restore(scope, symbols)
    }

    fn subscribe(&self, scope: &Scope, symbols: &[&str], _id: i64) -> Vec<Request> {
        subscribe::restore(scope, symbols)
    }

    fn unsubscribe(&self, scope: &Scope, symbols: &[&str], _handles: &Handles, _id: i64) -> Vec<Request> {
        subscribe::forget(scope, symbols)
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

    fn snapshot_request(&self, rest_url: &str, symbol: &str, key: Option<&str>) -> Option<RestRequest> {
        Some(rest::snapshot_request(rest_url, symbol, key))
    }

    fn verdict(&self, reply: &RestReply<'_>) -> Verdict {
        rest::verdict(reply)
    }

    /// The headers that tell are computed in the background and lag by up to a minute: steering by them would
    /// spend what is gone. Source: <https://docs.coinapi.io/general/usage-credits>
    fn used_budget(&self, _reply: &RestReply<'_>) -> Option<u32> {
        None
    }

    fn snapshot(&self, symbol: &str, body: &[u8]) -> Result<Snapshot, DecodeError> {
        snapshot::read(symbol, body)
    }

    fn instruments_requests(
        &self,
        rest_url: &str,
        part: Option<&str>,
        key: Option<&str>,
    ) -> Result<Vec<RestRequest>, String> {
        instruments::requests(rest_url, part, key)
    }

    fn instruments(&self, body: &[u8]) -> Result<Page, DecodeError> {
        instruments::read(self, body)
    }

    fn upgrade_refused(&self, reply: &RestReply<'_>, _now: Wall) -> UpgradeRefusal {
        rest::upgrade_refused(reply)
    }
}
