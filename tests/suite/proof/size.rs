//! L4 and L8: two hundred books of a thousand levels a side in 32 MiB, looked at every 10 ms through a run full of
//! faults; and a program of at most 8 MiB.

use super::amount::{amount, figure};
use crate::e2e::daemon::{Daemon, feed};
use depthd::sim::Sim;
use depthd::sim::config::{Allowance, Face, FaultLevel, SimConfig};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

const SYMBOLS_EACH: usize = 100;
const LEVELS: usize = 1_000;
const LOOK_EVERY: Duration = Duration::from_millis(10);
const RSS_MAX_KIB: u64 = 32 * 1_024;
const BINARY_MAX_BYTES: u64 = 8 << 20;

/// As fast as a test wants its books; what is measured is memory.
fn venue(face: Face) -> Sim {
    let config = SimConfig::new(face);
    let plenty = Allowance::new(1_000_000, Duration::from_secs(1));
    let mut limits = config.limits.clone();
    (limits.connects, limits.control, limits.rest, limits.rest_daily) = (plenty, plenty, plenty, None);
    let (symbols, levels) = (SYMBOLS_EACH, Some(LEVELS));
    Sim::start(SimConfig { symbols, levels, limits, rate: 500, ..config }).expect("a venue")
}

/// Resident memory in KiB, as the kernel counts it, without a word to the daemon.
fn resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
    line.split_whitespace().next().and_then(|n| n.parse().ok()).expect("a number")
}

#[test]
fn l4_two_hundred_deep_books_and_every_fault_in_32_mib() {
    let length = Duration::from_secs(amount(3, 40, 600));
    let sims = [Face::CoinApi, Face::Binance].map(venue);
    let more = "recovery = { rate = \"1000000/m\", burst = 1000000, max_concurrent = 4 }";
    let config: String = sims.iter().map(|sim| feed(sim, more)).collect();
    let daemon = Daemon::start(&config);
    let (over, pid) = (AtomicBool::new(false), daemon.pid());
    let (mut samples, books) = std::thread::scope(|scope| {
        let sampler = scope.spawn(|| {
            let mut samples = Vec::new();
            while !over.load(Relaxed) {
                samples.push(resident(pid));
                std::thread::park_timeout(LOOK_EVERY);
            }
            samples
        });
        let lived = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            daemon.wait_all_live();
            sims.iter().for_each(|sim| sim.set_faults(FaultLevel::Chaos));
            let began = Instant::now();
            while began.elapsed() < length {
                std::thread::park_timeout(length.saturating_sub(began.elapsed()));
            }
            sims.iter().for_each(|sim| sim.set_faults(FaultLevel::Off));
            daemon.wait_all_live();
            daemon.json("/stats")["books"].as_array().expect("books").clone()
        }));
        over.store(true, Relaxed);
        let samples = sampler.join().expect("no panic");
        (samples, lived.unwrap_or_else(|why| std::panic::resume_unwind(why)))
    });
    let levels = |side: &str| -> u64 {
        books.iter().map(|b| b["levels"][side].as_u64().expect("a count")).sum::<u64>() / books.len() as u64
    };
    let last = *samples.last().expect("samples");
    samples.sort_unstable();
    let (middle, most) = (samples[samples.len() / 2], samples[samples.len() - 1]);
    let faults: u64 = sims.iter().map(|sim| sim.faults_injected()).sum();
    figure(
        "L4",
        format!(
            "{} books of {} and {} levels on average, {faults} faults in {} s: resident {most} KiB at most, {middle} KiB in \
         the middle of {} samples, {last} KiB at the end",
            books.len(),
            levels("bids"),
            levels("asks"),
            length.as_secs(),
            samples.len()
        ),
    );
    assert_eq!(books.len(), 2 * SYMBOLS_EACH);
    assert!(levels("bids") * 10 >= 9 * LEVELS as u64, "not as deep as it should be");
    assert!(most <= RSS_MAX_KIB, "{most} KiB");
}

#[test]
fn l8_the_program_is_small() {
    let bytes = std::fs::metadata(env!("CARGO_BIN_EXE_depthd")).expect("the program").len();
    if cfg!(debug_assertions) {
        println!("SKIP: only a release build is stripped; this one has {bytes} bytes");
        return;
    }
    figure("L8", format!("{bytes} bytes of {BINARY_MAX_BYTES}"));
    assert!(bytes <= BINARY_MAX_BYTES, "{bytes}");
}
