//! Deribit: JSON-RPC over WebSocket.
//!
//! Each book channel begins with its whole book and goes on with changes, each of which names the one before it. Prices and
//! amounts are JSON numbers, times milliseconds.
//! Source: <https://docs.deribit.com/subscriptions/orderbook/bookinstrument_nameinterval>

mod control;
mod events;
mod frames;
mod instruments;
mod levels;
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
use crate::venue::text;
use crate::venue::{Control, Dial, Request, RestReply, RestRequest, Route, Scope, UpgradeRefusal, Venue};
use std::time::Duration;
use subscribe::{SUBSCRIBE, UNSUBSCRIBE};

/// The venue. It holds nothing.
#[derive(Clone, Copy, Debug)]
pub struct Deribit;

/// How long to stay away where too many connections of an address are open (429): they take a while to end.
const CROWDED: Duration = Duration::from_secs(60);

impl Venue for Deribit {
    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    fn check_symbol(&self, symbol: &str) -> Result<(), String> {
        symbols::check(symbol)
    }

    fn native(&self, market: &Canonical) -> Option<String> {
        symbols::native(market)
    }

    /// Channels carry the configured spelling.
    fn symbol_key(&self, symbol: &str) -> String {
        symbol.to_owned()
    }

    fn dial(&self, url: &str, _scope: &Scope, _key: Option<&str>) -> Dial {
        Dial { url: text::endpoint(url, "/ws/api/v2"), headers: Vec::new() }
    }

    fn opening(&self, scope: &Scope, id: i64) -> Vec<Request> {
        subscribe::opening(scope, id)
    }

    fn withdraw(&self, scope: &Scope, symbols: &[&str], _handles: &Handles, id: i64) -> Vec<Request> {
        subscribe::requests(UNSUBSCRIBE, &subscribe::books(scope), symbols, id)
    }

    fn restore(&self, scope: &Scope, symbols: &[&str], id: i64) -> Vec<Request> {
        subscribe::requests(SUBSCRIBE, &subscribe::books(scope), symbols, id)
    }

    fn subscribe(&self, scope: &Scope, symbols: &[&str], id: i64) -> Vec<Request> {
        subscribe::requests(SUBSCRIBE, &scope.channels, symbols, id)
    }

    fn unsubscribe(&self, scope: &Scope, symbols: &[&str], _handles: &Handles, id: i64) -> Vec<Request> {
        subscribe::requests(UNSUBSCRIBE, &scope.channels, symbols, id)
    }

    fn route<'f>(&self, text: &'f str, _handles: &'f Handles) -> Route<'f> {
        route::route(text)
    }

    fn control(&self, text: &str) -> Control {
        control::read(text)
    }

    fn lists_granted(&self) -> bool {
        true
    }

    fn left_out(&self, request: &str, answer: &str) -> Option<Vec<Control>> {
        control::left_out(request, answer)
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
        answer::upgrade_refused(reply, Some(CROWDED))
    }
}
