//! Binance spot: combined streams and REST depth.
//!
//! The stream carries changes only; the first book and every repair come from REST and are joined by update id.
//! Prices and sizes are strings, update ids exceed 32 bits, times are milliseconds.
//! Source: <https://github.com/binance/binance-spot-api-docs/blob/master/web-socket-streams.md>

mod control;
mod frames;
pub mod limits;
mod rest;
mod route;
mod snapshot;
mod subscribe;
mod symbols;

pub use limits::PROFILE;

use crate::engine::event::{Channel, DecodeError, Decoded, Snapshot};
use crate::engine::time::Wall;
use crate::venue::profile::Profile;
use crate::venue::{Control, Dial, RestReply, RestRequest, Route, Scope, UpgradeRefusal, Venue, Verdict};

/// The venue. It holds nothing.
#[derive(Clone, Copy, Debug)]
pub struct Binance;

impl Venue for Binance {
    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    fn check_symbol(&self, symbol: &str) -> Result<(), String> {
        symbols::check(symbol)
    }

    fn symbol_key(&self, symbol: &str) -> String {
        symbols::key(symbol)
    }

    fn dial(&self, url: &str, scope: &Scope, _key: Option<&str>) -> Dial {
        subscribe::dial(url, scope)
    }

    fn opening(&self, scope: &Scope, id: i64) -> Vec<String> {
        subscribe::opening(scope, id)
    }

    /// Re-entering a stream brings no snapshot here, so there is nothing to withdraw for.
    fn withdraw(&self, _scope: &Scope, _symbols: &[&str], _id: i64) -> Vec<String> {
        Vec::new()
    }

    fn restore(&self, _scope: &Scope, _symbols: &[&str], _id: i64) -> Vec<String> {
        Vec::new()
    }

    fn subscribe(&self, scope: &Scope, symbols: &[&str], id: i64) -> Vec<String> {
        subscribe::requests(subscribe::SUBSCRIBE, &subscribe::part(scope, symbols), id)
    }

    fn unsubscribe(&self, scope: &Scope, symbols: &[&str], id: i64) -> Vec<String> {
        subscribe::requests(subscribe::UNSUBSCRIBE, &subscribe::part(scope, symbols), id)
    }

    fn route<'f>(&self, text: &'f str) -> Route<'f> {
        route::route(text)
    }

    fn control(&self, text: &str) -> Control {
        control::read(text)
    }

    fn decode(&self, channel: Channel, text: &str, out: &mut Decoded) -> Result<(), DecodeError> {
        frames::decode(channel, text, out)
    }

    fn snapshot_request(&self, rest_url: &str, symbol: &str, _key: Option<&str>) -> RestRequest {
        rest::snapshot_request(rest_url, symbol)
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

    fn upgrade_refused(&self, reply: &RestReply<'_>, _now: Wall) -> UpgradeRefusal {
        rest::upgrade_refused(reply)
    }
}
