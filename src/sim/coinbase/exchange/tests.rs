//! The face against the daemon's decoders and books, and against its own rules.

use crate::sim::face::Face;
use crate::sim::follow::{Follower, SYMBOLS, json};
use crate::sim::market::Move;
use crate::venue::Control;

const FACE: Face = Face::CoinbaseExchange;

#[test]
fn a_client_has_the_true_book_at_every_version() {
    let mut follower = Follower::opened(FACE, SYMBOLS);
    let (told, dated) = follower.run(2_000);
    assert_eq!(told, 2_000, "a book message for every change");
    assert!((1_980..2_000).contains(&dated), "but for a few versions of the year 1: {dated}");
    let heard = |what: &str| follower.heard(what);
    assert!(heard("book") > 2_000 && heard("trades") > 200 && heard("quote") > 200);
    let beats = follower.controls.iter().filter(|control| **control == Control::Heartbeat).count();
    assert_eq!(beats, 8 * 8, "one a product");
    let is_known = |control: &Control| matches!(control, Control::Heartbeat | Control::Ack { .. });
    assert!(follower.controls.iter().all(is_known));
    follower.takes_strangers("nowhere");
}

#[test]
fn the_answer_lists_everything_and_comes_first() {
    let mut follower = Follower::new(FACE, SYMBOLS);
    let asked = r#"{"type":"subscribe","product_ids":["BTC-USD"],"channels":["level2_batch","heartbeat"]}"#;
    let answers = follower.say(asked);
    let listed = |text: &String| json(text)["channels"].to_string();
    assert!(answers[0].starts_with(r#"{"type":"subscriptions","channels":["#), "{}", answers[0]);
    assert!(answers[1].starts_with(r#"{"type":"snapshot","product_id":"BTC-USD","asks":[["#));
    assert_eq!(answers.len(), 2);
    // Channels with products of their own, as another form has them.
    let asked = r#"{"type":"subscribe","channels":[{"name":"level2_batch","product_ids":["ETH-USD"]},{"name":"matches","product_ids":["BTC-USD"]}]}"#;
    let answers = follower.say(asked);
    let list = listed(&answers[0]);
    for part in
        [r#""level2_50","product_ids":["BTC-USD","ETH-USD"]"#, r#""matches","product_ids":["BTC-USD"]"#]
    {
        assert!(list.contains(part), "{list}");
    }
    assert_eq!(answers.len(), 2, "one snapshot, and no trade yet");
    let trade = loop {
        let told = follower.change(0, Move::Ordinary);
        if let [trade] = &told.others[..] {
            break trade.clone();
        }
    };
    assert!(trade.starts_with(r#"{"type":"match","trade_id":"#));
    // Whoever comes back is told the last one.
    let left = follower.say(r#"{"type":"unsubscribe","product_ids":["BTC-USD"],"channels":["matches"]}"#);
    assert!(left.len() == 1 && !left[0].contains("matches"), "{left:?}");
    let back = follower.say(r#"{"type":"subscribe","product_ids":["BTC-USD"],"channels":["matches"]}"#);
    assert_eq!(back[1], trade.replace("\"match\"", "\"last_match\""));
    assert_eq!(
        follower.say(r#"{"type":"unsubscribe","product_ids":["ETH-USD"],"channels":["level2_batch"]}"#).len(),
        1
    );
    assert!(follower.tongue.takes_books(0) && !follower.tongue.takes_books(1));
}

#[test]
fn what_cannot_be_is_refused_whole() {
    let mut follower = Follower::new(FACE, SYMBOLS);
    let keyed = "level2, level3, and full channels now require authentication. See the docs";
    for (asked, why) in [
        (
            r#"{"type":"subscribe","product_ids":["BTC-USD","NO-NO"],"channels":["level2_batch"]}"#,
            "NO-NO is not a valid product",
        ),
        (r#"{"type":"subscribe","product_ids":["BTC-USD"],"channels":["level2"]}"#, keyed),
        (
            r#"{"type":"subscribe","product_ids":["BTC-USD"],"channels":["mystery"]}"#,
            "mystery is not a valid channel",
        ),
        (r#"{"type":"subscribe","product_ids":["BTC-USD"]}"#, "No channels provided"),
        (r#"{"type":"subscribe","channels":["level2_batch"]}"#, " is not a valid product"),
    ] {
        let want = format!(r#"{{"type":"error","message":"Failed to subscribe","reason":"{why}"}}"#);
        let answers = follower.say(asked);
        assert_eq!(answers, [want], "{asked}");
        follower.believe(&answers);
    }
    assert!(matches!(&follower.controls[0], Control::Refused { symbol: Some(name), .. } if name == "NO-NO"));
    assert!(matches!(&follower.controls[1], Control::Fatal { .. }));
    assert!(!follower.tongue.takes_books(0));
    assert_eq!(follower.say("{"), [r#"{"type":"error","message":"Malformed JSON","reason":""}"#]);
}

#[test]
fn zero_has_many_spellings() {
    let mut follower = Follower::opened(FACE, SYMBOLS);
    let texts: String = (0..400).filter_map(|_| follower.change(0, Move::Ordinary).book).collect();
    for zero in super::ZEROS {
        assert!(texts.contains(&format!(",\"{zero}\"]")), "{zero}");
    }
}

#[test]
fn spoiled_messages_are_refused() {
    let mut follower = Follower::opened(FACE, SYMBOLS);
    follower.spoil();
}
