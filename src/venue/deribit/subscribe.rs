//! How a Deribit scope becomes channels, and channels requests.
//!
//! Source: <https://docs.deribit.com/api-reference/subscription-management/public-subscribe>

use super::limits::HEARTBEAT_SECONDS;
use crate::engine::event::Channel;
use crate::venue::text::json;
use crate::venue::{Request, Scope};
use serde::Serialize;

/// Channels in one request. Hundreds of options were once refused as too large; a hundred of the longest names are about
/// 6 KB. Source: <https://github.com/tmatic-trading/crypto-platform/issues/450>
pub const CHANNELS_PER_REQUEST: usize = 100;

pub const SUBSCRIBE: &str = "public/subscribe";
pub const UNSUBSCRIBE: &str = "public/unsubscribe";

#[derive(Serialize)]
struct Call<P> {
    jsonrpc: &'static str,
    id: i64,
    method: &'static str,
    params: P,
}

impl<P: Serialize> Call<P> {
    fn text(id: i64, method: &'static str, params: P) -> String {
        json(&Call { jsonrpc: "2.0", id, method, params })
    }
}

#[derive(Serialize)]
struct Heartbeat {
    interval: u64,
}

#[derive(Serialize)]
struct Channels<'a> {
    channels: &'a [String],
}

#[derive(Serialize)]
struct Nothing {}

/// Heartbeats, and then the scope.
pub fn opening(scope: &Scope, id: i64) -> Vec<Request> {
    let heartbeat = Call::text(id, "public/set_heartbeat", Heartbeat { interval: HEARTBEAT_SECONDS });
    let symbols: Vec<&str> = scope.symbols.iter().map(String::as_str).collect();
    let mut opening = vec![Request::from(heartbeat)];
    opening.extend(requests(SUBSCRIBE, &scope.channels, &symbols, id.saturating_add(1)));
    opening
}

/// Asks for these channels of these symbols, or asks no longer. Each request is answered once, with a list of what took.
pub fn requests(method: &'static str, channels: &[Channel], symbols: &[&str], id: i64) -> Vec<Request> {
    let names =
        |symbol: &&str| channels.iter().filter_map(|channel| name(*channel, symbol)).collect::<Vec<_>>();
    let names: Vec<String> = symbols.iter().flat_map(names).collect();
    let calls = names.chunks(CHANNELS_PER_REQUEST).zip(id..);
    calls.map(|(channels, id)| Request::from(Call::text(id, method, Channels { channels }))).collect()
}

/// The sign of life that the venue asks for. Its number is none of ours, which begin at one; its answer is told by its form.
pub fn sign_of_life() -> String {
    Call::text(0, "public/test", Nothing {})
}

/// The channels of a scope that an in-band restart is about.
pub fn books(scope: &Scope) -> Vec<Channel> {
    scope.channels.iter().copied().filter(|channel| channel.is_book()).collect()
}

fn name(channel: Channel, symbol: &str) -> Option<String> {
    match channel {
        // The finest interval without a key: `raw` has needed one since 2022.
        Channel::Book => Some(format!("book.{symbol}.100ms")),
        Channel::Trade => Some(format!("trades.{symbol}.100ms")),
        Channel::Quote => Some(format!("quote.{symbol}")),
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
            symbols: (0..symbols).map(|i| format!("BTC_USDC-27DEC26-{}-C", 100_000 + i)).collect(),
            channels: PROFILE.channels.to_vec(),
        }
    }

    #[test]
    fn an_opening_asks_for_heartbeats_first() {
        let scope = Scope {
            symbols: vec!["BTC-PERPETUAL".into(), "A\"".into()],
            channels: PROFILE.channels.to_vec(),
        };
        let opening = opening(&scope, 3);
        assert_eq!(
            texts(&opening),
            [
                r#"{"jsonrpc":"2.0","id":3,"method":"public/set_heartbeat","params":{"interval":30}}"#,
                r#"{"jsonrpc":"2.0","id":4,"method":"public/subscribe","params":{"channels":["book.BTC-PERPETUAL.100ms","trades.BTC-PERPETUAL.100ms","quote.BTC-PERPETUAL","book.A\".100ms","trades.A\".100ms","quote.A\""]}}"#,
            ]
        );
        assert!(opening.iter().all(|request| request.answers == 1));
    }

    #[test]
    fn a_restart_leaves_and_enters_the_books_alone() {
        let scope = scope(1);
        let out = requests(UNSUBSCRIBE, &books(&scope), &["BTC_USDC"], 7);
        let want = r#"{"jsonrpc":"2.0","id":7,"method":"public/unsubscribe","params":{"channels":["book.BTC_USDC.100ms"]}}"#;
        assert_eq!(texts(&out), [want]);
        let back = requests(SUBSCRIBE, &books(&scope), &["BTC_USDC"], 7);
        assert_eq!(texts(&back), [want.replace("unsubscribe", "subscribe")]);
    }

    #[test]
    fn symbols_come_and_go_with_all_their_channels() {
        let out = requests(UNSUBSCRIBE, &scope(1).channels, &["BTC_USDC"], 1);
        let want = r#"{"jsonrpc":"2.0","id":1,"method":"public/unsubscribe","params":{"channels":["book.BTC_USDC.100ms","trades.BTC_USDC.100ms","quote.BTC_USDC"]}}"#;
        assert_eq!(texts(&out), [want]);
        assert_eq!(requests(SUBSCRIBE, &scope(1).channels, &[], 1), []);
        assert_eq!(requests(SUBSCRIBE, &[Channel::Book5, Channel::Instrument], &["BTC_USDC"], 1), []);
    }

    #[test]
    fn the_sign_of_life_is_what_the_venue_wants() {
        assert_eq!(sign_of_life(), r#"{"jsonrpc":"2.0","id":0,"method":"public/test","params":{}}"#);
    }

    #[test]
    fn the_largest_scope_fits_one_burst_and_its_books_one_message() {
        let scope = scope(PROFILE.symbols_per_connection);
        let opening = opening(&scope, 1);
        assert!(opening.len() <= PROFILE.control.refill.burst as usize);
        let mut names = 0;
        for (at, request) in opening.iter().enumerate() {
            assert!(request.text.len() < 8_192);
            let value: serde_json::Value = serde_json::from_str(&request.text).unwrap();
            assert_eq!(value["id"], 1 + at as i64);
            let channels = value["params"]["channels"].as_array().map_or(0, Vec::len);
            assert!(channels <= CHANNELS_PER_REQUEST);
            names += channels;
        }
        assert_eq!(names, 3 * PROFILE.symbols_per_connection);
        let symbols: Vec<&str> = scope.symbols.iter().map(String::as_str).collect();
        assert_eq!(requests(UNSUBSCRIBE, &books(&scope), &symbols, 1).len(), 1);
    }
}
