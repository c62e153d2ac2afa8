//! What a venue does not serve, of all that it was asked for: said at once and by name, and the rest is served.

use super::daemon::{Daemon, feed};
use depthd::sim::Sim;
use depthd::sim::config::{Face, SimConfig};

/// Deribit leaves a bad channel out of its answer and says nothing: only the timer of first books saw that.
#[test]
fn a_channel_missing_from_the_answer_is_refused_by_name() {
    let sim = Sim::start(SimConfig::new(Face::Deribit)).expect("a venue");
    let symbols = sim.symbols();
    let (known, asked) = (format!("{symbols:?}"), format!("{:?}", [&symbols[0], "NO-PERPETUAL"]));
    let mut daemon = Daemon::start(&feed(&sim, "").replace(&known, &asked));
    let line = daemon.wait_line("the venue refuses ");
    assert!(line.contains("refuses NO-PERPETUAL: book.NO-PERPETUAL.100ms is not among"), "{line}");
    daemon.wait_until("the other book live", |d| {
        let live = (symbols[0].clone(), "live".to_owned());
        d.states().contains(&live)
    });
}
