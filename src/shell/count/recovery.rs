//! What the recovery thread counts and shows of its planner.

use crate::engine::recovery::Planner;
use crate::engine::stats::{BreakerState, RecoveryStats, RestCount};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

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
        match counts.iter_mut().find(|c| c.status == status) {
            Some(row) => row.count += 1,
            // 500 statuses exist at most; a venue uses a dozen.
            None => counts.push(RestCount { status, count: 1 }),
        }
    }

    pub fn counts(&self) -> Vec<RestCount> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl RecoveryCounters {
    /// A REST call ended.
    pub fn answered(&self) {
        self.rest_requests.fetch_add(1, Relaxed);
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
