//! What the HTTP tests share: fixed data to serve, a server on it, and a client that sends any bytes at all.

use depthd::engine::decimal::Decimal;
use depthd::engine::event::{Level, Side, TakerSide};
use depthd::engine::evidence::{Difference, Evidence, Witness};
use depthd::engine::health::Thresholds;
use depthd::engine::histogram::Histogram;
use depthd::engine::state::{StaleReason, State};
use depthd::engine::stats::{
    BookRow, ConnectionStats, FeedStats, Flow, MemoryStats, QueueRow, QueueStats, RecoveryCount, RestCount,
    Stats, ThreadStats,
};
use depthd::engine::time::{Mono, Stamp, Wall};
use depthd::engine::trade_id::TradeId;
use depthd::engine::view::{BookTop, BookView, LiquidationView, TradeView};
use depthd::http::{Ask, Clock, HttpConfig, HttpServer, Listen, Source};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
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
    fn evidence(&self) -> Vec<(String, Evidence)> {
        let level = |price: &str| {
            let price = Decimal::parse(price.as_bytes()).expect("a number");
            Some(Level { price, size: Decimal::new(1, 0).expect("fits") })
        };
        let received = Fixed::now().wall;
        let quote = Witness::Quote { here: (level("1.5"), None), there: (level("1.6"), level("2")) };
        let sum = Witness::Checksum { here: None, there: 7 };
        let of =
            |size| level("1.4").map(|level| Level { size: Decimal::new(size, 0).expect("fits"), ..level });
        let snapshot = Witness::Snapshot(Difference {
            side: Side::Bid,
            ours: of(3),
            theirs: None,
            sequence: Some(12),
            snapshot: 11,
            time: Some(received),
        });
        [(Some(9), quote), (None, sum), (Some(12), snapshot)]
            .map(|(sequence, witness)| {
                let symbol = "LIVE".to_owned();
                ("coinapi".to_owned(), Evidence { symbol, sequence, received, witness })
            })
            .into()
    }

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
            audit_checks: 564,
            audit_mismatches: 1,
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
            audit_checks: 7,
            audit_mismatches: 1,
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
            "NO-BOOK" => return Err(Ask::NoBook),
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
            id: TradeId::number(i as u64),
            price: decimal("65000.1"),
            size: decimal("0.01"),
            taker: if i.is_multiple_of(2) { TakerSide::Buy } else { TakerSide::Unknown },
            exchange_time: None,
            received: Fixed::now(),
        };
        Ok((0..3).map(trade).skip(3usize.saturating_sub(limit)).collect())
    }

    fn liquidations(&self, feed: &str, symbol: &str, limit: usize) -> Result<Vec<LiquidationView>, Ask> {
        let trades = self.trades(feed, symbol, limit)?;
        let order = |trade: &TradeView| LiquidationView {
            price: trade.price,
            size: trade.size,
            side: TakerSide::Sell,
            exchange_time: Wall::parse("2026-11-20T12:00:09.5Z"),
            received: trade.received,
        };
        Ok(trades.iter().map(order).collect())
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
