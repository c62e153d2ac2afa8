//! Everything a venue, a configuration or an operator can get wrong: one clear line each, counted, and no more lost than
//! the one book or connection it came on, as far as that can be told.

mod keys;
mod rest;
mod start;
mod unplaceable;

use super::daemon::Daemon;
use super::rogue::{Manners, Rogue, answer, frame, text};
use serde_json::Value;
use std::time::{Duration, Instant};

const HIT: &str = "BITSTAMP_SPOT_BTC_USD";

const SPARED: &str = "BITSTAMP_SPOT_ETH_USD";

/// A CoinAPI book message; `levels` is the inside of `asks`.
fn message(symbol: &str, sequence: u64, is_snapshot: bool, levels: &str) -> String {
    format!(
        "{{\"type\":\"book\",\"symbol_id\":\"{symbol}\",\"sequence\":{sequence},\
         \"time_exchange\":\"2026-01-01T00:00:00.0000000Z\",\"time_coinapi\":\"2026-01-01T00:00:00.0000000Z\",\
         \"is_snapshot\":{is_snapshot},\"asks\":[{levels}],\"bids\":[{{\"price\":1,\"size\":1}}]}}"
    )
}

fn snapshot(symbol: &str) -> Vec<u8> {
    text(&message(symbol, 1, true, "{\"price\":2,\"size\":1}"))
}

fn both_books() -> Vec<u8> {
    [snapshot(HIT), snapshot(SPARED)].concat()
}

/// A venue that upgrades and sends a snapshot of each book.
fn venue() -> Rogue {
    Rogue::start(Manners::Upgrade(Box::new(|_| both_books())))
}

fn coinapi(rogue: &Rogue, more: &str) -> String {
    format!(
        "[[feed]]\nname = \"x\"\nvenue = \"coinapi\"\nurl = \"ws://{0}/\"\nrest_url = \"http://{0}\"\n\
         symbols = [\"{HIT}\", \"{SPARED}\"]\nbackoff = {{ first = \"20ms\", max = \"100ms\" }}\n{more}\n",
        rogue.addr
    )
}

fn first_feed(daemon: &Daemon) -> Value {
    daemon.json("/stats")["feeds"][0].clone()
}

fn state(daemon: &Daemon, symbol: &str) -> String {
    let states = daemon.states();
    states.into_iter().find(|(s, _)| s == symbol).map(|(_, state)| state).expect("a book")
}

/// What a bad frame may cost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Costs {
    Nothing,
    TheBook,
    /// Nobody can tell whose it was.
    EveryBook,
    TheConnection,
}

struct Bad {
    what: &'static str,
    bytes: Vec<u8>,
    costs: Costs,
    /// Where it is counted: a group of a feed's `/stats`, and the word in it.
    counted: (&'static str, &'static str),
    /// What the log says of it.
    line: &'static str,
}

fn bad_frames() -> Vec<Bad> {
    let good = message(HIT, 2, false, "{\"price\":3,\"size\":1}");
    let level = |level: &str| text(&message(HIT, 2, false, level));
    let row = |what, bytes, costs, counted, line| Bad { what, bytes, costs, counted, line };
    let (nothing, book, connection) = (Costs::Nothing, Costs::TheBook, Costs::TheConnection);
    let every_book = Costs::EveryBook;
    let deep = vec!["{\"price\":3,\"size\":1}"; 25_000].join(",");
    vec![
        row(
            "no JSON",
            text("<html>502 Bad Gateway</html>"),
            every_book,
            ("decode_errors", "json"),
            "dropped a message (malformed): <html>502",
        ),
        row(
            "JSON cut before its symbol",
            text(&good[..20]),
            every_book,
            ("messages.discarded", "malformed"),
            "dropped a message (malformed): ",
        ),
        row(
            "JSON cut in its levels",
            text(&good[..good.len() - 30]),
            book,
            ("decode_errors", "json"),
            "a message of BITSTAMP_SPOT_BTC_USD cannot be read: not the JSON",
        ),
        row(
            "a wrong type",
            level("{\"price\":true,\"size\":1}"),
            book,
            ("decode_errors", "bad_field"),
            "a message of BITSTAMP_SPOT_BTC_USD cannot be read: field asks makes no sense",
        ),
        row(
            "a missing field",
            level("{\"size\":1}"),
            book,
            ("decode_errors", "missing_field"),
            "a message of BITSTAMP_SPOT_BTC_USD cannot be read: field",
        ),
        row(
            "a number that does not fit",
            level(&format!("{{\"price\":{},\"size\":1}}", "9".repeat(60))),
            book,
            ("decode_errors", "does_not_fit"),
            "a message of BITSTAMP_SPOT_BTC_USD cannot be read: a number in",
        ),
        row(
            "more levels than a book may have",
            level(&deep),
            book,
            ("decode_errors", "too_deep"),
            "a message of BITSTAMP_SPOT_BTC_USD cannot be read: more levels",
        ),
        row(
            "a negative size",
            level("{\"price\":3,\"size\":-1}"),
            book,
            ("gaps", "invalid"),
            "BITSTAMP_SPOT_BTC_USD has a gap: a message that cannot be",
        ),
        row(
            "no number",
            text(&good.replace("\"sequence\":2,", "")),
            book,
            ("gaps", "unnumbered"),
            "BITSTAMP_SPOT_BTC_USD has a gap: a message without a number",
        ),
        row(
            "an unknown type",
            text("{\"type\":\"mystery\",\"symbol_id\":7}"),
            nothing,
            ("messages.discarded", "unknown_type"),
            "dropped a message (unknown_type): {\"type\":\"mystery\"",
        ),
        row(
            "an unknown symbol",
            text(&message("NOWHERE_SPOT_A_B", 1, true, "{\"price\":3,\"size\":1}")),
            nothing,
            ("messages.discarded", "unknown_symbol"),
            "dropped a message (unknown_symbol): NOWHERE_SPOT_A_B",
        ),
        row(
            "a binary frame",
            frame(0x82, good.as_bytes()),
            every_book,
            ("messages.discarded", "binary"),
            "dropped a message (binary)",
        ),
        row(
            "bad UTF-8",
            frame(0x81, b"{\"type\":\"\xff\xfe\"}"),
            connection,
            ("reconnects", "protocol"),
            "connection 0 ended (protocol: UTF-8",
        ),
        row(
            "a frame that claims a gigabyte",
            [&[0x81, 127][..], &(1u64 << 30).to_be_bytes(), b"{"].concat(),
            connection,
            ("reconnects", "protocol"),
            "connection 0 ended (protocol: Space limit exceeded",
        ),
        row(
            "a message over max_message",
            text(&message(HIT, 2, false, &deep[..70 * 1024])),
            connection,
            ("reconnects", "protocol"),
            "connection 0 ended (protocol: Space limit exceeded",
        ),
        row(
            "a reserved bit",
            frame(0xF1, good.as_bytes()),
            connection,
            ("reconnects", "protocol"),
            "connection 0 ended (protocol: WebSocket protocol error: Reserved bits",
        ),
        row(
            "a masked frame",
            [&[0x81, 0x80 | 4, 1, 2, 3, 4][..], b"abcd"].concat(),
            connection,
            ("reconnects", "protocol"),
            "connection 0 ended (protocol: WebSocket protocol error",
        ),
    ]
}

#[test]
fn each_bad_frame_is_said_counted_and_costs_no_more_than_it_must() {
    for bad in bad_frames() {
        let rogue = venue();
        let limit = if bad.what == "a message over max_message" { "64KiB" } else { "4MiB" };
        let mut daemon = Daemon::start(&coinapi(&rogue, &format!("max_message = \"{limit}\"")));
        daemon.wait_all_live();
        rogue.say(&bad.bytes);
        let line = daemon.wait_line(bad.line);
        assert!(line.contains("feed x: "), "{}: {line}", bad.what);
        let count = |d: &Daemon| {
            let feed = first_feed(d);
            let group = bad.counted.0.split('.').fold(&feed, |value, name| &value[name]);
            group[bad.counted.1].as_u64().unwrap_or(0)
        };
        daemon.wait_until(bad.what, |d| count(d) == 1);
        match bad.costs {
            // Every book of it to be begun anew is a new life as well, and its snapshots put everything right.
            Costs::EveryBook | Costs::TheConnection => {
                daemon.wait_until("a new connection", |_| rogue.upgrades() == 2);
                daemon.wait_all_live();
            }
            costs => {
                let hit = if costs == Costs::Nothing { "live" } else { "stale" };
                daemon.wait_until(bad.what, |d| state(d, HIT) == hit);
                assert_eq!(state(&daemon, SPARED), "live", "{}", bad.what);
                // The venue goes on, and the book is repaired by its next snapshot.
                rogue.say(&snapshot(HIT));
                daemon.wait_all_live();
                assert_eq!(rogue.upgrades(), 1, "{}: the connection stays", bad.what);
                // The same again, and again: counted each time, and one line only.
                (0..100).for_each(|_| rogue.say(&bad.bytes));
                daemon.wait_until("all of them", |d| {
                    let feed = first_feed(d);
                    let messages = &feed["messages"];
                    messages["received"].as_u64() >= Some(104) && messages["in_flight"] == 0
                });
                let said = daemon.drain_log().iter().filter(|l| l.contains(bad.line)).count();
                assert_eq!(said, 1, "{}: {:?}", bad.what, daemon.lines);
            }
        }
        assert!(daemon.is_running(), "{}", bad.what);
        let (status, _) = daemon.stop();
        assert!(status.success(), "{}: {status}", bad.what);
    }
}

#[test]
fn each_bad_upgrade_is_said_and_tried_again() {
    for (what, bytes, line) in [
        ("HTML", answer("200 OK", b"<html>no venue here</html>"), "upgrade_refused: status 200"),
        ("a refusal", answer("503 Service Unavailable", b""), "upgrade_refused: status 503"),
        ("a redirect", answer("302 Found", b""), "upgrade_refused: status 302"),
        ("no HTTP", b"SSH-2.0-OpenSSH_9.6\r\n\r\n".to_vec(), "protocol: "),
        ("half a head", b"HTTP/1.1 101 Switching".to_vec(), "connection 0 ended ("),
        ("nothing", Vec::new(), "connection 0 ended ("),
        ("an endless head", vec![b'x'; 1 << 20], "connection 0 ended ("),
    ] {
        let rogue = Rogue::start(Manners::Refuse(bytes));
        let mut daemon = Daemon::start(&coinapi(&rogue, ""));
        let said = daemon.wait_line(line);
        assert!(
            said.contains("feed x: connection 0 ended (") && said.contains("reconnecting"),
            "{what}: {said}"
        );
        eprintln!("{what}: {}", said.split("feed ").last().unwrap_or_default());
        daemon.wait_until(what, |d| first_feed(d)["connections"][0]["lives"].as_u64() >= Some(2));
        let (status, _) = daemon.stop();
        assert!(status.success(), "{what}: {status}");
    }
}

/// A frame that says it is longer than it is, and then the end.
#[test]
fn a_frame_cut_short_costs_the_connection() {
    let rogue = venue();
    let mut daemon = Daemon::start(&coinapi(&rogue, ""));
    daemon.wait_all_live();
    let whole = text(&message(HIT, 2, false, ""));
    rogue.say(&whole[..whole.len() / 2]);
    rogue.hang_up();
    daemon.wait_line("connection 0 ended (peer_");
    daemon.wait_until("a new connection", |_| rogue.upgrades() == 2);
    daemon.wait_all_live();
    let feed = first_feed(&daemon);
    assert_eq!(feed["messages"]["received"], 4, "half a message is none: {feed}");
}

/// All of it at once, as fast as it goes, with the connection ending again and again.
#[test]
fn a_hostile_peer_does_not_fill_the_log() {
    /// At least so long; and longer, where other load makes it so, until as much was said as is worth asking about.
    const FOR: Duration = Duration::from_secs(5);
    const FOR_MAX: Duration = Duration::from_secs(120);
    const LINES_MAX: usize = 10;
    let rogue = venue();
    let mut daemon = Daemon::start(&coinapi(&rogue, ""));
    daemon.wait_all_live();
    let (harmless, deadly): (Vec<Bad>, Vec<Bad>) =
        bad_frames().into_iter().partition(|bad| bad.costs != Costs::TheConnection);
    // What breaks every book has the connection made anew, and what is said after it finds nobody: it comes last.
    let (placeless, harmless): (Vec<Bad>, Vec<Bad>) =
        harmless.into_iter().partition(|bad| bad.costs == Costs::EveryBook);
    let notice = text("{\"type\":\"reconnect\",\"within_seconds\":10}");
    let error = text("{\"type\":\"error\",\"message\":\"Reached maximum allowed buffered messages\"}");
    let started = Instant::now();
    let is_enough = |daemon: &Daemon| {
        first_feed(daemon)["messages"]["received"].as_u64() > Some(1_000) && rogue.upgrades() > 5
    };
    let (mut rounds, mut kills) = (0u64, deadly.iter().cycle());
    while started.elapsed() < FOR || !is_enough(&daemon) {
        assert!(started.elapsed() < FOR_MAX, "{rounds} rounds, {} lives", rogue.upgrades());
        let upgrades = rogue.upgrades();
        for _ in 0..20 {
            for bad in harmless.iter().filter(|bad| bad.bytes.len() < 10_000) {
                rogue.say(&bad.bytes);
            }
            rogue.say(&snapshot(HIT));
            rounds += 1;
        }
        placeless.iter().for_each(|bad| rogue.say(&bad.bytes));
        match rounds / 20 % 8 {
            0 => (0..300).for_each(|_| rogue.say(&notice)),
            2 => rogue.say(&error),
            4 => rogue.hang_up(),
            _ => rogue.say(&kills.next().expect("endless").bytes),
        }
        let again = Instant::now() + Duration::from_millis(500);
        while rogue.upgrades() == upgrades && Instant::now() < again {
            std::thread::park_timeout(Duration::from_millis(2));
        }
    }
    assert!(daemon.is_running());
    let stats = first_feed(&daemon);
    let lines: Vec<String> = daemon.drain_log().iter().filter(|l| l.contains("feed x")).cloned().collect();
    let took = started.elapsed();
    eprintln!(
        "{rounds} rounds, {} messages, {} lives, {} lines in {took:?}",
        stats["messages"]["received"],
        stats["connections"][0]["lives"],
        lines.len()
    );
    let spans = took.as_nanos().div_ceil(FOR.as_nanos()) as usize;
    assert!(lines.len() <= LINES_MAX * spans, "{}", lines.join("\n"));
    // When the peer behaves again, so does everything else.
    daemon.wait_until("all live", |d| {
        rogue.say(&both_books());
        d.states().iter().all(|(_, state)| state == "live")
    });
    let (status, took) = daemon.stop();
    assert!(status.success() && took < Duration::from_secs(1), "{status} {took:?}");
}
