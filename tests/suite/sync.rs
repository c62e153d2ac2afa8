//! The sync machine, step by step: the vectors of the venue dossiers, and every way a chain can break and mend.

use depthd::engine::decimal::Decimal;
use depthd::engine::event::{BookEvent, BookKind, Level, Side, Snapshot, Span};
use depthd::engine::need::{Joined, Need};
use depthd::engine::state::{StaleReason, State};
use depthd::engine::sync::{BookSync, Discard, Disposition, Gap, Outcome, SyncRules};
use depthd::engine::time::{Mono, Stamp, Wall};
use depthd::venue::profile::{FirstBook, RestJoin, SequenceRule};
use std::time::Duration;

const BINANCE: SyncRules = SyncRules {
    sequence: SequenceRule::Range,
    first_book: FirstBook::Rest,
    rest_join: RestJoin::BySequence,
    in_band_restart: false,
    crossed_is_fault: true,
    levels_per_side_max: 100,
    window_messages_max: 100,
    window_bytes_max: 64 * 1024,
    refresh_levels_min: 10,
};

const COINAPI: SyncRules = SyncRules {
    sequence: SequenceRule::Dense,
    first_book: FirstBook::InBand,
    rest_join: RestJoin::ByTime,
    in_band_restart: true,
    crossed_is_fault: false,
    ..BINANCE
};

fn decimal(text: &str) -> Decimal {
    Decimal::parse(text.as_bytes()).unwrap()
}

/// `"price size"` pairs, separated by commas.
fn side(text: &str) -> Vec<Level> {
    let level = |pair: &str| {
        let (price, size) = pair.trim().split_once(' ').unwrap();
        Level { price: decimal(price), size: decimal(size) }
    };
    text.split(',').filter(|pair| !pair.is_empty()).map(level).collect()
}

fn at(seconds: u64) -> Stamp {
    Stamp { mono: Mono::from_nanos(seconds * 1_000_000_000), wall: Wall::from_nanos(0) }
}

fn snapshot(sequence: Option<u64>, venue_time: Option<i64>, bids: &str, asks: &str, limit: u32) -> Snapshot {
    Snapshot {
        sequence,
        exchange_time: None,
        venue_time: venue_time.map(Wall::from_nanos),
        bids: side(bids),
        asks: side(asks),
        depth_limit: Some(limit),
    }
}

/// A book under test, with the current time and short words for its inputs.
struct Bench {
    sync: BookSync,
    now: Stamp,
}

impl Bench {
    fn opened(rules: SyncRules) -> Bench {
        let mut sync = BookSync::new(rules);
        sync.opened(at(0));
        Bench { sync, now: at(0) }
    }

    fn send(&mut self, kind: BookKind, span: Option<Span>, time: i64, bids: &str, asks: &str) -> Outcome {
        let time = Some(Wall::from_nanos(time));
        let event = BookEvent { kind, span, exchange_time: time, venue_time: time };
        let outcome = self.sync.event(self.now, &event, &side(bids), &side(asks));
        assert!(self.sync.counts().balance());
        outcome
    }

    /// A Binance event; its time is its last number.
    fn range(&mut self, first: u64, last: u64, bids: &str, asks: &str) -> Outcome {
        let span = Span { first, last, previous: None };
        self.send(BookKind::Delta, Some(span), last as i64, bids, asks)
    }

    fn full(&mut self, sequence: u64, time: i64, bids: &str, asks: &str) -> Outcome {
        self.send(BookKind::Snapshot, Some(Span::at(sequence)), time, bids, asks)
    }

    fn delta(&mut self, sequence: u64, time: i64, bids: &str, asks: &str) -> Outcome {
        self.send(BookKind::Delta, Some(Span::at(sequence)), time, bids, asks)
    }

    fn join(&mut self, snapshot: &Snapshot) -> Joined {
        let joined = self.sync.snapshot(self.now, snapshot);
        assert!(self.sync.counts().balance());
        joined
    }

    fn shows(&self, bids: &str, asks: &str) {
        for (which, expected) in [(Side::Bid, bids), (Side::Ask, asks)] {
            let levels: Vec<Level> = self.sync.book().levels(which).collect();
            assert_eq!(levels, side(expected), "{which:?}");
        }
    }

    fn is_stale(&self, expected: StaleReason) {
        assert!(
            matches!(self.sync.state(), State::Stale { reason, .. } if reason == expected),
            "{:?}",
            self.sync.state()
        );
    }

    fn discarded(&self, why: Discard) -> u64 {
        self.sync.counts().discarded(why)
    }
}

const BUFFERED: Disposition = Disposition::Buffered;
const APPLIED: Disposition = Disposition::Applied;

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
    for (bids, asks, reason) in [
        ("5 1", "", StaleReason::Gap),     // crossed
        ("1 -1", "", StaleReason::Decode), // below zero
        ("", "0 1", StaleReason::Decode),
        ("1e28 1, 1e-28 1", "", StaleReason::Decode),
    ] {
        let mut b = Bench::opened(BINANCE);
        b.join(&snapshot(Some(10), None, "1 1", "2 1", 1_000));
        let outcome = b.range(11, 11, bids, asks);
        assert_eq!(outcome.disposition, Disposition::Discarded(Discard::Invalid), "{bids} / {asks}");
        assert!(matches!(outcome.gap, Some(Gap::Invalid(_))));
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

/// coinapi.md 1.6: the documented snapshot, and the delta built from its rules.
#[test]
fn coinapi_documented_samples() {
    let mut b = Bench::opened(COINAPI);
    assert_eq!(b.sync.need(), Need::First);
    assert_eq!(b.full(1, 1, "456.10 42, 456.09 5", "456.35 123").disposition, APPLIED);
    assert_eq!(b.sync.state(), State::Live);
    assert_eq!(b.delta(2, 2, "", "456.35 0").disposition, APPLIED);
    b.shows("456.1 42, 456.09 5", "");
    assert_eq!(b.delta(3, 3, "456.1 7, 400 0", "456.0 1").disposition, APPLIED);
    assert!(b.sync.state().is_live() && b.sync.book().is_crossed(), "crossed books are data here");
    assert_eq!(b.full(900, 4, "1 1", "2 1").disposition, APPLIED, "a snapshot counts at any number");
    assert_eq!(b.delta(901, 5, "1 2", "").disposition, APPLIED);
    b.shows("1 2", "2 1");
}

#[test]
fn changes_before_the_first_snapshot_are_dropped_but_not_for_ever() {
    let mut b = Bench::opened(COINAPI);
    let outcome = b.delta(1, 1, "1 1", "");
    assert_eq!((outcome.disposition, outcome.gap), (Disposition::Discarded(Discard::Unsynced), None));
    assert_eq!((b.sync.state(), b.sync.need()), (State::Syncing, Need::First));
    b.now = at(6);
    let outcome = b.delta(2, 2, "1 1", "");
    assert_eq!((outcome.disposition, outcome.gap), (BUFFERED, Some(Gap::NoSnapshot)));
    assert_eq!(b.sync.need(), Need::Repair(StaleReason::Gap));
    b.full(3, 3, "1 1", "2 1");
    assert_eq!((b.sync.state(), b.discarded(Discard::Superseded)), (State::Live, 1));
}

#[test]
fn a_dense_number_that_is_not_the_next_is_a_gap_unless_it_is_provably_the_last_one_again() {
    let live = || {
        let mut b = Bench::opened(COINAPI);
        b.full(1, 10, "1 1", "2 1");
        b.delta(2, 20, "1 2", "3 0");
        b
    };
    let mut b = live();
    assert_eq!(b.delta(2, 20, "1 2", "3 0").disposition, Disposition::Duplicate);
    assert_eq!(b.delta(3, 30, "1 3", "").disposition, APPLIED);
    for (sequence, time, bids) in [(2, 21, "1 2"), (2, 20, "1 9"), (1, 10, "1 1"), (0, 20, "1 2")] {
        let mut b = live();
        let outcome = b.delta(sequence, time, bids, "");
        assert_eq!(outcome.gap, Some(Gap::Restart { expected: 3, got: sequence }));
        b.is_stale(StaleReason::Gap);
        assert_eq!(b.sync.counts().buffered, 1);
    }
    assert_eq!(live().delta(4, 40, "", "").gap, Some(Gap::Missing { expected: 3, got: 4 }));
}

#[test]
fn without_a_number_nothing_is_vouched_for() {
    for rules in [COINAPI, BINANCE] {
        let mut b = Bench::opened(rules);
        b.full(1, 1, "1 1", "2 1");
        for kind in [BookKind::Delta, BookKind::Snapshot] {
            let outcome = b.send(kind, None, 2, "1 1", "");
            assert_eq!(
                (outcome.disposition, outcome.gap),
                (Disposition::Discarded(Discard::Gap), Some(Gap::Unnumbered))
            );
            b.is_stale(StaleReason::Gap);
        }
        let span = Span { first: 9, last: 8, previous: None };
        assert_eq!(b.send(BookKind::Delta, Some(span), 2, "", "").gap, Some(Gap::BadSpan));
        b.is_stale(StaleReason::Decode);
    }
}

/// coinapi.md 3.4.
#[test]
fn a_join_by_time_is_partial_once_the_stream_has_passed_it() {
    let broken = || {
        let mut b = Bench::opened(COINAPI);
        b.full(1, 10, "100 1, 99 1", "101 1, 102 1");
        b.now = at(1);
        b.delta(5, 50, "100 5", "");
        b
    };
    let mut b = broken();
    assert_eq!(b.sync.need(), Need::Repair(StaleReason::Gap));
    assert_eq!(b.join(&snapshot(None, Some(49), "100 1", "101 1", 20)), Joined::TooOld);
    assert_eq!(b.join(&snapshot(None, None, "100 1", "101 1", 20)), Joined::Unusable);
    assert_eq!(b.join(&snapshot(None, Some(50), "100 1", "", 20)), Joined::Unusable);
    // Single orders of one price, one of them replaced by the change that is replayed.
    let orders = snapshot(None, Some(50), "100 1, 100.0 3, 99 1, 99 0.5", "101 1, 103 1", 20);
    assert_eq!(b.join(&orders), Joined::Partial);
    assert_eq!((b.sync.state(), b.sync.need()), (State::Partial { exact_depth: 2 }, Need::Complete));
    b.shows("100 5, 99 1.5", "101 1, 103 1");
    b.delta(6, 60, "98 9, 99.5 1", "102 1");
    b.shows("100 5, 99.5 1, 99 1.5", "101 1, 102 1, 103 1");
    assert_eq!(b.sync.state(), State::Partial { exact_depth: 3 });
    let outcome = b.delta(7, 70, "", "101 0, 102 0, 103 0, 104 1");
    assert_eq!(outcome.gap, Some(Gap::Exhausted));
    b.is_stale(StaleReason::Gap);

    let mut b = broken();
    assert_eq!(b.join(&snapshot(None, Some(70), "100 7, 99 1", "101 1, 103 1", 20)), Joined::Partial);
    b.is_stale(StaleReason::Gap); // shows the change of 50 beside levels of 70
    assert_eq!(b.sync.need(), Need::Complete);
    b.delta(6, 60, "", "101 4");
    b.is_stale(StaleReason::Gap);
    b.delta(7, 70, "100 7", "");
    assert_eq!(b.sync.state(), State::Partial { exact_depth: 2 });
    b.shows("100 7, 99 1", "101 4, 103 1");
    b.now = at(3);
    b.full(1, 80, "100 1", "101 1");
    assert_eq!(b.sync.counts().recoveries, 1);
    assert_eq!(b.sync.recovery_took(), Some(Duration::from_secs(2)), "from the gap to live");
}

#[test]
fn a_restart_of_ours_ends_the_old_run_and_waits_for_the_snapshot() {
    let mut b = Bench::opened(COINAPI);
    b.full(1, 10, "1 1", "2 1");
    b.sync.withdrawn(at(1));
    b.is_stale(StaleReason::Gap);
    assert_eq!(b.sync.need(), Need::Complete);
    assert_eq!(b.delta(2, 20, "1 2", "").disposition, Disposition::Discarded(Discard::Unsynced));
    assert_eq!(b.join(&snapshot(None, Some(99), "1 1", "2 1", 20)), Joined::NotNeeded);
    b.full(1, 30, "1 3", "2 1");
    assert_eq!((b.sync.state(), b.sync.counts().gaps), (State::Live, 0));
}

#[test]
fn lost_messages_and_connections_say_why() {
    for reason in [StaleReason::Overflow, StaleReason::Decode, StaleReason::Silent, StaleReason::Checksum] {
        let mut b = Bench::opened(COINAPI);
        b.sync.lost(at(0), reason);
        b.is_stale(reason); // the snapshot itself may be what was lost
        assert_eq!(b.sync.need(), Need::Repair(reason));
        assert_eq!(b.delta(7, 7, "1 1", "").disposition, BUFFERED);
        b.sync.lost(at(0), reason);
        assert_eq!((b.discarded(Discard::Gap), b.sync.counts().gaps), (1, 2));
    }
    let mut b = Bench::opened(BINANCE);
    b.sync.lost(at(0), StaleReason::Disconnected);
    assert_eq!((b.sync.state(), b.sync.need()), (State::Syncing, Need::Nothing));
    assert_eq!(b.range(1, 1, "", "").disposition, Disposition::Discarded(Discard::Disconnected));
    b.sync.opened(at(1));
    b.join(&snapshot(Some(5), None, "1 1", "2 1", 9));
    b.range(7, 7, "", "");
    b.sync.lost(at(2), StaleReason::Disconnected);
    b.is_stale(StaleReason::Disconnected);
    assert_eq!((b.sync.need(), b.discarded(Discard::Disconnected)), (Need::Nothing, 2));
    b.shows("1 1", "2 1");
    b.sync.opened(at(3));
    b.is_stale(StaleReason::Disconnected);
    assert_eq!(b.sync.need(), Need::First);
    assert_eq!(b.join(&snapshot(Some(6), None, "1 1", "2 1", 9)), Joined::Live);
    assert_eq!(b.sync.recovery_took(), Some(Duration::ZERO), "the clock of the bench stands at 0");
}

#[test]
fn tops_are_complete_in_themselves() {
    let mut b = Bench::opened(COINAPI);
    let top = |b: &mut Bench, sequence: Option<u64>, bids: &str, asks: &str| {
        b.send(BookKind::Top, sequence.map(Span::at), 1, bids, asks)
    };
    assert_eq!(top(&mut b, Some(7), "1 1, 0.5 1", "2 1").disposition, APPLIED);
    assert_eq!((b.sync.state(), b.sync.need()), (State::Partial { exact_depth: 2 }, Need::Nothing));
    assert_eq!(b.sync.book().window().low, Some(decimal("0.5")));
    b.sync.lost(at(1), StaleReason::Overflow);
    b.is_stale(StaleReason::Overflow);
    assert_eq!(b.sync.need(), Need::Nothing, "the next message repairs it");
    assert_eq!(b.join(&snapshot(None, Some(99), "1 1", "2 1", 20)), Joined::NotNeeded);
    top(&mut b, None, "1 3", "2 1");
    assert_eq!((b.sync.state(), b.sync.sequence()), (State::Partial { exact_depth: 1 }, None));
    assert_eq!(b.sync.counts().recoveries, 1);
    assert_eq!(b.delta(8, 8, "1 1", "").disposition, Disposition::Discarded(Discard::Unsynced));
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
