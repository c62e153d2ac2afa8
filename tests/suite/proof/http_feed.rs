//! H6 and H8: what the feed notices of the HTTP port, which is to be nothing.
//!
//! An attacker on the same machine takes CPU whatever it attacks. So there are two daemons on the same venues, and they
//! are attacked in turn: what one of them shows when the other is attacked is what the machine costs, and what it shows
//! more when it is attacked itself is what the port costs.

use super::amount::{amount, figure};
use crate::e2e::daemon::{Daemon, feed};
use crate::e2e::local::Local;
use crate::http_attacks as attack;
use crate::http_fixture::say;
use crate::http_victim::within;
use depthd::engine::histogram::HistogramView;
use depthd::http::Source;
use depthd::sim::Sim;
use depthd::sim::config::{Face, SimConfig};
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

const AGAIN_MAX: Duration = Duration::from_secs(3);
const RSS_MAX_KIB: u64 = 4 * 1_024;
const THROUGHPUT_MIN: f64 = 0.99;
/// GETs a second of H8.
const GETS: u64 = 200;
/// The figure is 5 %, on a machine that has nothing else to do; the allowance is for one that has.
const MOVED_MAX: f64 = 1.25;
/// From the first to the third quarter of the phases without a GET: a machine with more between them judges nothing.
const STEADY: f64 = 1.25;

fn venues() -> [Sim; 2] {
    [Face::CoinApi, Face::Binance]
        .map(|face| Sim::start(SimConfig { rate: 500, ..SimConfig::new(face) }).expect("a venue"))
}

fn answers(addr: SocketAddr) -> bool {
    say(addr, b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n").is_some_and(|r| r.status == 200)
}

fn limit(daemon: &Daemon, fds: u64) {
    let pid = Pid::from_raw(i32::try_from(daemon.pid()).expect("a process id"));
    let new = Rlimit { current: Some(fds), maximum: Some(4_096) };
    prlimit(pid, Resource::Nofile, new).expect("our own child");
}

/// A thousand half-open heads, heads without an end, and two hundred connects at once where no descriptor is left.
fn attack(daemon: &Daemon) {
    let addr = daemon.http;
    let half_open: Vec<TcpStream> = (0..1_000)
        .filter_map(|_| {
            let mut stream = TcpStream::connect_timeout(&addr, Duration::from_millis(50)).ok()?;
            stream.write_all(b"GET / HTTP/1.1\r\nHost: ").ok()?;
            Some(stream)
        })
        .collect();
    drop(half_open);
    assert!(within(AGAIN_MAX, || answers(addr)), "no answer after half-open heads");
    attack::endless_heads(addr);
    limit(daemon, daemon.footprint().fds + 2);
    let connect = |_| TcpStream::connect_timeout(&addr, Duration::from_millis(20)).ok();
    let mut storm: Vec<TcpStream> = (0..200).filter_map(connect).collect();
    for stream in &mut storm {
        let _ = stream.write_all(b"GET /stats HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    let full = daemon.footprint().fds;
    let _ = within(Duration::from_millis(300), || daemon.footprint().fds >= full + 2);
    limit(daemon, 1_024);
}

/// What a daemon has received.
fn received(daemon: &Daemon) -> u64 {
    let stats = daemon.json("/stats");
    let feeds = stats["feeds"].as_array().expect("feeds").iter();
    feeds.map(|f| f["messages"]["received"].as_u64().expect("a count")).sum()
}

#[derive(Default)]
struct Phase {
    received: Vec<f64>,
    again: Duration,
    rss_kib: u64,
}

#[test]
fn h6_attacks_on_the_port_are_nothing_to_the_feed() {
    let rounds = amount(1, 3, 20);
    let sims = venues();
    let feeds: String = sims.iter().map(|sim| feed(sim, "")).collect();
    let [mut victim, mut other] = [(); 2].map(|()| Daemon::start(&feeds));
    for daemon in [&victim, &other] {
        daemon.wait_all_live();
        // What is made once is made before the measuring: the threads and buffers of a first attack.
        attack(daemon);
        assert!(within(AGAIN_MAX, || answers(daemon.http)), "no answer after the first attack");
    }
    let before = victim.footprint().rss_kib;
    let (mut attacked, mut spared) = (Phase::default(), Phase::default());
    for round in 0..2 * rounds {
        let (target, phase) = match round % 2 {
            0 => (&victim, &mut attacked),
            _ => (&other, &mut spared),
        };
        let (began, from, sent_from) = (Instant::now(), received(&victim), sent(&sims));
        attack(target);
        let over = Instant::now();
        assert!(within(AGAIN_MAX, || answers(target.http)), "no answer within {AGAIN_MAX:?}");
        phase.again = phase.again.max(over.elapsed());
        phase.rss_kib = phase.rss_kib.max(victim.footprint().rss_kib);
        let (to, sent_to, took) = (received(&victim), sent(&sims), began.elapsed());
        phase.received.push((to - from) as f64 / (sent_to - sent_from) as f64);
        println!(
            "round {round}: {:.2} s, {} messages of {}",
            took.as_secs_f64(),
            to - from,
            sent_to - sent_from
        );
    }
    let part = |phase: &Phase| phase.received.iter().sum::<f64>() / phase.received.len() as f64;
    let (part_attacked, part_spared) = (part(&attacked), part(&spared));
    let growth = attacked.rss_kib.saturating_sub(before);
    figure(
        "H6",
        format!(
            "of the venues' messages {:.2} % received under attack, {:.2} % when another is attacked; answering again \
         after {} ms; memory {growth} KiB more",
            part_attacked * 100.0,
            part_spared * 100.0,
            attacked.again.as_millis()
        ),
    );
    assert!(
        part_attacked >= THROUGHPUT_MIN * part_spared.min(1.0),
        "{:?} {:?}",
        attacked.received,
        spared.received
    );
    assert!(growth <= RSS_MAX_KIB, "{growth} KiB");
    for sim in &sims {
        sim.quiesce();
        victim.assert_exact(sim);
    }
    let stats = victim.json("/stats");
    for feed in stats["feeds"].as_array().expect("feeds") {
        assert_eq!(feed["messages"]["discarded"]["overflow"].as_u64().unwrap_or(0), 0, "{feed}");
        assert_eq!((&feed["gaps"], &feed["reconnects"]), (&serde_json::json!({}), &serde_json::json!({})));
    }
    assert_eq!(stats["http"]["gate_panics"], 0);
    // Neither has ended, and both can still stop in order.
    for daemon in [&mut victim, &mut other] {
        let (status, took) = daemon.stop();
        assert!(status.success() && took < Duration::from_secs(1), "{status} {took:?}");
    }
}

/// What the venues have sent to each of the two.
fn sent(sims: &[Sim]) -> u64 {
    sims.iter().map(|sim| sim.counters().messages_sent).sum::<u64>() / 2
}

/// The value that `q` of what was recorded between two copies does not exceed; even within a bucket.
fn quantile(from: &HistogramView, to: &HistogramView, q: f64) -> f64 {
    let rank = q * (to.count() - from.count()) as f64;
    let (mut low, mut below) = (0u64, 0.0);
    // The histogram's own bounds: eight to a power of two.
    for shift in 0..40 {
        for first in 8..16u64 {
            let high = ((first + 1) << shift) - 1;
            let count = (to.count_at_most(high) - from.count_at_most(high)) as f64;
            if count >= rank && count > below {
                return low as f64 + (high - low) as f64 * (rank - below) / (count - below);
            }
            (low, below) = (high, count);
        }
    }
    f64::INFINITY
}

/// So many GETs a second, evenly, for so long: how many were answered.
fn ask(addr: SocketAddr, length: Duration) -> u64 {
    let (began, mut asked, mut answered) = (Instant::now(), 0u64, 0);
    let paths = ["/api/books", "/health", "/api/books/coinapi/SIMEX_SPOT_BTC_USD?depth=20", "/metrics"];
    while began.elapsed() < length {
        let due = began + Duration::from_micros(asked * 1_000_000 / GETS);
        std::thread::park_timeout(due.saturating_duration_since(Instant::now()));
        if Instant::now() < due {
            continue;
        }
        let path = paths[asked as usize % paths.len()];
        asked += 1;
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n");
        answered += u64::from(say(addr, request.as_bytes()).is_some_and(|r| r.status == 200));
    }
    answered
}

#[test]
fn h8_two_hundred_gets_a_second_do_not_move_the_feed() {
    let (rounds, length) = (amount(4, 12, 60), Duration::from_millis(amount(300, 1_000, 3_000)));
    let sims = venues();
    let feeds: String = sims.iter().map(|sim| feed(sim, "")).collect();
    let [victim, other] = [(); 2].map(|()| Local::start(&feeds));
    [&victim, &other].iter().for_each(|local| local.wait_all_live());
    let (mut asked, mut spared, mut got) = (Vec::new(), Vec::new(), 0);
    for round in 0..2 * rounds {
        let from = victim.registry.stats().processing;
        let (target, p99s) = if round % 2 == 0 { (&victim, &mut asked) } else { (&other, &mut spared) };
        let answered = ask(target.http(), length);
        got += answered;
        p99s.push(quantile(&from, &victim.registry.stats().processing, 0.99) / 1e3);
    }
    let middle = |p99s: &mut Vec<f64>| {
        p99s.sort_unstable_by(f64::total_cmp);
        p99s[p99s.len() / 2]
    };
    let (with, without) = (middle(&mut asked), middle(&mut spared));
    figure(
        "H8",
        format!(
            "p99 from socket to published {with:.0} us under {:.0} GET/s, {without:.0} us when another is asked: {:+.1} %; \
         each phase under GETs {asked:.0?}, without {spared:.0?}",
            got as f64 / (2.0 * rounds as f64 * length.as_secs_f64()),
            (with / without - 1.0) * 100.0
        ),
    );
    // A machine that others use moves a p99 by far more than the port does, and then this one says nothing.
    let steady = spared[spared.len() * 3 / 4] / spared[spared.len() / 4];
    if steady > STEADY {
        println!("SKIP the judgement: without a GET the p99 itself varies by a factor of {steady:.1}");
        return;
    }
    assert!(with <= MOVED_MAX * without, "{asked:?} {spared:?}");
    assert!(got as f64 > 0.5 * GETS as f64 * 2.0 * rounds as f64 * length.as_secs_f64(), "{got} answers");
}
