//! How Hyperliquid coins are asked for: one message a coin and channel, answered with the same subscription.
//!
//! Options of a book are left out: a message here must be, member for member, what the venue answers with and takes back.
//! Source: <https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/websocket/subscriptions>

use crate::engine::event::Channel;
use crate::venue::text::json;
use crate::venue::{Request, Scope};
use serde::Serialize;

pub const SUBSCRIBE: &str = "subscribe";
pub const UNSUBSCRIBE: &str = "unsubscribe";
pub const PING: &str = r#"{"method":"ping"}"#;

#[derive(Serialize)]
struct Method<'a> {
    method: &'static str,
    subscription: Subscription<'a>,
}

#[derive(Serialize)]
struct Subscription<'a> {
    r#type: &'static str,
    coin: &'a str,
}

/// Every channel of these coins.
pub fn all(method: &'static str, scope: &Scope, coins: &[&str]) -> Vec<Request> {
    requests(method, scope, coins, |_| true)
}

/// The books of these coins alone.
pub fn books(method: &'static str, scope: &Scope, coins: &[&str]) -> Vec<Request> {
    requests(method, scope, coins, Channel::is_book)
}

fn requests(
    method: &'static str,
    scope: &Scope,
    coins: &[&str],
    wanted: impl Fn(Channel) -> bool,
) -> Vec<Request> {
    let types: Vec<_> =
        scope.channels.iter().filter(|channel| wanted(**channel)).filter_map(|c| name(*c)).collect();
    let of_coin = |coin| {
        let message = move |r#type| json(&Method { method, subscription: Subscription { r#type, coin } });
        types.iter().copied().map(message)
    };
    coins.iter().copied().flat_map(of_coin).map(Request::from).collect()
}

fn name(channel: Channel) -> Option<&'static str> {
    match channel {
        Channel::Book => Some("l2Book"),
        Channel::Trade => Some("trades"),
        Channel::Quote => Some("bbo"),
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

    fn scope(coins: &[&str]) -> Scope {
        let symbols = coins.iter().map(|coin| (*coin).to_owned()).collect();
        Scope { symbols, channels: PROFILE.channels.to_vec() }
    }

    #[test]
    fn each_coin_and_channel_has_its_message() {
        let coins = ["kPEPE", "PURR/USDC"];
        assert_eq!(
            texts(&all(SUBSCRIBE, &scope(&coins), &coins)),
            [
                r#"{"method":"subscribe","subscription":{"type":"l2Book","coin":"kPEPE"}}"#,
                r#"{"method":"subscribe","subscription":{"type":"trades","coin":"kPEPE"}}"#,
                r#"{"method":"subscribe","subscription":{"type":"bbo","coin":"kPEPE"}}"#,
                r#"{"method":"subscribe","subscription":{"type":"l2Book","coin":"PURR/USDC"}}"#,
                r#"{"method":"subscribe","subscription":{"type":"trades","coin":"PURR/USDC"}}"#,
                r#"{"method":"subscribe","subscription":{"type":"bbo","coin":"PURR/USDC"}}"#,
            ]
        );
        assert_eq!(
            texts(&books(UNSUBSCRIBE, &scope(&coins), &["@142", "xyz:NVDA"])),
            [
                r#"{"method":"unsubscribe","subscription":{"type":"l2Book","coin":"@142"}}"#,
                r#"{"method":"unsubscribe","subscription":{"type":"l2Book","coin":"xyz:NVDA"}}"#,
            ]
        );
        let trades = Scope { channels: vec![Channel::Trade], ..scope(&coins) };
        assert_eq!(books(UNSUBSCRIBE, &trades, &coins), []);
        assert_eq!(all(SUBSCRIBE, &scope(&[]), &[]), []);
    }

    #[test]
    fn the_largest_scope_fits_one_burst() {
        let names: Vec<String> = (0..PROFILE.symbols_per_connection).map(|n| format!("COIN{n}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let requests = all(SUBSCRIBE, &scope(&names), &names);
        assert!(requests.len() <= PROFILE.control.refill.burst as usize);
        assert!(requests.iter().all(|request| request.answers == 1 && request.text.len() < 256));
    }
}
