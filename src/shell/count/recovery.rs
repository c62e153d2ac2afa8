//! What the recovery thread counts and shows of its planner.

use crate::engine::recovery::Planner;
use crate::engine::stats::{BreakerState, RecoveryStats, RestCount};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use crate::engine::time::Mono;
use crate::shell::voice::{About, Voice};
use log::Level;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A venue's REST as it is now.
#[derive(Clone, Copy, Debug, Default)]
pub struct VenueNow {
    pub in_flight: u32,
    pub breaker: BreakerState,
}

#[derive(Default)]
pub struct RecoveryCounters {
    pub restarts: AtomicU64,
    rest_requests: AtomicU64,
    /// By feed: its voice, and answers by status.
    feeds: Vec<(Arc<Voice>, Mutex<Vec<RestCount>>)>,
    venues: Mutex<Vec<VenueNow>>,
    planner: Mutex<PlannerNow>,
}

#[derive(Clone, Copy, Debug, Default)]
struct PlannerNow {
    waiting: u64,
    in_flight: u32,
    in_flight_peak: u32,
}

/// REST answers by status.
#[derive(Debug, Default)]
pub struct RestTally(Mutex<Vec<RestCount>>);

impl RestTally {
    /// `None`: a call without an answer.
    pub fn add(&self, status: Option<u16>) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
impl RecoveryCounters {
    pub fn new(feeds: impl IntoIterator<Item = Arc<Voice>>) -> RecoveryCounters {
        let feeds = feeds.into_iter().map(|voice| (voice, Mutex::default())).collect();
        RecoveryCounters { feeds, ..RecoveryCounters::default() }
    }
    /// A REST call of a feed ended. `None`: without an answer.
    pub fn answered(&self, feed: usize, status: Option<u16>, _took: Duration) {
        self.rest_requests.fetch_add(1, Relaxed);
        let Some((_, counts)) = self.feeds.get(feed) else { return };
        let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
        match counts.iter_mut().find(|c| c.status == status) {
            Some(row) => row.count += 1,
            // 500 statuses exist at most; a venue uses a dozen.
            None => counts.push(RestCount { status, count: 1 }),
        }
    }

    pub fn counts(&self) -> Vec<RestCount> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    /// Why a REST call brought no book.
    pub fn trouble(&self, feed: usize, symbol: &str, trouble: &str, now: Mono) {
        let Some((voice, _)) = self.feeds.get(feed) else { return };
        let text = format_args!("no snapshot of {symbol}: {}; asking again", voice.quote(trouble));
        voice.say(About::Messages, "no_snapshot_answer", Level::Warn, now, text);
    }
}

impl RecoveryCounters {
    /// A REST call ended.
    pub fn answered(&self) {
        self.rest_requests.fetch_add(1, Relaxed);
    pub fn requests(&self, feed: usize) -> Vec<RestCount> {
        self.feeds
            .get(feed)
            .map_or_else(Vec::new, |(_, c)| c.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    pub fn venue(&self, index: usize) -> VenueNow {
        self.venues.lock().unwrap_or_else(PoisonError::into_inner).get(index).copied().unwrap_or_default()
    }

    /// Copies what readers may see of the planner.
    pub fn observe(&self, planner: &Planner, venues: usize) {
        let now: Vec<VenueNow> = (0..venues)
            .map(|v| VenueNow {
                in_flight: planner.in_flight(v) as u32,
                breaker: shown(planner.breaker_state(v)),
            })
            .collect();
        let mut known = self.planner.lock().unwrap_or_else(PoisonError::into_inner);
        known.waiting = planner.wanting() as u64;
        known.in_flight = now.iter().map(|v| v.in_flight).sum();
        known.in_flight_peak =
            (0..venues).map(|v| planner.in_flight_peak(v) as u32).max().unwrap_or_default();
        drop(known);
        *self.venues.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }

    pub fn stats(&self) -> RecoveryStats {
        let known = *self.planner.lock().unwrap_or_else(PoisonError::into_inner);
        RecoveryStats {
            waiting: known.waiting,
            rest_in_flight: known.in_flight,
            rest_in_flight_peak: known.in_flight_peak,
            rest_requests: self.rest_requests.load(Relaxed),
            restarts: self.restarts.load(Relaxed),
            oldest_want: None,
        }
    }
}

fn shown(state: crate::engine::breaker::BreakerState) -> BreakerState {
    use crate::engine::breaker::BreakerState as Planned;
    match state {
        Planned::Closed => BreakerState::Closed,
        Planned::HalfOpen => BreakerState::HalfOpen,
        Planned::Open => BreakerState::Open,
    }
}
