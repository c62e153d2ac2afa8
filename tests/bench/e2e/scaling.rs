//! What a message costs does not depend on how many symbols there are, nor on how long the daemon has run.

use crate::daemon::{Daemon, configuration};
use crate::floor::Floor;
use crate::table::{Run, block, measured, of_daemon, of_floor};
use crate::venue::{self, Client, Venue};

const FRAMES: u64 = 1_000_000;
/// An hour at the nominal pace of 1,000 a second.
const HOUR: u64 = 3_600_000;

/// Beside one thread with plain books, which shows what more memory costs whoever touches it. From 200 symbols on the
/// daemon has several connections, the one thread has one.
pub fn symbols() {
    head();
    for symbols in [1, 10, 100, 200, 1_000] {
        let floor = of_floor(Floor::Book, symbols, FRAMES);
        row(&format!("{symbols} symbols, one thread"), FRAMES, &floor);
        let run = of_daemon(symbols, FRAMES, FRAMES / 10, &block());
        row(&format!("{symbols} symbols, depthd"), FRAMES, &run);
        println!("{:<38} {:>29.2}", "  times the one thread", run.cpu_seconds / floor.cpu_seconds);
    }
}

pub fn hours() {
    head();
    let venues = venue::start(10);
    let daemon = Daemon::start(&configuration(&venues, &block()));
    let mut clients: Vec<Client<'_>> = venues.iter().map(Venue::client).collect();
    daemon.live(&mut clients);
    for hour in 0..3 {
        row(&format!("hour {hour}"), HOUR, &measured(&daemon, &venues, &mut clients, HOUR));
    }
    daemon.check(&venues);
    daemon.stop();
}

fn head() {
    println!("{:<38} {:>12} {:>16}", "", "messages/s", "CPU us/message");
}

fn row(name: &str, frames: u64, run: &Run) {
    let (rate, cpu) = (frames as f64 / run.seconds, run.cpu_seconds * 1e6 / frames as f64);
    println!("{name:<38} {rate:>12.0} {cpu:>16.3}");
}
