//! How a Binance scope becomes streams: in the address while it is short, else by SUBSCRIBE.
//!
//! Source: web-socket-streams.md, "General WSS information" and "Live Subscribing/Unsubscribing to streams".

use super::symbols;
use crate::engine::event::Channel;
use crate::venue::text::{json, percent_encoded};
use crate::venue::{Dial, Scope};
use serde::Serialize;

/// Longest list of streams put into the address, bytes. Servers and proxies take request lines of 8 KiB and more;
/// half of that leaves room for the rest, and covers some 50 symbols of three channels.
const QUERY_BYTES_MAX: usize = 4_000;

/// Stream names in one SUBSCRIBE. Its own limit is not published; 200 names are about 5 KB.
const NAMES_PER_FRAME: usize = 200;

pub const SUBSCRIBE: &str = "SUBSCRIBE";
pub const UNSUBSCRIBE: &str = "UNSUBSCRIBE";

#[derive(Serialize)]
struct Request<'a> {
    method: &'static str,
    params: &'a [String],
    id: i64,
}

pub fn dial(url: &str, scope: &Scope) -> Dial {
    let base = url.trim_end_matches('/');
    let url = match query(scope) {
        Some(streams) => format!("{base}/stream?streams={streams}"),
        None => format!("{base}/stream"),
    };
    Dial { url, headers: Vec::new() }
}

/// Empty when the address says it all.
pub fn opening(scope: &Scope, id: i64) -> Vec<String> {
    if query(scope).is_some() { Vec::new() } else { requests(SUBSCRIBE, scope, id) }
}

/// Asks for every stream of the scope, or asks no longer.
pub fn requests(method: &'static str, scope: &Scope, id: i64) -> Vec<String> {
    let names: Vec<String> = streams(scope).collect();
    let frames = names.chunks(NAMES_PER_FRAME).zip(id..);
    frames.map(|(params, id)| json(&Request { method, params, id })).collect()
}

/// The part of a scope that these symbols are.
pub fn part(scope: &Scope, symbols: &[&str]) -> Scope {
    let symbols = symbols.iter().map(|symbol| (*symbol).to_owned()).collect();
    Scope { symbols, channels: scope.channels.clone() }
}

/// The scope as the address's `streams=`, when it fits there. An empty scope does not: an empty list is an error.
fn query(scope: &Scope) -> Option<String> {
    let mut query = String::new();
    for name in streams(scope) {
        if !query.is_empty() {
            query.push('/');
        }
        query.push_str(&percent_encoded(&name));
        if query.len() > QUERY_BYTES_MAX {
            return None;
        }
    }
    (!query.is_empty()).then_some(query)
}

fn streams(scope: &Scope) -> impl Iterator<Item = String> {
    scope.symbols.iter().flat_map(|symbol| {
        let symbol = symbols::key(symbol);
        scope.channels.iter().filter_map(move |channel| {
            let kind = match channel {
                // The faster of the two speeds: a tenth of the delay for the same levels.
                Channel::Book => "depth@100ms",
                Channel::Trade => "trade",
                Channel::Quote => "bookTicker",
                Channel::Book5 | Channel::Book20 | Channel::Book50 => return None,
            };
            Some(format!("{symbol}@{kind}"))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::super::limits::PROFILE;
    use super::*;

    fn scope(symbols: usize) -> Scope {
        Scope {
            symbols: (0..symbols).map(|i| format!("COIN{i}USDT")).collect(),
            channels: PROFILE.channels.to_vec(),
        }
    }

    #[test]
    fn symbols_come_and_go_while_connected() {
        let scope = scope(3);
        let out = requests(UNSUBSCRIBE, &part(&scope, &["COIN1USDT"]), 7);
        let want = r#"{"method":"UNSUBSCRIBE","params":["coin1usdt@depth@100ms","coin1usdt@trade","coin1usdt@bookTicker"],"id":7}"#;
        assert_eq!(out, [want]);
        assert_eq!(requests(SUBSCRIBE, &part(&scope, &[]), 1), Vec::<String>::new());
    }

    #[test]
    fn a_small_scope_is_in_the_address() {
        let scope = Scope {
            symbols: vec!["BTCUSDT".into(), "币USDT".into()],
            channels: vec![Channel::Book, Channel::Quote],
        };
        assert_eq!(
            dial("wss://stream.binance.com:9443/", &scope).url,
            "wss://stream.binance.com:9443/stream?streams=btcusdt@depth@100ms/btcusdt@bookTicker\
             /%E5%B8%81usdt@depth@100ms/%E5%B8%81usdt@bookTicker"
        );
        assert!(opening(&scope, 1).is_empty());
    }

    #[test]
    fn a_large_scope_is_subscribed_in_frames() {
        let scope = scope(PROFILE.symbols_per_connection);
        assert_eq!(dial("ws://127.0.0.1:1", &scope).url, "ws://127.0.0.1:1/stream");
        let frames = opening(&scope, 7);
        assert!(frames.len() <= PROFILE.control.refill.burst as usize, "an opening fits one burst");
        let mut names = Vec::new();
        for (at, frame) in frames.iter().enumerate() {
            let value: serde_json::Value = serde_json::from_str(frame).unwrap();
            assert_eq!(value["method"], "SUBSCRIBE");
            assert_eq!(value["id"], 7 + at as i64);
            let params = value["params"].as_array().unwrap();
            assert!(params.len() <= NAMES_PER_FRAME);
            names.extend(params.iter().map(|p| p.as_str().unwrap().to_owned()));
        }
        assert_eq!(names, streams(&scope).collect::<Vec<_>>());
        assert!(names.len() <= 1_024, "the venue's limit a connection");
    }

    #[test]
    fn the_address_stays_short_and_nothing_is_lost_at_the_border() {
        for symbols in 1..=PROFILE.symbols_per_connection {
            let scope = scope(symbols);
            let url = dial("wss://stream.binance.com:9443", &scope).url;
            assert!(url.len() < 4_096, "{symbols}");
            assert_eq!(url.contains("streams="), opening(&scope, 1).is_empty(), "{symbols}");
        }
        assert!(opening(&scope(0), 1).is_empty());
    }
}
