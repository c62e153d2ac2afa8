//! Real recorded data through the real binary: five minutes of BTCUSDT as Binance sent them, over a loopback WebSocket and
//! REST. The daemon itself compares each book with the venue's own best bid and offer; how often it can is found out here
//! by a pass over the file that shares nothing with it.
//!
//! `DEPTHD_CAPTURES` says where the recording is; without it the tests say SKIP and pass. `DEPTHD_RECORDED_PACE=1` adds the
//! runs at the pace of the recording, which takes as long as it took, and at ten times that, best on an idle machine.

use super::daemon::{Daemon, PATIENCE};
use depthd::sim::{CaptureServer, Pace, capture};
use flate2::read::GzDecoder;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const NAME: &str = "binance-spot-btcusdt-20240808.gz";

fn recording() -> Option<PathBuf> {
    let folder = std::env::var_os("DEPTHD_CAPTURES");
    if folder.is_none() {
        println!("SKIP {NAME}: DEPTHD_CAPTURES is not set");
    }
    folder.map(|folder| Path::new(&folder).join(NAME))
}

/// What a client that joins at the recorded snapshot can see in the file.
#[derive(Debug)]
struct Expected {
    frames: u64,
    quotes: u64,
    /// Depth events; and when each that ends after the snapshot came, from the snapshot on.
    events: u64,
    joined_since: Vec<Duration>,
    /// The comparable ones of them: the last update id is that of a quote before, so that both describe the same book.
    comparable: Vec<Duration>,
    last: u64,
    duration: Duration,
}

fn expected(path: &Path) -> Expected {
    let (mut quotes, mut events, mut snapshot) = (BTreeMap::new(), Vec::new(), None);
    let (mut frames, mut times) = (0, (None, 0));
    let reader = BufReader::new(GzDecoder::new(File::open(path).expect("the recording is there")));
    for (line, text) in reader.lines().map_while(Result::ok).enumerate() {
        let (time, frame) = text.split_once(' ').expect("a receive time, then the frame");
        let time: u64 = time.parse().expect("nanoseconds");
        times = (times.0.or(Some(time)), time);
        let json: Value = serde_json::from_str(frame).expect("whole frames");
        let id = |value: &Value| value.as_u64().expect("an id");
        match json["stream"].as_str() {
            None => snapshot = Some((id(&json["lastUpdateId"]), time, line)),
            Some("btcusdt@bookTicker") => {
                assert!(quotes.insert(id(&json["data"]["u"]), line).is_none(), "no quote comes twice")
            }
            Some("btcusdt@depth@100ms") => events.push((id(&json["data"]["u"]), time, line)),
            Some(_) => {}
        }
        frames += u64::from(json["stream"].is_string());
    }
    let (at, fetched, fetched_line) = snapshot.expect("a snapshot");
    let joined: Vec<_> = events.iter().filter(|(last, ..)| *last > at).collect();
    // What is joined from before the snapshot is one update: a client that compares where it joins misses none.
    assert!(joined.iter().filter(|(.., line)| *line < fetched_line).count() <= 1);
    assert!(
        joined.iter().all(|(last, _, line)| quotes.get(last) < Some(line)),
        "quotes come before their book"
    );
    let since = |time: u64| Duration::from_nanos(time.saturating_sub(fetched));
    let comparable = joined.iter().filter(|(last, ..)| quotes.contains_key(last));
    Expected {
        frames,
        quotes: quotes.len() as u64,
        events: events.len() as u64,
        joined_since: joined.iter().map(|(_, time, _)| since(*time)).collect(),
        comparable: comparable.map(|(_, time, _)| since(*time)).collect(),
        last: events.last().expect("events").0,
        duration: Duration::from_nanos(times.1 - times.0.unwrap_or_default()),
    }
}

/// How much market passes while a client fetches and joins its first book, which takes it at most 200 ms. What came
/// meanwhile is joined in one step, and only the last of it compared. At full pace the stream waits.
fn joining(pace: Pace) -> Duration {
    match pace {
        Pace::Full => Duration::ZERO,
        Pace::Recorded => Duration::from_millis(200),
        Pace::Times(n) => Duration::from_millis(200) * n,
    }
}

/// Plays the whole recording to a daemon with this `[pipeline]` and demands that nothing was lost and nothing differed.
fn play(path: &Path, pace: Pace, pipeline: &str, patience: Duration) {
    let expected = expected(path);
    let server = capture::serve(path, ([127, 0, 0, 1], 0).into(), pace).expect("served");
    let started = Instant::now();
    let mut daemon = Daemon::start(&configuration(&server, pipeline));
    while !server.progress().finished {
        assert!(
            started.elapsed() < patience,
            "{:?}; the log:\n{}",
            server.progress(),
            daemon.drain_log().join("\n")
        );
        std::thread::park_timeout(Duration::from_millis(20));
    }
    let took = started.elapsed();
    daemon.wait_until("every frame received and done with", |d| {
        let feed = &d.json("/stats")["feeds"][0];
        feed["messages"]["received"] == expected.frames && feed["messages"]["in_flight"] == 0
    });
    let stats = daemon.json("/stats");
    let (feed, book) = (&stats["feeds"][0], &daemon.json("/api/books")["books"][0]);
    let progress = server.progress();
    println!(
        "{pace}: {} frames in {:.1} s (recorded in {:.1} s), {} depth events of which {} after the snapshot, {} quotes, \
         {} of {} comparable updates compared, {} differ; {} REST snapshots; p99 {} ms; {}",
        expected.frames,
        took.as_secs_f64(),
        expected.duration.as_secs_f64(),
        expected.events,
        expected.joined_since.len(),
        expected.quotes,
        feed["audit_checks"],
        expected.comparable.len(),
        feed["audit_mismatches"],
        progress.snapshots,
        stats["processing_ms"]["p99"],
        feed["messages"],
    );
    let log = daemon.drain_log().join("\n");
    assert_eq!(feed["gaps"], serde_json::json!({}), "{log}");
    assert_eq!(
        (&feed["audit_mismatches"], &feed["decode_errors"]),
        (&0.into(), &serde_json::json!({})),
        "{log}"
    );
    let (checks, comparable) =
        (feed["audit_checks"].as_u64().expect("a number"), expected.comparable.len() as u64);
    let sure = expected.comparable.iter().filter(|since| **since >= joining(pace)).count() as u64;
    assert!(
        (sure..=comparable).contains(&checks),
        "{checks} compared of {sure} to {comparable}: {feed}\n{log}"
    );
    assert_eq!((&book["state"], &book["sequence"]), (&"live".into(), &expected.last.into()), "{book}\n{log}");
    assert_eq!((book["gaps"].as_u64(), book["recoveries"].as_u64()), (Some(0), Some(0)), "{book}");
    // Everything was applied but what the snapshot held already. Where the stream does not wait, the snapshot may be newer.
    let messages = &feed["messages"];
    let count = |value: &Value| value.as_u64().expect("a number");
    let known = count(&messages["discarded"]["superseded"]) + count(&messages["duplicate"]);
    let discarded = messages["discarded"].as_object().expect("by reason").values().map(count).sum::<u64>();
    assert_eq!(&messages["discarded"]["superseded"], discarded, "{log}");
    assert_eq!(messages["applied"], expected.frames - known, "{log}");
    let since = |most: Duration| expected.joined_since.iter().filter(|since| **since < most).count() as u64;
    let before = expected.events - expected.joined_since.len() as u64;
    assert!((before..=before + since(joining(pace))).contains(&known), "{messages}\n{log}");
    assert_eq!((progress.connections, progress.sent), (1, expected.frames), "{log}");
    assert_eq!(feed["quotes"], expected.quotes);
    let metrics = daemon.get("/metrics").1;
    for line in [
        format!("depthd_audit_checks_total{{feed=\"binance\"}} {checks}"),
        "depthd_audit_mismatches_total{feed=\"binance\"} 0".to_owned(),
    ] {
        assert!(metrics.lines().any(|l| l == line), "{line} is not in\n{metrics}");
    }
    assert!(daemon.stop().0.success());
}

fn configuration(server: &CaptureServer, pipeline: &str) -> String {
    format!(
        "[pipeline]\n{pipeline}\n[[feed]]\nname = \"binance\"\nvenue = \"binance\"\nurl = \"{}\"\nrest_url = \"{}\"\n\
         symbols = {:?}\nidle_timeout = \"60s\"\n",
        server.url(),
        server.rest_url(),
        server.symbols(),
    )
}

/// Far above any rate a venue sends at, so the reader waits for the workers instead of dropping. A snapshot overtakes what
/// is queued before it, which is then known already and not compared: with a short queue there is nothing to overtake by
/// the time it comes, and the count is exact.
#[test]
fn five_recorded_minutes_at_full_pace_are_exact() {
    if let Some(path) = recording() {
        play(&path, Pace::Full, "overflow = \"block\"\nqueue_messages = 16", 2 * PATIENCE);
    }
}

/// With the queue as it is by default, which drops what it has no room for: nothing of this may.
#[test]
fn five_recorded_minutes_as_they_came_lose_nothing() {
    if let Some(path) = recording().filter(|_| is_long("as they came")) {
        play(&path, Pace::Recorded, "", Duration::from_secs(600));
    }
}

/// Ten times the venue's own rate, bursts and all: up to 770 frames within 5 ms, for one worker's 250 places. A machine
/// that is busy with something else for so long drops some of them, so this is no test for a full suite.
#[test]
fn five_recorded_minutes_in_half_a_minute_lose_nothing() {
    if let Some(path) = recording().filter(|_| is_long("in half a minute")) {
        play(&path, Pace::Times(10), "", 3 * PATIENCE);
    }
}

fn is_long(what: &str) -> bool {
    let asked = std::env::var_os("DEPTHD_RECORDED_PACE").is_some();
    if !asked {
        println!("SKIP {what}: DEPTHD_RECORDED_PACE is not set");
    }
    asked
}
