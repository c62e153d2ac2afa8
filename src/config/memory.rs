//! The worst case in bytes: every buffer of the program at its bound, before any of them exists.
//!
//! Pure arithmetic over a checked configuration. The constants are the bounds the other parts keep; where one of them
//! changes, it changes here or a test of that part fails. Rows are generous where the exact figure depends on an
//! allocator's growth, never the other way: start is refused when the sum exceeds `[memory] limit`.

use super::checked::{Config, Feed};
use crate::engine::book::Book;
use crate::engine::event::{Channel, Level};
use crate::engine::view::{LiquidationView, TradeView};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

/// A REST body. The deepest book a venue hands out (5,000 levels a side) is 400 KiB; five times that is no book.
pub const REST_BODY_BYTES_MAX: u64 = 2 * MIB;
/// Levels a side of one message or body; what is deeper is refused by the decoder.
pub const MESSAGE_LEVELS_MAX: u64 = 20_000;
/// One HTTP answer, and how many may be under way behind the gate at once. A book of 5,000 levels a side is 400 KiB.
pub const HTTP_ANSWER_BYTES_MAX: u64 = MIB;
pub const HTTP_UPSTREAM_MAX: u64 = 4;
/// Threads of tiny_http that make answers, each holding one and its text while it does.
pub const HTTP_HANDLERS: u64 = 2;
/// A request head, and what the gate keeps beside it; refused connections linger for a moment beside the slots.
pub const HTTP_SLOT_BYTES: u64 = 4 * KIB + 512;
pub const HTTP_LINGERING_MAX: u64 = 32;
/// Stack of every thread of ours. The deepest is a TLS handshake, some 60 KiB in a debug build.
pub const STACK_BYTES: u64 = 256 * KIB;
/// tungstenite's read buffer, the read-ahead under TLS, rustls' own records, and what may wait to be written.
pub const TRANSPORT_BYTES: u64 = 128 * KIB + MIB;
/// A buffer of frames between one reader and one worker: each worker keeps some empty ones, each reader fills one.
pub const BATCH_BYTES: u64 = 64 * KIB;
pub const BATCHES_KEPT: u64 = 8;
/// Connections that may have a second one beside them at once, to take over from them; others wait for their turn. Each
/// handover takes seconds and has hours, or the minute of a notice, and costs what a connection costs.
pub const HANDOVERS_MAX: usize = 2;
/// Lines on their way to the log, and the longest of them.
pub const LOG_LINES_MAX: u64 = 256;
pub const LOG_LINE_BYTES_MAX: u64 = 2 * KIB;

/// Beside each queued message, where each has a batch of its own and a mark of a lost one after it: two places in the
/// channel of some 100 bytes, and twice the four entries of 56 bytes that a vector begins with.
const QUEUED_MESSAGE_BYTES: u64 = 2 * (104 + 4 * 56);
/// Names, counters and the shown top of a book; counters and histograms of a feed.
const BOOK_COUNTERS_BYTES: u64 = 2 * KIB;
const FEED_COUNTERS_BYTES: u64 = 64 * KIB;
/// The program itself, its allocator and trust anchors: 4.9 MB resident when idle, measured, threads included.
const BASE_BYTES: u64 = 6 * MIB;
/// tiny_http's own threads have stacks of 2 MiB that it never uses; this much of them is ever touched.
pub(super) const TINY_HTTP_THREADS: u64 = 8;
const TOUCHED_STACK_BYTES: u64 = 64 * KIB;
/// Main's helpers: signals, log, recovery, resolver, http gate and its two handlers.
pub(super) const HELPER_THREADS: u64 = 7;

/// One kind of buffer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Row {
    pub name: &'static str,
    pub count: u64,
    pub each_bytes: u64,
}

/// The rows, and the limit they have to fit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Table {
    pub rows: Vec<Row>,
    pub limit_bytes: u64,
    pub limit_source: &'static str,
}

impl Row {
    pub fn total_bytes(&self) -> u64 {
        self.count.saturating_mul(self.each_bytes)
    }
}

impl Table {
    pub fn total_bytes(&self) -> u64 {
        self.rows.iter().fold(0, |sum, row| sum.saturating_add(row.total_bytes()))
    }

    pub fn fits(&self) -> bool {
        self.total_bytes() <= self.limit_bytes
    }

    /// Why start is refused, and what can be done.
    pub fn refusal(&self) -> String {
        format!(
            "memory.limit: the worst case of {} does not fit the limit of {} ({}): raise the limit, or lower the largest \
             rows, with fewer symbols, books.levels, max_message or queue_bytes",
            rounded(self.total_bytes()),
            rounded(self.limit_bytes),
            self.limit_source
        )
    }
}

/// Adds up a configuration. Feeds that are not enabled cost nothing.
pub fn worst_case(config: &Config) -> Table {
    let books = &config.books;
    let workers = config.pipeline.workers as u64;
    let sum = |of: &dyn Fn(&Feed) -> u64| config.enabled().map(of).sum::<u64>();
    let connections = sum(&|feed| feed.connections() as u64);
    let symbols = sum(&|feed| feed.symbols.len() as u64);
    let tapes_of =
        |channel| sum(&|feed| feed.symbols.len() as u64 * u64::from(feed.channels.contains(&channel)));
    // Where no channel brings levels, no book ever takes any.
    let followed = sum(&|feed| feed.symbols.len() as u64 * u64::from(feed.carries_books()));
    // Of the largest that may have a second one beside them.
    let messages_bytes = sum(&|feed| feed.connections() as u64 * feed.max_message as u64)
        + handovers(config).map(|feed| feed.max_message as u64).sum::<u64>();
    let connections = connections + handovers(config).count() as u64;
    // A stream of fewer levels than the cap makes a smaller book.
    let book_bytes = |feed: &Feed| {
        let levels_max = Book::levels_max(books.levels, feed.profile.stream_depth);
        feed.symbols.len() as u64 * u64::from(feed.carries_books()) * Book::bytes_max(levels_max) as u64
    };
    let books_bytes = sum(&book_bytes);
    // One of each venue at a time, for as long as a snapshot waits for the stream to reach it.
    let comparing = config.enabled().filter(|feed| feed.profile.snapshots_compare);
    let compared: BTreeSet<&str> = comparing.map(|feed| feed.venue_name.as_str()).collect();
    let largest_book = Book::bytes_max(books.levels) as u64;
    let callers = rest_callers(config);
    let level = size_of::<Level>() as u64;
    let decoded = 2 * MESSAGE_LEVELS_MAX * level;

    let row = |name, count, each_bytes| Row { name, count, each_bytes };
    let rows = vec![
        row("worker queues, bytes", 1, config.pipeline.queue_bytes as u64),
        row("worker queues, messages", config.pipeline.queue_messages as u64, QUEUED_MESSAGE_BYTES),
        row("largest message per connection", 1, messages_bytes),
        row("transport buffers", connections, TRANSPORT_BYTES),
        row("frames in flight", workers * (BATCHES_KEPT + connections), BATCH_BYTES),
        row("decode scratch, deep snapshots", workers, 2 * decoded),
        row("books, all together", 1, books_bytes),
        row("books compared with a snapshot", compared.len() as u64, largest_book),
        row("resync windows", followed, books.resync_buffer as u64),
        row("trade rings", tapes_of(Channel::Trade), books.trades as u64 * size_of::<TradeView>() as u64),
        row(
            "liquidation rings",
            tapes_of(Channel::Liquidation),
            books.trades as u64 * size_of::<LiquidationView>() as u64,
        ),
        row("counters of a book", symbols, BOOK_COUNTERS_BYTES),
        row("counters of a feed", config.enabled().count() as u64, FEED_COUNTERS_BYTES),
        row("REST answers", callers, REST_BODY_BYTES_MAX + decoded),
        row("http slots", config.http.max_connections as u64 + HTTP_LINGERING_MAX, HTTP_SLOT_BYTES),
        row("http answers", HTTP_UPSTREAM_MAX + 2 * HTTP_HANDLERS, HTTP_ANSWER_BYTES_MAX),
        row("log lines", LOG_LINES_MAX, LOG_LINE_BYTES_MAX),
        row("thread stacks", connections + workers + callers + HELPER_THREADS, STACK_BYTES),
        row("tiny_http threads, touched", TINY_HTTP_THREADS, TOUCHED_STACK_BYTES),
        row("program and allocator", 1, BASE_BYTES),
    ];
    let memory = &config.memory;
    Table { rows, limit_bytes: memory.limit_bytes, limit_source: memory.limit_source.describe() }
}

/// The feeds of the connections that may have a second one beside them at once, largest messages first.
pub(super) fn handovers(config: &Config) -> impl Iterator<Item = &Feed> {
    let may = config.enabled().filter(|feed| feed.profile.handover);
    let mut each: Vec<&Feed> = may.flat_map(|feed| std::iter::repeat_n(feed, feed.connections())).collect();
    each.sort_by_key(|feed| std::cmp::Reverse(feed.max_message));
    each.into_iter().take(HANDOVERS_MAX)
}

/// REST callers over all venues: concurrency is a venue's, so that two of its feeds share it.
pub(super) fn rest_callers(config: &Config) -> u64 {
    let mut callers: BTreeMap<&str, usize> = BTreeMap::new();
    for feed in config.enabled() {
        let most = callers.entry(&feed.venue_name).or_default();
        *most = (*most).max(feed.recovery.max_concurrent);
    }
    callers.values().sum::<usize>() as u64
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<32}{:>8}  {:>12}  {:>12}", "worst case", "count", "each", "total")?;
        for row in &self.rows {
            let (each, total) = (rounded(row.each_bytes), rounded(row.total_bytes()));
            writeln!(f, "{:<32}{:>8}  {each:>12}  {total:>12}", row.name, row.count)?;
        }
        writeln!(f, "{:<54}  {:>12}", "sum", rounded(self.total_bytes()))?;
        let limit = format!("limit ({})", self.limit_source);
        write!(f, "{limit:<54}  {:>12}", rounded(self.limit_bytes))
    }
}

/// Exact below 10 KiB, else in KiB or MiB, rounded up: a table that rounds down would lie in the wrong direction.
fn rounded(bytes: u64) -> String {
    match bytes {
        0..10_240 => format!("{bytes} B"),
        10_240..10_485_760 => format!("{} KiB", bytes.div_ceil(KIB)),
        _ => format!("{} MiB", bytes.div_ceil(MIB)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::fixture;

    fn table(text: &str) -> Table {
        let config =
            fixture::with_env(&[("COINAPI_KEY", "k")], |around| Config::from_toml(text, "t", around));
        worst_case(&config.expect("a good configuration"))
    }

    const FEED: &str =
        "[memory]\nlimit = \"64MiB\"\n[[feed]]\nname = \"a\"\nvenue = \"coinapi\"\nsymbols = [\"AB\"]\n";

    #[test]
    fn the_defaults_fit_the_documented_limit() {
        let table = table(FEED);
        assert!(table.fits(), "{table}");
        assert_eq!(table.total_bytes(), table.rows.iter().map(Row::total_bytes).sum::<u64>());
    }

    #[test]
    fn every_bound_counts() {
        let base = table(FEED).total_bytes();
        let with =
            |extra: &str| table(&FEED.replace("[[feed]]", &format!("{extra}\n[[feed]]"))).total_bytes();
        assert_eq!(with("[pipeline]\nqueue_bytes = \"9MiB\""), base + MIB);
        assert_eq!(with("[books]\nlevels = 2001"), base + Book::bytes_max(1) as u64);
        assert_eq!(with("[books]\nresync_buffer = \"129KiB\""), base + KIB);
        assert_eq!(with("[http]\nmax_connections = 65"), base + HTTP_SLOT_BYTES);
        assert!(with("[recovery]\nmax_concurrent = 3") > base + REST_BODY_BYTES_MAX);
        assert_eq!(table(&format!("{FEED}enabled = false")).rows[6].total_bytes(), 0);
    }

    #[test]
    fn rings_and_books_count_where_a_channel_fills_them() {
        let with = |channels: &str| table(&format!("{FEED}channels = {channels}\n"));
        let row = |table: &Table, name: &str| {
            table.rows.iter().find(|row| row.name == name).map(Row::total_bytes).expect("a row")
        };
        let [book, both, apart] =
            [r#"["book"]"#, r#"["book", "liquidation"]"#, r#"["liquidation"]"#].map(with);
        let ring = 100 * size_of::<LiquidationView>() as u64;
        assert_eq!(both.total_bytes(), book.total_bytes() + ring);
        for (table, rings) in [(&book, 0), (&both, ring), (&apart, ring)] {
            assert_eq!(row(table, "liquidation rings"), rings);
        }
        for name in ["books, all together", "resync windows"] {
            assert!(row(&both, name) > 0 && row(&apart, name) == 0, "{name}");
        }
    }

    #[test]
    fn one_book_a_venue_is_compared_at_a_time() {
        let two = FEED.replace("coinapi", "binance");
        let two = format!("{two}[[feed]]\nname = \"b\"\nvenue = \"binance\"\nsymbols = [\"CD\"]\n");
        let compared =
            |table: &Table| table.rows.iter().find(|row| row.name.contains("compared")).map(|row| row.count);
        assert_eq!((compared(&table(&two)), compared(&table(FEED))), (Some(1), Some(0)));
    }

    #[test]
    fn feeds_of_one_venue_share_their_callers() {
        let two = format!("{FEED}[[feed]]\nname = \"b\"\nvenue = \"coinapi\"\nsymbols = [\"CD\"]\n");
        let count =
            |table: &Table| table.rows.iter().find(|row| row.name == "REST answers").map(|row| row.count);
        assert_eq!(count(&table(&two)), Some(2));
        let other = two.replace("name = \"b\"\nvenue = \"coinapi\"", "name = \"b\"\nvenue = \"binance\"");
        assert_eq!(count(&table(&other)), Some(4));
    }

    #[test]
    fn shown_figures_never_round_down() {
        assert_eq!(rounded(5 * KIB), "5120 B");
        assert_eq!(rounded(100 * KIB + 1), "101 KiB");
        assert_eq!(rounded(16 * MIB + 1), "17 MiB");
    }
}
