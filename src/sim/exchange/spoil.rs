//! Ways to ruin a message that were a true one. Pure text work.

use crate::sim::config::Face;
use crate::sim::fault::Malformed;

/// More than any book may have a side.
const TOO_MANY_LEVELS: usize = 25_000;

/// The message, spoiled so that a careful reader must refuse it.
pub fn text(text: &str, how: Malformed) -> String {
    match how {
        Malformed::Truncated => text[..text.floor_char_boundary(text.len() * 3 / 5)].to_owned(),
        Malformed::Html => "<html><body><h1>502 Bad Gateway</h1></body></html>".to_owned(),
        Malformed::WrongType => in_first_level(text, "\"price\":", "true,\"was\":", "[[", "true,"),
        Malformed::HugeNumber => in_first_level(text, "\"price\":", &"9".repeat(60), "[[\"", &"9".repeat(60)),
        Malformed::NegativeSize => negative_size(text),
        Malformed::TooDeep => {
            let coinapi = "{\"price\":1,\"size\":1},".repeat(TOO_MANY_LEVELS);
            let binance = "[\"1\",\"1\"],".repeat(TOO_MANY_LEVELS);
            let is_coinapi = text.contains("[{\"price\":");
            let (mark, filling) = if is_coinapi { ("[{", coinapi) } else { ("[[", binance) };
            after(text, mark, 1, &filling)
        }
        // These are made from bytes, not from text.
        Malformed::BadUtf8 | Malformed::Binary | Malformed::Oversize | Malformed::ReservedBit => {
            text.to_owned()
        }
    }
}

/// Inserts right after the first `mark` of whichever face's spelling the text has.
fn in_first_level(
    text: &str,
    coinapi_mark: &str,
    coinapi: &str,
    binance_mark: &str,
    binance: &str,
) -> String {
    if text.contains(coinapi_mark) {
        after(text, coinapi_mark, coinapi_mark.len(), coinapi)
    } else {
        after(text, binance_mark, binance_mark.len(), binance)
    }
}

/// A minus before the first size. Before a zero it changes nothing, and the message stays a good one.
fn negative_size(text: &str) -> String {
    // On Binance sizes follow prices, and both come after the first list of lists.
    let (from, mark) = match text.find("[[") {
        Some(at) if !text.contains("\"size\":") => (at, "\",\""),
        _ => (0, "\"size\":"),
    };
    format!("{}{}", &text[..from], after(&text[from..], mark, mark.len(), "-"))
}

fn after(text: &str, mark: &str, offset: usize, insert: &str) -> String {
    match text.find(mark) {
        Some(at) => format!("{}{insert}{}", &text[..at + offset], &text[at + offset..]),
        None => text[..text.floor_char_boundary(text.len() / 2)].to_owned(),
    }
}

pub fn unknown_type(face: Face) -> String {
    match face {
        Face::CoinApi => "{\"type\":\"mystery\",\"symbol_id\":7,\"sequence\":[]}".to_owned(),
        Face::Binance => "{\"stream\":\"!mystery@arr\",\"data\":{\"e\":\"mystery\",\"E\":1}}".to_owned(),
    }
}

pub fn unknown_symbol(face: Face) -> String {
    match face {
        Face::CoinApi => "{\"type\":\"book\",\"symbol_id\":\"NOWHERE_SPOT_A_B\",\"sequence\":1,\
             \"time_exchange\":\"2026-01-01T00:00:00.0000000Z\",\"time_coinapi\":\"2026-01-01T00:00:00.0000000Z\",\
             \"is_snapshot\":true,\"asks\":[{\"price\":2,\"size\":1}],\"bids\":[{\"price\":1,\"size\":1}]}"
            .to_owned(),
        Face::Binance => "{\"stream\":\"nowhere@depth@100ms\",\"data\":{\"e\":\"depthUpdate\",\"E\":1,\
             \"s\":\"NOWHERE\",\"U\":1,\"u\":2,\"b\":[[\"1\",\"1\"]],\"a\":[]}}"
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COINAPI: &str =
        r#"{"type":"book","symbol_id":"S","sequence":2,"asks":[{"price":4.5,"size":12}],"bids":[]}"#;
    const BINANCE: &str =
        r#"{"stream":"s@depth","data":{"e":"depthUpdate","s":"S","U":1,"u":2,"b":[],"a":[["4.5","12"]]}}"#;

    #[test]
    fn each_way_does_what_it_says() {
        for (message, level) in [(COINAPI, r#"{"price":4.5,"size":-12}"#), (BINANCE, r#"["4.5","-12"]"#)] {
            assert!(text(message, Malformed::NegativeSize).contains(level));
            let json = |how| serde_json::from_str::<serde_json::Value>(&text(message, how));
            assert!(json(Malformed::Truncated).is_err() && json(Malformed::Html).is_err());
            for how in [Malformed::WrongType, Malformed::NegativeSize, Malformed::HugeNumber] {
                assert!(json(how).is_ok(), "{how:?}: {}", text(message, how));
                assert_ne!(text(message, how), message);
            }
            let deep = json(Malformed::TooDeep).expect("JSON");
            let asks = deep["asks"].as_array().or(deep["data"]["a"].as_array()).expect("a side");
            assert_eq!(asks.len(), TOO_MANY_LEVELS + 1);
        }
        for extra in [unknown_type, unknown_symbol] {
            for face in [Face::CoinApi, Face::Binance] {
                assert!(serde_json::from_str::<serde_json::Value>(&extra(face)).is_ok());
            }
        }
    }
}
