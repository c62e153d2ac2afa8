//! A storm: four venues whose connections end in every way, each again as soon as its books are live.

use super::wide;
use crate::e2e::daemon::{Daemon, PATIENCE, feed};
use crate::e2e::look::{Row, all_rows, assert_feed_is_exact_and_newest};
use depthd::sim::config::{Allowance, Face, SimConfig};
use depthd::sim::{Fault, LinkFault, RestFault, Sim, UpgradeFault};
use std::time::{Duration, Instant};

/// How a connection is made to end. In turn, so that each comes equally often.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Reset,
    Fin,
    Close,
    /// The socket stays open and nothing comes any more.
    HalfOpen,
    /// A reset, and the next upgrade is refused with a status.
    Refused,
    /// A reset, and the next one as soon as it is accepted.
    Rejected,
    /// A reset, and the next upgrade is never answered.
    Hung,
    /// The venue announces that it will close.
    Notice,
}

const KINDS: [Kind; 8] = [
    Kind::Reset,
    Kind::Fin,
    Kind::Close,
    Kind::HalfOpen,
    Kind::Refused,
    Kind::Rejected,
    Kind::Hung,
    Kind::Notice,
];

/// What each end is called by the daemon.
pub const ENDS: [&str; 6] =
    ["peer_reset", "peer_closed", "idle_timeout", "upgrade_refused", "connect_timeout", "notice"];

/// Two feeds of each venue, two books each.
const FACES: [Face; 4] = [Face::Binance, Face::CoinApi, Face::Binance, Face::CoinApi];

/// Feeds are quick to give up a peer and to come back, so that the storm is as long as the daemon makes it.
const QUICK: &str = "idle_timeout = \"400ms\"\nconnect_timeout = \"400ms\"";

pub struct Target {
    pub sim: Sim,
    pub name: String,
    /// Its place among the kinds.
    round: usize,
    /// Accepted connects when it was struck last.
    connects: u64,
    rate: u32,
}

pub struct Storm {
    pub targets: Vec<Target>,
    pub daemon: Daemon,
    struck: Instant,
}

impl Target {
    fn new(n: usize, face: Face, rate: u32) -> Target {
        let mut config = SimConfig::new(face);
        let plenty = Allowance::new(1_000_000, Duration::from_secs(1));
        (config.limits.connects, config.limits.control, config.limits.rest) = (plenty, plenty, plenty);
        config.limits.rest_daily = None;
        (config.heartbeat, config.ping_every) = (Duration::from_millis(100), Duration::from_millis(100));
        (config.symbols, config.rate, config.seed) = (2, rate, n as u64 + 1);
        let sim = Sim::start(config).expect("a venue");
        Target { sim, name: format!("{face}-{n}"), round: n, connects: 0, rate }
    }

    fn feed(&self) -> String {
        let own = format!("name = \"{}\"", self.sim.face());
        let text = feed(&self.sim, QUICK).replacen(&own, &format!("name = \"{}\"", self.name), 1);
        // Each life counts as a success at once, so that many ends in a row are not taken for an outage.
        text.replace(
            "backoff = { first = \"50ms\", max = \"500ms\", reset_after = \"60s\" }",
            "backoff = { first = \"10ms\", max = \"20ms\", reset_after = \"10ms\" }",
        )
    }

    fn accepted(&self) -> u64 {
        let counters = self.sim.counters();
        counters.connects - counters.connects_refused
    }

    fn strike(&mut self) {
        self.connects = self.accepted();
        let inject = |fault| self.sim.inject(fault);
        let upgrade = |what| inject(Fault::Upgrade { count: 1, what });
        let kind = KINDS[self.round % KINDS.len()];
        self.round += 1;
        // An answer that comes when its connection is gone, now and then.
        if self.round.is_multiple_of(3) {
            inject(Fault::Rest { count: 1, what: RestFault::Slow(Duration::from_millis(150)) });
        }
        match kind {
            Kind::Reset | Kind::Fin | Kind::Close | Kind::HalfOpen | Kind::Notice => {}
            Kind::Refused => upgrade(UpgradeFault::Refuse { status: 503, wait: None }),
            Kind::Rejected => upgrade(UpgradeFault::Reset),
            Kind::Hung => upgrade(UpgradeFault::Hang),
        }
        inject(Fault::Link(match kind {
            Kind::Fin => LinkFault::Fin,
            Kind::Close => LinkFault::Close(1001),
            Kind::HalfOpen => LinkFault::HalfOpen,
            Kind::Notice => LinkFault::Notice(Duration::from_secs(1)),
            Kind::Reset | Kind::Refused | Kind::Rejected | Kind::Hung => LinkFault::Reset,
        }));
    }

    /// A new connection since the last strike, and its books live.
    fn is_back(&self, rows: &[Row]) -> bool {
        let mut mine = rows.iter().filter(|row| row.feed == self.name).peekable();
        mine.peek().is_some() && mine.all(|row| row.state == "live") && self.accepted() > self.connects
    }
}

impl Storm {
    /// `rate`: messages a second of each venue. Starts with every book live.
    pub fn gather(rate: u32, env: &[(&str, &str)]) -> Storm {
        let targets: Vec<Target> =
            FACES.iter().enumerate().map(|(n, face)| Target::new(n, *face, rate)).collect();
        let config: String = targets.iter().map(Target::feed).collect();
        let mut all = vec![("COINAPI_KEY", "sim-key")];
        all.extend_from_slice(env);
        let daemon = wide::start(&config, &all);
        daemon.wait_all_live();
        Storm { targets, daemon, struck: Instant::now() }
    }

    /// Sends so many messages of each venue, fast: rings fill, and books get as deep as they will be.
    pub fn settle(&self, messages: u64) {
        self.targets.iter().for_each(|t| t.sim.set_rate(5_000));
        self.daemon.wait_until("the market settled", |_| {
            self.targets.iter().all(|t| t.sim.counters().messages_sent >= messages)
        });
        self.targets.iter().for_each(|t| t.sim.set_rate(t.rate));
        self.daemon.wait_all_live();
    }

    /// Strikes so many times, not more often than every `pace`; `each` is called after each strike.
    pub fn strike(&mut self, times: u64, pace: Duration, mut each: impl FnMut(&Daemon)) {
        let (mut struck, mut moved) = (0, Instant::now());
        while struck < times {
            let rows = all_rows(&self.daemon);
            for target in &mut self.targets {
                if struck < times && self.struck.elapsed() >= pace && target.is_back(&rows) {
                    target.strike();
                    (self.struck, moved) = (Instant::now(), Instant::now());
                    struck += 1;
                    each(&self.daemon);
                }
            }
            assert!(moved.elapsed() < PATIENCE, "nothing comes back: {rows:?}");
            std::thread::park_timeout(Duration::from_millis(5));
        }
        self.calm();
    }

    /// Waits until every connection is back.
    pub fn calm(&self) {
        self.daemon.wait_until("everything back", |d| {
            let rows = all_rows(d);
            self.targets.iter().all(|target| target.is_back(&rows))
        });
    }

    /// Demands every level of every book, at the venue's last version.
    pub fn assert_exact(&self) {
        for target in &self.targets {
            assert_feed_is_exact_and_newest(&self.daemon, &target.name, &target.sim);
            target.sim.set_rate(target.rate);
            target.sim.symbols().iter().for_each(|symbol| target.sim.step(symbol));
        }
    }
}
