//! The workers: what each is made of, and their threads.

use crate::app::assembly::BEAT_WITHIN;
use crate::config::memory::HANDOVERS_MAX;
use crate::config::{Config, Pipeline};
use crate::shell::beat::Beat;
use crate::shell::clock::Clock;
use crate::shell::count::{Timings, WorkerCounters};
use crate::shell::event::Event;
use crate::shell::queue::{self, Entrance};
use crate::shell::registry::WorkerEntry;
use crate::shell::sync::channel::{Receiver, Sender, bounded};
use crate::shell::thread::{self, Handle};
use crate::shell::worker::{self, Place, Post, Side, Told};
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// Requests from the side that may wait at one worker: the HTTP handlers', the REST answers', and a few of the pulse's.
const SIDE_MAX: usize = 64;
/// Lifecycle jobs that may wait at one worker beside the counted messages: an opening, a fence and two spare a connection.
const CONTROL_PER_CONNECTION: usize = 4;

/// Books that a reload may add to the fewest: as many as somebody lists at once. A book is nine places in each worker's
/// queue, of some 100 bytes that are touched at the start.
const MORE_BOOKS_MIN: usize = 256;
/// Connections likewise, each with places for its events and lifecycle jobs: a feed of every venue, and some.
const MORE_CONNECTIONS_MIN: usize = 16;

/// How many books and connections there are room for: channels keep their capacity for life.
#[derive(Clone, Copy)]
pub struct Room {
    pub books: usize,
    pub connections: usize,
}

impl Room {
    /// What a configuration needs.
    pub fn of(config: &Config) -> Room {
        let books = config.enabled().map(|feed| feed.symbols.len()).sum();
        let connections = config.enabled().map(|feed| feed.connections()).sum();
        Room { books, connections }
    }

    /// And as much again for reloads to add.
    pub fn with_more(self) -> Room {
        Room {
            books: self.books + self.books.max(MORE_BOOKS_MIN),
            connections: self.connections + self.connections.max(MORE_CONNECTIONS_MIN),
        }
    }

    pub fn holds(self, other: Room) -> bool {
        other.books <= self.books && other.connections <= self.connections
    }
}

/// The ways to a worker.
#[derive(Clone)]
pub struct Ways {
    pub entrance: Entrance,
    pub side: Sender<Side>,
    pub counters: Arc<WorkerCounters>,
    pub beat: Arc<Beat>,
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

/// Every worker's ways and post, and where what they tell comes out.
pub fn lay_out(
    pipeline: &Pipeline,
    room: Room,
    timings: &Arc<Timings>,
    events: &Sender<Event>,
    clock: &Clock,
) -> (Vec<Ways>, Vec<Post>, Receiver<Told>) {
    let count = pipeline.workers;
    // What a book needs and what it made of a snapshot, each at most once on its way in a healthy moment.
    let (told, told_out) = bounded(room.books * 4);
    let mut ways = Vec::with_capacity(count);
    let mut posts = Vec::with_capacity(count);
    for index in 0..count {
        let share = |total: usize| (total / count + usize::from(index < total % count)).max(1);
        let (entrance, outlet) = queue::queue(
            share(pipeline.queue_messages),
            share(pipeline.queue_bytes),
            room.books,
            (room.connections + HANDOVERS_MAX) * CONTROL_PER_CONNECTION,
        );
        let (side, side_out) = bounded(SIDE_MAX);
        let counters = Arc::new(WorkerCounters::new(timings.clone()));
        let beat = Arc::new(Beat::new(format!("worker-{index}"), BEAT_WITHIN, clock.mono()));
        let place = Place {
            index,
            outlet,
            side: side_out,
            recovery: told.clone(),
            counters: counters.clone(),
            events: events.clone(),
            beat: beat.clone(),
            clock: clock.clone(),
            recipes: Vec::new(),
        };
        posts.push(Post { seat: entrance.seat(), place });
        ways.push(Ways { entrance, side, counters, beat });
    }
    (ways, posts, told_out)
}

/// What the registry shows of them.
pub fn entries(ways: &[Ways]) -> Vec<WorkerEntry> {
    let entry = |(index, w): (usize, &Ways)| WorkerEntry {
        name: format!("worker-{index}"),
        counters: w.counters.clone(),
        gauge: w.entrance.gauge(),
        side: w.side.clone(),
    };
    ways.iter().enumerate().map(entry).collect()
}

/// All workers' threads. They end when the last way in is dropped.
pub struct Workers {
    threads: Vec<Handle<()>>,
}

impl Workers {
    /// Starts as many as it can; an error says why not all. Those that run are to be stopped all the same.
    pub fn start(posts: Vec<Post>) -> (Workers, io::Result<()>) {
        let mut workers = Workers { threads: Vec::with_capacity(posts.len()) };
        for post in posts {
            let name = format!("wk-{}", workers.threads.len());
            match thread::spawn(&name, worker::STACK_BYTES, move || worker::run(post)) {
                Ok(thread) => workers.threads.push(thread),
                Err(e) => return (workers, Err(e)),
            }
        }
        (workers, Ok(()))
    }

    /// Joins them; every way in must be gone.
    pub fn stop(self) {
        for thread in self.threads {
            thread.join();
        }
    }
}
