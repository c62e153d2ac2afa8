//! Both venues at once, nothing wrong: every book becomes live and is right, and the way down is short.

use super::daemon::{Daemon, feed};
use depthd::sim::Sim;
use depthd::sim::config::{Face, SimConfig};
use std::time::Duration;

#[test]
fn two_venues_are_live_and_exact_and_stop_at_once() {
    let sims = [Face::CoinApi, Face::Binance].map(|face| Sim::start(SimConfig::new(face)).expect("a venue"));
    let mut daemon = Daemon::start(&sims.iter().map(|sim| feed(sim, "")).collect::<String>());
    daemon.wait_all_live();
    for sim in &sims {
        sim.quiesce();
        daemon.assert_exact(sim);
        assert!(sim.log().violations.is_empty(), "{:?}", sim.log().violations);
    }
    assert_eq!(daemon.get("/health/ready").0, 200);
    let stats = daemon.json("/stats");
    for feed in stats["feeds"].as_array().expect("feeds") {
        assert_eq!(
            feed["messages"]["in_flight"], 0,
            "received = applied + duplicate + buffered + discarded: {feed}"
        );
    }
    let (status, took) = daemon.stop();
    assert!(status.success(), "{status}: {:?}", daemon.drain_log());
    assert!(took < Duration::from_secs(1), "{took:?}");
}
