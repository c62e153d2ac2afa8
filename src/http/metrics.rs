//! `/metrics`: the counters in the Prometheus text format. Labels only from closed sets and the configuration.

use crate::engine::health::BookCounts;
use crate::engine::stats::{FeedStats, Flow, OVERFLOW, Stats, Tally};
use crate::http::exposition::Exposition;

/// Upper bounds in nanoseconds, one below a power of two, where the histogram's own buckets end: the counts are exact.
/// From 1 µs, less than a queue hop, to 8.6 s, more than any deadline inside.
const PROCESSING_BOUNDS: [u64; 13] = bounds(10, 2);
/// From 1 ms, a loopback repair, to 2 hours: a venue that is down for an afternoon shows.
const OUTAGE_BOUNDS: [u64; 24] = bounds(20, 1);
/// Messages in a batch; exact below 16.
const BATCH_BOUNDS: [u64; 9] = [1, 2, 3, 5, 7, 10, 15, 63, 511];
const NANOS: f64 = 1e9;

const fn bounds<const N: usize>(first_power: u32, step: u32) -> [u64; N] {
    let mut bounds = [0; N];
    let mut i = 0;
    while i < N {
        bounds[i] = (1 << (first_power + step * i as u32)) - 1;
        i += 1;
    }
    bounds
}

/// The whole exposition.
pub fn text(stats: &Stats) -> String {
    let mut out = Exposition::default();
    messages(&mut out, stats);
    pipeline(&mut out, stats);
    repair(&mut out, stats);
    connections(&mut out, stats);
    process(&mut out, stats);
    http(&mut out, stats);
    out.finish()
}

fn messages(out: &mut Exposition, stats: &Stats) {
    let feeds = &stats.feeds;
    per_feed(out.counter("messages_received_total", "Messages read from sockets."), feeds, |f| {
        f.messages.received
    });
    per_feed(out.counter("messages_applied_total", "Messages that did what they are for."), feeds, |f| {
        f.messages.applied
    });
    per_feed(out.counter("messages_duplicate_total", "Messages received before."), feeds, |f| {
        f.messages.duplicate
    });
    per_feed(out.gauge("messages_buffered", "Messages that wait for a snapshot to join."), feeds, |f| {
        f.messages.buffered
    });
    per_feed(out.counter("bytes_received_total", "Bytes of messages read."), feeds, |f| f.bytes_received);
    out.counter("messages_dropped_total", "Messages thrown away, by reason.");
    for f in feeds {
        let Flow { discarded, .. } = &f.messages;
        // The one reason to be alerted on is there before it happens.
        if discarded.get(OVERFLOW) == 0 {
            out.value(&[("feed", &f.name), ("reason", OVERFLOW)], 0);
        }
        tally(out, &f.name, "reason", discarded);
    }
    let decode_errors = |f: &FeedStats| f.decode_errors.total();
    per_feed(out.counter("decode_errors_total", "Messages that could not be read."), feeds, decode_errors);
    per_feed(out.counter("trades_total", "Trades received."), feeds, |f| f.trades);
    per_feed(out.counter("quotes_total", "Quotes received."), feeds, |f| f.quotes);
    let help = "Messages of liquidated orders received.";
    per_feed(out.counter("liquidations_total", help), feeds, |f| f.liquidations);
    let help = "Books compared with the venue's own best bid and offer at the same update.";
    per_feed(out.counter("audit_checks_total", help), feeds, |f| f.audit_checks);
    let help = "Comparisons that differed; each made its book stale.";
    per_feed(out.counter("audit_mismatches_total", help), feeds, |f| f.audit_mismatches);
}

fn pipeline(out: &mut Exposition, stats: &Stats) {
    out.gauge("queue_size", "Messages in all worker queues.").value(&[], stats.queue.messages);
    out.gauge("queue_bytes", "Bytes in all worker queues.").value(&[], stats.queue.bytes);
    out.gauge("queue_capacity", "Messages all worker queues can hold.").value(&[], stats.queue.messages_max);
    let backpressure = u8::from(stats.queue.backpressure);
    out.gauge("stream_processor_backpressure_active", "1 while a queue is full.").value(&[], backpressure);
    let help = "Messages a worker took at once.";
    out.histogram("batch_messages", help, &stats.batch_messages, &BATCH_BOUNDS, 1.0);
    let help = "Seconds from socket read to book updated.";
    out.histogram("processing_seconds", help, &stats.processing, &PROCESSING_BOUNDS, NANOS);
}

fn repair(out: &mut Exposition, stats: &Stats) {
    out.counter("gaps_total", "Breaks in a book's chain, by kind.");
    stats.feeds.iter().for_each(|f| tally(out, &f.name, "kind", &f.gaps));
    out.counter("recoveries_total", "Repairs tried, by method and outcome.");
    for f in &stats.feeds {
        for r in &f.recoveries {
            out.value(&[("feed", &f.name), ("method", r.method), ("outcome", r.outcome)], r.count);
        }
    }
    let help = "Seconds from gap to live.";
    out.histogram("recovery_seconds", help, &stats.recovery_took, &OUTAGE_BOUNDS, NANOS);
    out.counter("rest_requests_total", "REST calls, by the answer's status.");
    for f in &stats.feeds {
        for r in &f.rest_requests {
            let status = r.status.map_or_else(|| "none".to_owned(), |s| s.to_string());
            out.value(&[("feed", &f.name), ("status", &status)], r.count);
        }
    }
    out.gauge("rest_in_flight", "REST calls without an answer yet.")
        .value(&[], stats.recovery.rest_in_flight);
    let breaker = |f: &FeedStats| u64::from(f.rest_breaker.number());
    per_feed(out.gauge("rest_breaker_state", "0 closed, 1 half-open, 2 open."), &stats.feeds, breaker);
    out.gauge("repairs_waiting", "Books that want a repair.").value(&[], stats.recovery.waiting);
}

fn connections(out: &mut Exposition, stats: &Stats) {
    out.counter("reconnects_total", "Connections ended and opened anew, by reason.");
    stats.feeds.iter().for_each(|f| tally(out, &f.name, "reason", &f.reconnects));
    let help = "Connections replaced for a planned reason whose books the next one carried first.";
    per_feed(out.counter("handovers_total", help), &stats.feeds, |f| f.handovers);
    let help = "Seconds from connection lost to subscribed.";
    out.histogram("reconnect_seconds", help, &stats.reconnect_took, &OUTAGE_BOUNDS, NANOS);
    let connected = |f: &FeedStats| u64::from(f.is_connected());
    per_feed(
        out.gauge("connected", "1 while every connection of the feed is subscribed."),
        &stats.feeds,
        connected,
    );
    let books = BookCounts::of(stats, None);
    out.gauge("books", "Books by state.")
        .value(&[("state", "syncing")], books.syncing)
        .value(&[("state", "live")], books.live)
        .value(&[("state", "partial")], books.partial)
        .value(&[("state", "stale")], books.stale);
    let subscriptions: u64 = stats.feeds.iter().map(|f| f.subscriptions).sum();
    out.gauge("subscriptions_active_count", "Symbols the venues carry for us.").value(&[], subscriptions);
}

fn process(out: &mut Exposition, stats: &Stats) {
    let m = &stats.memory;
    out.gauge("memory_heap_used_bytes", "Bytes our own accounting knows of.").value(&[], m.heap_used_bytes);
    out.gauge("memory_heap_percentage", "The same, of the limit.").value(&[], m.used_part() * 100.0);
    out.gauge("memory_rss_bytes", "Resident memory of the process.").value(&[], m.rss_bytes);
    out.gauge("threads", "Threads of the process.").value(&[], m.threads);
    out.gauge("open_fds", "Open descriptors of the process.").value(&[], m.open_fds);
    out.gauge("uptime_seconds", "Seconds since start.").value(&[], stats.uptime().as_secs_f64());
    let labels = [("version", env!("CARGO_PKG_VERSION")), ("commit", commit())];
    out.gauge("build_info", "Always 1.").value(&labels, 1);
    out.counter("log_lines_dropped_total", "Log lines that found the log queue full.");
    out.value(&[], stats.log_lines_dropped);
}

fn http(out: &mut Exposition, stats: &Stats) {
    let h = &stats.http;
    out.counter("http_requests_total", "HTTP answers, by path pattern and status.");
    for r in &h.requests {
        out.value(&[("path", r.path), ("status", &r.status.to_string())], r.count);
    }
    out.gauge("http_connections", "HTTP connections that hold a slot.").value(&[], h.connections);
    out.counter("http_refused_total", "HTTP connections turned away for want of a slot.")
        .value(&[], h.refused);
    out.counter("http_timeouts_total", "HTTP connections closed by their deadline.").value(&[], h.timeouts);
    out.counter("http_accept_errors_total", "Failed accepts.").value(&[], h.accept_errors);
}

fn per_feed(out: &mut Exposition, feeds: &[FeedStats], value: impl Fn(&FeedStats) -> u64) {
    for f in feeds {
        out.value(&[("feed", &f.name)], value(f));
    }
}

fn tally(out: &mut Exposition, feed: &str, label: &str, counts: &Tally) {
    for (name, count) in counts.iter() {
        out.value(&[("feed", feed), (label, name)], count);
    }
}

/// The commit the build was told; see `depthd --version`.
fn commit() -> &'static str {
    option_env!("DEPTHD_COMMIT").unwrap_or("unknown")
}
