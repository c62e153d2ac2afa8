//! Bitfinex: the WebSocket's second version, its books at the finest aggregation.
//!
//! A subscription brings the book in the stream, and everything after it is numbered: one count over all frames of the
//! connection, heartbeats included. Books are summed up from time to time. Frames name their stream by a number that lasts
//! as long as the connection. Numbers come as numbers, with exponents, and are read from their text.
//! There are no quotes: the ticker's sizes are sums over 25 levels, and it comes every ten seconds.
//! Source: <https://docs.bitfinex.com/docs/ws-general>

mod control;
mod count;
mod frames;
mod instruments;
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
use crate::venue::instrument::Page;
use crate::venue::profile::Profile;
use crate::venue::{Control, Dial, Request, RestReply, RestRequest, Route, Scope, UpgradeRefusal, Venue};
use std::time::Duration;

/// The venue. It holds nothing.
#[derive(Clone, Copy, Debug)]
pub struct Bitfinex;

/// How long an address is blocked that asked too often, where the answer names no time.
const BLOCK: Duration = Duration::from_secs(60);

impl Venue for Bitfinex {
    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    fn check_symbol(&self, symbol: &str) -> Result<(), String> {
        symbols::check(symbol)
    }

    fn native(&self, market: &Canonical) -> Option<String> {
        symbols::native(market)
    }

    /// Names are case-sensitive and written one way everywhere.
    fn symbol_key(&self, symbol: &str) -> String {
        symbol.to_owned()
    }

    fn dial(&self, url: &str, _scope: &Scope, _key: Option<&str>) -> Dial {
        Dial { url: format!("{}/ws/2", url.trim_end_matches('/')), headers: Vec::new() }
    }

    fn opening(&self, scope: &Scope, _id: i64) -> Vec<Request> {
        subscribe::opening(scope)
    }

    fn withdraw(&self, _scope: &Scope, symbols: &[&str], handles: &Handles, _id: i64) -> Vec<Request> {
        subscribe::leave(symbols, handles, |channel| channel == Channel::Book)
    }

    fn restore(&self, _scope: &Scope, symbols: &[&str], _id: i64) -> Vec<Request> {
        subscribe::enter(symbols, &[Channel::Book])
    }

    fn subscribe(&self, scope: &Scope, symbols: &[&str], _id: i64) -> Vec<Request> {
        subscribe::enter(symbols, &scope.channels)
    }

    fn unsubscribe(&self, _scope: &Scope, symbols: &[&str], handles: &Handles, _id: i64) -> Vec<Request> {
        subscribe::leave(symbols, handles, |_| true)
    }

    fn route<'f>(&self, text: &'f str, handles: &'f Handles) -> Route<'f> {
        route::route(text, handles)
    }

    fn connection_number(&self, text: &str) -> Option<u64> {
        count::number(text)
    }

    fn control(&self, text: &str) -> Control {
        control::read(text)
    }

    fn decode(&self, channel: Channel, text: &str, out: &mut Decoded) -> Result<(), DecodeError> {
        frames::decode(channel, text, out)
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
        answer::upgrade_refused(reply, Some(BLOCK))
    }
}
