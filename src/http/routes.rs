//! From a path to an answer. Pure but for what the [`Source`] does: no sockets, no threads.

use crate::engine::health::{self, Thresholds};
use crate::engine::stats::Stats;
use crate::http::counters::Counters;
use crate::http::gate::Clock;
use crate::http::limits::{DEPTH_DEFAULT, DEPTH_MAX, TRADES_DEFAULT, TRADES_MAX};
use crate::http::query::{Query, decode};
use crate::http::refusal::error_body;
use crate::http::{Ask, Source, bodies, metrics};
use serde::Serialize;
use std::sync::Arc;

pub const HTML: &str = "text/html; charset=utf-8";
const JSON: &str = "application/json";
/// The version of the exposition format that every Prometheus reads.
const EXPOSITION: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The whole page; it asks for everything else itself.
const DASHBOARD: &str = include_str!("dashboard.html");

/// The paths there are; the closed label set of the request counter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Route {
    Dashboard,
    Health,
    Live,
    Ready,
    Startup,
    Stats,
    Metrics,
    Books,
    Book,
    Trades,
    Liquidations,
    Audit,
    Memory,
    /// No path of ours.
    Other,
    /// Answered by the gate, whatever the path.
    Refused,
}

impl Route {
    pub const ALL: [Route; 15] = [
        Route::Dashboard,
        Route::Health,
        Route::Live,
        Route::Ready,
        Route::Startup,
        Route::Stats,
        Route::Metrics,
        Route::Books,
        Route::Book,
        Route::Trades,
        Route::Liquidations,
        Route::Audit,
        Route::Memory,
        Route::Other,
        Route::Refused,
    ];

    pub const fn pattern(self) -> &'static str {
        match self {
            Route::Dashboard => "/",
            Route::Health => "/health",
            Route::Live => "/health/live",
            Route::Ready => "/health/ready",
            Route::Startup => "/health/startup",
            Route::Stats => "/stats",
            Route::Metrics => "/metrics",
            Route::Books => "/api/books",
            Route::Book => "/api/books/{feed}/{symbol}",
            Route::Trades => "/api/trades/{feed}/{symbol}",
            Route::Liquidations => "/api/liquidations/{feed}/{symbol}",
            Route::Audit => "/api/audit",
            Route::Memory => "/api/debug/memory",
            Route::Other => "other",
            Route::Refused => "refused",
        }
    }
}

/// What goes back to the client, head fields aside.
pub struct Answer {
    pub status: u16,
    pub content_type: &'static str,
    pub body: Vec<u8>,
}

/// An error answer: status, code, message.
type Refused = (u16, &'static str, String);

/// Everything an answer is made from.
pub struct Router {
    pub source: Arc<dyn Source>,
    pub counters: Arc<Counters>,
    pub clock: Clock,
    pub thresholds: Thresholds,
    pub connections_max: usize,
}

impl Router {
    /// Answers a path with its query, and counts the answer.
    pub fn answer(&self, target: &str) -> Answer {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let segments: Vec<&str> = path.split('/').skip(1).collect();
        let (route, made) = match segments.as_slice() {
            [""] => (Route::Dashboard, plain(query, HTML, || DASHBOARD.as_bytes().to_vec())),
            ["health"] => (Route::Health, known(query, &[]).and_then(|_| self.health())),
            ["health", "live"] => (Route::Live, self.probe(query, "not_live", health::not_live)),
            ["health", "ready"] => (Route::Ready, self.probe(query, "not_ready", health::not_ready)),
            ["health", "startup"] => (Route::Startup, self.probe(query, "starting", health::not_started)),
            ["stats"] => {
                (Route::Stats, known(query, &[]).and_then(|_| json(200, &bodies::stats(&self.stats()))))
            }
            ["metrics"] => {
                (Route::Metrics, plain(query, EXPOSITION, || metrics::text(&self.stats()).into_bytes()))
            }
            ["api", "books"] => (Route::Books, known(query, &[]).and_then(|_| self.books())),
            // Some venues have a slash in their names, and few clients escape it.
            ["api", "books", feed, symbol @ ..] if !symbol.is_empty() => {
                (Route::Book, self.book(feed, &symbol.join("/"), query))
            }
            ["api", "trades", feed, symbol @ ..] if !symbol.is_empty() => {
                (Route::Trades, self.trades(feed, &symbol.join("/"), query))
            }
            ["api", "liquidations", feed, symbol @ ..] if !symbol.is_empty() => {
                (Route::Liquidations, self.liquidations(feed, &symbol.join("/"), query))
            }
            ["api", "audit"] => (Route::Audit, known(query, &[]).and_then(|_| self.audit())),
            ["api", "debug", "memory"] => {
                (Route::Memory, known(query, &[]).and_then(|_| json(200, &bodies::memory(&self.stats()))))
            }
            _ => (Route::Other, Err((404, "not_found", "there is nothing at this path".to_owned()))),
        };
        let answer = made.unwrap_or_else(|(status, code, message)| error(status, code, &message));
        self.counters.answered(route, answer.status);
        answer
    }

    /// The answer when making one panicked.
    pub fn failed(&self) -> Answer {
        self.counters.answered(Route::Other, 500);
        error(500, "internal", "the answer could not be made")
    }

    fn stats(&self) -> Stats {
        let mut stats = self.source.stats();
        stats.http = self.counters.stats(self.connections_max);
        stats.threads.extend(self.counters.threads(stats.now));
        stats
    }

    fn health(&self) -> Result<Answer, Refused> {
        let stats = self.stats();
        let health = health::health(&stats, &self.thresholds);
        let status = if health.status == health::Status::Unhealthy { 503 } else { 200 };
        json(status, &bodies::health(&stats, &health))
    }

    fn probe(
        &self,
        query: &str,
        code: &'static str,
        why: fn(&Stats) -> Option<String>,
    ) -> Result<Answer, Refused> {
        known(query, &[])?;
        match why(&self.stats()) {
            None => json(200, &bodies::probe_ok()),
            Some(reason) => json(503, &bodies::probe_failed(code, &reason)),
        }
    }

    fn books(&self) -> Result<Answer, Refused> {
        let books = self.source.books();
        json(200, &bodies::books(&books, (self.clock)().mono))
    }

    fn audit(&self) -> Result<Answer, Refused> {
        let evidence = self.source.evidence();
        json(200, &bodies::audit(&self.source.stats(), &evidence))
    }

    fn book(&self, feed: &str, symbol: &str, query: &str) -> Result<Answer, Refused> {
        let (feed, symbol) = names(feed, symbol)?;
        let query = known(query, &["depth", "require"])?;
        let depth = query.number("depth", DEPTH_DEFAULT, DEPTH_MAX).map_err(bad_parameter)?;
        let live_only = match query.get("require") {
            None => false,
            Some("live") => true,
            Some(_) => return Err(bad_parameter("require can only be live".to_owned())),
        };
        let view = self.source.book(&feed, &symbol, depth).map_err(|ask| refused(ask, &feed, &symbol))?;
        if live_only && !view.top.state.is_live() {
            let message =
                format!("book {symbol} of feed {feed} is {}", bodies::state_sentence(view.top.state));
            return Err((409, "not_live", message));
        }
        json(200, &bodies::book(&view, (self.clock)().mono))
    }

    fn trades(&self, feed: &str, symbol: &str, query: &str) -> Result<Answer, Refused> {
        let (feed, symbol, limit) = newest(feed, symbol, query)?;
        let trades = self.source.trades(&feed, &symbol, limit).map_err(|ask| refused(ask, &feed, &symbol))?;
        json(200, &bodies::trades(&feed, &symbol, &trades))
    }

    fn liquidations(&self, feed: &str, symbol: &str, query: &str) -> Result<Answer, Refused> {
        let (feed, symbol, limit) = newest(feed, symbol, query)?;
        let orders =
            self.source.liquidations(&feed, &symbol, limit).map_err(|ask| refused(ask, &feed, &symbol))?;
        json(200, &bodies::liquidations(&feed, &symbol, &orders))
    }
}

fn known(query: &str, names: &[&str]) -> Result<Query, Refused> {
    Query::parse(query, names).map_err(bad_parameter)
}

fn bad_parameter(message: String) -> Refused {
    (400, "bad_parameter", message)
}

fn names(feed: &str, symbol: &str) -> Result<(String, String), Refused> {
    let both = decode(feed).zip(decode(symbol));
    both.ok_or_else(|| (400, "bad_path", "the path holds an escape that is none".to_owned()))
}

/// Whose newest are asked for, and how many of them.
fn newest(feed: &str, symbol: &str, query: &str) -> Result<(String, String, usize), Refused> {
    let (feed, symbol) = names(feed, symbol)?;
    let limit = known(query, &["limit"])?.number("limit", TRADES_DEFAULT, TRADES_MAX);
    Ok((feed, symbol, limit.map_err(bad_parameter)?))
}

fn refused(ask: Ask, feed: &str, symbol: &str) -> Refused {
    match ask {
        Ask::UnknownFeed => (404, "unknown_feed", format!("there is no feed {feed}")),
        Ask::UnknownBook => (404, "unknown_book", format!("feed {feed} has no symbol {symbol}")),
        Ask::NoBook => (404, "unknown_book", format!("the channels of feed {feed} carry no books")),
        Ask::Busy => (503, "busy", "the book's worker did not answer in time, try again".to_owned()),
    }
}

fn plain(query: &str, content_type: &'static str, body: impl FnOnce() -> Vec<u8>) -> Result<Answer, Refused> {
    known(query, &[])?;
    Ok(Answer { status: 200, content_type, body: body() })
}

fn json(status: u16, body: &impl Serialize) -> Result<Answer, Refused> {
    match serde_json::to_vec(body) {
        Ok(body) => Ok(Answer { status, content_type: JSON, body }),
        Err(_) => Err((500, "internal", "the answer could not be written as JSON".to_owned())),
    }
}

fn error(status: u16, code: &str, message: &str) -> Answer {
    Answer { status, content_type: JSON, body: error_body(code, message).into_bytes() }
}
