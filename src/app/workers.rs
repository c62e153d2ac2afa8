//! Starts the workers, and starts one over in place when it panics.

use crate::app::layout::{Layout, sync_rules};
use crate::config::Config;
use crate::engine::keeper::Keeper;
use crate::engine::sync::SyncRules;
use crate::shell::beat::Beat;
use crate::shell::clock::Clock;
use crate::shell::count::{FeedCounters, Timings, WorkerCounters};
use crate::shell::event::Event;
use crate::shell::queue::{self, Entrance};
use crate::shell::registry::WorkerEntry;
use crate::shell::slot::Slot;
use crate::shell::thread::{self, Handle};
use crate::shell::worker::{self, BookPlan, Desk, Side, Told};
use crate::venue::Venue;
use crossbeam_channel::{Receiver, Sender, bounded};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

const BEAT_WITHIN: Duration = Duration::from_secs(10);
/// Requests from the side that may wait at one worker: the HTTP handlers', the REST answers', and a few of the pulse's.
const SIDE_MAX: usize = 64;
/// Lifecycle jobs that may wait at one worker beside the counted messages: an opening, a fence and a spare a connection.
const CONTROL_PER_CONNECTION: usize = 4;

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

/// Says that a thread which must not end has ended, unless the end was ordered.
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
        config: &Config,
        layout: &Layout,
        slots: &[Arc<Slot>],
        feeds: &[Arc<FeedCounters>],
        timings: &Arc<Timings>,
        events: &Sender<Event>,
        clock: &Clock,
    ) -> io::Result<(Workers, Receiver<Told>)> {
        let count = config.pipeline.workers;
        // What a book needs and what it made of a snapshot, each at most once on its way in a healthy moment.
        let (told, told_out) = bounded(layout.books.len() * 4 + 64);
        let mut running = Vec::with_capacity(count);
        for index in 0..count {
            let share = |total: usize| (total / count + usize::from(index < total % count)).max(1);
            let books = slots.iter().filter(|s| s.worker == index).count();
            let control = layout.connections.len() * CONTROL_PER_CONNECTION + 8;
            let (entrance, mut outlet) = queue::queue(
                share(config.pipeline.queue_messages),
                share(config.pipeline.queue_bytes),
                books,
                control,
            );
            let (side, side_out) = bounded(SIDE_MAX);
            let counters = Arc::new(WorkerCounters::new(timings.clone()));
            let beat = Arc::new(Beat::new(format!("worker-{index}"), BEAT_WITHIN, clock.mono()));
            let make = desk_maker(index, config, layout, slots, feeds, told.clone(), counters.clone());
            let (panics, alarm, marked, time) =
                (counters.clone(), events.clone(), beat.clone(), clock.clone());
            let body = move || {
                loop {
                    let desk = make();
                    let run = AssertUnwindSafe(|| {
                        worker::run(desk, &mut outlet, &side_out, &alarm, &marked, &time)
                    });
                    let Err(payload) = catch_unwind(run) else { return };
                    panics.panics.fetch_add(1, Relaxed);
                    let message = thread::message(payload.as_ref());
                    let _ = alarm.send_timeout(
                        Event::WorkerPanicked { worker: index, message },
                        Duration::from_secs(1),
                    );
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

    pub fn entries(&self, layout: &Layout) -> Vec<WorkerEntry> {
        let entry = |(index, w): (usize, &Running)| WorkerEntry {
            name: format!("worker-{index}"),
            books: layout.books.iter().filter(|b| b.worker == index).count(),
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

/// What a book's plan is made of, again and again.
struct Recipe {
    slot: Arc<Slot>,
    feed_name: String,
    venue: Arc<dyn Venue>,
    rules: SyncRules,
    audited: bool,
    counters: Arc<FeedCounters>,
}

/// Makes a worker's desk, as often as it has to start over.
fn desk_maker(
    index: usize,
    config: &Config,
    layout: &Layout,
    slots: &[Arc<Slot>],
    feeds: &[Arc<FeedCounters>],
    told: Sender<Told>,
    counters: Arc<WorkerCounters>,
) -> impl Fn() -> Desk + Send + 'static {
    let recipe = |slot: &Arc<Slot>| {
        let feed = usize::from(slot.feed.0);
        let plan = &layout.feeds[feed];
        Recipe {
            slot: slot.clone(),
            feed_name: plan.config.name.clone(),
            venue: plan.venue.clone(),
            rules: sync_rules(config, plan.config.profile),
            audited: plan.config.profile.quote_shares_book_sequence,
            counters: feeds[feed].clone(),
        }
    };
    let recipes: Vec<Recipe> = slots.iter().filter(|slot| slot.worker == index).map(recipe).collect();
    let (books, connections, trades) = (slots.len(), layout.connections.len(), config.books.trades);
    move || {
        let plan = |recipe: &Recipe| BookPlan {
            slot: recipe.slot.clone(),
            feed_name: recipe.feed_name.clone(),
            venue: recipe.venue.clone(),
            keeper: Keeper::new(recipe.rules, recipe.audited, trades),
            counters: recipe.counters.clone(),
        };
        Desk::new(
            index,
            recipes.iter().map(plan).collect(),
            books,
            connections,
            told.clone(),
            counters.clone(),
        )
    }
}
