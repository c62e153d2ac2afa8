//! How a CoinAPI scope is asked for, and how symbols leave and re-enter it.
//!
//! A filter is a prefix unless it ends in `$`, and an empty filter may mean every symbol there is: every message
//! here has a non-empty list of exact names, or is not sent. `heartbeat` goes with every message, because a
//! message without it might switch it off.
//! Source: <https://docs.coinapi.io/market-data/websocket/general>

use crate::engine::event::Channel;
use crate::venue::text::json;
use crate::venue::{Request, Scope};
use serde::Serialize;

#[derive(Serialize)]
struct Message {
    r#type: &'static str,
    heartbeat: bool,
    subscribe_data_type: Vec<&'static str>,
    subscribe_filter_symbol_id: Vec<String>,
}

/// Replaces the connection's whole scope.
pub fn hello(scope: &Scope) -> Vec<Request> {
    let symbols = scope.symbols.iter().map(String::as_str);
    request("hello", scope.channels.iter().copied(), symbols)
}

/// Takes the books of `symbols` out, and not their trades and quotes, which need no repair. Nothing is sent when
/// no symbol would be left: an empty scope may mean every symbol there is.
pub fn withdraw(scope: &Scope, symbols: &[&str]) -> Vec<Request> {
    if scope.symbols.iter().all(|s| symbols.contains(&s.as_str())) {
        return Vec::new();
    }
    let books = scope.channels.iter().copied().filter(|c| c.is_book());
    request("unsubscribe", books, symbols.iter().copied())
}

/// Takes `symbols` out with every channel of the scope; nothing when none would stay.
pub fn forget(scope: &Scope, symbols: &[&str]) -> Vec<Request> {
    if scope.symbols.iter().all(|s| symbols.contains(&s.as_str())) {
        return Vec::new();
    }
    request("unsubscribe", scope.channels.iter().copied(), symbols.iter().copied())
}

/// Puts `symbols` back, with every channel of the scope: whether taking a book out also takes the symbol's other
/// channels is not documented, and asking again for what is there changes nothing.
pub fn restore(scope: &Scope, symbols: &[&str]) -> Vec<Request> {
    request("subscribe", scope.channels.iter().copied(), symbols.iter().copied())
}

fn request<'a>(
    verb: &'static str,
    channels: impl Iterator<Item = Channel>,
    symbols: impl Iterator<Item = &'a str>,
) -> Vec<Request> {
    let subscribe_data_type: Vec<_> = channels.map(Channel::name).collect();
    let subscribe_filter_symbol_id: Vec<_> = symbols.map(|s| format!("{s}$")).collect();
    if subscribe_data_type.is_empty() || subscribe_filter_symbol_id.is_empty() {
        return Vec::new();
    }
    let text =
        json(&Message { r#type: verb, heartbeat: true, subscribe_data_type, subscribe_filter_symbol_id });
    // Nothing is answered here but by data.
    vec![Request { text, answers: 0 }]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::venue::texts;

    fn scope() -> Scope {
        Scope {
            symbols: vec!["COINBASE_SPOT_BTC_USD".into(), "BITSTAMP_SPOT_BTC_USD".into()],
            channels: vec![Channel::Book, Channel::Trade],
        }
    }

    #[test]
    fn hello_names_the_whole_scope_exactly() {
        assert_eq!(
            texts(&hello(&scope())),
            [
                r#"{"type":"hello","heartbeat":true,"subscribe_data_type":["book","trade"],"subscribe_filter_symbol_id":["COINBASE_SPOT_BTC_USD$","BITSTAMP_SPOT_BTC_USD$"]}"#
            ]
        );
    }

    #[test]
    fn a_restart_leaves_with_the_book_and_returns_with_everything() {
        let symbols = ["BITSTAMP_SPOT_BTC_USD"];
        assert_eq!(
            texts(&withdraw(&scope(), &symbols)),
            [
                r#"{"type":"unsubscribe","heartbeat":true,"subscribe_data_type":["book"],"subscribe_filter_symbol_id":["BITSTAMP_SPOT_BTC_USD$"]}"#
            ]
        );
        assert_eq!(
            texts(&restore(&scope(), &symbols)),
            [
                r#"{"type":"subscribe","heartbeat":true,"subscribe_data_type":["book","trade"],"subscribe_filter_symbol_id":["BITSTAMP_SPOT_BTC_USD$"]}"#
            ]
        );
    }

    #[test]
    fn no_message_has_an_empty_list_and_no_scope_is_emptied() {
        let nothing = Scope { symbols: vec![], channels: vec![Channel::Book] };
        assert!(hello(&nothing).is_empty());
        assert!(withdraw(&scope(), &[]).is_empty());
        assert!(restore(&scope(), &[]).is_empty());
        assert!(withdraw(&scope(), &["COINBASE_SPOT_BTC_USD", "BITSTAMP_SPOT_BTC_USD"]).is_empty());
        let no_book = Scope { channels: vec![Channel::Trade], ..scope() };
        assert!(withdraw(&no_book, &["BITSTAMP_SPOT_BTC_USD"]).is_empty());
    }
}
