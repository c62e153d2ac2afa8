//! C2: the whole of the threaded half that decides anything, under a scheduler that draws every step.
//!
//! Supervisor, recovery, workers and readers run as they are, put together by their own composition root, in threads of
//! the checker. What is made up is what is outside: a socket whose frames are drawn, REST answers, and a clock that goes
//! on when somebody moves it. Commands and the other checker: see `shell::model`.
//!
//! Every look at a book that says `live` is held against the venue's own (I1 to I4, I6), every start of a reader against
//! the join before it (I5), the counters against each other at the end (I7), the queues against their bounds (I9); and
//! in the end everything is live again (I12) and stops, which the checker finds if it does not.

mod checks;
mod daemon;
mod readers;
mod venue;

use crate::config::Overflow;
use daemon::{Ground, Scenario, run};
use shuttle::scheduler::{PctScheduler, RandomScheduler};
use shuttle::{Config, FailurePersistence, MaxSteps, Runner};
use std::sync::Arc;
use venue::Face;

/// Enough for a worker's decoder in a debug build; the checker's own default is too small for real code.
const STACK_BYTES: usize = 1024 * 1024;
/// Priority changes of one schedule: bugs that need more than a few orderings at once are rare.
const PCT_DEPTH: usize = 3;
/// Steps of one schedule; one that needs more never ends.
const STEPS_MAX: usize = 1_000_000;
const RANDOM_SEED: u64 = 0x5EED;

/// How many schedules: a share of each of the scenarios.
fn amount(quick: usize, landing: usize, release: usize) -> usize {
    match std::env::var("DEPTHD_PROOF").as_deref() {
        Err(_) | Ok("") => quick,
        Ok("landing") => landing,
        Ok("release") => release,
        Ok(other) => panic!("DEPTHD_PROOF={other}: neither landing nor release"),
    }
}

fn schedules(name: &str, scenario: Scenario) {
    let mut config = Config::new();
    config.stack_size = STACK_BYTES;
    config.max_steps = MaxSteps::FailAfter(STEPS_MAX);
    config.failure_persistence = FailurePersistence::Print;
    config.silence_warnings = true;
    // Six scenarios share what the figure asks for.
    let (random, pct) = (amount(50, 1_700, 17_000), amount(10, 170, 1_700));
    let ground = Arc::new(Ground::of(scenario));
    let (first, second) = (ground.clone(), ground);
    let scheduler = RandomScheduler::new_from_seed(RANDOM_SEED, random);
    Runner::new(scheduler, config.clone()).run(move || run(&first));
    let scheduler = PctScheduler::new_from_seed(RANDOM_SEED, PCT_DEPTH, pct);
    Runner::new(scheduler, config).run(move || run(&second));
    println!("FIGURE C2: {name}: {random} random and {pct} PCT schedules, 0 failures; {}", checks::tally());
}

#[test]
fn c2_rest_books_under_drop_newest() {
    schedules(
        "REST books, drop_newest",
        Scenario { face: Face::Rest, overflow: Overflow::DropNewest, workers: 1 },
    );
}

#[test]
fn c2_rest_books_under_drop_oldest() {
    schedules(
        "REST books, drop_oldest",
        Scenario { face: Face::Rest, overflow: Overflow::DropOldest, workers: 1 },
    );
}

#[test]
fn c2_rest_books_of_two_workers_under_block() {
    schedules(
        "REST books, block, two workers",
        Scenario { face: Face::Rest, overflow: Overflow::Block, workers: 2 },
    );
}

#[test]
fn c2_in_band_books_under_drop_newest() {
    schedules(
        "in-band books, drop_newest",
        Scenario { face: Face::InBand, overflow: Overflow::DropNewest, workers: 1 },
    );
}

#[test]
fn c2_in_band_books_under_drop_oldest() {
    schedules(
        "in-band books, drop_oldest",
        Scenario { face: Face::InBand, overflow: Overflow::DropOldest, workers: 1 },
    );
}

#[test]
fn c2_in_band_books_of_two_workers_under_block() {
    schedules(
        "in-band books, block, two workers",
        Scenario { face: Face::InBand, overflow: Overflow::Block, workers: 2 },
    );
}
