//! The attacks on the HTTP port, against the running daemon with both venues sending 1,000 messages a second in all: it
//! keeps serving, the feeds lose nothing, and threads and descriptors come back into their bounds.

use super::daemon::{Daemon, Footprint, feed};
use crate::http_attacks as attack;
use crate::http_fixture::say;
use crate::http_victim::within;
use depthd::sim::Sim;
use depthd::sim::config::{Face, SimConfig};
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// Each venue keeps at most two idle REST connections, made when a book first asks.
const REST_CONNECTIONS: u64 = 4;
/// What tiny_http keeps for the four requests it is given at once.
const TINY_HTTP_THREADS: u64 = 4;

struct Target {
    sims: [Sim; 2],
    daemon: Daemon,
    before: Footprint,
}

impl Target {
    fn start() -> Target {
        let sims = [Face::CoinApi, Face::Binance]
            .map(|face| Sim::start(SimConfig { rate: 500, ..SimConfig::new(face) }).expect("a venue"));
        let daemon = Daemon::start(&sims.iter().map(|sim| feed(sim, "")).collect::<String>());
        daemon.wait_all_live();
        // What is made once is there after a few requests; then it is to be quiet for a moment.
        let (mut before, mut calm_since) = (daemon.footprint(), Instant::now());
        daemon.wait_until("a settled process", |d| {
            let now = d.footprint();
            if (now.threads, now.fds) != (before.threads, before.fds) {
                (before, calm_since) = (now, Instant::now());
            }
            calm_since.elapsed() > Duration::from_millis(300)
        });
        Target { sims, daemon, before }
    }

    fn addr(&self) -> SocketAddr {
        self.daemon.http
    }

    fn must_answer(&mut self, after: &str) {
        let ok = || {
            say(self.addr(), b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n").is_some_and(|r| r.status == 200)
        };
        assert!(within(Duration::from_secs(5), ok), "no answer after {after}");
        assert!(self.daemon.is_running(), "ended by {after}");
    }

    /// Back in bounds; nothing lost; exact.
    fn must_be_unharmed(&mut self) {
        let mut now = self.before;
        let back = within(Duration::from_secs(12), || {
            now = self.daemon.footprint();
            now.threads <= self.before.threads + TINY_HTTP_THREADS
                && now.fds <= self.before.fds + REST_CONNECTIONS
        });
        assert!(back, "before {:?}, after {now:?}", self.before);
        assert!(now.anonymous_kib < self.before.anonymous_kib + 8 * 1_024, "{:?}, {now:?}", self.before);
        let lived = self.daemon.json("/stats")["uptime_seconds"].as_f64().expect("a time");
        for sim in &self.sims {
            sim.quiesce();
            self.daemon.assert_exact(sim);
        }
        let stats = self.daemon.json("/stats");
        for feed in stats["feeds"].as_array().expect("feeds") {
            let messages = &feed["messages"];
            let rate = messages["received"].as_f64().expect("a count") / lived;
            eprintln!("abuse {}: {rate:.0} messages/s throughout, {messages}", feed["name"]);
            assert!(rate > 450.0, "the feed was held up: {rate:.0} messages/s");
            assert_eq!(messages["discarded"]["overflow"].as_u64().unwrap_or(0), 0, "{messages}");
            assert_eq!(messages["in_flight"], 0, "{messages}");
            assert_eq!(feed["gaps"], serde_json::json!({}), "{}", feed["name"]);
            assert_eq!(feed["reconnects"], serde_json::json!({}), "{}", feed["name"]);
        }
        eprintln!("abuse footprint: before {:?}, after {now:?}, http {}", self.before, stats["http"]);
        let (status, took) = self.daemon.stop();
        assert!(status.success() && took < Duration::from_secs(1), "{status} {took:?}");
    }
}

#[test]
fn attacks_cost_the_feed_nothing() {
    let mut target = Target::start();
    let addr = target.addr();
    let deep = format!("/api/books/coinapi/{}?depth=5000", target.sims[0].symbols()[0]);

    for (request, want) in attack::bad_framing() {
        for _ in 0..20 {
            assert_eq!(attack::status_of(addr, request.as_bytes()), want.status(), "{request:?}");
        }
    }
    target.must_answer("bad framing");
    attack::slow_head(addr);
    target.must_answer("a slow head");
    attack::endless_heads(addr);
    target.must_answer("endless heads");
    let silent: Vec<TcpStream> = (0..1_000).filter_map(|_| TcpStream::connect(addr).ok()).collect();
    assert!(silent.len() > 900);
    target.must_answer("a thousand silent connections");
    drop(silent);
    attack::pipelined(addr);
    target.must_answer("pipelining");
    attack::keep_alive_bursts(addr);
    attack::stalled_bodies(addr);
    target.must_answer("stalled bodies");
    let slow = [attack::slow_readers(addr, &deep), attack::slow_readers(addr, "/stats")];
    target.must_answer("slow readers");
    drop(slow);
    attack::leavers(addr, &deep);
    target.must_answer("leavers");
    target.must_be_unharmed();
}

/// The client's connection, the one behind the gate, and both ends that tiny_http makes of it.
const FDS_OF_AN_EXCHANGE: u64 = 4;

#[test]
fn without_descriptors_it_pauses_and_comes_back() {
    let mut target = Target::start();
    let pid = Pid::from_raw(i32::try_from(target.daemon.pid()).expect("a process id"));
    let limit = |fds: u64| {
        let new = Rlimit { current: Some(fds), maximum: Some(4_096) };
        prlimit(pid, Resource::Nofile, new).expect("our own child")
    };
    for spare in [0, 1, 3, 2 * FDS_OF_AN_EXCHANGE] {
        let fds = target.daemon.footprint().fds + spare;
        limit(fds);
        // Nobody accepts: beyond the backlog the kernel lets a connection wait for seconds.
        let connect = |_| TcpStream::connect_timeout(&target.addr(), Duration::from_millis(20)).ok();
        let mut storm: Vec<TcpStream> = (0..150).filter_map(connect).collect();
        for stream in &mut storm {
            let _ = stream.write_all(b"GET /stats HTTP/1.1\r\nHost: x\r\n\r\n");
        }
        let _ = within(Duration::from_millis(300), || target.daemon.footprint().fds >= fds);
        drop(storm);
        if spare >= FDS_OF_AN_EXCHANGE {
            target.must_answer("a storm, as few descriptors as there are");
        }
        limit(1_024);
        target.must_answer("a time without descriptors");
    }
    target.must_be_unharmed();
}
