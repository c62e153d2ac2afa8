//! Whoever reads whole books all day costs no memory: the answers of a moving market differ in size, and the daemon must
//! not keep room for each of them.

use super::daemon::{Daemon, feed};
use depthd::sim::Sim;
use depthd::sim::config::{Face, SimConfig};

/// The answers under way, and a little.
const GROWTH_KIB: u64 = 1_024;

#[test]
fn whole_books_read_over_and_over_leave_memory_as_it_was() {
    let sim = Sim::start(SimConfig::new(Face::CoinApi)).expect("a venue");
    let daemon = Daemon::start(&feed(&sim, ""));
    daemon.wait_all_live();
    let read = |times: usize| {
        for symbol in sim.symbols().iter().cycle().take(times) {
            assert_eq!(daemon.get(&format!("/api/books/coinapi/{symbol}?depth=5000")).0, 200);
        }
        daemon.footprint().anonymous_kib
    };
    let before = read(500);
    let after = read(4_000);
    eprintln!("anonymous memory {before} KiB after 500 whole books, {after} KiB after 4,500");
    assert!(after <= before + GROWTH_KIB, "{before} KiB, then {after} KiB");
}
