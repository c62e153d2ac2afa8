//! `depthd sim` in a process of its own: what it prints is a configuration, and a daemon with it becomes live.

use super::daemon::{Daemon, PATIENCE};
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_depthd"));
    command.arg("sim").args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A running `depthd sim`, and what it printed. Dropping it kills it.
struct Venue {
    child: Child,
    printed: String,
}

impl Venue {
    fn start(args: &[&str]) -> Venue {
        let mut child = command(args).spawn().expect("depthd starts");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let mut printed = String::new();
        // The last line of a feed.
        while !printed.contains("symbols = ") {
            printed += &lines.next().expect("a whole feed").expect("text");
            printed += "\n";
        }
        Venue { child, printed }
    }

    /// SIGTERM, then the exit status and what was said at the end.
    fn stop(mut self) -> (Option<i32>, Duration, String) {
        let asked = Instant::now();
        let sent = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        assert!(sent.expect("kill runs").success());
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("the child can be asked") {
                break status;
            }
            assert!(asked.elapsed() < PATIENCE, "depthd sim does not end");
            std::thread::park_timeout(Duration::from_millis(1));
        };
        let (took, mut said) = (asked.elapsed(), String::new());
        self.child.stderr.take().expect("piped").read_to_string(&mut said).expect("text");
        (status.code(), took, said)
    }
}

impl Drop for Venue {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn what_it_prints_is_a_configuration_that_works() {
    for (face, args) in [("coinapi", &["--symbols", "3"][..]), ("binance", &["--venue", "binance"][..])] {
        let venue = Venue::start(args);
        assert!(venue.printed.contains(&format!("venue = \"{face}\"")), "{}", venue.printed);
        assert_eq!(venue.printed.contains("COINAPI_KEY=sim-key"), face == "coinapi");
        let daemon = Daemon::start(&venue.printed);
        daemon.wait_all_live();
        drop(daemon);
        let (code, took, said) = venue.stop();
        assert_eq!(code, Some(0), "{said}");
        assert!(took < Duration::from_secs(1), "{took:?}");
        assert!(said.contains("1 connections, "), "{said}");
    }
}

/// Ten changes, the snapshot after the third; the end is torn.
fn recording() -> PathBuf {
    let mut text = String::new();
    for n in 1..=10u64 {
        text += &format!(
            "{n}000 {{\"stream\":\"abcusdt@depth@100ms\",\"data\":{{\"e\":\"depthUpdate\",\"E\":{n},\"s\":\"ABCUSDT\",\
             \"U\":{n},\"u\":{n},\"b\":[[\"1.{n:02}\",\"{n}\"]],\"a\":[]}}}}\n"
        );
        if n == 3 {
            text += "3500 {\"lastUpdateId\":3,\"bids\":[[\"1.03\",\"3\"]],\"asks\":[[\"2\",\"1\"]]}\n";
        }
    }
    text += "11000 {\"stream\":";
    let path = std::env::temp_dir().join(format!("depthd-e2e-sim-{}", std::process::id()));
    fs::write(&path, text).expect("written");
    path
}

#[test]
fn a_recording_is_served_to_its_end() {
    let path = recording();
    let venue = Venue::start(&["--pace", "full", "--capture", path.to_str().expect("UTF-8")]);
    assert!(venue.printed.contains("# A recording of 10 frames") && venue.printed.contains("a torn end"));
    let daemon = Daemon::start(&venue.printed);
    daemon.wait_until("the last change", |d| d.json("/api/books")["books"][0]["sequence"] == 10);
    let book = daemon.json("/api/books/binance/ABCUSDT");
    assert_eq!((&book["state"], &book["bids"][0][0]), (&"live".into(), &"1.1".into()), "{book}");
    assert_eq!(book["levels"]["bids"], 8, "the recorded one and seven changes");
    drop(daemon);
    let (code, _, said) = venue.stop();
    assert_eq!((code, said.trim()), (Some(0), "1 connections, 10 of 10 frames sent, 1 books answered"));
    fs::remove_file(path).expect("removed");
}

#[test]
fn what_it_cannot_serve_it_says() {
    let said = |args: &[&str]| {
        let Output { status, stderr, .. } = command(args).output().expect("depthd runs");
        (status.code(), String::from_utf8(stderr).expect("text"))
    };
    let (code, text) = said(&["--venue", "nowhere"]);
    assert_eq!(code, Some(2));
    assert!(text.starts_with("error: --venue: \"nowhere\" is none of coinapi, binance, "), "{text}");
    let (code, text) = said(&["--capture", "/nonexistent/file.gz"]);
    assert_eq!(code, Some(1));
    assert!(text.starts_with("error: cannot serve /nonexistent/file.gz"), "{text}");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("bound").to_string();
    let (code, text) = said(&["--listen", &address]);
    assert_eq!(code, Some(1));
    assert!(text.starts_with(&format!("error: cannot listen on {address}: ")), "{text}");
}
