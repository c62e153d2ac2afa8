//! What the HTTP tests share: fixed data to serve, a victim in a process of its own (so that its threads,
//! descriptors and memory can be counted exactly), and a client that sends any bytes at all.

use depthd::engine::decimal::Decimal;
use depthd::engine::event::{Level, TakerSide};
use depthd::engine::health::Thresholds;
use depthd::engine::histogram::Histogram;
use depthd::engine::state::{StaleReason, State};
use depthd::engine::stats::{
    BookRow, ConnectionStats, FeedStats, Flow, MemoryStats, QueueRow, QueueStats, RecoveryCount, RestCount,
    Stats, ThreadStats,
};
use depthd::engine::time::{Mono, Stamp, Wall};
use depthd::engine::view::{BookTop, BookView, TradeView};
use depthd::http::{Ask, Clock, HttpConfig, HttpServer, Listen, Source};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

pub fn at(text: &str, mono_ms: u64) -> Stamp {
    Stamp { mono: Mono::from_nanos(mono_ms * 1_000_000), wall: Wall::parse(text).expect("a time") }
}

fn decimal(text: &str) -> Decimal {
    Decimal::parse(text.as_bytes()).expect("a number")
}

fn level(price: &str, size: &str) -> Level {
    Level { price: decimal(price), size: decimal(size) }
}

/// One feed with a book in every state, all numbers fixed. "Now" is 10 s after start.
pub struct Fixed;

impl Fixed {
    pub fn now() -> Stamp {
        at("2026-11-20T12:00:10Z", 10_000)
    }

    fn top(symbol: &str) -> Option<BookTop> {
        let live = BookTop {
            state: State::Live,
            sequence: Some(2_323_346),
            bid: Some(level("65000.10", "0.5")),
            ask: Some(level("65000.20", "1.25")),
            exchange_time: Wall::parse("2026-11-20T12:00:09.1234567Z"),
            received: at("2026-11-20T12:00:09.997Z", 9_997),
            gaps: 2,
            recoveries: 1,
            levels_bids: 812,
            levels_asks: 790,
        };
        match symbol {
            "LIVE" | "HUGE" | "STUCK" | "PANIC" | "A/B" => Some(live),
            "PARTIAL" => Some(BookTop { state: State::Partial { exact_depth: 20 }, sequence: None, ..live }),
            "STALE" => {
                let since = at("2026-11-20T12:00:05Z", 5_000);
                Some(BookTop { state: State::Stale { reason: StaleReason::Overflow, since }, ..live })
            }
            "SYNCING" => Some(BookTop::EMPTY),
            _ => None,
        }
    }
}

impl Source for Fixed {
    fn stats(&self) -> Stats {
        let connection = ConnectionStats {
            generation: 7,
            phase: "live",
            connected: true,
            symbols: 4,
            since: at("2026-11-20T12:00:01Z", 1_000),
            last_frame: at("2026-11-20T12:00:09.997Z", 9_997),
            lives: 2,
            last_end: Some("peer_reset".to_owned()),
            teardown_ms: Some(Duration::from_millis(3)),
        };
        let flow = Flow {
            received: 1_000,
            applied: 900,
            duplicate: 40,
            buffered: 10,
            discarded: [("unsynced", 30), ("overflow", 5)].into_iter().collect(),
        };
        let feed = FeedStats {
            name: "coin\"api".to_owned(),
            venue: "coinapi".to_owned(),
            enabled: true,
            connections: vec![connection],
            messages: flow.clone(),
            bytes_received: 300_000,
            gaps: [("missing", 2)].into_iter().collect(),
            recoveries: vec![RecoveryCount { method: "rest", outcome: "partial", count: 3 }],
            rest_requests: vec![
                RestCount { status: Some(200), count: 3 },
                RestCount { status: None, count: 1 },
            ],
            reconnects: [("peer_reset", 1)].into_iter().collect(),
            subscriptions: 4,
            ..FeedStats::default()
        };
        let processing = Histogram::new();
        (1..=100u64).for_each(|i| processing.record(i * 1_000));
        let books = ["LIVE", "PARTIAL", "STALE", "SYNCING"].map(|symbol| BookRow {
            feed: "coin\"api".to_owned(),
            symbol: symbol.to_owned(),
            top: Fixed::top(symbol).expect("known"),
            messages: flow.clone(),
            heap_bytes: 64_000,
            recovery_took: Some(Duration::from_millis(120)),
        });
        Stats {
            now: Fixed::now(),
            started: at("2026-11-20T12:00:00Z", 0),
            startup_done: true,
            feeds: vec![feed],
            threads: vec![ThreadStats {
                name: "wk-0".to_owned(),
                reported: Fixed::now(),
                within: Duration::from_secs(5),
            }],
            queue: QueueStats { messages: 3, messages_max: 500, bytes_max: 8 << 20, ..QueueStats::default() },
            memory: MemoryStats {
                heap_used_bytes: 1 << 20,
                heap_limit_bytes: 64 << 20,
                heap_peak_bytes: 2 << 20,
                rss_bytes: 9 << 20,
                threads: 12,
                open_fds: 30,
                queues: vec![QueueRow { name: "wk-0".to_owned(), messages_max: 500, ..QueueRow::default() }],
            },
            processing: processing.view(),
            message_rate: 100.5,
            books: books.to_vec(),
            ..Stats::default()
        }
    }

    fn books(&self) -> Vec<(String, String, BookTop)> {
        self.stats().books.into_iter().map(|row| (row.feed, row.symbol, row.top)).collect()
    }

    fn book(&self, feed: &str, symbol: &str, depth: usize) -> Result<BookView, Ask> {
        if feed != "coinapi" {
            return Err(Ask::UnknownFeed);
        }
        match symbol {
            "BUSY" => return Err(Ask::Busy),
            "PANIC" => panic!("asked to"),
            // Longer than any exchange may last.
            "STUCK" => std::thread::sleep(Duration::from_millis(1_500)),
            _ => {}
        }
        let top = Fixed::top(symbol).ok_or(Ask::UnknownBook)?;
        let mut bids = vec![level("65000.10", "0.5"), level("65000.00", "2")];
        if symbol == "HUGE" {
            bids = (0..5_000)
                .map(|i| Level {
                    price: Decimal::new(6_500_000_000_000 - i, 4).unwrap(),
                    size: decimal("0.12345678"),
                })
                .collect();
        }
        bids.truncate(depth);
        let partial = symbol == "PARTIAL";
        Ok(BookView {
            feed: feed.to_owned(),
            symbol: symbol.to_owned(),
            top,
            exact_low: partial.then(|| decimal("64000")),
            exact_high: partial.then(|| decimal("66000")),
            asks: if symbol == "HUGE" { bids.clone() } else { vec![level("65000.20", "1.25")] },
            bids,
        })
    }

    fn trades(&self, feed: &str, symbol: &str, limit: usize) -> Result<Vec<TradeView>, Ask> {
        if feed != "coinapi" {
            return Err(Ask::UnknownFeed);
        }
        Fixed::top(symbol).ok_or(Ask::UnknownBook)?;
        let trade = |i: usize| TradeView {
            id: i.to_string(),
            price: decimal("65000.1"),
            size: decimal("0.01"),
            taker: if i.is_multiple_of(2) { TakerSide::Buy } else { TakerSide::Unknown },
            exchange_time: None,
            received: Fixed::now(),
        };
        Ok((0..3).map(trade).skip(3usize.saturating_sub(limit)).collect())
    }
}

/// A server on the fixed data; deadlines by the real clock.
pub fn serve(listen: Listen, max_connections: usize, request_timeout: Duration) -> HttpServer {
    let began = Instant::now();
    let clock: Clock = Arc::new(move || Stamp {
        mono: Mono::from_nanos(10_000_000_000).after(began.elapsed()),
        wall: Fixed::now().wall,
    });
    let config = HttpConfig {
        listen,
        max_connections,
        request_timeout,
        runtime_dir: std::env::temp_dir(),
        thresholds: Thresholds::default(),
    };
    HttpServer::start(config, Arc::new(Fixed), clock).expect("a server")
}

pub fn loopback() -> Listen {
    Listen::Tcp("127.0.0.1:0".parse().expect("an address"))
}

pub fn tcp(listen: &Listen) -> SocketAddr {
    match listen {
        Listen::Tcp(addr) => *addr,
        Listen::Unix(path) => panic!("{} is no TCP address", path.display()),
    }
}

/// What came back until the server closed.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }
}

/// Reads to the end of the connection; `None` when the server closed without a whole answer.
pub fn read_reply(stream: &mut impl Read) -> Option<Reply> {
    let mut bytes = Vec::new();
    // A reset after the answer is an end as good as any.
    let _ = stream.read_to_end(&mut bytes);
    let end = bytes.windows(4).position(|w| w == b"\r\n\r\n")? + 4;
    let head = String::from_utf8(bytes[..end].to_vec()).ok()?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Reply { status, head, body: bytes.split_off(end) })
}

/// Sends bytes and reads the reply; fails after 10 s of silence.
pub fn say(addr: SocketAddr, bytes: &[u8]) -> Option<Reply> {
    let mut stream = TcpStream::connect(addr).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    // The server may answer and close before it has read everything.
    let _ = stream.write_all(bytes);
    read_reply(&mut stream)
}

pub fn get(addr: SocketAddr, target: &str) -> Reply {
    let request = format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n");
    say(addr, request.as_bytes()).unwrap_or_else(|| panic!("no answer to {target}"))
}

/// Serves in a process of its own until it is dropped.
pub struct Victim {
    child: Child,
    /// Kept open: the victim's test harness writes its verdict there.
    _stdout: BufReader<ChildStdout>,
    pub addr: SocketAddr,
    before: Footprint,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Footprint {
    pub threads: usize,
    pub fds: usize,
    pub rss_kib: usize,
}

const VICTIM: &str = "DEPTHD_TEST_HTTP_VICTIM";

impl Victim {
    /// `fds_max`: the limit on descriptors, where the test is about that.
    pub fn start(fds_max: Option<u64>) -> Victim {
        let exe = std::env::current_exe().expect("this test's own path");
        let mut child = Command::new(exe)
            .args(["--exact", "http_fixture::victim_process", "--nocapture"])
            .env(VICTIM, fds_max.unwrap_or(4_096).to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a process");
        let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
        let lines = stdout.by_ref().lines().map_while(Result::ok);
        let mut addresses = lines.filter_map(|l| l.strip_prefix("victim at ")?.parse().ok());
        let addr = addresses.next().expect("the victim's address");
        let before = Footprint { threads: 0, fds: 0, rss_kib: 0 };
        let mut victim = Victim { child, _stdout: stdout, addr, before };
        // A few requests first, so that what is made once is there; then until nothing of them is left.
        (0..4).for_each(|_| assert_eq!(get(addr, "/stats").status, 200));
        let mut calm_since = Instant::now();
        let calm = within(Duration::from_secs(5), || {
            let now = victim.footprint();
            if (now.threads, now.fds) != (victim.before.threads, victim.before.fds) {
                calm_since = Instant::now();
            }
            victim.before = now;
            calm_since.elapsed() > Duration::from_millis(300)
        });
        assert!(calm, "the victim does not settle");
        victim
    }

    pub fn footprint(&self) -> Footprint {
        let proc = |what: &str| format!("/proc/{}/{what}", self.child.id());
        let entries = |what: &str| std::fs::read_dir(proc(what)).expect("procfs").count();
        let status = std::fs::read_to_string(proc("status")).expect("procfs");
        let rss = status.lines().find_map(|l| l.strip_prefix("VmRSS:")).expect("VmRSS");
        let rss_kib = rss.trim().trim_end_matches(" kB").parse().expect("a number");
        Footprint { threads: entries("task"), fds: entries("fd"), rss_kib }
    }

    /// Still answers, soon, and goes back to the descriptors it had; of threads it has no more than tiny_http keeps
    /// for the four requests it is given at once.
    pub fn must_be_in_bounds(&self) {
        self.must_come_back_to(self.before.threads + 4, Duration::from_secs(5));
    }

    /// The same, and to exactly the threads it had: tiny_http lets surplus ones go after 5 idle seconds.
    pub fn must_be_as_before(&self) {
        self.must_come_back_to(self.before.threads, Duration::from_secs(12));
    }

    fn must_come_back_to(&self, threads: usize, limit: Duration) {
        // Also waits for what is still in the backlog: connections come in order.
        self.must_answer_within(Duration::from_secs(3));
        let mut last = None;
        let calm = within(limit, || {
            let now = self.footprint();
            last = Some(now);
            now.threads <= threads && now.fds == self.before.fds
        });
        assert!(calm, "before {:?}, after {last:?}", self.before);
    }

    pub fn rss_growth_kib(&self) -> usize {
        self.footprint().rss_kib.saturating_sub(self.before.rss_kib)
    }

    /// Answers `/health/live` within this time, whatever it takes to get a slot.
    pub fn must_answer_within(&self, limit: Duration) {
        let ok = || {
            say(self.addr, b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n").is_some_and(|r| r.status == 200)
        };
        assert!(within(limit, ok), "no answer within {limit:?}");
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        // Its standard input ends: it stops in order, and says so by its status.
        drop(self.child.stdin.take());
        let ended = within(Duration::from_secs(5), || matches!(self.child.try_wait(), Ok(Some(_))));
        if !ended {
            let _ = self.child.kill();
        }
        let status = self.child.wait();
        if !std::thread::panicking() {
            assert!(ended && status.is_ok_and(|s| s.success()), "the victim did not stop in order");
        }
    }
}

/// Asks again and again until it holds or the time is over.
pub fn within(limit: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let began = Instant::now();
    loop {
        if holds() {
            return true;
        }
        if began.elapsed() > limit {
            return false;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The victim's `main`. Started by [`Victim::start`] only; on its own it has nothing to do.
#[test]
fn victim_process() {
    let Ok(fds_max) = std::env::var(VICTIM) else { return };
    let fds_max = fds_max.parse().expect("a number");
    let limit = rustix::process::Rlimit { current: Some(fds_max), maximum: Some(fds_max) };
    rustix::process::setrlimit(rustix::process::Resource::Nofile, limit).expect("a lower limit");
    let server = serve(loopback(), 64, Duration::from_secs(5));
    println!("\nvictim at {}", tcp(server.local_addr()));
    let mut rest = Vec::new();
    std::io::stdin().read_to_end(&mut rest).expect("standard input");
    let began = Instant::now();
    server.stop();
    assert!(began.elapsed() < Duration::from_secs(1), "stopping took {:?}", began.elapsed());
}
