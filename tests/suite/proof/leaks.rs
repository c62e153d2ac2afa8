//! L1, L2, L3, T1 and T3 in one storm: a thousand reconnects of every kind leave no thread, no descriptor and no memory
//! behind, each teardown is quick, and nothing of an old generation is applied.
//!
//! A thousand at a landing, ten thousand before a release; `DEPTHD_STORM_RECONNECTS` asks for another number.

use super::amount::{amount, figure};
use super::storm::{ENDS, Storm};
use crate::e2e::daemon::{Daemon, Footprint};
use crate::e2e::reconnects::at_rest;
use crate::e2e::reconnects::threads;
use serde_json::Value;
use std::time::{Duration, Instant};

const VARIABLE: &str = "DEPTHD_STORM_RECONNECTS";

/// Messages a second of each venue. More would let books grow while the daemon is measured by the kilobyte.
const RATE: u32 = 100;
/// Looks at every level of every book, this many reconnects apart.
const EXACT_EVERY: u64 = 100;
/// Samples of memory that make one median.
const SAMPLES: usize = 25;

const FDS_MAX: u64 = 256;
const GROWTH_KIB: i64 = 256;
const TEARDOWN_P99_MS: f64 = 50.0;
const TEARDOWN_MAX_MS: f64 = 500.0;

fn median(samples: &[u64]) -> u64 {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable();
    sorted[sorted.len() / 2]
}

/// Anonymous memory, some times over a second: the middle of them, so that what is passing does not count.
fn memory(daemon: &Daemon) -> u64 {
    let look = |_| {
        std::thread::park_timeout(Duration::from_millis(40));
        daemon.footprint().anonymous_kib
    };
    median(&(0..SAMPLES).map(look).collect::<Vec<_>>())
}

fn sum(stats: &Value, of: impl Fn(&Value) -> u64) -> u64 {
    stats["feeds"].as_array().expect("feeds").iter().map(of).sum()
}

#[test]
fn l1_l2_l3_t1_t3_a_storm_of_reconnects_leaves_nothing_behind() {
    let asked = std::env::var(VARIABLE).ok().map(|n| n.parse().expect("a number of reconnects"));
    let reconnects = asked.unwrap_or(amount(40, 1_000, 10_000));
    let warm = amount(16, 150, 500);
    let mut storm = Storm::gather(RATE, &[]);
    let pool = threads(&storm.daemon).1;
    storm.settle(amount(1_000, 30_000, 30_000));
    storm.strike(warm, Duration::ZERO, |_| {});
    storm.assert_exact();
    let (threads_before, before) = at_rest(&storm.daemon, pool);
    let memory_before = memory(&storm.daemon);

    let began = Instant::now();
    let (mut left, mut course) = (reconnects, vec![memory_before]);
    while left > 0 {
        let some = left.min(EXACT_EVERY);
        storm.strike(some, Duration::ZERO, |_| {});
        storm.assert_exact();
        course.push(storm.daemon.footprint().anonymous_kib);
        left -= some;
    }
    let took = began.elapsed();
    let (threads_after, after) = at_rest(&storm.daemon, pool);
    let memory_after = memory(&storm.daemon);
    storm.targets.iter().for_each(|t| t.sim.quiesce());
    storm.daemon.wait_until("everything settled", |d| {
        sum(&d.json("/stats"), |feed| feed["messages"]["in_flight"].as_u64().expect("a count")) == 0
    });
    let stats = storm.daemon.json("/stats");
    report(&stats, reconnects, took, (before, after), &course);

    let counted = sum(&stats, |feed| {
        feed["reconnects"].as_object().expect("by reason").values().filter_map(Value::as_u64).sum()
    });
    assert!(counted >= reconnects + warm, "{counted} ends for {reconnects} and {warm} before");
    for reason in ENDS {
        let ends = sum(&stats, |feed| feed["reconnects"][reason].as_u64().unwrap_or(0));
        assert!(ends >= reconnects / 20, "{reason}: {ends}");
    }
    assert_eq!(threads_after, threads_before);
    assert_eq!(after.fds, before.fds);
    assert!(after.fds <= FDS_MAX, "{after:?}");
    let growth = memory_after as i64 - memory_before as i64;
    figure("L3", format!("memory {growth:+} KiB over {reconnects} reconnects, from {memory_before} KiB"));
    assert!(growth <= GROWTH_KIB, "{course:?}");

    let spread = |field: &str| stats["teardown_ms"][field].as_f64().expect("a time");
    assert!(spread("p99") <= TEARDOWN_P99_MS && spread("max") <= TEARDOWN_MAX_MS, "{}", stats["teardown_ms"]);
    for target in &storm.targets {
        assert_eq!(target.sim.log().violations, [], "{}", target.name);
    }
    assert_eq!(sum(&stats, |feed| feed["audit_mismatches"].as_u64().expect("a count")), 0);
    let (status, took) = storm.daemon.stop();
    assert!(status.success() && took < Duration::from_secs(1), "{status} {took:?}");
}

fn report(stats: &Value, reconnects: u64, took: Duration, fields: (Footprint, Footprint), course: &[u64]) {
    let (before, after) = fields;
    let seconds = took.as_secs_f64();
    figure(
        "L1",
        format!(
            "threads {:+} over {reconnects} reconnects in {seconds:.0} s, {} in all",
            after.threads as i64 - before.threads as i64,
            after.threads
        ),
    );
    figure(
        "L2",
        format!(
            "descriptors {:+} over {reconnects} reconnects, {} in all",
            after.fds as i64 - before.fds as i64,
            after.fds
        ),
    );
    let down = &stats["teardown_ms"];
    figure(
        "T1",
        format!(
            "{} teardowns: p50 {} ms, p99 {} ms, worst {} ms",
            down["count"], down["p50"], down["p99"], down["max"]
        ),
    );
    let late = sum(stats, |feed| feed["messages"]["discarded"]["late"].as_u64().unwrap_or(0));
    figure(
        "T3",
        format!(
            "{late} late messages met and none applied: every book exact every {EXACT_EVERY} reconnects, all messages accounted for"
        ),
    );
    println!("anonymous KiB along the way: {course:?}");
    for feed in stats["feeds"].as_array().expect("feeds") {
        println!(
            "{}: ends {}, messages {}, recoveries {}",
            feed["name"], feed["reconnects"], feed["messages"], feed["recoveries"]
        );
    }
}
