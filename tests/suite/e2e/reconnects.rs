//! Fifty forced reconnects of every kind leave nothing behind: threads and descriptors exactly as before, memory within
//! 256 KiB, each book stale in between and exact after.

use super::daemon::{Daemon, Footprint, feed};
use super::look::{Row, assert_exact_and_newest, metric, rows};
use depthd::sim::config::{Allowance, Face, SimConfig};
use depthd::sim::{Fault, LinkFault, RestFault, Sim, UpgradeFault};
use std::time::{Duration, Instant};

/// How a connection is made to end. In turn, so that each comes equally often.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Reset,
    Close,
    /// The socket stays open and nothing comes any more.
    HalfOpen,
    /// A reset, and the next upgrade is refused.
    Refused,
    /// The venue announces that it will close.
    Notice,
}

const KINDS: [Kind; 5] = [Kind::Reset, Kind::Close, Kind::HalfOpen, Kind::Refused, Kind::Notice];

/// Forced reconnects: by default fifty over both faces. The daemon keeps CoinAPI's own limits, four messages in 10 s among
/// them, and each life has to say hello, so that few of them are CoinAPI's. With this set, each face gets so many.
const VARIABLE: &str = "DEPTHD_RECONNECTS";
const BINANCE: usize = 42;
const COINAPI: usize = 8;

/// Messages a second of each venue. More would let the market's books grow while the daemon is measured by the kilobyte.
const RATE: u32 = 100;
/// Messages before the measuring begins: trade rings are full, and books as deep as they get.
const SETTLED_BY: u64 = 30_000;

/// Reconnects of both before the measuring begins: each kind twice.
const WARM_ROUNDS: usize = 10;

/// What fifty reconnects may cost in anonymous memory.
const GROWTH_KIB: u64 = 256;

/// A venue that shows signs of life often, for a daemon that does not wait long for them.
fn venue(face: Face) -> Sim {
    let mut config = SimConfig::new(face);
    (config.heartbeat, config.ping_every) = (Duration::from_millis(100), Duration::from_millis(100));
    // Pongs count as messages at Binance.
    config.limits.control = Allowance::new(100, Duration::from_secs(1));
    config.limits.rest_concurrency = 2;
    if face == Face::Binance {
        // Each life fetches its books, and fifty lives of more than two books would wait for REST's budget.
        config.symbols = 2;
    }
    config.rate = RATE;
    Sim::start(config).expect("a venue")
}

/// One face under fire.
struct Target {
    sim: Sim,
    /// Rounds so far.
    round: usize,
    /// Rounds in which every book was seen stale while the venue's log proves that none could be repaired yet.
    seen_stale: usize,
    before: Vec<Row>,
    connected: u64,
    kind: Kind,
    handovers: u64,
}

impl Target {
    fn new(face: Face) -> Target {
        Target {
            sim: venue(face),
            round: 0,
            seen_stale: 0,
            before: Vec::new(),
            connected: 1,
            kind: Kind::Reset,
            handovers: 0,
        }
    }

    fn connects(&self) -> u64 {
        let counters = self.sim.counters();
        counters.connects - counters.connects_refused
    }

    /// Ends a quiet time, for the quietest symbol too.
    fn go_on(&self) {
        self.sim.set_rate(RATE);
        self.sim.symbols().iter().for_each(|symbol| self.sim.step(symbol));
    }

    /// Ends the connection, in the way whose turn it is, and keeps the books from being repaired at once.
    fn strike(&mut self, daemon: &Daemon) {
        self.before = rows(daemon, self.sim.face());
        let kind = KINDS[self.round % KINDS.len()];
        self.kind = kind;
        match self.sim.face() {
            Face::Binance if kind == Kind::Notice => {}
            // The first change brings the book: no change, no book.
            Face::CoinApi => self.sim.quiesce(),
            // Both places in flight are taken for a while.
            _ => {
                let what = RestFault::Slow(Duration::from_millis(150));
                self.sim.inject(Fault::Rest { count: 2, what });
            }
        }
        self.round += 1;
        let refusal = if self.round.is_multiple_of(2) {
            UpgradeFault::Refuse { status: 503, wait: None }
        } else {
            UpgradeFault::Reset
        };
        self.sim.inject(match kind {
            Kind::Reset => Fault::Link(LinkFault::Reset),
            Kind::Close => Fault::Link(LinkFault::Close(1001)),
            Kind::HalfOpen => Fault::Link(LinkFault::HalfOpen),
            Kind::Notice => Fault::Link(LinkFault::Notice(Duration::from_secs(10))),
            Kind::Refused => {
                self.sim.inject(Fault::Upgrade { count: 1, what: refusal });
                Fault::Link(LinkFault::Reset)
            }
        });
        self.connected += 1;
    }

    /// Waits until every book was stale and is live again.
    fn recover(&mut self, daemon: &Daemon) {
        let face = self.sim.face();
        let (connected, mut seen) = (self.connected, false);
        if (face, self.kind) == (Face::Binance, Kind::Notice) {
            // The next connection has the books before this one ends: nothing to recover from.
            self.handovers += 1;
            daemon.wait_until("the handover", |d| {
                assert!(all(&rows(d, face), "live"), "{:?}", rows(d, face));
                metric(d, "depthd_handovers_total{feed=\"binance\"}") as u64 == self.handovers
            });
            assert_eq!(self.connects(), connected, "one connect for each end");
            return;
        }
        if face == Face::CoinApi {
            daemon.wait_until("every book stale", |d| all(&rows(d, face), "stale"));
            daemon.wait_until("the next connection", |_| self.connects() == connected);
            assert!(all(&rows(daemon, face), "stale"), "nothing brought a book");
            seen = true;
            self.go_on();
        }
        daemon.wait_until("every book live again", |d| {
            let held = || {
                let counters = self.sim.counters();
                (self.connects() == connected && counters.rest_in_flight == 2).then_some(counters.rest_calls)
            };
            let held_before = held();
            let rows = rows(d, face);
            if held_before.is_some() && held() == held_before && !seen && face == Face::Binance {
                assert!(all(&rows, "stale"), "before any answer: {rows:?}");
                seen = true;
            }
            all(&rows, "live")
                && rows.iter().zip(&self.before).all(|(now, was)| now.recoveries > was.recoveries)
        });
        self.seen_stale += usize::from(seen);
        assert_eq!(self.connects(), self.connected, "{face}: one connect for each end");
    }
}

fn all(rows: &[Row], state: &str) -> bool {
    !rows.is_empty() && rows.iter().all(|row| row.state == state)
}

/// One reconnect of each target, then a look at every level of every book with the market standing still.
fn round(daemon: &Daemon, targets: &mut [&mut Target]) {
    targets.iter_mut().for_each(|target| target.strike(daemon));
    targets.iter_mut().for_each(|target| target.recover(daemon));
    for target in targets {
        assert_exact_and_newest(daemon, &target.sim);
        target.go_on();
    }
}

/// Threads with the process's own name when nobody asks it anything: main, tiny_http's that accepts, and its pool of four,
/// which grows with requests and shrinks after 5 s. Not counted at the start: the thread that accepts makes the pool, on a
/// busy machine after the port is there.
const UNNAMED: usize = 6;

/// What the daemon holds when nobody asks it anything: the names of its threads, and its footprint.
pub fn at_rest(daemon: &Daemon) -> (Vec<String>, Footprint) {
    daemon.wait_until("HTTP at rest", |d| threads(d).1 <= UNNAMED);
    // The last exchange's sockets may be on their way out still: what is there all the time is what counts.
    let looks = (0..30).map(|_| {
        std::thread::park_timeout(Duration::from_millis(10));
        daemon.footprint()
    });
    let rest = looks.reduce(|a, b| Footprint { fds: a.fds.min(b.fds), ..b }).expect("thirty looks");
    (threads(daemon).0, rest)
}

/// The threads we named, and how many others there are.
fn threads(daemon: &Daemon) -> (Vec<String>, usize) {
    let tasks = std::fs::read_dir(format!("/proc/{}/task", daemon.pid())).expect("it runs");
    let names = tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
    let (pool, mut named): (Vec<_>, Vec<_>) =
        names.map(|name| name.trim().to_owned()).partition(|name| name == "depthd");
    named.sort();
    (named, pool.len())
}

#[test]
fn fifty_reconnects_of_every_kind_leave_nothing_behind() {
    let each: Option<usize> =
        std::env::var(VARIABLE).ok().map(|n| n.parse().expect("a number of reconnects"));
    let (binance_rounds, coinapi_rounds) = each.map_or((BINANCE, COINAPI), |n| (n, n));
    let (mut binance, mut coinapi) = (Target::new(Face::Binance), Target::new(Face::CoinApi));
    let quick = "idle_timeout = \"1s\"";
    let feeds = [&binance, &coinapi].map(|t| {
        // Each life counts as a success at once, so that a hundred ends in a row are not taken for an outage.
        feed(&t.sim, quick).replace("reset_after = \"60s\"", "reset_after = \"10ms\"")
    });
    let daemon = Daemon::start(&feeds.concat());
    daemon.wait_all_live();

    // Then pools and the allocator's free lists fill with the first lives of each kind.
    let sims = [&binance.sim, &coinapi.sim];
    sims.iter().for_each(|sim| sim.set_rate(5_000));
    daemon.wait_until("the market settled", |_| {
        sims.iter().all(|sim| sim.counters().messages_sent >= SETTLED_BY)
    });
    sims.iter().for_each(|sim| sim.set_rate(RATE));
    daemon.wait_all_live();
    for _ in 0..WARM_ROUNDS {
        round(&daemon, &mut [&mut binance, &mut coinapi]);
    }
    let (threads_before, before) = at_rest(&daemon);
    let began = Instant::now();
    (binance.seen_stale, coinapi.seen_stale) = (0, 0);
    let mut memory = vec![before.anonymous_kib];
    for n in 0..binance_rounds.max(coinapi_rounds) {
        let mut targets = Vec::new();
        if n < binance_rounds {
            targets.push(&mut binance);
        }
        if n < coinapi_rounds {
            targets.push(&mut coinapi);
        }
        round(&daemon, &mut targets);
        memory.push(daemon.footprint().anonymous_kib);
    }
    let took = began.elapsed();
    let (threads_after, after) = at_rest(&daemon);
    eprintln!(
        "{binance_rounds} reconnects on binance, {coinapi_rounds} on coinapi in {took:?}; every book seen stale in {} + {}; \
         before {before:?}, after {after:?}; anonymous KiB after each: {memory:?}",
        binance.seen_stale, coinapi.seen_stale
    );
    for target in [&binance, &coinapi] {
        assert_eq!(target.sim.log().violations, []);
    }
    let ends = |reason: &str| {
        let of = |face| {
            metric(&daemon, &format!("depthd_reconnects_total{{feed=\"{face}\",reason=\"{reason}\"}}"))
                as usize
        };
        of(Face::Binance) + of(Face::CoinApi)
    };
    let kinds =
        ["peer_reset", "peer_closed", "idle_timeout", "upgrade_refused", "notice"].map(|r| (r, ends(r)));
    eprintln!("ends as the daemon saw them: {kinds:?}");
    assert!(kinds.iter().all(|(_, count)| *count >= 2), "{kinds:?}");
    assert_eq!(coinapi.seen_stale, coinapi_rounds);
    // A fifth of them are handovers, in which none is.
    assert!(binance.seen_stale * 5 >= binance_rounds * 2, "{} of {binance_rounds}", binance.seen_stale);
    assert_eq!(threads_after, threads_before);
    assert_eq!(after.fds, before.fds);
    assert!(after.anonymous_kib <= before.anonymous_kib + GROWTH_KIB, "{memory:?}");
}
