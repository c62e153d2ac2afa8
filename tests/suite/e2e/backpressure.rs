//! Workers held still while ten times their queue arrives, under each overflow policy and each bound: the queue never
//! passes its bound, every drop is counted and shown as `stale`/`overflow` while it lasts, and every book comes back.

use super::daemon::feed;
use super::local::Local;
use depthd::sim::Sim;
use depthd::sim::config::{Face, SimConfig};
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

const SYMBOLS: usize = 3;
/// The venues ping twice as often, so that only a reader that does not read can miss it.
const IDLE: Duration = Duration::from_secs(2);

/// Which bound is met first.
#[derive(Clone, Copy)]
struct Bound {
    messages: usize,
    /// Large enough for a first book, which is a message like any other.
    bytes: usize,
    /// Messages from each venue while the workers are held: more than ten times what fits.
    burst: u32,
}

const BY_MESSAGES: Bound = Bound { messages: 200, bytes: 8 << 20, burst: 2_000 };
const BY_BYTES: Bound = Bound { messages: 100_000, bytes: 512 << 10, burst: 20_000 };

fn start(policy: &str, bound: Bound) -> (Local, [Sim; 2]) {
    let sims = [Face::CoinApi, Face::Binance].map(|face| {
        let config = SimConfig { symbols: SYMBOLS, rate: 300, ping_every: IDLE / 2, ..SimConfig::new(face) };
        Sim::start(config).expect("a venue")
    });
    let pipeline = format!(
        "[pipeline]\noverflow = \"{policy}\"\nqueue_messages = {}\nqueue_bytes = \"{}KiB\"\n[memory]\nlimit = \"1GiB\"\n",
        bound.messages,
        bound.bytes >> 10
    );
    let idle = format!("idle_timeout = \"{}ms\"", IDLE.as_millis());
    let feeds: String = sims.iter().map(|sim| feed(sim, &idle)).collect();
    let local = Local::start(&format!("{pipeline}{feeds}"));
    local.wait_all_live();
    for sim in &sims {
        sim.quiesce();
        local.wait_read(sim);
        local.wait_settled(sim);
    }
    (local, sims)
}

fn assert_within_bounds(local: &Local, bound: Bound) -> (usize, usize) {
    let (mut messages, mut bytes) = (0, 0);
    for worker in &local.registry.workers {
        let gauge = &worker.gauge;
        let high = (gauge.messages_high.load(SeqCst), gauge.bytes_high.load(SeqCst));
        assert!(high.0 <= gauge.messages_max && high.1 <= gauge.bytes_max, "{gauge:?}");
        messages += gauge.messages_max;
        bytes += gauge.bytes_max;
    }
    assert_eq!((messages, bytes), (bound.messages, bound.bytes), "the workers share the configured bound");
    let sum = |of: fn(&depthd::shell::queue::QueueGauge) -> usize| {
        local.registry.workers.iter().map(|w| of(&w.gauge)).sum::<usize>()
    };
    (sum(|g| g.messages.load(SeqCst)), sum(|g| g.bytes.load(SeqCst)))
}

/// How many books are shown as stale because messages were dropped.
fn overflowed(local: &Local) -> usize {
    let books = local.books();
    assert_eq!(books.len(), 2 * SYMBOLS);
    books.iter().filter(|b| b["state"] == "stale" && b["reason"] == "overflow").count()
}

fn dropping(policy: &str, bound: Bound) {
    let (local, sims) = start(policy, bound);
    let before = sims.each_ref().map(|sim| local.feed(&sim.face().to_string()));
    let hold = local.hold();
    for sim in &sims {
        sim.burst(bound.burst);
    }
    for (sim, before) in sims.iter().zip(&before) {
        let name = sim.face().to_string();
        local.wait_until("the whole burst read", || {
            let received = local.feed(&name).messages.received;
            received == sim.counters().messages_sent
                && received >= before.messages.received + u64::from(bound.burst)
        });
    }
    let (queued, queued_bytes) = assert_within_bounds(&local, bound);
    let held: Vec<_> = sims.iter().map(|sim| local.feed(&sim.face().to_string())).collect();
    for (now, before) in held.iter().zip(&before) {
        assert!(now.messages.lost() > before.messages.lost(), "{}: {:?}", now.name, now.messages);
        assert_eq!(now.gaps, before.gaps, "the workers stand still");
    }
    let in_flight: i64 = held.iter().map(|f| f.messages.in_flight()).sum();
    assert_eq!(in_flight, queued as i64, "what is neither settled nor counted as dropped is in the queue");
    let lost: u64 = held.iter().map(|f| f.messages.lost()).sum();
    assert_eq!(overflowed(&local), 2 * SYMBOLS, "while it lasts: {:?}", local.books());

    // The market goes on; the workers find what there is, and the rest is repaired.
    for sim in &sims {
        sim.set_rate(300);
    }
    drop(hold);
    local.wait_all_live();
    for (sim, before) in sims.iter().zip(&before) {
        sim.quiesce();
        // Repair may be a reconnect, and what was on its way then is read by nobody: so settled, not all that was sent.
        local.wait_settled(sim);
        local.assert_exact(sim);
        let after = local.feed(&sim.face().to_string());
        assert!(after.recoveries.iter().map(|r| r.count).sum::<u64>() >= SYMBOLS as u64, "{after:?}");
        assert_eq!(after.messages.in_flight(), 0, "{:?}", after.messages);
        assert_eq!(after.audit_mismatches, before.audit_mismatches);
        for book in local.stats().books.iter().filter(|b| b.feed == after.name) {
            assert!(book.top.recoveries >= 1, "{} was stale and came back: {:?}", book.symbol, book.top);
        }
    }
    assert_within_bounds(&local, bound);
    eprintln!("{policy}: {queued} messages and {queued_bytes} bytes queued, {lost} dropped and counted");
}

fn blocking(bound: Bound) {
    let (local, sims) = start("block", bound);
    let before = sims.each_ref().map(|sim| local.feed(&sim.face().to_string()));
    let hold = local.hold();
    for sim in &sims {
        sim.burst(bound.burst);
    }
    let arrived = || {
        sims.iter().zip(&before).all(|(sim, before)| {
            sim.counters().messages_sent >= before.messages.received + u64::from(bound.burst)
        })
    };
    local.wait_until("the whole burst sent", arrived);
    // Readers wait with at most one message each in hand; nothing grows meanwhile.
    local.wait_until("a full queue", || {
        let full = |g: &depthd::shell::queue::QueueGauge| {
            g.messages.load(SeqCst) == g.messages_max || g.bytes.load(SeqCst) > g.bytes_max / 2
        };
        local.registry.workers.iter().any(|w| full(&w.gauge))
    });
    assert_within_bounds(&local, bound);
    assert_eq!(overflowed(&local), 0, "nothing is dropped");
    // Longer than a silent venue is borne: the silence is the reader's own.
    let held = Instant::now();
    local.wait_until("a long hold", || held.elapsed() > IDLE + IDLE / 4);
    drop(hold);
    for (sim, before) in sims.iter().zip(&before) {
        local.wait_read(sim);
        local.wait_settled(sim);
        local.wait_all_live();
        local.assert_exact(sim);
        let after = local.feed(&sim.face().to_string());
        assert_eq!(after.messages.lost(), 0);
        assert_eq!(after.gaps, before.gaps);
        assert_eq!(after.reconnects, before.reconnects);
        assert_eq!(after.messages.discarded, before.messages.discarded);
    }
    assert_within_bounds(&local, bound);
}

#[test]
fn drop_newest_keeps_the_bound_and_every_book_comes_back() {
    dropping("drop_newest", BY_MESSAGES);
    dropping("drop_newest", BY_BYTES);
}

#[test]
fn drop_oldest_keeps_the_bound_and_every_book_comes_back() {
    dropping("drop_oldest", BY_MESSAGES);
    dropping("drop_oldest", BY_BYTES);
}

#[test]
fn block_keeps_the_bound_and_drops_nothing() {
    blocking(BY_MESSAGES);
    blocking(BY_BYTES);
}
