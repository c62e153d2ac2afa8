//! How a Binance scope becomes streams: in the address while it is short, else by SUBSCRIBE.
//!
//! Source: web-socket-streams.md, "General WSS information" and "Live Subscribing/Unsubscribing to streams".

use super::symbols;
use crate::engine::event::Channel;
use crate::venue::text::{json, percent_encoded};
use crate::venue::{Dial, Request, Scope};
use serde::Serialize;

/// Longest list of streams put into the address, bytes. Servers and proxies take request lines of 8 KiB and more;
/// half of that leaves room for the rest, and covers some 50 symbols of three channels.
const QUERY_BYTES_MAX: usize = 4_000;

/// Stream names in one SUBSCRIBE. Its own limit is not published; 200 names are about 5 KB.
const NAMES_PER_FRAME: usize = 200;

pub const SUBSCRIBE: &str = "SUBSCRIBE";
pub const UNSUBSCRIBE: &str = "UNSUBSCRIBE";

#[derive(Serialize)]
struct Method<'a> {
    method: &'static str,
    params: &'a [String],
    id: i64,
}

/// How a market of this venue names its streams, and where it serves them.
#[derive(Debug)]
pub struct Streams {
    /// Of the combined streams.
    pub path: &'static str,
    /// What follows the symbol and the `@`.
    pub kind: fn(Channel) -> Option<&'static str>,
}

/// Whether a channel may bring nothing for hours. A connection begins with its first frame: one that carries nothing else has
/// to ask by a message, whose answer is that frame.
const fn is_rare(channel: Channel) -> bool {
    matches!(channel, Channel::Liquidation)
}

pub const SPOT: Streams = Streams { path: "/stream", kind: spot_kind };

fn spot_kind(channel: Channel) -> Option<&'static str> {
    match channel {
        // The faster of the two speeds: a tenth of the delay for the same levels.
        Channel::Book => Some("depth@100ms"),
        Channel::Trade => Some("trade"),
        Channel::Quote => Some("bookTicker"),
        Channel::Book5 | Channel::Book20 | Channel::Book50 | Channel::Liquidation | Channel::Instrument => {
            None
        }
    }
}

impl Streams {
    pub fn dial(&self, url: &str, scope: &Scope) -> Dial {
        let (base, path) = (url.trim_end_matches('/'), self.path);
        let url = match self.query(scope) {
            Some(streams) => format!("{base}{path}?streams={streams}"),
            None => format!("{base}{path}"),
        };
        Dial { url, headers: Vec::new() }
    }

    /// Empty when the address says it all.
    pub fn opening(&self, scope: &Scope, id: i64) -> Vec<Request> {
        if self.query(scope).is_some() { Vec::new() } else { self.requests(SUBSCRIBE, scope, id) }
    }

    /// Asks for every stream of the scope, or asks no longer.
    pub fn requests(&self, method: &'static str, scope: &Scope, id: i64) -> Vec<Request> {
        let names: Vec<String> = self.names(scope).collect();
        let frames = names.chunks(NAMES_PER_FRAME).zip(id..);
        frames.map(|(params, id)| Request::from(json(&Method { method, params, id }))).collect()
    }

    /// The scope as the address's `streams=`, when it fits there and says something soon. An empty scope does not: an empty
    /// list is an error.
    fn query(&self, scope: &Scope) -> Option<String> {
        if scope.channels.iter().all(|channel| is_rare(*channel)) {
            return None;
        }
        let mut query = String::new();
        for name in self.names(scope) {
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

    fn names(&self, scope: &Scope) -> impl Iterator<Item = String> {
        scope.symbols.iter().flat_map(|symbol| {
            let symbol = symbols::key(symbol);
            let kinds = scope.channels.iter().filter_map(|channel| (self.kind)(*channel));
            kinds.map(move |kind| format!("{symbol}@{kind}"))
        })
    }
}

/// The part of a scope that these symbols are.
pub fn part(scope: &Scope, symbols: &[&str]) -> Scope {
    let symbols = symbols.iter().map(|symbol| (*symbol).to_owned()).collect();
    Scope { symbols, channels: scope.channels.clone() }
}

#[cfg(test)]
mod tests {
    use super::super::limits::PROFILE;
    use super::*;
    use crate::venue::texts;

    fn scope(symbols: usize) -> Scope {
        Scope {
            symbols: (0..symbols).map(|i| format!("COIN{i}USDT")).collect(),
            channels: PROFILE.channels.to_vec(),
        }
    }

    #[test]
    fn symbols_come_and_go_while_connected() {
        let scope = scope(3);
        let out = SPOT.requests(UNSUBSCRIBE, &part(&scope, &["COIN1USDT"]), 7);
        let want = r#"{"method":"UNSUBSCRIBE","params":["coin1usdt@depth@100ms","coin1usdt@trade","coin1usdt@bookTicker"],"id":7}"#;
        assert_eq!(texts(&out), [want]);
        assert_eq!(SPOT.requests(SUBSCRIBE, &part(&scope, &[]), 1), []);
    }

    #[test]
    fn a_small_scope_is_in_the_address() {
        let scope = Scope {
            symbols: vec!["BTCUSDT".into(), "币USDT".into()],
            channels: vec![Channel::Book, Channel::Quote],
        };
        assert_eq!(
            SPOT.dial("wss://stream.binance.com:9443/", &scope).url,
            "wss://stream.binance.com:9443/stream?streams=btcusdt@depth@100ms/btcusdt@bookTicker\
             /%E5%B8%81usdt@depth@100ms/%E5%B8%81usdt@bookTicker"
        );
        assert!(SPOT.opening(&scope, 1).is_empty());
    }

    #[test]
    fn a_large_scope_is_subscribed_in_frames() {
        let scope = scope(PROFILE.symbols_per_connection);
        assert_eq!(SPOT.dial("ws://127.0.0.1:1", &scope).url, "ws://127.0.0.1:1/stream");
        let frames = SPOT.opening(&scope, 7);
        assert!(frames.len() <= PROFILE.control.refill.burst as usize, "an opening fits one burst");
        let mut names = Vec::new();
        for (at, frame) in frames.iter().enumerate() {
            let value: serde_json::Value = serde_json::from_str(&frame.text).unwrap();
            assert_eq!(value["method"], "SUBSCRIBE");
            assert_eq!(value["id"], 7 + at as i64);
            let params = value["params"].as_array().unwrap();
            assert!(params.len() <= NAMES_PER_FRAME);
            names.extend(params.iter().map(|p| p.as_str().unwrap().to_owned()));
        }
        assert_eq!(names, SPOT.names(&scope).collect::<Vec<_>>());
        assert!(names.len() <= 1_024, "the venue's limit a connection");
    }

    #[test]
    fn the_address_stays_short_and_nothing_is_lost_at_the_border() {
        for symbols in 1..=PROFILE.symbols_per_connection {
            let scope = scope(symbols);
            let url = SPOT.dial("wss://stream.binance.com:9443", &scope).url;
            assert!(url.len() < 4_096, "{symbols}");
            assert_eq!(url.contains("streams="), SPOT.opening(&scope, 1).is_empty(), "{symbols}");
        }
        assert!(SPOT.opening(&scope(0), 1).is_empty());
    }
}
