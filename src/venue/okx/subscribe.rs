//! How an OKX scope is asked for: many things in one request, and an answer to each of them.
//!
//! Source: <https://www.okx.com/docs-v5/en/#overview-websocket-subscribe>

use crate::engine::event::Channel;
use crate::venue::text::json;
use crate::venue::{Request, Scope};
use serde::Serialize;

/// Things in one request. Their text may be 64 KB in all; of the longest ids 400 are 41 KB, which leaves room for their
/// escapes.
const ARGS_PER_REQUEST: usize = 400;

pub const SUBSCRIBE: &str = "subscribe";
pub const UNSUBSCRIBE: &str = "unsubscribe";

#[derive(Serialize)]
struct Operation<'a> {
    /// Up to 32 letters and digits.
    id: String,
    op: &'static str,
    args: &'a [Arg<'a>],
}

#[derive(Clone, Copy, Serialize)]
struct Arg<'a> {
    channel: &'static str,
    #[serde(rename = "instId")]
    inst_id: &'a str,
}

/// Asks for these channels of each symbol, or asks no longer.
pub fn requests(op: &'static str, channels: &[Channel], symbols: &[&str], id: i64) -> Vec<Request> {
    let of = |inst_id| {
        let names = channels.iter().filter_map(|channel| name(*channel));
        names.map(move |channel| Arg { channel, inst_id })
    };
    let args: Vec<Arg<'_>> = symbols.iter().copied().flat_map(of).collect();
    let chunks = args.chunks(ARGS_PER_REQUEST).zip(id..);
    let request = |(args, id): (&[Arg<'_>], i64)| {
        let text = json(&Operation { id: id.to_string(), op, args });
        // At most ARGS_PER_REQUEST.
        Request { text, answers: args.len() as u16 }
    };
    chunks.map(request).collect()
}

/// The book's channel alone, where the scope has it: what a restart leaves and re-enters.
pub fn book(scope: &Scope) -> &'static [Channel] {
    if scope.channels.contains(&Channel::Book) { &[Channel::Book] } else { &[] }
}

/// The name of a channel depthd uses.
const fn name(channel: Channel) -> Option<&'static str> {
    match channel {
        // Tick by tick needs a key and a fee tier.
        Channel::Book => Some("books"),
        Channel::Trade => Some("trades"),
        Channel::Quote => Some("bbo-tbt"),
        Channel::Book5 | Channel::Book20 | Channel::Book50 | Channel::Liquidation | Channel::Instrument => {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::limits::PROFILE;
    use super::super::symbols::BYTES_MAX;
    use super::super::{Okx, route};
    use super::*;
    use crate::venue::handles::Handles;
    use crate::venue::{Venue, texts};

    fn scope(symbols: &[&str]) -> Scope {
        Scope {
            symbols: symbols.iter().map(|symbol| (*symbol).to_owned()).collect(),
            channels: PROFILE.channels.to_vec(),
        }
    }

    #[test]
    fn a_scope_is_one_request_with_an_answer_to_each_thing() {
        let requests = Okx.opening(&scope(&["BTC-USDT", "BTC-USDT-SWAP"]), 1_512);
        assert_eq!(
            texts(&requests),
            [
                r#"{"id":"1512","op":"subscribe","args":[{"channel":"books","instId":"BTC-USDT"},{"channel":"trades","instId":"BTC-USDT"},{"channel":"bbo-tbt","instId":"BTC-USDT"},{"channel":"books","instId":"BTC-USDT-SWAP"},{"channel":"trades","instId":"BTC-USDT-SWAP"},{"channel":"bbo-tbt","instId":"BTC-USDT-SWAP"}]}"#
            ]
        );
        assert_eq!(requests[0].answers, 6);
        assert_eq!(Okx.opening(&scope(&[]), 1), []);
    }

    #[test]
    fn a_restart_leaves_and_re_enters_the_books_alone_in_two_messages() {
        let (scope, symbols) = (scope(&["BTC-USDT", "ETH-USDT"]), ["BTC-USDT", "ETH-USDT"]);
        let out = Okx.withdraw(&scope, &symbols, Handles::NONE, 3);
        assert_eq!(
            texts(&out),
            [
                r#"{"id":"3","op":"unsubscribe","args":[{"channel":"books","instId":"BTC-USDT"},{"channel":"books","instId":"ETH-USDT"}]}"#
            ]
        );
        let back = Okx.restore(&scope, &symbols[..1], 4);
        assert_eq!(
            texts(&back),
            [r#"{"id":"4","op":"subscribe","args":[{"channel":"books","instId":"BTC-USDT"}]}"#]
        );
        assert_eq!((out[0].answers, back[0].answers), (2, 1));
        let no_book = Scope { channels: vec![Channel::Quote], ..scope };
        assert_eq!(Okx.withdraw(&no_book, &symbols, Handles::NONE, 3), []);
    }

    #[test]
    fn symbols_come_and_go_while_connected() {
        let scope = Scope { channels: vec![Channel::Trade], ..scope(&["BTC-USDT"]) };
        let one = |op: &str| {
            format!(r#"{{"id":"9","op":"{op}","args":[{{"channel":"trades","instId":"ETH-USDT"}}]}}"#)
        };
        assert_eq!(texts(&Okx.subscribe(&scope, &["ETH-USDT"], 9)), [one("subscribe")]);
        let gone = Okx.unsubscribe(&scope, &["ETH-USDT"], Handles::NONE, 9);
        assert_eq!(texts(&gone), [one("unsubscribe")]);
    }

    #[test]
    fn what_is_asked_for_is_what_is_routed() {
        for channel in PROFILE.channels {
            assert_eq!(route::channel(name(*channel).unwrap()), Some(*channel));
        }
    }

    #[test]
    fn requests_keep_to_the_venues_length() {
        let largest = |symbols: usize| {
            let symbols: Vec<String> = (0..symbols).map(|i| format!("{i:0>BYTES_MAX$}")).collect();
            Okx.opening(&Scope { symbols, channels: PROFILE.channels.to_vec() }, 1)
        };
        let one = largest(PROFILE.symbols_per_connection);
        assert_eq!(one.len(), 1, "an opening is one of 480 requests");
        assert_eq!(usize::from(one[0].answers), 3 * PROFILE.symbols_per_connection);
        let many = largest(1_000);
        assert_eq!(many.iter().map(|request| u32::from(request.answers)).sum::<u32>(), 3_000);
        assert_eq!(many.len(), 8);
        assert!(many.iter().all(|request| request.text.len() < 64_000));
        assert!(many[7].text.starts_with(r#"{"id":"8""#));
    }

    #[test]
    fn pings_are_bare() {
        assert_eq!(Okx.ping(7).as_deref(), Some("ping"));
    }
}
