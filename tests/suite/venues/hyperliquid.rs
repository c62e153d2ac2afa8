//! Hyperliquid: the vectors of its dossier through routing, decoder and book.

use super::Rig;
use depthd::engine::event::Side::{Ask, Bid};
use depthd::engine::event::{Decoded, TakerSide};
use depthd::engine::state::StaleReason;
use depthd::engine::time::{Mono, Stamp, Wall};
use depthd::venue::handles::Handles;
use depthd::venue::hyperliquid::Hyperliquid;
use depthd::venue::{Control, Route, Venue};
use std::sync::Arc;

fn rig() -> Rig {
    Rig::of(Arc::new(Hyperliquid))
}

fn side(levels: &[&str]) -> String {
    let level = |level: &&str| {
        let (price, size) = level.split_once(' ').expect("a price and a size");
        format!(r#"{{"px":"{price}","sz":"{size}","n":1}}"#)
    };
    levels.iter().map(level).collect::<Vec<_>>().join(",")
}

fn book(coin: &str, time: u64, bids: &[&str], asks: &[&str]) -> String {
    let (bids, asks) = (side(bids), side(asks));
    format!(r#"{{"channel":"l2Book","data":{{"coin":"{coin}","time":{time},"levels":[[{bids}],[{asks}]]}}}}"#)
}

const RECORDED: ([&str; 3], [&str; 3]) = (
    ["110427.0 4.11882", "110426.0 0.31694", "110425.0 1.30796"],
    ["110428.0 3.72573", "110430.0 0.03586", "110431.0 1.35809"],
);

/// Vector V1 of the dossier.
#[test]
fn a_recorded_book_is_shown_as_it_was() {
    let mut rig = rig();
    rig.frame(&book("BTC", 1_761_786_491_067, &RECORDED.0, &RECORDED.1));
    assert_eq!(rig.best("BTC", Bid).as_deref(), Some("110427 4.11882"));
    assert_eq!(rig.best("BTC", Ask).as_deref(), Some("110428 3.72573"));
    assert_eq!(rig.side("BTC", Ask), "110428 3.72573, 110430 0.03586, 110431 1.35809");
    assert!(rig.state("BTC").is_live());
}

/// Vector V2 of the dossier: nothing of the message before is left.
#[test]
fn each_message_replaces_the_whole_book() {
    let mut rig = rig();
    rig.frame(&book("kPEPE", 1, &RECORDED.0, &RECORDED.1));
    rig.frame(&book("kPEPE", 2, &["0.0101 5"], &["0.0102 6", "0.0103 7"]));
    assert_eq!(rig.side("kPEPE", Bid), "0.0101 5");
    assert_eq!(rig.side("kPEPE", Ask), "0.0102 6, 0.0103 7");
    rig.frame(&book("kPEPE", 3, &[], &["0.0102 6"]));
    assert_eq!(rig.side("kPEPE", Bid), "");
    assert!(rig.state("kPEPE").is_live());
    assert_eq!(rig.gaps, []);
}

/// Whatever went wrong, the next message is a whole book again.
#[test]
fn a_lost_message_is_mended_by_the_next() {
    let mut rig = rig();
    rig.frame(&book("@142", 1, &["1 1"], &["2 1"]));
    let now = Stamp { mono: Mono::from_nanos(1), wall: Wall::from_nanos(1) };
    rig.books.values_mut().for_each(|book| book.lost(now, StaleReason::Decode));
    assert!(!rig.state("@142").is_live());
    rig.frame(&book("@142", 2, &["1 2"], &["2 2"]));
    assert!(rig.state("@142").is_live());
    assert_eq!(rig.side("@142", Bid), "1 2");
}

/// Twenty levels a side are what there is to know: the book is complete to its last level and no further.
#[test]
fn a_full_message_is_a_book_of_twenty_levels() {
    let prices = |from: i32, step: i32| (0..20).map(move |n| format!("{} 1", from + n * step));
    let (bids, asks): (Vec<_>, Vec<_>) = (prices(1_000, -1).collect(), prices(1_001, 1).collect());
    let (bids, asks): (Vec<&str>, Vec<&str>) =
        (bids.iter().map(String::as_str).collect(), asks.iter().map(String::as_str).collect());
    let mut rig = rig();
    rig.frame(&book("xyz:NVDA", 1, &bids, &asks));
    let shown = rig.book("xyz:NVDA").sync.book();
    assert_eq!((shown.len(Bid), shown.len_to_edge(Bid)), (20, Some(20)));
    rig.frame(&book("xyz:NVDA", 2, &bids[..3], &asks));
    let shown = rig.book("xyz:NVDA").sync.book();
    assert_eq!((shown.len(Bid), shown.len_to_edge(Bid), shown.len_to_edge(Ask)), (3, None, Some(20)));
}

/// Vector V3 of the dossier.
#[test]
fn recorded_trades_reach_the_tape() {
    let trade = |side: &str, px: &str, sz: &str, time: u64, hash: &str, tid: &str| {
        format!(
            r#"{{"coin":"BTC","side":"{side}","px":"{px}","sz":"{sz}","time":{time},"hash":"{hash}","tid":{tid},"users":["0x1","0x2"]}}"#
        )
    };
    let zeros = format!("0x{}", "0".repeat(64));
    let trades = [
        trade("B", "64097.0", "0.00033", 1_786_539_552_700, "0x289c", "\"604438142537043\""),
        trade("A", "64096.0", "0.00023", 1_786_539_553_004, &zeros, "153378402400855"),
    ];
    let mut rig = rig();
    rig.frame(&format!(r#"{{"channel":"trades","data":[{}]}}"#, trades.join(",")));
    let tape: Vec<_> =
        rig.book("BTC").trades(10).iter().map(|t| (t.id.as_str().to_owned(), t.taker)).collect();
    assert_eq!(
        tape,
        [("604438142537043".to_owned(), TakerSide::Buy), ("153378402400855".to_owned(), TakerSide::Sell)]
    );
}

/// Vector V6 of the dossier, and the text that is no JSON.
#[test]
fn control_frames_are_told_apart() {
    let mut rig = rig();
    rig.frame("Websocket connection established.");
    rig.frame(r#"{"channel":"subscriptionResponse","data":{"method":"subscribe","subscription":{"type":"l2Book","coin":"BTC"}}}"#);
    rig.frame(r#"{"channel":"pong"}"#);
    let want = [Control::Other, Control::Ack { id: None, granted: None }, Control::Heartbeat];
    assert_eq!(rig.controls, want);
    assert_eq!(Hyperliquid.ping(1).as_deref(), Some(r#"{"method":"ping"}"#));
}

#[test]
fn hostile_frames_are_refused_quietly() {
    let deep = "{\"data\":".repeat(100_000);
    for frame in [
        "",
        "null",
        r#"{"channel":"l2Book","data":{"coin":"A","time":1e99,"levels":[[],[]]}}"#,
        r#"{"channel":"l2Book","data":{"coin":"A","levels":{}}}"#,
        r#"{"channel":"trades","data":[{"coin":"A","tid":-1}]}"#,
        r#"{"channel":"bbo","data":{"coin":"A","bbo":[1,2]}}"#,
        &deep,
    ] {
        let _ = Hyperliquid.control(frame);
        let _ = Hyperliquid.parts(frame, &mut |_, _, _| {});
        if let Route::Data { channel, .. } = Hyperliquid.route(frame, Handles::NONE) {
            assert!(Hyperliquid.decode(channel, frame, &mut Decoded::default()).is_err(), "{frame}");
        }
    }
}
