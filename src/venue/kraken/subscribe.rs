//! How a Kraken scope is asked for: one request a channel and hundred symbols, and one answer a symbol.
//!
//! Source: <https://docs.kraken.com/exchange/api-reference/spot-websocket-v2/book> and .../ticker, .../instrument

use super::limits::DEPTH;
use crate::engine::event::Channel;
use crate::venue::text::json;
use crate::venue::{Request, Scope};
use serde::Serialize;

/// Symbols in one request. No limit is published, and few large frames are what the venue likes best; a hundred names are
/// about a kilobyte.
const SYMBOLS_PER_REQUEST: u16 = 100;

pub const SUBSCRIBE: &str = "subscribe";
pub const UNSUBSCRIBE: &str = "unsubscribe";

#[derive(Serialize)]
struct Method<'a> {
    method: &'static str,
    params: Params<'a>,
    req_id: i64,
}

#[derive(Default, Serialize)]
struct Params<'a> {
    channel: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    symbol: Option<&'a [&'a str]>,
    /// Named again to leave: a subscription is its channel with its depth.
    #[serde(skip_serializing_if = "Option::is_none")]
    depth: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_trigger: Option<&'static str>,
    /// Pairs of shares, whose names end in a small x, are left out of the list where nobody asks for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    include_tokenized_assets: Option<bool>,
    /// Only to enter.
    #[serde(skip_serializing_if = "Option::is_none")]
    snapshot: Option<bool>,
}

/// The decimals of all symbols, which no sum can do without, and then the scope. That channel takes no symbols.
pub fn opening(scope: &Scope, id: i64) -> Vec<Request> {
    let params = Params {
        channel: "instrument",
        include_tokenized_assets: Some(true),
        snapshot: Some(true),
        ..Params::default()
    };
    let instruments = Request::from(json(&Method { method: SUBSCRIBE, params, req_id: id }));
    let symbols: Vec<&str> = scope.symbols.iter().map(String::as_str).collect();
    let mut opening = vec![instruments];
    opening.extend(requests(SUBSCRIBE, &scope.channels, &symbols, id.saturating_add(1)));
    opening
}

/// Asks for these channels of these symbols, or asks no longer.
pub fn requests(method: &'static str, channels: &[Channel], symbols: &[&str], id: i64) -> Vec<Request> {
    let mut requests = Vec::new();
    // Books last: their snapshots would stand before the other answers.
    for channel in [Channel::Quote, Channel::Trade, Channel::Book] {
        if !channels.contains(&channel) {
            continue;
        }
        for symbols in symbols.chunks(usize::from(SYMBOLS_PER_REQUEST)) {
            let req_id = id.saturating_add(requests.len() as i64);
            let Some(params) = params(channel, symbols, method == SUBSCRIBE) else { continue };
            let text = json(&Method { method, params, req_id });
            let answers = u16::try_from(symbols.len()).unwrap_or(SYMBOLS_PER_REQUEST);
            requests.push(Request { text, answers });
        }
    }
    requests
}

/// The channels of a scope that an in-band restart is about.
pub fn books(scope: &Scope) -> Vec<Channel> {
    scope.channels.iter().copied().filter(|channel| channel.is_book()).collect()
}

fn params<'a>(channel: Channel, symbols: &'a [&'a str], enter: bool) -> Option<Params<'a>> {
    let base = Params { symbol: Some(symbols), snapshot: enter.then_some(true), ..Params::default() };
    match channel {
        Channel::Book => Some(Params { channel: "book", depth: Some(DEPTH), ..base }),
        // The last fifty trades are no news, and would come again with every connection.
        Channel::Trade => Some(Params { channel: "trade", snapshot: enter.then_some(false), ..base }),
        // Not only when there was a trade, which is the default.
        Channel::Quote => Some(Params { channel: "ticker", event_trigger: Some("bbo"), ..base }),
        Channel::Book5 | Channel::Book20 | Channel::Book50 | Channel::Liquidation | Channel::Instrument => {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::limits::PROFILE;
    use super::*;
    use crate::venue::texts;

    fn scope(symbols: usize) -> Scope {
        Scope {
            symbols: (0..symbols).map(|i| format!("COIN{i}/USD")).collect(),
            channels: PROFILE.channels.to_vec(),
        }
    }

    #[test]
    fn an_opening_asks_for_the_decimals_first() {
        let scope =
            Scope { symbols: vec!["BTC/USD".into(), "A\"/USD".into()], channels: PROFILE.channels.to_vec() };
        let opening = opening(&scope, 5);
        assert_eq!(
            texts(&opening),
            [
                r#"{"method":"subscribe","params":{"channel":"instrument","include_tokenized_assets":true,"snapshot":true},"req_id":5}"#,
                r#"{"method":"subscribe","params":{"channel":"ticker","symbol":["BTC/USD","A\"/USD"],"event_trigger":"bbo","snapshot":true},"req_id":6}"#,
                r#"{"method":"subscribe","params":{"channel":"trade","symbol":["BTC/USD","A\"/USD"],"snapshot":false},"req_id":7}"#,
                r#"{"method":"subscribe","params":{"channel":"book","symbol":["BTC/USD","A\"/USD"],"depth":1000,"snapshot":true},"req_id":8}"#,
            ]
        );
        assert_eq!(opening.iter().map(|request| request.answers).collect::<Vec<_>>(), [1, 2, 2, 2]);
    }

    #[test]
    fn a_restart_leaves_and_enters_the_books_alone() {
        let scope = scope(3);
        let out = requests(UNSUBSCRIBE, &books(&scope), &["COIN1/USD"], 9);
        let want = r#"{"method":"unsubscribe","params":{"channel":"book","symbol":["COIN1/USD"],"depth":1000},"req_id":9}"#;
        assert_eq!(texts(&out), [want]);
        let back = requests(SUBSCRIBE, &books(&scope), &["COIN1/USD"], 10);
        let want = r#"{"method":"subscribe","params":{"channel":"book","symbol":["COIN1/USD"],"depth":1000,"snapshot":true},"req_id":10}"#;
        assert_eq!(texts(&back), [want]);
    }

    #[test]
    fn symbols_come_and_go_with_all_their_channels() {
        let scope = scope(2);
        let out = requests(UNSUBSCRIBE, &scope.channels, &["COIN1/USD"], 1);
        assert_eq!(
            texts(&out),
            [
                r#"{"method":"unsubscribe","params":{"channel":"ticker","symbol":["COIN1/USD"],"event_trigger":"bbo"},"req_id":1}"#,
                r#"{"method":"unsubscribe","params":{"channel":"trade","symbol":["COIN1/USD"]},"req_id":2}"#,
                r#"{"method":"unsubscribe","params":{"channel":"book","symbol":["COIN1/USD"],"depth":1000},"req_id":3}"#,
            ]
        );
        assert!(!texts(&requests(SUBSCRIBE, &scope.channels, &["A/B"], 1)).concat().contains("instrument"));
        assert_eq!(requests(SUBSCRIBE, &scope.channels, &[], 1), []);
        assert_eq!(requests(SUBSCRIBE, &[Channel::Book5, Channel::Instrument], &["A/B"], 1), []);
    }

    #[test]
    fn the_largest_scope_fits_one_burst_and_its_books_one_message() {
        let scope = scope(PROFILE.symbols_per_connection);
        let opening = opening(&scope, 1);
        assert!(opening.len() <= PROFILE.control.refill.burst as usize);
        assert!(opening.iter().all(|request| request.text.len() < 4_096));
        let symbols: Vec<&str> = scope.symbols.iter().map(String::as_str).collect();
        assert_eq!(requests(UNSUBSCRIBE, &books(&scope), &symbols, 1).len(), 1);
        let answers: u16 = opening.iter().map(|request| request.answers).sum();
        assert_eq!(usize::from(answers), 1 + 3 * symbols.len());
        let more = vec!["A/B"; 101];
        let answers: Vec<_> =
            requests(SUBSCRIBE, &[Channel::Book], &more, 1).iter().map(|r| r.answers).collect();
        assert_eq!(answers, [100, 1]);
    }
}
