//! What is fuzzed, and by which oracle. One module a target, each a function from bytes to a panic or none.
//!
//! A target never asks only whether depthd survives: what it accepts is read again by a slow reader that shares no code
//! with it, what it computes is computed by a naive twin, and what it promises over time is checked by a witness.
//! libFuzzer's binaries in `targets/`, the replay in `tests/` and the script `run` all use these functions.
//!
//! `corpus/TARGET/` holds inputs made by us or grown from those by fuzzing; `regressions/TARGET/` every input that ever
//! failed, each with its story in [`regressions`]. `dictionaries/` holds the words of the formats.

pub mod binance_control;
pub mod binance_frame;
pub mod binance_rest;
pub mod book;
pub mod budgets;
pub mod coinapi_control;
pub mod coinapi_frame;
pub mod coinapi_rest;
pub mod config;
pub mod decimal;
pub mod hostile;
pub mod http_head;
pub mod http_query;
pub mod keeper;
pub mod lifecycle;
pub mod planner;
pub mod queue;
pub mod regressions;
pub mod session;
pub mod time;
pub mod venue_frame;

/// Structured inputs from plain bytes.
mod input;
/// A market and its venue, shared with the suite's properties.
#[path = "../../suite/props/venue.rs"]
mod market;
/// The slow, obvious book, shared with the suite.
#[path = "../../suite/naive.rs"]
mod naive;
/// A REST answer from text.
mod reply;
/// The slow reader of JSON, numbers and times.
mod slow;

/// One target.
#[derive(Clone, Copy)]
pub struct Target {
    /// Also of its binary and its folders.
    pub name: &'static str,
    /// Panics when the oracle disagrees.
    pub run: fn(&[u8]),
    /// What the daemon itself does with such an input, without the oracle: this is what figure F5 bounds. `None` where
    /// an input is not one thing a peer sends but a history of events.
    pub work: Option<fn(&[u8])>,
}

const fn target(name: &'static str, run: fn(&[u8]), work: Option<fn(&[u8])>) -> Target {
    Target { name, run, work }
}

/// Every target.
pub const TARGETS: [Target; 19] = [
    target("decimal", decimal::run, Some(decimal::work)),
    target("time", time::run, Some(time::work)),
    target("coinapi_frame", coinapi_frame::run, Some(coinapi_frame::work)),
    target("binance_frame", binance_frame::run, Some(binance_frame::work)),
    target("coinapi_rest", coinapi_rest::run, Some(coinapi_rest::work)),
    target("binance_rest", binance_rest::run, Some(binance_rest::work)),
    target("coinapi_control", coinapi_control::run, Some(coinapi_control::work)),
    target("binance_control", binance_control::run, Some(binance_control::work)),
    target("venue_frame", venue_frame::run, Some(venue_frame::work)),
    target("config", config::run, Some(config::work)),
    target("http_head", http_head::run, Some(http_head::work)),
    target("http_query", http_query::run, Some(http_query::work)),
    target("book", book::run, None),
    target("keeper", keeper::run, None),
    target("lifecycle", lifecycle::run, None),
    target("session", session::run, None),
    target("planner", planner::run, None),
    target("budgets", budgets::run, None),
    target("queue", queue::run, None),
];

/// The target of this name.
pub fn by_name(name: &str) -> Option<Target> {
    TARGETS.into_iter().find(|target| target.name == name)
}
