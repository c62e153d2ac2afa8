//! Two connections that carry the same book, each cutting the market's numbers where it likes, each with its own lag and its
//! own losses: the book goes over from one to the other, is never live and wrong, and where nothing was lost never stale.

use crate::naive::{Naive, levels_of};
use depthd::engine::decimal::Decimal;
use depthd::engine::event::{BookEvent, BookKind, Level, Side, Snapshot, Span};
use depthd::engine::need::Joined;
use depthd::engine::random::Random;
use depthd::engine::sync::{BookSync, SyncRules};
use depthd::engine::time::{Mono, Stamp, Wall};
use depthd::venue::catalog;
use depthd::venue::profile::SequenceRule;
use std::collections::{BTreeMap, VecDeque};

const CHANGES: u64 = 120;
const LEVELS_MAX: usize = 1_000;

fn level(price: u64, size: u64) -> Level {
    let decimal = |n: u64| Decimal::new(i128::from(n), 0).expect("a small number");
    Level { price: decimal(price), size: decimal(size) }
}

/// The market: change `id` sets one bid. Asks stay where they are.
struct Market {
    changes: Vec<(u64, u64)>,
    books: Vec<Naive>,
}

impl Market {
    fn new(random: &mut Random) -> Market {
        let mut book = Naive::default();
        let bids: Vec<Level> = (1..=20).map(|price| level(price, 1_000)).collect();
        book.apply(&bids, &[level(100, 1)], LEVELS_MAX);
        let (mut changes, mut books) = (vec![(0, 0)], vec![book.clone()]);
        for id in 1..=CHANGES {
            let change = (1 + random.up_to(30), if random.up_to(4) == 0 { 0 } else { id });
            book.apply(&[level(change.0, change.1)], &[], LEVELS_MAX);
            changes.push(change);
            books.push(book.clone());
        }
        Market { changes, books }
    }

    /// The message that covers these changes: of each level the newest size.
    fn message(&self, rule: SequenceRule, first: u64, last: u64, skew: i64) -> (BookEvent, Vec<Level>) {
        let covered = &self.changes[first as usize..=last as usize];
        let newest: BTreeMap<u64, u64> = covered.iter().copied().collect();
        let previous = (rule == SequenceRule::Linked).then_some(first - 1);
        let event = BookEvent {
            cross: None,
            kind: BookKind::Delta,
            span: Some(Span { first, last, previous }),
            exchange_time: Some(Wall::from_nanos(last as i64 * 1_000 + skew)),
            checksum: None,
            venue_time: None,
        };
        (event, newest.into_iter().map(|(price, size)| level(price, size)).collect())
    }

    /// A connection's messages from a change on, cut at random.
    fn stream(
        &self,
        random: &mut Random,
        rule: SequenceRule,
        from: u64,
    ) -> VecDeque<(BookEvent, Vec<Level>)> {
        let skew = random.up_to(900) as i64;
        let mut messages = VecDeque::new();
        let mut first = from;
        while first <= CHANGES {
            let last = (first + random.up_to(5)).min(CHANGES);
            messages.push_back(self.message(rule, first, last, skew));
            first = last + 1;
        }
        messages
    }
}

struct Run {
    /// Ever stale after the first book.
    stale: bool,
    went_over: bool,
    end: Option<u64>,
}

fn run(seed: u64, lossy: bool, venue: &str) -> Run {
    let mut random = Random::new(seed);
    let profile = catalog::by_name(venue).expect("a venue").profile();
    let rule = profile.sequence;
    let market = Market::new(&mut random);
    let mut sync = BookSync::new(SyncRules::of(profile, LEVELS_MAX, 64 * 1024));
    let mut seconds = 0;
    let mut stamp = || {
        seconds += 1;
        Stamp { mono: Mono::from_nanos(seconds * 1_000_000_000), wall: Wall::default() }
    };
    sync.opened(stamp());
    let mut old = market.stream(&mut random, rule, 1);
    let (event, bids) = old.pop_front().expect("a message");
    let begin = event.span.expect("numbers").last;
    sync.event(stamp(), &event, &bids, &[]);
    let of = &market.books[begin as usize];
    let snapshot = Snapshot {
        sequence: Some(begin),
        bids: of.levels(Side::Bid),
        asks: of.levels(Side::Ask),
        depth_limit: Some(5_000),
        ..Snapshot::default()
    };
    assert_eq!(sync.snapshot(stamp(), &snapshot), Joined::Live);

    // The successor is subscribed at some time, and the market's numbers there begin with what happens then.
    let from = begin + 1 + random.up_to(20);
    let mut new = market.stream(&mut random, rule, from);
    let (mut carried, mut old_is_over, mut turns, mut stale) = (false, false, 0, false);
    while !new.is_empty() || (!old_is_over && !old.is_empty()) {
        turns += 1;
        let newest = new.front().and_then(|(e, _)| e.span).map_or(CHANGES, |s| s.first);
        // Neither runs away from the other for long: the wire is the same.
        let old_at = old.front().and_then(|(e, _)| e.span).map_or(CHANGES + 1, |s| s.first);
        let of_old =
            !old_is_over && !old.is_empty() && (new.is_empty() || old_at + random.up_to(12) < newest + 6);
        if !old_is_over && turns > 60 && (carried || (lossy && random.up_to(20) == 0)) {
            old_is_over = true;
            if !carried && !sync.carry_on() {
                sync.opened(stamp());
            }
            carried = true;
            continue;
        }
        let Some((event, bids)) = (if of_old { old.pop_front() } else { new.pop_front() }) else { continue };
        if lossy && random.up_to(25) == 0 {
            continue;
        }
        if of_old == carried {
            // It is not the one that carries the book.
            if of_old || !sync.take_over(stamp(), &event) {
                sync.repeated();
                continue;
            }
            carried = true;
        }
        sync.event(stamp(), &event, &bids, &[]);
        stale |= !sync.state().is_live();
        if sync.state().is_live() {
            let at = sync.sequence().expect("a live book has a number");
            assert_eq!(
                levels_of(sync.book(), Side::Bid),
                market.books[at as usize].levels(Side::Bid),
                "seed {seed}: live and wrong at {at}"
            );
        }
        assert!(sync.counts().balance());
    }
    Run { stale, went_over: carried, end: sync.sequence() }
}

#[test]
fn a_book_that_goes_over_without_losses_is_live_all_along() {
    for venue in ["binance", "binance-usdm"] {
        let mut over = 0;
        for seed in 0..3_000 {
            let run = run(seed, false, venue);
            assert!(!run.stale, "{venue}, seed {seed}: stale though nothing was lost");
            over += u64::from(run.went_over && run.end == Some(CHANGES));
        }
        assert!(over > 2_500, "{venue}: {over} of 3000 went over and on to the end");
    }
}

#[test]
fn a_book_that_goes_over_with_losses_is_never_live_and_wrong() {
    for venue in ["binance", "binance-usdm"] {
        let stale = (0..3_000).filter(|seed| run(*seed, true, venue).stale).count();
        assert!(stale > 300, "{venue}: losses show, {stale} times");
    }
}
