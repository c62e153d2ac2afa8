//! `/stats`: everything counted, and `/api/debug/memory`.

use super::book::{Levels, StateFields};
use super::{Text, age_ms, wall};
use crate::engine::health::BookCounts;
use crate::engine::histogram::HistogramView;
use crate::engine::stats::{
    BookRow, FeedStats, Flow, HttpStats, MemoryStats, QueueRow, QueueStats, RecoveryStats, Stats,
    ThreadStats, WorkerStats,
};
use crate::engine::time::Wall;
use serde::Serialize;

#[derive(Serialize)]
struct StatsBody<'a> {
    version: &'static str,
    now: Text<Wall>,
    started: Option<Text<Wall>>,
    uptime_seconds: f64,
    startup_done: bool,
    message_rate: f64,
    gap_rate_per_hour: f64,
    error_rate: f64,
    log_lines_dropped: u64,
    processing_ms: Spread,
    work_ms: Spread,
    batch_messages: Spread,
    recovery_ms: Spread,
    reconnect_ms: Spread,
    teardown_ms: Spread,
    feeds: Vec<FeedLine<'a>>,
    workers: &'a [WorkerStats],
    threads: &'a [ThreadStats],
    queue: &'a QueueStats,
    recovery: &'a RecoveryStats,
    http: &'a HttpStats,
    memory: &'a MemoryStats,
    books: Vec<BookLine<'a>>,
}

#[derive(Serialize)]
struct FeedLine<'a> {
    #[serde(flatten)]
    feed: &'a FeedStats,
    connected: bool,
    books: CountLine,
}

#[derive(Serialize)]
struct CountLine {
    syncing: u64,
    live: u64,
    partial: u64,
    stale: u64,
}

#[derive(Serialize)]
struct BookLine<'a> {
    feed: &'a str,
    symbol: &'a str,
    #[serde(flatten)]
    state: StateFields,
    sequence: Option<u64>,
    exchange_time: Option<Text<Wall>>,
    receive_time: Option<Text<Wall>>,
    age_ms: Option<u64>,
    gaps: u64,
    recoveries: u64,
    recovery_took_ms: Option<f64>,
    levels: Levels,
    heap_bytes: u64,
    /// Comparisons with the venue's own witnesses, and how many of them differed.
    audit_checks: u64,
    audit_mismatches: u64,
    messages: &'a Flow,
}

/// A histogram in a few numbers, in the unit the field's name says.
#[derive(Serialize)]
struct Spread {
    count: u64,
    mean: Option<f64>,
    p50: Option<f64>,
    p90: Option<f64>,
    p99: Option<f64>,
    p999: Option<f64>,
    max: Option<f64>,
}

impl Spread {
    fn new(view: &HistogramView, unit: f64) -> Spread {
        let at = |q| view.quantile(q).map(|v| v as f64 / unit);
        let any = view.count() > 0;
        Spread {
            count: view.count(),
            mean: any.then(|| view.sum() as f64 / view.count() as f64 / unit),
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max: any.then(|| view.max() as f64 / unit),
        }
    }
}

/// Nanoseconds in a millisecond.
const MS: f64 = 1e6;

/// `GET /stats`.
pub fn stats(stats: &Stats) -> impl Serialize + '_ {
    StatsBody {
        version: env!("CARGO_PKG_VERSION"),
        now: Text(stats.now.wall),
        started: wall(stats.started),
        uptime_seconds: stats.uptime().as_secs_f64(),
        startup_done: stats.startup_done,
        message_rate: stats.message_rate,
        gap_rate_per_hour: stats.gap_rate_per_hour,
        error_rate: stats.error_rate,
        log_lines_dropped: stats.log_lines_dropped,
        processing_ms: Spread::new(&stats.processing, MS),
        work_ms: Spread::new(&stats.work, MS),
        batch_messages: Spread::new(&stats.batch_messages, 1.0),
        recovery_ms: Spread::new(&stats.recovery_took, MS),
        reconnect_ms: Spread::new(&stats.reconnect_took, MS),
        teardown_ms: Spread::new(&stats.teardown_took, MS),
        feeds: stats.feeds.iter().map(|f| feed_line(stats, f)).collect(),
        workers: &stats.workers,
        threads: &stats.threads,
        queue: &stats.queue,
        recovery: &stats.recovery,
        http: &stats.http,
        memory: &stats.memory,
        books: stats.books.iter().map(|b| book_line(stats, b)).collect(),
    }
}

fn feed_line<'a>(stats: &Stats, feed: &'a FeedStats) -> FeedLine<'a> {
    let BookCounts { syncing, live, partial, stale } = BookCounts::of(stats, Some(&feed.name));
    FeedLine { feed, connected: feed.is_connected(), books: CountLine { syncing, live, partial, stale } }
}

fn book_line<'a>(stats: &Stats, row: &'a BookRow) -> BookLine<'a> {
    let top = &row.top;
    BookLine {
        feed: &row.feed,
        symbol: &row.symbol,
        state: top.state.into(),
        sequence: top.sequence,
        exchange_time: top.exchange_time.map(Text),
        receive_time: wall(top.received),
        age_ms: age_ms(top.received, stats.now.mono),
        gaps: top.gaps,
        recoveries: top.recoveries,
        recovery_took_ms: row.recovery_took.map(|t| t.as_secs_f64() * 1e3),
        levels: top.into(),
        heap_bytes: row.heap_bytes,
        audit_checks: row.audit_checks,
        audit_mismatches: row.audit_mismatches,
        messages: &row.messages,
    }
}

#[derive(Serialize)]
struct MemoryBody<'a> {
    memory: Memory<'a>,
}

#[derive(Serialize)]
struct Memory<'a> {
    heap: Heap,
    rss: u64,
    threads: u64,
    open_fds: u64,
    queues: &'a [QueueRow],
}

#[derive(Serialize)]
struct Heap {
    used: u64,
    limit: u64,
    percent: f64,
    peak: u64,
}

/// `GET /api/debug/memory`. Bytes.
pub fn memory(stats: &Stats) -> impl Serialize + '_ {
    let m = &stats.memory;
    let heap = Heap {
        used: m.heap_used_bytes,
        limit: m.heap_limit_bytes,
        percent: m.used_part() * 100.0,
        peak: m.heap_peak_bytes,
    };
    let memory =
        Memory { heap, rss: m.rss_bytes, threads: m.threads, open_fds: m.open_fds, queues: &m.queues };
    MemoryBody { memory }
}
