//! A live book against snapshots that it did not need.

use super::*;
use depthd::engine::evidence::Difference;
use depthd::engine::sync::Compared;

const ASKED: Mono = Mono::from_nanos(0);

/// Live at 10, with two levels a side of an answer that could have held more.
fn live() -> Bench {
    let mut b = Bench::opened(BINANCE);
    assert_eq!(b.join(&snapshot(Some(10), None, "9 1, 8 1", "11 1, 12 1", 1_000)), Joined::Live);
    b
}

fn compare(b: &mut Bench, of: &Snapshot) -> Compared {
    let compared = b.sync.compare(b.now, ASKED, of);
    assert!(b.sync.counts().balance());
    compared
}

fn counted(b: &Bench) -> (u64, u64) {
    (b.sync.comparisons().made, b.sync.comparisons().differed)
}

#[test]
fn an_older_snapshot_is_continued_and_found_equal() {
    let mut b = live();
    b.sync.expect_comparison(ASKED);
    b.range(11, 12, "8 3", "");
    b.range(13, 15, "9 0, 7 2", "11 5");
    // Its number lies inside the first of them.
    assert_eq!(compare(&mut b, &snapshot(Some(11), None, "9 1, 8 3", "11 1, 12 1", 1_000)), Compared::Equal);
    assert_eq!((counted(&b), b.sync.state(), b.sync.counts().gaps), ((1, 0), State::Live, 0));
    b.shows("8 3, 7 2", "11 5, 12 1");
    assert_eq!(compare(&mut b, &snapshot(Some(15), None, "8 3", "11 5", 1_000)), Compared::Not, "one a call");
}

#[test]
fn a_wrong_level_far_from_the_touch_is_found() {
    let mut b = live();
    b.sync.expect_comparison(ASKED);
    b.range(11, 12, "9 4", "");
    assert_eq!(
        compare(&mut b, &snapshot(Some(11), None, "9 4, 8 2", "11 1, 12 1", 1_000)),
        Compared::Differs
    );
    b.is_stale(StaleReason::Checksum);
    assert_eq!((counted(&b), b.sync.counts().gaps), ((1, 1), 1));
    assert_eq!(b.sync.need(), Need::Repair(StaleReason::Checksum));
    let level = |size| Some(Level { price: decimal("8"), size: decimal(size) });
    let expected = Difference {
        side: Side::Bid,
        ours: level("1"),
        theirs: level("2"),
        sequence: Some(12),
        snapshot: 11,
        time: None,
    };
    assert_eq!((b.sync.take_difference(), b.sync.take_difference()), (Some(expected), None));
    assert_eq!(b.join(&snapshot(Some(13), None, "9 4, 8 2", "11 1", 1_000)), Joined::Live, "and repaired");
}

#[test]
fn levels_too_many_and_too_few_are_found_inside_the_prices_both_vouch_for() {
    for (bids, asks, limit, expected) in [
        ("9 1", "11 1, 12 1", 1_000, Compared::Differs),
        ("9 1, 8 1, 7 1", "11 1, 12 1", 1_000, Compared::Differs),
        ("9 1, 8 1", "11 1, 12 1, 13 1", 1_000, Compared::Differs),
        // Cut off after the first, so nothing is said of the second.
        ("9 1", "11 1", 1, Compared::Equal),
        ("9 2", "11 1", 1, Compared::Differs),
        ("9 1, 8 1", "11 1, 12 1", 1_000, Compared::Equal),
    ] {
        let mut b = live();
        b.sync.expect_comparison(ASKED);
        assert_eq!(
            compare(&mut b, &snapshot(Some(10), None, bids, asks, limit)),
            expected,
            "{bids} | {asks}"
        );
        assert_eq!(b.sync.state().is_live(), expected == Compared::Equal);
    }
}

#[test]
fn a_snapshot_ahead_of_the_stream_waits_for_it() {
    for (size, gap) in [("3", None), ("2", Some(Gap::Snapshot))] {
        let mut b = live();
        b.sync.expect_comparison(ASKED);
        assert_eq!(compare(&mut b, &snapshot(Some(13), None, "9 1, 8 3", "11 1", 1_000)), Compared::Held);
        assert_eq!((counted(&b), b.sync.state()), ((0, 0), State::Live));
        let held = b.sync.heap_bytes();
        assert_eq!(b.range(11, 12, &format!("8 {size}"), "12 0").gap, None, "not there yet");
        let outcome = b.range(13, 14, "9 2", "");
        assert_eq!((outcome.disposition, outcome.gap), (APPLIED, gap));
        assert_eq!((counted(&b), b.sync.state().is_live()), ((1, u64::from(gap.is_some())), gap.is_none()));
        assert!(b.sync.heap_bytes() < held, "and is let go");
    }
}

#[test]
fn what_cannot_be_compared_counts_as_nothing() {
    let good = snapshot(Some(11), None, "9 1, 8 1", "11 1, 12 1", 1_000);
    type Trouble = fn(&mut Bench);
    let cases: [(&str, Trouble, Snapshot); 7] = [
        ("never announced", |b| b.sync.heed_comparison(at(60).mono), good.clone()),
        ("too old", |_| {}, snapshot(Some(9), None, "9 1", "11 1", 1_000)),
        ("without a number", |_| {}, snapshot(None, None, "9 1", "11 1", 1_000)),
        ("crossed", |_| {}, snapshot(Some(11), None, "12 1", "11 1", 1_000)),
        ("late", |b| b.now = at(6), good.clone()),
        ("broken meanwhile", |b| assert!(b.range(20, 21, "", "").gap.is_some()), good.clone()),
        ("of another life", |b| b.sync.opened(at(0)), good),
    ];
    for (name, before, of) in cases {
        let mut b = live();
        b.sync.expect_comparison(ASKED);
        b.range(11, 12, "8 1", "");
        before(&mut b);
        let state = b.sync.state();
        assert_eq!(compare(&mut b, &of), Compared::Not, "{name}");
        assert_eq!((counted(&b), b.sync.state()), ((0, 0), state), "{name}");
    }
}

#[test]
fn a_window_that_was_overrun_reaches_no_snapshot_and_keeps_its_bound() {
    let mut b = Bench::opened(SyncRules { window_messages_max: 3, ..BINANCE });
    b.join(&snapshot(Some(10), None, "9 1", "11 1", 1_000));
    b.sync.expect_comparison(ASKED);
    (11..=15).for_each(|n| assert_eq!(b.range(n, n, "9 1", "").disposition, APPLIED));
    assert_eq!(compare(&mut b, &snapshot(Some(10), None, "9 5", "11 1", 1_000)), Compared::Not);
    b.sync.expect_comparison(ASKED);
    let resting = b.sync.heap_bytes();
    (16..=17).for_each(|n| assert_eq!(b.range(n, n, "9 1", "").disposition, APPLIED));
    assert!(b.sync.heap_bytes() > resting);
    b.now = at(9);
    b.range(18, 18, "9 1", "");
    assert_eq!(
        (b.sync.heap_bytes(), b.sync.state()),
        (resting, State::Live),
        "nobody answered: all is let go"
    );
}

#[test]
fn a_book_that_wants_a_newer_snapshot_keeps_what_it_kept() {
    let rules = SyncRules { refresh_levels_min: 2, ..BINANCE };
    let mut b = Bench::opened(rules);
    b.join(&snapshot(Some(10), None, "9 1, 8 1, 7 1, 6 1", "11 1, 12 1, 13 1, 14 1", 4));
    b.range(11, 11, "9 0, 8 0, 7 0", "");
    assert_eq!(b.sync.need(), Need::Refresh);
    b.sync.expect_comparison(ASKED);
    b.range(12, 12, "6 2", "");
    assert_eq!(compare(&mut b, &snapshot(Some(11), None, "6 1, 5 1", "11 1, 12 1", 2)), Compared::Equal);
    assert_eq!(
        b.join(&snapshot(Some(11), None, "6 1, 5 1", "11 1", 1_000)),
        Joined::Live,
        "with what 12 brought"
    );
    b.shows("6 2, 5 1", "11 1");
}

/// As OKX: where numbers fall, a number does not say of which count it is.
#[test]
fn nothing_is_compared_across_numbers_that_fall() {
    let rules = SyncRules { sequence: SequenceRule::Chained, first_book: FirstBook::InBand, ..BINANCE };
    let mut b = Bench::opened(rules);
    b.full(100, 1, "9 1", "11 1");
    b.sync.expect_comparison(ASKED);
    let link = |b: &mut Bench, previous, last, bids: &str| {
        let span = Span { first: last, last, previous: Some(previous) };
        assert_eq!(b.send(BookKind::Delta, Some(span), last as i64, bids, "").disposition, APPLIED);
    };
    link(&mut b, 100, 101, "9 2");
    link(&mut b, 101, 3, "9 3");
    assert_eq!(compare(&mut b, &snapshot(Some(101), None, "9 2", "11 1", 1_000)), Compared::Not);
    b.sync.expect_comparison(ASKED);
    link(&mut b, 3, 7, "9 4");
    assert_eq!(compare(&mut b, &snapshot(Some(3), None, "9 3", "11 1", 1_000)), Compared::Equal);
}
