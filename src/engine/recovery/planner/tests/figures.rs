//! What the planner counts, and how long exactly a book that breaks again and again waits.

use super::*;
use crate::engine::recovery::want::{AGAIN_MAX, REPEAT_WITHIN, REPEATS_FREE, TOO_OLD_FIRST};
use std::time::Duration;

/// Repairs book 1 over REST at the first instant at which the planner allows it; gives how long that was after `now`.
fn repaired_after(w: &mut World, now: Mono) -> Duration {
    w.need(now, 1, GAP);
    let mut at = now;
    let ticket = loop {
        match w.next(at) {
            Some(Action::Fetch { ticket, .. }) => break ticket,
            Some(_) => {}
            None => at = w.planner.deadline(),
        }
        assert!(at < now.after(REPEAT_WITHIN), "no repair");
    };
    w.answer(at, ticket, Verdict::Good);
    w.planner.joined(at, BookId(1), G, Joined::Partial);
    w.need(at, 1, Need::Nothing);
    at.since(now)
}

#[test]
fn where_the_day_is_counted_a_book_waits_longer_each_time_it_breaks_within_a_minute() {
    let mut w = World::new(in_band_venue(), 10);
    let mut now = s(10);
    for _ in 0..REPEATS_FREE {
        assert_eq!(repaired_after(&mut w, now), Duration::ZERO);
        now = now.after(Duration::from_secs(1));
    }
    for doubled in 0..10 {
        let wait = repaired_after(&mut w, now);
        assert_eq!(wait, (TOO_OLD_FIRST * (1 << doubled)).min(AGAIN_MAX), "repeat {doubled}");
        now = now.after(wait).after(Duration::from_secs(1));
    }
    // A minute after it was last repaired, and not a nanosecond less, it is a book like any other again.
    let repaired = now.after(repaired_after(&mut w, now));
    let early = Mono::from_nanos(repaired.after(REPEAT_WITHIN).nanos() - 1);
    let wait = repaired_after(&mut w, early);
    assert_eq!(wait, AGAIN_MAX);
    assert_eq!(repaired_after(&mut w, early.after(wait).after(REPEAT_WITHIN)), Duration::ZERO);
}

#[test]
fn everything_it_does_is_counted_once() {
    let mut w = World::new(rest_venue(4_800, 50, 2), 10);
    let joins =
        [Joined::Live, Joined::Partial, Joined::TooOld, Joined::Unusable, Joined::NotNeeded, Joined::Live];
    for (book, joined) in joins.into_iter().enumerate() {
        let book = book as u32;
        w.need(s(1), book, GAP);
        let (ticket, _) = w.fetch(s(1));
        w.answer(s(1), ticket, Verdict::Good);
        w.planner.joined(s(1), BookId(book), G, joined);
        w.need(s(1), book, Need::Nothing);
    }
    let c = w.planner.counts();
    let joined = [c.joined_live, c.joined_partial, c.joined_too_old, c.joined_unusable];
    assert_eq!((c.fetches, joined, c.restarts, c.reconnects), (6, [2, 1, 1, 1], 0, 0));

    let mut w = World::new(in_band_venue(), 10);
    w.need(s(1), 1, GAP);
    let mut now = s(1);
    while w.planner.counts().restarts < 2 {
        if let Some(Action::Fetch { ticket, .. }) = w.next(now) {
            w.answer(now, ticket, Verdict::Failed);
        } else {
            now = w.planner.deadline();
        }
        assert!(now < s(600));
    }
    // Most of the books at once: one reconnect.
    (0..10).for_each(|book| w.need(now, book, GAP));
    let reconnects = w.all(now).iter().filter(|a| matches!(a, Action::Reconnect { .. })).count();
    assert_eq!((reconnects, w.planner.counts().reconnects), (1, 1));
}
