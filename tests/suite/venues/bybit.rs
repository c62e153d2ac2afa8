//! Bybit: the dossier's vectors through routing, decoder and book. No recording of this venue is kept.

use super::Rig;
use depthd::engine::event::Side;
use depthd::engine::state::StaleReason;
use depthd::engine::state::State;
use depthd::engine::sync::Gap;
use depthd::venue::Control;
use depthd::venue::bybit::Bybit;
use std::sync::Arc;

const SYMBOL: &str = "BTCUSDT";

fn rig(product: Bybit) -> Rig {
    Rig::of(Arc::new(product))
}

/// A message of the book's topic.
fn book(kind: &str, update: u64, bids: &str, asks: &str) -> String {
    format!(
        r#"{{"topic":"orderbook.200.BTCUSDT","type":"{kind}","ts":1786540345149,"data":{{"s":"BTCUSDT","b":{bids},"a":{asks},"u":{update},"seq":760578520655}},"cts":1786540345147}}"#
    )
}

fn begun() -> Rig {
    let mut rig = rig(Bybit::Linear);
    // Contracts send the snapshot before the answer.
    let bids = r#"[["63982.50","0.005"],["63980.60","0.005"]]"#;
    rig.frame(&book("snapshot", 53_935_309, bids, r#"[["63990.50","0.001"]]"#));
    rig.frame(r#"{"success":true,"ret_msg":"","conn_id":"x","req_id":"1","op":"subscribe"}"#);
    assert!(rig.state(SYMBOL).is_live());
    rig
}

/// Vector V1 of the dossier: recorded numbers, which rise by one.
#[test]
fn a_change_with_the_next_number_is_taken_and_one_further_on_is_a_gap() {
    let mut rig = begun();
    let bids = r#"[["63982.50","0.003"],["63980.60","0.004"]]"#;
    rig.frame(&book("delta", 53_935_310, bids, r#"[["63990.50","0.008"]]"#));
    assert_eq!(rig.side(SYMBOL, Side::Bid), "63982.5 0.003, 63980.6 0.004");
    assert_eq!(rig.side(SYMBOL, Side::Ask), "63990.5 0.008");
    assert!(rig.state(SYMBOL).is_live() && rig.gaps.is_empty());
    rig.frame(&book("delta", 53_935_312, "[]", "[]"));
    let gap = Gap::Missing { expected: 53_935_311, got: 53_935_312 };
    assert_eq!(rig.gaps, [(SYMBOL.to_owned(), gap)]);
    assert!(matches!(rig.state(SYMBOL), State::Stale { reason: StaleReason::Gap, .. }));
    // The restart brings a snapshot, at any number.
    rig.frame(&book("snapshot", 60_000_000, r#"[["63000","1"]]"#, r#"[["63001","1"]]"#));
    assert!(rig.state(SYMBOL).is_live());
    assert_eq!(rig.best(SYMBOL, Side::Bid).as_deref(), Some("63000 1"));
}

/// Vector V2 of the dossier: the topic of one level repeats itself.
#[test]
fn a_repeated_best_level_is_no_gap() {
    let mut rig = begun();
    for update in [72_212_457, 72_212_458, 72_212_458, 72_212_458] {
        rig.frame(&format!(
            r#"{{"topic":"orderbook.1.BTCUSDT","ts":1786613159749,"type":"snapshot","data":{{"s":"BTCUSDT","b":[["63705.3","2.045546"]],"a":[["63705.4","2.334566"]],"u":{update},"seq":112603120278}},"cts":1786613159748}}"#
        ));
    }
    assert_eq!(rig.tally["quote"], 4);
    assert!(rig.gaps.is_empty() && rig.state(SYMBOL).is_live());
    assert_eq!(rig.best(SYMBOL, Side::Bid).as_deref(), Some("63982.5 0.005"), "the book has its own topic");
}

/// Vector V3 of the dossier: number one replaces the book, whatever the message is called.
#[test]
fn a_restart_of_the_service_replaces_the_book() {
    for kind in ["snapshot", "delta"] {
        let mut rig = begun();
        rig.frame(&book("snapshot", 177_400_507, r#"[["10","1"],["9","1"]]"#, r#"[["11","1"]]"#));
        rig.frame(&book(kind, 1, r#"[["20","1"]]"#, r#"[["21","1"]]"#));
        assert_eq!(rig.side(SYMBOL, Side::Bid), "20 1", "{kind}");
        rig.frame(&book("delta", 2, r#"[["19","2"]]"#, "[]"));
        assert_eq!(rig.side(SYMBOL, Side::Bid), "20 1, 19 2", "{kind}");
        assert!(rig.gaps.is_empty() && rig.state(SYMBOL).is_live(), "{kind}");
    }
}

/// Vector V4 of the dossier: the documents' two samples have nothing to do with one another.
#[test]
fn the_documented_samples_are_no_pair() {
    let mut rig = rig(Bybit::Spot);
    rig.frame(&book("snapshot", 18_521_288, r#"[["16493.50","0.006"]]"#, r#"[["16611.00","0.029"]]"#));
    rig.frame(&book("delta", 177_400_507, r#"[["30247.20","30.028"]]"#, r#"[["30248.70","0"]]"#));
    let gap = Gap::Missing { expected: 18_521_289, got: 177_400_507 };
    assert_eq!(rig.gaps, [(SYMBOL.to_owned(), gap)]);
    assert_eq!(rig.live(), 0);
}

/// Vector V5 of the dossier: three pongs, and a refusal whose text alone says whose it is.
#[test]
fn answers_are_of_three_forms() {
    let mut rig = rig(Bybit::Inverse);
    for frame in [
        r#"{"success":true,"ret_msg":"pong","conn_id":"x","op":"ping"}"#,
        r#"{"success":true,"ret_msg":"pong","conn_id":"x","req_id":"","op":"ping"}"#,
        r#"{"args":["1672916271846"],"op":"pong"}"#,
    ] {
        rig.frame(frame);
        assert_eq!(rig.controls.pop(), Some(Control::Heartbeat), "{frame}");
    }
    rig.frame(
        r#"{"success":false,"ret_msg":"Invalid topic: invalid.topic.BTCUSDT","conn_id":"x","op":"subscribe"}"#,
    );
    let message = "Invalid topic: invalid.topic.BTCUSDT".to_owned();
    assert_eq!(rig.controls, [Control::Refused { symbol: Some(SYMBOL.to_owned()), message }]);
}

/// Changes before the snapshot have nothing to change, and are no gap.
#[test]
fn a_book_begins_with_its_snapshot() {
    let mut rig = rig(Bybit::Spot);
    rig.frame(&book("delta", 5, r#"[["10","1"]]"#, "[]"));
    assert_eq!(rig.state(SYMBOL), State::Syncing);
    rig.frame(&book("snapshot", 6, r#"[["10","1"]]"#, r#"[["11","1"]]"#));
    rig.frame(&book("delta", 7, r#"[["10","0"],["9","4"]]"#, "[]"));
    assert_eq!(rig.side(SYMBOL, Side::Bid), "9 4");
    assert!(rig.gaps.is_empty());
}

/// A window of 200 levels moves: what slid out at its end comes again when it is back.
#[test]
fn the_far_end_of_the_book_slides() {
    let mut rig = rig(Bybit::Spot);
    let levels: Vec<String> = (0..200).map(|i| format!(r#"["{}","1"]"#, 1_000 - i)).collect();
    rig.frame(&book("snapshot", 6, &format!("[{}]", levels.join(",")), r#"[["1002","1"]]"#));
    rig.frame(&book("delta", 7, r#"[["1001","1"]]"#, "[]"));
    assert_eq!(rig.book(SYMBOL).sync.book().len(Side::Bid), 200);
    rig.frame(&book("delta", 8, r#"[["1001","0"],["801","3"]]"#, "[]"));
    assert_eq!(rig.book(SYMBOL).sync.book().len(Side::Bid), 200);
    assert!(rig.side(SYMBOL, Side::Bid).ends_with("802 1, 801 3"));
    assert!(rig.state(SYMBOL).is_live());
}
