//! The face against its dossier, and against the daemon's reading of it.

use super::*;
use crate::engine::need::Joined;
use crate::engine::time::{Stamp, Wall};
use crate::sim::follow::{Follower, SYMBOLS, json};
use crate::sim::market::Move;
use crate::sim::net::http;
use crate::venue::{Control, RestReply, Route, Verdict, handles::Handles};

const FACES: [Face; 3] = [Face::Bybit, Face::BybitLinear, Face::BybitInverse];

#[test]
fn the_daemon_follows_every_change() {
    for face in FACES {
        let mut follower = Follower::opened(face, SYMBOLS);
        assert!(
            follower.controls.iter().all(|c| matches!(c, Control::Ack { .. })),
            "{:?}",
            follower.controls
        );
        let changes = if face == Face::Bybit { 2_500 } else { 400 };
        assert_eq!(follower.run(changes).0, changes, "a book message for every change");
        let least = changes / 20;
        assert!(follower.heard("quote") > least && follower.heard("trades") > least);
        assert!(follower.market.instruments.iter().any(|i| i.ladder.len(Side::Bid) > 2 * DEPTH));
    }
}

#[test]
fn what_goes_wrong_is_found_out() {
    for (symbol, face) in FACES.into_iter().enumerate() {
        let mut follower = Follower::opened(face, SYMBOLS);
        follower.suffer(symbol);
        follower.spoil();
    }
}

/// Whole books begin with a version of REST's that the changes go on from, and come back with another.
#[test]
fn whole_books_go_on_from_rest() {
    let mut follower = Follower::opened(Face::BybitFull, SYMBOLS);
    let seed = |follower: &mut Follower, symbol: usize, back: u64| {
        let ladder = &follower.market.instruments[symbol].ladder;
        let frozen = ladder.at_id(ladder.id() - back).expect("a kept version");
        let name = follower.scope.symbols[symbol].clone();
        let body = rest::body(ladder, &frozen, &name, 10_000, false);
        let snapshot = follower.venue.snapshot(&name, body.as_bytes()).expect("a book");
        follower.books[symbol].snapshot(Stamp::default(), &snapshot).0
    };
    for symbol in 0..SYMBOLS {
        for _ in 0..6 {
            let (_, text) = follower.told(symbol, Move::Ordinary);
            follower.believe([&text]);
            assert!(!follower.is_live(symbol));
        }
        assert_eq!(seed(&mut follower, symbol, 6), Joined::TooOld, "what went before the first change");
        assert_eq!(seed(&mut follower, symbol, 3), Joined::Live);
        follower.judge(symbol);
    }
    for n in 0..500 {
        let symbol = n % SYMBOLS;
        let told = follower.change(symbol, if n % 97 == 96 { Move::Jump } else { Move::Ordinary });
        follower.believe(told.texts());
        follower.judge(symbol);
    }
    assert!(follower.market.instruments.iter().any(|i| i.ladder.len(Side::Bid) > 2 * DEPTH));
    follower.change(5, Move::Ordinary);
    let (_, text) = follower.told(5, Move::Ordinary);
    assert!(follower.hear(&text).is_err() && !follower.is_live(5), "one is missing");
    assert_eq!(seed(&mut follower, 5, 0), Joined::Live);
    follower.judge(5);
}

#[test]
fn a_whole_book_is_called_for_by_its_address() {
    let call = |line: &str| match http::parse(format!("GET {line} HTTP/1.1\r\n\r\n").as_bytes()) {
        http::Parsed::Whole(head, _) => rest::call(&head),
        _ => panic!("{line}"),
    };
    let url = "/v5/market/full_orderbook";
    assert_eq!(call(&format!("{url}?category=spot&symbol=BTCUSD")), Some(("BTCUSD".to_owned(), 10_000)));
    assert_eq!(call(&format!("{url}?category=linear&symbol=BTCUSD")), None, "not yet");
    assert_eq!(call(&format!("{url}?category=spot")), None);
    assert_eq!(call("/v5/market/orderbook?category=spot&symbol=BTCUSD"), None);
    let error = rest::error(10_001, "Not supported symbols");
    let venue = Follower::new(Face::BybitFull, 1).venue;
    let reply = RestReply { status: 200, headers: &[], body: error.as_bytes() };
    assert_eq!(venue.verdict(&reply), Verdict::Refused);
}

#[test]
fn a_crossed_book_is_refused_and_the_next_one_taken() {
    let mut follower = Follower::opened(Face::BybitLinear, SYMBOLS);
    let (_, crossed) = follower.told(0, Move::Cross);
    assert!(follower.hear(&crossed).is_err());
    assert!(!follower.is_live(0));
    follower.change(0, Move::Ordinary);
    follower.restart(0);
}

/// Each class words its answers as its documents do, and contracts' books come before them.
#[test]
fn answers_are_worded_by_class() {
    let ask = r#"{"op":"subscribe","args":["orderbook.200.BTCUSD","publicTrade.BTCUSD"],"req_id":"7"}"#;
    let connection = format!("\"conn_id\":\"{CONNECTION}\"");
    for (face, place, message) in [(FACES[0], 0, "subscribe"), (FACES[1], 1, ""), (FACES[2], 1, "")] {
        let mut follower = Follower::new(face, SYMBOLS);
        let said = follower.say(ask);
        let want =
            format!(r#"{{"success":true,"ret_msg":"{message}",{connection},"req_id":"7","op":"subscribe"}}"#);
        assert_eq!((said.len(), &said[place]), (2, &want));
        let book = json(&said[1 - place]);
        assert_eq!(book["data"]["b"].as_array().expect("bids").len(), DEPTH);
        let number = |n: u64| serde_json::json!(n);
        assert_eq!(book["data"]["u"], number(follower.market.instruments[0].ladder.id()));
        let time_first = said[1 - place].find("\"ts\"") < said[1 - place].find("\"type\"");
        assert_eq!(time_first, face == Face::Bybit);
        let id = if face == Face::Bybit { "" } else { "\"req_id\":\"\"," };
        let pong = format!(r#"{{"success":true,"ret_msg":"pong",{connection},{id}"op":"ping"}}"#);
        assert_eq!(follower.say(r#"{"op":"ping"}"#), [pong]);
        assert!(follower.say(r#"{"op":"ping","req_id":9}"#)[0].contains(r#""req_id":"9""#));
    }
}

#[test]
fn one_bad_topic_fails_the_request() {
    let mut follower = Follower::new(Face::Bybit, SYMBOLS);
    let refusal = |follower: &mut Follower, op: &str, args: &[&str]| {
        let said = follower.say(&serde_json::json!({"op": op, "args": args, "req_id": "1"}).to_string());
        let [answer] = &said[..] else { panic!("{said:?}") };
        match follower.venue.control(answer) {
            Control::Refused { message, .. } => message,
            other => panic!("{other:?}"),
        }
    };
    for bad in ["orderbook.500.BTCUSD", "orderbook.200.NOWHERE", "mystery", "publicTrade."] {
        let message = refusal(&mut follower, "subscribe", &["orderbook.200.ETHUSD", bad]);
        assert_eq!(message, format!("error:handler not found,topic:{bad}"));
        assert!(!follower.tongue.takes_books(1));
    }
    let names: Vec<String> = (0..11).map(|_| "publicTrade.BTCUSD".to_owned()).collect();
    let eleven: Vec<&str> = names.iter().map(String::as_str).collect();
    assert_eq!(refusal(&mut follower, "subscribe", &eleven), "args size >10");
    assert_eq!(refusal(&mut follower, "subscribe", &[]), "error:request params error");
    follower.ask(&follower.venue.opening(&follower.scope, 1));
    assert!(refusal(&mut follower, "subscribe", &["orderbook.1.BTCUSD"]).contains("already subscribed"));
    assert!(follower.say("no json")[0].contains("\"success\":false"));
}

#[test]
fn the_topics_of_a_connection_have_a_length() {
    let mut follower = Follower::new(Face::BybitLinear, SYMBOLS);
    let mut bybit = Bybit::open(Face::BybitLinear, "/v5/public/linear", 8).expect("its path");
    bybit.characters = CHARACTERS_MAX - 18;
    follower.with_scene(|_, scene| {
        assert!(bybit.subscribe(&["publicTrade.BTCUSDT"], scene).is_err());
        assert!(bybit.subscribe(&["publicTrade.BTCUSD"], scene).is_ok());
        assert!(bybit.unsubscribe(&["publicTrade.BTCUSD"], scene).is_ok());
        assert_eq!(bybit.characters, CHARACTERS_MAX - 18);
    });
    assert!(Bybit::open(Face::Bybit, "/v5/public/linear", 8).is_none());
}

/// Vector V2 of the dossier.
#[test]
fn quiet_best_levels_are_told_again_with_their_number() {
    let mut follower = Follower::new(Face::Bybit, SYMBOLS);
    let said = follower.say(r#"{"op":"subscribe","args":["orderbook.1.BTCUSD"]}"#);
    let first = said[1].clone();
    assert!(follower.beat().is_empty() && follower.beat().is_empty());
    assert_eq!(follower.beat().concat(), first);
    let update = |text: &str| json(text)["data"]["u"].as_u64().expect("a number");
    let told = loop {
        let change = follower.market.instruments[0].step(Wall::from_nanos(i64::MAX / 2), Move::Ordinary);
        let mut out = Vec::new();
        follower.with_scene(|tongue, scene| tongue.others(0, &change, scene, &mut out));
        if let Some(text) = out.pop() {
            break text;
        }
    };
    assert_eq!(update(&told), update(&first) + 1);
    assert_eq!(json(&told)["type"], "snapshot");
    assert!(follower.beat().is_empty() && follower.beat().is_empty());
    assert_eq!(follower.beat().concat(), told);
}

#[test]
fn strangers_are_no_news() {
    let mut follower = Follower::opened(Face::BybitInverse, SYMBOLS);
    let venue = follower.venue.clone();
    let text = follower.with_scene(|tongue, scene| tongue.stranger(Extra::UnknownType, scene));
    assert_eq!(venue.route(&text, Handles::NONE), Route::Unknown);
    let text = follower.with_scene(|tongue, scene| tongue.stranger(Extra::UnknownSymbol, scene));
    assert!(matches!(venue.route(&text, Handles::NONE), Route::Data { symbol: "NOWHERE", .. }));
    follower.takes_strangers("nowhere");
}
