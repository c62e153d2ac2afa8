//! Deterministic simulation: the daemon's own code in one thread a seed, under a virtual clock, against the simulated
//! venue in memory, with faults drawn from the seed.
//!
//! A seed is a number: it draws the configuration, the market, the network and every fault, and gives the same run on
//! every machine. What fails prints the one line that runs it again.

mod args;
mod budgets;
mod calls;
mod daemon;
mod hash;
mod liveness;
mod lives;
mod mark;
mod names;
mod network;
mod oracle;
mod pinned;
mod pipe;
mod report;
mod rollover;
mod scenarios;
mod setup;
mod swarm;
mod venue;
mod world;

use args::Args;
use report::{Outcome, Report};
use rollover::Rollover;
use scenarios::Scenario;
use setup::{Draw, Setup};
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};
use world::World;

/// The deepest a seed calls: its books' joins and JSON, with room to spare.
const STACK_BYTES: usize = 16 << 20;

fn main() -> ExitCode {
    let args = match Args::parse(std::env::args().skip(1)) {
        Ok(args) => args,
        Err(why) => {
            eprintln!("{why}");
            return ExitCode::from(2);
        }
    };
    if !args.verbose {
        // Planned panics would fill the screen; unplanned ones are told with their seed.
        std::panic::set_hook(Box::new(|_| {}));
    }
    let mut failed = 0;
    if !args.bare && args.seeds > 0 {
        failed += pinned();
    }
    let scenarios: Vec<Option<&str>> = match args.scenarios.as_slice() {
        [] => vec![None],
        names => names.iter().map(|n| Some(n.as_str())).collect(),
    };
    for scenario in scenarios {
        failed += many(&args, scenario);
    }
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn pinned() -> u64 {
    let mut failed = 0;
    for (draw, seed, scenario, story) in pinned::PINNED {
        let outcome = one(*draw, *seed, *scenario);
        if !outcome.violations.is_empty() {
            failed += 1;
            eprintln!("pinned seed {seed} fails again: {story}");
            tell(&outcome, *draw, *scenario);
        }
    }
    println!("{} pinned seeds, {failed} with violations", pinned::PINNED.len());
    failed
}

/// Runs seeds on as many threads as jobs; each seed has one to itself.
fn many(args: &Args, scenario: Option<&str>) -> u64 {
    let (next, cpu) = (AtomicU64::new(args.first), AtomicU64::new(0));
    let last = args.first.saturating_add(args.seeds);
    let report = Mutex::new((Report::default(), Vec::new()));
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..args.jobs {
            let work = || {
                let before = cpu_time();
                loop {
                    let seed = next.fetch_add(1, Relaxed);
                    if seed >= last {
                        break;
                    }
                    let mut outcome = one(args.draw, seed, scenario);
                    if args.twice && one(args.draw, seed, scenario).hash != outcome.hash {
                        outcome.violations.push("D5: run twice, the output logs differ".to_owned());
                    }
                    let mut report = report.lock().expect("no thread panics while it reports");
                    if !outcome.violations.is_empty() {
                        tell(&outcome, args.draw, scenario);
                    } else if args.verbose {
                        println!("{outcome:#?}");
                    }
                    report.0.add(&outcome);
                    report.1.push((seed, outcome.hash));
                }
                cpu.fetch_add(cpu_time().saturating_sub(before), Relaxed);
            };
            let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
            thread.spawn_scoped(scope, work).expect("a thread for each job");
        }
    });
    let (report, mut hashes) = report.into_inner().expect("every thread is joined");
    let runs = if args.twice { 2 } else { 1 };
    let cpu = Duration::from_nanos(cpu.load(Relaxed) / runs);
    report.print(scenario.unwrap_or("swarm"), began.elapsed() / runs as u32, cpu);
    if args.twice {
        println!("FIGURE D5: {} seeds run twice", hashes.len());
    }
    hashes.sort_unstable();
    if let Some(file) = &args.hashes {
        let mut text = String::new();
        hashes.iter().for_each(|(seed, hash)| {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{seed} {hash:016x}");
        });
        if let Err(why) = std::fs::write(file, text) {
            eprintln!("cannot write {}: {why}", file.display());
            return 1;
        }
    }
    report.failed
}

/// What this thread has used of a core so far, nanoseconds: other programs' share is none of the simulation's.
fn cpu_time() -> u64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    stat.split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or(0)
}

fn one(draw: Draw, seed: u64, scenario: Option<&str>) -> Outcome {
    let run = || {
        if let Some(how) = scenario.and_then(Rollover::by_name) {
            return World::new(how.setup(seed), None).roll_over(seed, how);
        }
        let script = scenario.and_then(Scenario::by_name);
        let setup = match scenario {
            Some(scenarios::STORM) => Setup::storm(seed),
            _ => Setup::draw(draw, seed),
        };
        World::new(setup, script).run(seed)
    };
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|payload| {
        let what = depthd::shell::thread::message(payload.as_ref());
        Outcome { seed, violations: vec![format!("I11: panic: {what}")], ..Outcome::default() }
    })
}

/// What went wrong, and the line that runs it again.
fn tell(outcome: &Outcome, draw: Draw, scenario: Option<&str>) {
    let draw = if draw == Draw::NEWEST { String::new() } else { format!(" --draw {}", draw.number()) };
    let scenario = scenario.map_or_else(String::new, |name| format!(" --scenario {name}"));
    for what in &outcome.violations {
        println!("seed {}: {what}", outcome.seed);
    }
    println!("replay: cargo test --release --test simulate -- --seed {}{draw}{scenario}", outcome.seed);
}
