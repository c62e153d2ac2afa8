//! Books numbered by the market and joined by number.

use super::*;
use depthd::engine::book::BookFault;

/// binance.md V1, NKNUSDT with its bodies: a real capture in which the snapshot ends exactly on an event boundary.
#[test]
fn binance_first_event_starts_right_after_the_snapshot() {
    let mut b = Bench::opened(BINANCE);
    assert_eq!((b.sync.state(), b.sync.need()), (State::Syncing, Need::First));
    let first = b.range(499_869_750, 499_869_752, "0.35130000 6195, 0.34750000 5548, 0.34640000 6222", "");
    assert_eq!(first.disposition, BUFFERED);
    b.range(499_869_753, 499_869_754, "0.35170000 4265.00000000", "0.35290000 10968.00000000");
    b.range(499_869_755, 499_869_757, "0.35200000 1290, 0.34730000 106, 0.34690000 14009", "");
    let snapshot = snapshot(
        Some(499_869_752),
        None,
        "0.35210000 672, 0.35200000 1144, 0.35190000 3260",
        "0.35250000 3959, 0.35260000 3199",
        1_000,
    );
    assert_eq!(b.join(&snapshot), Joined::Live);
    b.shows(
        "0.3521 672, 0.352 1290, 0.3519 3260, 0.3517 4265, 0.3473 106, 0.3469 14009",
        "0.3525 3959, 0.3526 3199, 0.3529 10968",
    );
    assert_eq!((b.sync.sequence(), b.sync.need()), (Some(499_869_757), Need::Nothing));
    assert_eq!((b.sync.counts().applied, b.discarded(Discard::Superseded)), (2, 1));
    assert_eq!(b.range(499_869_758, 499_869_759, "", "0.3525 1").disposition, APPLIED);
}

/// binance.md V1, the other symbols: how many queued events are older than the snapshot, and where the book ends.
#[test]
fn binance_bridge_table() {
    for (at, events, older) in [
        (
            281_916_627,
            &[(281_916_627, 281_916_627), (281_916_628, 281_916_628), (281_916_629, 281_916_629)][..],
            1,
        ),
        (
            259_345_543,
            &[
                (259_345_536, 259_345_539),
                (259_345_540, 259_345_543),
                (259_345_544, 259_345_545),
                (259_345_546, 259_345_546),
            ],
            2,
        ),
        (15_602_511, &[(15_602_510, 15_602_511), (15_602_512, 15_602_513)], 1),
    ] {
        let mut b = Bench::opened(BINANCE);
        for &(first, last) in events {
            assert_eq!(b.range(first, last, "1 1", "").disposition, BUFFERED);
        }
        assert_eq!(b.join(&snapshot(Some(at), None, "1 2", "2 1", 1_000)), Joined::Live, "{at}");
        assert_eq!(b.discarded(Discard::Superseded), older, "{at}");
        assert_eq!(b.sync.sequence(), events.last().map(|event| event.1));
        b.shows("1 1", "2 1");
    }
}

/// binance.md V2.
#[test]
fn binance_gap_overlap_and_old_events() {
    let live = || {
        let mut b = Bench::opened(BINANCE);
        assert_eq!(b.join(&snapshot(Some(160), None, "1 1", "2 1", 1_000)), Joined::Live);
        b
    };
    let mut b = live();
    let outcome = b.range(162, 170, "1 9", "");
    assert_eq!(outcome.gap, Some(Gap::Missing { expected: 161, got: 162 }));
    assert_eq!((outcome.disposition, outcome.changed), (BUFFERED, true));
    b.is_stale(StaleReason::Gap);
    b.shows("1 1", "2 1");
    assert_eq!(b.sync.need(), Need::Repair(StaleReason::Gap));

    assert_eq!(live().range(161, 161, "", "").disposition, APPLIED);
    assert_eq!(live().range(150, 159, "", "").disposition, Disposition::Duplicate);
    assert_eq!(live().range(150, 160, "", "").disposition, Disposition::Duplicate);
    assert_eq!(live().range(150, 161, "", "").disposition, APPLIED);

    for (at, joined) in [(156, Joined::TooOld), (157, Joined::Live), (169, Joined::Live), (500, Joined::Live)]
    {
        let mut b = Bench::opened(BINANCE);
        b.range(158, 170, "1 9", "");
        assert_eq!(b.join(&snapshot(Some(at), None, "1 1", "2 1", 1_000)), joined, "{at}");
        assert_eq!(b.sync.state().is_live(), joined == Joined::Live);
        let buffered = u64::from(joined == Joined::TooOld);
        assert_eq!(b.sync.counts().buffered, buffered, "a snapshot that is too old leaves the window");
    }
}

#[test]
fn a_snapshot_newer_than_the_stream_waits_for_the_stream() {
    let mut b = Bench::opened(BINANCE);
    b.range(10, 12, "1 9", "");
    assert_eq!(b.join(&snapshot(Some(20), None, "1 1", "2 1", 1_000)), Joined::Live);
    assert_eq!(b.range(13, 18, "1 7", "").disposition, Disposition::Duplicate);
    assert_eq!(b.range(19, 21, "1 8", "").disposition, APPLIED, "an event the snapshot fell into");
    b.shows("1 8", "2 1");
    assert_eq!(b.range(23, 23, "1 8", "").gap, Some(Gap::Missing { expected: 22, got: 23 }));
}

#[test]
fn old_numbers_at_a_newer_time_are_a_restart_and_not_a_repetition() {
    let mut b = Bench::opened(BINANCE);
    b.join(&snapshot(Some(100), None, "1 1", "2 1", 1_000));
    b.range(101, 110, "1 2", "");
    let span = Span { first: 5, last: 6, previous: None };
    assert_eq!(b.send(BookKind::Delta, Some(span), 110, "1 3", "").disposition, Disposition::Duplicate);
    let outcome = b.send(BookKind::Delta, Some(span), 111, "1 3", "");
    assert_eq!(outcome.gap, Some(Gap::Restart { expected: 111, got: 5 }));
    assert_eq!(b.join(&snapshot(Some(5), None, "1 1", "2 1", 1_000)), Joined::Live);
    b.shows("1 3", "2 1");
}

#[test]
fn unusable_snapshots_change_nothing() {
    let mut b = Bench::opened(BINANCE);
    b.range(10, 12, "1 9", "");
    for (bids, asks) in
        [("3 1", "2 1"), ("2 1", "2 1"), ("1 1, 1.0 2", "2 1"), ("0 1", "2 1"), ("1 -1", "2 1"), ("", "")]
    {
        assert_eq!(b.join(&snapshot(Some(12), None, bids, asks, 5)), Joined::Unusable, "{bids} / {asks}");
    }
    assert_eq!(b.join(&snapshot(None, Some(99), "1 1", "2 1", 5)), Joined::Unusable);
    assert_eq!((b.sync.counts().buffered, b.sync.need()), (1, Need::First));
    b.shows("", "");
    assert_eq!(b.join(&snapshot(Some(12), None, "1 1", "2 1", 5)), Joined::Live);
    assert_eq!(b.join(&snapshot(Some(12), None, "1 1", "2 1", 5)), Joined::NotNeeded);
}

#[test]
fn a_live_book_ends_at_the_message_that_makes_no_sense() {
    for (bids, asks, fault, reason) in [
        ("5 1", "", BookFault::Crossed, StaleReason::Gap),
        ("1 -1", "", BookFault::NegativeSize, StaleReason::Decode),
        ("", "0 1", BookFault::BadPrice, StaleReason::Decode),
        ("1e28 1, 1e-28 1", "", BookFault::DoesNotFit, StaleReason::Decode),
    ] {
        let mut b = Bench::opened(BINANCE);
        b.join(&snapshot(Some(10), None, "1 1", "2 1", 1_000));
        let outcome = b.range(11, 11, bids, asks);
        assert_eq!(outcome.disposition, Disposition::Discarded(Discard::Invalid), "{bids} / {asks}");
        assert_eq!(outcome.gap, Some(Gap::Invalid(fault)));
        b.is_stale(reason);
        assert_eq!(
            b.join(&snapshot(Some(10), None, "1 1", "2 1", 9)),
            Joined::TooOld,
            "11 was heard and is not in it"
        );
        assert_eq!(b.range(12, 12, "1 3", "").disposition, BUFFERED);
        assert_eq!(b.join(&snapshot(Some(10), None, "1 1", "2 1", 9)), Joined::TooOld);
        assert_eq!(b.join(&snapshot(Some(11), None, "1 1", "2 1", 9)), Joined::Live);
    }
}

#[test]
fn a_window_about_to_run_out_is_refreshed_without_going_stale() {
    let mut b = Bench::opened(BINANCE);
    let asks: Vec<String> = (200..240).map(|price| format!("{price} 1")).collect();
    b.join(&snapshot(Some(10), None, "100 1, 99 1", &asks.join(","), 40));
    assert_eq!(b.sync.book().window().high, Some(decimal("239")));
    assert_eq!(
        b.sync.book().window().low,
        None,
        "fewer bids than the answer could hold: there are no others"
    );
    let eaten =
        |from: u64, to: u64| (from..to).map(|price| format!("{price} 0")).collect::<Vec<_>>().join(",");
    b.range(11, 11, "", &eaten(200, 230));
    assert_eq!(b.sync.need(), Need::Nothing, "ten are left");
    b.range(12, 12, "", &eaten(230, 231));
    assert_eq!((b.sync.need(), b.sync.state()), (Need::Refresh, State::Live));
    b.range(13, 14, "", "231 0, 250 7");
    assert_eq!(b.sync.book().size_at(Side::Ask, decimal("250")), Decimal::ZERO, "outside the window");
    assert_eq!(b.join(&snapshot(Some(10), None, "100 1", "231 1, 232 1", 2)), Joined::TooOld);
    assert_eq!(b.join(&snapshot(Some(14), None, "240 1", "232 1", 2)), Joined::Unusable);
    assert_eq!((b.sync.state(), b.sync.sequence()), (State::Live, Some(14)));
    assert_eq!(b.join(&snapshot(Some(13), None, "100 1, 99 1", "231 1, 232 5, 260 1", 40)), Joined::Live);
    b.shows("100 1, 99 1", "232 5, 250 7, 260 1");
    assert_eq!((b.sync.sequence(), b.sync.need()), (Some(14), Need::Nothing));
    assert_eq!(b.sync.counts().recoveries, 0, "it never went stale");
}

#[test]
fn a_side_without_a_level_before_its_edge_is_stale() {
    let mut b = Bench::opened(BINANCE);
    b.join(&snapshot(Some(10), None, "100 1, 99 1", "200 1, 201 1", 2));
    let outcome = b.range(11, 11, "", "200 0, 201 0, 202 5");
    assert_eq!((outcome.disposition, outcome.gap), (APPLIED, Some(Gap::Exhausted)));
    b.is_stale(StaleReason::Gap);
    let mut b = Bench::opened(BINANCE);
    b.join(&snapshot(Some(10), None, "100 1, 99 1", "200 1", 2));
    b.range(11, 11, "", "200 0");
    assert!(b.sync.state().is_live(), "a complete side may be empty");
}

#[test]
fn the_window_slides_and_is_given_back() {
    let mut b = Bench::opened(SyncRules { window_messages_max: 10, ..BINANCE });
    for n in 1..=30 {
        b.range(n, n, &format!("1 {n}"), "");
    }
    assert_eq!((b.sync.counts().buffered, b.discarded(Discard::WindowFull)), (10, 20));
    assert!(b.sync.heap_bytes() <= BookSync::bytes_max(&BINANCE));
    assert_eq!(b.join(&snapshot(Some(19), None, "1 1", "2 1", 9)), Joined::TooOld);
    assert_eq!(b.join(&snapshot(Some(20), None, "1 1", "2 1", 9)), Joined::Live);
    b.shows("1 30", "2 1");
    assert_eq!(b.sync.heap_bytes(), b.sync.book().heap_bytes());
}

#[test]
fn a_shallow_snapshot_is_asked_for_again_at_half_of_what_it_brought() {
    let mut b = Bench::opened(BINANCE);
    b.join(&snapshot(Some(10), None, "99 1,98 1,97 1,96 1", "101 1,102 1,103 1,104 1,105 1,106 1", 4));
    assert_eq!((b.sync.state(), b.sync.need()), (State::Live, Need::Nothing));
    b.range(11, 11, "99 0, 98 0", "");
    assert_eq!(b.sync.need(), Need::Nothing, "two are left");
    b.range(12, 12, "97 0", "");
    assert_eq!((b.sync.need(), b.sync.state()), (Need::Refresh, State::Live));
}

#[test]
fn the_words_for_what_was_thrown_away_are_the_contracts() {
    let words = Discard::ALL.map(Discard::name);
    assert_eq!(words, ["unsynced", "superseded", "window_full", "gap", "invalid", "disconnected"]);
}
