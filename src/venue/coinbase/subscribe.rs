//! How Coinbase scopes are asked for, and how symbols leave and re-enter them.
//!
//! Advanced Trade takes one channel and any number of products a message, Exchange any number of both. Every message is
//! answered with the list of what is subscribed then, and carries no number. A connection is closed when it has asked for
//! nothing within five seconds, and a message without products would be about all of them: none of those is made here.
//! Source: <https://docs.cdp.coinbase.com/coinbase-app/advanced-trade-apis/websocket/websocket-overview>
//! Source: <https://docs.cdp.coinbase.com/exchange/websocket-feed/overview>

use super::{Coinbase, symbols};
use crate::engine::event::Channel;
use crate::venue::text::json;
use crate::venue::{Request, Scope};
use serde::Serialize;
use std::borrow::Cow;

pub const SUBSCRIBE: &str = "subscribe";
pub const UNSUBSCRIBE: &str = "unsubscribe";

/// Products in one message of Advanced Trade: four times what a connection here carries, some 2 KB. No limit is published.
const PRODUCTS_PER_MESSAGE: usize = 100;

#[derive(Serialize)]
struct Advanced<'a> {
    r#type: &'static str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    product_ids: &'a [Cow<'a, str>],
    channel: &'static str,
}

#[derive(Serialize)]
struct Exchange<'a> {
    r#type: &'static str,
    product_ids: [&'a str; 1],
    channels: &'a [&'static str],
}

/// Asks for the whole scope. The heartbeats of Advanced Trade are of no product and come first: they keep the channels of
/// quiet products from being closed.
pub fn opening(feed: Coinbase, scope: &Scope) -> Vec<Request> {
    let symbols: Vec<&str> = scope.symbols.iter().map(String::as_str).collect();
    let mut requests = Vec::new();
    if feed == Coinbase::Advanced && !symbols.is_empty() {
        let heartbeats = Advanced { r#type: SUBSCRIBE, product_ids: &[], channel: "heartbeats" };
        requests.push(Request::from(json(&heartbeats)));
    }
    requests.extend(all(feed, SUBSCRIBE, scope, &symbols));
    requests
}

/// Every channel of these symbols.
pub fn all(feed: Coinbase, verb: &'static str, scope: &Scope, symbols: &[&str]) -> Vec<Request> {
    let mut names: Vec<_> = scope.channels.iter().filter_map(|&channel| name(feed, channel)).collect();
    if feed == Coinbase::Exchange {
        names.push("heartbeat");
    }
    requests(feed, verb, &names, symbols)
}

/// The books of these symbols alone.
pub fn books(feed: Coinbase, verb: &'static str, scope: &Scope, symbols: &[&str]) -> Vec<Request> {
    let books = scope.channels.iter().filter(|channel| channel.is_book());
    let names: Vec<_> = books.filter_map(|&channel| name(feed, channel)).collect();
    requests(feed, verb, &names, symbols)
}

fn requests(feed: Coinbase, verb: &'static str, channels: &[&'static str], symbols: &[&str]) -> Vec<Request> {
    if channels.is_empty() {
        return Vec::new();
    }
    let products: Vec<_> = symbols.iter().map(|symbol| symbols::served_as(feed, symbol)).collect();
    match feed {
        Coinbase::Advanced => {
            let of_channel = |&channel| {
                let batches = products.chunks(PRODUCTS_PER_MESSAGE);
                batches.map(move |product_ids| json(&Advanced { r#type: verb, product_ids, channel }))
            };
            channels.iter().flat_map(of_channel).map(Request::from).collect()
        }
        Coinbase::Exchange => {
            let of_product = |product: &Cow<'_, str>| {
                Request::from(json(&Exchange { r#type: verb, product_ids: [product], channels }))
            };
            products.iter().map(of_product).collect()
        }
    }
}

fn name(feed: Coinbase, channel: Channel) -> Option<&'static str> {
    match (feed, channel) {
        (Coinbase::Advanced, Channel::Book) => Some("level2"),
        (Coinbase::Advanced, Channel::Trade) => Some("market_trades"),
        // The one book that needs no key there.
        (Coinbase::Exchange, Channel::Book) => Some("level2_batch"),
        (Coinbase::Exchange, Channel::Trade) => Some("matches"),
        (_, Channel::Quote) => Some("ticker"),
        (
            _,
            Channel::Book5 | Channel::Book20 | Channel::Book50 | Channel::Liquidation | Channel::Instrument,
        ) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::limits;
    use super::*;
    use crate::venue::texts;

    fn scope(symbols: &[&str]) -> Scope {
        let symbols = symbols.iter().map(|symbol| (*symbol).to_owned()).collect();
        Scope { symbols, channels: limits::ADVANCED.channels.to_vec() }
    }

    #[test]
    fn advanced_trade_is_asked_channel_by_channel_and_always_for_heartbeats() {
        let scope = scope(&["BTC-USD", "ETH-USDC"]);
        assert_eq!(
            texts(&opening(Coinbase::Advanced, &scope)),
            [
                r#"{"type":"subscribe","channel":"heartbeats"}"#,
                r#"{"type":"subscribe","product_ids":["BTC-USD","ETH-USD"],"channel":"level2"}"#,
                r#"{"type":"subscribe","product_ids":["BTC-USD","ETH-USD"],"channel":"market_trades"}"#,
                r#"{"type":"subscribe","product_ids":["BTC-USD","ETH-USD"],"channel":"ticker"}"#,
            ]
        );
        assert_eq!(
            texts(&all(Coinbase::Advanced, UNSUBSCRIBE, &scope, &["ETH-USDC"])),
            [
                r#"{"type":"unsubscribe","product_ids":["ETH-USD"],"channel":"level2"}"#,
                r#"{"type":"unsubscribe","product_ids":["ETH-USD"],"channel":"market_trades"}"#,
                r#"{"type":"unsubscribe","product_ids":["ETH-USD"],"channel":"ticker"}"#,
            ]
        );
        assert_eq!(
            texts(&books(Coinbase::Advanced, UNSUBSCRIBE, &scope, &["BTC-USD", "ETH-USDC"])),
            [r#"{"type":"unsubscribe","product_ids":["BTC-USD","ETH-USD"],"channel":"level2"}"#]
        );
    }

    #[test]
    fn exchange_is_asked_product_by_product() {
        let scope = scope(&["ETH-USD", "BTC-USDC"]);
        let channels = r#""channels":["level2_batch","matches","ticker","heartbeat"]"#;
        assert_eq!(
            texts(&opening(Coinbase::Exchange, &scope)),
            [
                format!(r#"{{"type":"subscribe","product_ids":["ETH-USD"],{channels}}}"#),
                format!(r#"{{"type":"subscribe","product_ids":["BTC-USDC"],{channels}}}"#),
            ]
        );
        assert_eq!(
            texts(&all(Coinbase::Exchange, UNSUBSCRIBE, &scope, &["ETH-USD"])),
            [format!(r#"{{"type":"unsubscribe","product_ids":["ETH-USD"],{channels}}}"#)]
        );
        assert_eq!(
            texts(&books(Coinbase::Exchange, SUBSCRIBE, &scope, &["ETH-USD"])),
            [r#"{"type":"subscribe","product_ids":["ETH-USD"],"channels":["level2_batch"]}"#]
        );
    }

    #[test]
    fn nothing_is_said_about_no_products_or_no_channels() {
        for feed in [Coinbase::Advanced, Coinbase::Exchange] {
            assert_eq!(opening(feed, &scope(&[])), []);
            assert_eq!(all(feed, UNSUBSCRIBE, &scope(&["BTC-USD"]), &[]), []);
            let trades = Scope { channels: vec![Channel::Trade], ..scope(&["BTC-USD"]) };
            assert_eq!(books(feed, UNSUBSCRIBE, &trades, &["BTC-USD"]), []);
        }
    }

    #[test]
    fn the_largest_scope_fits_one_burst() {
        for (feed, profile) in
            [(Coinbase::Advanced, &limits::ADVANCED), (Coinbase::Exchange, &limits::EXCHANGE)]
        {
            let names: Vec<String> =
                (0..profile.symbols_per_connection).map(|n| format!("COIN{n}-USD")).collect();
            let scope = Scope { symbols: names.clone(), channels: profile.channels.to_vec() };
            let requests = opening(feed, &scope);
            assert!(requests.len() <= profile.control.refill.burst as usize, "{feed:?}");
            for request in &requests {
                assert_eq!(request.answers, 1);
                assert!(request.text.len() < 4_096, "{}", request.text.len());
                serde_json::from_str::<serde_json::Value>(&request.text).unwrap();
            }
            let asked: String = texts(&requests).concat();
            assert!(names.iter().all(|name| asked.contains(&format!("\"{name}\""))), "{feed:?}");
        }
    }
}
