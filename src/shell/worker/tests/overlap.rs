//! A connection with another one beside it that is to take over.

use super::*;

/// Live at message 2 of life 1.
fn live() -> (Bench, Inlet) {
    let mut bench = Bench::new();
    let mut old = bench.inlet(1);
    bench.takes(&mut old, 1);
    assert_eq!(bench.snapshot(1, 1, bench.clock.mono()), State::Live);
    bench.takes(&mut old, 2);
    assert_eq!(bench.shown(), (State::Live, Some(2), 1));
    (bench, old)
}

impl Bench {
    /// One message, all the way.
    fn takes(&mut self, inlet: &mut Inlet, number: u64) {
        assert_eq!(self.push(inlet, number), Pushed::Queued);
        self.all();
    }

    fn all(&mut self) {
        while self.job() {}
    }

    fn shown(&self) -> (State, Option<u64>, u64) {
        let top = self.slot.read().top;
        (top.state, top.sequence, self.slot.generation())
    }

    fn sends(&mut self, job: Job) {
        self.way.send(job).expect("the worker is there");
        self.all();
    }

    fn fence(&mut self, life: u64) {
        self.sends(Job::Fence { connection: LINE, generation: Generation(life) });
    }

    fn carried(&self) -> bool {
        std::iter::from_fn(|| self.events.try_recv().ok())
            .any(|event| matches!(event, Event::Carried { generation: Generation(2), .. }))
    }

    /// Every message is somewhere, and so many were known already.
    fn repeated(&self) -> u64 {
        let counts = self.slot.read().counts;
        assert!(counts.balance(), "{counts:?}");
        counts.duplicate
    }
}

#[test]
fn a_book_goes_over_with_the_first_message_that_continues_it() {
    let (mut bench, mut old) = live();
    let mut new = bench.successor(2);
    bench.takes(&mut new, 2);
    assert_eq!(
        (bench.shown(), bench.repeated()),
        ((State::Live, Some(2), 2), 1),
        "known, and its own from here on"
    );
    bench.takes(&mut old, 3);
    assert_eq!((bench.shown(), bench.repeated()), ((State::Live, Some(2), 2), 2));
    bench.takes(&mut new, 3);
    assert_eq!(bench.shown(), (State::Live, Some(3), 2));
    assert!(!bench.carried(), "not subscribed yet");
    new.opened(bench.clock.stamp()).expect("the worker is there");
    bench.all();
    assert!(bench.carried());
    bench.fence(1);
    bench.takes(&mut new, 4);
    assert_eq!(bench.shown(), (State::Live, Some(4), 2));
    assert_eq!(bench.slot.read().top.gaps, 0);
    // From here on it is a life like any other.
    bench.takes(&mut new, 6);
    assert!(matches!(bench.shown(), (State::Stale { reason: StaleReason::Gap, .. }, _, 2)));
    bench.fence(2);
    assert_eq!(bench.slot.generation(), 0);
}

#[test]
fn a_book_waits_for_a_successor_that_is_ahead() {
    let (mut bench, mut old) = live();
    let mut new = bench.successor(2);
    bench.takes(&mut new, 4);
    assert_eq!((bench.shown(), bench.repeated()), ((State::Live, Some(2), 1), 1), "3 is missing there");
    bench.takes(&mut old, 3);
    bench.takes(&mut old, 4);
    assert_eq!(bench.shown(), (State::Live, Some(4), 1));
    bench.takes(&mut new, 5);
    assert_eq!((bench.shown(), bench.slot.read().top.gaps), ((State::Live, Some(5), 2), 0));
}

#[test]
fn a_quiet_book_is_moved_and_what_was_missed_shows_by_its_number() {
    let (mut bench, _old) = live();
    let mut new = bench.successor(2);
    new.opened(bench.clock.stamp()).expect("the worker is there");
    bench.all();
    assert!(!bench.carried() && bench.shown() == (State::Live, Some(2), 1));
    bench.sends(Job::Move { connection: LINE, generation: Generation(2) });
    assert!(bench.carried() && bench.shown() == (State::Live, Some(2), 2));
    bench.fence(1);
    assert_eq!(bench.shown(), (State::Live, Some(2), 2));
    bench.takes(&mut new, 4);
    assert!(matches!(bench.shown(), (State::Stale { reason: StaleReason::Gap, .. }, _, 2)));
}

#[test]
fn a_successor_that_fails_gives_its_books_back() {
    let (mut bench, mut old) = live();
    let mut new = bench.successor(2);
    bench.takes(&mut new, 3);
    assert_eq!(bench.shown(), (State::Live, Some(3), 2));
    bench.takes(&mut old, 3);
    bench.fence(2);
    assert_eq!(bench.shown(), (State::Live, Some(3), 1));
    bench.takes(&mut old, 4);
    assert_eq!((bench.shown(), bench.slot.read().top.gaps), ((State::Live, Some(4), 1), 0));
    let mut late = bench.successor(2);
    assert_eq!(bench.push(&mut late, 5), Pushed::Queued);
    bench.all();
    assert_eq!(bench.shown(), (State::Live, Some(4), 1), "nothing of a life that was fenced (I4)");
    let mut next = bench.successor(3);
    bench.takes(&mut next, 5);
    assert_eq!(bench.shown(), (State::Live, Some(5), 3));
}

/// The connection ends before the next one has said anything of the book: by its number it goes on all the same.
#[test]
fn a_connection_that_ends_early_leaves_its_books_to_the_next() {
    let (mut bench, _old) = live();
    let mut new = bench.successor(2);
    new.opened(bench.clock.stamp()).expect("the worker is there");
    bench.all();
    bench.fence(1);
    assert_eq!(bench.shown(), (State::Live, Some(2), 2));
    bench.takes(&mut new, 3);
    assert_eq!((bench.shown(), bench.slot.read().top.gaps), ((State::Live, Some(3), 2), 0));
}

/// A book that is stale has nothing to lose: it is repaired where it will stay.
#[test]
fn a_stale_book_goes_over_at_once() {
    let (mut bench, mut old) = live();
    bench.takes(&mut old, 5);
    let mut new = bench.successor(2);
    bench.takes(&mut new, 6);
    assert!(matches!(bench.shown(), (State::Stale { .. }, _, 2)));
    bench.takes(&mut old, 6);
    assert_eq!(bench.snapshot(1, 5, bench.clock.mono()).name(), "stale", "asked for in the other life");
    assert_eq!(bench.snapshot(2, 5, bench.clock.mono()), State::Live);
    assert_eq!(bench.shown(), (State::Live, Some(6), 2));
}

/// What the successor loses before a book is its own takes nothing from the book; what the book's own life loses does.
#[test]
fn a_message_lost_beside_a_book_is_not_its_own() {
    let (mut bench, mut old) = live();
    let mut new = bench.successor(2);
    assert_eq!([4, 5, 6].map(|n| bench.push(&mut new, n)), [Pushed::Queued, Pushed::Queued, Pushed::Dropped]);
    assert!(bench.slot.broken().is_some(), "whose it is only the worker can tell");
    bench.all();
    assert_eq!((bench.shown(), bench.slot.broken()), ((State::Live, Some(2), 1), None));
    assert_eq!([3, 4, 5].map(|n| bench.push(&mut old, n)), [Pushed::Queued, Pushed::Queued, Pushed::Dropped]);
    bench.all();
    assert!(matches!(bench.shown(), (State::Stale { reason: StaleReason::Overflow, .. }, _, 1)));
}
