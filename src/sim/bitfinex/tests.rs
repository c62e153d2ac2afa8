//! The face against the daemon's own venue, and its answers word for word.

use super::*;
use crate::sim::config::Face;
use crate::sim::follow::{Follower, json};
use crate::sim::market::Move;
use crate::venue::Control;

fn new(symbols: usize) -> Follower {
    Follower::new(Face::Bitfinex, symbols)
}

fn opened(symbols: usize) -> Follower {
    Follower::opened(Face::Bitfinex, symbols)
}

/// All listed symbols, most of them deeper than what is subscribed to.
#[test]
fn the_daemon_follows_it_exactly() {
    let mut follower = opened(8);
    let (told, dated) = follower.run(3_000);
    assert!(told > 2_500 && dated == told, "{told} {dated}");
    let sums = follower.books.iter().map(|book| book.sync.checksums());
    let (made, differed) = sums.fold((0, 0), |(m, d), sum| (m + sum.made, d + sum.differed));
    assert!(made > 400 && differed == 0, "{made} {differed}");
    assert!(follower.heard("trades") > 300, "{}", follower.heard("trades"));
    assert_eq!(follower.holes, 0);
    (0..8).for_each(|symbol| follower.restart(symbol));
    for _ in 0..3 {
        let beat = follower.beat();
        follower.believe(&beat);
    }
    follower.run(100);
    assert_eq!(follower.holes, 0);
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

/// What is lost with its number shows with the next array, whichever it is.
#[test]
fn everything_that_is_lost_shows() {
    let mut follower = opened(2);
    for holes in 1..20 {
        let (told, _) = follower.told(0, Move::Ordinary);
        let left: Vec<String> = told.ahead.into_iter().chain(told.others).chain(follower.beat()).collect();
        let refused = left.iter().filter(|text| follower.hear(text).is_err()).count();
        assert!(refused > 0 && follower.holes == holes, "{holes}");
        follower.restart(0);
    }
    follower.suffer(0);
    follower.suffer(1);
}

/// Between the frames of a change there is no version, and no moment that one is dated.
#[test]
fn only_the_last_frame_of_a_change_has_its_time() {
    let mut follower = opened(2);
    let mut several = 0;
    for _ in 0..200 {
        let told = follower.change(0, Move::Ordinary);
        let millis = told.change.time.nanos() / MILLI;
        assert_eq!(millis % 2, 0);
        for (n, text) in told.texts().enumerate() {
            let time = json(text).as_array().and_then(|items| items.last().cloned());
            let ahead = n < told.ahead.len();
            several += i32::from(ahead);
            assert_eq!(time, Some(json!(millis - i64::from(ahead))), "{text}");
        }
    }
    assert!(several > 50);
}

#[test]
fn streams_are_asked_for_one_by_one() {
    let mut follower = new(14);
    let ask = |channel: &str, symbol: &str| {
        json!({"event": "subscribe", "channel": channel, "symbol": symbol, "len": "25", "subId": 7})
            .to_string()
    };
    let said = follower.say(&ask("book", "tBTCUSD"));
    assert_eq!(
        json(&said[0]),
        json!({"event": "subscribed", "channel": "book", "chanId": 204_928, "symbol": "tBTCUSD", "prec": "P0", "freq": "F0",
               "len": "25", "subId": 7, "pair": "BTCUSD"})
    );
    let book = json(&said[1]);
    assert_eq!(
        (book[1].as_array().map(Vec::len), book.as_array().map(Vec::len)),
        (Some(50), Some(2)),
        "no flags"
    );
    let conf = follower.say(r#"{"event":"conf","flags":98304}"#);
    assert_eq!(json(&conf[0]), json!({"event": "conf", "status": "OK", "flags": 98_304}));
    let said = follower.say(&ask("trades", "tBTCUSD"));
    let first = json(&said[1]);
    assert_eq!((&first[0], &first[2]), (&json!(204_935), &json!(1)), "the first number");
    for (text, code) in [
        (ask("book", "tBTCUSD"), 10_301),
        (ask("book", "tNOWHERE:USD"), 10_300),
        (ask("status", "tBTCUSD"), 10_302),
        (ask("book", "tETHUSD").replace("\"25\"", "\"30\""), 10_012),
        (ask("book", "tETHUSD").replace("\"len\"", "\"prec\""), 10_011),
        (r#"{"event":"unsubscribe","chanId":5}"#.to_owned(), 10_400),
        (r#"{"event":"dance"}"#.to_owned(), 10_000),
        (r#"{"event":"conf"}"#.to_owned(), 10_000),
        ("{".to_owned(), 10_000),
    ] {
        let said = follower.say(&text);
        assert_eq!((said.len(), &json(&said[0])["code"]), (1, &json!(code)), "{text}");
    }
    let names = follower.scope.symbols.clone();
    for name in &names[1..] {
        follower.say(&ask("book", name));
        follower.say(&ask("trades", name));
    }
    let full = follower.say(&ask("trades", &names[13]));
    assert_eq!(json(&full[0])["code"], 10_305);
    assert_eq!(follower.beat().len(), STREAMS_MAX);
    let left = follower.say(r#"{"event":"unsubscribe","chanId":204928}"#);
    assert_eq!(json(&left[0]), json!({"event": "unsubscribed", "status": "OK", "chanId": 204_928}));
    assert!(!follower.tongue.takes_books(0));
    let pong = follower.say(r#"{"event":"ping","cid":1234}"#);
    assert_eq!(json(&pong[0]), json!({"event": "pong", "ts": 1_700_000_000_000_i64, "cid": 1234}));
}

#[test]
fn the_daemon_understands_all_that_is_not_data() {
    let mut follower = opened(2);
    let bound = follower.controls.iter().filter(|control| matches!(control, Control::Bound { .. })).count();
    assert_eq!((bound, follower.controls.len()), (4, 6), "{:?}", follower.controls);
    let refused = follower.say(r#"{"event":"subscribe","channel":"book","symbol":"tNO"}"#);
    follower.believe(&refused[..1]);
    assert!(
        matches!(follower.controls.last(), Some(Control::Refused { symbol: Some(name), .. }) if name == "tNO")
    );
    let beat = follower.beat();
    follower.believe(&beat);
    assert_eq!(follower.controls.last(), Some(&Control::Heartbeat));
}

#[test]
fn strangers_are_numbered_and_change_nothing() {
    // A number that stands for no symbol: what it carries is not even looked at.
    opened(2).takes_strangers("unknown");
}
