//! How well the daemon does, judged from its counters alone: a word and a sentence a service, a score over all.
//!
//! `Unhealthy` means that a person or systemd should look: nothing arrives, a thread is stuck, memory runs out.
//! Whatever the daemon is built to mend by itself is `Degraded` while it lasts.

use crate::engine::state::State;
use crate::engine::stats::{BreakerState, FeedStats, Stats};
use std::time::Duration;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Status {
    Healthy,
    Degraded,
    Unhealthy,
}

impl Status {
    pub const fn name(self) -> &'static str {
        match self {
            Status::Healthy => "healthy",
            Status::Degraded => "degraded",
            Status::Unhealthy => "unhealthy",
        }
    }
}

/// Where a number stops being good.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Thresholds {
    /// A feed without any connection for this long is unhealthy. Less, and a venue's own restart would page people;
    /// more, and they would hear of a dead feed from their users.
    pub feed_down: Duration,
    /// Parts of the memory limit: above the first degraded, above the second unhealthy.
    pub memory_warn: f64,
    pub memory_critical: f64,
    /// Part of a queue in use from which the pipeline is degraded.
    pub queue_full: f64,
    /// A lost message is told for this long.
    pub loss_remembered: Duration,
    /// A repair that takes longer is degraded. A quiet symbol of an in-band venue may need minutes: it is not stale.
    pub repair_slow: Duration,
}

impl Default for Thresholds {
    fn default() -> Thresholds {
        Thresholds {
            feed_down: Duration::from_secs(60),
            memory_warn: 0.70,
            memory_critical: 0.90,
            queue_full: 0.80,
            loss_remembered: Duration::from_secs(60),
            repair_slow: Duration::from_secs(60),
        }
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Service {
    pub name: String,
    pub status: Status,
    pub detail: String,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Health {
    pub status: Status,
    /// 0 to 100: at most 95 when degraded, below 50 when unhealthy and only then.
    pub score: u8,
    /// Enabled and disabled feeds in configured order, then `pipeline`, `recovery`, `http`, `memory`.
    pub services: Vec<Service>,
}

/// The counts of books by state.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct BookCounts {
    pub syncing: u64,
    pub live: u64,
    pub partial: u64,
    pub stale: u64,
}

impl BookCounts {
    /// Of one feed, or of all of them.
    pub fn of(stats: &Stats, feed: Option<&str>) -> BookCounts {
        let mut counts = BookCounts::default();
        for row in stats.books.iter().filter(|row| feed.is_none_or(|name| row.feed == name)) {
            match row.top.state {
                State::Syncing => counts.syncing += 1,
                State::Live => counts.live += 1,
                State::Partial { .. } => counts.partial += 1,
                State::Stale { .. } => counts.stale += 1,
            }
        }
        counts
    }

    pub fn total(self) -> u64 {
        self.syncing + self.live + self.partial + self.stale
    }
}

/// Judges everything.
pub fn health(stats: &Stats, thresholds: &Thresholds) -> Health {
    let mut services: Vec<Service> = stats.feeds.iter().map(|f| feed(stats, f, thresholds)).collect();
    let enabled = || stats.feeds.iter().zip(&services).filter(|(f, _)| f.enabled);
    let feeds_worst = enabled().map(|(_, s)| s.status).max().unwrap_or(Status::Healthy);
    let feeds_best = enabled().map(|(_, s)| s.status).min().unwrap_or(Status::Healthy);
    // One dead feed among others degrades the whole; it is unhealthy when none is left.
    let feeds = if feeds_best == Status::Unhealthy { feeds_best } else { feeds_worst.min(Status::Degraded) };
    let own =
        [pipeline(stats, thresholds), recovery(stats, thresholds), http(stats), memory(stats, thresholds)];
    let status = own.iter().map(|s| s.status).max().unwrap_or(feeds).max(feeds);
    let score = score(stats, status, feeds_worst, &own);
    services.extend(own);
    Health { status, score, services }
}

/// Why the process should be taken for stuck; `None` while every thread reports in time.
pub fn not_live(stats: &Stats) -> Option<String> {
    let late = stats.threads.iter().find(|t| t.is_overdue(stats.now))?;
    let ago = stats.now.mono.since(late.reported.mono);
    Some(format!("thread {} last reported {:.1} s ago", late.name, ago.as_secs_f64()))
}

/// Why nobody should be sent here yet; `None` once every enabled feed is connected and a book is live, where there is any.
pub fn not_ready(stats: &Stats) -> Option<String> {
    if let Some(why) = not_started(stats) {
        return Some(why);
    }
    if let Some(down) = stats.feeds.iter().find(|f| f.enabled && !f.is_connected()) {
        return Some(format!("feed {} is not connected", down.name));
    }
    let books = BookCounts::of(stats, None);
    let waits = if books.total() > 0 { books.live == 0 } else { !stats.feeds.iter().any(|f| f.enabled) };
    waits.then(|| "no book is live".to_owned())
}

/// Why startup is not over; `None` once it is.
pub fn not_started(stats: &Stats) -> Option<String> {
    (!stats.startup_done).then(|| "threads are starting".to_owned())
}

fn service(name: &str, status: Status, detail: String) -> Service {
    Service { name: name.to_owned(), status, detail }
}

fn feed(stats: &Stats, feed: &FeedStats, thresholds: &Thresholds) -> Service {
    if !feed.enabled {
        return service(&feed.name, Status::Healthy, "disabled".to_owned());
    }
    let up = feed.connections.iter().filter(|c| c.connected).count();
    let books = BookCounts::of(stats, Some(&feed.name));
    let mut detail = format!(
        "{up} of {} connections, {} of {} books live, {} partial, {} stale",
        feed.connections.len(),
        books.live,
        books.total(),
        books.partial,
        books.stale
    );
    // One whose channels bring no levels is as well as its connections are.
    let carries_books = books.total() > 0;
    if !carries_books {
        detail = format!("{up} of {} connections, no books", feed.connections.len());
    }
    let lost = feed.connections.iter().map(|c| c.since.mono).max().unwrap_or(stats.started.mono);
    let status = if up == 0 && stats.now.mono.since(lost) > thresholds.feed_down {
        Status::Unhealthy
    } else if !feed.is_connected() || books.stale > 0 || (carries_books && books.live + books.partial == 0) {
        Status::Degraded
    } else {
        Status::Healthy
    };
    service(&feed.name, status, detail)
}

fn pipeline(stats: &Stats, thresholds: &Thresholds) -> Service {
    let queue = &stats.queue;
    if let Some(why) = not_live(stats) {
        return service("pipeline", Status::Unhealthy, why);
    }
    let lost = queue.last_lost.is_some_and(|at| stats.now.mono.since(at.mono) <= thresholds.loss_remembered);
    let part = |n: u64, max: u64| if max == 0 { 0.0 } else { n as f64 / max as f64 };
    let fill = part(queue.messages, queue.messages_max).max(part(queue.bytes, queue.bytes_max));
    let status = if lost || queue.backpressure || fill >= thresholds.queue_full {
        Status::Degraded
    } else {
        Status::Healthy
    };
    let lost = if lost { ", messages were lost lately" } else { "" };
    service("pipeline", status, format!("{} of {} messages queued{lost}", queue.messages, queue.messages_max))
}

fn recovery(stats: &Stats, thresholds: &Thresholds) -> Service {
    let r = &stats.recovery;
    let open = stats.feeds.iter().find(|f| f.enabled && f.rest_breaker == BreakerState::Open);
    if let Some(feed) = open {
        return service("recovery", Status::Degraded, format!("REST of feed {} keeps failing", feed.name));
    }
    let detail = format!("{} books waiting, {} REST calls in flight", r.waiting, r.rest_in_flight);
    let slow = r.oldest_want.is_some_and(|at| stats.now.mono.since(at.mono) > thresholds.repair_slow);
    service("recovery", if slow { Status::Degraded } else { Status::Healthy }, detail)
}

fn http(stats: &Stats) -> Service {
    let h = &stats.http;
    let full = h.connections_max > 0 && h.connections >= h.connections_max;
    let status = if full { Status::Degraded } else { Status::Healthy };
    service("http", status, format!("{} of {} connections", h.connections, h.connections_max))
}

fn memory(stats: &Stats, thresholds: &Thresholds) -> Service {
    let part = stats.memory.used_part();
    let status = if part >= thresholds.memory_critical {
        Status::Unhealthy
    } else if part >= thresholds.memory_warn {
        Status::Degraded
    } else {
        Status::Healthy
    };
    service("memory", status, format!("{:.1} % of the limit", part * 100.0))
}

/// Half for books that can be used, the rest for what they hang on; kept to a range that does not contradict the status.
fn score(stats: &Stats, status: Status, feeds: Status, own: &[Service]) -> u8 {
    let books = BookCounts::of(stats, None);
    let usable = match books.total() {
        0 => 1.0,
        // A partial book is good for most readers, a syncing one may only be waiting for a first change.
        total => (books.live as f64 + 0.7 * books.partial as f64 + 0.3 * books.syncing as f64) / total as f64,
    };
    let worth = |status: Status| match status {
        Status::Healthy => 1.0,
        Status::Degraded => 0.5,
        Status::Unhealthy => 0.0,
    };
    let own_worth = own.iter().map(|s| worth(s.status)).sum::<f64>() / own.len().max(1) as f64;
    let points = 50.0 * usable + 25.0 * worth(feeds) + 25.0 * own_worth;
    let (floor, ceiling) = match status {
        Status::Healthy => (50.0, 100.0),
        Status::Degraded => (50.0, 95.0),
        Status::Unhealthy => (0.0, 49.0),
    };
    points.clamp(floor, ceiling).round() as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::state::StaleReason;
    use crate::engine::stats::{BookRow, ConnectionStats, Flow, ThreadStats};
    use crate::engine::time::{Mono, Stamp, Wall};
    use crate::engine::view::BookTop;

    fn at(seconds: u64) -> Stamp {
        Stamp { mono: Mono::from_nanos(seconds * 1_000_000_000), wall: Wall::default() }
    }

    fn good() -> Stats {
        let connection = ConnectionStats { connected: true, since: at(1), ..ConnectionStats::default() };
        let feed = FeedStats {
            name: "f".into(),
            enabled: true,
            connections: vec![connection],
            ..FeedStats::default()
        };
        let book = BookRow {
            feed: "f".into(),
            symbol: "s".into(),
            top: BookTop { state: State::Live, ..BookTop::EMPTY },
            messages: Flow::default(),
            heap_bytes: 0,
            audit_checks: 7,
            audit_mismatches: 1,
            recovery_took: None,
        };
        Stats { now: at(1000), startup_done: true, feeds: vec![feed], books: vec![book], ..Stats::default() }
    }

    fn check(spoil: impl Fn(&mut Stats), status: Status, service: &str, ready: bool) {
        let mut stats = good();
        spoil(&mut stats);
        let health = health(&stats, &Thresholds::default());
        let judged = health.services.iter().find(|s| s.name == service).expect("the service");
        assert_eq!(health.status, status, "{health:?}");
        assert_eq!(judged.status != Status::Healthy, status != Status::Healthy, "{health:?}");
        assert_eq!(health.score == 100, status == Status::Healthy, "{health:?}");
        assert_eq!(health.score < 50, status == Status::Unhealthy, "{health:?}");
        assert_eq!(not_ready(&stats).is_none(), ready);
    }

    #[test]
    fn each_trouble_is_told_by_its_service() {
        use Status::{Degraded, Healthy, Unhealthy};
        check(|_| (), Healthy, "f", true);
        check(|s| s.feeds[0].connections[0].connected = false, Unhealthy, "f", false);
        check(
            |s| s.feeds[0].connections[0] = ConnectionStats { since: at(999), ..Default::default() },
            Degraded,
            "f",
            false,
        );
        check(
            |s| s.books[0].top.state = State::Stale { reason: StaleReason::Gap, since: at(999) },
            Degraded,
            "f",
            false,
        );
        check(|s| s.memory.heap_used_bytes = 95, Healthy, "memory", true);
        check(
            |s| (s.memory.heap_used_bytes, s.memory.heap_limit_bytes) = (95, 100),
            Unhealthy,
            "memory",
            true,
        );
        check(
            |s| (s.memory.heap_used_bytes, s.memory.heap_limit_bytes) = (75, 100),
            Degraded,
            "memory",
            true,
        );
        check(|s| s.queue.backpressure = true, Degraded, "pipeline", true);
        check(|s| s.queue.last_lost = Some(at(990)), Degraded, "pipeline", true);
        check(|s| s.queue.last_lost = Some(at(900)), Healthy, "pipeline", true);
        check(|s| s.feeds[0].rest_breaker = BreakerState::Open, Degraded, "recovery", true);
        check(|s| s.recovery.oldest_want = Some(at(900)), Degraded, "recovery", true);
        check(|s| (s.http.connections, s.http.connections_max) = (64, 64), Degraded, "http", true);
        let stuck = || ThreadStats { name: "wk-0".into(), reported: at(1), within: Duration::from_secs(5) };
        check(|s| s.threads.push(stuck()), Unhealthy, "pipeline", true);
    }

    #[test]
    fn a_feed_without_books_is_as_well_as_its_connections() {
        let without = |connected| {
            let mut stats = good();
            stats.books.clear();
            stats.feeds[0].connections[0].connected = connected;
            stats
        };
        let up = health(&without(true), &Thresholds::default());
        assert_eq!((up.status, up.score), (Status::Healthy, 100));
        assert_eq!(up.services[0].detail, "1 of 1 connections, no books");
        assert_eq!(not_ready(&without(true)), None);
        assert_eq!(health(&without(false), &Thresholds::default()).status, Status::Unhealthy);
        assert!(not_ready(&without(false)).is_some());
        let mut none = without(true);
        none.feeds[0].enabled = false;
        assert_eq!(not_ready(&none).as_deref(), Some("no book is live"), "nothing will ever come");
    }

    #[test]
    fn one_dead_feed_among_others_only_degrades() {
        let mut stats = good();
        let dead = FeedStats { name: "g".into(), enabled: true, ..FeedStats::default() };
        stats.feeds.push(dead);
        let health = health(&stats, &Thresholds::default());
        assert_eq!((health.status, health.services[1].status), (Status::Degraded, Status::Unhealthy));
        stats.feeds[1].enabled = false;
        assert_eq!(super::health(&stats, &Thresholds::default()).status, Status::Healthy);
    }
}
