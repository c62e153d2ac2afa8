//! Documented and recorded Bybit frames, and what is made of others.

use super::*;
use crate::engine::event::DecodeError::{
    BadField, DoesNotFit, Json as NotJson, MissingField, TooDeep, WrongSymbol,
};

const BOOK: &str = r#"{"topic":"orderbook.200.BTCUSDT","type":"delta","ts":1786540345149,"data":{"s":"BTCUSDT","b":[["63982.50","0.003"],["63980.60","0.004"]],"a":[["63990.50","0.008"]],"u":53935310,"seq":760578520655},"cts":1786540345147}"#;
const QUOTE: &str = r#"{"topic":"orderbook.1.BTCUSDT","ts":1786613159749,"type":"snapshot","data":{"s":"BTCUSDT","b":[["63705.3","2.045546"]],"a":[["63705.4","2.334566"]],"u":72212457,"seq":112603120278},"cts":1786613159748}"#;
const TRADE: &str = r#"{"topic":"publicTrade.BTCUSDT","type":"snapshot","ts":1672304486868,"data":[{"T":1672304486865,"s":"BTCUSDT","S":"Buy","v":"0.001","p":"16578.50","L":"PlusTick","i":"20f43950-d8dd-5b31-9112-a178eb6023af","BT":false,"seq":1783284617}]}"#;

fn decoded(channel: Channel, text: &str) -> Result<Decoded> {
    let mut out = Decoded::default();
    decode(Bybit::Spot, channel, text, &mut out).map(|()| out)
}

fn shown(levels: &[Level]) -> String {
    levels.iter().map(|l| format!("{}={} ", l.price, l.size)).collect()
}

/// One with room for levels, as a worker's is after its first messages.
fn warm() -> Decoded {
    Decoded { bids: Vec::with_capacity(8), asks: Vec::with_capacity(8), ..Decoded::default() }
}

#[test]
fn book_messages_are_read_in_any_order_and_form() {
    let any_order = r#" { "cts" : "1786540345147" , "x" : [ { } ] , "data" : { "seq" : null , "u" : "53935310" , "a" : [ [ 63990.5 , 8e-3 ] ] ,
        "b" : [ [ "63982.5" , 0.003 , "7" ] , [ 63980.60 , "0.004" ] ] , "s" : "BTCUSDT" } , "type" : "delta" , "topic" : "orderbook.200.BTCUSDT" } "#;
    let spot = BOOK.replace(r#""type":"delta","ts":1786540345149,"#, r#""ts":1786540345149,"type":"delta","#);
    for text in [BOOK, any_order, &spot] {
        let mut out = warm();
        decode(Bybit::Spot, Channel::Book, text, &mut out).unwrap_or_else(|e| panic!("{text}: {e}"));
        let want = BookEvent {
            cross: None,
            kind: BookKind::Delta,
            span: Some(Span::at(53_935_310)),
            exchange_time: Wall::from_millis(1_786_540_345_147),
            checksum: None,
            venue_time: None,
        };
        assert_eq!(out.event, Some(Event::Book(want)), "{text}");
        assert_eq!(shown(&out.bids), "63982.5=0.003 63980.6=0.004 ", "{text}");
        assert_eq!(shown(&out.asks), "63990.5=0.008 ", "{text}");
    }
    let timeless = BOOK.replace(r#","cts":1786540345147"#, "");
    let Some(Event::Book(event)) = decoded(Channel::Book, &timeless).unwrap().event else { panic!("a book") };
    assert_eq!(event.exchange_time, None, "the gateway's time is not the book's");
}

/// The quick way is taken for what the venue sends, and says the same as the slow one.
#[test]
fn both_ways_of_reading_agree() {
    let reordered =
        BOOK.replace(r#""type":"delta","ts":1786540345149,"#, r#""ts":1786540345149,"type":"delta","#);
    let empty = BOOK.replace(r#"[["63990.50","0.008"]]"#, "[]");
    for text in [BOOK, QUOTE, &reordered, &empty] {
        let (mut quick, mut slow) = (warm(), warm());
        let read = plain::read(text, &mut quick.bids, &mut quick.asks);
        assert_eq!(read, thorough(text, &mut slow.bids, &mut slow.asks).ok(), "{text}");
        assert!(read.is_some(), "{text}");
        assert_eq!((quick.bids, quick.asks), (slow.bids, slow.asks), "{text}");
    }
    for (from, to) in [
        (r#""u":53935310"#, r#""u":1,"u":53935310"#),
        (r#""topic""#, r#""type":"delta","topic""#),
        (r#""seq":760578520655"#, r#""seq":1,"x":1"#),
        (r#""b":["#, r#""b":[],"b":["#),
        (r#""b":[["63982.50","0.003"],["63980.60","0.004"]],"#, ""),
        ("}", "} "),
    ] {
        let text = BOOK.replacen(from, to, 1);
        let mut out = warm();
        assert_eq!(plain::read(&text, &mut out.bids, &mut out.asks), None, "{text}");
    }
}

#[test]
fn a_message_of_number_one_is_a_whole_book() {
    let kind = |text: &str| match decoded(Channel::Book, text).unwrap().event {
        Some(Event::Book(event)) => event.kind,
        other => panic!("{other:?}"),
    };
    assert_eq!(kind(BOOK), BookKind::Delta);
    assert_eq!(kind(&BOOK.replace("delta", "snapshot")), BookKind::Snapshot);
    assert_eq!(kind(&BOOK.replace("53935310", "1")), BookKind::Snapshot);
    assert_eq!(kind(&BOOK.replace("53935310", "2")), BookKind::Delta);
}

#[test]
fn the_best_levels_are_read() {
    let quote = |text: &str| match decoded(Channel::Quote, text).map(|out| (out.event, out.bids, out.asks)) {
        Ok((Some(Event::Quote(quote)), bids, asks)) if bids.is_empty() && asks.is_empty() => quote,
        other => panic!("{text}: {other:?}"),
    };
    let best = quote(QUOTE);
    assert_eq!(best.sequence, None);
    assert_eq!(best.exchange_time, Wall::from_millis(1_786_613_159_748));
    assert_eq!(shown(best.bid.as_slice()), "63705.3=2.045546 ");
    assert_eq!(shown(best.ask.as_slice()), "63705.4=2.334566 ");
    assert_eq!(quote(&QUOTE.replace(r#"[["63705.3","2.045546"]]"#, "[]")).bid, None);
    let zero = quote(&QUOTE.replace("2.334566", "0"));
    assert!(zero.ask.is_none() && zero.bid.is_some());
}

#[test]
fn trades_are_read_from_the_takers_side() {
    let out = decoded(Channel::Trade, TRADE).unwrap();
    assert_eq!(out.event, Some(Event::Trades));
    let [trade] = out.trades[..] else { panic!("one trade") };
    assert_eq!((trade.id.as_str(), trade.taker), ("20f43950-d8dd-5b31-9112-a178eb6023af", TakerSide::Buy));
    assert_eq!((trade.price.to_string(), trade.size.to_string()), ("16578.5".into(), "0.001".into()));
    assert_eq!(trade.exchange_time, Wall::from_millis(1_672_304_486_865));

    let one = r#"{"seq":1,"p":"1","v":2,"i":"A","S":"Sell","s":"BTCUSDT","T":"5"}"#;
    let other = one.replace(r#""i":"A""#, r#""i":"B""#);
    let two = format!(r#"{{"data":[{one}, {other}],"topic":"publicTrade.BTCUSDT"}}"#);
    let out = decoded(Channel::Trade, &two).unwrap();
    let ids: Vec<_> = out.trades.iter().map(|trade| (trade.id.as_str().to_owned(), trade.taker)).collect();
    assert_eq!(ids, [("a".to_owned(), TakerSide::Sell), ("b".to_owned(), TakerSide::Sell)]);

    let of = |n: usize| format!(r#"{{"topic":"publicTrade.BTCUSDT","data":[{}]}}"#, vec![one; n].join(","));
    assert_eq!(decoded(Channel::Trade, &of(TRADES_MAX)).unwrap().trades.len(), TRADES_MAX);
    assert_eq!(decoded(Channel::Trade, &of(TRADES_MAX + 1)).err(), Some(TooDeep));
    assert!(decoded(Channel::Trade, &of(0)).unwrap().trades.is_empty());
}

#[test]
fn what_makes_no_sense_is_refused_by_name() {
    use Channel::{Book, Book5, Quote, Trade};
    for (channel, from, to, want) in [
        (Book, r#""u":53935310,"#, "", MissingField("u")),
        (Book, r#""u":53935310"#, r#""u":null"#, MissingField("u")),
        (Book, r#""u":53935310"#, r#""u":-1"#, BadField("u")),
        (Book, r#""u":53935310"#, r#""u":1.5"#, BadField("u")),
        (Book, r#""u":53935310"#, r#""u":18446744073709551616"#, BadField("u")),
        (Book, r#""u":53935310"#, r#""u":1,"u":1"#, BadField("u")),
        (Book, r#""s":"BTCUSDT","#, "", MissingField("s")),
        (Book, r#""s":"BTCUSDT""#, r#""s":7"#, BadField("s")),
        (Book, r#""s":"BTCUSDT""#, r#""s":"ETHUSDT""#, WrongSymbol),
        (Book, "orderbook.200.", "orderbook.1.", BadField("topic")),
        (Book, r#""topic":"orderbook.200.BTCUSDT","#, "", MissingField("topic")),
        (Book, r#""type":"delta","#, "", MissingField("type")),
        (Book, r#""delta""#, r#""change""#, BadField("type")),
        (Book, r#""delta""#, "true", BadField("type")),
        (Book, r#","a":[["63990.50","0.008"]]"#, "", MissingField("a")),
        (Book, r#"[["63990.50","0.008"]]"#, r#"{"63990.50":"0.008"}"#, BadField("a")),
        (Book, r#"[["63990.50","0.008"]]"#, r#"[["63990.50"]]"#, MissingField("a")),
        (Book, r#"[["63990.50","0.008"]]"#, r#"[["63990.50","x"]]"#, BadField("a")),
        (Book, r#"[["63990.50","0.008"]]"#, r#"[["1","1"]],"a":[]"#, BadField("a")),
        (Book, "63990.50", "0.00000000000000000000000000001", DoesNotFit("a")),
        (Book, r#","cts":1786540345147"#, r#","cts":"soon""#, BadField("cts")),
        (Book, r#","cts":1786540345147"#, r#","data":{}"#, BadField("data")),
        (Book, r#"{"s":"BTCUSDT""#, r#"[],"x":{"s":"BTCUSDT""#, NotJson),
        (Quote, r#""snapshot""#, r#""delta""#, BadField("type")),
        (Quote, "orderbook.1.", "orderbook.200.", BadField("topic")),
        (Quote, r#"[["63705.3","2.045546"]]"#, r#"[["2","1"],["1","1"]]"#, BadField("b")),
        (Quote, r#"[["63705.3","2.045546"]]"#, "null", BadField("data")),
        (Trade, r#""S":"Buy""#, r#""S":"buy""#, BadField("S")),
        (Trade, r#""S":"Buy","#, "", MissingField("S")),
        (Trade, r#""p":"16578.50""#, r#""p":"NaN""#, BadField("p")),
        (Trade, r#""v":"0.001""#, r#""v":null"#, MissingField("v")),
        (Trade, r#""T":1672304486865,"#, "", MissingField("T")),
        (Trade, r#""s":"BTCUSDT","#, "", MissingField("s")),
        (Trade, r#""s":"BTCUSDT""#, r#""s":"ETHUSDT""#, WrongSymbol),
        (Trade, r#""i":"20f"#, r#""i":"0123456789"#, BadField("i")),
        (Trade, r#""data":["#, r#""data":[],"data":["#, BadField("data")),
        (Trade, r#""data":["#, r#""data":[7,"#, NotJson),
        (Book5, "BTCUSDT", "BTCUSDT ", BadField("topic")),
    ] {
        let sample = match channel {
            Quote => QUOTE,
            Trade => TRADE,
            _ => BOOK,
        };
        let text = sample.replacen(from, to, 1);
        assert_ne!(text, sample, "{from} is in the sample");
        assert_eq!(decoded(channel, &text).err(), Some(want), "{text}");
    }
    // A null side is one without changes, and no whole book.
    let null = BOOK.replace(r#"[["63990.50","0.008"]]"#, "null");
    assert!(decoded(Channel::Book, &null).unwrap().asks.is_empty());
    assert_eq!(decoded(Channel::Book, &null.replace("delta", "snapshot")).err(), Some(BadField("data")));
    assert_eq!(decoded(Channel::Book, &null.replace("53935310", "1")).err(), Some(BadField("data")));
    let mixed = TRADE.replace("[{", r#"[{"T":1,"s":"ETHUSDT","S":"Buy","v":"1","p":"1","i":"a"},{"#);
    assert_eq!(decoded(Channel::Trade, &mixed).err(), Some(WrongSymbol));
}

#[test]
fn a_cut_frame_is_refused_wherever_it_is_cut_and_nothing_panics() {
    for (channel, sample) in [(Channel::Book, BOOK), (Channel::Quote, QUOTE), (Channel::Trade, TRADE)] {
        for cut in 0..sample.len() {
            let text = &sample[..cut];
            assert!(decoded(channel, text).is_err(), "{cut}");
            route::route(Bybit::Spot, text);
            super::super::control::read(text);
        }
        for at in 0..sample.len() {
            let mut bytes = sample.as_bytes().to_vec();
            for byte in *b"\"\\{[0x" {
                bytes[at] = byte;
                let text = std::str::from_utf8(&bytes).unwrap();
                let _ = decoded(channel, text);
                route::route(Bybit::Spot, text);
                super::super::control::read(text);
            }
        }
    }
}

/// On the full topic there are changes alone, and each has its second number.
#[test]
fn whole_books_come_as_changes_with_two_numbers() {
    let full = BOOK.replace("orderbook.200", "orderbook.full");
    let read = |class, text: &str| {
        let mut out = Decoded::default();
        decode(class, Channel::Book, text, &mut out).map(|()| match out.event {
            Some(Event::Book(event)) => (event.kind, event.span, event.cross),
            other => panic!("{other:?}"),
        })
    };
    let (span, cross) = (Some(Span::at(53_935_310)), Some(760_578_520_655));
    assert_eq!(read(Bybit::Full, &full), Ok((BookKind::Delta, span, cross)));
    assert_eq!(read(Bybit::Spot, BOOK), Ok((BookKind::Delta, span, None)));
    let first = full.replace("53935310", "1");
    assert_eq!(read(Bybit::Full, &first), Ok((BookKind::Delta, Some(Span::at(1)), cross)));
    let spaced = full.replace(",", " , ");
    assert_eq!(read(Bybit::Full, &spaced), read(Bybit::Full, &full));
    for (from, to, want) in [
        (r#","seq":760578520655"#, "", MissingField("seq")),
        ("760578520655", "null", MissingField("seq")),
        ("760578520655", "-1", BadField("seq")),
        ("delta", "snapshot", BadField("type")),
        ("orderbook.full", "orderbook.200", BadField("topic")),
    ] {
        assert_eq!(read(Bybit::Full, &full.replace(from, to)), Err(want), "{to}");
    }
    assert_eq!(read(Bybit::Spot, &full), Err(BadField("topic")));
}
