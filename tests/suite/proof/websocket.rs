//! X2: a hostile WebSocket peer, case by case. Each case ends in a close or in a stream that goes on, within the deadlines
//! of the configuration; and never in an exit or in a wrong book.

use super::amount::{amount, figure};
use super::cases::{Case, Ends, cases};
use super::script::{SYMBOLS, Scripted, When};
use crate::e2e::daemon::{Daemon, PATIENCE};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// `idle_timeout` and `connect_timeout` of the daemon under test.
pub const DEADLINE: Duration = Duration::from_secs(1);
/// On a busy machine a thread may not run for a while, the venue's own with it.
const BUSY: Duration = Duration::from_secs(1);
/// Cases at once, each against a daemon of its own.
const AT_ONCE: usize = 4;

fn feed(venue: &Scripted, scheme: &str) -> String {
    let port = venue.addr.port();
    format!(
        "[[feed]]\nname = \"x\"\nvenue = \"coinapi\"\nurl = \"{scheme}://localhost:{port}/\"\nrest_url = \"http://{}\"\n\
         symbols = {SYMBOLS:?}\nconnect_timeout = \"1s\"\nidle_timeout = \"1s\"\nmax_message = \"64KiB\"\n\
         backoff = {{ first = \"20ms\", max = \"100ms\" }}\n",
        venue.addr
    )
}

/// What the first book shows: state, sequence, best ask.
fn shown(daemon: &Daemon) -> (String, u64, String) {
    let book = daemon.json(&format!("/api/books/x/{}", SYMBOLS[0]));
    let text = |v: &serde_json::Value| v.as_str().unwrap_or_default().to_owned();
    (text(&book["state"]), book["sequence"].as_u64().unwrap_or(0), text(&book["asks"][0][0]))
}

pub struct Outcome {
    pub name: &'static str,
    pub how: &'static str,
    /// From the script's beginning until the log said so.
    pub took: Duration,
    /// What the log said of the end.
    pub line: String,
}

/// Plays one case. `Err` says what was wrong.
pub fn play(case: &Case) -> Result<Outcome, String> {
    let venue = Scripted::start(case.script.clone());
    let mut daemon = Daemon::start(&feed(&venue, case.scheme));
    if case.script.when == When::Live {
        daemon.wait_all_live();
        venue.go();
    }
    let deadline = Instant::now() + PATIENCE;
    let mut ended = String::new();
    let how = loop {
        for line in daemon.drain_log() {
            if line.contains("panicked") {
                return Err(line.clone());
            }
            if line.contains("connection 0 ended (") && ended.is_empty() {
                ended = line.split("ended ").last().unwrap_or_default().to_owned();
            }
        }
        if !ended.is_empty() {
            break "closed";
        }
        // Not before the script is over: the good change that follows it shows that the stream goes on.
        if shown(&daemon) == ("live".to_owned(), 2, "2".to_owned()) {
            break "carried on";
        }
        if Instant::now() > deadline {
            return Err(format!("neither a close nor a resync: {:?}", daemon.lines));
        }
        std::thread::park_timeout(Duration::from_millis(2));
    };
    let began = venue.began().ok_or("the script never began")?;
    let took = began.elapsed();
    if took > DEADLINE + case.takes + BUSY {
        return Err(format!("{how} only after {took:?}"));
    }
    if how == "closed" && case.ends != Ends::ClosedForGood {
        let good = ("live".to_owned(), 1, "2".to_owned());
        daemon.wait_until("the next connection's book", |d| shown(d) == good);
    }
    let expected = match case.ends {
        Ends::Closed | Ends::ClosedForGood => "closed",
        Ends::CarriedOn => "carried on",
    };
    if how != expected {
        return Err(format!("{how} {ended}, not {expected}"));
    }
    let (status, stop) = daemon.stop();
    if !status.success() || stop > Duration::from_secs(2) {
        return Err(format!("{status} after {stop:?}: {:?}", daemon.drain_log()));
    }
    Ok(Outcome { name: case.name, how, took, line: ended })
}

#[test]
fn x2_each_hostile_peer_ends_in_a_close_or_a_resync() {
    let all = cases();
    let every = amount(8, 1, 1);
    let chosen: Vec<&Case> = all.iter().step_by(every).collect();
    let (next, outcomes) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(case) = chosen.get(next.fetch_add(1, Relaxed)) {
                    let outcome = play(case).map_err(|why| format!("{}: {why}", case.name));
                    outcomes.lock().expect("no panic").push(outcome);
                }
            });
        }
    });
    let outcomes = outcomes.into_inner().expect("no panic");
    let (mut wrong, mut closed, mut slowest) = (Vec::new(), 0, Duration::ZERO);
    for outcome in &outcomes {
        match outcome {
            Ok(Outcome { name, how, took, line }) => {
                println!("X2 {name}: {how} after {} ms {line}", took.as_millis());
                closed += usize::from(*how == "closed");
                slowest = slowest.max(*took);
            }
            Err(why) => wrong.push(why),
        }
    }
    figure(
        "X2",
        format_args!(
            "{} hostile cases of {}: {closed} closed, {} carried on, {} otherwise; slowest {} ms (deadline {} ms)",
            outcomes.len(),
            all.len(),
            outcomes.len() - closed - wrong.len(),
            wrong.len(),
            slowest.as_millis(),
            DEADLINE.as_millis()
        ),
    );
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(all.len() >= 60 && outcomes.len() == chosen.len());
}
