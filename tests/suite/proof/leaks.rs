//! L1, L2, L3, T1 and T3 in one storm: a thousand reconnects of every kind leave no thread, no descriptor and no memory
//! behind, each teardown is quick, and nothing of an old generation is applied.
//!
//! A thousand at a landing, ten thousand before a release; `DEPTHD_STORM_RECONNECTS` asks for another number.

use super::amount::{amount, figure};
use super::storm::{ENDS, Storm};
use crate::e2e::daemon::{Daemon, Footprint};
use crate::e2e::reconnects::at_rest;
use serde_json::Value;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
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
/// Threads that wake one another in a teardown: the reader, the supervisor, a worker, the supervisor again.
const WAKES: f64 = 4.0;

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

/// What `depthd check` says of the same configuration: threads and descriptors, at most.
fn stated(daemon: &Daemon) -> (u64, u64) {
    let mut check = Command::new(env!("CARGO_BIN_EXE_depthd"));
    check.args(["check", "--config"]).arg(daemon.config_path()).env("COINAPI_KEY", "sim-key");
    let said = String::from_utf8(check.output().expect("it runs").stdout).expect("text");
    let number = |what: &str| {
        let line = said.lines().find_map(|line| line.strip_prefix(what)).unwrap_or_else(|| panic!("{said}"));
        line.trim().parse().expect("a number")
    };
    (number("threads, at most"), number("descriptors, at most"))
}

/// How late this machine wakes a thread meanwhile, in milliseconds: p99 and worst. A teardown is four threads waking one
/// another, and takes that much longer on a machine that has other things to do.
struct Lateness {
    over: Arc<AtomicBool>,
    thread: std::thread::JoinHandle<Vec<Duration>>,
}

impl Lateness {
    fn start() -> Lateness {
        let over = Arc::new(AtomicBool::new(false));
        let told = over.clone();
        let thread = std::thread::spawn(move || {
            let (step, mut late) = (Duration::from_millis(5), Vec::new());
            while !told.load(Relaxed) {
                let asleep = Instant::now();
                std::thread::sleep(step);
                late.push(asleep.elapsed().saturating_sub(step));
            }
            late
        });
        Lateness { over, thread }
    }

    fn end(self) -> (f64, f64) {
        self.over.store(true, Relaxed);
        let mut late = self.thread.join().expect("no panic");
        late.sort_unstable();
        let ms = |at: usize| late[at].as_secs_f64() * 1e3;
        (ms(late.len() * 99 / 100), ms(late.len() - 1))
    }
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
    storm.settle(amount(1_000, 30_000, 30_000));
    storm.strike(warm, Duration::ZERO, |_| {});
    storm.assert_exact();
    let (threads_before, before) = at_rest(&storm.daemon);
    let memory_before = memory(&storm.daemon);

    let (began, late) = (Instant::now(), Lateness::start());
    let (mut left, mut course) = (reconnects, vec![memory_before]);
    while left > 0 {
        let some = left.min(EXACT_EVERY);
        storm.strike(some, Duration::ZERO, |_| {});
        storm.assert_exact();
        course.push(storm.daemon.footprint().anonymous_kib);
        left -= some;
    }
    let (took, (late_p99, late_max)) = (began.elapsed(), late.end());
    let (threads_after, after) = at_rest(&storm.daemon);
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
    let (threads_max, fds_max) = stated(&storm.daemon);
    figure(
        "L1",
        format!("{} threads of {threads_max} that check states, with two of the test's own", after.threads),
    );
    figure("L2", format!("{} descriptors of {fds_max} that check states", after.fds));
    assert!(after.threads <= threads_max && after.fds <= fds_max && fds_max <= FDS_MAX, "{after:?}");
    let growth = memory_after as i64 - memory_before as i64;
    figure("L3", format!("memory {growth:+} KiB over {reconnects} reconnects, from {memory_before} KiB"));
    assert!(growth <= GROWTH_KIB, "{course:?}");

    let spread = |field: &str| stats["teardown_ms"][field].as_f64().expect("a time");
    println!("the machine wakes a thread {late_p99:.1} ms late (p99), {late_max:.1} ms (worst)");
    assert!(spread("p99") <= TEARDOWN_P99_MS + WAKES * late_p99, "{}", stats["teardown_ms"]);
    assert!(spread("max") <= TEARDOWN_MAX_MS + WAKES * late_max, "{}", stats["teardown_ms"]);
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
