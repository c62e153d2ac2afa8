//! The face against the daemon's decoders and books, and against its own rules.

use crate::engine::event::Side;
use crate::sim::face::Face;
use crate::sim::follow::{Follower, SYMBOLS, json};
use crate::sim::market::Move;
use crate::venue::Control;

const FACE: Face = Face::Coinbase;

fn numbers(texts: &[String]) -> Vec<u64> {
    let number = |text: &String| json(text)["sequence_num"].as_u64();
    texts.iter().map(|text| number(text).unwrap_or_else(|| panic!("no number: {text}"))).collect()
}

#[test]
fn a_client_has_the_true_book_at_every_version() {
    let mut follower = Follower::opened(FACE, SYMBOLS);
    assert_eq!(follower.run(2_000), (2_000, 2_000), "every version says when it was");
    let heard = |what: &str| follower.heard(what);
    assert!(heard("book") > 2_000 && heard("trades") > 150 && heard("quote") > 150 && heard("parts") > 3);
    let beats = follower.controls.iter().filter(|control| **control == Control::Heartbeat).count();
    assert_eq!(beats, 8);
    let is_known = |control: &Control| matches!(control, Control::Heartbeat | Control::Ack { .. });
    assert!(follower.controls.iter().all(is_known));
    assert_eq!(heard("unknown"), 0);
    follower.takes_strangers("nowhere");
}

#[test]
fn every_frame_has_the_next_number_and_data_comes_before_its_answer() {
    let mut follower = Follower::new(FACE, SYMBOLS);
    let mut texts = follower.say(r#"{"type":"subscribe","channel":"heartbeats"}"#);
    assert!(texts[0].contains(r#""events":[{"subscriptions":{"heartbeats":["heartbeats"]}}]"#), "{texts:?}");
    texts.extend(
        follower.say(r#"{"type":"subscribe","product_ids":["ETH-USD","BTC-USD"],"channel":"level2"}"#),
    );
    assert_eq!(numbers(&texts), [0, 1, 2, 3]);
    for (text, (name, symbol)) in texts[1..3].iter().zip([("ETH-USD", 1), ("BTC-USD", 0)]) {
        let frame = json(text);
        let event = &frame["events"][0];
        assert_eq!((&event["type"], &event["product_id"]), (&"snapshot".into(), &name.into()));
        let ladder = &follower.market.instruments[symbol].ladder;
        let levels = ladder.len(Side::Bid) + ladder.len(Side::Ask);
        assert_eq!(event["updates"].as_array().map(Vec::len), Some(levels));
        let time = event["updates"][levels - 1]["event_time"].as_str().expect("text");
        assert_eq!(time.starts_with("1970-01-01"), symbol == 0, "{time}");
    }
    assert!(
        texts[3].contains(r#"{"heartbeats":["heartbeats"],"level2":["BTC-USD","ETH-USD"]}"#),
        "{}",
        texts[3]
    );
    // What is subscribed already is not begun again.
    let again = follower.say(r#"{"type":"subscribe","product_ids":["BTC-USD"],"channel":"level2"}"#);
    assert_eq!(numbers(&again), [4]);
    let told = follower.change(0, Move::Ordinary);
    assert_eq!((numbers(&[told.book.expect("a book message")]), told.others.len()), (vec![5], 0));
    let told = follower.change(2, Move::Ordinary);
    assert_eq!((told.book, told.others.len()), (None, 0), "not subscribed");
    // Without products, all of them.
    let left = follower.say(r#"{"type":"unsubscribe","channel":"level2"}"#);
    assert_eq!(numbers(&left), [6]);
    assert!(left[0].contains(r#"[{"subscriptions":{"heartbeats":["heartbeats"]}}]"#));
    assert!(!follower.tongue.takes_books(0) && !follower.tongue.takes_books(1));
}

#[test]
fn trades_come_in_batches_and_first_those_that_were() {
    let mut follower = Follower::new(FACE, SYMBOLS);
    let asked = r#"{"type":"subscribe","product_ids":["BTC-USD"],"channel":"market_trades"}"#;
    assert_eq!(follower.say(asked).len(), 1, "no trade yet");
    let frames: Vec<String> = (0..1_000).flat_map(|_| follower.change(0, Move::Ordinary).others).collect();
    // Some 730 ms, and 150 trades.
    assert_eq!(frames.len(), 2);
    let trades = |text: &str| {
        let frame = json(text);
        let trades = frame["events"][0]["trades"].as_array().expect("trades").clone();
        trades
            .iter()
            .map(|trade| trade["trade_id"].as_str().expect("text").parse().expect("a number"))
            .collect()
    };
    let ids: Vec<u64> = trades(&frames[0]);
    assert!(ids.len() > 20 && ids.is_sorted_by(|newer, older| newer > older), "{ids:?}");
    follower.say(r#"{"type":"unsubscribe","product_ids":["BTC-USD"],"channel":"market_trades"}"#);
    let back: Vec<u64> = trades(&follower.say(asked)[0]);
    assert_eq!(back.len(), 5);
}

#[test]
fn what_cannot_be_is_refused_whole_and_without_a_number() {
    let mut follower = Follower::new(FACE, SYMBOLS);
    for (asked, why) in [
        (
            r#"{"type":"subscribe","product_ids":["BTC-USD","NO-NO"],"channel":"level2"}"#,
            "NO-NO is not a valid product",
        ),
        (
            r#"{"type":"subscribe","product_ids":["BTC-USD"],"channel":"l2_data"}"#,
            "l2_data is not a valid channel",
        ),
        (r#"{"type":"mystery"}"#, "malformed message: unknown type"),
        ("{", "malformed message: unknown type"),
    ] {
        let answers = follower.say(asked);
        assert_eq!(answers, [format!(r#"{{"message":"{why}","type":"error"}}"#)], "{asked}");
        follower.believe(&answers);
    }
    assert!(matches!(&follower.controls[0], Control::Refused { symbol: Some(name), .. } if name == "NO-NO"));
    assert!(!follower.tongue.takes_books(0));
    let answers = follower.say(r#"{"type":"subscribe","channel":"heartbeats"}"#);
    assert_eq!(numbers(&answers), [0], "nothing was counted");
}

#[test]
fn spoiled_messages_are_refused_and_lost_ones_missed() {
    let mut follower = Follower::opened(FACE, SYMBOLS);
    follower.spoil();
    follower.suffer(0);
    follower.suffer(6);
}
