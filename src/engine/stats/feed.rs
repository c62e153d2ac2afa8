//! What is counted for a feed, its connections and its books.

use super::{Flow, Tally, opt_ms, wall};
use crate::engine::time::Stamp;
use crate::engine::view::BookTop;
use serde::Serialize;
use std::time::Duration;

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
    pub liquidations: u64,
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
    /// Of those, connections whose books went over to the next one before they ended.
    pub handovers: u64,
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

/// One book, with what was counted for it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BookRow {
    pub feed: String,
    pub symbol: String,
    pub top: BookTop,
    pub messages: Flow,
    pub heap_bytes: u64,
    /// Comparisons with the venue's own witnesses, and how many of them differed.
    pub audit_checks: u64,
    pub audit_mismatches: u64,
    /// Of the last repair, gap to live.
    pub recovery_took: Option<Duration>,
}
