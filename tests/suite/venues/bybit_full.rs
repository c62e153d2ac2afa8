//! Bybit's whole books: vectors V6 and V3 of the dossier through routing, decoders and book.

use super::Rig;
use depthd::engine::event::Side;
use depthd::engine::need::Joined;
use depthd::engine::sync::Gap;
use depthd::venue::Venue;
use depthd::venue::bybit::Bybit;
use std::sync::Arc;

const SYMBOL: &str = "BTCUSDT";

/// A change of one bid, whose size says which one it was. `second`: when it was made.
fn change_at(second: u64, update: u64, cross: u64, price: u64) -> String {
    format!(
        r#"{{"topic":"orderbook.full.BTCUSDT","ts":1786540345149,"type":"delta","data":{{"s":"BTCUSDT","b":[["{price}","{update}"]],"a":[],"u":{update},"seq":{cross}}},"cts":17865403451{second:02}}}"#
    )
}

fn change(update: u64, cross: u64, price: u64) -> String {
    change_at(update % 100, update, cross, price)
}

/// A subscribed book that REST has not answered for yet.
fn waiting(changes: &[(u64, u64)]) -> Rig {
    let mut rig = Rig::of(Arc::new(Bybit::Full));
    for (price, &(update, cross)) in (1..).zip(changes) {
        rig.frame(&change(update, cross, price));
    }
    assert_eq!(rig.live(), 0);
    rig
}

/// Hands the book of a REST answer to the rig's book.
fn seed(rig: &mut Rig, update: u64, cross: u64) -> Joined {
    let body = format!(
        r#"{{"retCode":0,"retMsg":"OK","result":{{"s":"BTCUSDT","b":[["9","7"]],"a":[["11","7"]],"ts":1786540345150,"u":{update},"seq":{cross},"cts":1786540345100}},"retExtInfo":{{}},"time":1786540345151}}"#
    );
    let snapshot = Bybit::Full.snapshot(SYMBOL, body.as_bytes()).expect("a book");
    let now = rig.stamp();
    rig.books.get_mut(SYMBOL).expect("a book").snapshot(now, &snapshot).0
}

/// The changes of vector V6.
const BUFFERED: [(u64, u64); 4] = [(100, 900), (101, 905), (102, 905), (103, 911)];

/// Vector V6 of the dossier: an answer joins where both of its numbers are those of one change.
#[test]
fn v6_both_numbers_join_the_answer_to_the_changes() {
    let mut rig = waiting(&BUFFERED);
    assert_eq!(seed(&mut rig, 101, 905), Joined::Live);
    // 100 and 101 are in it; 102 has the same second number and is not.
    assert_eq!(rig.side(SYMBOL, Side::Bid), "9 7, 4 103, 3 102");
    rig.frame(&change(104, 911, 5));
    assert_eq!(rig.side(SYMBOL, Side::Bid), "9 7, 5 104, 4 103, 3 102");
    assert!(rig.state(SYMBOL).is_live() && rig.gaps.is_empty());
    rig.frame(&change(104, 911, 6));
    assert_eq!(rig.best(SYMBOL, Side::Bid).as_deref(), Some("9 7"), "known already");
    rig.frame(&change(106, 912, 6));
    assert_eq!(rig.gaps, [(SYMBOL.to_owned(), Gap::Missing { expected: 105, got: 106 })]);
    assert_eq!(rig.live(), 0);
}

/// The other answers of vector V6, and more of their kinds: they are of another count, or nobody knows of which.
#[test]
fn v6_an_answer_whose_numbers_disagree_is_asked_for_again() {
    for (update, cross, why) in [
        (99, 890, "older than all that came"),
        (104, 905, "the second number is there, with others"),
        (100, 905, "the same, and the number is there too"),
        (101, 906, "a later one than that of the next change"),
        (102, 900, "the second number is an earlier one's"),
        (50, 905, "an earlier number"),
        (104, 910, "ahead by the number and not by the other"),
        (103, 912, "the number is there, with another"),
    ] {
        let mut rig = waiting(&BUFFERED);
        assert_eq!(
            (seed(&mut rig, update, cross), rig.live()),
            (Joined::TooOld, 0),
            "({update}, {cross}): {why}"
        );
        assert_eq!(seed(&mut rig, 102, 905), Joined::Live, "the next answer is judged for itself");
    }
}

/// Vector V3 of the dossier: on the full topic number one is no book, and the one there was is dropped.
#[test]
fn v3_a_restart_of_the_service_drops_the_book() {
    let mut rig = waiting(&[(177_400_507, 900)]);
    assert_eq!(seed(&mut rig, 177_400_507, 900), Joined::Live);
    // Right behind an answer of REST no time of the stream's tells it from an old change; the second number does.
    rig.frame(&change_at(0, 1, 901, 5));
    let gap = Gap::Restart { expected: 177_400_508, got: 1 };
    assert_eq!((rig.gaps.as_slice(), rig.live()), (&[(SYMBOL.to_owned(), gap)][..], 0));
    rig.frame(&change_at(0, 2, 903, 6));
    assert_eq!(seed(&mut rig, 177_400_508, 900), Joined::TooOld, "the book of before");
    assert_eq!(seed(&mut rig, 1, 901), Joined::Live);
    assert_eq!(rig.side(SYMBOL, Side::Bid), "9 7, 6 2");
}

/// The next number with a smaller second one is of no order that there is.
#[test]
fn a_second_number_that_falls_is_a_break() {
    let mut rig = waiting(&[(100, 900)]);
    assert_eq!(seed(&mut rig, 100, 900), Joined::Live);
    rig.frame(&change(101, 899, 5));
    assert_eq!((rig.gaps.len(), rig.live()), (1, 0));
    // While it waits, too: the run begins anew.
    rig.frame(&change(102, 898, 5));
    assert_eq!(seed(&mut rig, 101, 899), Joined::TooOld);
    assert_eq!(seed(&mut rig, 102, 898), Joined::Live);
}
