//! Snapshots that nobody needs: whose turn it is, and that nothing else ever waits for one.

use super::*;

const EVERY: u64 = 60;

/// Twenty live books at a venue of so many cost units a minute, a call costing 50.
fn live(per_minute: u32, max_concurrent: usize) -> World {
    let mut w = World::new(rest_venue(per_minute, 50, max_concurrent), 20);
    (0..20).for_each(|book| w.need(s(0), book, Need::Audit));
    w
}

fn audit(w: &mut World, now: Mono) -> (Ticket, u32) {
    match w.next(now) {
        Some(Action::Audit { ticket, book, connection: LINE, generation: G }) => (ticket, book.0),
        other => panic!("no audit but {other:?}"),
    }
}

/// Lets time pass to the next audit, which is answered well.
fn next_audit(w: &mut World) -> (Mono, u32) {
    let at = w.planner.deadline();
    let (ticket, book) = audit(w, at);
    assert!(w.planner.is_audit(ticket));
    assert_eq!(w.all(at), [], "one at a time");
    assert_eq!(w.answer(at, ticket, Verdict::Good), Some(book));
    assert!(!w.planner.is_audit(ticket));
    (at, book)
}

#[test]
fn every_book_has_its_turn_and_those_that_are_read_more_often() {
    let mut w = live(4_800, 2);
    let turns: Vec<(Mono, u32)> = (0..40).map(|_| next_audit(&mut w)).collect();
    let expected: Vec<(Mono, u32)> = (1..=40).map(|n| (s(n * EVERY), (n as u32 - 1) % 20)).collect();
    assert_eq!((turns, w.planner.counts().audits, w.planner.counts().fetches), (expected, 40, 0));

    let mut seen = [0; 20];
    for _ in 0..220 {
        w.planner.interest(w.planner.deadline(), BookId(7));
        seen[next_audit(&mut w).1 as usize] += 1;
    }
    assert!((25..=35).contains(&seen[7]), "{seen:?}");
    assert!(seen.iter().enumerate().all(|(book, turns)| book == 7 || (8..=12).contains(turns)), "{seen:?}");
}

#[test]
fn only_live_books_of_the_present_life_are_audited() {
    let mut w = live(4_800, 2);
    (0..19).for_each(|book| w.need(s(1), book, Need::Nothing));
    assert_eq!(next_audit(&mut w).1, 19);
    let (ticket, _) = audit(&mut w, s(2 * EVERY));
    w.need(s(121), 19, GAP);
    w.need(s(121), 19, Need::Audit);
    assert_eq!(w.all(s(121)), [], "one at a time");
    assert_eq!(w.answer(s(122), ticket, Verdict::Good), None, "asked for before it broke");
    w.planner.connection_down(s(123), LINE, G, None);
    assert_eq!(w.planner.deadline(), Mono::NEVER);
}

#[test]
fn whatever_is_wanted_comes_first_and_at_once() {
    let mut w = live(4_800, 2);
    w.need(s(59), 3, GAP);
    let (repair, _) = w.fetch(s(60));
    assert_eq!((w.all(s(60)), w.planner.deadline()), (vec![], Mono::NEVER), "while any call is out");
    w.answer(s(61), repair, Verdict::Good);
    w.planner.joined(s(61), BookId(3), G, Joined::Live);
    assert_eq!(w.all(s(62)), [], "while anything is wanted");
    w.need(s(62), 3, Need::Audit);
    let (ticket, book) = audit(&mut w, s(62));
    // Also the book under audit, and while it is.
    w.need(s(62), book, GAP);
    assert_eq!(w.fetch(s(62)).1, book);
    assert_eq!(w.answer(s(63), ticket, Verdict::Good), None, "the repair's own answer counts");
    assert_eq!(w.planner.in_flight(0), 1);
}

#[test]
fn one_place_one_call_of_burst_and_a_day_are_left_alone() {
    for (per_minute, places) in [(4_800, 1), (50, 2), (99, 2)] {
        assert_eq!(live(per_minute, places).planner.deadline(), Mono::NEVER, "{per_minute} {places}");
    }
    let mut rules = rest_venue(4_800, 50, 2);
    rules.rest.daily = Some(1_000_000);
    let mut w = World::new(rules, 1);
    w.need(s(0), 1, Need::Audit);
    assert_eq!(w.planner.deadline(), Mono::NEVER);
}

#[test]
fn the_bucket_is_nearly_full_and_the_share_of_the_rate_is_small() {
    // A hundred a minute: a call every thirty seconds, and so an audit every ten minutes.
    let mut w = live(100, 2);
    assert_eq!(next_audit(&mut w).0, s(600));
    assert_eq!(next_audit(&mut w).0, s(1_200));

    let mut w = live(600, 2);
    for book in 0..4 {
        w.need(s(99), book, GAP);
        let (ticket, _) = w.fetch(s(99));
        w.answer(s(99), ticket, Verdict::Good);
        w.planner.joined(s(99), BookId(book), G, Joined::Live);
        w.need(s(99), book, Need::Audit);
    }
    // 400 of 600 are left; 140 more come in 14 s.
    assert_eq!(next_audit(&mut w).0, s(99 + 14));
}

#[test]
fn failures_cost_the_breaker_nothing_and_an_open_one_is_left_to_repairs() {
    let mut w = live(4_800, 2);
    for n in 1..=30 {
        let (ticket, _) = audit(&mut w, s(n * EVERY));
        assert_eq!(w.answer(s(n * EVERY), ticket, Verdict::Failed), None);
    }
    assert_eq!((w.planner.breaker_state(0), w.planner.rest_counts(0).failed), (BreakerState::Closed, 30));
    let (ticket, _) = audit(&mut w, s(31 * EVERY));
    w.answer(s(31 * EVERY), ticket, Verdict::Throttled { wait: Some(Duration::from_secs(300)) });
    assert!(w.planner.deadline() >= s(31 * EVERY + 300), "what the venue asks for is obeyed");
    w.need(s(2_400), 1, GAP);
    for _ in 0..5 {
        let (_, ticket) = w.next_fetch_at();
        w.planner.answered(w.planner.deadline().min(s(2_500)), ticket, Verdict::Failed, None, None);
    }
    assert_eq!(w.planner.breaker_state(0), BreakerState::Open);
    w.need(s(2_500), 1, Need::Audit);
    assert_eq!((w.all(s(9_000)), w.planner.deadline()), (vec![], Mono::NEVER));
}

#[test]
fn a_symbol_that_its_venue_does_not_know_does_not_keep_the_others_from_their_turn() {
    let mut w = live(4_800, 2);
    w.need(s(0), 1, Need::First);
    let (ticket, _) = w.fetch(s(0));
    w.answer(s(0), ticket, Verdict::NoData);
    let now = s(EVERY);
    while let Some(Action::Fetch { ticket, .. }) = w.next(now.after(Duration::ZERO)) {
        w.answer(now, ticket, Verdict::NoData);
    }
    assert_eq!(w.planner.counts().audits, 1);
}
