//! X6, with real calls: what the venue's own log says of ten thousand of them. In any window no more than burst and rate
//! allow, and never more in flight than the cap.
//!
//! The venue sees a call when it arrives, which is later than it was let go by what the way took, and the way takes
//! now longer, now shorter. So the law is asked twice: with an allowance for the way, which must hold; and without,
//! which shows how much of the allowance was needed. That letting go itself is exact, to the nanosecond, is a property of
//! the bucket, tested where time is simulated.

use super::amount::{amount, figure};
use crate::e2e::daemon::{Daemon, feed};
use depthd::sim::config::{Allowance, Face, SimConfig};
use depthd::sim::{Fault, Sim, StreamFault, VenueLog};
use std::time::{Duration, Instant};

/// What a Binance book costs.
const WEIGHT: u32 = 50;
/// Of the daemon, in calls.
const RATE: u32 = 250;
const BURST: u32 = 8;
const IN_FLIGHT: u64 = 4;
/// Two messages of most symbols: one is lost, and one comes after which it is missed.
const GAPS_EVERY: Duration = Duration::from_millis(350);
/// How much later than another a call may arrive that was let go before it: threads of a busy machine wait for their turn.
const WAY: Duration = Duration::from_millis(100);

/// Counts what is used in windows so short that the daemon's bucket, and not this, is what holds it back.
fn venue() -> Sim {
    let mut config = SimConfig { symbols: 150, rate: 4_000, ..SimConfig::new(Face::Binance) };
    config.limits.rest = Allowance::new(1_000_000, Duration::from_millis(50));
    config.rest_latency = (Duration::ZERO, Duration::from_millis(5));
    Sim::start(config).expect("a venue")
}

/// The most that any window of arrivals holds above `burst + rate × window`, in calls.
fn excess(log: &VenueLog) -> f64 {
    let (rate, burst) = (f64::from(RATE), f64::from(BURST));
    // From each call to each later one: the most of `calls - rate × time` is found with the least before it.
    let (mut least_before, mut most) = (f64::MAX, f64::MIN);
    for (n, call) in log.rest.iter().enumerate() {
        let owed = rate * call.start.as_secs_f64();
        least_before = least_before.min(n as f64 - owed);
        most = most.max((n + 1) as f64 - owed - least_before);
    }
    most - burst
}

#[test]
fn x6_ten_thousand_real_calls_keep_to_the_bucket() {
    let wanted = amount(400, 10_000, 100_000);
    let sim = venue();
    let recovery = format!(
        "recovery = {{ rate = \"{}/s\", burst = {}, max_concurrent = {IN_FLIGHT} }}",
        RATE * WEIGHT,
        BURST * WEIGHT
    );
    let _daemon = Daemon::start(&feed(&sim, &recovery));
    let began = Instant::now();
    let limit = began + Duration::from_secs(60 + wanted / 50);
    while sim.counters().rest_calls < wanted {
        // A gap in every book, again and again: there is always more to ask for than may be asked.
        sim.inject(Fault::Stream { symbol: None, what: StreamFault::Gap });
        assert!(Instant::now() < limit, "only {} calls", sim.counters().rest_calls);
        std::thread::park_timeout(GAPS_EVERY);
    }
    let took = began.elapsed();
    let log = sim.log();
    assert_eq!(log.rest.len() as u64, log.counters.rest_calls, "the log forgot nothing");
    let (excess, peak) = (excess(&log), log.counters.rest_in_flight_peak);
    let way = excess.max(0.0) / f64::from(RATE);
    figure(
        "X6",
        format_args!(
            "{} real calls in {:.1} s ({:.0}/s of {RATE}/s, burst {BURST}): in no window of arrivals more than {excess:.3} calls \
             above the law, which is {:.2} ms of the way (allowance {} ms); in flight at most {peak} of {IN_FLIGHT}",
            log.rest.len(),
            took.as_secs_f64(),
            log.rest.len() as f64 / took.as_secs_f64(),
            way * 1e3,
            WAY.as_millis()
        ),
    );
    assert!(way <= WAY.as_secs_f64(), "{excess} calls too many");
    assert!(peak <= IN_FLIGHT);
    assert_eq!(log.violations, []);
    assert!(
        log.rest.len() as f64 / took.as_secs_f64() > f64::from(RATE) / 4.0,
        "the bucket was never asked for much"
    );
}
