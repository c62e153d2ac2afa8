//! L5: hours of load, ten times the nominal one, with a reconnect every 100 ms. Memory does not creep.
//!
//! Two hours before a release; `DEPTHD_SOAK_SECONDS` asks for another length, and without either there is none.

use super::amount::{amount, figure};
use super::storm::Storm;
use crate::e2e::load::growth;
use std::time::{Duration, Instant};

const VARIABLE: &str = "DEPTHD_SOAK_SECONDS";
/// Messages a second of each of the four venues.
const RATE: u32 = 2_500;
const PACE: Duration = Duration::from_millis(100);
const SAMPLE_EVERY: Duration = Duration::from_secs(2);
/// The first eighth warms up: fifteen minutes of two hours.
const WARM_PART: u64 = 8;
const SLOPE_MAX_KIB_AN_HOUR: f64 = 64.0;
/// A shorter soak has its samples too near one another for a slope by the hour: along its line it may grow by this.
const GROWTH_MAX_KIB: f64 = 256.0;
const WHOLE: u64 = 7_200;

#[test]
fn l5_memory_does_not_creep_in_a_soak() {
    let asked = std::env::var(VARIABLE).ok().map(|s| s.parse().expect("seconds"));
    let seconds: u64 = asked.unwrap_or(amount(0, 0, WHOLE));
    if seconds == 0 {
        println!("SKIP: a soak is asked for by {VARIABLE}");
        return;
    }
    let mut storm = Storm::gather(RATE, &[]);
    storm.settle(30_000);
    let (began, warm) = (Instant::now(), Duration::from_secs(seconds / WARM_PART));
    let (mut samples, mut next, mut struck) = (Vec::new(), warm, 0u64);
    while began.elapsed() < Duration::from_secs(seconds) {
        storm.strike(100, PACE, |daemon| {
            let at = began.elapsed();
            if at >= next {
                samples.push((at.as_secs_f64(), daemon.footprint().anonymous_kib as f64));
                next = at + SAMPLE_EVERY;
            }
        });
        struck += 100;
    }
    let hours = began.elapsed().as_secs_f64() / 3_600.0;
    let (grown, spread) = growth(&samples);
    let length = samples.last().map_or(0.0, |s| s.0) - samples.first().map_or(0.0, |s| s.0);
    let slope = grown / length * 3_600.0;
    let sent: u64 = storm.targets.iter().map(|t| t.sim.counters().messages_sent).sum();
    figure(
        "L5",
        format!(
            "{struck} reconnects in {:.1} min, {:.0} messages a second: {grown:+.0} KiB along the line of {} samples \
         ({slope:+.0} KiB an hour), {spread:.0} KiB between lowest and highest",
            hours * 60.0,
            sent as f64 / (hours * 3_600.0),
            samples.len()
        ),
    );
    storm.assert_exact();
    if seconds >= WHOLE {
        assert!(slope <= SLOPE_MAX_KIB_AN_HOUR, "{slope:.0} KiB an hour");
    } else {
        assert!(grown <= GROWTH_MAX_KIB, "{grown:.0} KiB");
    }
}
