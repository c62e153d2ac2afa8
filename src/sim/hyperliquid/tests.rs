//! The face against the daemon's decoders and books, and against its own rules.

use crate::sim::face::Face;
use crate::sim::follow::{Follower, SYMBOLS, json};
use crate::sim::market::Move;
use crate::venue::Control;
use serde_json::Value;

const FACE: Face = Face::Hyperliquid;

#[test]
fn a_client_has_the_best_levels_at_every_version() {
    let mut follower = Follower::opened(FACE, SYMBOLS);
    assert_eq!(follower.controls[0], Control::Other, "the greeting");
    assert_eq!(follower.run(2_000), (2_000, 2_000), "every version says when it was");
    let heard = |what: &str| follower.heard(what);
    assert!(heard("book") > 2_000 && heard("trades") > 200 && heard("quote") > 500);
    assert!(follower.controls[1..].iter().all(|control| matches!(control, Control::Ack { .. })));
    follower.takes_strangers("nowhere");
}

#[test]
fn each_subscription_is_echoed_and_begins_with_what_there_is() {
    let mut follower = Follower::new(FACE, SYMBOLS);
    let asked = |method: &str, kind: &str| {
        format!(r#"{{"method":"{method}","subscription":{{"type":"{kind}","coin":"BTC/USD"}}}}"#)
    };
    let answers = follower.say(&asked("subscribe", "l2Book"));
    let echo: Value = json(&answers[0]);
    assert_eq!(echo["channel"], "subscriptionResponse");
    assert_eq!(
        echo["data"]["subscription"].to_string(),
        r#"{"coin":"BTC/USD","mantissa":null,"nSigFigs":null,"type":"l2Book"}"#
    );
    let book: Value = json(&answers[1]);
    for side in 0..2 {
        assert_eq!(book["data"]["levels"][side].as_array().map(Vec::len), Some(20));
    }
    assert_eq!(follower.say(&asked("subscribe", "bbo")).len(), 2);
    assert_eq!(follower.say(&asked("subscribe", "trades")).len(), 1, "no trade yet");
    let mut trades = Vec::new();
    for _ in 0..100 {
        let told = follower.change(0, Move::Ordinary);
        assert!(told.book.is_some_and(|text| {
            text.starts_with(r#"{"channel":"l2Book","data":{"coin":"BTC/USD","time":1"#)
        }));
        trades.extend(told.others.into_iter().filter(|text| text.contains("\"trades\"")));
    }
    assert!(trades.len() > 5 && trades.iter().any(|text| text.contains(r#""tid":""#)));
    assert!(trades.iter().any(|text| !text.contains(r#""tid":""#)));
    assert_eq!(follower.say(&asked("unsubscribe", "trades")).len(), 1);
    let back: Value = json(&follower.say(&asked("subscribe", "trades"))[1]);
    assert_eq!(back["data"].as_array().map(Vec::len), Some(5));
    assert_eq!(follower.say(&asked("unsubscribe", "l2Book")).len(), 1);
    assert!(!follower.tongue.takes_books(0));
    assert_eq!(follower.say(r#"{"method":"ping"}"#), [r#"{"channel":"pong"}"#]);
}

#[test]
fn refusals_quote_what_they_are_about() {
    let mut follower = Follower::opened(FACE, SYMBOLS);
    let before = follower.controls.len();
    for (asked, why) in [
        (
            r#"{"method":"subscribe","subscription":{"coin":"NO","type":"l2Book"}}"#,
            r#"Invalid subscription {"coin":"NO","type":"l2Book"}"#,
        ),
        (
            r#"{"method":"subscribe","subscription":{"coin":"BTC/USD","type":"mystery"}}"#,
            r#"Invalid subscription {"coin":"BTC/USD","type":"mystery"}"#,
        ),
        (
            r#"{"method":"subscribe","subscription":{"coin":"BTC/USD","type":"bbo"}}"#,
            r#"Already subscribed: {"coin":"BTC/USD","type":"bbo"}"#,
        ),
        ("x", "Error parsing JSON into valid websocket request: x"),
    ] {
        let answers = follower.say(asked);
        let answer: Value = json(&answers[0]);
        assert_eq!((answers.len(), &answer["channel"], &answer["data"]), (1, &"error".into(), &why.into()));
        follower.believe(&answers);
    }
    let [no, mystery, again, other] = &follower.controls[before..] else { panic!("four answers") };
    assert!(matches!(no, Control::Refused { symbol: Some(name), .. } if name == "NO"));
    assert!(matches!(mystery, Control::Refused { .. }));
    assert!(matches!(again, Control::Ack { .. }));
    assert!(matches!(other, Control::Error { .. }));
}

#[test]
fn spoiled_messages_are_refused() {
    let mut follower = Follower::opened(FACE, SYMBOLS);
    follower.spoil();
}
