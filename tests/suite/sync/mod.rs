//! The sync machine, step by step: the vectors of the venue dossiers, and every way a chain can break and mend.

mod binance;
mod coinapi;
mod compare;
mod keeper;

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
    stream_depth: None,
    checksum: None,
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
    stream_depth: None,
    checksum: None,
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
        cross: None,
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
        let event =
            BookEvent { cross: None, kind, span, checksum: None, exchange_time: time, venue_time: time };
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
