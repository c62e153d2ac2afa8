//! A worker's seat: whoever sits on it does the worker's work, and nobody else.
//!
//! Mostly that is a reader with a batch in hand: to apply it takes less than to wake another thread, and the books show it
//! before that thread would run. The worker's own thread sits down when it is rung for, because a reader found the seat
//! taken; when somebody asks for a book; and once a second. Either way jobs are taken from the queue, in its order.
//!
//! Measured against a plain thread with two `BTreeMap`s a book, ten symbols on two cores (`cargo bench --bench e2e`):
//! readers that only queue and wake a worker for each batch take 1.66 times its processor time; with the decoder as it is
//! now 0.94 times and 1.4 million messages a second; woken for every fourth batch 1.02 to 1.10 times and 1.2 million; readers
//! that apply what they have 0.70 to 0.83 times and 1.0 to 1.2 million, and at 1,000 a second half the time to the book.

use super::{Closed, Place, Ready, Worker};
use crate::shell::event::Event;
use crate::shell::queue::Frames;
use crate::shell::sync::{Mutex, MutexGuard, PoisonError};
use crate::shell::thread;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// Where a [`Station`] stands while nobody works at it.
pub struct Seat<S = Box<Station>> {
    state: Mutex<State<S>>,
}

struct State<S> {
    /// `None` while somebody works at it, and before the worker has come at all.
    station: Option<S>,
    /// The worker's own thread found the seat taken: it comes next, or readers in a hurry would never let it.
    wanted: bool,
}

impl<S> Seat<S> {
    /// Takes the station, to give it back soon. `None`: somebody else is there, or the worker's own thread comes next.
    pub fn take(&self) -> Option<S> {
        let mut state = self.state();
        if state.wanted { None } else { state.station.take() }
    }

    /// The same for the worker's own thread, which is to be rung for when it found nothing.
    pub fn want(&self) -> Option<S> {
        let mut state = self.state();
        let station = state.station.take();
        state.wanted = station.is_none();
        station
    }

    /// Gives it back. True when the worker's own thread waits for it.
    pub fn give_back(&self, station: S) -> bool {
        let mut state = self.state();
        state.station = Some(station);
        state.wanted
    }

    /// Does at most `jobs_max` jobs, if the seat is free. Rings if it is not or if there are more: whoever sits there may
    /// have looked for the last time before this caller's job was queued.
    pub fn help(&self, jobs_max: usize, jobs: impl Fn() -> bool, turn: impl Fn(&mut S), ring: impl Fn()) {
        let Some(mut station) = self.take() else { return ring() };
        for _ in 0..jobs_max {
            if !jobs() {
                break;
            }
            turn(&mut station);
        }
        if self.give_back(station) || jobs() {
            ring();
        }
    }

    fn state(&self) -> MutexGuard<'_, State<S>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S> Default for Seat<S> {
    fn default() -> Seat<S> {
        Seat { state: Mutex::new(State { station: None, wanted: false }) }
    }
}

impl<S> std::fmt::Debug for Seat<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seat")
    }
}

/// A worker at its place.
pub struct Station {
    pub place: Place,
    /// `None` only while a new one is made after a panic.
    worker: Option<Worker>,
}

impl Station {
    pub fn new(place: Place) -> Station {
        let worker = Worker::new(&place);
        Station { place, worker: Some(worker) }
    }

    /// One whose worker has begun elsewhere.
    #[cfg(test)]
    pub(super) fn with(place: Place, worker: Worker) -> Station {
        Station { place, worker: Some(worker) }
    }

    /// Does one thing; true when it panicked and was started over. See [`Worker::turn`].
    ///
    /// # Errors
    /// [`Closed`]: it will never be needed again.
    pub fn turn(&mut self, ready: Ready) -> Result<bool, Closed> {
        match self.guarded(|worker, place| worker.turn(place, ready)) {
            Some(turned) => turned.map(|()| false),
            None => Ok(true),
        }
    }

    /// Applies frames that were never queued.
    pub fn apply(&mut self, frames: &Frames<'_>) {
        self.guarded(|worker, place| worker.apply(place, frames));
    }

    /// `None` when it panicked and was started over.
    fn guarded<T>(&mut self, work: impl FnOnce(&mut Worker, &mut Place) -> T) -> Option<T> {
        let Station { place, worker } = self;
        let work = || work(worker.get_or_insert_with(|| Worker::new(place)), place);
        match catch_unwind(AssertUnwindSafe(work)) {
            Ok(done) => Some(done),
            Err(payload) => {
                self.worker = None;
                self.panicked(payload.as_ref());
                self.worker = Some(Worker::new(&self.place));
                None
            }
        }
    }

    pub fn worker(&self) -> Option<&Worker> {
        self.worker.as_ref()
    }

    /// Counts it and says so. What the worker knew is gone; its place is as it was.
    fn panicked(&self, payload: &(dyn Any + Send)) {
        self.place.counters.panics.fetch_add(1, Relaxed);
        let panicked = Event::WorkerPanicked { worker: self.place.index, message: thread::message(payload) };
        let _ = self.place.events.send_timeout(panicked, Duration::from_secs(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Readers that come again at once would keep the worker's own thread from whoever waits for a book.
    #[test]
    fn who_wants_the_seat_comes_next() {
        let seat = Seat::default();
        assert!(!seat.give_back("station"));
        let taken = seat.take().expect("it is free");
        assert_eq!((seat.take(), seat.want()), (None, None));
        assert!(seat.give_back(taken), "somebody is to be rung for");
        assert_eq!(seat.take(), None, "not for others now");
        let own = seat.want().expect("for its own thread");
        assert!(!seat.give_back(own));
        assert_eq!(seat.take(), Some("station"));
    }
}
