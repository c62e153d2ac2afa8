//! L7: what a peer does cannot fill the log: at most ten lines a minute and connection, and at most three a fault.

use super::amount::{amount, figure};
use super::kinds;
use crate::e2e::daemon::{Daemon, feed};
use crate::e2e::look::{assert_exact_and_newest, metric, rows};
use crate::e2e::rogue::{Manners, Rogue, answer, frame, text};
use depthd::sim::config::{Face, FaultLevel, SimConfig};
use depthd::sim::{Fault, LinkFault, Sim, StreamFault};
use std::time::{Duration, Instant};

const LINES_A_MINUTE: usize = 10;
const LINES_A_FAULT: usize = 3;
const MINUTE: Duration = Duration::from_secs(60);

/// What a peer says after each upgrade, and over and over after that.
struct Peer {
    name: &'static str,
    manners: Manners,
    /// Said as fast as it is taken; nothing for peers that have said all they say.
    flood: Vec<u8>,
}

fn nonsense() -> Vec<u8> {
    [
        text("<html>502 Bad Gateway</html>"),
        text("{\"type\":\"book\",\"symbol_id\":\"NOWHERE\",\"sequence\":1,\"asks\":[],\"bids\":[]}"),
        text("{\"stream\":\"btcusdt@depth@100ms\",\"data\":{\"e\":\"depthUpdate\",\"s\":\"BTCUSDT\",\"U\":7,\"u\":3,\"b\":[[\"x\"]]}}"),
        text("{\"stream\":\"btcusdt@depth@100ms\",\"data\":{\"e\":\"depthUpdate\",\"s\":\"BTCUSDT\",\"U\":1,\"u\":99999999999999999999,\"b\":[],\"a\":[]}}"),
        text("{\"stream\":\"btcusdt@trade\",\"data\":{\"e\":\"trade\",\"s\":\"BTCUSDT\",\"p\":\"-1\"}}"),
        text("{\"stream\":\"xyz@depth\",\"data\":{\"e\":\"depthUpdate\",\"s\":\"XYZ\",\"U\":1,\"u\":1,\"b\":[],\"a\":[]}}"),
        text("{\"error\":{\"code\":2,\"msg\":\"Invalid request\"},\"id\":null}"),
        text("{}"),
        text("[[[["),
        frame(0x82, b"binary"),
    ]
    .concat()
}

fn peers() -> Vec<Peer> {
    let greets = |bytes: Vec<u8>| Manners::Upgrade(Box::new(move |_: &str| bytes.clone()));
    let close = crate::e2e::rogue::CLOSE;
    let peer = |name, manners, flood| Peer { name, manners, flood };
    vec![
        peer("pings", greets(Vec::new()), frame(0x89, b"ping")),
        peer("nonsense", greets(Vec::new()), nonsense()),
        peer("flapping", greets([nonsense(), close.to_vec()].concat()), Vec::new()),
        peer("bad frames", greets(frame(0xF1, b"x")), frame(0xF1, b"x")),
        peer("refusing", Manners::Refuse(answer("503 Service Unavailable", b"")), Vec::new()),
        peer("no HTTP", Manners::Refuse(b"SSH-2.0-OpenSSH\r\n\r\n".to_vec()), Vec::new()),
    ]
}

fn config(name: &str, rogue: &Rogue) -> String {
    format!(
        "[[feed]]\nname = \"{name}\"\nvenue = \"binance\"\nurl = \"ws://{0}\"\nrest_url = \"http://{0}\"\n\
         symbols = [\"BTCUSDT\"]\nidle_timeout = \"1s\"\nbackoff = {{ first = \"10ms\", max = \"100ms\" }}\n",
        rogue.addr
    )
}

/// The most lines within any minute of those that came at these times.
fn most_in_a_minute(times: &[Instant]) -> usize {
    let mut first = 0;
    (0..times.len())
        .map(|last| {
            while times[last].duration_since(times[first]) >= MINUTE {
                first += 1;
            }
            last + 1 - first
        })
        .max()
        .unwrap_or(0)
}

/// When each line of the log about the feed came, while `provoke` is called again and again.
fn listen(mut daemon: Daemon, length: Duration, mut provoke: impl FnMut()) -> (Vec<Instant>, Vec<String>) {
    let (mut times, until) = (Vec::new(), Instant::now() + length);
    let skipped = daemon.drain_log().iter().filter(|l| !l.contains("feed ")).count();
    while Instant::now() < until {
        provoke();
        let lines =
            daemon.drain_log().iter().filter(|l| !l.contains("[INFO] ") || l.contains("feed ")).count();
        times.resize(lines, Instant::now());
        std::thread::park_timeout(Duration::from_millis(5));
    }
    let lines = daemon.drain_log()[skipped..].to_vec();
    assert!(daemon.is_running() && !lines.iter().any(|line| line.contains("panicked")), "{lines:?}");
    (times, lines)
}

#[test]
fn l7_no_peer_fills_the_log() {
    let length = amount(Duration::from_secs(4), Duration::from_secs(70), Duration::from_secs(600));
    let peers = peers();
    let mut results: Vec<(&str, Vec<Instant>, Vec<String>, usize)> = std::thread::scope(|scope| {
        let runs: Vec<_> = peers
            .into_iter()
            .map(|peer| {
                scope.spawn(move || {
                    let rogue = Rogue::start(peer.manners);
                    let daemon = Daemon::start(&config("x", &rogue));
                    let many = peer.flood.repeat(20);
                    let (times, lines) = listen(daemon, length, || rogue.say(&many));
                    (peer.name, times, lines, rogue.heard())
                })
            })
            .collect();
        runs.into_iter().map(|run| run.join().expect("no panic")).collect()
    });
    results.extend(under_chaos(length));
    let mut worst = 0;
    for (name, times, lines, connects) in &results {
        let most = most_in_a_minute(times);
        println!(
            "L7 {name}: {} lines, at most {most} in a minute, {connects} connects or faults",
            lines.len()
        );
        assert!(most <= LINES_A_MINUTE, "{name}: {most}: {}", lines.join("\n"));
        assert!(*connects > 0 && most > 0, "{name}: nothing happened");
        worst = worst.max(most);
    }
    figure(
        "L7",
        format_args!(
            "{} hostile peers for {} s: at most {worst} lines in any minute of a connection ({LINES_A_MINUTE})",
            results.len(),
            length.as_secs()
        ),
    );
}

/// Simulated venues with ten faults a second.
fn under_chaos(length: Duration) -> Vec<(&'static str, Vec<Instant>, Vec<String>, usize)> {
    std::thread::scope(|scope| {
        let runs =
            [(Face::CoinApi, "chaos on coinapi"), (Face::Binance, "chaos on binance")].map(|(face, name)| {
                scope.spawn(move || {
                    let gap = Some(Duration::from_millis(100));
                    let config = SimConfig {
                        faults: FaultLevel::Chaos,
                        fault_gap: gap,
                        rate: 300,
                        ..SimConfig::new(face)
                    };
                    let sim = Sim::start(config).expect("a venue");
                    let (times, lines) =
                        listen(Daemon::start(&feed(&sim, "idle_timeout = \"1s\"")), length, || {});
                    (name, times, lines, sim.faults_injected() as usize)
                })
            });
        runs.map(|run| run.join().expect("no panic")).into()
    })
}

#[test]
fn l7_no_fault_has_more_than_three_lines() {
    let (every, mut worst, mut counted) = (amount(12, 1, 1), (0, "none"), 0);
    for face in [Face::CoinApi, Face::Binance] {
        let kinds = kinds::every(&Sim::start(SimConfig::new(face)).expect("a venue").symbols()[0]);
        for fault in kinds.iter().step_by(every) {
            let Some(lines) = lines_of(face, fault) else { continue };
            println!("L7 {face} {}: {} lines", fault.name(), lines.len());
            assert!(lines.len() <= LINES_A_FAULT, "{face} {fault:?}: {}", lines.join("\n"));
            counted += 1;
            if lines.len() > worst.0 {
                worst = (lines.len(), fault.name());
            }
        }
    }
    figure(
        "L7",
        format_args!(
            "{counted} faults one by one: at most {} lines ({}), bound {LINES_A_FAULT}",
            worst.0, worst.1
        ),
    );
}

/// What the log says of one fault, until the books are as they should be again. `None` where the venue has no such fault.
fn lines_of(face: Face, fault: &Fault) -> Option<Vec<String>> {
    let sim = Sim::start(SimConfig { rate: 500, ..SimConfig::new(face) }).expect("a venue");
    let mut daemon = Daemon::start(&feed(
        &sim,
        "idle_timeout = \"1s\"\nconnect_timeout = \"2s\"\nrecovery = { timeout = \"500ms\" }",
    ));
    daemon.wait_all_live();
    let before = daemon.drain_log().len();
    let recovered = |d: &Daemon| rows(d, face).iter().map(|row| row.recoveries).sum::<u64>();
    let repaired = recovered(&daemon);
    sim.inject(fault.clone());
    let mut needs_repair = true;
    match fault {
        // It takes a call, and it takes a connect, for these to happen to.
        Fault::Rest { .. } => {
            let symbol = Some(sim.symbols()[0].clone());
            sim.inject(Fault::Stream { symbol, what: StreamFault::Gap });
        }
        Fault::Upgrade { .. } => sim.inject(Fault::Link(LinkFault::Reset)),
        Fault::Link(LinkFault::Stall(_) | LinkFault::Slice(_)) => needs_repair = false,
        Fault::Link(_) => {}
        Fault::Stream { .. } | Fault::Market { .. } => needs_repair = false,
    }
    let deadline = Instant::now() + Duration::from_secs(3);
    while !sim.log().faults.contains_key(fault.name()) {
        if Instant::now() > deadline {
            return None;
        }
        std::thread::park_timeout(Duration::from_millis(5));
    }
    if needs_repair {
        // Where the venue lets a second connection be opened, a notice costs no book its state.
        let handovers = format!("depthd_handovers_total{{feed=\"{face}\"}}");
        daemon.wait_until("a repair", |d| recovered(d) > repaired || metric(d, &handovers) > 0.0);
    }
    // More changes than any fault holds back, and the books of all of them.
    for _ in 0..5 {
        let sent = sim.counters().market_changes;
        daemon.wait_until("changes", |_| sim.counters().market_changes > sent + 20);
    }
    assert_exact_and_newest(&daemon, &sim);
    Some(daemon.drain_log()[before..].to_vec())
}
