//! Binance futures: margined in dollars (USD-M) and in the coin itself (COIN-M). Combined streams and REST depth.
//!
//! As on the spot market the stream carries changes only, and the first book and every repair come from REST. Update ids
//! skip, so each message names the one before it (`pu`), and that alone decides whether one is missing. What both kinds
//! of market share with spot is taken from there. COIN-M sizes are numbers of contracts, not of coins.
//! Source: <https://developers.binance.com/docs/derivatives/usds-margined-futures/websocket-market-streams>
//! Source: <https://developers.binance.com/docs/derivatives/coin-margined-futures/websocket-market-streams>

mod frames;
mod instruments;
pub mod limits;
mod plain;
mod snapshot;
mod streams;
mod symbols;

use crate::engine::event::{Channel, DecodeError, Decoded, Snapshot};
use crate::engine::time::Wall;
use crate::venue::binance::subscribe::{self, Streams};
use crate::venue::binance::{control, rest, route};
use crate::venue::canonical::Canonical;
use crate::venue::handles::Handles;
use crate::venue::instrument::Page;
use crate::venue::profile::Profile;
use crate::venue::{
    Control, Dial, Request, RestReply, RestRequest, Route, Scope, UpgradeRefusal, Venue, Verdict,
};

/// What the contracts are margined in: each has its own addresses and names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Market {
    Usdm,
    Coinm,
}

/// The venue. It holds nothing but which of the two it is.
#[derive(Clone, Copy, Debug)]
pub struct BinanceFutures {
    market: Market,
}

impl BinanceFutures {
    pub const USDM: BinanceFutures = BinanceFutures { market: Market::Usdm };
    pub const COINM: BinanceFutures = BinanceFutures { market: Market::Coinm };

    fn streams(self, scope: &Scope) -> &'static Streams {
        match self.market {
            Market::Usdm if scope.channels.contains(&Channel::Liquidation) => &streams::USDM_MARKET,
            Market::Usdm => &streams::USDM,
            Market::Coinm => &streams::COINM,
        }
    }
}

impl Venue for BinanceFutures {
    fn profile(&self) -> &'static Profile {
        match self.market {
            Market::Usdm => &limits::USDM,
            Market::Coinm => &limits::COINM,
        }
    }

    fn check_symbol(&self, symbol: &str) -> Result<(), String> {
        symbols::check(self.market, symbol)
    }

    /// USD-M has two addresses, and a connection has one.
    fn check_channels(&self, channels: &[Channel]) -> Result<(), String> {
        let [apart, others]: [Vec<&str>; 2] = [true, false].map(|apart| {
            let of = channels.iter().filter(|channel| (**channel == Channel::Liquidation) == apart);
            of.map(|channel| channel.name()).collect()
        });
        if self.market == Market::Coinm || apart.is_empty() || others.is_empty() {
            return Ok(());
        }
        let (name, others) = (self.profile().name, others.join(", "));
        Err(format!(
            "{name} serves liquidation at another address than {others}: add a second [[feed]] with \
             channels = [\"liquidation\"], and take it out of this one"
        ))
    }

    fn native(&self, market: &Canonical) -> Option<String> {
        symbols::native(self.market, market)
    }

    fn symbol_key(&self, symbol: &str) -> String {
        symbols::key(symbol)
    }

    fn dial(&self, url: &str, scope: &Scope, _key: Option<&str>) -> Dial {
        self.streams(scope).dial(url, scope)
    }

    fn opening(&self, scope: &Scope, id: i64) -> Vec<Request> {
        self.streams(scope).opening(scope, id)
    }

    /// Re-entering a stream brings no snapshot here, so there is nothing to withdraw for.
    fn withdraw(&self, _scope: &Scope, _symbols: &[&str], _handles: &Handles, _id: i64) -> Vec<Request> {
        Vec::new()
    }

    fn restore(&self, _scope: &Scope, _symbols: &[&str], _id: i64) -> Vec<Request> {
        Vec::new()
    }

    fn subscribe(&self, scope: &Scope, symbols: &[&str], id: i64) -> Vec<Request> {
        self.streams(scope).requests(subscribe::SUBSCRIBE, &subscribe::part(scope, symbols), id)
    }

    fn unsubscribe(&self, scope: &Scope, symbols: &[&str], _handles: &Handles, id: i64) -> Vec<Request> {
        self.streams(scope).requests(subscribe::UNSUBSCRIBE, &subscribe::part(scope, symbols), id)
    }

    fn route<'f>(&self, text: &'f str, _handles: &'f Handles) -> Route<'f> {
        match self.market {
            Market::Usdm => route::route::<streams::Usdm>(text),
            Market::Coinm => route::route::<streams::Coinm>(text),
        }
    }

    fn control(&self, text: &str) -> Control {
        control::read(text)
    }

    fn decode(&self, channel: Channel, text: &str, out: &mut Decoded) -> Result<(), DecodeError> {
        let trades = match self.market {
            Market::Usdm => frames::Trades::Single,
            Market::Coinm => frames::Trades::Aggregated,
        };
        frames::decode(trades, channel, text, out)
    }

    fn snapshot_request(&self, rest_url: &str, symbol: &str, _key: Option<&str>) -> Option<RestRequest> {
        let path = match self.market {
            Market::Usdm => "/fapi/v1/depth",
            Market::Coinm => "/dapi/v1/depth",
        };
        Some(rest::depth_request(rest_url, path, symbol, self.profile().rest.snapshot_cost))
    }

    fn verdict(&self, reply: &RestReply<'_>) -> Verdict {
        rest::verdict(reply)
    }

    fn used_budget(&self, reply: &RestReply<'_>) -> Option<u32> {
        rest::used_weight(reply)
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
        Ok(instruments::requests(self.market, rest_url))
    }

    fn instruments(&self, body: &[u8]) -> Result<Page, DecodeError> {
        instruments::read(self, body)
    }

    fn upgrade_refused(&self, reply: &RestReply<'_>, _now: Wall) -> UpgradeRefusal {
        rest::upgrade_refused(reply)
    }
}

#[cfg(test)]
mod tests;
