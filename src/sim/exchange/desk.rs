//! The REST desk: books on request, inside the venue's budgets, with whatever goes wrong.

use super::door::{REACTION, seconds};
use super::{Exchange, between, since_start};
use crate::engine::time::Mono;
use crate::sim::config::Face;
use crate::sim::fault::{Fault, RestFault};
use crate::sim::log::{RestCall, ViolationKind};
use crate::sim::net::http::{Head, Response};
use crate::sim::net::{Net, PeerId};
use crate::sim::{binance, bybit, coinapi, okx, tongue};
use std::time::Duration;

/// Calls made during a wait that Binance forgives before it bans.
const OFFENCES_MAX: u32 = 3;
/// Binance's shortest ban. Source: binance-spot-api-docs rest-api.md, commit a5e0bc3.
const BAN: Duration = Duration::from_secs(120);
const HUGE_BYTES: usize = 32 << 20;

/// A book call of either face.
struct Call {
    symbol: String,
    levels: usize,
    cost: u32,
}

impl Exchange {
    pub(super) fn request(&mut self, now: Mono, id: PeerId, head: &Head, net: &mut dyn Net) {
        let call = match self.config.face {
            Face::CoinApi => {
                coinapi::rest::call(head).map(|c| Call { symbol: c.symbol, levels: c.levels, cost: 1 })
            }
            Face::Binance | Face::BinanceUsdm | Face::BinanceCoinm => {
                let call = binance::rest::call(head, self.product());
                call.map(|c| Call { symbol: c.symbol, levels: c.levels, cost: c.weight })
            }
            face => tongue::rest_call(face, head).map(|(symbol, levels)| Call { symbol, levels, cost: 1 }),
        };
        let Some(call) = call.filter(|_| head.method == "GET") else {
            self.violation(now, ViolationKind::BadRequest, format!("{} {}", head.method, head.path));
            return net.respond(id, Response::json(404, "{\"error\":\"not found\"}"), now);
        };
        let refused = self.over_budget(now, &call).or_else(|| self.unanswerable(now, head, &call));
        let fault = if refused.is_none() { self.rest_faults.pop_front() } else { None };
        let (low, high) = self.config.rest_latency;
        let mut at = now.after(between(&mut self.random, low, high));
        let response = match (refused, fault) {
            (Some(response), _) => Some(response),
            (None, Some(fault)) => self.faulty(&call, fault, &mut at),
            (None, None) => Some(self.good(&call, None)),
        };
        let response = response.map(|r| self.labelled(r));
        let entry = RestCall {
            start: since_start(now),
            end: None,
            symbol: call.symbol,
            status: response.as_ref().map_or(0, |r| r.status),
            cost: call.cost,
            fault: fault.map(|what| Fault::Rest { count: 1, what }.name()),
        };
        let mut log = self.shared.log();
        if let Some(name) = entry.fault {
            log.fault(name);
        }
        self.calls.insert(id, log.rest_start(entry));
        drop(log);
        if let Some(response) = response {
            net.respond(id, response, at);
        }
    }

    pub(super) fn call_ended(&mut self, now: Mono, id: PeerId) {
        if let Some(number) = self.calls.remove(&id) {
            self.shared.log().rest_end(number, since_start(now));
        }
    }

    /// What the venue answers to a call too many.
    fn over_budget(&mut self, now: Mono, call: &Call) -> Option<Response> {
        if let Some((from, until)) = self.meters.rest_ban.filter(|&(_, until)| now < until) {
            if from <= now {
                self.violation(now, ViolationKind::RestTooSoon, call.symbol.clone());
                self.meters.rest_offences += 1;
            }
            if self.config.face.is_binance() && self.meters.rest_offences > OFFENCES_MAX {
                return Some(self.ban(now, 418, Some(BAN)));
            }
            return Some(self.too_many(until.since(now)));
        }
        self.meters.rest_offences = 0;
        if self.calls.len() >= self.config.limits.rest_concurrency {
            self.violation(now, ViolationKind::RestConcurrency, call.symbol.clone());
            let text =
                "{\"error\":\"Too many concurrent requests. See X-ConcurrencyLimit-Limit and send fewer.\"}";
            return Some(Response::json(429, text).with("X-ConcurrencyLimit-Remaining", 0));
        }
        let wall = self.shared.wall(now);
        let rate = match self.config.face {
            face if face.is_binance() => self.meters.rest_aligned.take(wall, call.cost),
            _ => self.meters.rest_rolling.take(now, call.cost),
        };
        if let Err(wait) = rate {
            self.violation(now, ViolationKind::RestRate, call.symbol.clone());
            return Some(self.ban(now, 429, Some(wait)));
        }
        let daily = self.meters.rest_daily.as_mut().map_or(Ok(()), |meter| meter.take(now, call.cost));
        if daily.is_err() {
            self.violation(now, ViolationKind::RestDaily, call.symbol.clone());
            let text = "{\"title\":\"Forbidden\",\"status\":403,\"detail\":\"Quota exceeded: Insufficient Usage \
                        Credits or Subscription.\",\"error\":\"Forbidden (Quota exceeded)\"}";
            return Some(Response::json(403, text));
        }
        None
    }

    /// A bad key, an unknown symbol.
    fn unanswerable(&mut self, now: Mono, head: &Head, call: &Call) -> Option<Response> {
        let known = self.symbols.contains(&call.symbol);
        match self.config.face {
            Face::CoinApi => {
                let key = [head.header("x-coinapi-key"), head.param("apikey"), head.header("authorization")];
                if !key.contains(&Some(self.config.key.as_str())) {
                    self.violation(now, ViolationKind::BadRequest, "bad key");
                    return Some(Response::json(401, "{\"error\":\"Invalid API key\"}"));
                }
                (!known).then(|| Response::json(550, "{\"error\":\"No data\"}"))
            }
            Face::Okx => {
                (!known).then(|| Response::json(200, okx::rest_error(51001, "Instrument ID does not exist")))
            }
            Face::BybitFull => {
                (!known).then(|| Response::json(200, bybit::rest::error(10_001, "Not supported symbols")))
            }
            _ => (!known).then(|| Response::json(400, binance::rest::error(-1121, "Invalid symbol."))),
        }
    }

    /// Stays away everybody for a while, and says so where there is a time to say.
    fn ban(&mut self, now: Mono, status: u16, wait: Option<Duration>) -> Response {
        let response = match (self.config.face, status) {
            // No time is documented to be told, and so there is none to be kept to.
            (Face::Okx, 429) => return Response::json(429, okx::rest_error(50011, "Too Many Requests")),
            (Face::Okx, 503) => {
                return Response::json(503, okx::rest_error(50001, "Service temporarily unavailable"));
            }
            (face, 418 | 429) if face.is_binance() => {
                Response::json(status, binance::rest::error(-1003, "Way too much request weight used."))
            }
            _ => Response::json(status, format!("{{\"error\":\"status {status}\"}}")),
        };
        match wait {
            None => response,
            Some(wait) => {
                let told = Duration::from_secs(seconds(wait));
                self.meters.rest_ban = Some((now.after(REACTION), now.after(wait)));
                response.with("Retry-After", told.as_secs())
            }
        }
    }

    fn too_many(&self, wait: Duration) -> Response {
        let text = match self.config.face {
            Face::CoinApi => "{\"error\":\"Too many requests\"}".to_owned(),
            _ => binance::rest::error(-1003, "Too many requests."),
        };
        Response::json(429, text).with("Retry-After", seconds(wait))
    }

    /// The book, `back` versions ago where that is kept.
    fn book(&mut self, call: &Call, back: u64, twist: coinapi::rest::Twist) -> String {
        let shared = self.shared.clone();
        let market = shared.market();
        let index = self.symbols.iter().position(|s| *s == call.symbol);
        let ladder = &market.instruments[index.expect("unknown symbols were refused before")].ladder;
        let id = ladder.id().saturating_sub(back).max(ladder.oldest());
        let frozen = ladder.at_id(id).expect("versions from the oldest to the newest are kept");
        match self.config.face {
            Face::CoinApi => {
                let (symbol, random) = (&call.symbol, &mut self.random);
                coinapi::rest::body(ladder.spec(), symbol, &frozen, call.levels, twist, random)
            }
            Face::Binance | Face::BinanceUsdm | Face::BinanceCoinm => {
                binance::rest::body(ladder, &frozen, call.levels, twist.crossed, self.product())
            }
            face => tongue::rest_body(face, ladder, &frozen, call.levels, twist.crossed),
        }
    }

    fn good(&mut self, call: &Call, fault: Option<RestFault>) -> Response {
        let back = if fault == Some(RestFault::Stale) { 20 + self.random.below(300) } else { 0 };
        let twist = coinapi::rest::Twist {
            split: fault == Some(RestFault::Split),
            crossed: fault == Some(RestFault::Crossed),
        };
        Response::json(200, self.book(call, back, twist))
    }

    /// The answer under a fault; `None` for no answer at all.
    fn faulty(&mut self, call: &Call, fault: RestFault, at: &mut Mono) -> Option<Response> {
        match fault {
            RestFault::Hang => return None,
            RestFault::Slow(wait) => *at = at.after(wait),
            _ => {}
        }
        Some(match fault {
            RestFault::Status { status, wait } => self.ban(*at, status, wait),
            RestFault::Cut => {
                let mut response = self.good(call, None);
                response.cut_at = Some(response.body.len() / 2);
                response
            }
            RestFault::Trickle => {
                let mut response = self.good(call, None);
                response.trickle = Some(Duration::from_secs(30));
                response
            }
            RestFault::Empty => Response::json(200, ""),
            RestFault::Html => Response::json(200, "<html><body>maintenance</body></html>"),
            RestFault::Huge => Response::json(200, vec![b' '; HUGE_BYTES]),
            RestFault::OtherSymbol => {
                let others: Vec<&String> = self.symbols.iter().filter(|s| **s != call.symbol).collect();
                let other = self.random.pick(&others).map(|s| (*s).clone()).unwrap_or_default();
                if other.is_empty() {
                    return Some(Response::json(200, "{}"));
                }
                self.good(&Call { symbol: other, levels: call.levels, cost: call.cost }, None)
            }
            other => self.good(call, Some(other)),
        })
    }

    /// Adds what the venue says of its budgets. CoinAPI's are often missing, and so they are here.
    fn labelled(&mut self, response: Response) -> Response {
        match self.config.face {
            face if face.is_binance() => {
                response.with("X-MBX-USED-WEIGHT-1M", self.meters.rest_aligned.used())
            }
            Face::CoinApi if self.random.percent(30) => response,
            Face::CoinApi => {
                let used = self.meters.rest_daily.as_ref().map_or(0, super::Rolling::used);
                let left = i64::from(self.config.limits.rest_daily.unwrap_or(0)) - used.cast_signed();
                let concurrency = self.config.limits.rest_concurrency;
                response
                    .with("X-RateLimit-Request-Cost", 1)
                    .with("X-RateLimit-Used", used)
                    .with("X-RateLimit-Remaining", if self.random.percent(10) { -66_181 } else { left })
                    .with("X-ConcurrencyLimit-Limit", concurrency)
                    .with("X-ConcurrencyLimit-Remaining", concurrency.saturating_sub(self.calls.len() + 1))
            }
            _ => response,
        }
    }

    /// Whether a client could find out: a venue whose bodies name no symbol must not mix them up, and one that may
    /// show crossed books must not be taken for broken when it does.
    pub(super) fn can_fail_so(&self, fault: RestFault) -> bool {
        match self.config.face {
            Face::CoinApi => fault != RestFault::Crossed,
            Face::Okx => !matches!(fault, RestFault::OtherSymbol | RestFault::Split | RestFault::Crossed),
            Face::BybitFull => fault != RestFault::Split,
            _ => !matches!(fault, RestFault::OtherSymbol | RestFault::Split),
        }
    }

    /// Which of Binance's products this face is.
    pub(super) fn product(&self) -> binance::Product {
        binance::Product::of(self.config.face)
    }
}
