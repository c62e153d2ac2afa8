//! Flat out: messages a second and processor time a message, for every floor and for the daemon.

use crate::daemon::{Daemon, configuration};
use crate::floor::{self, Floor};
use crate::meter;
use crate::venue::{self, Client, Venue, flat_out};
use std::thread;
use std::time::Instant;

const SYMBOLS: usize = 10;
const FRAMES: u64 = 3_000_000;

/// Nothing is dropped: a reader that finds no room waits. `DEPTHD_BENCH_PIPELINE` has further settings to try.
pub fn block() -> String {
    format!("overflow = \"block\"\n{}", std::env::var("DEPTHD_BENCH_PIPELINE").unwrap_or_default())
}

pub fn run() {
    println!("{:<38} {:>12} {:>16} {:>20}", "", "messages/s", "CPU us/message", "allocations/message");
    let floors = Floor::ALL.map(|floor| {
        let run = of_floor(floor, SYMBOLS, FRAMES);
        row(floor.name(), &run);
        run.cpu_seconds
    });
    let run = of_daemon(SYMBOLS, FRAMES, FRAMES / 10, &block());
    row("depthd, everything on", &run);
    println!("depthd takes {:.2} times the processor of the last floor", run.cpu_seconds / floors[3]);
    println!("\n{:<16} {:>14} {:>22}", "thread", "CPU us/message", "allocations/message");
    for (name, used) in &run.threads {
        let (cpu, allocated) =
            (used.cpu_nanos as f64 / 1e3 / FRAMES as f64, used.allocations as f64 / FRAMES as f64);
        if cpu >= 0.000_5 || used.allocations > 0 {
            println!("{name:<16} {cpu:>14.3} {allocated:>22.7}");
        }
    }
}

fn row(name: &str, run: &Run) {
    let (rate, cpu) = (FRAMES as f64 / run.seconds, run.cpu_seconds * 1e6 / FRAMES as f64);
    let allocations: u64 = run.threads.iter().map(|(_, used)| used.allocations).sum();
    println!("{name:<38} {rate:>12.0} {cpu:>16.3} {:>20.7}", allocations as f64 / FRAMES as f64);
}

/// What one thread takes for so many frames of so many symbols over one connection.
pub fn of_floor(floor: Floor, symbols: usize, frames: u64) -> Run {
    let venue = Venue::start(symbols);
    let (port, bytes) = (venue.port, venue.ring().bytes_of(frames));
    let receiving = thread::spawn(move || {
        let (cpu, allocated) = (meter::this_thread(), meter::this_thread_allocated());
        let (from, to) = floor::receive(floor, port, frames, bytes);
        let used = meter::Used {
            cpu_nanos: meter::this_thread() - cpu,
            allocations: meter::this_thread_allocated() - allocated,
        };
        let (seconds, cpu_seconds) = ((to - from).as_secs_f64(), used.cpu_nanos as f64 / 1e9);
        Run { seconds, cpu_seconds, threads: vec![(floor.name().to_owned(), used)] }
    });
    flat_out(&mut [venue.client()], frames);
    receiving.join().expect("no panic")
}

/// Seconds of clock for all frames, and what was used of processor and heap.
pub struct Run {
    pub seconds: f64,
    pub cpu_seconds: f64,
    pub threads: Vec<(String, meter::Used)>,
}

/// So many frames into a daemon that has had `warm` of them before.
pub fn of_daemon(symbols: usize, frames: u64, warm: u64, pipeline: &str) -> Run {
    let venues = venue::start(symbols);
    let daemon = Daemon::start(&configuration(&venues, pipeline));
    let mut clients: Vec<Client<'_>> = venues.iter().map(Venue::client).collect();
    daemon.live(&mut clients);
    flat_out(&mut clients, warm);
    daemon.caught_up(&venues);
    let run = measured(&daemon, &venues, &mut clients, frames);
    daemon.check(&venues);
    daemon.stop();
    run
}

pub fn measured(daemon: &Daemon, venues: &[Venue], clients: &mut [Client<'_>], frames: u64) -> Run {
    let (before, started) = (meter::threads(), Instant::now());
    flat_out(clients, frames);
    daemon.caught_up(venues);
    let seconds = started.elapsed().as_secs_f64();
    // The venue sends from this thread, and its others wait; the rest is the daemon.
    let threads: Vec<_> =
        meter::since(&before).into_iter().filter(|(name, _)| !meter::is_ours(name)).collect();
    let cpu_seconds = threads.iter().map(|(_, used)| used.cpu_nanos as f64 / 1e9).sum();
    Run { seconds, cpu_seconds, threads }
}
