//! Documented and recorded OKX frames, and what is made of others.

use super::*;
use crate::engine::event::DecodeError::{
    BadField, DoesNotFit, Json as NotJson, MissingField, TooDeep, WrongSymbol,
};

const SNAPSHOT: &str = r#"{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"snapshot","data":[{"asks":[["8476.98","415","0","13"]],"bids":[["8476.97","256","0","12"]],"ts":"1597026383085","checksum":0,"prevSeqId":-1,"seqId":123456}]}"#;
const UPDATE: &str = r#"{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"update","data":[{"asks":[["8477","0","0","0"]],"bids":[],"ts":"1597026383185","checksum":-1881014294,"prevSeqId":123456,"seqId":123457}]}"#;
const QUOTE: &str = r#"{"arg":{"channel":"bbo-tbt","instId":"BCH-USDT-SWAP"},"data":[{"asks":[["111.06","55154","0","2"]],"bids":[["111.05","57745","0","2"]],"ts":"1670324386802","seqId":363996337}]}"#;
const TRADE: &str = r#"{"arg":{"channel":"trades","instId":"BTC-USDT"},"data":[{"instId":"BTC-USDT","tradeId":"1040968613","px":"64040.2","sz":"0.00240857","side":"buy","ts":"1786538760218","count":"2","source":"0","seqId":79706765242}]}"#;

fn decoded(channel: Channel, text: &str) -> Result<Decoded> {
    let mut out = Decoded::default();
    decode(channel, text, &mut out).map(|()| out)
}

fn book(text: &str) -> Result<BookEvent> {
    match decoded(Channel::Book, text)?.event {
        Some(Event::Book(event)) => Ok(event),
        other => panic!("{other:?}"),
    }
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
    let any_order = r#" { "data" : [ { "seqId" : "123457" , "x" : { } , "prevSeqId" : "123456" , "checksum" : "-1881014294" , "instId" : "BTC-USDT" ,
        "ts" : 1597026383185 , "bids" : [ ] , "asks" : [ [ 8477.0 , 0 ] ] } ] , "action" : "update" , "arg" : { "uly" : "BTC" , "instId" : "BTC-USDT" , "channel" : "books" } } "#;
    for text in [UPDATE, any_order] {
        let mut out = warm();
        decode(Channel::Book, text, &mut out).unwrap_or_else(|e| panic!("{text}: {e}"));
        let want = BookEvent {
            cross: None,
            kind: BookKind::Delta,
            span: Some(Span { first: 123_457, last: 123_457, previous: Some(123_456) }),
            exchange_time: Wall::from_millis(1_597_026_383_185),
            checksum: Some(2_413_953_002),
            venue_time: None,
        };
        assert_eq!(out.event, Some(Event::Book(want)), "{text}");
        assert_eq!((shown(&out.bids), shown(&out.asks)), (String::new(), "8477=0 ".to_owned()), "{text}");
    }
    let out = decoded(Channel::Book, SNAPSHOT).unwrap();
    assert_eq!((shown(&out.bids), shown(&out.asks)), ("8476.97=256 ".to_owned(), "8476.98=415 ".to_owned()));
}

#[test]
fn both_ways_of_reading_agree() {
    let reordered =
        UPDATE.replace(r#""prevSeqId":123456,"seqId":123457"#, r#""seqId":123457,"prevSeqId":123456"#);
    for text in [SNAPSHOT, UPDATE, QUOTE, &reordered] {
        let (mut quick, mut slow) = (warm(), warm());
        let read = plain::read(text, &mut quick.bids, &mut quick.asks);
        assert_eq!(read, thorough(text, &mut slow.bids, &mut slow.asks).ok(), "{text}");
        assert!(read.is_some(), "{text}");
        assert_eq!((quick.bids, quick.asks), (slow.bids, slow.asks), "{text}");
    }
    for (from, to) in [
        (r#""seqId":123457"#, r#""seqId":123457,"seqId":123457"#),
        (r#""seqId":123457"#, r#""seqId":123457,"instId":"BTC-USDT""#),
        (r#""ts":"1597026383185""#, r#""ts":"159702638318x""#),
        (r#""ts":"1597026383185""#, r#""ts":1597026383185"#),
        (r#""bids":[],"#, ""),
        (r#""BTC-USDT"}"#, r#""BTC-USDT","x":1}"#),
        ("}]}", "},{}]}"),
        ("}]}", "}]} "),
    ] {
        let text = UPDATE.replacen(from, to, 1);
        let mut out = warm();
        assert_eq!(plain::read(&text, &mut out.bids, &mut out.asks), None, "{text}");
    }
}

#[test]
fn numbers_say_whether_there_is_a_chain() {
    let at = |last, previous| Some(Span { first: last, last, previous });
    let update = |to: &str| UPDATE.replace(r#""prevSeqId":123456,"seqId":123457"#, to);
    assert_eq!(book(SNAPSHOT).unwrap().span, at(123_456, None));
    assert_eq!(book(UPDATE).unwrap().span, at(123_457, Some(123_456)));
    assert_eq!(book(&update(r#""prevSeqId":15,"seqId":3"#)).unwrap().span, at(3, Some(15)));
    assert_eq!(book(&update(r#""prevSeqId":0,"seqId":0"#)).unwrap().span, at(0, Some(0)));
    for none in [r#""seqId":7"#, r#""prevSeqId":null,"seqId":7"#, r#""x":1"#] {
        assert_eq!(book(&update(none)).unwrap().span, None, "no chain, and not zero: {none}");
    }
    assert_eq!(book(&update(r#""prevSeqId":-1,"seqId":7"#)), Err(BadField("prevSeqId")), "a change has one");
    assert_eq!(book(&SNAPSHOT.replace(":-1,", ":-2,")), Err(BadField("prevSeqId")));
    assert_eq!(book(&SNAPSHOT.replace(":-1,", ":7,")).unwrap().span, at(123_456, Some(7)));
}

/// Vector V4 of the dossier, and the values before the field died.
#[test]
fn a_checksum_of_zero_is_none() {
    let sum = |to: &str| book(&UPDATE.replace("-1881014294", to)).map(|event| event.checksum);
    assert_eq!(sum("0"), Ok(None));
    assert_eq!(sum("null"), Ok(None));
    assert_eq!(book(&UPDATE.replace(r#""checksum":-1881014294,"#, "")).unwrap().checksum, None);
    assert_eq!(sum("831078360"), Ok(Some(831_078_360)));
    assert_eq!(sum("-1"), Ok(Some(u32::MAX)));
    assert_eq!(sum("-2147483648"), Ok(Some(1 << 31)));
    for odd in ["2147483648", "1.5", "true", "\"x\"", "9223372036854775808"] {
        assert_eq!(sum(odd), Err(BadField("checksum")), "{odd}");
    }
}

#[test]
fn the_best_levels_are_read() {
    let quote = |text: &str| match decoded(Channel::Quote, text).map(|out| (out.event, out.bids, out.asks)) {
        Ok((Some(Event::Quote(quote)), bids, asks)) if bids.is_empty() && asks.is_empty() => quote,
        other => panic!("{text}: {other:?}"),
    };
    let best = quote(QUOTE);
    assert_eq!((best.sequence, best.exchange_time), (None, Wall::from_millis(1_670_324_386_802)));
    assert_eq!(shown(best.bid.as_slice()), "111.05=57745 ");
    assert_eq!(shown(best.ask.as_slice()), "111.06=55154 ");
    assert_eq!(quote(&QUOTE.replace(r#"[["111.05","57745","0","2"]]"#, "[]")).bid, None);
    assert_eq!(quote(&QUOTE.replace("55154", "0")).ask, None);
}

#[test]
fn trades_are_read_from_the_takers_side() {
    let out = decoded(Channel::Trade, TRADE).unwrap();
    assert_eq!(out.event, Some(Event::Trades));
    let [trade] = out.trades[..] else { panic!("one trade") };
    assert_eq!((trade.id.as_str(), trade.taker), ("1040968613", TakerSide::Buy));
    assert_eq!((trade.price.to_string(), trade.size.to_string()), ("64040.2".into(), "0.00240857".into()));
    assert_eq!(trade.exchange_time, Wall::from_millis(1_786_538_760_218));

    let one = r#"{"ts":1,"side":"sell","sz":2,"px":"1","tradeId":7,"instId":"BTC-USDT"}"#;
    let of = |n: usize| {
        let items = vec![one; n].join(",");
        format!(r#"{{"data":[{items}],"arg":{{"instId":"BTC-USDT","channel":"trades"}}}}"#)
    };
    let out = decoded(Channel::Trade, &of(2)).unwrap();
    assert_eq!(out.trades.len(), 2);
    assert_eq!((out.trades[1].id.as_str(), out.trades[1].taker), ("7", TakerSide::Sell));
    assert!(decoded(Channel::Trade, &of(0)).unwrap().trades.is_empty());
    assert_eq!(decoded(Channel::Trade, &of(TRADES_MAX)).unwrap().trades.len(), TRADES_MAX);
    assert_eq!(decoded(Channel::Trade, &of(TRADES_MAX + 1)).err(), Some(TooDeep));
}

#[test]
fn what_makes_no_sense_is_refused_by_name() {
    use Channel::{Book, Book20, Quote, Trade};
    for (channel, from, to, want) in [
        (Book, r#","seqId":123457"#, "", MissingField("seqId")),
        (Book, r#""seqId":123457"#, r#""seqId":null"#, MissingField("seqId")),
        (Book, r#""seqId":123457"#, r#""seqId":-1"#, BadField("seqId")),
        (Book, r#""seqId":123457"#, r#""seqId":18446744073709551616"#, BadField("seqId")),
        (Book, r#""seqId":123457"#, r#""seqId":1,"seqId":1"#, BadField("seqId")),
        (Book, r#""prevSeqId":123456"#, r#""prevSeqId":1.5"#, BadField("prevSeqId")),
        (Book, r#""prevSeqId":123456"#, r#""prevSeqId":[]"#, BadField("prevSeqId")),
        (Book, r#""action":"update","#, "", MissingField("action")),
        (Book, r#""update""#, r#""partial""#, BadField("action")),
        (Book, r#""update""#, "7", BadField("action")),
        (Book, r#""books""#, r#""books5""#, BadField("channel")),
        (Book, r#""books""#, r#""bbo-tbt""#, BadField("channel")),
        (Book, r#""channel":"books","#, "", MissingField("channel")),
        (Book, r#","instId":"BTC-USDT""#, "", MissingField("instId")),
        (Book, r#""seqId""#, r#""instId":"ETH-USDT","seqId""#, WrongSymbol),
        (Book, r#""seqId""#, r#""instId":7,"seqId""#, BadField("instId")),
        (Book, r#""bids":[],"#, "", MissingField("bids")),
        (Book, r#""bids":[],"#, r#""bids":[],"bids":[],"#, BadField("bids")),
        (Book, r#""bids":[],"#, r#""bids":{},"#, BadField("bids")),
        (Book, r#"["8477","0","0","0"]"#, r#"["8477"]"#, MissingField("asks")),
        (Book, r#"["8477","0","0","0"]"#, r#"["8477","x","0","0"]"#, BadField("asks")),
        (Book, r#""8477""#, r#""0.00000000000000000000000000001""#, DoesNotFit("asks")),
        (Book, r#""1597026383185""#, r#""soon""#, BadField("ts")),
        (Book, r#""data":[{"#, r#""data":[],"x":[{"#, MissingField("data")),
        (Book, r#""data":[{"#, r#""x":[{"#, MissingField("data")),
        (Book, r#"}]}"#, r#"},{}]}"#, BadField("data")),
        (Book, r#"}]}"#, r#"}],"data":[]}"#, BadField("data")),
        (Book, r#""data":[{"#, r#""data":[7],"x":[{"#, NotJson),
        (Book, r#"{"arg":{"#, r#"{"arg":{},"arg":{"#, BadField("arg")),
        (Quote, r#""bbo-tbt""#, r#""books""#, BadField("channel")),
        (Quote, r#"[["111.05","57745","0","2"]]"#, "null", BadField("data")),
        (Quote, r#"[["111.05","57745","0","2"]]"#, r#"[["2","1"],["1","1"]]"#, BadField("bids")),
        (Trade, r#""side":"buy""#, r#""side":"Buy""#, BadField("side")),
        (Trade, r#""side":"buy","#, "", MissingField("side")),
        (Trade, r#""px":"64040.2""#, r#""px":"""#, BadField("px")),
        (Trade, r#""sz":"0.00240857","#, "", MissingField("sz")),
        (Trade, r#""ts":"1786538760218","#, "", MissingField("ts")),
        (Trade, r#""tradeId":"1040968613""#, r#""tradeId":null"#, MissingField("tradeId")),
        (Trade, r#""tradeId":"1040968613""#, r#""tradeId":{}"#, BadField("tradeId")),
        (Trade, "1040968613", "1040968613104096861310409686131040968613", BadField("tradeId")),
        (Trade, r#"[{"instId":"BTC-USDT""#, r#"[{"instId":"ETH-USDT""#, WrongSymbol),
        (Trade, r#"[{"instId":"BTC-USDT","#, "[{", MissingField("instId")),
        (Trade, r#""trades""#, r#""trades-all""#, BadField("channel")),
        (Book20, "update", "snapshot", BadField("channel")),
    ] {
        let sample = match channel {
            Quote => QUOTE,
            Trade => TRADE,
            _ => UPDATE,
        };
        let text = sample.replacen(from, to, 1);
        assert_ne!(text, sample, "{from} is in the sample");
        assert_eq!(decoded(channel, &text).err(), Some(want), "{text}");
    }
    // A null side is one without changes, and no whole book.
    let null = UPDATE.replace(r#""bids":[]"#, r#""bids":null"#);
    assert!(decoded(Channel::Book, &null).unwrap().bids.is_empty());
    assert_eq!(book(&null.replace("update", "snapshot")), Err(BadField("data")));
    let mixed = TRADE
        .replace("[{", r#"[{"instId":"ETH-USDT","tradeId":"1","px":"1","sz":"1","side":"buy","ts":"1"},{"#);
    assert_eq!(decoded(Channel::Trade, &mixed).err(), Some(WrongSymbol));
}

#[test]
fn a_cut_frame_is_refused_wherever_it_is_cut_and_nothing_panics() {
    for (channel, sample) in
        [(Channel::Book, SNAPSHOT), (Channel::Book, UPDATE), (Channel::Quote, QUOTE), (Channel::Trade, TRADE)]
    {
        for cut in 0..sample.len() {
            let text = &sample[..cut];
            assert!(decoded(channel, text).is_err(), "{cut}");
            route::route(text);
            super::super::control::read(text);
        }
        for at in 0..sample.len() {
            let mut bytes = sample.as_bytes().to_vec();
            for byte in *b"\"\\{[0x-" {
                bytes[at] = byte;
                let text = std::str::from_utf8(&bytes).unwrap();
                let mut out = warm();
                let _ = decode(channel, text, &mut out);
                route::route(text);
                super::super::control::read(text);
            }
        }
    }
}
