//! Books.

use super::{Text, age_ms, wall};
use crate::engine::decimal::Decimal;
use crate::engine::event::Level;
use crate::engine::state::State;
use crate::engine::time::{Mono, Wall};
use crate::engine::view::{BookTop, BookView};
use serde::{Serialize, Serializer};

/// The state as every body tells it: a word, and what belongs to that word.
#[derive(Serialize)]
pub(super) struct StateFields {
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<Text<Wall>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exact_depth: Option<u32>,
}

impl From<State> for StateFields {
    fn from(state: State) -> StateFields {
        let plain = StateFields { state: state.name(), reason: None, since: None, exact_depth: None };
        match state {
            State::Syncing | State::Live => plain,
            State::Partial { exact_depth } => StateFields { exact_depth: Some(exact_depth), ..plain },
            State::Stale { reason, since } => {
                StateFields { reason: Some(reason.name()), since: Some(Text(since.wall)), ..plain }
            }
        }
    }
}

/// "stale (gap)": for messages.
pub fn state_sentence(state: State) -> String {
    match state {
        State::Stale { reason, .. } => format!("stale ({})", reason.name()),
        State::Partial { exact_depth } => format!("partial (exact to {exact_depth} levels)"),
        State::Syncing | State::Live => state.name().to_owned(),
    }
}

#[derive(Serialize)]
struct Books<'a> {
    books: Vec<BookLine<'a>>,
}

#[derive(Serialize)]
struct BookLine<'a> {
    feed: &'a str,
    symbol: &'a str,
    #[serde(flatten)]
    state: StateFields,
    sequence: Option<u64>,
    bid: Option<Decimal>,
    bid_size: Option<Decimal>,
    ask: Option<Decimal>,
    ask_size: Option<Decimal>,
    age_ms: Option<u64>,
    gaps: u64,
    recoveries: u64,
    levels: Levels,
}

#[derive(Serialize)]
pub(super) struct Levels {
    bids: u32,
    asks: u32,
}

impl From<&BookTop> for Levels {
    fn from(top: &BookTop) -> Levels {
        Levels { bids: top.levels_bids, asks: top.levels_asks }
    }
}

/// `GET /api/books`.
pub fn books(books: &[(String, String, BookTop)], now: Mono) -> impl Serialize + '_ {
    Books {
        books: books
            .iter()
            .map(|(feed, symbol, top)| BookLine {
                feed,
                symbol,
                state: top.state.into(),
                sequence: top.sequence,
                bid: top.bid.map(|l| l.price),
                bid_size: top.bid.map(|l| l.size),
                ask: top.ask.map(|l| l.price),
                ask_size: top.ask.map(|l| l.size),
                age_ms: age_ms(top.received, now),
                gaps: top.gaps,
                recoveries: top.recoveries,
                levels: top.into(),
            })
            .collect(),
    }
}

#[derive(Serialize)]
struct Book<'a> {
    feed: &'a str,
    symbol: &'a str,
    #[serde(flatten)]
    state: StateFields,
    sequence: Option<u64>,
    exchange_time: Option<Text<Wall>>,
    receive_time: Option<Text<Wall>>,
    age_ms: Option<u64>,
    bids: Pairs<'a>,
    asks: Pairs<'a>,
    levels: Levels,
    #[serde(skip_serializing_if = "Option::is_none")]
    exact_range: Option<ExactRange>,
}

/// The prices between which a book is complete; a side without an end is null.
#[derive(Serialize)]
struct ExactRange {
    low: Option<Decimal>,
    high: Option<Decimal>,
}

/// `[["price","size"], …]`, best first.
struct Pairs<'a>(&'a [Level]);

impl Serialize for Pairs<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|l| (l.price, l.size)))
    }
}

/// `GET /api/books/{feed}/{symbol}`.
pub fn book(view: &BookView, now: Mono) -> impl Serialize + '_ {
    let top = &view.top;
    let bounded = view.exact_low.is_some() || view.exact_high.is_some();
    Book {
        feed: &view.feed,
        symbol: &view.symbol,
        state: top.state.into(),
        sequence: top.sequence,
        exchange_time: top.exchange_time.map(Text),
        receive_time: wall(top.received),
        age_ms: age_ms(top.received, now),
        bids: Pairs(&view.bids),
        asks: Pairs(&view.asks),
        levels: top.into(),
        exact_range: bounded.then_some(ExactRange { low: view.exact_low, high: view.exact_high }),
    }
}
