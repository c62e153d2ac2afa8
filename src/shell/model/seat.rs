//! C1, a worker's seat: one at a time sits there, and no job is left lying that nobody was rung for.

use super::explore::every_schedule;
use crate::shell::sync::Arc;
use crate::shell::sync::atomic::{AtomicBool, Ordering};
use crate::shell::sync::channel::{Receiver, Sender, bounded};
use crate::shell::worker::Seat;
use loom::thread;

/// What is on the seat: whoever has it is alone with it.
struct Station {
    jobs: Receiver<u32>,
    done: u32,
}

/// A reader brings a job and helps.
fn bring(seat: &Seat<Station>, jobs: &Sender<u32>, queued: &Receiver<u32>, bell: &Sender<()>, most: usize) {
    jobs.try_send(1).expect("there is room");
    let turn = |station: &mut Station| station.done += station.jobs.try_recv().unwrap_or(0);
    let ring = || {
        let _ = bell.try_send(());
    };
    seat.help(most, || !queued.is_empty(), turn, ring);
}

/// The worker's own thread, which looks only when it is rung for.
fn own(seat: &Seat<Station>, rung: &Receiver<()>) {
    while rung.recv().is_ok() {
        while let Some(mut station) = seat.want() {
            while let Ok(job) = station.jobs.try_recv() {
                station.done += job;
            }
            if !seat.give_back(station) {
                break;
            }
        }
    }
}

fn two_bring(most: usize) {
    let ((jobs, queued), (bell, rung)) = (bounded(2), bounded(1));
    let seat = Arc::new(Seat::default());
    seat.give_back(Station { jobs: queued.clone(), done: 0 });
    let (other_seat, other_jobs, other_queued, other_bell) =
        (seat.clone(), jobs.clone(), queued.clone(), bell.clone());
    let other = thread::spawn(move || bring(&other_seat, &other_jobs, &other_queued, &other_bell, most));
    let worker_seat = seat.clone();
    let worker = thread::spawn(move || own(&worker_seat, &rung));
    bring(&seat, &jobs, &queued, &bell, most);
    // When the last way in is gone the worker ends, without a last look of its own.
    drop(bell);
    other.join().expect("the other");
    worker.join().expect("the worker");
    assert_eq!(seat.want().expect("everybody stood up").done, 2);
}

#[test]
fn c1_no_job_is_left_at_a_seat_that_others_take() {
    every_schedule("two readers help, the worker is rung for", || two_bring(8));
}

#[test]
fn c1_no_job_is_left_by_a_reader_that_helps_with_nothing() {
    every_schedule("two readers ring, the worker does it", || two_bring(0));
}

#[test]
fn c1_one_at_a_time_has_the_station() {
    every_schedule("two take it", || {
        let (seat, taken) = (Arc::new(Seat::default()), Arc::new(AtomicBool::new(false)));
        seat.give_back(());
        let sit = |seat: Arc<Seat<()>>, taken: Arc<AtomicBool>| {
            move || {
                if let Some(station) = seat.want() {
                    assert!(!taken.swap(true, Ordering::Relaxed), "two sit there");
                    taken.store(false, Ordering::Relaxed);
                    seat.give_back(station);
                }
            }
        };
        let other = thread::spawn(sit(seat.clone(), taken.clone()));
        sit(seat.clone(), taken.clone())();
        other.join().expect("the other");
        assert!(seat.want().is_some());
    });
}
