//! Coinbase: two public feeds of one matching engine.
//!
//! Advanced Trade sends every change of a book and numbers all frames of a connection, so that a lost one shows. The
//! Exchange feed sends changes in batches of 50 ms and numbers nothing. Both send the whole book first and again after a
//! new subscription, so REST is never asked. Prices and sizes are strings, times RFC 3339.
//! Source: <https://docs.cdp.coinbase.com/coinbase-app/advanced-trade-apis/websocket/websocket-channels>
//! Source: <https://docs.cdp.coinbase.com/exchange/websocket-feed/channels>

mod advanced;
mod errors;
mod exchange;
mod instruments;
mod levels;
pub mod limits;
mod subscribe;
mod symbols;
mod values;

use crate::engine::event::{Channel, DecodeError, Decoded};
use crate::engine::time::Wall;
use crate::venue::answer;
use crate::venue::canonical::Canonical;
use crate::venue::handles::Handles;
use crate::venue::instrument::Page;
use crate::venue::profile::Profile;
use crate::venue::{
    Control, Dial, Parts, Request, RestReply, RestRequest, Route, Scope, UpgradeRefusal, Venue,
};

/// The venue, by its feed. It holds nothing else.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Coinbase {
    /// Advanced Trade: `level2`, `market_trades`, `ticker`.
    Advanced,
    /// Exchange: `level2_batch`, `matches`, `ticker`.
    Exchange,
}

impl Venue for Coinbase {
    fn profile(&self) -> &'static Profile {
        match self {
            Coinbase::Advanced => &limits::ADVANCED,
            Coinbase::Exchange => &limits::EXCHANGE,
        }
    }

    fn check_symbol(&self, symbol: &str) -> Result<(), String> {
        symbols::check(symbol)
    }

    fn native(&self, market: &Canonical) -> Option<String> {
        symbols::native(*self, market)
    }

    fn symbol_key(&self, symbol: &str) -> String {
        symbols::served_as(*self, symbol).into_owned()
    }

    fn dial(&self, url: &str, _scope: &Scope, _key: Option<&str>) -> Dial {
        Dial { url: url.trim_end_matches('/').to_owned(), headers: Vec::new() }
    }

    fn opening(&self, scope: &Scope, _id: i64) -> Vec<Request> {
        subscribe::opening(*self, scope)
    }

    fn withdraw(&self, scope: &Scope, symbols: &[&str], _handles: &Handles, _id: i64) -> Vec<Request> {
        subscribe::books(*self, subscribe::UNSUBSCRIBE, scope, symbols)
    }

    fn restore(&self, scope: &Scope, symbols: &[&str], _id: i64) -> Vec<Request> {
        subscribe::books(*self, subscribe::SUBSCRIBE, scope, symbols)
    }

    fn subscribe(&self, scope: &Scope, symbols: &[&str], _id: i64) -> Vec<Request> {
        subscribe::all(*self, subscribe::SUBSCRIBE, scope, symbols)
    }

    fn unsubscribe(&self, scope: &Scope, symbols: &[&str], _handles: &Handles, _id: i64) -> Vec<Request> {
        subscribe::all(*self, subscribe::UNSUBSCRIBE, scope, symbols)
    }

    fn route<'f>(&self, text: &'f str, _handles: &'f Handles) -> Route<'f> {
        match self {
            Coinbase::Advanced => advanced::route::route(text),
            Coinbase::Exchange => exchange::route::route(text),
        }
    }

    fn connection_number(&self, text: &str) -> Option<u64> {
        match self {
            Coinbase::Advanced => advanced::route::number(text),
            Coinbase::Exchange => None,
        }
    }

    fn parts<'f>(&self, text: &'f str, part: &mut Parts<'_, 'f>) -> Result<(), DecodeError> {
        match self {
            Coinbase::Advanced => advanced::parts::parts(text, part),
            Coinbase::Exchange => Err(DecodeError::Json),
        }
    }

    fn control(&self, text: &str) -> Control {
        match self {
            Coinbase::Advanced => advanced::control::read(text),
            Coinbase::Exchange => exchange::control::read(text),
        }
    }

    fn decode(&self, channel: Channel, text: &str, out: &mut Decoded) -> Result<(), DecodeError> {
        match self {
            Coinbase::Advanced => advanced::frames::decode(channel, text, out),
            Coinbase::Exchange => exchange::frames::decode(channel, text, out),
        }
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
        answer::upgrade_refused(reply, None)
    }
}
