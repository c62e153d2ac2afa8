//! OKX: the dossier's vectors and a recording, through routing, decoder, book and checksum.

use super::{Rig, each_frame};
use depthd::engine::event::Side;
use depthd::engine::need::Joined;
use depthd::engine::state::{StaleReason, State};
use depthd::engine::sync::Gap;
use depthd::venue::okx::Okx;
use depthd::venue::profile::SequenceRule;
use depthd::venue::{Control, Venue};
use std::sync::Arc;
use std::time::Duration;

const SYMBOL: &str = "BTC-USDT";

fn rig() -> Rig {
    Rig::of(Arc::new(Okx))
}

/// `price:size` by spaces, as OKX writes levels.
fn levels(text: &str) -> String {
    let level = |pair: &str| {
        let (price, size) = pair.split_once(':').expect("a price and a size");
        format!(r#"["{price}","{size}","0","1"]"#)
    };
    let levels: Vec<String> = text.split_whitespace().map(level).collect();
    format!("[{}]", levels.join(","))
}

fn message(action: &str, bids: &str, asks: &str, rest: &str) -> String {
    let (bids, asks) = (levels(bids), levels(asks));
    format!(
        r#"{{"arg":{{"channel":"books","instId":"{SYMBOL}"}},"action":"{action}","data":[{{"asks":{asks},"bids":{bids},"ts":"1597026383085",{rest}}}]}}"#
    )
}

fn numbered(action: &str, bids: &str, asks: &str, (previous, number): (i64, u64)) -> String {
    let rest = format!(r#""checksum":0,"prevSeqId":{previous},"seqId":{number}"#);
    message(action, bids, asks, &rest)
}

fn summed(action: &str, bids: &str, asks: &str, checksum: i32) -> String {
    message(action, bids, asks, &format!(r#""checksum":{checksum}"#))
}

/// From before the numbers.
fn unnumbered() -> Rig {
    let mut rig = rig();
    rig.rules.sequence = SequenceRule::Unnumbered;
    rig
}

/// Vector V1 of the dossier: the documented strings.
#[test]
fn the_documented_checksums_match() {
    for (asks, sum) in [("3366.8:9 3368:8", -1_881_014_294), ("3366.8:9 3368:8 3372:8", 831_078_360)] {
        let bids = if sum < 0 { "3366.1:7 3366:6" } else { "3366.1:7" };
        let mut rig = unnumbered();
        rig.frame(&summed("snapshot", bids, asks, sum));
        assert_eq!((rig.checksums(), rig.live()), ((1, 0), 1), "{sum}");
        rig.frame(&summed("update", "", "", sum ^ 1));
        assert_eq!((rig.checksums(), rig.live()), ((2, 1), 0), "{sum}: one bit off");
        assert!(matches!(rig.gaps[..], [(_, Gap::Checksum { .. })]));
    }
}

/// Vector V2 of the dossier: a recorded book and its first two changes.
#[test]
fn the_recorded_checksums_match() {
    let bids = "30233.6:3 30219.4:104 30219.3:1520 30212.3:171 30209.8:5 30205.8:50 30204.1:1730 30202.1:30 30185.4:11 \
        30184:1537 30181.3:18 30181.2:19 30180.7:249 30168.9:20 30165.8:3078 30145.8:4770 30145.3:120 30133.2:12 \
        30130.3:1 30130.1:236 30129.9:442 30117.7:81 30117.6:369 30074.9:202 30074.6:373";
    let asks = "30238.8:2 30249.5:50 30249.6:29 30261.1:218 30261.5:215 30261.7:172 30264.5:11 30265.9:249 30268.4:40 \
        30280.8:97 30280.9:217 30283.1:120 30291.1:442 30316:81 30316.1:1 30323.1:373 30325:17 30371.7:202 30371.8:10 \
        30418.3:374 30426.3:508 30439.6:1539 30449.2:29 30464.9:202 30486.8:504";
    let mut rig = unnumbered();
    rig.frame(&summed("snapshot", bids, asks, 1_054_815_633));
    rig.frame(&summed("update", "30182.6:452", "30249.4:0 30261:4 30310.3:19", -914_047_754));
    rig.frame(&summed(
        "update",
        "30236.6:0 30233.6:0 30232.5:3 30219.6:222 30219.5:0 30219.4:0 30218.9:0 30217:214 30215.3:214 30209.8:5 \
         30193.9:24 30192.9:11 30185.4:0 30181.3:0",
        "30249.6:0 30261:97 30261.1:0 30261.2:28 30264.5:0 30265.8:0 30267.3:215 30268.4:0 30270.5:468 30273.7:11 \
         30275.1:33 30280.7:4",
        1_488_647_618,
    ));
    assert_eq!(rig.checksums(), (3, 0));
    assert!(rig.gaps.is_empty() && rig.state(SYMBOL).is_live());
}

/// Vector V3 of the dossier: numbers that rise, stand and fall in one chain, and then a break.
#[test]
fn the_chain_decides_whatever_the_numbers_do() {
    let mut rig = rig();
    rig.frame(&numbered("snapshot", "10:1", "11:1", (-1, 10)));
    for (step, numbers) in [(10, 15), (15, 15), (15, 3), (3, 5)].into_iter().enumerate() {
        let bids = if numbers.0 == 15 && numbers.1 == 15 { String::new() } else { format!("9:{}", step + 1) };
        rig.frame(&numbered("update", &bids, "", numbers));
        assert!(rig.state(SYMBOL).is_live() && rig.gaps.is_empty(), "{numbers:?}");
    }
    assert_eq!(rig.side(SYMBOL, Side::Bid), "10 1, 9 4");
    rig.frame(&numbered("update", "9:9", "", (9, 12)));
    assert!(matches!(rig.gaps[..], [(_, Gap::Missing { .. })]));
    assert!(matches!(rig.state(SYMBOL), State::Stale { reason: StaleReason::Gap, .. }));
    rig.frame(&numbered("snapshot", "8:1", "9:1", (-1, 20)));
    assert!(rig.state(SYMBOL).is_live(), "the restart's snapshot");
}

/// Vector V4 of the dossier: today's field is always zero, and is not compared with anything.
#[test]
fn a_checksum_of_zero_is_not_looked_at() {
    let mut rig = rig();
    rig.frame(&numbered("snapshot", "10:1", "11:1", (-1, 10)));
    rig.frame(&numbered("update", "10:2", "", (10, 11)));
    rig.frame(&message("update", "10:3", "", r#""prevSeqId":11,"seqId":12"#));
    assert_eq!(rig.checksums(), (0, 0));
    assert_eq!(rig.best(SYMBOL, Side::Bid).as_deref(), Some("10 3"));
    assert!(rig.state(SYMBOL).is_live() && rig.gaps.is_empty());
}

/// A change that names nothing before it is no part of a chain, least of all of one that stands at zero.
#[test]
fn a_change_without_a_predecessor_is_a_break() {
    let mut rig = rig();
    rig.frame(&numbered("snapshot", "10:1", "11:1", (-1, 0)));
    rig.frame(&message("update", "10:2", "", r#""seqId":1"#));
    assert_eq!(rig.gaps, [(SYMBOL.to_owned(), Gap::Unnumbered)]);
    assert_eq!(rig.live(), 0);
}

/// Hands the book of a REST answer to the rig's book.
fn seed(rig: &mut Rig, number: u64, bids: &str, asks: &str) -> Joined {
    let (bids, asks) = (levels(bids), levels(asks));
    let body = format!(
        r#"{{"code":"0","msg":"","data":[{{"asks":{asks},"bids":{bids},"ts":"1597026383085","seqId":{number}}}]}}"#
    );
    let snapshot = Okx.snapshot(SYMBOL, body.as_bytes()).expect("a book");
    let now = rig.stamp();
    rig.books.get_mut(SYMBOL).expect("a book").snapshot(now, &snapshot).0
}

/// Changes of vector V5, whose sizes say which of them were taken.
fn buffered(rig: &mut Rig) {
    rig.frame(&numbered("update", "9:103", "", (100, 103)));
    rig.frame(&numbered("update", "8:106", "", (103, 106)));
    rig.frame(&numbered("update", "7:108", "", (106, 108)));
}

/// Vector V5 of the dossier: a book seeded by REST after a break.
#[test]
fn rest_seeds_a_book_whose_chain_broke() {
    let mut rig = rig();
    rig.frame(&numbered("snapshot", "10:1", "11:1", (-1, 90)));
    buffered(&mut rig);
    assert_eq!((rig.live(), rig.gaps.len()), (0, 1), "90 is not what came before 103");
    assert_eq!(seed(&mut rig, 95, "10:5", "11:5"), Joined::TooOld, "ends before the changes begin");
    assert_eq!(rig.live(), 0);
    assert_eq!(seed(&mut rig, 104, "10:5 9:5", "11:5"), Joined::Live);
    // The change that ended at 103 is in the answer; the one that covers 104 and the one after it are not.
    assert_eq!(rig.side(SYMBOL, Side::Bid), "10 5, 9 5, 8 106, 7 108");
    rig.frame(&numbered("update", "10:0", "", (108, 110)));
    assert_eq!(rig.best(SYMBOL, Side::Bid).as_deref(), Some("9 5"));
    assert!(rig.state(SYMBOL).is_live());
    rig.frame(&numbered("update", "9:0", "", (111, 112)));
    assert_eq!((rig.live(), rig.gaps.len()), (0, 2), "the chain goes on to be followed");
}

/// Vector V5 once more, for the day on which the stream sends no snapshot: changes alone, until the book has waited for
/// one long enough, and then REST.
#[test]
fn rest_seeds_a_book_to_which_no_snapshot_came() {
    let mut rig = rig();
    rig.frame(&numbered("update", "9:1", "", (97, 99)));
    assert_eq!(seed(&mut rig, 99, "10:5", "11:5"), Joined::NotNeeded, "a snapshot may yet come");
    rig.now += Duration::from_secs(6).as_millis() as u64;
    rig.frame(&numbered("update", "9:1", "", (99, 100)));
    assert_eq!(rig.gaps, [(SYMBOL.to_owned(), Gap::NoSnapshot)]);
    buffered(&mut rig);
    assert_eq!(seed(&mut rig, 95, "10:5", "11:5"), Joined::TooOld);
    assert_eq!(seed(&mut rig, 104, "10:5 9:5", "11:5"), Joined::Live);
    assert_eq!(rig.side(SYMBOL, Side::Bid), "10 5, 9 5, 8 106, 7 108");
    assert!(rig.state(SYMBOL).is_live());
}

/// An answer newer than all that came may be of a count that has ended meanwhile: it is taken once the stream has come to it.
#[test]
fn a_rest_book_waits_for_the_change_that_covers_it() {
    let mut rig = rig();
    rig.frame(&numbered("snapshot", "10:1", "11:1", (-1, 90)));
    rig.frame(&numbered("update", "9:1", "", (103, 106)));
    assert_eq!(seed(&mut rig, 107, "10:5", "11:5"), Joined::TooOld);
    rig.frame(&numbered("update", "7:108", "", (106, 108)));
    assert_eq!(seed(&mut rig, 107, "10:5", "11:5"), Joined::Live);
    assert_eq!(rig.side(SYMBOL, Side::Bid), "10 5, 7 108");
}

/// The count falls while a book waits for REST: an answer of the count before is not joined to what comes after.
#[test]
fn a_count_that_falls_is_not_joined_across() {
    let mut rig = rig();
    rig.frame(&numbered("snapshot", "10:1", "11:1", (-1, 90)));
    for (previous, to) in [(100, 103), (103, 3), (3, 5)] {
        rig.frame(&numbered("update", "9:1", "", (previous, to)));
    }
    for old in [101, 103, 104] {
        assert_eq!(seed(&mut rig, old, "10:5", "11:5"), Joined::TooOld, "{old}");
    }
    assert_eq!(seed(&mut rig, 4, "10:5", "11:5"), Joined::Live);
    rig.frame(&numbered("update", "8:1", "", (5, 2)));
    rig.frame(&numbered("update", "7:1", "", (2, 7)));
    assert!(rig.state(SYMBOL).is_live(), "a live book follows a count that falls");
    assert_eq!(rig.side(SYMBOL, Side::Bid), "10 5, 9 1, 8 1, 7 1");
}

/// A crossed book is the venue's own before an opening.
#[test]
fn a_crossed_book_is_shown() {
    let mut rig = rig();
    rig.frame(&numbered("snapshot", "12:1", "11:1", (-1, 10)));
    assert!(rig.state(SYMBOL).is_live());
}

/// Vector V6 of the dossier.
#[test]
fn the_connection_speaks_for_itself() {
    let mut rig = rig();
    let notice = "The connection will soon be closed for a service upgrade. Please reconnect.";
    let unknown = "Wrong URL or channel:books,instId:BTC-USDX doesn't exist.";
    rig.frame("pong");
    rig.frame(&format!(r#"{{"event":"notice","code":"64008","msg":"{notice}","connId":"a4d3ae55"}}"#));
    rig.frame(&format!(r#"{{"event":"error","code":"60018","msg":"{unknown}","connId":"a4d3ae55"}}"#));
    assert_eq!(
        rig.controls,
        [
            Control::Heartbeat,
            Control::Reconnect { within: Some(Duration::from_secs(60)) },
            Control::Refused { symbol: Some("BTC-USDX".to_owned()), message: unknown.to_owned() },
        ]
    );
}

/// Recorded on 2022-05-13, when checksums were filled in and numbers not yet there.
#[test]
fn every_checksum_of_the_recording_matches() {
    let mut rig = unnumbered();
    if !each_frame("OKX.ws.1.0.gz", |frame| rig.frame(frame)) {
        return;
    }
    let (made, differed) = rig.checksums();
    println!("OKX.ws.1.0.gz: {made} checksums, {differed} differ, {} gaps; {:?}", rig.gaps.len(), rig.tally);
    assert_eq!((made, differed), (290, 0));
    assert!(rig.gaps.is_empty());
    assert_eq!((rig.books.len(), rig.live()), (3, 3));
    let count = |what: &str| rig.tally.get(what).copied().unwrap_or(0);
    assert_eq!((count("book"), count("trade"), count("unknown"), count("control")), (290, 74, 28, 18));
    let acks = rig.controls.iter().filter(|control| matches!(control, Control::Ack { .. }));
    assert_eq!(acks.count(), 18, "one to each thing asked for, each time");
}
