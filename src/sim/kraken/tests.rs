//! The face against the daemon's own venue, and its answers word for word.

use super::*;
use crate::sim::config::Face;
use crate::sim::follow::{Follower, json};
use crate::venue::Control;

fn opened(symbols: usize) -> Follower {
    Follower::opened(Face::Kraken, symbols)
}

/// All listed symbols, one of them deeper than what is subscribed to.
#[test]
fn the_daemon_follows_it_exactly() {
    let mut follower = opened(8);
    let (told, dated) = follower.run(3_000);
    assert!(told > 2_900 && dated == told, "{told} {dated}");
    for (what, least) in [("book", 2_900), ("quote", 800), ("trades", 300), ("instrument", 8)] {
        assert!(follower.heard(what) >= least, "{what}: {}", follower.heard(what));
    }
    assert_eq!(follower.heard("unknown"), 0);
    let sums = follower.books.iter().map(|book| book.sync.checksums());
    let (made, differed) = sums.fold((0, 0), |(m, d), sum| (m + sum.made, d + sum.differed));
    assert!(made > 2_900 && differed == 0, "{made} {differed}");
    (0..8).for_each(|symbol| follower.restart(symbol));
}

#[test]
fn a_wrong_sum_is_found_out() {
    let mut follower = opened(2);
    (0..2).for_each(|symbol| follower.spoil_sum(symbol));
}

#[test]
fn what_is_spoiled_is_refused() {
    opened(8).spoil();
}

#[test]
fn every_symbol_is_answered_and_what_it_begins_with_follows() {
    let mut follower = Follower::new(Face::Kraken, 3);
    let text = r#"{"method":"subscribe","params":{"channel":"book","symbol":["BTC/USD","NO/USD","ETH/USD"],"depth":10,"snapshot":true},"req_id":3}"#;
    assert!(follower.beat().is_empty(), "nothing is subscribed");
    let said: Vec<Value> = follower.say(text).iter().map(|text| json(text)).collect();
    assert_eq!(said.len(), 5);
    assert_eq!(
        said[0]["result"],
        json!({"channel": "book", "depth": 10, "snapshot": true, "symbol": "BTC/USD"})
    );
    assert_eq!((&said[0]["success"], &said[0]["req_id"]), (&json!(true), &json!(3)));
    assert_eq!((&said[1]["type"], &said[1]["data"][0]["symbol"]), (&json!("snapshot"), &json!("BTC/USD")));
    assert_eq!(said[1]["data"][0]["bids"].as_array().map(Vec::len), Some(10));
    assert_eq!(said[2]["error"], "Currency pair not supported NO/USD");
    assert_eq!((&said[2]["success"], &said[2]["symbol"]), (&json!(false), &json!("NO/USD")));
    assert_eq!(said[4]["data"][0]["symbol"], "ETH/USD");
    assert_eq!(follower.beat(), [r#"{"channel":"heartbeat"}"#]);
    for (text, want) in [
        (text, "Already subscribed"),
        (&text.replace("subscribe\"", "unsubscribe\"").replace(":10", ":100"), "Subscription Not Found"),
        (&text.replace(":10", ":11").replace("BTC", "ETH").replace("book", "books"), "Unsupported channel"),
        (r#"{"method":"subscribe","params":{"channel":"book"},"req_id":3}"#, "Malformed request"),
        (r#"{"method":"dance","req_id":3}"#, "Malformed request"),
        ("{", "Malformed request"),
    ] {
        assert_eq!(json(&follower.say(text)[0])["error"], want, "{text}");
    }
    let left = follower.say(&text.replace("subscribe\"", "unsubscribe\""));
    assert_eq!(json(&left[0])["result"], json!({"channel": "book", "depth": 10, "symbol": "BTC/USD"}));
    assert!(!follower.tongue.takes_books(0));
    let deep = follower.say(&text.replace(":10", ":11"));
    assert_eq!(json(&deep[0])["error"], "Depth not supported");
    let pong = json(&follower.say(r#"{"method":"ping","req_id":101}"#)[0]);
    assert_eq!((&pong["method"], &pong["req_id"]), (&json!("pong"), &json!(101)));
    assert_eq!(pong["time_in"], "2023-11-14T22:13:20.000000Z");
}

#[test]
fn the_daemon_understands_all_that_is_not_data() {
    let mut follower = opened(2);
    let acks = follower.controls.iter().filter(|control| matches!(control, Control::Ack { .. })).count();
    assert_eq!((acks, follower.controls.len()), (7, 8), "the status, and an answer a symbol and channel");
    let text = r#"{"method":"subscribe","params":{"channel":"trade","symbol":["NO/USD"]},"req_id":9}"#;
    let refused = follower.say(text);
    follower.believe(&refused);
    assert!(
        matches!(follower.controls.last(), Some(Control::Refused { symbol: Some(name), .. }) if name == "NO/USD")
    );
    let beat = follower.beat();
    follower.believe(&beat);
    assert_eq!(follower.controls.last(), Some(&Control::Heartbeat));
}

#[test]
fn strangers_change_nothing() {
    opened(2).takes_strangers("nowhere");
}

#[test]
fn only_what_can_be_found_out_happens() {
    let tongue = Kraken::new(1);
    assert!(!tongue.shows(StreamFault::Gap) && !tongue.shows(StreamFault::Late));
    assert!(tongue.shows(StreamFault::Fragmented) && tongue.shows(StreamFault::Extra(Extra::PingFlood)));
}
