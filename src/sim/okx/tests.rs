//! The face against its dossier, and against the daemon's reading of it.

use super::*;
use crate::engine::need::Joined;
use crate::engine::time::Stamp;
use crate::sim::config::Face;
use crate::sim::follow::{Follower, SYMBOLS};
use crate::sim::market::Move;
use crate::venue::{Control, Route, handles::Handles};
use std::time::Duration;

fn opened() -> Follower {
    Follower::opened(Face::Okx, SYMBOLS)
}

#[test]
fn the_daemon_follows_every_change() {
    let mut follower = opened();
    assert!(follower.controls.iter().all(|c| matches!(c, Control::Ack { .. })), "{:?}", follower.controls);
    assert_eq!(follower.run(2_000).0, 2_000, "a book message for every change");
    assert!(follower.heard("quote") > 100 && follower.heard("trades") > 100);
    assert!(follower.market.instruments.iter().any(|i| i.ladder.len(Side::Bid) > 2 * DEPTH));
}

#[test]
fn what_goes_wrong_is_found_out() {
    let mut follower = opened();
    follower.suffer(0);
    follower.suffer(6);
    follower.spoil();
}

/// A REST book of any kept version joins the stream that covers it, and no other.
#[test]
fn a_rest_book_repairs_a_broken_chain() {
    let mut follower = opened();
    for symbol in 0..8 {
        let seed = |follower: &mut Follower, back: u64| {
            let ladder = &follower.market.instruments[symbol].ladder;
            let frozen = ladder.at_id(ladder.id() - back).expect("a kept version");
            let body = rest_body(ladder, &frozen, DEPTH, false);
            let snapshot =
                follower.venue.snapshot(&follower.scope.symbols[symbol], body.as_bytes()).expect("a book");
            follower.books[symbol].snapshot(Stamp::default(), &snapshot).0
        };
        follower.change(symbol, Move::Ordinary);
        let before = follower.market.instruments[symbol].ladder.id();
        for n in 0..40 {
            let (_, text) = follower.told(symbol, if n == 20 { Move::Jump } else { Move::Ordinary });
            assert_eq!(follower.hear(&text).is_err(), n == 0, "one gap");
            assert!(!follower.is_live(symbol));
        }
        let now = follower.market.instruments[symbol].ladder.id();
        assert_eq!(now, before + 40);
        assert_eq!(seed(&mut follower, 41), Joined::TooOld, "what was lost is not in it");
        assert_eq!(seed(&mut follower, 25), Joined::Live);
        follower.judge(symbol);
        for _ in 0..5 {
            let (_, text) = follower.told(symbol, Move::Ordinary);
            follower.believe([&text]);
            follower.judge(symbol);
        }
    }
}

#[test]
fn signs_of_life_change_nothing_and_keep_the_chain() {
    let mut follower = opened();
    for _ in 0..3 {
        assert!((1..KEEP_ALIVE_BEATS).all(|_| follower.beat().is_empty()));
        let signs = follower.beat();
        assert_eq!(signs.len(), 8);
        for (symbol, text) in signs.iter().enumerate() {
            let id = follower.market.instruments[symbol].ladder.id();
            assert!(text.contains(r#""asks":[],"bids":[],"#));
            assert!(text.contains(&format!("\"prevSeqId\":{id},\"seqId\":{id}")));
            follower.believe([text]);
            follower.judge(symbol);
        }
        let (_, text) = follower.told(0, Move::Ordinary);
        follower.believe([&text]);
    }
    // After one that was lost they say so before the next change does.
    follower.change(3, Move::Ordinary);
    (1..KEEP_ALIVE_BEATS).for_each(|_| drop(follower.beat()));
    let signs = follower.beat();
    assert!(follower.hear(&signs[3]).is_err());
    assert!(!follower.is_live(3));
}

/// Vector V6 of the dossier, and the answers of section 2.
#[test]
fn every_argument_has_its_answer() {
    let mut follower = Follower::new(Face::Okx, SYMBOLS);
    let ask = r#"{"id":"1512","op":"subscribe","args":[{"channel":"books","instId":"BTC-USD"},{"channel":"books","instId":"NO-WHERE"},{"channel":"trades","instId":"ETH-USD"},{"channel":"books-l2-tbt","instId":"BTC-USD"}]}"#;
    let said = follower.say(ask);
    assert_eq!(said.len(), 5);
    assert_eq!(
        said[0],
        r#"{"id":"1512","event":"subscribe","arg":{"channel":"books","instId":"BTC-USD"},"connId":"a4d3ae55"}"#
    );
    assert!(
        said[1].starts_with(r#"{"arg":{"channel":"books","instId":"BTC-USD"},"action":"snapshot","data":[{"#)
    );
    assert!(said[1].contains(r#""checksum":0,"prevSeqId":-1,"#));
    let read = |text: &str| follower.venue.control(text);
    assert!(matches!(read(&said[2]), Control::Refused { symbol: Some(name), .. } if name == "NO-WHERE"));
    assert_eq!(read(&said[3]), Control::Ack { id: Some(1_512), granted: None });
    assert!(matches!(read(&said[4]), Control::Refused { .. }));
    assert!(follower.tongue.takes_books(0) && !follower.tongue.takes_books(1));

    let again = r#"{"op":"subscribe","args":[{"channel":"books","instId":"BTC-USD"}]}"#;
    let acks = follower.say(again);
    assert_eq!(acks.len(), 1, "a book is sent once");
    assert!(acks[0].starts_with(r#"{"event":"subscribe","#));
    let gone = follower.say(&again.replace("subscribe", "unsubscribe"));
    assert!(gone[0].starts_with(r#"{"event":"unsubscribe","arg":{"channel":"books","instId":"BTC-USD"}"#));
    assert!(!follower.tongue.takes_books(0));

    assert_eq!(follower.say("ping"), ["pong"]);
    for (bad, code) in [("pong", "60012"), (r#"{"op":"login"}"#, "60012"), (r#"{"op":"subscribe"}"#, "60013")]
    {
        let said = follower.say(bad);
        assert!(said[0].contains(code), "{said:?}");
        assert!(matches!(follower.venue.control(&said[0]), Control::Fatal { .. }));
    }
}

#[test]
fn notices_and_strangers_are_understood() {
    let mut follower = opened();
    let venue = follower.venue.clone();
    let notice = follower.with_scene(|tongue, scene| tongue.notice(scene)).expect("a notice");
    assert_eq!(venue.route(&notice, Handles::NONE), Route::Control);
    assert_eq!(venue.control(&notice), Control::Reconnect { within: Some(Duration::from_secs(60)) });
    let text = follower.with_scene(|tongue, scene| tongue.stranger(Extra::UnknownType, scene));
    assert_eq!(venue.route(&text, Handles::NONE), Route::Unknown);
    let text = follower.with_scene(|tongue, scene| tongue.stranger(Extra::UnknownSymbol, scene));
    assert!(matches!(venue.route(&text, Handles::NONE), Route::Data { symbol: "NO-WHERE", .. }));
    follower.takes_strangers("nowhere");
}

#[test]
fn calls_are_read_as_documented() {
    let head = |path: &str, query: &[(&str, &str)]| Head {
        method: "GET".to_owned(),
        path: path.to_owned(),
        query: query.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect(),
        headers: Vec::new(),
    };
    let books = "/api/v5/market/books";
    let call = |levels| Some(("BTC-USD".to_owned(), levels));
    for (path, query, want) in [
        (books, &[("instId", "BTC-USD"), ("sz", "400"), ("source", "0")][..], call(400)),
        (books, &[("instId", "BTC-USD")], call(1)),
        (books, &[("instId", "BTC-USD"), ("sz", "401")], None),
        (books, &[("instId", "BTC-USD"), ("sz", "x")], None),
        (books, &[("sz", "5")], None),
        ("/api/v5/market/books-full", &[("instId", "BTC-USD")], None),
    ] {
        assert_eq!(rest_call(&head(path, query)), want);
    }
    let follower = Follower::new(Face::Okx, SYMBOLS);
    let ladder = &follower.market.instruments[0].ladder;
    let frozen = ladder.at_id(ladder.id()).expect("now");
    let read =
        |crossed| follower.venue.snapshot("BTC-USD", rest_body(ladder, &frozen, 5, crossed).as_bytes());
    let (book, crossed) = (read(false).expect("a book"), read(true).expect("a book"));
    assert_eq!((book.sequence, book.bids.len(), book.asks.len()), (Some(ladder.id()), 5, 5));
    assert!(book.bids[0].price < book.asks[0].price && crossed.bids[0].price > crossed.asks[0].price);
}
