//! A frame of which nobody can tell whose it was may have been the next message of any book: each is stale at that
//! message. Once such frames were counted and no more; a book whose venue then fell silent went on as live and was not.

use crate::e2e::daemon::{Daemon, feed};
use depthd::sim::{Face, Fault, Malformed, RestFault, Sim, SimConfig, StreamFault};
use serde_json::Value;
use std::time::Duration;

#[test]
fn a_frame_that_cannot_be_placed_makes_every_book_of_its_connection_stale() {
    for how in [Malformed::Html, Malformed::Binary] {
        let sim = Sim::start(SimConfig::new(Face::Binance)).expect("a venue");
        let daemon = Daemon::start(&feed(&sim, ""));
        daemon.wait_all_live();
        sim.quiesce();
        daemon.assert_exact(&sim);
        // Repairs wait, so that the books can be looked at.
        sim.inject(Fault::Rest { count: 1, what: RestFault::Slow(Duration::from_millis(700)) });
        sim.inject(Fault::Rest { count: 1, what: RestFault::Slow(Duration::from_millis(700)) });
        let symbol = sim.symbols()[0].clone();
        sim.inject(Fault::Stream { symbol: Some(symbol.clone()), what: StreamFault::Malformed(how) });
        sim.step(&symbol);
        let held = |d: &Daemon| books(d).iter().all(|b| b["state"] == "stale" && b["reason"] == "decode");
        daemon.wait_until("every book stale for it", held);
        daemon.assert_exact(&sim);
        let stats = daemon.json("/stats");
        assert_eq!(stats["feeds"][0]["connections"][0]["lives"], 1, "repaired in place: {stats}");
    }
}

fn books(daemon: &Daemon) -> Vec<Value> {
    daemon.json("/api/books")["books"].as_array().expect("a list").clone()
}
