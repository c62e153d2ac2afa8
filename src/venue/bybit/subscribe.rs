//! How a Bybit scope becomes topics: one request a symbol, because one bad topic fails the whole request.
//!
//! Spot takes at most ten topics a request; three are asked for here.
//! Source: <https://bybit-exchange.github.io/docs/v5/ws/connect>

use super::Bybit;
use crate::engine::event::Channel;
use crate::venue::text::json;
use crate::venue::{Request, Scope};
use serde::Serialize;

pub const SUBSCRIBE: &str = "subscribe";
pub const UNSUBSCRIBE: &str = "unsubscribe";

#[derive(Serialize)]
struct Operation {
    op: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    args: Vec<String>,
    /// Text: a number comes back as text too.
    req_id: String,
}

/// Asks for these channels of each symbol, or asks no longer.
pub fn requests(
    class: Bybit,
    op: &'static str,
    channels: &[Channel],
    symbols: &[&str],
    id: i64,
) -> Vec<Request> {
    let topics = symbols.iter().map(|symbol| -> Vec<String> {
        channels.iter().filter_map(|channel| topic(class, *channel, symbol)).collect()
    });
    let asked = topics.filter(|args| !args.is_empty()).zip(id..);
    asked.map(|(args, id)| Request::from(json(&Operation { op, args, req_id: id.to_string() }))).collect()
}

/// The book's channel alone, where the scope has it: what a restart leaves and re-enters.
pub fn book(scope: &Scope) -> &'static [Channel] {
    if scope.channels.contains(&Channel::Book) { &[Channel::Book] } else { &[] }
}

pub fn ping(id: i64) -> String {
    json(&Operation { op: "ping", args: Vec::new(), req_id: id.to_string() })
}

fn topic(class: Bybit, channel: Channel, symbol: &str) -> Option<String> {
    match channel {
        Channel::Book => Some(format!("{}{symbol}", class.book_topic())),
        Channel::Trade => Some(format!("publicTrade.{symbol}")),
        Channel::Quote => Some(format!("orderbook.1.{symbol}")),
        Channel::Book5 | Channel::Book20 | Channel::Book50 | Channel::Liquidation | Channel::Instrument => {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::limits::{BOOK_LEVELS, SPOT};
    use super::super::route;
    use super::super::symbols::BYTES_MAX;
    use super::*;
    use crate::venue::handles::Handles;
    use crate::venue::{Route, Venue, texts};

    fn scope(symbols: &[&str]) -> Scope {
        Scope {
            symbols: symbols.iter().map(|symbol| (*symbol).to_owned()).collect(),
            channels: SPOT.channels.to_vec(),
        }
    }

    #[test]
    fn every_symbol_has_a_request_of_its_own() {
        let requests = Bybit::Linear.opening(&scope(&["BTCUSDT", "ETHUSDT"]), 7);
        assert_eq!(
            texts(&requests),
            [
                r#"{"op":"subscribe","args":["orderbook.200.BTCUSDT","publicTrade.BTCUSDT","orderbook.1.BTCUSDT"],"req_id":"7"}"#,
                r#"{"op":"subscribe","args":["orderbook.200.ETHUSDT","publicTrade.ETHUSDT","orderbook.1.ETHUSDT"],"req_id":"8"}"#,
            ]
        );
        assert!(requests.iter().all(|request| request.answers == 1));
    }

    #[test]
    fn a_restart_leaves_and_re_enters_the_book_alone() {
        let (scope, symbols) = (scope(&["BTCUSDT", "ETHUSDT"]), ["ETHUSDT"]);
        let out = Bybit::Spot.withdraw(&scope, &symbols, Handles::NONE, 3);
        assert_eq!(texts(&out), [r#"{"op":"unsubscribe","args":["orderbook.200.ETHUSDT"],"req_id":"3"}"#]);
        let back = Bybit::Spot.restore(&scope, &symbols, 4);
        assert_eq!(texts(&back), [r#"{"op":"subscribe","args":["orderbook.200.ETHUSDT"],"req_id":"4"}"#]);
        let no_book = Scope { channels: vec![Channel::Trade], ..scope };
        assert_eq!(Bybit::Spot.withdraw(&no_book, &symbols, Handles::NONE, 3), []);
        assert_eq!(Bybit::Spot.restore(&no_book, &[], 3), []);
    }

    #[test]
    fn symbols_come_and_go_while_connected() {
        let scope = scope(&["BTCUSDT"]);
        let out = Bybit::Inverse.unsubscribe(&scope, &["BTCUSD"], Handles::NONE, 1);
        let want = r#"{"op":"unsubscribe","args":["orderbook.200.BTCUSD","publicTrade.BTCUSD","orderbook.1.BTCUSD"],"req_id":"1"}"#;
        assert_eq!(texts(&out), [want]);
        assert_eq!(Bybit::Inverse.subscribe(&scope, &["BTCUSD"], 1).len(), 1);
    }

    #[test]
    fn what_is_asked_for_is_what_is_routed() {
        for channel in SPOT.channels {
            let topic = topic(Bybit::Spot, *channel, "BTC-26DEC25").unwrap();
            let text = format!(r#"{{"topic":"{topic}"}}"#);
            assert_eq!(
                route::route(Bybit::Spot, &text),
                Route::Data { symbol: "BTC-26DEC25", channel: *channel }
            );
        }
        assert_eq!(topic(Bybit::Spot, Channel::Book, "X"), Some(format!("orderbook.{BOOK_LEVELS}.X")));
        assert_eq!(topic(Bybit::Full, Channel::Book, "X").as_deref(), Some("orderbook.full.X"));
    }

    #[test]
    fn the_largest_scope_keeps_to_the_venues_limits() {
        for class in [Bybit::Spot, Bybit::Full, Bybit::Linear, Bybit::Inverse] {
            let profile = class.profile();
            let symbols: Vec<String> =
                (0..profile.symbols_per_connection).map(|i| format!("{i:0>BYTES_MAX$}")).collect();
            let scope = Scope { symbols, channels: profile.channels.to_vec() };
            let requests = class.opening(&scope, 1);
            assert_eq!(requests.len(), profile.symbols_per_connection);
            let (mut characters, mut topics) = (0, 0);
            for request in &requests {
                let value: serde_json::Value = serde_json::from_str(&request.text).unwrap();
                let args = value["args"].as_array().unwrap();
                assert!(args.len() <= 10, "spot's limit a request");
                topics += args.len();
                characters += value["args"].to_string().len();
            }
            assert_eq!(topics, 3 * profile.symbols_per_connection);
            let restart = r#"["orderbook.full."]"#.len() + BYTES_MAX;
            let restarts = (21_000 - characters) / restart;
            assert!(restarts >= 125, "room for {restarts} restarts");
        }
    }

    #[test]
    fn pings_are_texts() {
        assert_eq!(Bybit::Spot.ping(100_001).as_deref(), Some(r#"{"op":"ping","req_id":"100001"}"#));
    }
}
