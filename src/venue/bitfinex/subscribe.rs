//! What is asked for: first the flags, then one message a stream. Streams are left by their numbers.
//!
//! Source: <https://docs.bitfinex.com/docs/ws-general> ("Configuration"), <https://docs.bitfinex.com/reference/ws-public-books>

use super::limits::LEVELS;
use crate::engine::event::Channel;
use crate::venue::handles::Handles;
use crate::venue::text::json;
use crate::venue::{Request, Scope};
use serde::Serialize;

/// Flag: each array ends in the time it was sent.
const TIMESTAMP: u64 = 32_768;

/// Flag: each array carries its number in the count over the connection.
pub const SEQ_ALL: u64 = 65_536;

/// Flag: books are summed up from time to time.
const OB_CHECKSUM: u64 = 131_072;

/// The finest aggregation: prices of five significant figures.
pub const PRECISION: &str = "P0";

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
enum Message<'m> {
    Conf {
        flags: u64,
    },
    Subscribe {
        channel: &'static str,
        symbol: &'m str,
        #[serde(flatten)]
        book: Option<BookOptions>,
    },
    Unsubscribe {
        #[serde(rename = "chanId")]
        number: u64,
    },
}

#[derive(Serialize)]
struct BookOptions {
    prec: &'static str,
    /// As it happens; `F1` would be every two seconds.
    freq: &'static str,
    len: String,
}

pub fn opening(scope: &Scope) -> Vec<Request> {
    let conf = json(&Message::Conf { flags: TIMESTAMP + SEQ_ALL + OB_CHECKSUM });
    let symbols: Vec<&str> = scope.symbols.iter().map(String::as_str).collect();
    // Before all else, so that the count begins with the first array.
    std::iter::once(conf.into()).chain(enter(&symbols, &scope.channels)).collect()
}

pub fn enter(symbols: &[&str], channels: &[Channel]) -> Vec<Request> {
    let one = |symbol, channel: &Channel| {
        let (channel, book) = match channel {
            Channel::Book => {
                ("book", Some(BookOptions { prec: PRECISION, freq: "F0", len: LEVELS.to_string() }))
            }
            Channel::Trade => ("trades", None),
            _ => return None,
        };
        Some(Request::from(json(&Message::Subscribe { channel, symbol, book })))
    };
    symbols
        .iter()
        .flat_map(|symbol| channels.iter().filter_map(move |channel| one(symbol, channel)))
        .collect()
}

/// A stream without a number is none yet, or none any more.
pub fn leave(symbols: &[&str], handles: &Handles, wanted: impl Fn(Channel) -> bool) -> Vec<Request> {
    let streams = symbols.iter().flat_map(|symbol| handles.of(symbol));
    let numbers = streams.filter(|(_, channel)| wanted(*channel)).map(|(number, _)| number);
    numbers.map(|number| Request::from(json(&Message::Unsubscribe { number }))).collect()
}

#[cfg(test)]
mod tests {
    use super::super::limits::{PROFILE, STREAMS_MAX};
    use super::super::{Bitfinex, Venue};
    use super::*;
    use crate::venue::texts;

    const BOTH: [Channel; 2] = [Channel::Book, Channel::Trade];

    fn scope(symbols: usize) -> Scope {
        Scope { symbols: (0..symbols).map(|i| format!("tCOIN{i}:USD")).collect(), channels: BOTH.to_vec() }
    }

    #[test]
    fn the_flags_come_first_and_then_each_stream() {
        let scope = Scope { symbols: vec!["tBTCUSD".into(), "tDOGE:USD".into()], channels: BOTH.to_vec() };
        let opening = Bitfinex.opening(&scope, 1);
        assert_eq!(
            texts(&opening),
            [
                r#"{"event":"conf","flags":229376}"#,
                r#"{"event":"subscribe","channel":"book","symbol":"tBTCUSD","prec":"P0","freq":"F0","len":"250"}"#,
                r#"{"event":"subscribe","channel":"trades","symbol":"tBTCUSD"}"#,
                r#"{"event":"subscribe","channel":"book","symbol":"tDOGE:USD","prec":"P0","freq":"F0","len":"250"}"#,
                r#"{"event":"subscribe","channel":"trades","symbol":"tDOGE:USD"}"#,
            ]
        );
        assert!(opening.iter().all(|request| request.answers == 1));
        assert_eq!(Bitfinex.dial(PROFILE.url, &scope, None).url, "wss://api-pub.bitfinex.com/ws/2");
        assert_eq!(Bitfinex.dial("ws://127.0.0.1:1/", &scope, None).url, "ws://127.0.0.1:1/ws/2");
        let odd = enter(&["t\"\\"], &[Channel::Trade]);
        assert_eq!(texts(&odd), [r#"{"event":"subscribe","channel":"trades","symbol":"t\"\\"}"#]);
    }

    #[test]
    fn streams_are_left_by_their_numbers() {
        let scope = scope(2);
        let mut handles = Handles::default();
        handles.bind(7, "tCOIN0:USD", Channel::Book);
        handles.bind(8, "tCOIN0:USD", Channel::Trade);
        handles.bind(9, "tCOIN1:USD", Channel::Book);
        let symbols = ["tCOIN0:USD", "tCOIN1:USD"];
        let out = Bitfinex.withdraw(&scope, &symbols, &handles, 3);
        assert_eq!(
            texts(&out),
            [r#"{"event":"unsubscribe","chanId":7}"#, r#"{"event":"unsubscribe","chanId":9}"#]
        );
        let back = Bitfinex.restore(&scope, &symbols[1..], 5);
        assert_eq!(
            texts(&back),
            [
                r#"{"event":"subscribe","channel":"book","symbol":"tCOIN1:USD","prec":"P0","freq":"F0","len":"250"}"#
            ]
        );
        let out = Bitfinex.unsubscribe(&scope, &symbols[..1], &handles, 3);
        assert_eq!(
            texts(&out),
            [r#"{"event":"unsubscribe","chanId":7}"#, r#"{"event":"unsubscribe","chanId":8}"#]
        );
        assert_eq!(Bitfinex.withdraw(&scope, &["tELSE:USD"], &handles, 3), []);
        assert_eq!(Bitfinex.subscribe(&scope, &symbols, 3).len(), 4);
    }

    #[test]
    fn the_largest_scope_keeps_the_limits() {
        assert_eq!(PROFILE.channels, BOTH);
        let opening = Bitfinex.opening(&scope(PROFILE.symbols_per_connection), 1);
        assert!(opening.len() <= PROFILE.control.refill.burst as usize, "an opening fits one burst");
        let streams = opening.iter().filter(|request| request.text.contains(r#""subscribe""#)).count();
        assert_eq!(streams, PROFILE.symbols_per_connection * BOTH.len());
        assert!(streams <= STREAMS_MAX);
        let connects = PROFILE.connects;
        assert!(connects.burst + connects.per_window < 15, "people were blocked at 15 a minute");
    }
}
