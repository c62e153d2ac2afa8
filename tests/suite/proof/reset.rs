//! X3: from a reset of the connection to the first live book, with the venue 50 ms away.
//!
//! The backoff is the product's own: the first wait of 500 ms at most, of a connection that had lived long enough
//! (`reset_after` is short here, for a minute between two resets would be an hour of test). Nothing else is configured.
//! Resets keep the venues' own limits on connects and messages: several daemons share them, none waits for a token.

use super::amount::{amount, figure};
use super::delay::Delay;
use crate::e2e::daemon::{Daemon, PATIENCE};
use crate::e2e::look::rows;
use depthd::sim::config::{Face, SimConfig};
use depthd::sim::{Fault, LinkFault, Sim};
use std::time::{Duration, Instant};

/// One way: a round trip is twice this.
const LATENCY: Duration = Duration::from_millis(50);
/// CoinAPI's limit allows a hello each 2.5 s.
const HELLO_EVERY: Duration = Duration::from_millis(2_600);

/// So many resets of one daemon's connection: how long each took.
fn resets(face: Face, count: usize) -> Vec<Duration> {
    let mut config = SimConfig { symbols: 2, rate: 200, ..SimConfig::new(face) };
    config.control_latency = (Duration::ZERO, Duration::ZERO);
    let sim = Sim::start(config).expect("a venue");
    let wire = Delay::start(sim.addr(), LATENCY);
    let path = if face == Face::CoinApi { "/v1/" } else { "" };
    let daemon = Daemon::start(&format!(
        "[[feed]]\nname = \"{face}\"\nvenue = \"{face}\"\nurl = \"ws://{0}{path}\"\nrest_url = \"http://{0}\"\n\
         symbols = {1:?}\nbackoff = {{ first = \"500ms\", max = \"30s\", reset_after = \"10ms\" }}\n",
        wire.addr,
        sim.symbols()
    ));
    daemon.wait_all_live();
    let mut took = Vec::new();
    for _ in 0..count {
        let recovered: Vec<u64> = rows(&daemon, face).iter().map(|row| row.recoveries).collect();
        let began = Instant::now();
        sim.inject(Fault::Link(LinkFault::Reset));
        while !rows(&daemon, face)
            .iter()
            .zip(&recovered)
            .any(|(row, was)| row.state == "live" && row.recoveries > *was)
        {
            assert!(began.elapsed() < PATIENCE, "no book is live again: {:?}", rows(&daemon, face));
            std::thread::park_timeout(Duration::from_millis(3));
        }
        took.push(began.elapsed());
        daemon.wait_all_live();
        if face == Face::CoinApi {
            // The venue's cool-down is not what is measured.
            std::thread::sleep(HELLO_EVERY.saturating_sub(began.elapsed()));
        }
    }
    assert_eq!(sim.log().violations, []);
    let (audited, wrong) = daemon.audit(&sim);
    assert!(wrong.is_empty() && audited > 0, "{wrong:?}");
    took
}

#[test]
fn x3_from_a_reset_to_the_first_live_book() {
    // No more of a Binance connection than its burst of connects and its minute of REST allow.
    let (binance, coinapi) = amount((3, 1), (26, 12), (26, 60));
    let daemons = amount([1, 1], [3, 2], [5, 2]);
    let plan = [(Face::Binance, binance, daemons[0]), (Face::CoinApi, coinapi, daemons[1])];
    let mut all = Vec::new();
    let measured: Vec<(Face, Vec<Duration>)> = std::thread::scope(|scope| {
        let runs: Vec<_> = plan
            .iter()
            .flat_map(|&(face, count, daemons)| (0..daemons).map(move |_| (face, count)))
            .map(|(face, count)| (face, scope.spawn(move || resets(face, count))))
            .collect();
        runs.into_iter().map(|(face, run)| (face, run.join().expect("no panic"))).collect()
    });
    for face in [Face::Binance, Face::CoinApi] {
        let mut took: Vec<Duration> =
            measured.iter().filter(|(f, _)| *f == face).flat_map(|(_, took)| took.clone()).collect();
        took.sort();
        figure("X3", format_args!("{face}: {}", spread(&took)));
        all.extend(took);
    }
    all.sort();
    figure("X3", format_args!("both: {} (median at most 1000 ms, p99 at most 5000 ms)", spread(&all)));
    assert!(all[all.len() / 2] <= Duration::from_secs(1), "{all:?}");
    assert!(all[all.len() * 99 / 100] <= Duration::from_secs(5), "{all:?}");
}

fn spread(took: &[Duration]) -> String {
    let at = |percent: usize| took[(took.len() - 1) * percent / 100].as_millis();
    format!("{} resets, median {} ms, p99 {} ms, worst {} ms", took.len(), at(50), at(99), at(100))
}
