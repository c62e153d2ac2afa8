//! Starts the workers, and starts one over in place when it panics.

use crate::config::Pipeline;
use crate::shell::beat::Beat;
use crate::shell::clock::Clock;
use crate::shell::count::{Timings, WorkerCounters};
use crate::shell::event::Event;
use crate::shell::queue::{self, Entrance};
use crate::shell::registry::WorkerEntry;
use crate::shell::sync::channel::{Receiver, Sender, bounded};
use crate::shell::thread::{self, Handle};
use crate::shell::worker::{self, Desk, Recipe, Side, Told};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

const BEAT_WITHIN: Duration = Duration::from_secs(10);
/// Requests from the side that may wait at one worker: the HTTP handlers', the REST answers', and a few of the pulse's.
const SIDE_MAX: usize = 64;
/// Lifecycle jobs that may wait at one worker beside the counted messages: an opening, a fence and two spare a connection.
const CONTROL_PER_CONNECTION: usize = 4;

/// Room for books and connections that a reload may add: channels keep their capacity for life. A slot is some 100 bytes.
#[derive(Clone, Copy)]
pub struct Room {
    pub books: usize,
    pub connections: usize,
}

struct Running {
    entrance: Entrance,
    side: Sender<Side>,
    counters: Arc<WorkerCounters>,
    beat: Arc<Beat>,
    thread: Handle<()>,
}

/// All workers.
pub struct Workers {
    running: Vec<Running>,
}

/// Says that a thread which must not end has panicked.
pub struct Alarm {
    pub events: Sender<Event>,
    pub thread: &'static str,
}

impl Drop for Alarm {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let lost = Event::Lost { thread: self.thread.to_owned(), message: "it panicked".to_owned() };
            let _ = self.events.send_timeout(lost, Duration::from_secs(1));
        }
    }
}

impl Workers {
    /// # Errors
    /// A thread cannot be started.
    pub fn start(
        pipeline: &Pipeline,
        room: Room,
        timings: &Arc<Timings>,
        events: &Sender<Event>,
        clock: &Clock,
    ) -> io::Result<(Workers, Receiver<Told>)> {
        let count = pipeline.workers;
        // What a book needs and what it made of a snapshot, each at most once on its way in a healthy moment.
        let (told, told_out) = bounded(room.books * 4);
        let mut running = Vec::with_capacity(count);
        for index in 0..count {
            let share = |total: usize| (total / count + usize::from(index < total % count)).max(1);
            let (entrance, outlet) = queue::queue(
                share(pipeline.queue_messages),
                share(pipeline.queue_bytes),
                room.books,
                room.connections * CONTROL_PER_CONNECTION,
            );
            let (side, side_out) = bounded(SIDE_MAX);
            let counters = Arc::new(WorkerCounters::new(timings.clone()));
            let beat = Arc::new(Beat::new(format!("worker-{index}"), BEAT_WITHIN, clock.mono()));
            let (told, counted) = (told.clone(), counters.clone());
            let (alarm, marked, time) = (events.clone(), beat.clone(), clock.clone());
            let body = move || {
                let mut recipes: Vec<Arc<Recipe>> = Vec::new();
                loop {
                    let desk = Desk::new(index, told.clone(), counted.clone());
                    let run = AssertUnwindSafe(|| {
                        worker::run(desk, &mut recipes, &outlet, &side_out, &alarm, &marked, &time);
                    });
                    let Err(payload) = catch_unwind(run) else { return };
                    counted.panics.fetch_add(1, Relaxed);
                    let message = thread::message(payload.as_ref());
                    let panicked = Event::WorkerPanicked { worker: index, message };
                    let _ = alarm.send_timeout(panicked, Duration::from_secs(1));
                }
            };
            let thread = thread::spawn(&format!("wk-{index}"), worker::STACK_BYTES, body)?;
            running.push(Running { entrance, side, counters, beat, thread });
        }
        Ok((Workers { running }, told_out))
    }

    pub fn entrances(&self) -> Vec<Entrance> {
        self.running.iter().map(|w| w.entrance.clone()).collect()
    }

    pub fn sides(&self) -> Vec<Sender<Side>> {
        self.running.iter().map(|w| w.side.clone()).collect()
    }

    pub fn beats(&self) -> Vec<Arc<Beat>> {
        self.running.iter().map(|w| w.beat.clone()).collect()
    }

    pub fn entries(&self) -> Vec<WorkerEntry> {
        let entry = |(index, w): (usize, &Running)| WorkerEntry {
            name: format!("worker-{index}"),
            counters: w.counters.clone(),
            gauge: w.entrance.gauge(),
            side: w.side.clone(),
        };
        self.running.iter().enumerate().map(entry).collect()
    }

    /// Closes every queue and joins; the supervisor and its readers must be gone.
    pub fn stop(self) {
        for Running { entrance, thread, .. } in self.running {
            drop(entrance);
            thread.join();
        }
    }
}
