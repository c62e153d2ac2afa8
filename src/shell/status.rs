//! Where each connection is in its life: written by the supervisor and its reader, read by anyone.

use crate::engine::id::{ConnectionId, FeedId, Generation};
use crate::engine::time::{Mono, Stamp};
use crate::shell::sync::atomic::{AtomicU64, Ordering};
use crate::shell::sync::{Mutex, PoisonError};
use std::time::Duration;

#[derive(Debug)]
pub struct ConnectionStatus {
    pub id: ConnectionId,
    pub feed: FeedId,
    /// The generation whose books may be believed; 0 while there is none.
    believed: AtomicU64,
    last_frame_nanos: AtomicU64,
    told: Mutex<Told>,
}

/// The slow-changing part.
#[derive(Clone, Debug)]
pub struct Told {
    pub symbols: usize,
    pub phase: &'static str,
    pub generation: u64,
    pub connected: bool,
    /// When `connected` last changed; at first the start.
    pub since: Stamp,
    pub lives: u64,
    pub last_end: Option<String>,
    pub teardown: Option<Duration>,
    pub reconnect: Option<Duration>,
}

impl ConnectionStatus {
    pub fn new(id: ConnectionId, feed: FeedId, symbols: usize, now: Stamp) -> ConnectionStatus {
        let told = Told {
            symbols,
            phase: "idle",
            generation: 0,
            connected: false,
            since: now,
            lives: 0,
            last_end: None,
            teardown: None,
            reconnect: None,
        };
        ConnectionStatus {
            id,
            feed,
            believed: AtomicU64::new(0),
            last_frame_nanos: AtomicU64::new(0),
            told: Mutex::new(told),
        }
    }

    /// From here on this generation's books are believed.
    pub fn believe(&self, generation: Generation) {
        self.believed.store(generation.0, Ordering::Release);
    }

    /// From here on no book of this connection is believed.
    pub fn disbelieve(&self) {
        self.believed.store(0, Ordering::Release);
    }

    pub fn is_believed(&self, generation: u64) -> bool {
        generation != 0 && self.believed.load(Ordering::Acquire) == generation
    }

    /// A life of this connection runs.
    pub fn is_alive(&self) -> bool {
        self.believed.load(Ordering::Acquire) != 0
    }

    pub fn frame(&self, now: Mono) {
        self.last_frame_nanos.store(now.nanos(), Ordering::Relaxed);
    }

    /// The last frame of any kind; `None` before the first.
    pub fn last_frame(&self) -> Option<Mono> {
        Some(self.last_frame_nanos.load(Ordering::Relaxed)).filter(|n| *n > 0).map(Mono::from_nanos)
    }

    pub fn told(&self) -> Told {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn tell(&self, change: impl FnOnce(&mut Told)) {
        change(&mut self.told.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
