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
    /// The generations whose books may be believed: one, and the one that takes over from it; 0 where there is none.
    believed: [AtomicU64; 2],
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
            believed: [AtomicU64::new(0), AtomicU64::new(0)],
            last_frame_nanos: AtomicU64::new(0),
            told: Mutex::new(told),
        }
    }

    /// From here on this generation's books are believed. Called by the supervisor only, which has two at once at most.
    pub fn believe(&self, generation: Generation) {
        let free = self.believed.iter().find(|b| b.load(Ordering::Relaxed) == 0);
        free.expect("a life is disbelieved before the one after the next begins")
            .store(generation.0, Ordering::Release);
    }

    /// From here on no book of this generation is believed.
    pub fn disbelieve(&self, generation: Generation) {
        for believed in self.believed.iter().filter(|b| b.load(Ordering::Relaxed) == generation.0) {
            believed.store(0, Ordering::Release);
        }
    }

    pub fn is_believed(&self, generation: u64) -> bool {
        generation != 0 && self.believed.iter().any(|b| b.load(Ordering::Acquire) == generation)
    }

    /// A life of this connection runs.
    pub fn is_alive(&self) -> bool {
        self.believed.iter().any(|b| b.load(Ordering::Acquire) != 0)
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
