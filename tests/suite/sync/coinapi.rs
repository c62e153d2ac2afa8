//! Books numbered by the connection, whole in the stream and joined by time.

use super::*;

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
