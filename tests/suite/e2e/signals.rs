//! Signals to the running daemon, except the stop's (see [`super::teardown`]).

use super::daemon::{Daemon, feed};
use depthd::sim::{Face, Sim, SimConfig};
use std::time::{Duration, Instant};

fn live(more: &str) -> ([Sim; 2], Daemon) {
    let sims = [Face::CoinApi, Face::Binance].map(|face| Sim::start(SimConfig::new(face)).expect("a venue"));
    let daemon = Daemon::start(&sims.iter().map(|sim| feed(sim, more)).collect::<String>());
    daemon.wait_all_live();
    (sims, daemon)
}

#[test]
fn usr1_writes_every_connection_and_book_to_the_log() {
    let (sims, mut daemon) = live("");
    daemon.signal("USR1");
    for sim in &sims {
        daemon.wait_line(&format!("feed {}: connection ", sim.face()));
    }
    for sim in &sims {
        for symbol in sim.symbols() {
            let part = format!("book {}/{symbol}: live at ", sim.face());
            let seen = |d: &mut Daemon| d.drain_log().iter().any(|line| line.contains(&part));
            if !seen(&mut daemon) {
                daemon.wait_line(&part);
            }
        }
    }
    assert!(daemon.is_running());
    daemon.wait_all_live();
}

#[test]
fn int_stops_like_term() {
    let (_sims, mut daemon) = live("");
    let asked = Instant::now();
    daemon.signal("INT");
    let status = daemon.wait_exit();
    let took = asked.elapsed();
    assert!(status.success() && took < Duration::from_secs(1), "{status} in {took:?}");
    daemon.wait_line("stopped, every thread is joined");
}

/// Held still for 3 s while the venues go on: long enough for idle timeouts of 1 s to be overdue when it wakes.
#[test]
fn a_daemon_held_still_catches_up() {
    let (sims, mut daemon) = live("idle_timeout = \"1s\"");
    daemon.signal("STOP");
    // The length of the hold is the test, not a wait for something.
    std::thread::sleep(Duration::from_secs(3));
    daemon.signal("CONT");
    let woken = Instant::now();
    let received = |d: &Daemon| -> Vec<u64> {
        let stats = d.json("/stats");
        let feeds = stats["feeds"].as_array().expect("feeds");
        feeds.iter().filter_map(|feed| feed["messages"]["received"].as_u64()).collect()
    };
    let at_first = received(&daemon);
    daemon.wait_until("every book live on new messages", |d| {
        let more = received(d).iter().zip(&at_first).all(|(now, then)| *now > then + 200);
        more && d.states().iter().all(|(_, state)| state == "live")
    });
    eprintln!("live again {} ms after SIGCONT", woken.elapsed().as_millis());
    for sim in &sims {
        sim.quiesce();
    }
    for sim in &sims {
        daemon.assert_exact(sim);
    }
    let (status, _) = daemon.stop();
    assert!(status.success(), "{status}");
}
