//! Who is repaired when and how: order, dedup, budgets, and the ladder of an in-band venue.

mod audits;
mod figures;
mod overlap;
mod restarts;

use super::*;
use crate::engine::recovery::Why;
use crate::engine::recovery::testing::{in_band_venue, ms, rest_venue, s};
use crate::engine::state::StaleReason;

const GAP: Need = Need::Repair(StaleReason::Gap);
const LINE: ConnectionId = ConnectionId(0);
const G: Generation = Generation(1);

struct World {
    planner: Planner,
    ledgers: Vec<Ledger>,
}

impl World {
    /// One venue, one connection of so many books.
    fn new(rules: VenueRules, books: usize) -> World {
        World {
            ledgers: vec![Ledger::new(rules.profile, Mono::ZERO)],
            planner: Planner::new(vec![rules], vec![(LINE, 0, books)], 7),
        }
    }

    fn need(&mut self, now: Mono, book: u32, need: Need) {
        self.planner.need(now, BookId(book), LINE, G, need);
    }

    fn next(&mut self, now: Mono) -> Option<Action> {
        self.planner.next(now, &mut self.ledgers)
    }

    fn all(&mut self, now: Mono) -> Vec<Action> {
        let all = std::iter::from_fn(|| self.next(now)).collect();
        assert!(self.planner.deadline() > now, "a deadline is ahead once everything due is done");
        all
    }

    /// The one fetch that is due now.
    fn fetch(&mut self, now: Mono) -> (Ticket, u32) {
        match self.next(now) {
            Some(Action::Fetch { ticket, book, .. }) => (ticket, book.0),
            other => panic!("no fetch but {other:?}"),
        }
    }

    fn answer(&mut self, now: Mono, ticket: Ticket, verdict: Verdict) -> Option<u32> {
        self.planner.answered(now, ticket, verdict, None, Some(200)).map(|(book, _, _)| book.0)
    }

    /// Lets time pass to the next fetch and says when it was.
    fn next_fetch_at(&mut self) -> (Mono, Ticket) {
        let at = self.planner.deadline();
        (at, self.fetch(at).0)
    }
}

fn restart(books: &[u32]) -> Action {
    let books = books.iter().copied().map(BookId).collect();
    Action::Restart { connection: LINE, generation: G, books }
}

fn reconnect(why: Why) -> Action {
    Action::Reconnect { connection: LINE, generation: G, why }
}

#[test]
fn one_want_and_one_call_a_book() {
    let mut w = World::new(rest_venue(4_800, 50, 8), 10);
    for _ in 0..5 {
        w.need(s(0), 1, GAP);
    }
    let (ticket, _) = w.fetch(s(0));
    w.need(s(0), 1, GAP);
    w.need(s(0), 1, Need::Nothing);
    w.need(s(0), 1, GAP);
    assert_eq!(w.all(s(0)), [], "the call under way serves the new want too");
    assert_eq!(w.answer(s(1), ticket, Verdict::Good), Some(1));
    assert_eq!(w.answer(s(1), ticket, Verdict::Good), None, "a ticket is answered once");
    w.planner.joined(s(1), BookId(1), G, Joined::Live);
    w.need(s(1), 1, Need::Nothing);
    assert_eq!((w.all(s(9)), w.planner.deadline(), w.planner.wanting()), (vec![], Mono::NEVER, 0));
}

#[test]
fn readers_first_then_broken_then_the_oldest_but_nobody_starves() {
    let mut w = World::new(rest_venue(4_800, 50, 1), 20);
    w.need(s(0), 1, Need::Refresh);
    w.need(s(1), 2, GAP);
    w.need(s(2), 3, Need::First);
    w.need(s(3), 4, GAP);
    w.planner.interest(s(3), BookId(4));
    let mut order = Vec::new();
    for _ in 0..4 {
        let (ticket, book) = w.fetch(s(4));
        order.push(book);
        w.need(s(4), book, Need::Nothing);
        assert_eq!(w.answer(s(4), ticket, Verdict::Good), None, "settled meanwhile");
    }
    assert_eq!(order, [4, 2, 3, 1]);
    // One that has waited long comes before a newcomer that is read.
    w.need(s(10), 5, Need::Refresh);
    w.need(s(90), 6, GAP);
    w.planner.interest(s(90), BookId(6));
    assert_eq!(w.fetch(s(90)).1, 5);
}

#[test]
fn the_rate_and_the_places_bind() {
    let mut w = World::new(rest_venue(100, 50, 8), 20);
    for book in 0..20 {
        w.need(s(0), book, Need::First);
    }
    assert_eq!(w.all(s(0)).len(), 2);
    assert_eq!((w.planner.deadline(), w.planner.in_flight(0)), (s(30), 2));
    assert_eq!(w.all(s(30)).len(), 1);

    let mut w = World::new(rest_venue(4_800, 50, 2), 20);
    for book in 0..20 {
        w.need(s(0), book, Need::First);
    }
    assert_eq!(w.all(s(0)).len(), 2);
    assert_eq!((w.planner.deadline(), w.planner.in_flight_peak(0)), (Mono::NEVER, 2));
}

#[test]
fn a_lost_connection_takes_its_wants_with_it() {
    let mut w = World::new(rest_venue(4_800, 50, 2), 20);
    w.need(s(0), 1, GAP);
    w.need(s(0), 2, GAP);
    w.need(s(0), 3, GAP);
    let (ticket, _) = w.fetch(s(0));
    w.planner.connection_down(s(1), LINE, G, None);
    assert_eq!((w.all(s(1)), w.planner.in_flight(0), w.planner.wanting()), (vec![], 1, 0));
    w.need(s(1), 2, GAP); // a late word of the dead life
    assert_eq!(w.all(s(1)), []);
    w.planner.need(s(2), BookId(1), LINE, Generation(2), Need::First);
    assert_eq!(w.all(s(2)), [], "its call is still out");
    assert_eq!(w.answer(s(3), ticket, Verdict::Good), None, "and its answer is of the life before");
    w.planner.joined(s(3), BookId(1), G, Joined::Live);
    assert_eq!(w.fetch(s(3)).1, 1);

    let mut w = World::new(rest_venue(4_800, 50, 2), 20);
    w.need(s(0), 1, GAP);
    w.planner.need(s(0), BookId(1), LINE, Generation(2), Need::First);
    w.need(s(0), 1, GAP);
    let [Action::Fetch { book: BookId(1), generation: Generation(2), .. }] = w.all(s(0))[..] else {
        panic!("a book's new life is the end of its old one, told or not");
    };
}

#[test]
fn a_failing_venue_opens_the_breaker_and_one_call_closes_it() {
    let mut w = World::new(rest_venue(4_800, 50, 2), 20);
    for book in 0..10 {
        w.need(s(0), book, GAP);
    }
    for _ in 0..5 {
        let (ticket, _) = w.fetch(s(0));
        w.planner.answered(s(0), ticket, Verdict::Failed, None, Some(503));
    }
    assert_eq!(w.planner.breaker_state(0), BreakerState::Open);
    assert_eq!((w.all(s(29)), w.planner.deadline()), (vec![], s(30)));
    let (ticket, _) = w.fetch(s(30));
    assert_eq!((w.all(s(30)), w.planner.breaker_state(0)), (vec![], BreakerState::HalfOpen));
    w.answer(s(31), ticket, Verdict::Good);
    assert_eq!(w.planner.breaker_state(0), BreakerState::Closed);
    assert_eq!(w.all(s(31)).len(), 2);
    let counts = w.planner.rest_counts(0);
    assert_eq!((counts.calls, counts.failed, counts.good, counts.by_status[&503]), (8, 5, 1, 5));
}

#[test]
fn one_bad_symbol_waits_alone_and_never_gives_up() {
    for verdict in [Verdict::NoData, Verdict::Refused] {
        let mut w = World::new(rest_venue(4_800, 50, 2), 20);
        w.need(s(0), 1, GAP);
        let (mut ticket, mut now) = (w.fetch(s(0)).0, s(0));
        for least in [30, 60, 120, 240, 480, 600, 600, 600] {
            w.answer(now, ticket, verdict.clone());
            let at;
            (at, ticket) = w.next_fetch_at();
            let waited = at.since(now).as_secs();
            assert!((least..=least * 5 / 4).contains(&waited), "{waited} s");
            now = at;
        }
        w.need(now, 2, GAP);
        assert_eq!(w.fetch(now).1, 2, "others are not held up");
        assert_eq!(w.planner.breaker_state(0), BreakerState::Closed);
    }
}

#[test]
fn a_denied_key_pauses_the_venue_for_a_minute_and_more() {
    let mut w = World::new(rest_venue(4_800, 50, 1), 20);
    w.need(s(0), 1, GAP);
    w.need(s(0), 2, GAP);
    let (ticket, _) = w.fetch(s(0));
    w.answer(s(0), ticket, Verdict::Denied);
    let (first, ticket) = w.next_fetch_at();
    assert!(first >= s(60) && first <= s(75));
    w.answer(first, ticket, Verdict::Denied);
    assert!(w.planner.pause_until(0).since(first) >= Duration::from_secs(120));
}

#[test]
fn a_snapshot_that_cannot_join_is_asked_for_again() {
    for (joined, first) in [(Joined::TooOld, 250), (Joined::Unusable, 1_000)] {
        let mut w = World::new(rest_venue(4_800, 50, 2), 20);
        w.need(s(0), 1, GAP);
        let (mut ticket, mut now) = (w.fetch(s(0)).0, s(0));
        for n in 0..12_u32 {
            assert_eq!(w.answer(now, ticket, Verdict::Good), Some(1));
            w.planner.joined(now, BookId(1), G, joined);
            let at;
            (at, ticket) = w.next_fetch_at();
            let least = (first << n).min(30_000);
            assert!((least..=least * 5 / 4).contains(&(at.since(now).as_millis() as u64)), "{joined:?} {n}");
            now = at;
        }
    }
}

#[test]
fn a_snapshot_nobody_speaks_of_is_asked_for_again() {
    let mut w = World::new(rest_venue(4_800, 50, 2), 20);
    w.need(s(0), 1, GAP);
    let (ticket, _) = w.fetch(s(0));
    w.answer(s(1), ticket, Verdict::Good);
    assert_eq!(w.next_fetch_at().0, s(3), "lost on the way to its book");

    let mut w = World::new(rest_venue(4_800, 50, 2), 20);
    w.need(s(0), 1, GAP);
    let (ticket, _) = w.fetch(s(0));
    w.answer(s(1), ticket, Verdict::Good);
    w.planner.joined(s(1), BookId(1), G, Joined::Live);
    assert_eq!(w.all(s(1)), [], "the book is about to say that it is well");
    w.need(s(1), 1, GAP);
    let (ticket, _) = w.fetch(s(1)); // it broke again right after
    w.answer(s(1), ticket, Verdict::NoData);
    w.need(s(1), 1, GAP);
    assert_eq!(w.all(s(30)), [], "saying so again does not cut the wait short");
}

#[test]
fn an_in_band_venue_gets_a_bridge_and_a_shared_restart() {
    let mut w = World::new(in_band_venue(), 10);
    w.need(ms(0), 1, GAP);
    let (ticket, _) = w.fetch(ms(0));
    assert_eq!((w.all(ms(0)), w.planner.deadline()), (vec![], ms(200)));
    w.answer(ms(50), ticket, Verdict::Good);
    w.planner.joined(ms(50), BookId(1), G, Joined::Partial);
    w.need(ms(50), 1, Need::Complete);
    w.need(ms(150), 2, GAP);
    let (second, _) = w.fetch(ms(150));
    assert_eq!(w.all(ms(199)), []);
    assert_eq!(w.all(ms(200)), [restart(&[1, 2])]);
    assert_eq!(w.answer(ms(210), second, Verdict::Good), None, "the restart supersedes it");
    w.need(ms(210), 1, GAP); // withdrawn
    assert_eq!(w.all(ms(9_000)), [], "nothing is paid for while the restart is out");
    w.need(ms(9_000), 1, Need::Nothing);
    w.need(ms(9_000), 2, Need::Nothing);
    assert_eq!((w.all(s(99)), w.planner.deadline()), (vec![], Mono::NEVER));
    assert_eq!((w.planner.counts().restarts, w.planner.counts().restarted_books), (1, 2));
}

#[test]
fn first_books_come_by_themselves_in_band() {
    let mut w = World::new(in_band_venue(), 10);
    for need in [Need::First, Need::Repair(StaleReason::Disconnected), Need::Refresh] {
        w.need(s(0), 1, need);
        assert_eq!((w.all(s(600)), w.planner.deadline()), (vec![], Mono::NEVER), "{need:?}");
    }
}

#[test]
fn many_broken_books_reconnect_and_no_scope_is_emptied() {
    for (books, broken, why) in
        [(10, 6, Why::MostBooks), (3, 2, Why::MostBooks), (2, 2, Why::AllBooks), (1, 1, Why::AllBooks)]
    {
        let mut w = World::new(in_band_venue(), books);
        for book in 0..broken {
            w.need(s(0), book, GAP);
        }
        assert_eq!(w.all(s(0)), [reconnect(why)], "{broken} of {books}");
        assert_eq!((w.all(s(999)), w.planner.deadline()), (vec![], Mono::NEVER), "said once");
    }
    let mut w = World::new(in_band_venue(), 10);
    for book in 0..5 {
        w.need(s(0), book, Need::Complete);
    }
    assert_eq!(w.all(ms(200)), [restart(&[0, 1, 2, 3, 4])], "half is not more than half");
}

#[test]
fn restarts_wait_for_the_ledger() {
    let mut w = World::new(in_band_venue(), 10);
    for (book, now) in [(1, 0), (2, 1_000)] {
        w.need(ms(now), book, Need::Complete);
        assert_eq!(w.all(ms(now + 200)), [restart(&[book])]);
    }
    // Four messages at once and four in 10 s: both are spent, the next two are there at 5 s.
    w.need(ms(2_000), 3, Need::Complete);
    assert_eq!(w.all(ms(2_200)), []);
    let at = w.planner.deadline();
    assert!((ms(4_000)..ms(5_300)).contains(&at), "{at:?}");
    assert_eq!(w.all(at), [restart(&[3])]);
}

#[test]
fn one_book_that_breaks_all_the_time_does_not_spend_the_day_of_all() {
    let mut w = World::new(in_band_venue(), 10);
    let mut now = s(0);
    let end = s(3_600);
    while now < end {
        w.need(now, 1, GAP);
        while let Some(action) = w.next(now) {
            if let Action::Fetch { ticket, .. } = action {
                w.answer(now, ticket, Verdict::Good);
                w.planner.joined(now, BookId(1), G, Joined::Partial);
            } else {
                w.need(now, 1, Need::Nothing); // repaired, and broken again at once
                w.need(now, 1, GAP);
            }
        }
        now = w.planner.deadline().max(now.after(Duration::from_millis(100)));
    }
    let calls = w.planner.counts().fetches;
    assert!(calls > 60 && calls < 300, "{calls} calls in an hour");
}

#[test]
fn where_no_day_is_counted_every_repair_is_at_once() {
    let mut w = World::new(rest_venue(4_800, 50, 2), 10);
    for second in 0..50 {
        w.need(s(second), 1, GAP);
        let (ticket, _) = w.fetch(s(second));
        w.answer(s(second), ticket, Verdict::Good);
        w.planner.joined(s(second), BookId(1), G, Joined::Live);
        w.need(s(second), 1, Need::Nothing);
    }
}

#[test]
fn connections_come_and_go_with_the_configuration() {
    let mut w = World::new(rest_venue(4_800, 50, 2), 1);
    let other = ConnectionId(5);
    w.planner.need(s(0), BookId(9), other, Generation(9), GAP);
    assert_eq!(w.all(s(0)), [], "nobody knows it");
    w.planner.carry(other, 0, 1);
    w.planner.need(s(0), BookId(9), other, Generation(9), GAP);
    let (ticket, _) = w.fetch(s(0));
    w.planner.remove_connection(other);
    assert_eq!(w.answer(s(1), ticket, Verdict::Good), None);
    assert_eq!((w.planner.in_flight(0), w.planner.wanting()), (0, 0));

    // Taken out and put back while a call is out: its answer frees a place, and is not mistaken for the new one's.
    w.planner.carry(other, 0, 1);
    w.planner.need(s(2), BookId(9), other, Generation(10), GAP);
    let (before, _) = w.fetch(s(2));
    w.planner.remove_connection(other);
    w.planner.carry(other, 0, 1);
    w.planner.need(s(3), BookId(9), other, Generation(11), GAP);
    let (after, _) = w.fetch(s(3));
    assert_eq!(w.answer(s(4), before, Verdict::Good), None);
    assert_eq!(w.all(s(60)), [], "its own call is still out");
    assert_eq!(w.answer(s(60), after, Verdict::Good), Some(9));
}
