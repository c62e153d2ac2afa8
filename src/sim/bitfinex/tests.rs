//! The face against the daemon's own venue, and its answers word for word.

use super::*;
use crate::sim::config::Face;
use crate::sim::market::Move;
use crate::sim::trial::Trial;
use crate::venue::Control;

fn new(symbols: usize) -> Trial {
    Trial::new(Face::Bitfinex, "/ws/2", symbols)
}

fn opened(symbols: usize) -> Trial {
    Trial::opened(Face::Bitfinex, "/ws/2", symbols)
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

/// All listed symbols, most of them deeper than what is subscribed to.
#[test]
fn the_daemon_follows_it_exactly() {
    let mut trial = opened(8);
    (0..8).for_each(|symbol| trial.compare(symbol));
    let told = trial.run(3_000);
    assert!(told > 2_500, "{told}");
    (0..8).for_each(|symbol| trial.compare(symbol));
    let sums = trial.books.values().map(|book| book.sync.checksums());
    let (made, differed) = sums.fold((0, 0), |(m, d), sum| (m + sum.made, d + sum.differed));
    assert!(made > 400 && differed == 0, "{made} {differed}");
    assert!(trial.tally["trades"] > 300, "{:?}", trial.tally);
    assert_eq!(trial.holes, 0);
    (0..8).for_each(|symbol| trial.restart(symbol));
    for _ in 0..3 {
        trial.beat().iter().for_each(|text| trial.hear(text));
    }
    trial.run(100);
    assert_eq!(trial.holes, 0);
}

#[test]
fn what_is_spoiled_is_refused() {
    opened(8).refuses_what_is_spoiled();
}

/// What is lost with its number shows with the next array, whichever it is.
#[test]
fn everything_that_is_lost_shows() {
    let mut trial = opened(2);
    for holes in 1..20 {
        let (_, texts, at) = trial.step(0, Move::Ordinary);
        let Some(at) = at else {
            texts.iter().for_each(|text| trial.hear(text));
            continue;
        };
        trial.holes = 0;
        let left = texts.iter().enumerate().filter(|&(n, _)| n != at).map(|(_, text)| text.clone());
        left.chain(trial.beat()).for_each(|text| {
            let _ = trial.take(&text);
        });
        assert_eq!(trial.holes, 1, "{holes}");
        trial.restart(0);
    }
}

/// Between the frames of a change there is no version, and no moment that one is dated.
#[test]
fn only_the_last_frame_of_a_change_has_its_time() {
    let mut trial = opened(2);
    let mut several = 0;
    for _ in 0..200 {
        let (change, texts, at) = trial.step(0, Move::Ordinary);
        let millis = change.time.nanos() / MILLI;
        assert_eq!(millis % 2, 0);
        for (n, text) in texts.iter().enumerate() {
            let time = json(text).as_array().and_then(|items| items.last().cloned());
            let ahead = at.is_some_and(|at| n < at);
            several += i32::from(ahead);
            assert_eq!(time, Some(json!(millis - i64::from(ahead))), "{text}");
        }
    }
    assert!(several > 50);
}

#[test]
fn streams_are_asked_for_one_by_one() {
    let mut trial = new(14);
    let ask = |channel: &str, symbol: &str| {
        json!({"event": "subscribe", "channel": channel, "symbol": symbol, "len": "25", "subId": 7})
            .to_string()
    };
    let said = trial.say(&ask("book", "tBTCUSD"));
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
    let conf = trial.say(r#"{"event":"conf","flags":98304}"#);
    assert_eq!(json(&conf[0]), json!({"event": "conf", "status": "OK", "flags": 98_304}));
    let said = trial.say(&ask("trades", "tBTCUSD"));
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
        let said = trial.say(&text);
        assert_eq!((said.len(), &json(&said[0])["code"]), (1, &json!(code)), "{text}");
    }
    let names = trial.scope.symbols.clone();
    for name in &names[1..] {
        trial.say(&ask("book", name));
        trial.say(&ask("trades", name));
    }
    let full = trial.say(&ask("trades", &names[13]));
    assert_eq!(json(&full[0])["code"], 10_305);
    assert_eq!(trial.beat().len(), STREAMS_MAX);
    let left = trial.say(r#"{"event":"unsubscribe","chanId":204928}"#);
    assert_eq!(json(&left[0]), json!({"event": "unsubscribed", "status": "OK", "chanId": 204_928}));
    assert!(!trial.tongue.takes_books(0));
    let pong = trial.say(r#"{"event":"ping","cid":1234}"#);
    assert_eq!(json(&pong[0]), json!({"event": "pong", "ts": 1_700_000_000_000_i64, "cid": 1234}));
}

#[test]
fn the_daemon_understands_all_that_is_not_data() {
    let mut trial = opened(2);
    let bound = trial.controls.iter().filter(|control| matches!(control, Control::Bound { .. })).count();
    assert_eq!((bound, trial.controls.len()), (4, 6), "{:?}", trial.controls);
    let refused = trial.say(r#"{"event":"subscribe","channel":"book","symbol":"tNO"}"#);
    trial.hear(&refused[0]);
    assert!(
        matches!(trial.controls.last(), Some(Control::Refused { symbol: Some(name), .. }) if name == "tNO")
    );
    trial.beat().iter().for_each(|text| trial.hear(text));
    assert_eq!(trial.controls.last(), Some(&Control::Heartbeat));
}

#[test]
fn strangers_are_numbered_and_change_nothing() {
    let mut trial = opened(2);
    let known = trial.tally.get("unknown").copied().unwrap_or(0);
    for extra in [Extra::UnknownType, Extra::UnknownSymbol] {
        let text = trial.stranger(extra);
        trial.hear(&text);
    }
    assert_eq!(trial.tally["unknown"], known + 2);
    trial.run(50);
    assert_eq!(trial.holes, 0);
}
