//! Everything that is counted, as one plain copy. The shell fills it; `/stats`, `/metrics` and `/health` show it.
//!
//! Totals count from process start and never fall. Numbers of one copy are read one after another while threads
//! go on, so sums that must agree do so up to what is in flight: [`Flow::in_flight`] is that difference.

mod feed;
mod flow;
mod process;

pub use feed::{BookRow, BreakerState, ConnectionStats, FeedStats, RecoveryCount, RestCount};
pub use flow::{Flow, OVERFLOW, Tally};
pub use process::{
    HttpCount, HttpStats, MemoryStats, QueueRow, QueueStats, RecoveryStats, ThreadStats, WorkerStats,
};

use crate::engine::histogram::HistogramView;
use crate::engine::time::Stamp;
use serde::{Serialize, Serializer};
use std::time::Duration;

/// One copy of all counters.
#[derive(Clone, Debug, Default)]
pub struct Stats {
    pub now: Stamp,
    pub started: Stamp,
    /// The configuration is loaded and every thread runs.
    pub startup_done: bool,
    pub feeds: Vec<FeedStats>,
    pub workers: Vec<WorkerStats>,
    pub threads: Vec<ThreadStats>,
    pub queue: QueueStats,
    pub recovery: RecoveryStats,
    /// Filled in by the HTTP server itself.
    pub http: HttpStats,
    pub memory: MemoryStats,
    /// Nanoseconds from socket read to book updated.
    pub processing: HistogramView,
    /// Nanoseconds from a batch taken by its worker to its books updated.
    pub work: HistogramView,
    /// Messages a worker took at once.
    pub batch_messages: HistogramView,
    /// Nanoseconds from gap to live.
    pub recovery_took: HistogramView,
    /// Nanoseconds from connection lost to subscribed again.
    pub reconnect_took: HistogramView,
    /// Nanoseconds from the end of a connection's life to its last trace gone.
    pub teardown_took: HistogramView,
    /// The last reconnect of any feed.
    pub reconnect_last: Option<Duration>,
    /// Messages received a second, over the last seconds, all feeds.
    pub message_rate: f64,
    /// Gaps an hour, over the last hour or since start, all feeds.
    pub gap_rate_per_hour: f64,
    /// The part (0 to 1) of recent messages that could not be decoded, did not fit or broke a chain.
    pub error_rate: f64,
    /// Log lines that found the log queue full.
    pub log_lines_dropped: u64,
    pub books: Vec<BookRow>,
}

impl Stats {
    pub fn uptime(&self) -> Duration {
        self.now.mono.since(self.started.mono)
    }
}

/// RFC 3339, or null for "never".
fn wall<S: Serializer>(at: &Stamp, serializer: S) -> Result<S::Ok, S::Error> {
    if *at == Stamp::ZERO { serializer.serialize_none() } else { serializer.collect_str(&at.wall) }
}

fn opt_wall<S: Serializer>(at: &Option<Stamp>, serializer: S) -> Result<S::Ok, S::Error> {
    wall(&at.unwrap_or(Stamp::ZERO), serializer)
}

fn ms<S: Serializer>(took: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(took.as_secs_f64() * 1e3)
}

fn opt_ms<S: Serializer>(took: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    took.map(|t| t.as_secs_f64() * 1e3).serialize(serializer)
}
