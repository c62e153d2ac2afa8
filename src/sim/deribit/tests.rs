//! The face against the daemon's own venue, and its answers word for word.

use super::*;
use crate::sim::config::Face;
use crate::sim::follow::{Follower, SYMBOLS, json};
use crate::sim::market::Move;
use crate::venue::Control;

fn opened() -> Follower {
    Follower::opened(Face::Deribit, SYMBOLS)
}

#[test]
fn the_daemon_follows_every_change() {
    let mut follower = opened();
    assert!(follower.controls.iter().all(|c| matches!(c, Control::Ack { .. })), "{:?}", follower.controls);
    assert_eq!(follower.run(2_500).0, 2_500, "a book message for every change");
    assert!(follower.heard("quote") > 500 && follower.heard("trades") > 200);
    assert_eq!(follower.heard("unknown"), 0);
}

#[test]
fn what_goes_wrong_is_found_out() {
    let mut follower = opened();
    follower.suffer(0);
    follower.suffer(6);
    follower.spoil();
}

#[test]
fn a_crossed_book_is_refused_and_the_next_one_taken() {
    let mut follower = opened();
    let (_, crossed) = follower.told(0, Move::Cross);
    assert!(follower.hear(&crossed).is_err() && !follower.is_live(0));
    follower.change(0, Move::Ordinary);
    follower.restart(0);
}

#[test]
fn strangers_change_nothing() {
    opened().takes_strangers("nowhere");
}

/// What does not exist is missing from the answer, and what was asked for before begins nothing anew.
#[test]
fn answers_name_what_took_and_come_first() {
    let mut follower = Follower::new(Face::Deribit, SYMBOLS);
    let ask = r#"{"id":7,"method":"public/subscribe","params":{"channels":["book.BTC_USD.100ms","book.NO_NO.100ms","quote.BTC_USD","mystery","book.ETH_USD.1s"]}}"#;
    let said = follower.say(ask);
    let channels = json!(["book.BTC_USD.100ms", "quote.BTC_USD"]);
    assert_eq!(json(&said[0]), json!({"jsonrpc": "2.0", "id": 7, "result": channels}));
    let book = &json(&said[1])["params"]["data"];
    let ladder = &follower.market.instruments[0].ladder;
    assert_eq!((said.len(), &book["type"], &book["change_id"]), (2, &json!("snapshot"), &json!(ladder.id())));
    assert_eq!(book["bids"].as_array().map(Vec::len), Some(ladder.len(Side::Bid)));
    assert!(follower.tongue.takes_books(0) && !follower.tongue.takes_books(1));
    let again = follower.say(ask);
    assert_eq!((again.len(), &json(&again[0])["result"]), (1, &channels));
    let left = follower.say(&ask.replace("subscribe", "unsubscribe"));
    assert_eq!((left.len(), &json(&left[0])["result"]), (1, &channels));
    assert!(!follower.tongue.takes_books(0));
    assert_eq!(json(&follower.say(r#"{"id":8,"method":"dance"}"#)[0])["error"]["code"], -32_601);
    assert!(follower.say("no JSON").is_empty());
}

/// Every other heartbeat asks for a sign of life, and takes the daemon's.
#[test]
fn heartbeats_ask_back_and_are_answered() {
    let mut follower = Follower::new(Face::Deribit, 1);
    assert!(follower.beat().is_empty(), "nobody wants any");
    follower.ask(&follower.venue.opening(&follower.scope, 1));
    for _ in 0..2 {
        let asks = follower.beat();
        follower.believe(&asks);
        let Some(Control::Asked { answer }) = follower.controls.last().cloned() else { panic!("{asks:?}") };
        let said = follower.say(&answer);
        assert_eq!(json(&said[0])["result"]["version"], "1.2.26");
        follower.believe(&said);
        let beats = follower.beat();
        follower.believe(&beats);
        assert_eq!(follower.controls.last(), Some(&Control::Heartbeat));
    }
}
