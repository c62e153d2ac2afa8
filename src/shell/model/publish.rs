//! C1, publishing: what a worker shows of a book, what others say against it, and what a look makes of both.

use super::explore::every_schedule;
use crate::engine::id::{ConnectionId, FeedId, Generation};
use crate::engine::state::StaleReason;
use crate::engine::time::{Mono, Stamp};
use crate::shell::face::Face;
use crate::shell::seqcell::SeqCell;
use crate::shell::status::ConnectionStatus;
use crate::shell::sync::Arc;
use loom::sync::atomic::AtomicBool;
use loom::sync::atomic::Ordering::{Acquire, Release};
use loom::thread;

const STALE: u64 = 0;
const LIVE: u64 = 1;

/// Two words: whether it is live, and what it knows of (the last break, or the life).
type Shown = Face<2>;

fn connection() -> ConnectionStatus {
    ConnectionStatus::new(ConnectionId(0), FeedId(0), 1, Stamp::ZERO)
}

/// A look: what a live book that nobody doubts knows of.
fn live(face: &Shown, connection: Option<&ConnectionStatus>) -> Option<u64> {
    let (doubt, [state, knows]) = face.look(connection);
    (doubt.is_none() && state == LIVE).then_some(knows)
}

#[test]
fn c1_a_reader_never_sees_two_writes_mixed() {
    every_schedule("the words of one write", || {
        let cell = Arc::new(SeqCell::new([0, 0]));
        let written = cell.clone();
        let writer = thread::spawn(move || {
            written.write(&[1, 1]);
            written.write(&[2, 2]);
        });
        let mut last = 0;
        for _ in 0..2 {
            let [a, b] = cell.read();
            assert_eq!(a, b, "mixed");
            assert!(a >= last, "back from {last} to {a}");
            last = a;
        }
        writer.join().expect("the writer");
        assert_eq!(cell.read(), [2, 2]);
    });
}

/// The worker comes to a break: stale by its own account, then repaired, as the desk does it.
fn comes_to(face: &Shown, seen: &mut u64) {
    let number = face.breaks();
    if number > *seen {
        *seen = number;
        face.publish(&[STALE, number], 1);
        face.pass(number);
        face.publish(&[LIVE, number], 1);
        face.pass(number);
    }
}

#[test]
fn c1_after_a_break_no_look_is_live_until_the_worker_knows_i6() {
    every_schedule("a break, a worker, a look", || {
        let face = Arc::new(Shown::new());
        face.publish(&[LIVE, 0], 1);
        let shown = face.clone();
        let worker = thread::spawn(move || {
            let mut seen = 0;
            comes_to(&shown, &mut seen);
            comes_to(&shown, &mut seen);
        });
        let number = face.break_at(Mono::from_nanos(5), StaleReason::Overflow);
        if let Some(knows) = live(&face, None) {
            assert!(knows >= number, "live after break {number}, knowing only {knows}");
        }
        worker.join().expect("the worker");
        comes_to(&face, &mut 0);
        assert_eq!(live(&face, None), Some(1), "and it comes back");
    });
}

#[test]
fn c1_two_threads_break_a_book_and_each_is_heard() {
    every_schedule("two breaks at once", || {
        let face = Arc::new(Shown::new());
        face.publish(&[LIVE, 0], 1);
        let (broken, shown) = (face.clone(), face.clone());
        let other = thread::spawn(move || broken.break_at(Mono::from_nanos(5), StaleReason::Overflow));
        let worker = thread::spawn(move || {
            let number = shown.breaks();
            shown.publish(&[STALE, number], 1);
            shown.pass(number);
        });
        let mine = face.break_at(Mono::from_nanos(5), StaleReason::Overflow);
        let doubt = face.doubt(None);
        assert!(doubt.is_some() || face.is_passed(mine), "a break that nobody heard");
        let theirs = other.join().expect("the other");
        worker.join().expect("the worker");
        assert_ne!(mine, theirs, "breaks are numbered");
        assert_eq!(face.breaks(), 2);
        assert!(face.is_passed(2) || face.broken() == Some((Mono::from_nanos(5), StaleReason::Overflow)));
    });
}

#[test]
fn c1_a_life_that_is_over_is_never_shown_live_i6() {
    every_schedule("the end of a life", || {
        let (face, line) = (Arc::new(Shown::new()), Arc::new(connection()));
        line.believe(Generation(1));
        let shown = face.clone();
        let worker = thread::spawn(move || {
            shown.publish(&[LIVE, 1], 1);
            shown.publish(&[STALE, 1], 0);
        });
        line.disbelieve(Generation(1));
        assert_eq!(live(&face, Some(&line)), None, "a look after the end");
        worker.join().expect("the worker passes its fence");
        assert_eq!(live(&face, Some(&line)), None);
    });
}

#[test]
fn c1_a_life_begins_with_a_book_of_its_own() {
    every_schedule("the beginning of a life", || {
        let (face, line) = (Arc::new(Shown::new()), Arc::new(connection()));
        line.believe(Generation(1));
        face.publish(&[LIVE, 1], 1);
        line.disbelieve(Generation(1));
        face.publish(&[STALE, 1], 0);
        let (shown, next) = (face.clone(), line.clone());
        let worker = thread::spawn(move || {
            next.believe(Generation(2));
            shown.publish(&[STALE, 2], 2);
            shown.publish(&[LIVE, 2], 2);
        });
        assert_ne!(live(&face, Some(&line)), Some(1), "a look in the next life");
        worker.join().expect("the worker");
        assert_eq!(live(&face, Some(&line)), Some(2));
    });
}

#[test]
fn c1_a_book_that_goes_over_to_the_next_life_is_never_doubted() {
    every_schedule("a handover", || {
        let (face, line) = (Arc::new(Shown::new()), Arc::new(connection()));
        line.believe(Generation(1));
        face.publish(&[LIVE, 1], 1);
        line.believe(Generation(2));
        let (shown, carried) = (face.clone(), Arc::new(AtomicBool::new(false)));
        let (said, status) = (carried.clone(), line.clone());
        let worker = thread::spawn(move || {
            shown.publish(&[LIVE, 2], 2);
            said.store(true, Release);
        });
        // The supervisor gives the old life up once the worker has said that the next one carries the book.
        let supervisor = thread::spawn(move || {
            if carried.load(Acquire) {
                status.disbelieve(Generation(1));
            }
        });
        assert!(live(&face, Some(&line)).is_some(), "a look at any moment");
        worker.join().expect("the worker");
        supervisor.join().expect("the supervisor");
        assert_eq!(live(&face, Some(&line)), Some(2));
    });
}

/// A worker whose queue took no fence comes from one life to the next without a word between. That its book belonged
/// to the life before was told apart from what it showed, and first: for a moment the old book passed as the new.
#[test]
fn c1_a_life_that_ended_without_its_fence_is_not_taken_for_the_next() {
    every_schedule("two lives without a fence", || {
        let (face, line) = (Arc::new(Shown::new()), Arc::new(connection()));
        line.believe(Generation(1));
        face.publish(&[LIVE, 1], 1);
        line.disbelieve(Generation(1));
        line.believe(Generation(2));
        let shown = face.clone();
        let worker = thread::spawn(move || {
            shown.publish(&[STALE, 2], 2);
            shown.publish(&[LIVE, 2], 2);
        });
        assert_ne!(live(&face, Some(&line)), Some(1), "the book of the first life in the second");
        worker.join().expect("the worker");
        assert_eq!(live(&face, Some(&line)), Some(2));
    });
}
