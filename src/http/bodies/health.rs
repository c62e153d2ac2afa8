//! `/health` and its three probes.

use super::Text;
use crate::engine::health::{BookCounts, Health};
use crate::engine::stats::{Flow, Stats};
use crate::engine::time::Wall;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

#[derive(Serialize)]
struct HealthBody<'a> {
    success: bool,
    data: Data<'a>,
    timestamp: Text<Wall>,
}

#[derive(Serialize)]
struct Data<'a> {
    status: &'static str,
    score: u8,
    uptime_seconds: u64,
    version: &'static str,
    services: Services<'a>,
    metrics: Metrics,
}

/// An object by service name.
struct Services<'a>(&'a Health);

#[derive(Serialize)]
struct ServiceLine<'a> {
    status: &'static str,
    detail: &'a str,
}

impl Serialize for Services<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let services = &self.0.services;
        let mut map = serializer.serialize_map(Some(services.len()))?;
        for (i, s) in services.iter().enumerate() {
            let line = ServiceLine { status: s.status.name(), detail: &s.detail };
            // A feed may be called like a service; the service keeps the plain name.
            if services[i + 1..].iter().any(|later| later.name == s.name) {
                map.serialize_entry(&format!("feed.{}", s.name), &line)?;
            } else {
                map.serialize_entry(&s.name, &line)?;
            }
        }
        map.end()
    }
}

/// Numbers only; null where nothing was measured yet.
#[derive(Serialize)]
struct Metrics {
    queue_size: u64,
    queue_capacity: u64,
    dropped_count: u64,
    message_rate: f64,
    message_processing_time_ms: Option<f64>,
    recovery_time_ms: Option<f64>,
    reconnect_time_ms: Option<f64>,
    gap_detection_rate_per_hour: f64,
    error_rate: f64,
    rest_in_flight: u32,
    books_live: u64,
    books_partial: u64,
    books_stale: u64,
    books_total: u64,
    subscriptions: u64,
}

/// `GET /health`.
pub fn health<'a>(stats: &Stats, health: &'a Health) -> impl Serialize + use<'a> {
    let books = BookCounts::of(stats, None);
    let ms = |nanos: u64| nanos as f64 / 1e6;
    let metrics = Metrics {
        queue_size: stats.queue.messages,
        queue_capacity: stats.queue.messages_max,
        dropped_count: stats.feeds.iter().map(|f| Flow::lost(&f.messages)).sum(),
        message_rate: stats.message_rate,
        message_processing_time_ms: stats.processing.quantile(0.99).map(ms),
        recovery_time_ms: stats.recovery_took.quantile(0.99).map(ms),
        reconnect_time_ms: stats.reconnect_last.map(|t| t.as_secs_f64() * 1e3),
        gap_detection_rate_per_hour: stats.gap_rate_per_hour,
        error_rate: stats.error_rate,
        rest_in_flight: stats.recovery.rest_in_flight,
        books_live: books.live,
        books_partial: books.partial,
        books_stale: books.stale,
        books_total: books.total(),
        subscriptions: stats.feeds.iter().map(|f| f.subscriptions).sum(),
    };
    HealthBody {
        success: true,
        data: Data {
            status: health.status.name(),
            score: health.score,
            uptime_seconds: stats.uptime().as_secs(),
            version: env!("CARGO_PKG_VERSION"),
            services: Services(health),
            metrics,
        },
        timestamp: Text(stats.now.wall),
    }
}

#[derive(Serialize)]
struct Probe<'a> {
    status: &'a str,
    #[serde(flatten)]
    error: Option<ProbeError<'a>>,
}

/// The same two fields as every other error body.
#[derive(Serialize)]
struct ProbeError<'a> {
    success: bool,
    error: CodeAndMessage<'a>,
}

#[derive(Serialize)]
struct CodeAndMessage<'a> {
    code: &'a str,
    message: &'a str,
}

/// A probe that passes.
pub fn probe_ok() -> impl Serialize {
    Probe { status: "ok", error: None }
}

/// A probe that does not, and why.
pub fn probe_failed<'a>(code: &'a str, reason: &'a str) -> impl Serialize + 'a {
    let error = ProbeError { success: false, error: CodeAndMessage { code, message: reason } };
    Probe { status: reason, error: Some(error) }
}
