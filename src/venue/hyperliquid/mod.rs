//! Hyperliquid: perpetuals, spot and builder markets of one chain.
//!
//! A book comes as its best 20 levels a side, complete in every message, with no number and no sum: whatever was lost, the
//! next one repairs. What counts is its age. Names of markets are "coins".
//! Source: <https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/websocket>

mod control;
mod frames;
pub mod limits;
mod route;
mod subscribe;
mod symbols;

pub use limits::PROFILE;

use crate::engine::event::{Channel, DecodeError, Decoded};
use crate::engine::time::Wall;
use crate::venue::answer;
use crate::venue::canonical::Canonical;
use crate::venue::handles::Handles;
use crate::venue::profile::Profile;
use crate::venue::text;
use crate::venue::{Control, Dial, Request, RestReply, RestRequest, Route, Scope, UpgradeRefusal, Venue};

/// The venue. It holds nothing.
#[derive(Clone, Copy, Debug)]
pub struct Hyperliquid;

impl Venue for Hyperliquid {
    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    fn check_symbol(&self, symbol: &str) -> Result<(), String> {
        symbols::check(symbol)
    }

    fn native(&self, market: &Canonical) -> Option<String> {
        symbols::native(market)
    }

    /// Frames name a coin as it was asked for; case matters (`kPEPE`).
    fn symbol_key(&self, symbol: &str) -> String {
        symbol.to_owned()
    }

    fn dial(&self, url: &str, _scope: &Scope, _key: Option<&str>) -> Dial {
        Dial { url: text::endpoint(url, "/ws"), headers: Vec::new() }
    }

    fn opening(&self, scope: &Scope, _id: i64) -> Vec<Request> {
        let coins: Vec<&str> = scope.symbols.iter().map(String::as_str).collect();
        subscribe::all(subscribe::SUBSCRIBE, scope, &coins)
    }

    fn withdraw(&self, scope: &Scope, symbols: &[&str], _handles: &Handles, _id: i64) -> Vec<Request> {
        subscribe::books(subscribe::UNSUBSCRIBE, scope, symbols)
    }

    fn restore(&self, scope: &Scope, symbols: &[&str], _id: i64) -> Vec<Request> {
        subscribe::books(subscribe::SUBSCRIBE, scope, symbols)
    }

    fn subscribe(&self, scope: &Scope, symbols: &[&str], _id: i64) -> Vec<Request> {
        subscribe::all(subscribe::SUBSCRIBE, scope, symbols)
    }

    fn unsubscribe(&self, scope: &Scope, symbols: &[&str], _handles: &Handles, _id: i64) -> Vec<Request> {
        subscribe::all(subscribe::UNSUBSCRIBE, scope, symbols)
    }

    fn ping(&self, _id: i64) -> Option<String> {
        Some(subscribe::PING.to_owned())
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

    fn instruments_requests(
        &self,
        _rest_url: &str,
        _part: Option<&str>,
        _key: Option<&str>,
    ) -> Result<Vec<RestRequest>, String> {
        // Source: <https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/info-endpoint>
        Err("its list is the answer to a POST, and depthd only ever sends GET; a perpetual is called by its coin (BTC, kPEPE), \
             one of a builder xyz:NVDA, a spot market @142 or PURR/USDC".to_owned())
    }

    fn upgrade_refused(&self, reply: &RestReply<'_>, _now: Wall) -> UpgradeRefusal {
        answer::upgrade_refused(reply, None)
    }
}
