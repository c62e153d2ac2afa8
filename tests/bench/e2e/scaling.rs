//! What a message costs does not depend on how many symbols there are, nor on how long the daemon has run.

use crate::daemon::{Daemon, configuration};
use crate::table::{block, measured, of_daemon};
use crate::venue::Venue;

const FRAMES: u64 = 1_000_000;
/// An hour at the nominal pace of 1,000 a second.
const HOUR: u64 = 3_600_000;

pub fn symbols() {
    println!("{:<38} {:>12} {:>16}", "", "messages/s", "CPU us/message");
    for symbols in [1, 10, 100, 200] {
        let run = of_daemon(symbols, FRAMES, FRAMES / 10, &block());
        row(&format!("{symbols} symbols"), FRAMES, run.seconds, run.cpu_seconds);
    }
}

pub fn hours() {
    println!("{:<38} {:>12} {:>16}", "", "messages/s", "CPU us/message");
    let venue = Venue::start(10);
    let names = venue.ring.lock().expect("nobody panicked").symbols.clone();
    let daemon = Daemon::start(&configuration(venue.port, &names, &block()));
    let mut client = venue.client();
    daemon.live(&mut client);
    for hour in 0..3 {
        let run = measured(&daemon, &venue, &mut client, HOUR);
        row(&format!("hour {hour}"), HOUR, run.seconds, run.cpu_seconds);
    }
    daemon.check(&venue.ring.lock().expect("nobody panicked"));
    daemon.stop();
}

fn row(name: &str, frames: u64, seconds: f64, cpu_seconds: f64) {
    let (rate, cpu) = (frames as f64 / seconds, cpu_seconds * 1e6 / frames as f64);
    println!("{name:<38} {rate:>12.0} {cpu:>16.3}");
}
