//! What Advanced Trade frames say, and what is refused.

use super::super::samples::{TICKER, TRADES, UPDATE};
use super::*;
use crate::engine::event::TakerSide;

fn decoded(channel: Channel, text: &str) -> Result<Decoded> {
    let mut out = Decoded::default();
    decode(channel, text, &mut out).map(|()| out)
}

fn shown(levels: &[Level]) -> String {
    let levels: Vec<_> = levels.iter().map(|l| format!("{} {}", l.price, l.size)).collect();
    levels.join(", ")
}

/// The event alone, as a part of a larger frame.
fn event_of(frame: &str) -> &str {
    let from = frame.find(r#"[{"type""#).unwrap() + 1;
    &frame[from..frame.len() - 2]
}

fn book_of(text: &str) -> (BookEvent, Decoded) {
    let out = decoded(Channel::Book, text).unwrap_or_else(|e| panic!("{e}: {text}"));
    let Some(Event::Book(event)) = out.event else { panic!("a book") };
    (event, out)
}

#[test]
fn updates_are_read_whole_and_in_part_in_any_order() {
    let turned = r#" { "events" : [ { "updates" : [ { "new_quantity" : 2.0 , "price_level" : "68900.0" , "x" : [ ] , "side" : "bid" , "event_time" : "2026-04-07T14:30:01.456789Z" } , {"event_time":null,"new_quantity":"0","price_level":68901,"side":"offer"}] , "product_id" : "BTC-USD" , "type" : "update" } ] , "timestamp" : "2026-04-07T14:30:01.456789Z" , "channel" : "l2_data" , "sequence_num" : 9 } "#;
    for text in [UPDATE, event_of(UPDATE), turned] {
        let (event, out) = book_of(text);
        assert_eq!((event.kind, event.span, event.checksum), (BookKind::Delta, None, None));
        assert_eq!(event.exchange_time, Wall::parse("2026-04-07T14:30:01.456789Z"), "{text}");
        assert_eq!((shown(&out.bids), shown(&out.asks)), ("68900 2".into(), "68901 0".into()), "{text}");
    }
}

#[test]
fn a_snapshot_without_times_of_its_own_has_its_frames_time() {
    let text = UPDATE
        .replace(r#""type":"update""#, r#""type":"snapshot""#)
        .replace(r#""event_time":"2026-04-07T14:30:01.456789Z""#, r#""event_time":"1970-01-01T00:00:00Z""#);
    let (event, _) = book_of(&text);
    assert_eq!(event.kind, BookKind::Snapshot);
    assert_eq!(event.exchange_time, Wall::parse("2026-04-07T14:30:01.456789Z"));
    assert_eq!(book_of(event_of(&text)).0.exchange_time, None);
    for nothing in ["[]", "null"] {
        let empty = format!(r#"{{"type":"snapshot","product_id":"A-B","updates":{nothing}}}"#);
        let (event, out) = book_of(&empty);
        assert_eq!((event.kind, out.bids.len(), out.asks.len()), (BookKind::Snapshot, 0, 0));
    }
}

#[test]
fn trades_come_oldest_first_and_from_the_takers_side() {
    let run = {
        let event = event_of(TRADES);
        &event[event.find('[').unwrap() + 1..event.len() - 2]
    };
    for text in [TRADES, event_of(TRADES), run] {
        let out = decoded(Channel::Trade, text).unwrap_or_else(|e| panic!("{e}: {text}"));
        assert_eq!(out.event, Some(Event::Trades));
        let ids: Vec<_> = out.trades.iter().map(|trade| (trade.id.as_str(), trade.taker)).collect();
        assert_eq!(ids, [("1069726292", TakerSide::Buy), ("1069726293", TakerSide::Sell)]);
        let trade = &out.trades[1];
        assert_eq!(
            (trade.price.to_string(), trade.size.to_string()),
            ("63310.25".into(), "0.00000012".into())
        );
        assert_eq!(trade.exchange_time, Wall::parse("2026-08-12T19:27:48.298771Z"));
    }
    // The other way round nothing is turned; of one instant the numbers tell.
    let turned = TRADES
        .replace("1069726292", "0")
        .replace("1069726293", "1069726292")
        .replace("\"0\"", "\"1069726293\"");
    let same = turned.replace("48.298771", "48.266642");
    let out = decoded(Channel::Trade, &same).unwrap();
    assert_eq!(out.trades[0].id.as_str(), "1069726292");
    assert_eq!(decoded(Channel::Trade, r#"{"type":"snapshot","trades":[]}"#).unwrap().trades, []);
    let uuid = TRADES.replace("1069726292", "34B080BF-fcfd-445a-832b-46b5ddc65601");
    assert_eq!(decoded(Channel::Trade, &uuid).unwrap().trades[0].id.as_str().len(), 36);
}

#[test]
fn tickers_show_both_sides_or_say_that_one_is_empty() {
    let ticker = {
        let event = event_of(TICKER);
        &event[event.find('[').unwrap() + 1..event.len() - 2]
    };
    for (text, time) in [(TICKER, Wall::parse("2026-08-12T19:27:33.829058895Z")), (ticker, None)] {
        let Some(Event::Quote(quote)) = decoded(Channel::Quote, text).unwrap().event else {
            panic!("a quote")
        };
        assert_eq!(shown(quote.bid.as_slice()), "63318.86 0.2275291");
        assert_eq!(shown(quote.ask.as_slice()), "63318.87 0.49990114");
        assert_eq!((quote.sequence, quote.exchange_time), (None, time));
    }
    for empty in [r#""best_bid":"""#, r#""best_bid":"0""#, r#""best_bid":null"#] {
        let text = TICKER.replace(r#""best_bid":"63318.86""#, empty);
        let Some(Event::Quote(quote)) = decoded(Channel::Quote, &text).unwrap().event else {
            panic!("a quote")
        };
        assert!(quote.bid.is_none() && quote.ask.is_some(), "{empty}");
    }
}

#[test]
fn what_makes_no_sense_is_refused_by_name() {
    use DecodeError::{BadField, DoesNotFit, Json, MissingField, WrongSymbol};
    let book = Channel::Book;
    for (channel, from, to, want) in [
        (book, r#""l2_data""#, r#""ticker""#, BadField("channel")),
        (book, r#""l2_data""#, "7", BadField("channel")),
        (book, r#""update","p"#, r#""change","p"#, BadField("type")),
        (book, r#""type":"update","#, "", MissingField("type")),
        (book, r#""product_id":"BTC-USD","#, "", MissingField("product_id")),
        (book, r#""product_id":"BTC-USD""#, r#""product_id":7"#, BadField("product_id")),
        (book, r#""product_id":"BTC-USD""#, r#""product_id":"A","product_id":"B""#, BadField("product_id")),
        (book, r#""updates":"#, r#""upd":"#, MissingField("updates")),
        (book, r#""updates":["#, r#""updates":[],"updates":["#, BadField("updates")),
        (book, r#""updates":[{"#, r#""updates":[7,{"#, Json),
        (book, r#""side":"bid""#, r#""side":"buy""#, BadField("side")),
        (book, r#""side":"bid","#, "", MissingField("side")),
        (book, r#""side":"bid""#, r#""side":"bid","side":"bid""#, BadField("side")),
        (book, r#""price_level":"68900.00","#, "", MissingField("price_level")),
        (book, r#""price_level":"68900.00""#, r#""price_level":"x""#, BadField("price_level")),
        (book, r#""price_level":"68900.00""#, r#""price_level":{}"#, BadField("price_level")),
        (book, r#""price_level":"68900.00""#, r#""price_level":"1e40""#, DoesNotFit("price_level")),
        (book, r#""new_quantity":"2.00000000""#, r#""new_quantity":null"#, MissingField("new_quantity")),
        (book, r#""events":["#, r#""events":[{},"#, BadField("events")),
        (book, r#""events":["#, r#""events":[],"events":["#, BadField("events")),
        (book, r#""2026-04-07T14:30:01.456789Z","sequence"#, r#"{},"sequence"#, BadField("timestamp")),
        (
            Channel::Trade,
            r#""BTC-USD","trade_id":"1069726292"#,
            r#""ETH-USD","trade_id":"1069726292"#,
            WrongSymbol,
        ),
        (Channel::Trade, r#""product_id":"BTC-USD","#, "", MissingField("product_id")),
        (Channel::Trade, r#""trade_id":"1069726293","#, "", MissingField("trade_id")),
        (Channel::Trade, r#""trade_id":"1069726293""#, r#""trade_id":"""#, BadField("trade_id")),
        (Channel::Trade, r#""trade_id":"1069726293""#, r#""trade_id":-1"#, BadField("trade_id")),
        (Channel::Trade, r#""price":"63310.25","#, "", MissingField("price")),
        (Channel::Trade, r#""size":"0.00000012""#, r#""size":"1","size":"1""#, BadField("size")),
        (Channel::Trade, r#""side":"BUY""#, r#""side":"BOTH""#, BadField("side")),
        (Channel::Trade, r#""side":"BUY""#, r#""side":true"#, BadField("side")),
        (Channel::Trade, r#""trades":"#, r#""trade":"#, MissingField("product_id")),
        (Channel::Quote, r#","best_bid":"63318.86""#, "", MissingField("best_bid")),
        (Channel::Quote, r#""best_ask":"63318.87""#, r#""best_ask":[]"#, BadField("best_ask")),
        (Channel::Quote, r#""tickers":["#, r#""tickers":[{},"#, BadField("tickers")),
        (Channel::Quote, r#""product_id":"BTC-USD","#, "", MissingField("product_id")),
    ] {
        let sample = match channel {
            Channel::Book => UPDATE,
            Channel::Trade => TRADES,
            _ => TICKER,
        };
        let text = sample.replacen(from, to, 1);
        assert_ne!(text, sample, "{from} is in the sample");
        assert_eq!(decoded(channel, &text).err(), Some(want), "{text}");
    }
    for (channel, text) in
        [(book, TICKER), (Channel::Quote, UPDATE), (Channel::Book5, UPDATE), (Channel::Trade, "")]
    {
        assert!(decoded(channel, text).is_err(), "{text}");
    }
}

#[test]
fn a_cut_frame_is_refused_wherever_it_is_cut() {
    for (channel, text) in [(Channel::Book, UPDATE), (Channel::Trade, TRADES), (Channel::Quote, TICKER)] {
        for sample in [text, event_of(text)] {
            for cut in 0..sample.len() {
                assert!(decoded(channel, &sample[..cut]).is_err(), "{cut}");
            }
        }
    }
}
