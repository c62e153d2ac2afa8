//! Ways to ruin a message that were a true one. Pure text work.

use crate::sim::config::Face;
use crate::sim::fault::{Extra, Malformed};

/// More than any book may have a side.
const TOO_MANY_LEVELS: usize = 25_000;

/// How a face writes levels where the marks of CoinAPI and Binance do not fit.
struct Manner {
    /// What no other face's book messages have, at some place before the levels.
    face: &'static str,
    /// What their list begins with, from there on, and how much of it is of its first level already.
    list: (&'static str, usize),
    /// What stands right before the first price, from there on.
    price: &'static str,
    /// What stands right before the first size, from the price on.
    size: &'static str,
    /// Put before the price, or before the quote that its mark ends with, it makes the price another type.
    wrong: &'static str,
    /// A good level, and a comma.
    level: &'static str,
}

const MANNERS: [Manner; 5] = [
    // Coinbase Advanced Trade.
    Manner {
        face: "\"updates\":[",
        list: ("", 0),
        price: "\"price_level\":\"",
        size: "\"new_quantity\":\"",
        wrong: "true,\"was\":",
        level: "{\"side\":\"bid\",\"price_level\":\"1\",\"new_quantity\":\"1\"},",
    },
    // Coinbase Exchange: the side stands before the price.
    Manner {
        face: "\"changes\":[",
        list: ("", 0),
        price: "\",\"",
        size: "\",\"",
        wrong: "true,",
        level: "[\"buy\",\"1\",\"1\"],",
    },
    // Hyperliquid: a list of two lists.
    Manner {
        face: "\"levels\":[[",
        list: ("", 0),
        price: "\"px\":\"",
        size: "\"sz\":\"",
        wrong: "true,\"was\":",
        level: "{\"px\":\"1\",\"sz\":\"1\",\"n\":1},",
    },
    // Deribit: what is done stands before the price, and numbers are bare. Either side may be empty.
    Manner {
        face: "\"change_id\":",
        list: (":[[\"", 2),
        price: "\",",
        size: ",",
        wrong: "true,",
        level: "[\"new\",1,1],",
    },
    // OKX: a size is followed by a zero and a number of orders.
    Manner {
        face: "\"action\":\"",
        list: (":[[", 1),
        price: "\"",
        size: "\",\"",
        wrong: "true,",
        level: "[\"1\",\"1\",\"0\",\"1\"],",
    },
];

impl Manner {
    /// `None` for what is not done to levels, and for a message without any.
    fn spoil(&self, text: &str, how: Malformed) -> Option<String> {
        let behind = |from: usize, mark: &str| Some(from + text[from..].find(mark)? + mark.len());
        let list = behind(behind(0, self.face)?, self.list.0)?;
        let price = behind(list, self.price)?;
        let quote = usize::from(self.price.ends_with('"'));
        let list = list - self.list.1;
        let (at, insert) = match how {
            Malformed::WrongType => (price - quote, self.wrong.to_owned()),
            Malformed::HugeNumber => (price, "9".repeat(60)),
            Malformed::NegativeSize => (behind(price, self.size)?, "-".to_owned()),
            Malformed::TooDeep => (list, self.level.repeat(TOO_MANY_LEVELS)),
            _ => return None,
        };
        Some(format!("{}{insert}{}", &text[..at], &text[at..]))
    }
}

const HTML: &str = "<html><body><h1>502 Bad Gateway</h1></body></html>";

/// The message, spoiled so that a careful reader must refuse it.
pub fn text(text: &str, how: Malformed) -> String {
    if let Some(spoiled) = MANNERS.iter().find_map(|manner| manner.spoil(text, how)) {
        return spoiled;
    }
    if text.starts_with('[') {
        return array(text, how);
    }
    match how {
        Malformed::Truncated => text[..text.floor_char_boundary(text.len() * 3 / 5)].to_owned(),
        Malformed::Html => HTML.to_owned(),
        Malformed::WrongType => in_first_level(text, "\"price\":", "true,\"was\":", "[[", "true,"),
        Malformed::HugeNumber => in_first_level(text, "\"price\":", &"9".repeat(60), "[[\"", &"9".repeat(60)),
        Malformed::NegativeSize => negative_size(text),
        Malformed::TooDeep => {
            let (mark, level) = match text.contains("[{\"price\":") {
                true if text.contains("\"qty\":") => ("[{\"price\"", "{\"price\":1,\"qty\":1},"),
                true => ("[{", "{\"price\":1,\"size\":1},"),
                false => ("[[", "[\"1\",\"1\"],"),
            };
            after(text, mark, 1, &level.repeat(TOO_MANY_LEVELS))
        }
        // These are made from bytes, not from text.
        Malformed::BadUtf8 | Malformed::Binary | Malformed::Oversize | Malformed::ReservedBit => {
            text.to_owned()
        }
    }
}

/// The same of a face that sends arrays: `[stream,[price,count,amount],…]`.
fn array(text: &str, how: Malformed) -> String {
    match how {
        Malformed::WrongType => after(text, ",[", 2, "true,"),
        Malformed::HugeNumber => after(text, ",[", 2, &"9".repeat(60)),
        // A minus before the amount would say that it is an ask; but there are never less than no orders.
        Malformed::NegativeSize => {
            match text.split_once(",[").and_then(|(head, tail)| Some((head, tail.split_once(',')?))) {
                Some((head, (price, tail))) => format!("{head},[{price},-{tail}"),
                None => text.to_owned(),
            }
        }
        Malformed::TooDeep => after(text, ",[", 2, &"[1,1,1],".repeat(TOO_MANY_LEVELS)),
        Malformed::Truncated => text[..text.floor_char_boundary(text.len() * 3 / 5)].to_owned(),
        Malformed::Html => HTML.to_owned(),
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
        _ if text.contains("\"qty\":") => (0, "\"qty\":"),
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

/// A message of a kind nobody knows, or of a symbol nobody asked for.
pub fn stranger(face: Face, extra: Extra) -> String {
    if extra == Extra::UnknownSymbol { unknown_symbol(face) } else { unknown_type(face) }
}

fn unknown_type(face: Face) -> String {
    match face {
        Face::CoinApi => "{\"type\":\"mystery\",\"symbol_id\":7,\"sequence\":[]}".to_owned(),
        _ => "{\"stream\":\"!mystery@arr\",\"data\":{\"e\":\"mystery\",\"E\":1}}".to_owned(),
    }
}

fn unknown_symbol(face: Face) -> String {
    match face {
        Face::CoinApi => "{\"type\":\"book\",\"symbol_id\":\"NOWHERE_SPOT_A_B\",\"sequence\":1,\
             \"time_exchange\":\"2026-01-01T00:00:00.0000000Z\",\"time_coinapi\":\"2026-01-01T00:00:00.0000000Z\",\
             \"is_snapshot\":true,\"asks\":[{\"price\":2,\"size\":1}],\"bids\":[{\"price\":1,\"size\":1}]}"
            .to_owned(),
        _ => "{\"stream\":\"nowhere@depth@100ms\",\"data\":{\"e\":\"depthUpdate\",\"E\":1,\
             \"s\":\"NOWHERE\",\"U\":1,\"u\":2,\"b\":[[\"1\",\"1\"]],\"a\":[]}}"
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COINAPI: &str =
        r#"{"type":"book","symbol_id":"S","sequence":2,"asks":[{"price":4.5,"size":12}],"bids":[]}"#;
    const KRAKEN: &str = r#"{"channel":"book","type":"update","data":[{"symbol":"S","bids":[],"asks":[{"price":4.5,"qty":12}],"checksum":7}]}"#;
    const BINANCE: &str =
        r#"{"stream":"s@depth","data":{"e":"depthUpdate","s":"S","U":1,"u":2,"b":[],"a":[["4.5","12"]]}}"#;

    #[test]
    fn arrays_are_spoiled_in_their_own_way() {
        const BITFINEX: &str = "[204928,[4.5,3,-12],7,1700000000002]";
        let json = |how| serde_json::from_str::<serde_json::Value>(&text(BITFINEX, how));
        assert_eq!(text(BITFINEX, Malformed::NegativeSize), "[204928,[4.5,-3,-12],7,1700000000002]");
        assert_eq!(text(BITFINEX, Malformed::WrongType), "[204928,[true,4.5,3,-12],7,1700000000002]");
        assert!(json(Malformed::HugeNumber).is_ok());
        assert!(json(Malformed::Truncated).is_err() && json(Malformed::Html).is_err());
        let deep = json(Malformed::TooDeep).expect("JSON");
        assert_eq!(deep[1].as_array().map(Vec::len), Some(TOO_MANY_LEVELS + 3));
    }

    #[test]
    fn each_way_does_what_it_says() {
        for (message, level) in [
            (COINAPI, r#"{"price":4.5,"size":-12}"#),
            (KRAKEN, r#"{"price":4.5,"qty":-12}"#),
            (BINANCE, r#"["4.5","-12"]"#),
        ] {
            assert!(text(message, Malformed::NegativeSize).contains(level));
            let json = |how| serde_json::from_str::<serde_json::Value>(&text(message, how));
            assert!(json(Malformed::Truncated).is_err() && json(Malformed::Html).is_err());
            for how in [Malformed::WrongType, Malformed::NegativeSize, Malformed::HugeNumber] {
                assert!(json(how).is_ok(), "{how:?}: {}", text(message, how));
                assert_ne!(text(message, how), message);
            }
            let deep = json(Malformed::TooDeep).expect("JSON");
            let sides = [&deep["asks"], &deep["data"][0]["asks"], &deep["data"]["a"]];
            let asks = sides.into_iter().find_map(|side| side.as_array()).expect("a side");
            assert_eq!(asks.len(), TOO_MANY_LEVELS + 1);
        }
        for extra in [unknown_type, unknown_symbol] {
            for face in [Face::CoinApi, Face::Binance] {
                assert!(serde_json::from_str::<serde_json::Value>(&extra(face)).is_ok());
            }
        }
    }

    #[test]
    fn what_is_done_to_bare_levels_is_done_to_their_numbers() {
        for sides in
            [r#""bids":[["change",4.5,12],["delete",4,0]],"asks":[]"#, r#""bids":[],"asks":[["new",4.5,12]]"#]
        {
            let message = format!(
                r#"{{"params":{{"channel":"book.A.100ms","data":{{"change_id":7,"instrument_name":"A",{sides},"prev_change_id":6}}}}}}"#
            );
            for (how, mark) in [
                (Malformed::NegativeSize, ",4.5,-12]".to_owned()),
                (Malformed::HugeNumber, format!("\",{}4.5,12]", "9".repeat(60))),
                (Malformed::WrongType, "\",true,4.5,12]".to_owned()),
                (Malformed::TooDeep, "[[\"new\",1,1],[\"new\",1,1],".to_owned()),
            ] {
                let bad = text(&message, how);
                assert!(serde_json::from_str::<serde_json::Value>(&bad).is_ok(), "{how:?}: {sides}");
                assert!(bad.contains(&mark), "{how:?}: {sides}");
            }
            let deep = text(&message, Malformed::TooDeep);
            assert_eq!(deep.matches("[\"new\",1,1]").count(), TOO_MANY_LEVELS);
        }
    }

    #[test]
    fn levels_of_other_manners_are_spoiled_where_it_hurts() {
        for (message, minus, level) in [
            (
                r#"{"channel":"l2_data","events":[{"type":"update","product_id":"A-B","updates":[{"side":"bid","event_time":"T","price_level":"4.5","new_quantity":"12"}]}]}"#,
                r#""price_level":"4.5","new_quantity":"-12""#,
                r#""price_level":"1","new_quantity":"1""#,
            ),
            (
                r#"{"type":"l2update","product_id":"A-B","changes":[["sell","4.5","12"]],"time":"T"}"#,
                r#"["sell","4.5","-12"]"#,
                r#"["buy","1","1"]"#,
            ),
            (
                r#"{"channel":"l2Book","data":{"coin":"A","time":1,"levels":[[{"px":"4.5","sz":"12","n":1}],[]]}}"#,
                r#""px":"4.5","sz":"-12""#,
                r#""px":"1","sz":"1""#,
            ),
            (
                r#"{"arg":{"channel":"books"},"action":"update","data":[{"asks":[],"bids":[["4.5","12","0","3"]],"prevSeqId":1}]}"#,
                r#"["4.5","-12","0","3"]"#,
                r#"["1","1","0","1"],"#,
            ),
        ] {
            let json = |how| serde_json::from_str::<serde_json::Value>(&text(message, how));
            for (how, mark) in [
                (Malformed::NegativeSize, minus.to_owned()),
                (Malformed::HugeNumber, format!("\"{}4.5\"", "9".repeat(60))),
                (Malformed::WrongType, "true,".to_owned()),
                (Malformed::TooDeep, level.to_owned()),
            ] {
                assert!(json(how).is_ok(), "{how:?}: {}", text(message, how));
                assert!(text(message, how).contains(&mark), "{how:?}: {message}");
            }
            assert_eq!(
                text(message, Malformed::TooDeep).matches(level).count(),
                TOO_MANY_LEVELS,
                "{message}"
            );
            assert!(json(Malformed::Truncated).is_err() && json(Malformed::Html).is_err());
        }
    }
}
