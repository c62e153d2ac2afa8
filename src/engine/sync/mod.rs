//! One book and its stream: takes every message, shows `live` only what equals the venue's book, and says what it needs.
//!
//! It owns the book, the replay window and the counts. It never guesses: a message that does not provably follow the
//! one before ends `live` at that message. While it waits for a snapshot it keeps the newest unbroken run of changes,
//! so that the snapshot, whichever way it comes, continues into the present. A message on a live book costs no allocation.
//!
//! `stream` takes what the connection brings, `join` what REST brings, `overlap` what a second connection brings; this file the
//! connection's life and the answers.

mod compare;
mod join;
mod outcome;
mod overlap;
mod rules;
mod stream;
mod window;

pub use compare::Compared;
pub use outcome::{Checks, Counts, Discard, Disposition, Gap, Outcome};

use crate::engine::book::Book;
use crate::engine::checksum::ChecksumRule;
use crate::engine::event::{Precision, Side};
use crate::engine::need::Need;
use crate::engine::state::{StaleReason, State};
use crate::engine::time::{Mono, Stamp, Wall};
use crate::venue::profile::{FirstBook, RestJoin, SequenceRule};
use compare::Comparison;
use std::time::Duration;
use window::Window;

/// How long changes may keep coming before the snapshot the venue promises with "the nearest update".
/// Not less: asking anew costs two of ten control messages in 10 s. Not more: until then the book is not repaired.
const SNAPSHOT_GRACE: Duration = Duration::from_secs(5);

/// What a book is told once about its venue and its bounds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SyncRules {
    pub sequence: SequenceRule,
    pub first_book: FirstBook,
    pub rest_join: RestJoin,
    pub in_band_restart: bool,
    pub crossed_is_fault: bool,
    pub stream_depth: Option<usize>,
    pub checksum: Option<ChecksumRule>,
    pub levels_per_side_max: usize,
    pub window_messages_max: usize,
    pub window_bytes_max: usize,
    /// Fewer levels than this before the edge of what a live book vouches for, and it asks for more.
    pub refresh_levels_min: usize,
}

/// What the book is doing. [`State`] is what it shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    /// No connection carries it.
    Idle,
    /// Only a snapshot in the stream helps; changes before it are dropped, the first of them at `since`.
    Awaiting {
        restarted: bool,
        since: Option<Mono>,
    },
    /// The window collects; any snapshot that joins it helps. `first`: on this connection there was no book yet.
    Broken {
        first: bool,
    },
    /// Joined by time with a snapshot newer than the stream: exact once the stream has passed `until`.
    CatchingUp {
        until: Wall,
    },
    Partial,
    /// Whole and followed, and not shown as live until its checksum, the last of which is `claimed`, can be made.
    /// `restarted`: waiting for that has lasted too long once.
    Proving {
        claimed: u32,
        restarted: bool,
    },
    /// `wanting`: the window it vouches for runs out.
    Live {
        wanting: bool,
    },
    /// Each message replaces the book.
    Tops,
}

/// The machine. See the module page.
pub struct BookSync {
    rules: SyncRules,
    phase: Phase,
    state: State,
    book: Book,
    window: Window,
    comparison: Comparison,
    counts: Counts,
    /// Where the book stands: the number of the last message or snapshot it shows.
    sequence: Option<u64>,
    /// The venue's second count there, where it has one.
    cross: Option<u64>,
    /// That number is a REST snapshot's, which may lie inside the next message.
    joined: bool,
    precision: Option<Precision>,
    checksums: Checks,
    exchange_time: Option<Wall>,
    venue_time: Option<Wall>,
    /// The exchange's time of the message that brought `sequence`; `None` when a REST snapshot did.
    stream_time: Option<Wall>,
    received_at: Stamp,
    /// The number of the last message this connection brought, shown or not: with an empty window, a snapshot older
    /// than this is known to miss something.
    heard: Option<u64>,
    /// The venue's second count in the newest message of any connection: a snapshot from before it is of no use, and may be
    /// of a count that has ended.
    heard_cross: Option<u64>,
    /// Fewer levels than this on a side with an edge, and the book is `wanting`.
    thin_below: usize,
    /// The stream was seen to send complete tops: whatever breaks, the next message repairs.
    tops: bool,
    broken_at: Option<Mono>,
    recovery_took: Option<Duration>,
}

impl BookSync {
    pub fn new(rules: SyncRules) -> BookSync {
        BookSync {
            rules,
            phase: Phase::Idle,
            state: State::Syncing,
            book: Book::of_stream(rules.levels_per_side_max, rules.stream_depth),
            window: Window::new(rules.window_messages_max, rules.window_bytes_max),
            comparison: Comparison::default(),
            counts: Counts::default(),
            sequence: None,
            cross: None,
            joined: false,
            precision: None,
            checksums: Checks::default(),
            exchange_time: None,
            venue_time: None,
            stream_time: None,
            received_at: Stamp::default(),
            heard: None,
            heard_cross: None,
            thin_below: 0,
            tops: false,
            broken_at: None,
            recovery_took: None,
        }
    }

    /// A new connection carries this book from here on. What was shown stays shown, stale, until a new book is there.
    pub fn opened(&mut self, now: Stamp) {
        self.lost(now, StaleReason::Disconnected);
        self.heard = None;
        self.phase = match self.rules.first_book {
            FirstBook::InBand => Phase::Awaiting { restarted: false, since: None },
            FirstBook::Rest => Phase::Broken { first: true },
        };
    }

    /// The stream lost something: the connection, or one message of this book. After anything but
    /// [`StaleReason::Disconnected`] it goes on, and the window begins anew with the next message.
    pub fn lost(&mut self, now: Stamp, reason: StaleReason) {
        if self.phase == Phase::Idle {
            return;
        }
        if reason == StaleReason::Disconnected {
            self.counts.drop_kept(Discard::Disconnected, self.window.buffered());
            self.window.release();
            self.comparison.end();
            self.phase = Phase::Idle;
            if self.state != State::Syncing {
                self.show_stale(now, reason);
            }
        } else {
            self.counts.gaps += 1;
            self.break_chain(now, reason);
        }
        self.assert_law();
    }

    /// We took the symbol out of the subscription to have it restarted: from here on messages may be missing, and
    /// only the snapshot that begins the new run counts. REST cannot help: nothing tells whether the stream covers
    /// what happens after such a snapshot.
    pub fn withdrawn(&mut self, now: Stamp) {
        if self.phase == Phase::Idle {
            return;
        }
        let known = matches!(self.state, State::Live | State::Partial { .. });
        self.cut_window(Discard::Gap);
        self.window.release();
        if known {
            self.show_stale(now, StaleReason::Gap);
        }
        self.phase = Phase::Awaiting { restarted: true, since: None };
        self.assert_law();
    }

    /// What would help now; stands until it changes.
    pub fn need(&self) -> Need {
        let complete = if self.rules.in_band_restart { Need::Complete } else { Need::Nothing };
        match self.phase {
            Phase::Idle | Phase::Tops => Need::Nothing,
            _ if self.tops => Need::Nothing,
            Phase::Awaiting { restarted: false, .. }
            | Phase::Broken { first: true }
            | Phase::Proving { restarted: false, .. } => Need::First,
            Phase::Broken { first: false } => Need::Repair(self.stale_reason()),
            Phase::Proving { restarted: true, .. } => Need::Repair(StaleReason::Checksum),
            Phase::Awaiting { restarted: true, .. } | Phase::CatchingUp { .. } | Phase::Partial => complete,
            Phase::Live { wanting: false } => Need::Nothing,
            Phase::Live { wanting: true } => match self.rules.rest_join {
                RestJoin::BySequence => Need::Refresh,
                RestJoin::ByTime | RestJoin::Never => complete,
            },
        }
    }

    pub fn state(&self) -> State {
        self.state
    }

    /// The last known levels; [`BookSync::state`] says what they are worth.
    pub fn book(&self) -> &Book {
        &self.book
    }

    /// The number of the last message or snapshot the book shows.
    pub fn sequence(&self) -> Option<u64> {
        self.sequence
    }

    /// The exchange's time of what the book shows, where the exchange said one.
    pub fn exchange_time(&self) -> Option<Wall> {
        self.exchange_time
    }

    /// When the book last took something.
    pub fn received_at(&self) -> Stamp {
        self.received_at
    }

    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// From the last break to the state the stream allows at best, of the last recovery.
    pub fn recovery_took(&self) -> Option<Duration> {
        self.recovery_took
    }

    /// Comparisons of the book with its venue's sums.
    pub fn checksums(&self) -> Checks {
        self.checksums
    }

    /// Heap memory held now.
    pub fn heap_bytes(&self) -> usize {
        self.book.heap_bytes() + self.window.heap_bytes() + self.comparison.heap_bytes()
    }

    /// The most heap memory one book with these rules holds. [`BookSync::snapshot`] builds the new book beside the old
    /// one: while it runs (once a thread at a time) there is one [`Book::bytes_max`] more; and so there is for one book a
    /// venue while a [comparison](BookSync::compare) waits for the stream.
    pub fn bytes_max(rules: &SyncRules) -> usize {
        Book::bytes_max(Book::levels_max(rules.levels_per_side_max, rules.stream_depth))
            .saturating_add(rules.window_bytes_max)
    }

    fn stale_reason(&self) -> StaleReason {
        match self.state {
            State::Stale { reason, .. } => reason,
            State::Syncing | State::Live | State::Partial { .. } => StaleReason::Gap,
        }
    }

    /// Ends what was known: stale, and the window begins anew.
    fn break_chain(&mut self, now: Stamp, reason: StaleReason) {
        self.cut_window(Discard::Gap);
        self.show_stale(now, reason);
        self.phase = Phase::Broken { first: false };
    }

    /// Shows `stale`, since the first of the reasons and for the latest.
    fn show_stale(&mut self, now: Stamp, reason: StaleReason) {
        let since = match self.state {
            State::Stale { since, .. } => since,
            State::Syncing | State::Live | State::Partial { .. } => now,
        };
        self.state = State::Stale { reason, since };
        self.broken_at.get_or_insert(now.mono);
    }

    /// What the window held is gone, and so is what a comparison would have to be made of.
    fn cut_window(&mut self, why: Discard) {
        self.comparison.end();
        self.counts.drop_kept(why, self.window.buffered());
        self.window.empty();
    }

    fn go_live(&mut self, now: Stamp) {
        let to_edge = |side| self.book.len_to_edge(side).unwrap_or(self.rules.levels_per_side_max);
        // Half of what the snapshot brought at most: else a shallow venue or a small cap would ask for ever.
        self.thin_below = self.rules.refresh_levels_min.min(to_edge(Side::Bid).min(to_edge(Side::Ask)) / 2);
        if self.book.slides() {
            self.thin_below = 0; // what leaves the far end is sent again when it comes back
        }
        self.phase = Phase::Live { wanting: false };
        self.state = State::Live;
        self.settle(now);
    }

    /// The best state this stream allows is reached.
    fn settle(&mut self, now: Stamp) {
        self.comparison.end();
        self.window.release();
        if let Some(broken_at) = self.broken_at.take() {
            self.counts.recoveries += 1;
            self.recovery_took = Some(now.mono.since(broken_at));
        }
    }

    /// A live book keeps what comes for a newer snapshot to join.
    fn wants_window(&self) -> bool {
        self.phase == Phase::Live { wanting: true } && self.rules.rest_join == RestJoin::BySequence
    }

    /// True when the book shows what on this venue can only be an error.
    fn is_wrongly_crossed(&self, book: &Book) -> bool {
        self.rules.crossed_is_fault && book.is_crossed()
    }

    /// Levels of the thinner side: what a book between two edges is exact for.
    fn exact_depth(book: &Book) -> u32 {
        let levels = book.len(Side::Bid).min(book.len(Side::Ask));
        u32::try_from(levels).unwrap_or(u32::MAX)
    }

    /// True when a side has no level left before its edge: its best price is unknown.
    fn is_exhausted(book: &Book) -> bool {
        [Side::Bid, Side::Ask].into_iter().any(|side| book.len_to_edge(side) == Some(0))
    }

    /// I7: every message is in exactly one place.
    fn assert_law(&self) {
        debug_assert!(self.counts.balance(), "messages do not add up: {:?}", self.counts);
        debug_assert_eq!(self.counts.buffered, self.window.buffered(), "the window and its count differ");
    }
}
