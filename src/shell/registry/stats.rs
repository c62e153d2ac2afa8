//! One copy of everything that is counted, read off the atomics.

use super::{FeedEntry, Registry, Tables};
use crate::engine::id::FeedId;
use crate::engine::stats::{
    BookRow, ConnectionStats, FeedStats, Flow, MemoryStats, OVERFLOW, QueueRow, QueueStats, Stats,
    ThreadStats, WorkerStats,
};
use crate::engine::time::{Mono, Stamp, Wall};
use crate::shell::slot::{Published, Slot};
use crate::shell::status::ConnectionStatus;
use std::sync::atomic::Ordering::{Acquire, Relaxed};
use std::time::Duration;

/// The last seconds that a message rate is taken over.
const RATE_WINDOW: Duration = Duration::from_secs(10);
const HOUR: Duration = Duration::from_secs(3_600);
/// A queue that dropped something this recently counts as pushing back.
const PUSHING_BACK: Duration = Duration::from_secs(5);

pub fn collect(registry: &Registry) -> Stats {
    let now = registry.clock.stamp();
    let tables = registry.tables();
    let rows: Vec<Row> = tables.slots.iter().map(|slot| row(registry, &tables, slot)).collect();
    let feeds: Vec<FeedStats> =
        tables.feeds.iter().map(|entry| feed(registry, &tables, entry, &rows, now)).collect();
    let received = feeds.iter().map(|f| f.messages.received).sum();
    let gaps: u64 = feeds.iter().map(|f| f.gaps.total()).sum();
    let errors = gaps + feeds.iter().map(|f| f.decode_errors.total()).sum::<u64>();
    let observed = registry.observed();
    let message_rate = observed.message_rate.per_second(now.mono, received, RATE_WINDOW);
    let errors_per_second = observed.error_rate.per_second(now.mono, errors, RATE_WINDOW);
    let mut stats = Stats {
        now,
        started: registry.started,
        startup_done: true,
        queue: queue(registry, now),
        recovery: registry.recovery.stats(),
        processing: registry.timings.processing.view(),
        work: registry.timings.work.view(),
        batch_messages: registry.timings.batch_messages.view(),
        recovery_took: registry.timings.recovery_took.view(),
        reconnect_took: registry.timings.reconnect_took.view(),
        teardown_took: registry.timings.teardown_took.view(),
        reconnect_last: observed.reconnect_last,
        message_rate,
        gap_rate_per_hour: observed.gap_rate.per_second(now.mono, gaps, HOUR) * HOUR.as_secs_f64(),
        error_rate: if message_rate > 0.0 { (errors_per_second / message_rate).min(1.0) } else { 0.0 },
        log_lines_dropped: (registry.log_dropped)(),
        memory: MemoryStats {
            heap_used_bytes: observed.memory.anonymous_bytes,
            heap_limit_bytes: registry.memory_limit_bytes,
            heap_peak_bytes: observed.heap_peak_bytes,
            rss_bytes: observed.memory.rss_bytes,
            threads: observed.memory.threads,
            open_fds: observed.memory.open_fds,
            queues: Vec::new(),
        },
        ..Stats::default()
    };
    drop(observed);
    stats.feeds = feeds;
    stats.workers = workers(registry, &tables);
    stats.memory.queues = queues(&stats.workers);
    stats.threads = registry.expected().iter().map(|beat| thread(beat, now)).collect();
    // The others' messages are in their feeds' counts.
    let with_book = rows.into_iter().filter(|(feed, ..)| tables.carries_books(*feed));
    stats.books = with_book.map(|(_, row, _)| row).collect();
    stats
}

/// A book's feed, its row, and what its worker published.
type Row = (FeedId, BookRow, Published);

fn row(registry: &Registry, tables: &Tables, slot: &Slot) -> Row {
    let (top, published) = registry.top(tables, slot);
    let row = BookRow {
        feed: tables.feed_name(slot.feed).to_owned(),
        symbol: slot.symbol.clone(),
        top,
        messages: published.messages(),
        heap_bytes: published.heap_bytes,
        audit_checks: published.audit_checks,
        audit_mismatches: published.audit_mismatches,
        recovery_took: published.recovery_took,
    };
    (slot.feed, row, published)
}

fn feed(registry: &Registry, tables: &Tables, entry: &FeedEntry, rows: &[Row], now: Stamp) -> FeedStats {
    let counters = &entry.counters;
    let mine = || rows.iter().filter(|(feed, ..)| *feed == entry.id);
    let controls = counters.controls.load(Relaxed);
    let retired = counters.retired();
    let mut flow = Flow { applied: controls, ..Flow::default() };
    for messages in mine().map(|(_, row, _)| &row.messages).chain([&retired.messages]) {
        flow.applied += messages.applied;
        flow.duplicate += messages.duplicate;
        flow.buffered += messages.buffered;
        messages.discarded.iter().for_each(|(why, count)| flow.discarded.add(why, count));
    }
    counters.refused.tally().iter().for_each(|(why, count)| flow.discarded.add(why, count));
    flow.discarded.add(OVERFLOW, counters.overflow.load(Relaxed));
    flow.discarded.add("memory", counters.shed.load(Relaxed));
    flow.discarded.add("late", counters.late.load(Relaxed));
    // Last, so that nothing settled is missing from it.
    flow.received = counters.received.load(Acquire);
    let connections: Vec<ConnectionStats> = tables
        .connections
        .iter()
        .filter(|c| c.status.feed == entry.id)
        .map(|c| connection(&c.status, now))
        .collect();
    let observed = registry.observed();
    let message_rate = observed
        .feed_rates
        .iter()
        .find(|(id, _)| *id == entry.id)
        .map_or(0.0, |(_, rate)| rate.per_second(now.mono, flow.received, RATE_WINDOW));
    drop(observed);
    let venue = registry.recovery.venue(entry.venue_index);
    FeedStats {
        name: entry.name.clone(),
        venue: entry.venue.to_owned(),
        enabled: entry.enabled,
        subscriptions: connections.iter().filter(|c| c.connected).map(|c| c.symbols as u64).sum(),
        connections,
        messages: flow,
        bytes_received: counters.bytes.load(Relaxed),
        message_rate,
        trades: retired.trades + mine().map(|(.., p)| p.flow.trade_frames).sum::<u64>(),
        quotes: retired.quotes + mine().map(|(.., p)| p.flow.quote_frames).sum::<u64>(),
        liquidations: retired.liquidations + mine().map(|(.., p)| p.flow.liquidation_frames).sum::<u64>(),
        audit_checks: retired.audit_checks + mine().map(|(.., p)| p.audit_checks).sum::<u64>(),
        audit_mismatches: retired.audit_mismatches + mine().map(|(.., p)| p.audit_mismatches).sum::<u64>(),
        decode_errors: counters.decode_errors.tally(),
        gaps: counters.gaps.tally(),
        recoveries: counters.recoveries(),
        rest_requests: counters.rest.counts(),
        rest_in_flight: venue.in_flight,
        rest_breaker: venue.breaker,
        reconnects: counters.reconnects.tally(),
        handovers: counters.handovers.load(Relaxed),
        control_sent: counters.control_sent.load(Relaxed),
        exchange_delay_ms: counters.exchange_delay_ms(),
    }
}

fn connection(status: &ConnectionStatus, now: Stamp) -> ConnectionStats {
    let told = status.told();
    ConnectionStats {
        generation: told.generation,
        phase: told.phase,
        connected: told.connected,
        symbols: told.symbols,
        since: told.since,
        last_frame: status.last_frame().map_or(Stamp::ZERO, |at| at_wall(at, now)),
        lives: told.lives,
        last_end: told.last_end,
        teardown_ms: told.teardown,
    }
}

/// An earlier monotonic instant with the wall time it must have had.
pub(super) fn at_wall(at: Mono, now: Stamp) -> Stamp {
    let ago = i64::try_from(now.mono.since(at).as_nanos()).unwrap_or(i64::MAX);
    Stamp { mono: at, wall: Wall::from_nanos(now.wall.nanos().saturating_sub(ago)) }
}

fn workers(registry: &Registry, tables: &Tables) -> Vec<WorkerStats> {
    let stats = |(index, worker): (usize, &super::WorkerEntry)| WorkerStats {
        name: worker.name.clone(),
        books: tables.slots.iter().filter(|slot| slot.worker == index).count(),
        batches: worker.counters.batches.load(Relaxed),
        messages: worker.counters.messages.load(Relaxed),
        queue_messages: worker.gauge.messages.load(Relaxed) as u64,
        queue_bytes: worker.gauge.bytes.load(Relaxed) as u64,
        queue_messages_max: worker.gauge.messages_max as u64,
        queue_bytes_max: worker.gauge.bytes_max as u64,
        panics: worker.counters.panics.load(Relaxed),
    };
    registry.workers.iter().enumerate().map(stats).collect()
}

fn queues(workers: &[WorkerStats]) -> Vec<QueueRow> {
    let row = |w: &WorkerStats| QueueRow {
        name: w.name.clone(),
        messages: w.queue_messages,
        messages_max: w.queue_messages_max,
        bytes: w.queue_bytes,
        bytes_max: w.queue_bytes_max,
    };
    workers.iter().map(row).collect()
}

fn queue(registry: &Registry, now: Stamp) -> QueueStats {
    let sum = |of: fn(&crate::shell::queue::QueueGauge) -> usize| {
        registry.workers.iter().map(|w| of(&w.gauge) as u64).sum::<u64>()
    };
    let last = registry
        .tables()
        .feeds
        .iter()
        .map(|f| f.counters.overflow_last.load(Relaxed))
        .max()
        .filter(|n| *n > 0);
    let last_lost = last.map(|nanos| at_wall(Mono::from_nanos(nanos), now));
    QueueStats {
        messages: sum(|g| g.messages.load(Relaxed)),
        bytes: sum(|g| g.bytes.load(Relaxed)),
        messages_max: sum(|g| g.messages_max),
        bytes_max: sum(|g| g.bytes_max),
        // Peaks of single queues need not have been at once; their sum is an upper bound.
        messages_peak: sum(|g| g.messages_high.load(Relaxed)),
        bytes_peak: sum(|g| g.bytes_high.load(Relaxed)),
        backpressure: last_lost.is_some_and(|at| now.mono.since(at.mono) < PUSHING_BACK),
        last_lost,
    }
}

fn thread(beat: &crate::shell::beat::Beat, now: Stamp) -> ThreadStats {
    ThreadStats { name: beat.name.clone(), reported: at_wall(beat.last(), now), within: beat.within }
}
