//! What is counted for the process: workers, queues, threads, repair, HTTP, memory.

use super::{ms, opt_wall, wall};
use crate::engine::time::Stamp;
use serde::Serialize;
use std::time::Duration;

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
    /// Turns of the gate that ended in a panic; it goes on without the connections of that moment.
    pub gate_panics: u64,
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
