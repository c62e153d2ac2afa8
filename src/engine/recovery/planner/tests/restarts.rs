//! Restarts that do not help, and restarts that are paid one by one.

use super::*;
use crate::engine::recovery::planner::in_band::RECONNECT_EVERY;
use crate::venue::profile::{Profile, RestartCost};

/// Where each book takes messages of its own, a restart takes as many books as one burst pays for.
#[test]
fn restarts_that_are_paid_one_by_one_come_by_the_burst() {
    let rules = in_band_venue();
    let mut profile = *rules.profile;
    profile.restart_cost = RestartCost::Each;
    profile.control.refill.burst = 6;
    let mut w = World::new(VenueRules { profile: Box::leak(Box::new(profile)), ..rules }, 20);
    for book in 1..=8 {
        w.need(ms(0), book, Need::Complete);
    }
    assert_eq!(w.all(ms(200)), [restart(&[1, 2, 3])]);
    let paid = w.planner.deadline();
    assert!(paid > ms(200), "the others wait for the budget");
    assert!(matches!(&w.all(s(60))[..], [Action::Restart { books, .. }, ..] if books.contains(&BookId(4))));
}

#[test]
fn a_quiet_book_is_restarted_ever_more_rarely_and_costs_one_reconnect() {
    let mut w = World::new(in_band_venue(), 10);
    w.need(s(0), 1, Need::Complete);
    let mut now = s(0);
    for (n, least) in [(1, 0), (2, 10), (3, 20)] {
        let at = w.planner.deadline();
        assert!(at.since(now) >= Duration::from_secs(least), "restart {n}");
        now = at;
        assert_eq!(w.all(now), [restart(&[1])], "restart {n}");
    }
    let at = w.planner.deadline();
    assert!(at.since(now) >= Duration::from_secs(40));
    assert_eq!(w.all(at), [reconnect(Why::NoOtherWay)]);
    // The same again on the next life: within five minutes of the first, so only restarts.
    let next = Generation(2);
    w.planner.connection_down(at, LINE, G, None);
    w.planner.need(at, BookId(1), LINE, next, Need::Complete);
    let (mut restarts, mut seen) = (0, Vec::new());
    while seen.is_empty() {
        let now = w.planner.deadline();
        for action in w.all(now) {
            match action {
                Action::Restart { .. } => restarts += 1,
                Action::Reconnect { .. } => seen.push(now),
                Action::Fetch { .. } | Action::Audit { .. } => panic!("a partial book fetches nothing"),
            }
        }
    }
    assert!(seen[0].since(at) >= RECONNECT_EVERY && restarts > 3, "{restarts} restarts before {seen:?}");
}

/// Where two messages restart all books and each is promised its snapshot, no connection is replaced for many of them.
#[test]
fn a_hole_for_all_is_mended_in_the_stream() {
    let rules = in_band_venue();
    let profile = Profile { snapshot_within: Some(Duration::from_secs(30)), ..*rules.profile };
    let mut w = World::new(VenueRules { profile: Box::leak(Box::new(profile)), ..rules }, 3);
    for book in 1..=3 {
        w.need(ms(0), book, Need::Complete);
    }
    assert_eq!(w.all(ms(200)), [restart(&[1, 2, 3])]);
}
