//! What several proofs look at: a line of the metrics, every book's row, whether the books are the newest, and whether the
//! calls in the venue's log fit a token bucket.

use super::daemon::{Daemon, judge};
use depthd::sim::face::Identity;
use depthd::sim::{Face, Sim, VenueLog};
use std::time::Duration;

/// A call is logged when the venue has read it, which is later than it was made by what the way takes on a busy machine.
/// So a window of the log may be this much shorter than the one in which the calls were made.
const WAY: Duration = Duration::from_millis(100);

/// The value of one line of `/metrics`, or 0 when there is none: a counter with labels appears with its first count.
pub fn metric(daemon: &Daemon, line: &str) -> f64 {
    let (_, text) = daemon.get("/metrics");
    let value = text.lines().find_map(|l| l.strip_prefix(line)?.strip_prefix(' '));
    value.map_or(0.0, |v| v.parse().unwrap_or_else(|_| panic!("{line}: {v}")))
}

/// A line of `/api/books`.
#[derive(Clone, Debug)]
pub struct Row {
    pub feed: String,
    pub symbol: String,
    pub state: String,
    pub gaps: u64,
    pub recoveries: u64,
}

/// The rows of one venue's books.
pub fn rows(daemon: &Daemon, face: Face) -> Vec<Row> {
    let mut rows = all_rows(daemon);
    rows.retain(|row| row.feed == face.to_string());
    rows
}

/// The rows of every book.
pub fn all_rows(daemon: &Daemon) -> Vec<Row> {
    let books = daemon.json("/api/books");
    let text = |v: &serde_json::Value| v.as_str().expect("a string").to_owned();
    let number = |v: &serde_json::Value| v.as_u64().expect("a number");
    let rows = books["books"].as_array().expect("a list").iter();
    rows.map(|r| Row {
        feed: text(&r["feed"]),
        symbol: text(&r["symbol"]),
        state: text(&r["state"]),
        gaps: number(&r["gaps"]),
        recoveries: number(&r["recoveries"]),
    })
    .collect()
}

pub fn gaps(daemon: &Daemon, face: Face) -> u64 {
    rows(daemon, face).iter().map(|row| row.gaps).sum()
}

/// Stands the market still, and demands that every book of the venue is live, right, and at the venue's last version.
pub fn assert_exact_and_newest(daemon: &Daemon, sim: &Sim) {
    assert_feed_is_exact_and_newest(daemon, &sim.face().to_string(), sim);
}

/// The same where the feed has another name than its venue.
pub fn assert_feed_is_exact_and_newest(daemon: &Daemon, feed: &str, sim: &Sim) {
    sim.quiesce();
    daemon.wait_until("every book at the newest version", |d| {
        sim.symbols().iter().all(|symbol| {
            let book = d.json(&format!("/api/books/{feed}/{symbol}?depth=5000"));
            let newest = sim.newest(symbol).expect("a listed symbol");
            book["state"] == "live"
                && match sim.face().identity() {
                    Identity::Sequence(times) => {
                        book["sequence"].as_u64().map(|s| s / times) == Some(newest.version)
                    }
                    // Of a change that none of the levels it carries has a part in, such a venue says nothing.
                    Identity::Time => judge(&book, &newest).is_ok(),
                }
        })
    });
    let symbols = sim.symbols();
    let (audited, wrong) = daemon.audit_as(feed, sim, &symbols);
    assert_eq!((audited, wrong), (symbols.len(), Vec::<String>::new()), "{feed}");
}

/// The least number of cost units that any window of the log left of `burst + per_second × window`: negative when the
/// bucket was overdrawn. With it the same without the allowance for [`WAY`], to show how near it was.
pub fn left_of_bucket(log: &VenueLog, burst: f64, per_second: f64) -> (f64, f64) {
    let mut least = (f64::MAX, f64::MAX);
    for first in 0..log.rest.len() {
        let mut spent = 0.0;
        for last in first..log.rest.len() {
            spent += f64::from(log.rest[last].cost);
            let window = log.rest[last].start - log.rest[first].start;
            let left = |window: Duration| burst + per_second * window.as_secs_f64() - spent;
            least = (least.0.min(left(window + WAY)), least.1.min(left(window)));
        }
    }
    least
}
