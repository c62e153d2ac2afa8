//! Binance spot: combined streams and REST depth.
//!
//! The stream carries changes only; the first book and every repair come from REST and are joined by update id.
//! Prices and sizes are strings, update ids exceed 32 bits, times are milliseconds.
//! Source: <https://github.com/binance/binance-spot-api-docs/blob/master/web-socket-streams.md>

// What the venue's futures have in common with it is theirs to use.
pub(in crate::venue) mod control;
pub(in crate::venue) mod frames;
pub mod instruments;
pub mod limits;
pub(in crate::venue) mod rest;
pub(in crate::venue) mod route;
pub(in crate::venue) mod snapshot;
pub(in crate::venue) mod subscribe;
pub(in crate::venue) mod symbols;

pub use limits::PROFILE;

use crate::engine::event::{Channel, DecodeError, Decoded, Snapshot};
use crate::engine::time::Wall;
use crate::venue::canonical::{Canonical, Kind};
use crate::venue::handles::Handles;
use crate::venue::instrument::Page;
use crate::venue::profile::Profile;
use crate::venue::{
    Control, Dial, Request, RestReply, RestRequest, Route, Scope, UpgradeRefusal, Venue, Verdict,
};

/// The venue. It holds nothing.
#[derive(Clone, Copy, Debug)]
pub struct Binance;

impl Venue for Binance {
    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    fn check_symbol(&self, symbol: &str) -> Result<(), String> {
        symbols::check(symbol, "BTCUSDT")
    }

    fn native(&self, market: &Canonical) -> Option<String> {
        let (base, quote) = market.of_kind(Kind::Spot)?;
        Some(format!("{base}{quote}"))
    }

    fn symbol_key(&self, symbol: &str) -> String {
        symbols::key(symbol)
    }

    fn dial(&self, url: &str, scope: &Scope, _key: Option<&str>) -> Dial {
        subscribe::SPOT.dial(url, scope)
    }

    fn opening(&self, scope: &Scope, id: i64) -> Vec<Request> {
        subscribe::SPOT.opening(scope, id)
    }

    /// Re-entering a stream brings no snapshot here, so there is nothing to withdraw for.
    fn withdraw(&self, _scope: &Scope, _symbols: &[&str], _handles: &Handles, _id: i64) -> Vec<Request> {
        Vec::new()
    }

    fn restore(&self, _scope: &Scope, _symbols: &[&str], _id: i64) -> Vec<Request> {
        Vec::new()
    }

    fn subscribe(&self, scope: &Scope, symbols: &[&str], id: i64) -> Vec<Request> {
        subscribe::SPOT.requests(subscribe::SUBSCRIBE, &subscribe::part(scope, symbols), id)
    }

    fn unsubscribe(&self, scope: &Scope, symbols: &[&str], _handles: &Handles, id: i64) -> Vec<Request> {
        subscribe::SPOT.requests(subscribe::UNSUBSCRIBE, &subscribe::part(scope, symbols), id)
    }

    fn route<'f>(&self, text: &'f str, _handles: &'f Handles) -> Route<'f> {
        route::route::<route::Spot>(text)
    }

    fn control(&self, text: &str) -> Control {
        control::read(text)
    }

    fn decode(&self, channel: Channel, text: &str, out: &mut Decoded) -> Result<(), DecodeError> {
        frames::decode(channel, text, out)
    }

    fn snapshot_request(&self, rest_url: &str, symbol: &str, _key: Option<&str>) -> Option<RestRequest> {
        Some(rest::depth_request(rest_url, "/api/v3/depth", symbol, PROFILE.rest.snapshot_cost))
    }

    fn verdict(&self, reply: &RestReply<'_>) -> Verdict {
        rest::verdict(reply)
    }

    fn used_budget(&self, reply: &RestReply<'_>) -> Option<u32> {
        rest::used_weight(reply)
    }

    fn snapshot(&self, _symbol: &str, body: &[u8]) -> Result<Snapshot, DecodeError> {
        snapshot::read(body)
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
