//! `depthd sim`: the simulated venue alone, or a recording served as if its venue were there again.
//!
//! What it prints is a `[[feed]]` and comments: `depthd sim > sim.toml` is a configuration for `depthd run`.

use crate::cli::demo::{feed, level};
use crate::cli::{Exit, args};
use crate::shell::event::Event;
use crate::shell::signals::Caught;
use crate::shell::sync::channel::bounded;
use crate::sim::config::{Face, SimConfig};
use crate::sim::{CaptureServer, Pace, Sim, capture};
use args::SimArgs;
use std::io::Write;

/// Signals that may wait: whoever sends more of them than this has made the point.
const SIGNALS_MAX: usize = 8;

/// What is served; dropping it ends it.
enum Served {
    Venue(Sim),
    Recording(CaptureServer),
}

/// Serves until SIGTERM or SIGINT.
pub fn run(args: &SimArgs, out: &mut dyn Write, err: &mut dyn Write) -> Exit {
    let (events, inbox) = bounded(SIGNALS_MAX);
    let served = match start(args) {
        Ok(served) => served,
        Err((exit, why)) => {
            let _ = writeln!(err, "error: {why}");
            return exit;
        }
    };
    // Before anything is printed: who has read the address may send a signal.
    let signals = match Caught::install().and_then(|caught| caught.listen(events)) {
        Ok(signals) => signals,
        Err(why) => {
            let _ = writeln!(err, "error: cannot listen for signals: {why}");
            return Exit::Failure;
        }
    };
    // A reader that has gone away does not stop the venue.
    let _ = out.write_all(described(&served).as_bytes()).and_then(|()| out.flush());
    while !matches!(inbox.recv(), Ok(Event::Stop) | Err(_)) {}
    drop(signals);
    let _ = writeln!(err, "{}", summary(&served));
    Exit::Clean
}

fn start(args: &SimArgs) -> Result<Served, (Exit, String)> {
    if let Some(path) = &args.capture {
        let pace = match args.pace {
            args::Pace::Recorded => Pace::Recorded,
            args::Pace::Full => Pace::Full,
        };
        return match capture::serve(path, args.listen, pace) {
            Ok(server) => Ok(Served::Recording(server)),
            Err(why) => {
                Err((Exit::Failure, format!("cannot serve {} on {}: {why}", path.display(), args.listen)))
            }
        };
    }
    let face: Face = args.venue.parse().map_err(|why| (Exit::Usage, format!("--venue: {why}")))?;
    let config = SimConfig {
        listen: args.listen,
        symbols: args.symbols as usize,
        rate: args.rate,
        faults: level(args.faults),
        seed: args.seed,
        ..SimConfig::new(face)
    };
    match Sim::start(config) {
        Ok(sim) => Ok(Served::Venue(sim)),
        Err(why) => Err((Exit::Failure, format!("cannot listen on {}: {why}", args.listen))),
    }
}

fn described(served: &Served) -> String {
    match served {
        Served::Venue(sim) => {
            let key = sim.key().map(|key| format!("# depthd needs COINAPI_KEY={key} in its environment.\n"));
            let name = sim.face().to_string();
            key.unwrap_or_default() + &feed(&name, &sim.url(), &sim.rest_url(), &sim.symbols())
        }
        Served::Recording(server) => {
            let torn = if server.torn() { ", and a torn end" } else { "" };
            let (frames, skipped) = (server.progress().frames, server.skipped());
            format!("# A recording of {frames} frames; {skipped} lines were none{torn}.\n")
                + &feed("binance", &server.url(), &server.rest_url(), server.symbols())
        }
    }
}

fn summary(served: &Served) -> String {
    match served {
        Served::Venue(sim) => {
            let seen = sim.counters();
            format!(
                "{} connections, {} REST calls ({} at once at most), {} faults",
                seen.connects,
                seen.rest_calls,
                seen.rest_in_flight_peak,
                sim.faults_injected()
            )
        }
        Served::Recording(server) => {
            let done = server.progress();
            format!(
                "{} connections, {} of {} frames sent, {} books answered",
                done.connections, done.sent, done.frames, done.snapshots
            )
        }
    }
}
