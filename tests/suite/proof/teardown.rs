//! T2: SIGTERM at any moment of a life full of faults ends in exit 0 within two seconds, every thread joined.
//!
//! The named states, a name lookup among them, are in `e2e::teardown`, by the same figure.

use super::amount::{amount, figure};
use crate::e2e::daemon::{Daemon, feed};
use crate::e2e::teardown::JOINED;
use depthd::sim::Sim;
use depthd::sim::config::{Allowance, Face, FaultLevel, SimConfig};
use std::time::{Duration, Instant};

const STOP_MAX: Duration = Duration::from_secs(2);
/// From the start to the signal at most: connects, first books, and a few faults.
const LIFE_MAX_MICROS: u64 = 1_500_000;

fn venue(face: Face, seed: u64) -> Sim {
    let mut config =
        SimConfig { faults: FaultLevel::Chaos, rate: 300, symbols: 3, seed, ..SimConfig::new(face) };
    // Many daemons in a row are no client that goes over its limits.
    let plenty = Allowance::new(1_000_000, Duration::from_secs(1));
    (config.limits.connects, config.limits.control, config.limits.rest) = (plenty, plenty, plenty);
    config.limits.rest_daily = None;
    config.fault_gap = Some(Duration::from_millis(150));
    Sim::start(config).expect("a venue")
}

#[test]
fn t2_a_stop_at_any_moment_takes_two_seconds_at_most() {
    let stops: u64 = amount(8, 120, 600);
    let sims = [venue(Face::Binance, 11), venue(Face::CoinApi, 12)];
    let feeds: String =
        sims.iter().map(|sim| feed(sim, "connect_timeout = \"1s\"\nidle_timeout = \"1s\"")).collect();
    let mut took = Vec::new();
    for n in 0..stops {
        let mut daemon = Daemon::start(&feeds);
        // Spread evenly and out of step with everything: a multiple of the golden ratio, without its whole part.
        let micros = n.wrapping_mul(1_618_033) % LIFE_MAX_MICROS;
        let until = Instant::now() + Duration::from_micros(micros);
        while let Some(left) = until.checked_duration_since(Instant::now()).filter(|l| !l.is_zero()) {
            std::thread::park_timeout(left);
        }
        let (status, stop) = daemon.stop();
        daemon.wait_line(JOINED);
        assert!(status.success(), "after {micros} us: {status}");
        assert!(stop <= STOP_MAX, "after {micros} us: {stop:?}");
        took.push(stop);
    }
    took.sort_unstable();
    let ms = |at: usize| took[at].as_millis();
    let last = took.len() - 1;
    let faults: u64 = sims.iter().map(|sim| sim.faults_injected()).sum();
    figure(
        "T2",
        format!(
            "{stops} stops at any moment, {faults} faults meanwhile: median {} ms, worst {} ms",
            ms(last / 2),
            ms(last)
        ),
    );
    assert!(faults > stops / 2, "only {faults} faults");
}
