//! Runs a model through every schedule, and counts them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Involuntary switches of thread in one schedule. Known bugs of this kind of code show with two.
const PREEMPTIONS_MAX: usize = 3;
/// Steps of one schedule; none here comes near.
const BRANCHES_MAX: usize = 20_000;

/// Every schedule of `model` to its end; a failed assertion, a deadlock and an endless one fail the test.
pub fn every_schedule(name: &str, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(PREEMPTIONS_MAX);
    builder.max_branches = BRANCHES_MAX;
    // An environment variable must not make it stop early and call that complete.
    (builder.max_duration, builder.max_permutations) = (None, None);
    let schedules = Arc::new(AtomicU64::new(0));
    let counted = schedules.clone();
    builder.check(move || {
        counted.fetch_add(1, Relaxed);
        model();
    });
    let schedules = schedules.load(Relaxed);
    println!(
        "FIGURE C1: {name}: {schedules} schedules, preemption bound {PREEMPTIONS_MAX}, complete, 0 failures"
    );
    assert!(schedules > 1, "{name}: nothing was interleaved");
}
