//! Who is let in: WebSocket upgrades, their limits and their faults.

use super::client::{Client, Session};
use super::{Exchange, since_start};
use crate::engine::time::Mono;
use crate::sim::config::{Face, FaultLevel};
use crate::sim::fault::UpgradeFault;
use crate::sim::log::ViolationKind;
use crate::sim::net::http::{Head, Response};
use crate::sim::net::{Net, PeerId};
use crate::sim::tongue::{self, Scene};
use crate::sim::{binance, coinapi};
use std::time::Duration;

/// A client cannot obey a wait before it has read it: what it began this long after the answer is not held against it.
pub(super) const REACTION: Duration = Duration::from_millis(250);

impl Exchange {
    pub(super) fn upgrade(&mut self, now: Mono, id: PeerId, head: &Head, key: &str, net: &mut dyn Net) {
        let refused = self.refusal(now, head);
        let status = match &refused {
            None => 101,
            Some(None) => 0,
            Some(Some(response)) => response.status,
        };
        self.shared.log().connect(since_start(now), status);
        match refused {
            Some(Some(response)) => net.respond(id, response, now),
            // Never answered.
            Some(None) => {}
            None => {
                let Some(session) = self.session(head) else { return };
                net.accept(id, key);
                let mut client = Client::new(session, &self.config, now);
                if let Session::Spoken(tongue) = &mut client.session {
                    let shared = self.shared.clone();
                    let market = shared.market();
                    let scene = Scene { market: &market, symbols: &self.symbols, now: shared.wall(now) };
                    let mut greeting = Vec::new();
                    tongue.greeting(scene, &mut greeting);
                    greeting.iter().for_each(|text| net.text(id, text));
                }
                self.clients.insert(id, client);
            }
        }
    }

    /// Why not: `Some(None)` is silence.
    fn refusal(&mut self, now: Mono, head: &Head) -> Option<Option<Response>> {
        if self.session(head).is_none() {
            self.violation(now, ViolationKind::BadRequest, format!("upgrade of {}", head.path));
            return Some(Some(Response::json(404, "{\"error\":\"no such path\"}")));
        }
        if let Some((from, until)) = self.meters.connect_ban
            && from <= now
            && now < until
        {
            self.violation(now, ViolationKind::ConnectTooSoon, "told to wait");
            return Some(Some(self.refuse(429, Some(until.since(now)))));
        }
        match self.upgrade_faults.pop_front() {
            Some(UpgradeFault::Hang) => return Some(None),
            Some(UpgradeFault::Refuse { status, wait }) => {
                if let Some(wait) = wait {
                    self.meters.connect_ban = Some((now.after(REACTION), now.after(wait)));
                }
                return Some(Some(self.refuse(status, wait)));
            }
            // Resets happen before there is a request.
            Some(UpgradeFault::Reset) | None => {}
        }
        if let Err(wait) = self.meters.connects.take(now, 1) {
            self.violation(now, ViolationKind::Connects, "too many in the window");
            return Some(Some(self.refuse(429, Some(wait))));
        }
        if self.clients.len() >= self.config.limits.connections_max {
            self.violation(now, ViolationKind::Connections, "too many open");
            let response = self.refuse(429, None).with("X-ConcurrencyLimit-Remaining", 0);
            return Some(Some(response.with("X-ConcurrencyLimit-Limit", self.config.limits.connections_max)));
        }
        None
    }

    fn refuse(&self, status: u16, wait: Option<Duration>) -> Response {
        let response = Response::json(status, "{\"error\":\"refused\"}");
        match (wait, self.config.face) {
            (None, _) => response,
            // Source: https://docs.coinapi.io/market-data/api-limits-and-billing-metrics, read 2025-08-12.
            (Some(wait), Face::CoinApi) => {
                response.with("X-WsRequestsPerIpLimit-RetryAfterMs", wait.as_millis().max(1))
            }
            (Some(wait), _) => response.with("Retry-After", seconds(wait)),
        }
    }

    fn session(&mut self, head: &Head) -> Option<Session> {
        match self.config.face {
            Face::CoinApi => {
                if head.path != "/v1/" && head.path != "/v1" && head.path != "/" {
                    return None;
                }
                let key_ok =
                    [head.header("x-coinapi-key"), head.param("apikey"), head.header("authorization")]
                        .contains(&Some(self.config.key.as_str()));
                let style = coinapi::message::Style::draw(&mut self.random);
                let early = self.faults != FaultLevel::Off;
                let symbols = self.symbols.len();
                Some(Session::CoinApi(coinapi::session::Session::new(symbols, key_ok, early, style)))
            }
            Face::Binance | Face::BinanceUsdm | Face::BinanceCoinm => {
                let (streams, product) = (head.param("streams"), self.product());
                binance::session::Session::open(&head.path, streams, &self.symbols, product)
                    .map(Session::Binance)
            }
            face => tongue::open(face, &head.path, self.symbols.len()).map(Session::Spoken),
        }
    }
}

/// Whole seconds, rounded up, at least one.
pub(super) fn seconds(wait: Duration) -> u64 {
    (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1)
}
