//! A key that is refused, and a venue that throws it back: said, tried again slowly, never shown.

use super::super::daemon::{Daemon, feed};
use super::super::rogue::{CLOSE, Manners, Rogue, answer, header, text};
use super::start::depthd;
use super::{HIT, both_books, coinapi, first_feed, message};
use depthd::sim::{Face, Sim, SimConfig};
use std::time::{Duration, Instant};

const KEY: &str = "7F3A-THE-key-nobody-may-read-91C2";

/// Everything a person can see of a daemon.
fn everything(daemon: &mut Daemon) -> String {
    let mut all = daemon.drain_log().join("\n");
    let book = format!("/api/books/x/{HIT}");
    for path in ["/", "/health", "/stats", "/metrics", "/api/books", "/api/debug/memory", &book, "/nowhere"] {
        all.push_str(&daemon.get(path).1);
    }
    all
}

fn assert_no_key(what: &str, text: &str) {
    let found = text.to_ascii_lowercase().find(&KEY.to_ascii_lowercase()[..12]);
    let around = found.map(|at| &text[text.floor_char_boundary(at.saturating_sub(80))..]);
    assert_eq!(around.map(|a| a.chars().take(200).collect::<String>()), None, "{what}");
}

#[test]
fn a_bad_key_is_said_and_tried_again_slowly() {
    let sim = Sim::start(SimConfig::new(Face::CoinApi)).expect("a venue");
    let mut daemon = Daemon::start_with(&feed(&sim, ""), &[("COINAPI_KEY", KEY)]);
    daemon.wait_line("feed coinapi: the venue says: Invalid API key");
    daemon.wait_line("connection 0 ended (fatal: Invalid API key");
    daemon.wait_until("the wait", |d| first_feed(d)["connections"][0]["phase"] == "backing_off");
    let until = Instant::now() + Duration::from_secs(2);
    daemon.wait_until("two seconds", |_| Instant::now() > until);
    let (connects, lives) = (sim.counters().connects, first_feed(&daemon)["connections"][0]["lives"].clone());
    assert_eq!((connects, lives), (1, 1.into()), "no loop");
    assert_eq!(daemon.get("/health/ready").0, 503);
    let all = everything(&mut daemon);
    assert_no_key("a bad key", &all);
    let (status, _) = daemon.stop();
    assert!(status.success(), "{status}");
}

/// A venue that says why and hangs up at once, perhaps before it was greeted: the reason counts, not the hanging up.
#[test]
fn a_refusal_is_heard_though_the_socket_ends_with_it() {
    for round in 0..10 {
        let refusal = "{\"type\":\"error\",\"message\":\"Invalid API key\"}";
        let last_words = [text(refusal), CLOSE.to_vec()].concat();
        let rogue = Rogue::start(Manners::Upgrade(Box::new(move |_| last_words.clone())));
        let mut daemon = Daemon::start(&coinapi(&rogue, ""));
        daemon.wait_line("the venue says: Invalid API key");
        let line = daemon.wait_line("connection 0 ended (");
        assert!(line.contains("ended (fatal: Invalid API key)"), "round {round}: {line}");
        daemon.wait_until("the wait", |d| first_feed(d)["connections"][0]["phase"] == "backing_off");
        assert_eq!(first_feed(&daemon)["connections"][0]["lives"], 1);
    }
}

/// A venue that throws the key back in whatever it says.
#[test]
fn a_key_that_is_echoed_is_not_shown() {
    let echo = |head: &str, wrap: &dyn Fn(&str) -> String| {
        let key = header(head, "X-CoinAPI-Key").expect("the key is sent").to_owned();
        [both_books(), text(&wrap(&key))].concat()
    };
    type Wrap = fn(&str) -> String;
    let wraps: [(&str, Wrap); 4] = [
        ("the venue says: ", |key| format!("{{\"type\":\"error\",\"message\":\"Invalid API key {key}!\"}}")),
        ("the venue says: ", |key| {
            format!("{{\"type\":\"error\",\"message\":\"{}{key}\"}}", "x".repeat(100))
        }),
        ("dropped a message (unknown_type)", |key| {
            format!("{{\"type\":\"mystery\",\"key\":\"{}\"}}", key.to_lowercase())
        }),
        ("dropped a message (malformed)", |key| format!("X-CoinAPI-Key: {key}")),
    ];
    for (line, wrap) in wraps {
        let rogue = Rogue::with_rest(Manners::Upgrade(Box::new(move |head| echo(head, &wrap))), |head| {
            let key = header(head, "X-CoinAPI-Key").expect("the key is sent");
            answer("401 Unauthorized", format!("{{\"error\":\"{key} is no key\"}}").as_bytes())
        });
        let mut daemon = Daemon::start_with(&coinapi(&rogue, ""), &[("COINAPI_KEY", KEY)]);
        let said = daemon.wait_line(line);
        assert!(said.contains("[redacted]") || said.contains('…'), "{said}");
        // A gap asks REST, which echoes too.
        if line.contains("unknown_type") {
            rogue.say(&text(&message(HIT, 9, false, "")));
            let said = daemon.wait_line("status 401: ");
            assert!(said.contains("[redacted] is no key"), "{said}");
        } else {
            daemon.wait_line("connection 0 ended (");
        }
        daemon.signal("USR1");
        daemon.wait_line("book x/");
        let all = everything(&mut daemon);
        assert_no_key(line, &all);
        let (status, _) = daemon.stop();
        assert!(status.success(), "{status}");
        assert_no_key(line, &daemon.drain_log().join("\n"));
    }
}

#[test]
fn check_shows_no_key() {
    let config = format!("[[feed]]\nname = \"x\"\nvenue = \"coinapi\"\nsymbols = [\"{HIT}\"]\n");
    let (out, _) = depthd("check", &config, &[("COINAPI_KEY", KEY)]);
    let text = [out.stdout, out.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    assert_eq!(out.status.code(), Some(0), "{text}");
    assert!(text.contains("[redacted]"), "{text}");
    assert_no_key("check", &text);
    // A key that is none is refused without being shown.
    let (out, _) = depthd("check", &config, &[("COINAPI_KEY", &format!("{KEY} {KEY}"))]);
    let text = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(2), "{text}");
    assert_no_key("check", &text);
}
