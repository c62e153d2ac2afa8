//! The face against the daemon's decoders and books, and against its own rules.

use crate::sim::exchange::spoil;
use crate::sim::face::Face;
use crate::sim::fault::Malformed;
use crate::sim::follower::Follower;
use crate::sim::market::Move;
use crate::venue::Control;
use serde_json::Value;

const FACE: Face = Face::Hyperliquid;

#[test]
fn a_client_has_the_best_levels_at_every_version() {
    let mut follower = Follower::subscribed(FACE, "/ws");
    assert_eq!(follower.controls[0], Control::Other, "the greeting");
    assert_eq!(follower.follow(2_000), 2_000, "every version says when it was");
    let heard = |what: &str| follower.heard.get(what).copied().unwrap_or_default();
    assert!(heard("book") > 2_000 && heard("trades") > 200 && heard("quote") > 500);
    assert!(follower.controls[1..].iter().all(|control| matches!(control, Control::Ack { .. })));
    follower.takes_strangers();
}

#[test]
fn each_subscription_is_echoed_and_begins_with_what_there_is() {
    let mut follower = Follower::new(FACE, "/ws");
    let asked = |method: &str, kind: &str| {
        format!(r#"{{"method":"{method}","subscription":{{"type":"{kind}","coin":"BTC/USD"}}}}"#)
    };
    let answers = follower.answers(&asked("subscribe", "l2Book"));
    let echo: Value = serde_json::from_str(&answers[0]).expect("JSON");
    assert_eq!(echo["channel"], "subscriptionResponse");
    assert_eq!(
        echo["data"]["subscription"].to_string(),
        r#"{"coin":"BTC/USD","mantissa":null,"nSigFigs":null,"type":"l2Book"}"#
    );
    let book: Value = serde_json::from_str(&answers[1]).expect("JSON");
    for side in 0..2 {
        assert_eq!(book["data"]["levels"][side].as_array().map(Vec::len), Some(20));
    }
    assert_eq!(follower.answers(&asked("subscribe", "bbo")).len(), 2);
    assert_eq!(follower.answers(&asked("subscribe", "trades")).len(), 1, "no trade yet");
    let mut trades = Vec::new();
    for _ in 0..100 {
        let (book, others) = follower.change(0, Move::Ordinary);
        assert!(book.is_some_and(|text| {
            text.starts_with(r#"{"channel":"l2Book","data":{"coin":"BTC/USD","time":1"#)
        }));
        trades.extend(others.into_iter().filter(|text| text.contains("\"trades\"")));
    }
    assert!(trades.len() > 5 && trades.iter().any(|text| text.contains(r#""tid":""#)));
    assert!(trades.iter().any(|text| !text.contains(r#""tid":""#)));
    assert_eq!(follower.answers(&asked("unsubscribe", "trades")).len(), 1);
    let back: Value =
        serde_json::from_str(&follower.answers(&asked("subscribe", "trades"))[1]).expect("JSON");
    assert_eq!(back["data"].as_array().map(Vec::len), Some(5));
    assert_eq!(follower.answers(&asked("unsubscribe", "l2Book")).len(), 1);
    assert!(!follower.tongue.takes_books(0));
    assert_eq!(follower.answers(r#"{"method":"ping"}"#), [r#"{"channel":"pong"}"#]);
}

#[test]
fn refusals_quote_what_they_are_about() {
    let mut follower = Follower::subscribed(FACE, "/ws");
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
        let answers = follower.answers(asked);
        let answer: Value = serde_json::from_str(&answers[0]).expect("JSON");
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
    for how in [
        Malformed::Truncated,
        Malformed::Html,
        Malformed::WrongType,
        Malformed::HugeNumber,
        Malformed::NegativeSize,
        Malformed::TooDeep,
    ] {
        assert_eq!(Follower::spoil(FACE, "/ws", |text| spoil::text(text, how)), 3, "{how:?}");
    }
}
