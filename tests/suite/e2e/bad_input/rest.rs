//! REST answers that are no book: said, counted, asked again, and the stream never suffers.

use super::super::daemon::{Daemon, feed};
use super::first_feed;
use depthd::sim::{Face, Fault, RestFault, Sim, SimConfig, StreamFault};
use serde_json::Value;
use std::time::{Duration, Instant};

#[test]
fn each_bad_rest_answer_is_said_counted_and_asked_again() {
    let slow = Duration::from_millis(800);
    for (what, fault, line, status) in [
        ("HTML", RestFault::Html, "the answer cannot be read: not the JSON", Some("200")),
        ("nothing", RestFault::Empty, "the answer cannot be read: ", Some("200")),
        ("a huge body", RestFault::Huge, "larger than", None),
        ("a slow answer", RestFault::Slow(slow), "timeout", None),
        ("a trickle", RestFault::Trickle, "timeout", None),
        ("half a body", RestFault::Cut, "no snapshot of ", None),
        ("a crossed book", RestFault::Crossed, "is crossed, empty or otherwise no book", Some("200")),
        ("a failure", RestFault::Status { status: 500, wait: None }, "status 500", Some("500")),
    ] {
        let config = SimConfig { symbols: 2, rate: 200, ..SimConfig::new(Face::Binance) };
        let sim = Sim::start(config).expect("a venue");
        sim.inject(Fault::Rest { count: 1, what: fault });
        let quick = "recovery = { timeout = \"400ms\" }";
        let mut daemon = Daemon::start(&feed(&sim, quick));
        let started = Instant::now();
        let said = daemon.wait_line(line);
        assert!(said.contains("feed binance: ") && said.contains("asking again"), "{what}: {said}");
        if what == "a slow answer" {
            assert!(started.elapsed() < slow, "it was waited for");
        }
        daemon.wait_all_live();
        sim.quiesce();
        daemon.assert_exact(&sim);
        let feed = first_feed(&daemon);
        assert_eq!(feed["connections"][0]["lives"], 1, "{what} cost the connection");
        let calls = feed["rest_requests"].as_array().expect("a list").clone();
        let total: u64 = calls.iter().filter_map(|row| row["count"].as_u64()).sum();
        assert!(total >= 3, "{what}: two books and a repetition: {calls:?}");
        let counted = |wanted: &Value| calls.iter().any(|row| row["status"] == *wanted);
        match status {
            Some(status) => {
                assert!(counted(&status.parse::<u64>().expect("a status").into()), "{what}: {calls:?}")
            }
            None => assert!(!calls.is_empty()),
        }
        if what == "a crossed book" {
            let text = feed["recoveries"].to_string();
            assert!(text.contains("unusable"), "{text}");
        }
        let lines = daemon.drain_log().iter().filter(|l| l.contains(line)).count();
        assert_eq!(lines, 1, "{what}: {:?}", daemon.lines);
        let (status, _) = daemon.stop();
        assert!(status.success(), "{what}: {status}");
    }
}

/// CoinAPI's answers name their symbol, so one for another is noticed. (Binance's do not.)
#[test]
fn a_rest_answer_for_another_symbol_is_not_taken() {
    let sim = Sim::start(SimConfig::new(Face::CoinApi)).expect("a venue");
    let mut daemon = Daemon::start(&feed(&sim, ""));
    daemon.wait_all_live();
    let symbol = sim.symbols().remove(0);
    sim.inject(Fault::Rest { count: 1, what: RestFault::OtherSymbol });
    sim.inject(Fault::Stream { symbol: Some(symbol.clone()), what: StreamFault::Gap });
    daemon.wait_line(&format!(
        "no snapshot of {symbol}: the answer cannot be read: an answer for another symbol"
    ));
    daemon.wait_all_live();
    sim.quiesce();
    daemon.assert_exact(&sim);
    assert_eq!(first_feed(&daemon)["connections"][0]["lives"], 1);
}
