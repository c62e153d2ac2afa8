//! SIGHUP: feeds and symbols come and go, and what did not change is not touched.

use super::daemon::{Daemon, feed};
use depthd::sim::Sim;
use depthd::sim::config::{Face, SimConfig};
use serde_json::Value;
use std::fs;

fn feed_of(sim: &Sim, symbols: &[String]) -> String {
    feed(sim, "").replace(&format!("{:?}", sim.symbols()), &format!("{symbols:?}"))
}

fn rewrite(daemon: &Daemon, feeds: &str) {
    let text = format!("[http]\nlisten = \"127.0.0.1:0\"\n{feeds}");
    fs::write(daemon.config_path(), text).expect("the configuration is written");
}

/// By feed: how many lives its connections had, and how often books went stale on it.
fn disturbance(daemon: &Daemon, feed: &str) -> (u64, Value) {
    let stats = daemon.json("/stats");
    let feeds = stats["feeds"].as_array().expect("feeds");
    let row = feeds.iter().find(|f| f["name"] == feed).unwrap_or_else(|| panic!("{feed} in {stats}"));
    let lives = row["connections"]
        .as_array()
        .expect("connections")
        .iter()
        .map(|c| c["lives"].as_u64().expect("a count"));
    (lives.sum(), row["gaps"].clone())
}

#[test]
fn a_reload_adds_and_removes_symbols_and_feeds_and_touches_nothing_else() {
    let [coinapi, binance] =
        [Face::CoinApi, Face::Binance].map(|face| Sim::start(SimConfig::new(face)).expect("a venue"));
    let (c, b) = (coinapi.symbols(), binance.symbols());
    let mut daemon = Daemon::start(&format!("{}{}", feed_of(&coinapi, &c[..2]), feed_of(&binance, &b[..2])));
    daemon.wait_all_live();
    let before = (disturbance(&daemon, "coinapi"), disturbance(&daemon, "binance"));

    // On both venues one symbol goes and two come, over the sockets that are open.
    rewrite(&daemon, &format!("{}{}", feed_of(&coinapi, &c[1..4]), feed_of(&binance, &b[1..4])));
    daemon.signal("HUP");
    daemon.wait_line("configuration read again");
    daemon.wait_until("the new symbols live", |d| {
        let states = d.states();
        states.len() == 6 && states.iter().all(|(_, state)| state == "live")
    });
    assert_eq!((disturbance(&daemon, "coinapi"), disturbance(&daemon, "binance")), before);
    assert_eq!(daemon.get(&format!("/api/books/coinapi/{}", c[0])).0, 404);

    // A bad file changes nothing.
    rewrite(&daemon, "[[feed]]\nname = 5\n");
    daemon.signal("HUP");
    let line = daemon.wait_line("nothing changes");
    assert!(line.contains("feed[1].name"), "{line}");
    daemon.wait_all_live();

    // One feed goes; the other does not notice.
    rewrite(&daemon, &feed_of(&binance, &b[1..4]));
    daemon.signal("HUP");
    daemon.wait_line("configuration read again");
    daemon.wait_until("the feed is gone", |d| d.states().len() == 3);
    assert_eq!(disturbance(&daemon, "binance"), before.1);

    // And comes back.
    rewrite(&daemon, &format!("{}{}", feed_of(&binance, &b[1..4]), feed_of(&coinapi, &c)));
    daemon.signal("HUP");
    daemon.wait_line("configuration read again");
    daemon.wait_until("everything live", |d| {
        let states = d.states();
        states.len() == 8 && states.iter().all(|(_, state)| state == "live")
    });
    for (sim, symbols) in [(&coinapi, &c[..]), (&binance, &b[1..4])] {
        sim.quiesce();
        let (audited, wrong) = daemon.audit_of(sim, symbols);
        assert_eq!((audited, wrong), (symbols.len(), Vec::<String>::new()));
        assert!(sim.log().violations.is_empty(), "{:?}", sim.log().violations);
    }
    let stats = daemon.json("/stats");
    for feed in stats["feeds"].as_array().expect("feeds") {
        assert_eq!(feed["messages"]["in_flight"], 0, "nothing is lost from the sums: {feed}");
    }
    assert!(daemon.stop().0.success());
}
