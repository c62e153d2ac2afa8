//! Where a good book message stands in its stream, read by nobody's code but our own: what was dropped must be missed.

use depthd::engine::time::Wall;
use depthd::engine::view::BookTop;
use serde_json::Value;

/// By what its venue names the message's version.
#[derive(Clone, Copy, Debug)]
pub enum Mark {
    Number(u64),
    Time(Wall),
}

impl Mark {
    /// Of two of one stream.
    pub fn later(self, other: Mark) -> Mark {
        match (self, other) {
            (Mark::Number(one), Mark::Number(two)) => Mark::Number(one.max(two)),
            (Mark::Time(one), Mark::Time(two)) => Mark::Time(one.max(two)),
            _ => other,
        }
    }

    /// Whether what is shown has it. What shows no time cannot be told.
    pub fn is_reached(self, top: &BookTop) -> bool {
        match self {
            Mark::Number(number) => top.sequence >= Some(number),
            Mark::Time(time) => top.exchange_time.is_none_or(|shown| shown >= time),
        }
    }
}

/// The symbol and the mark of a good book message. Those of Bitfinex name no symbol: one count is over all of them.
pub fn mark(text: &str) -> Option<(String, Mark)> {
    let value: Value = serde_json::from_str(text).ok()?;
    let word = |at: &str| value.pointer(at).and_then(Value::as_str);
    let named = |symbol: &str, mark| Some((word(symbol)?.to_owned(), mark));
    let number = |symbol: &str, at: &str| named(symbol, Mark::Number(value.pointer(at)?.as_u64()?));
    let time = |symbol: &str, at: &str| named(symbol, Mark::Time(Wall::parse(word(at)?)?));
    if word("/data/e").or(word("/e")) == Some("depthUpdate") {
        return number("/data/s", "/data/u").or_else(|| number("/s", "/u"));
    }
    if word("/type") == Some("book") {
        return number("/symbol_id", "/sequence");
    }
    if word("/topic").is_some_and(|topic| topic.starts_with("orderbook.200.")) {
        return number("/data/s", "/data/u");
    }
    if word("/arg/channel") == Some("books") {
        return number("/arg/instId", "/data/0/seqId");
    }
    if word("/params/channel").is_some_and(|channel| channel.starts_with("book.")) {
        return number("/params/data/instrument_name", "/params/data/change_id");
    }
    match (word("/channel"), word("/type")) {
        (Some("book"), _) => time("/data/0/symbol", "/data/0/timestamp"),
        (Some("l2_data"), _) if word("/events/0/type") == Some("update") => {
            time("/events/0/product_id", "/events/0/updates/0/event_time")
        }
        (_, Some("l2update")) => time("/product_id", "/time"),
        _ => None,
    }
}

/// Messages that a frame of several brings on top of itself, of symbols that are ours.
pub fn parts(text: &str, is_ours: &dyn Fn(&str) -> bool) -> u64 {
    // Most frames are of one message, and not worth to be read whole.
    let listed = |name: &str| text.contains(&format!("\"channel\":\"{name}\""));
    let (at, name) = match (listed("instrument"), listed("market_trades")) {
        (true, _) => ("/data/pairs", "/symbol"),
        (_, true) => ("/events", "/trades/0/product_id"),
        _ => return 0,
    };
    let value: Value = serde_json::from_str(text).unwrap_or_default();
    let all = value.pointer(at).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    // The trades of one product are a message like any other.
    if at == "/events" && all.len() < 2 {
        return 0;
    }
    let name = |one: &Value| one.pointer(name).and_then(Value::as_str).is_some_and(is_ours);
    all.iter().filter(|one| name(one)).count() as u64
}
