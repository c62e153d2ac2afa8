//! What Hyperliquid frames say, and what is refused.

use super::samples::{BBO, BOOK, TRADES};
use super::*;
use crate::engine::time::Wall;

fn decoded(channel: Channel, text: &str) -> Result<Decoded> {
    let mut out = Decoded::default();
    decode(channel, text, &mut out).map(|()| out)
}

fn shown(levels: &[Level]) -> String {
    let levels: Vec<_> = levels.iter().map(|l| format!("{} {}", l.price, l.size)).collect();
    levels.join(", ")
}

#[test]
fn a_book_message_is_the_whole_book() {
    let turned = r#" { "data" : { "levels" : [ [ { "n" : 17 , "sz" : 7.6699 , "px" : "113377" } , {"px":"113376.0","sz":"4.13714","n":8,"x":[]} ] , [ {"px":"113397.0","sz":"0.115430"} ] ] , "time" : "1754450974231" , "coin" : "BTC" } , "channel" : "l2Book" } "#;
    for text in [BOOK, turned] {
        let out = decoded(Channel::Book, text).unwrap_or_else(|e| panic!("{e}: {text}"));
        let want = BookEvent {
            cross: None,
            kind: BookKind::Snapshot,
            span: None,
            exchange_time: Wall::from_millis(1_754_450_974_231),
            checksum: None,
            venue_time: None,
        };
        assert_eq!(out.event, Some(Event::Book(want)));
        assert_eq!(shown(&out.bids), "113377 7.6699, 113376 4.13714");
        assert_eq!(shown(&out.asks), "113397 0.11543");
    }
    let empty = r#"{"channel":"l2Book","data":{"coin":"@1","levels":[[],[]],"time":1}}"#;
    let out = decoded(Channel::Book, empty).unwrap();
    assert!(out.bids.is_empty() && out.asks.is_empty());
}

/// Vector V3 of the dossier: the sides are the takers', and a hash of nothing but zeros is legal.
#[test]
fn trades_are_the_takers_and_come_oldest_first() {
    let swapped = {
        let (first, second) = TRADES[28..TRADES.len() - 2].split_once("},{").unwrap();
        format!(
            r#"{{"channel":"trades","data":[{{{}}},{{{}}}]}}"#,
            second.trim_end_matches('}'),
            first.trim_start_matches('{')
        )
    };
    for text in [TRADES, &swapped] {
        let out = decoded(Channel::Trade, text).unwrap_or_else(|e| panic!("{e}: {text}"));
        assert_eq!(out.event, Some(Event::Trades));
        let seen: Vec<_> = out.trades.iter().map(|t| (t.id.as_str(), t.taker, t.price.to_string())).collect();
        assert_eq!(
            seen,
            [
                ("604438142537043", TakerSide::Buy, "64097".to_owned()),
                ("153378402400855", TakerSide::Sell, "64096".to_owned()),
            ]
        );
        assert_eq!(out.trades[0].size.to_string(), "0.00033");
        assert_eq!(out.trades[1].exchange_time, Wall::from_millis(1_786_539_553_004));
    }
    assert_eq!(decoded(Channel::Trade, r#"{"channel":"trades","data":[]}"#).unwrap().trades, []);
}

#[test]
fn the_best_levels_may_be_missing() {
    let quote = |text: &str| match decoded(Channel::Quote, text).unwrap().event {
        Some(Event::Quote(quote)) => quote,
        _ => panic!("a quote"),
    };
    let both = quote(BBO);
    assert_eq!(
        (shown(both.bid.as_slice()), shown(both.ask.as_slice())),
        ("64095 1.2".into(), "64096 0.8".into())
    );
    assert_eq!((both.sequence, both.exchange_time), (None, Wall::from_millis(1_786_539_555_782)));
    let one =
        quote(r#"{"channel":"bbo","data":{"coin":"BTC","time":1,"bbo":[null,{"px":"2","sz":"1","n":1}]}}"#);
    assert!(one.bid.is_none() && one.ask.is_some());
}

/// The prices of vector V5 of the dossier: how fine they may be is the venue's rule, and all of them are read exactly.
#[test]
fn prices_of_any_tick_are_read_exactly() {
    for price in ["0.01234", "0.012345", "1234.5", "1234.56", "123456"] {
        let text = BOOK.replace("113397.0", price);
        assert_eq!(shown(&decoded(Channel::Book, &text).unwrap().asks), format!("{price} 0.11543"));
    }
}

#[test]
fn what_makes_no_sense_is_refused_by_name() {
    use DecodeError::{BadField, DoesNotFit, Json, MissingField, WrongSymbol};
    for (channel, from, to, want) in [
        (Channel::Book, r#""l2Book""#, r#""bbo""#, BadField("channel")),
        (Channel::Book, r#""channel":"l2Book","#, "", MissingField("channel")),
        (Channel::Book, r#""coin":"BTC","#, "", MissingField("coin")),
        (Channel::Book, r#""coin":"BTC""#, r#""coin":null"#, MissingField("coin")),
        (Channel::Book, r#""coin":"BTC""#, r#""coin":"BTC","coin":"ETH""#, BadField("coin")),
        (Channel::Book, r#""time":1754450974231,"#, "", MissingField("time")),
        (Channel::Book, "1754450974231", "-1", BadField("time")),
        (Channel::Book, r#""levels":"#, r#""level":"#, MissingField("levels")),
        (Channel::Book, r#"]]}"#, r#"],[]]}"#, BadField("levels")),
        (Channel::Book, r#"],[{"px":"113397.0","sz":"0.11543","n":3}"#, "", BadField("levels")),
        (Channel::Book, r#"[{"px":"113397.0","sz":"0.11543","n":3}]"#, "null", Json),
        (Channel::Book, r#"{"px":"113397.0","sz":"0.11543","n":3}"#, r#"["113397.0","0.11543"]"#, Json),
        (Channel::Book, r#""px":"113397.0","#, "", MissingField("px")),
        (Channel::Book, r#""px":"113397.0""#, r#""px":"113397.0","px":"1""#, BadField("px")),
        (Channel::Book, r#""sz":"0.11543""#, r#""sz":"x""#, BadField("sz")),
        (Channel::Book, r#""sz":"0.11543""#, r#""sz":"1e30""#, DoesNotFit("sz")),
        (Channel::Book, r#""data":"#, r#""data":{},"data":"#, BadField("data")),
        (Channel::Trade, r#""coin":"BTC","side":"A""#, r#""coin":"ETH","side":"A""#, WrongSymbol),
        (Channel::Trade, r#""side":"A""#, r#""side":"S""#, BadField("side")),
        (Channel::Trade, r#""side":"A","#, "", MissingField("side")),
        (Channel::Trade, r#""tid":153378402400855"#, r#""tid":"0x1f""#, BadField("tid")),
        (Channel::Trade, r#","tid":153378402400855"#, "", MissingField("tid")),
        (Channel::Trade, r#""time":1786539553004,"#, "", MissingField("time")),
        (Channel::Trade, r#""px":"64096.0""#, r#""px":null"#, MissingField("px")),
        (Channel::Quote, r#"{"px":"64096.0","sz":"0.8","n":2}"#, "7", BadField("bbo")),
        (Channel::Quote, r#",{"px":"64096.0","sz":"0.8","n":2}"#, "", BadField("bbo")),
        (Channel::Quote, r#"]}}"#, r#",null]}}"#, BadField("bbo")),
        (Channel::Quote, r#""bbo":["#, r#""best":["#, MissingField("bbo")),
    ] {
        let sample = match channel {
            Channel::Book => BOOK,
            Channel::Trade => TRADES,
            _ => BBO,
        };
        let text = sample.replacen(from, to, 1);
        assert_ne!(text, sample, "{from} is in the sample");
        assert_eq!(decoded(channel, &text).err(), Some(want), "{text}");
    }
    let level = r#"{"px":"1","sz":"1","n":1}"#;
    let deep = format!(
        r#"{{"channel":"l2Book","data":{{"coin":"A","time":1,"levels":[[],[{}]]}}}}"#,
        vec![level; LEVELS_READ_MAX + 1].join(",")
    );
    assert_eq!(decoded(Channel::Book, &deep).err(), Some(DecodeError::TooDeep));
    assert_eq!(decoded(Channel::Book20, BOOK).err(), Some(BadField("channel")));
}

#[test]
fn a_cut_frame_is_refused_wherever_it_is_cut() {
    for (channel, text) in [(Channel::Book, BOOK), (Channel::Trade, TRADES), (Channel::Quote, BBO)] {
        for cut in 0..text.len() {
            assert!(decoded(channel, &text[..cut]).is_err(), "{cut}");
        }
    }
}
