//! C1, the room in a queue: never more than there is, and whoever waits for it is woken when it is made.

use super::explore::every_schedule;
use crate::shell::queue::modelled::{Gauge, Room};
use crate::shell::sync::Arc;
use crate::shell::sync::atomic::Ordering;
use loom::thread;
use std::time::Duration;

/// Under loom a wait that only its tick would end is a deadlock.
const TICK: Duration = Duration::from_millis(50);

#[test]
fn c1_reservations_never_exceed_the_bounds_i9() {
    every_schedule("two readers reserve, one gives back", || {
        let gauge = Arc::new(Gauge::new(2, 10));
        assert!(gauge.reserve(4));
        let take = |gauge: Arc<Gauge>| {
            move || {
                let taken = gauge.reserve(4);
                let (messages, bytes) =
                    (gauge.messages.load(Ordering::Relaxed), gauge.bytes.load(Ordering::Relaxed));
                assert!(messages <= 2 && bytes <= 10, "{messages} messages, {bytes} bytes");
                taken
            }
        };
        let other = thread::spawn(take(gauge.clone()));
        let mine = take(gauge.clone())();
        gauge.release(1, 4);
        let theirs = other.join().expect("the other");
        assert!(mine || theirs, "there was room for one");
        let held = usize::from(mine) + usize::from(theirs);
        let now = (gauge.messages.load(Ordering::Relaxed), gauge.bytes.load(Ordering::Relaxed));
        assert_eq!(now, (held, 4 * held));
        assert!(gauge.messages_high.load(Ordering::Relaxed) <= 2);
        assert!(gauge.bytes_high.load(Ordering::Relaxed) <= 10);
    });
}

#[test]
fn c1_a_reader_that_waits_for_room_is_woken() {
    every_schedule("one waits, one gives back", || {
        let (gauge, room) = (Arc::new(Gauge::new(1, 10)), Arc::new(Room::new()));
        assert!(gauge.reserve(1));
        let (held, waited) = (gauge.clone(), room.clone());
        let reader = thread::spawn(move || assert!(waited.wait(TICK, || held.reserve(1), || false)));
        gauge.release(1, 1);
        room.made();
        reader.join().expect("the reader");
    });
}

/// One batch given back found the token of the one before still there and trusted whoever took it to look again; he
/// did, but nothing made what had been given back visible to him, and he waited for his tick.
#[test]
fn c1_two_readers_wait_and_each_gets_its_room() {
    every_schedule("two wait, one gives back twice", || {
        let (gauge, room) = (Arc::new(Gauge::new(2, 10)), Arc::new(Room::new()));
        assert!(gauge.reserve(1) && gauge.reserve(1));
        let wait = |gauge: Arc<Gauge>, room: Arc<Room>| {
            move || assert!(room.wait(TICK, || gauge.reserve(1), || false))
        };
        let readers = [
            thread::spawn(wait(gauge.clone(), room.clone())),
            thread::spawn(wait(gauge.clone(), room.clone())),
        ];
        for _ in 0..2 {
            gauge.release(1, 1);
            room.made();
        }
        readers.into_iter().for_each(|reader| reader.join().expect("a reader"));
        assert_eq!(gauge.messages.load(Ordering::Relaxed), 2);
    });
}
