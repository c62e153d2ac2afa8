//! X5: a peer that falls silent, in any phase and in any way, is noticed within two heartbeats and a second.
//!
//! The daemon's heartbeat deadline is `idle_timeout`: half of it without a frame and it asks for a sign of life, all of
//! it and the connection ends. So two heartbeats are one `idle_timeout`. Before the first frame it is `connect_timeout`.
//! Where the venue promises messages of its own (CoinAPI, each second), pongs do not count for longer than two of those.

use super::amount::{amount, figure};
use super::cases::{Case, Ends};
use super::script::{Act, After, Script, When, book};
use super::websocket::{DEADLINE, play};
use crate::e2e::daemon::{Daemon, feed};
use crate::e2e::rogue::frame;
use depthd::sim::config::{Face, SimConfig};
use depthd::sim::{Fault, LinkFault, Sim};
use std::time::{Duration, Instant};

const SECOND: Duration = Duration::from_secs(1);

fn silent(name: &'static str, when: When, said: Vec<u8>, after: After) -> Case {
    let script = Script { when, acts: vec![Act::Say(said)], after };
    Case { name, scheme: "ws", script, ends: Ends::Closed, takes: Duration::ZERO }
}

fn cases() -> Vec<Case> {
    let half = book(super::script::SYMBOLS[0], 2, false, 3)[..40].to_vec();
    let begun = [frame(0x01, b"{\"type\":"), frame(0x89, b"")].concat();
    let answer = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: web".to_vec();
    let tls = Case {
        scheme: "wss",
        ends: Ends::ClosedForGood,
        ..silent("at the TLS hello", When::Instead, vec![], After::Silence)
    };
    // Two of CoinAPI's heartbeats are longer than the idle timeout of this daemon.
    let covered = |name, after| Case { takes: SECOND, ..silent(name, When::Live, vec![], after) };
    vec![
        silent("at the upgrade", When::Instead, vec![], After::Silence),
        silent("in the middle of the upgrade's answer", When::Instead, answer, After::Silence),
        tls,
        silent("after the upgrade", When::Upgraded, vec![], After::Silence),
        silent("in the middle of the stream", When::Live, vec![], After::Silence),
        silent("in the middle of a frame", When::Live, half, After::Silence),
        silent("in the middle of a message", When::Live, begun, After::Silence),
        covered("but for pongs", After::Pongs),
        covered("but for pings", After::Pings),
    ]
}

#[test]
fn x5_a_silent_peer_is_noticed_in_time() {
    let times = amount(1, 5, 20);
    let cases = cases();
    // Mostly waiting: all at once.
    let outcomes: Vec<_> = std::thread::scope(|scope| {
        let plays: Vec<_> = cases
            .iter()
            .map(|case| scope.spawn(move || (0..times).map(|_| play(case)).collect::<Vec<_>>()))
            .collect();
        plays.into_iter().map(|play| play.join().expect("no panic")).collect()
    });
    let (mut worst, mut total) = (Duration::ZERO, 0);
    for (case, outcomes) in cases.iter().zip(outcomes) {
        for outcome in outcomes {
            let outcome = outcome.unwrap_or_else(|why| panic!("silent {}: {why}", case.name));
            assert!(outcome.line.contains("timeout"), "silent {}: {}", case.name, outcome.line);
            let bound = DEADLINE + case.takes + SECOND;
            println!("X5 silent {}: {} ms of {} ms", case.name, outcome.took.as_millis(), bound.as_millis());
            assert!(outcome.took <= bound);
            (worst, total) = (worst.max(outcome.took - case.takes), total + 1);
        }
    }
    let half_open = half_open(times);
    figure(
        "X5",
        format_args!(
            "{total} silences of {} kinds and {} half-open links of both venues noticed; worst {} ms of {} ms",
            cases.len(),
            2 * times,
            worst.max(half_open).as_millis(),
            (DEADLINE + SECOND).as_millis()
        ),
    );
    assert!(worst.max(half_open) <= DEADLINE + SECOND);
}

/// How often each book became live again, in the order of the list.
fn recoveries(daemon: &Daemon) -> Vec<u64> {
    let books = daemon.json("/api/books");
    let rows = books["books"].as_array().expect("a list");
    rows.iter().map(|row| row["recoveries"].as_u64().expect("a count")).collect()
}

/// The simulated venues go silent in the middle of a busy stream: the longest until the books are not live any more.
fn half_open(times: u32) -> Duration {
    let mut worst = Duration::ZERO;
    for face in [Face::CoinApi, Face::Binance] {
        let sim = Sim::start(SimConfig { symbols: 2, ..SimConfig::new(face) }).expect("a venue");
        let daemon = Daemon::start(&feed(&sim, "idle_timeout = \"1s\""));
        for _ in 0..times {
            daemon.wait_all_live();
            let before = recoveries(&daemon);
            sim.inject(Fault::Link(LinkFault::HalfOpen));
            let began = Instant::now();
            // The next life may come at once: what was stale between two looks has been recovered since.
            daemon.wait_until("every book stale, or recovered once more", |d| {
                let stale = |(_, state): &(String, String)| state == "stale";
                let now = d.states().iter().map(stale).zip(recoveries(d)).collect::<Vec<_>>();
                now.iter().zip(&before).all(|((stale, recoveries), before)| *stale || recoveries > before)
            });
            worst = worst.max(began.elapsed());
        }
    }
    worst
}
