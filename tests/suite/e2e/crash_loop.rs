//! A daemon that dies at every start: what it has spent of its budgets outlives it, and so no venue sees more of it than of
//! one that lives.

use super::daemon::{Daemon, feed};
use depthd::sim::config::{Face, SimConfig};
use depthd::sim::{Sim, ViolationKind};
use std::time::{Duration, Instant};

/// CoinAPI's connects: three at once, and six in ten seconds (`venue::coinapi::limits`).
const BURST: f64 = 3.0;
const PER_SECOND: f64 = 0.6;
const ROUNDS: usize = 8;
/// How long each life lasts when it does not get a connect: far less than one takes to be earned.
const LIFE: Duration = Duration::from_millis(400);

/// How many connects the venue saw of so many lives, and how long they took.
fn lives(state: Option<&str>) -> (u64, Duration) {
    let sim = Sim::start(SimConfig::new(Face::CoinApi)).expect("a venue");
    let mut env = vec![("COINAPI_KEY", "sim-key")];
    env.extend(state.map(|directory| ("STATE_DIRECTORY", directory)));
    let began = Instant::now();
    for _ in 0..ROUNDS {
        let before = sim.counters().connects;
        let mut daemon = Daemon::start_with(&feed(&sim, ""), &env);
        let end = Instant::now() + LIFE;
        while sim.counters().connects == before && Instant::now() < end {
            std::thread::park_timeout(Duration::from_millis(5));
        }
        daemon.kill();
    }
    let violations = sim.log().violations;
    // Without a state the venue itself may object; with one it never does.
    assert!(state.is_none() || violations.is_empty(), "{violations:?}");
    assert!(violations.iter().all(|v| v.kind == ViolationKind::Connects), "{violations:?}");
    (sim.counters().connects, began.elapsed())
}

#[test]
fn dying_at_every_start_buys_no_connects() {
    let state = std::env::temp_dir().join(format!("depthd-crash-loop-{}", std::process::id()));
    std::fs::create_dir_all(&state).expect("made");
    let (connects, took) = lives(Some(state.to_str().expect("UTF-8")));
    let files: Vec<_> =
        std::fs::read_dir(&state).expect("there").map(|entry| entry.expect("readable").file_name()).collect();
    std::fs::remove_dir_all(&state).expect("removed");
    let allowed = BURST + PER_SECOND * took.as_secs_f64();
    println!("{ROUNDS} lives: {connects} connects in {took:?}, {allowed:.1} allowed");
    assert!(connects as f64 <= allowed && connects as f64 >= BURST, "{connects} connects in {took:?}");
    assert!(files.iter().any(|file| file == "budgets.json") && files.len() <= 2, "{files:?}");
    let (connects, _) = lives(None);
    assert_eq!(connects, ROUNDS as u64, "without a state each life begins with full purses");
}
