//! Everything that is counted, as one plain copy. The shell fills it; `/stats`, `/metrics` and `/health` show it.
//!
//! Totals count from process start and never fall. Numbers of one copy are read one after another while threads
//! go on, so sums that must agree do so up to what is in flight: [`Flow::in_flight`] is that difference.

use crate::engine::histogram::HistogramView;
use crate::engine::time::Stamp;
use crate::engine::view::BookTop;
use serde::ser::SerializeStruct;
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
    /// Messages a worker took at once.
    pub batch_messages: HistogramView,
    /// Nanoseconds from gap to live.
    pub recovery_took: HistogramView,
    /// Nanoseconds from connection lost to subscribed again.
    pub reconnect_took: HistogramView,
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

/// The conservation law: every received message ends in exactly one of the other counters.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Flow {
    /// Data and control messages read from sockets.
    pub received: u64,
    /// Messages that did what they are for.
    pub applied: u64,
    pub duplicate: u64,
    /// Held back now, waiting for a snapshot to join.
    pub buffered: u64,
    /// Thrown away, by reason.
    pub discarded: Tally,
}

impl Flow {
    /// Received and not accounted for: on its way through a queue. Zero once the stream pauses.
    /// Negative only between two reads of counters that others write.
    pub fn in_flight(&self) -> i64 {
        let settled = [self.applied, self.duplicate, self.buffered, self.discarded.total()];
        let settled = settled.iter().fold(0i64, |n, c| n.saturating_add_unsigned(*c));
        0i64.saturating_add_unsigned(self.received).saturating_sub(settled)
    }

    /// Messages that our own queue had no room for.
    pub fn lost(&self) -> u64 {
        self.discarded.get(OVERFLOW)
    }
}

impl Serialize for Flow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Flow", 6)?;
        fields.serialize_field("received", &self.received)?;
        fields.serialize_field("applied", &self.applied)?;
        fields.serialize_field("duplicate", &self.duplicate)?;
        fields.serialize_field("buffered", &self.buffered)?;
        fields.serialize_field("in_flight", &self.in_flight())?;
        fields.serialize_field("discarded", &self.discarded)?;
        fields.end()
    }
}

/// The [`Flow::discarded`] reason of a message our own queue had no room for.
pub const OVERFLOW: &str = "overflow";

#[derive(Clone, PartialEq, Debug, Default, Serialize)]
pub struct FeedStats {
    pub name: String,
    pub venue: String,
    pub enabled: bool,
    pub connections: Vec<ConnectionStats>,
    pub messages: Flow,
    pub bytes_received: u64,
    /// Messages a second, over the last seconds.
    pub message_rate: f64,
    pub trades: u64,
    pub quotes: u64,
    /// Books compared with the venue's own best bid and offer, and how often they differed.
    pub audit_checks: u64,
    pub audit_mismatches: u64,
    /// By [`DecodeError::kind`](crate::engine::event::DecodeError::kind).
    pub decode_errors: Tally,
    /// By kind of gap.
    pub gaps: Tally,
    pub recoveries: Vec<RecoveryCount>,
    pub rest_requests: Vec<RestCount>,
    pub rest_in_flight: u32,
    pub rest_breaker: BreakerState,
    /// By reason of the end before it.
    pub reconnects: Tally,
    /// Control messages sent.
    pub control_sent: u64,
    /// Symbols the venue carries for us now.
    pub subscriptions: u64,
    /// Receive time minus exchange time of recent messages, in milliseconds; includes what the two clocks differ by.
    pub exchange_delay_ms: Option<f64>,
}

impl FeedStats {
    /// True when every connection of the feed is up and subscribed.
    pub fn is_connected(&self) -> bool {
        !self.connections.is_empty() && self.connections.iter().all(|c| c.connected)
    }
}

#[derive(Clone, PartialEq, Debug, Default, Serialize)]
pub struct ConnectionStats {
    pub generation: u64,
    /// A word: where in its life the connection is.
    pub phase: &'static str,
    /// Upgraded and subscribed.
    pub connected: bool,
    pub symbols: usize,
    /// When it was subscribed; while not connected, when it was lost (start counts as a loss).
    #[serde(serialize_with = "wall")]
    pub since: Stamp,
    /// The last frame of any kind.
    #[serde(serialize_with = "wall")]
    pub last_frame: Stamp,
    /// Lives so far, this one included.
    pub lives: u64,
    /// Why the life before this one ended.
    pub last_end: Option<String>,
    /// Socket shut to books stale and repairs cancelled, of the last teardown.
    #[serde(serialize_with = "opt_ms")]
    pub teardown_ms: Option<Duration>,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct RecoveryCount {
    /// `rest`, `restart` or `reconnect`.
    pub method: &'static str,
    /// `live`, `partial`, or why it was neither.
    pub outcome: &'static str,
    pub count: u64,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct RestCount {
    /// `None`: no answer at all (timeout, refused, cut).
    pub status: Option<u16>,
    pub count: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BreakerState {
    #[default]
    Closed,
    HalfOpen,
    Open,
}

impl BreakerState {
    /// The number that `depthd_rest_breaker_state` shows.
    pub const fn number(self) -> u8 {
        match self {
            BreakerState::Closed => 0,
            BreakerState::HalfOpen => 1,
            BreakerState::Open => 2,
        }
    }
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct WorkerStats {
    pub name: String,
    pub books: usize,
    pub batches: u64,
    pub messages: u64,
    pub queue_messages: u64,
    pub queue_bytes: u64,
    pub queue_messages_max: u64,
    pub queue_bytes_max: u64,
    pub panics: u64,
}

/// All worker queues together.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct QueueStats {
    pub messages: u64,
    pub bytes: u64,
    pub messages_max: u64,
    pub bytes_max: u64,
    /// The most there ever were.
    pub messages_peak: u64,
    pub bytes_peak: u64,
    /// Readers find a queue full now.
    pub backpressure: bool,
    /// The last message lost for want of room.
    #[serde(serialize_with = "opt_wall")]
    pub last_lost: Option<Stamp>,
}

/// A thread, and when it last said that it gets on.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct ThreadStats {
    pub name: String,
    #[serde(serialize_with = "wall")]
    pub reported: Stamp,
    /// It must report at least this often.
    #[serde(rename = "within_ms", serialize_with = "ms")]
    pub within: Duration,
}

impl ThreadStats {
    pub fn is_overdue(&self, now: Stamp) -> bool {
        now.mono.since(self.reported.mono) > self.within
    }
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct RecoveryStats {
    /// Books that want something now.
    pub waiting: u64,
    pub rest_in_flight: u32,
    /// The most REST calls ever in flight to one venue.
    pub rest_in_flight_peak: u32,
    pub rest_requests: u64,
    pub restarts: u64,
    /// The oldest want that is still open.
    #[serde(serialize_with = "opt_wall")]
    pub oldest_want: Option<Stamp>,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct HttpStats {
    pub connections: u64,
    pub connections_max: u64,
    pub accepted: u64,
    /// Turned away: no free slot, or too many from one source.
    pub refused: u64,
    /// Closed without an answer by their deadline.
    pub timeouts: u64,
    pub accept_errors: u64,
    /// The answering server behind the gate had to be started again.
    pub backend_restarts: u64,
    pub requests: Vec<HttpCount>,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct HttpCount {
    /// A route's pattern, `other`, or `refused` for what the gate answered itself.
    pub path: &'static str,
    pub status: u16,
    pub count: u64,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct MemoryStats {
    /// Bytes our own accounting knows of: books, queues, rings, buffers.
    pub heap_used_bytes: u64,
    /// `[memory] limit`.
    pub heap_limit_bytes: u64,
    pub heap_peak_bytes: u64,
    pub rss_bytes: u64,
    pub threads: u64,
    pub open_fds: u64,
    pub queues: Vec<QueueRow>,
}

impl MemoryStats {
    /// 0 to 1, or above when over the limit; 0 without a limit.
    pub fn used_part(&self) -> f64 {
        if self.heap_limit_bytes == 0 {
            return 0.0;
        }
        self.heap_used_bytes as f64 / self.heap_limit_bytes as f64
    }
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct QueueRow {
    pub name: String,
    pub messages: u64,
    pub messages_max: u64,
    pub bytes: u64,
    pub bytes_max: u64,
}

/// One book, with what was counted for it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BookRow {
    pub feed: String,
    pub symbol: String,
    pub top: BookTop,
    pub messages: Flow,
    pub heap_bytes: u64,
    /// Of the last repair, gap to live.
    pub recovery_took: Option<Duration>,
}

/// Counts by a word out of a closed set. A JSON object.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Tally(Vec<(&'static str, u64)>);

impl Tally {
    pub fn add(&mut self, name: &'static str, count: u64) {
        match self.0.iter_mut().find(|(n, _)| *n == name) {
            Some((_, c)) => *c = c.saturating_add(count),
            None => self.0.push((name, count)),
        }
    }

    pub fn get(&self, name: &str) -> u64 {
        self.0.iter().find(|(n, _)| *n == name).map_or(0, |(_, c)| *c)
    }

    pub fn total(&self) -> u64 {
        self.0.iter().fold(0, |n, (_, c)| n.saturating_add(*c))
    }

    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        self.0.iter().copied()
    }
}

impl FromIterator<(&'static str, u64)> for Tally {
    fn from_iter<I: IntoIterator<Item = (&'static str, u64)>>(counts: I) -> Tally {
        let mut tally = Tally::default();
        counts.into_iter().for_each(|(name, count)| tally.add(name, count));
        tally
    }
}

impl Serialize for Tally {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_settled_is_in_flight() {
        let mut flow = Flow { received: 10, applied: 4, duplicate: 1, buffered: 2, ..Flow::default() };
        flow.discarded = [("unsynced", 1), (OVERFLOW, 1), ("unsynced", 1)].into_iter().collect();
        assert_eq!(flow.in_flight(), 0);
        assert_eq!(flow.lost(), 1);
        flow.received = 13;
        assert_eq!(flow.in_flight(), 3);
        assert_eq!(Flow { applied: 1, ..Flow::default() }.in_flight(), -1);
        let json = serde_json::to_string(&flow.discarded).unwrap();
        assert_eq!(json, r#"{"unsynced":2,"overflow":1}"#);
    }
}
