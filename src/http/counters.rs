//! What the HTTP port counts about itself. Written by the gate and the handlers, read by anyone, no lock.

use crate::engine::stats::{HttpCount, HttpStats, ThreadStats};
use crate::engine::time::{Mono, Stamp, Wall};
use crate::http::limits::{HANDLERS, REPORTS_WITHIN};
use crate::http::routes::Route;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Every status that is ever answered: the label set of `depthd_http_requests_total` is closed.
const STATUSES: [u16; 14] = [200, 400, 404, 405, 408, 409, 413, 414, 431, 500, 501, 503, 504, 505];

#[derive(Default)]
pub struct Counters {
    pub connections: AtomicU64,
    pub accepted: AtomicU64,
    pub refused: AtomicU64,
    pub timeouts: AtomicU64,
    pub accept_errors: AtomicU64,
    pub backend_restarts: AtomicU64,
    /// Turns of the gate that ended in a panic.
    pub gate_panics: AtomicU64,
    /// When the gate last said that it gets on, in nanoseconds of [`Mono`].
    gate_reported: AtomicU64,
    handlers_reported: [AtomicU64; HANDLERS],
    requests: [[AtomicU64; STATUSES.len()]; Route::ALL.len()],
}

impl Counters {
    /// Counts an answer. A status outside the closed set is counted as 500.
    pub fn answered(&self, route: Route, status: u16) {
        let known = STATUSES.iter().position(|s| *s == status);
        let column = known.or_else(|| STATUSES.iter().position(|s| *s == 500)).unwrap_or(0);
        self.requests[route as usize][column].fetch_add(1, Relaxed);
    }

    pub fn gate_reports(&self, now: Mono) {
        self.gate_reported.store(now.nanos(), Relaxed);
    }

    pub fn handler_reports(&self, handler: usize, now: Mono) {
        if let Some(slot) = self.handlers_reported.get(handler) {
            slot.store(now.nanos(), Relaxed);
        }
    }

    /// The threads of the port and when they last reported, for the watchdog and `/health/live`.
    pub fn threads(&self, now: Stamp) -> Vec<ThreadStats> {
        let row = |name: String, slot: &AtomicU64| {
            let mono = Mono::from_nanos(slot.load(Relaxed));
            let ago = i64::try_from(now.mono.since(mono).as_nanos()).unwrap_or(i64::MAX);
            let wall = Wall::from_nanos(now.wall.nanos().saturating_sub(ago));
            ThreadStats { name, reported: Stamp { mono, wall }, within: REPORTS_WITHIN }
        };
        let mut rows = vec![row("http-gate".to_owned(), &self.gate_reported)];
        rows.extend(
            self.handlers_reported.iter().enumerate().map(|(i, slot)| row(format!("http-{i}"), slot)),
        );
        rows
    }

    pub fn stats(&self, connections_max: usize) -> HttpStats {
        let cells = Route::ALL.iter().zip(&self.requests).flat_map(|(route, row)| {
            row.iter().zip(STATUSES).map(|(cell, status)| HttpCount {
                path: route.pattern(),
                status,
                count: cell.load(Relaxed),
            })
        });
        HttpStats {
            connections: self.connections.load(Relaxed),
            connections_max: connections_max as u64,
            accepted: self.accepted.load(Relaxed),
            refused: self.refused.load(Relaxed),
            timeouts: self.timeouts.load(Relaxed),
            accept_errors: self.accept_errors.load(Relaxed),
            backend_restarts: self.backend_restarts.load(Relaxed),
            requests: cells.filter(|c| c.count > 0).collect(),
        }
    }
}
