//! A connection that is to end is handed over to the next: whoever looks at any moment sees every book live, whatever
//! the venue's books follow each other by.

use super::daemon::{Daemon, feed};
use super::look::{assert_exact_and_newest, metric};
use depthd::sim::config::{Face, SimConfig};
use depthd::sim::{Fault, LinkFault, Sim};
use std::collections::BTreeMap;
use std::time::Duration;

/// More than a handover takes in which every book waits for the workers to move it, and less than the daemon would wait for
/// one that cannot be.
const CLOSES_AFTER: Duration = Duration::from_secs(10);

/// Notices the planned end of every connection, and looks at all books until the next ones have them. Gives the number of
/// looks.
fn replaced_unseen(face: Face, rate: u32) -> usize {
    let mut config = SimConfig::new(face);
    (config.symbols, config.rate) = (8, rate);
    let sim = Sim::start(config).expect("a venue");
    let daemon = Daemon::start(&feed(&sim, ""));
    daemon.wait_all_live();
    let calls = sim.counters().rest_calls;
    sim.inject(Fault::Link(LinkFault::Notice(CLOSES_AFTER)));
    let mut last: BTreeMap<String, u64> = BTreeMap::new();
    let mut looks = 0;
    let handovers = format!("depthd_handovers_total{{feed=\"{face}\"}}");
    daemon.wait_until("the next connection to have the books", |d| {
        for book in d.json("/api/books")["books"].as_array().expect("a list") {
            assert_eq!(book["state"], "live", "{face}: look {looks}: {book}");
            let symbol = book["symbol"].as_str().expect("a symbol").to_owned();
            // Where numbers are the market's they never go back; elsewhere each connection may have its own.
            if let Some(now) = book["sequence"].as_u64().filter(|_| face == Face::Binance) {
                let before = last.insert(symbol, now).unwrap_or(0);
                assert!(now >= before, "{face}: from {before} back to {now}");
            }
        }
        looks += 1;
        metric(d, &handovers) >= 1.0
    });
    assert_eq!(
        metric(&daemon, &format!("depthd_reconnects_total{{feed=\"{face}\",reason=\"notice\"}}")),
        1.0
    );
    let counters = sim.counters();
    assert_eq!((counters.connects, counters.rest_calls), (2, calls), "{face}: one more connect, no REST");
    assert_exact_and_newest(&daemon, &sim);
    let rows = daemon.json("/api/books");
    let gaps =
        rows["books"].as_array().expect("a list").iter().map(|b| b["gaps"].as_u64()).collect::<Vec<_>>();
    assert!(gaps.iter().all(|gaps| *gaps == Some(0)), "{face}: {gaps:?}");
    assert_eq!(sim.log().violations, [], "{face}");
    looks
}

#[test]
fn books_by_the_markets_numbers_never_go_stale() {
    for face in [Face::Binance, Face::BinanceUsdm] {
        let looks = replaced_unseen(face, 200);
        eprintln!("{face}: live in each of {looks} looks");
    }
}

#[test]
fn books_that_the_next_connection_sends_whole_never_go_stale() {
    for face in [Face::Okx, Face::Bitfinex] {
        let looks = replaced_unseen(face, 200);
        eprintln!("{face}: live in each of {looks} looks");
    }
}

/// Books of which the next connection says nothing are moved, since whatever was missed until it does shows by numbers.
#[test]
fn books_in_a_quiet_market_go_over_too() {
    let mut config = SimConfig::new(Face::Binance);
    (config.symbols, config.rate) = (4, 100);
    let sim = Sim::start(config).expect("a venue");
    let daemon = Daemon::start(&feed(&sim, ""));
    daemon.wait_all_live();
    sim.quiesce();
    sim.inject(Fault::Link(LinkFault::Notice(CLOSES_AFTER)));
    daemon.wait_until("the next connection to have the books", |d| {
        let books = d.json("/api/books");
        assert!(books["books"].as_array().expect("a list").iter().all(|b| b["state"] == "live"), "{books}");
        metric(d, "depthd_handovers_total{feed=\"binance\"}") >= 1.0
    });
    sim.set_rate(100);
    sim.symbols().iter().for_each(|symbol| sim.step(symbol));
    assert_exact_and_newest(&daemon, &sim);
    assert!(daemon.json("/api/books")["books"].as_array().expect("a list").iter().all(|b| b["gaps"] == 0));
}
