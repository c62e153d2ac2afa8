//! X4: what a fault costs is what the token bucket costs. Two hundred books of one connection, which is reset once a
//! minute for an hour; books come back as fast as the bucket pays for them, and little more is lost than that.

use super::amount::{amount, figure};
use crate::e2e::daemon::{Daemon, feed};
use crate::e2e::look::rows;
use depthd::sim::config::{Allowance, Face, SimConfig};
use depthd::sim::{Fault, LinkFault, Sim};
use std::time::{Duration, Instant};

const SYMBOLS: u32 = 200;
/// Calls a second, and at once.
const RATE: u32 = 10;
const BURST: u32 = 10;
/// What a Binance book costs.
const WEIGHT: u32 = 50;
const MINUTE: Duration = Duration::from_secs(60);
/// What the bucket alone dictates, and a twentieth.
const MOST: f64 = 1.05;

/// Symbol-seconds of one reset when nothing but a full bucket keeps books waiting.
fn dictated() -> f64 {
    (1..=SYMBOLS).map(|n| f64::from(n.saturating_sub(BURST)) / f64::from(RATE)).sum()
}

fn stale(daemon: &Daemon) -> f64 {
    rows(daemon, Face::Binance).iter().filter(|row| row.state != "live").count() as f64
}

#[test]
fn x4_a_fault_a_minute_costs_what_the_bucket_costs() {
    let minutes = amount(0, 0, 60);
    if minutes == 0 {
        println!("SKIP: X4 takes an hour, which is for a release");
        return;
    }
    let mut config = SimConfig { symbols: SYMBOLS as usize, rate: 500, ..SimConfig::new(Face::Binance) };
    config.limits.rest = Allowance::new(1_000_000, Duration::from_millis(50));
    let sim = Sim::start(config).expect("a venue");
    let defaults = "backoff = { first = \"500ms\", max = \"30s\", reset_after = \"60s\" }";
    let test = "backoff = { first = \"50ms\", max = \"500ms\", reset_after = \"60s\" }";
    let bucket = format!("recovery = {{ rate = \"{}/s\", burst = {} }}", RATE * WEIGHT, BURST * WEIGHT);
    let text = feed(&sim, &bucket);
    assert!(text.contains(test));
    let daemon = Daemon::start(&text.replace(test, defaults));
    daemon.wait_until("the first books", |d| stale(d) < f64::from(SYMBOLS) / 2.0);
    daemon.wait_all_live();
    let mut lost = Vec::new();
    for _ in 0..minutes {
        let began = Instant::now();
        sim.inject(Fault::Link(LinkFault::Reset));
        let (mut cost, mut last, mut seen) = (0.0, began, false);
        // Looked at often enough that a look's length, at both ends of each book's time, is not what is measured.
        while began.elapsed() < MINUTE {
            let now_stale = stale(&daemon);
            let now = Instant::now();
            cost += now_stale * now.duration_since(last).as_secs_f64();
            last = now;
            seen |= now_stale > 0.0;
            if seen && now_stale == 0.0 {
                std::thread::park_timeout(MINUTE.saturating_sub(began.elapsed()));
                last = Instant::now();
            }
            std::thread::park_timeout(Duration::from_millis(20));
        }
        lost.push(cost);
    }
    let (total, least) = (lost.iter().sum::<f64>(), dictated() * f64::from(minutes));
    figure(
        "X4",
        format_args!(
            "{minutes} resets, one a minute, of {SYMBOLS} books at {RATE} calls/s: {total:.0} stale symbol-seconds, {:.3} of the \
             {least:.0} that the bucket dictates (at most {MOST}); by reset {lost:.0?}",
            total / least
        ),
    );
    assert_eq!(sim.log().violations, []);
    assert!(total <= least * MOST);
}
