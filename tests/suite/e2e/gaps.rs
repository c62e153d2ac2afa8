//! A hundred messages lost over twenty symbols at once: every book is exact again, and the venue never saw more calls
//! than it allows. All of that is read from the venue's own log.

use super::daemon::{Daemon, feed};
use super::look::{assert_exact_and_newest, gaps, left_of_bucket, metric, rows};
use depthd::engine::decimal::Decimal;
use depthd::engine::event::Level;
use depthd::engine::time::Wall;
use depthd::sim::config::{Face, SimConfig};
use depthd::sim::{Fault, RestFault, Shown, Sim, StreamFault, VenueLog};
use serde_json::Value;
use std::time::{Duration, Instant};

const SYMBOLS: usize = 20;
/// Times the venue loses a message of every symbol.
const WAVES: usize = 5;
/// What a Binance book costs.
const WEIGHT: f64 = 50.0;

/// Twenty symbols, calls slow enough to overlap, and a venue that refuses a third one at a time.
fn venue(face: Face) -> Sim {
    let mut config = SimConfig::new(face);
    config.symbols = SYMBOLS;
    config.rest_latency = (Duration::from_millis(20), Duration::from_millis(60));
    config.limits.rest_concurrency = 2;
    Sim::start(config).expect("a venue")
}

/// Loses [`WAVES`] messages of each symbol, another one arriving after each. The daemon is held meanwhile: it meets all of
/// them at once. Says how many were lost.
fn lose(daemon: &Daemon, sim: &Sim, symbols: &[String]) -> u64 {
    let count = (symbols.len() * WAVES) as u64;
    let before = faults(&sim.log(), "gap");
    daemon.signal("STOP");
    for _ in 0..WAVES {
        for symbol in symbols {
            sim.inject(Fault::Stream { symbol: Some(symbol.clone()), what: StreamFault::Gap });
        }
        // Whichever change comes first is lost; one of these two arrives.
        (0..2).for_each(|_| symbols.iter().for_each(|symbol| sim.step(symbol)));
    }
    daemon.wait_until("every message lost", |_| faults(&sim.log(), "gap") == before + count);
    daemon.signal("CONT");
    count
}

/// The same, until the daemon has noticed each.
fn lose_noticed(daemon: &Daemon, sim: &Sim, symbols: &[String]) {
    let before = gaps(daemon, sim.face());
    let count = lose(daemon, sim, symbols);
    daemon.wait_until("every gap noticed", |d| gaps(d, sim.face()) >= before + count);
}

fn faults(log: &VenueLog, name: &str) -> u64 {
    log.faults.get(name).copied().unwrap_or(0)
}

fn assert_within_limits(log: &VenueLog, burst: f64, per_second: f64) {
    let (left, left_strictly) = left_of_bucket(log, burst, per_second);
    eprintln!(
        "{} calls, peak in flight {}, least left of the bucket {left_strictly:.2} ({left:.2} with the way there)",
        log.rest.len(),
        log.counters.rest_in_flight_peak
    );
    assert_eq!(log.violations, [], "the venue has nothing to complain of");
    assert_eq!(log.counters.rest_in_flight_peak, 2, "both places are used, and no third");
    assert_eq!(log.rest.len() as u64, log.counters.rest_calls, "the log forgot nothing");
    assert!(left >= 0.0, "the bucket is overdrawn by {}", -left);
}

#[test]
fn a_hundred_gaps_at_once_are_repaired_over_rest_within_its_limits() {
    let sim = venue(Face::Binance);
    // Ten calls at once, then ten a second: less than the storm wants, so that the bucket is what holds it back.
    let daemon = Daemon::start(&feed(&sim, "recovery = { rate = \"500/s\", burst = 500 }"));
    daemon.wait_all_live();
    let before = sim.counters().rest_calls;
    let began = Instant::now();
    lose_noticed(&daemon, &sim, &sim.symbols());
    daemon.wait_all_live();
    let took = began.elapsed();
    assert_exact_and_newest(&daemon, &sim);

    let log = sim.log();
    let (gaps, repairs) = (gaps(&daemon, Face::Binance), log.counters.rest_calls - before);
    eprintln!("binance: {gaps} gaps, {repairs} repairs, all live after {took:?}");
    assert_eq!(log.counters.connects, 1, "a gap costs no connection");
    assert!(rows(&daemon, Face::Binance).iter().all(|row| row.gaps >= WAVES as u64 && row.recoveries >= 1));
    // One a symbol, and again where a later gap came before its answer: never one a gap and more.
    assert!((SYMBOLS as u64..=100).contains(&repairs), "{repairs}");
    assert_within_limits(&log, 10.0 * WEIGHT, 10.0 * WEIGHT);
}

#[test]
fn a_hundred_gaps_at_once_are_repaired_in_band_and_bridged_over_rest() {
    let sim = venue(Face::CoinApi);
    let daemon = Daemon::start(&feed(&sim, ""));
    daemon.wait_all_live();
    let symbols = sim.symbols();
    let began = Instant::now();
    // Half of the books and then the other half: no reason to disturb the rest of the connection.
    let mut bridged = 0;
    for half in symbols.chunks(SYMBOLS / 2) {
        lose_noticed(&daemon, &sim, half);
        daemon.wait_until("every book live, every partial book exact on the way", |d| {
            bridged += audit_partial(d, &sim);
            rows(d, Face::CoinApi).iter().all(|row| row.state == "live")
        });
    }
    let took = began.elapsed();
    assert_exact_and_newest(&daemon, &sim);
    sim.set_rate(1_000);
    let log = sim.log();
    let verbs = |verb: &str| log.controls.iter().filter(|c| c.text.contains(verb)).count();
    let (out, back) = (verbs("\"unsubscribe\""), verbs("\"subscribe\""));
    let partial =
        metric(&daemon, "depthd_recoveries_total{feed=\"coinapi\",method=\"rest\",outcome=\"partial\"}");
    eprintln!(
        "coinapi: {} gaps, {out} restarts, {partial} bridged over REST ({bridged} looks at them, all exact), all live \
         after {took:?}",
        gaps(&daemon, Face::CoinApi)
    );
    assert_eq!((log.counters.connects, out, back), (1, 2, 2), "one restart for each half");
    assert!(partial >= 1.0 && bridged >= 1);

    // All of them: now one new connection is cheaper than any restart. It comes before every gap is noticed.
    let recovered: Vec<u64> = rows(&daemon, Face::CoinApi).iter().map(|row| row.recoveries).collect();
    lose(&daemon, &sim, &symbols);
    daemon.wait_until("every book stale and live again", |d| {
        let rows = rows(d, Face::CoinApi);
        rows.iter().zip(&recovered).all(|(row, before)| row.state == "live" && row.recoveries > *before)
    });
    assert_exact_and_newest(&daemon, &sim);
    let log = sim.log();
    assert_eq!(log.counters.connects, 2);
    assert!(log.controls.len() <= 1 + 4 + 1, "{:?}", log.controls);
    assert_within_limits(&log, 2.0, 2.0);
}

/// Compares every partial book with the truth in its exact levels; how many were.
fn audit_partial(daemon: &Daemon, sim: &Sim) -> usize {
    let mut audited = 0;
    for row in rows(daemon, sim.face()).iter().filter(|row| row.state == "partial") {
        let book = daemon.json(&format!("/api/books/{}/{}?depth=5000", sim.face(), row.symbol));
        let (Some(depth), Some(sequence)) = (book["exact_depth"].as_u64(), book["sequence"].as_u64()) else {
            continue;
        };
        let time = book["exchange_time"].as_str().and_then(Wall::parse);
        let Some(truth) = sim.truth(&row.symbol, Some(sequence), time) else { continue };
        let (bids, asks) = (best(&book["bids"], depth), best(&book["asks"], depth));
        let shown = Shown { bids: &bids, asks: &asks, depth: depth as usize, low: None, high: None };
        assert_eq!(truth.judge(&shown), Ok(()), "{} at {sequence}: {book}", row.symbol);
        audited += 1;
    }
    audited
}

fn best(side: &Value, depth: u64) -> Vec<Level> {
    let number = |v: &Value| Decimal::parse(v.as_str().expect("a string").as_bytes()).expect("a number");
    let rows = side.as_array().expect("a list").iter().take(depth as usize);
    rows.map(|row| Level { price: number(&row[0]), size: number(&row[1]) }).collect()
}

#[test]
fn the_breaker_opens_when_rest_fails_and_closes_when_it_is_well_again() {
    const FAILURES: usize = 5;
    const OPEN: Duration = Duration::from_millis(500);
    let sim = venue(Face::Binance);
    let recovery = "recovery = { breaker_failures = 5, breaker_open = \"500ms\" }";
    let daemon = Daemon::start(&feed(&sim, recovery));
    daemon.wait_all_live();
    let state = |d: &Daemon| metric(d, "depthd_rest_breaker_state{feed=\"binance\"}");
    assert_eq!(state(&daemon), 0.0);
    let before = sim.log().rest.len();

    // Enough to open it and, though a call may be out beside the last, to fail a trial too.
    let what = RestFault::Status { status: 500, wait: None };
    sim.inject(Fault::Rest { count: FAILURES as u32 + 2, what });
    lose(&daemon, &sim, &sim.symbols());
    daemon.wait_until("the breaker open", |d| state(d) == 2.0);
    assert!(rows(&daemon, Face::Binance).iter().any(|row| row.state == "stale"), "nothing can be repaired");
    daemon.wait_until("the breaker closed", |d| state(d) == 0.0);
    assert_exact_and_newest(&daemon, &sim);

    let log = sim.log();
    assert_eq!(log.violations, []);
    assert_eq!(faults(&log, "rest_status"), FAILURES as u64 + 2);
    let calls: Vec<_> = log.rest.iter().skip(before).collect();
    let end = |i: usize| calls[i].end.expect("answered");
    // The breaker opens on the fifth answer. A call that was out already may still arrive; then nobody calls.
    let mut ends: Vec<Duration> = (0..calls.len()).map(end).collect();
    ends.sort();
    let opened = ends[FAILURES - 1];
    let after = calls.iter().position(|c| c.start >= opened).expect("it was tried again");
    let first_trial = if calls[after].start < opened + OPEN { after + 1 } else { after };
    assert!(first_trial <= FAILURES + 1, "{first_trial} calls before the pause");
    let mut pauses = vec![calls[first_trial].start - opened];
    // Trials go alone: each begins after the one before has ended, twice as long after.
    let mut trial = first_trial;
    while calls[trial].status == 500 {
        pauses.push(calls[trial + 1].start - end(trial));
        trial += 1;
    }
    eprintln!("{first_trial} calls, then pauses of {pauses:?}, then {} calls", calls.len() - trial);
    for (n, pause) in (0..).zip(&pauses) {
        assert!(*pause >= OPEN * 2u32.pow(n), "trial {n} came after {pause:?}");
    }
    assert!(pauses.len() >= 2, "a trial failed");
    assert!(calls[trial + 1].start >= end(trial), "the good trial went alone");
    assert!(calls[trial..].iter().all(|call| call.status == 200));
}
