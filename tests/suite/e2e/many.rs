//! More symbols than one connection may carry: connections within the venue's limits, every book live as soon as the REST
//! budget allows, and no more memory than `depthd check` says.

use super::daemon::{Daemon, feed};
use super::look::left_of_bucket;
use depthd::sim::config::{Face, SimConfig};
use depthd::sim::{Sim, VenueLog};
use std::process::Command;
use std::time::{Duration, Instant};

/// How many symbols; 500 take five minutes, for the venue's weight of a minute.
const VARIABLE: &str = "DEPTHD_SYMBOLS";
/// Their snapshots fit the burst.
const SYMBOLS: usize = 80;
/// Symbols that one connection may carry there.
const EACH: usize = 200;
const RATE: u32 = 5_000;

/// The default budget of REST weight: 4,800 a minute, all of it as a burst.
const BURST: f64 = 4_800.0;
const PER_SECOND: f64 = 80.0;
/// Of a snapshot.
const WEIGHT: f64 = 50.0;

/// What `depthd check` says of a configuration.
fn checked(daemon_config: &str) -> String {
    let out = Command::new(env!("CARGO_BIN_EXE_depthd"))
        .args(["check", "--config", daemon_config])
        .output()
        .expect("the program runs");
    assert!(out.status.success(), "{out:?}");
    String::from_utf8(out.stdout).expect("text")
}

/// The sum of the worst-case table, KiB.
fn sum_kib(text: &str) -> u64 {
    let line = text.lines().find(|line| line.starts_with("sum ")).expect("the table's sum");
    let words: Vec<&str> = line.split_whitespace().collect();
    let (number, unit) = (words[1].parse::<u64>().expect("a number"), words[2]);
    number * if unit == "MiB" { 1_024 } else { 1 }
}

fn refused(log: &VenueLog) -> usize {
    log.rest.iter().filter(|call| call.status != 200).count()
}

#[test]
fn as_many_symbols_as_asked_for_become_live_within_every_budget() {
    let symbols = std::env::var(VARIABLE).map_or(SYMBOLS, |n| n.parse().expect("a number of symbols"));
    let mut config = SimConfig::new(Face::Binance);
    (config.symbols, config.rate) = (symbols, RATE);
    let sim = Sim::start(config).expect("a venue");
    let daemon = Daemon::start(&feed(&sim, ""));
    let worst_kib = sum_kib(&checked(daemon.config_path().to_str().expect("a path")));
    let began = Instant::now();
    let allowed = Duration::from_secs_f64(symbols as f64 * WEIGHT / PER_SECOND + 30.0);
    let (mut rss_kib, mut live) = (0, 0);
    while live < symbols {
        assert!(began.elapsed() < allowed, "{live} of {symbols} live");
        rss_kib = rss_kib.max(daemon.footprint().anonymous_kib);
        live = daemon.states().iter().filter(|(_, state)| state == "live").count();
        std::thread::park_timeout(Duration::from_millis(200));
    }
    let took = began.elapsed();
    let counters = sim.counters();
    let left = left_of_bucket(&sim.log(), BURST, PER_SECOND);
    println!(
        "FIGURE symbols: {symbols} live after {:.0} s over {} connections at {RATE} messages/s; {} REST calls, at most {} \
         at once, {} refused, {:.0} of the bucket left at the least; anonymous memory {rss_kib} KiB of the {worst_kib} that \
         `check` says",
        took.as_secs_f64(),
        counters.connections,
        counters.rest_calls,
        counters.rest_in_flight_peak,
        refused(&sim.log()),
        left.0,
    );
    assert_eq!(counters.connections, symbols.div_ceil(EACH) as u64);
    // One a book, and more where a book's window ran out while others waited for their first.
    assert!(refused(&sim.log()) == 0 && counters.rest_calls >= symbols as u64);
    assert!(left.0 >= 0.0 && counters.rest_in_flight_peak <= 2);
    assert!(rss_kib <= worst_kib);
    assert_eq!(sim.log().violations, []);
}
