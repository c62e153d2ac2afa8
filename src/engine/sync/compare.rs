//! A live book against a snapshot of its venue that nobody needed: the witness of last resort, level by level.
//!
//! While the call is out the replay window keeps what the stream brings, so that the snapshot can be continued to where
//! the book stands; one that is ahead of the stream is held until the stream has reached it. The book stays live all
//! along, unless the two differ. Whatever cannot be compared (too old, unusable, too late) proves nothing and counts as
//! nothing.

use super::join::is_no_older;
use super::{BookSync, Phase};
use crate::engine::book::Book;
use crate::engine::event::{BookEvent, Level, Side, Snapshot, Span};
use crate::engine::evidence::Difference;
use crate::engine::need::Joined;
use crate::engine::sequence::{falls, known_before};
use crate::engine::state::StaleReason;
use crate::engine::time::{Mono, Stamp, Wall};

/// How long after it was asked for a snapshot is still compared. An answer and the stream's next message take a second or
/// two together; more would only hold memory. It is far less than two audits of a venue are apart, so that one book
/// of a venue is held at a time.
const COMPARED_WITHIN: std::time::Duration = std::time::Duration::from_secs(5);

/// What became of the snapshot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Compared {
    Equal,
    /// The book is stale from here on; [`BookSync::take_difference`] has the evidence.
    Differs,
    /// It is ahead of the stream, which will reach it.
    Held,
    /// Nothing was learned.
    Not,
}

/// How far it has come. At most one at a time.
#[derive(Default)]
pub(super) enum Stage {
    #[default]
    Idle,
    /// The window keeps what comes.
    Collecting { asked: Mono },
    /// The venue's book at `at`, which the stream has not reached.
    Held { asked: Mono, at: u64, time: Option<Wall>, twin: Box<Book> },
}

/// A book's comparisons with snapshots.
#[derive(Default)]
pub(super) struct Comparison {
    pub stage: Stage,
    made: u64,
    differed: u64,
    difference: Option<Box<Difference>>,
}

impl Comparison {
    pub const fn is_under_way(&self) -> bool {
        !matches!(self.stage, Stage::Idle)
    }

    /// Forgets what is under way, and nothing that was learned.
    pub fn end(&mut self) {
        self.stage = Stage::Idle;
    }

    pub fn heap_bytes(&self) -> usize {
        match &self.stage {
            Stage::Held { twin, .. } => twin.heap_bytes(),
            Stage::Idle | Stage::Collecting { .. } => 0,
        }
    }

    const fn collects(&self) -> bool {
        matches!(self.stage, Stage::Collecting { .. })
    }
}

impl BookSync {
    /// Whether a snapshot that has the stream's own numbers could be compared with the book.
    pub fn is_comparable(&self) -> bool {
        matches!(self.phase, Phase::Live { .. }) && self.sequence.is_some()
    }

    /// A snapshot is being asked for, to be compared: what comes from here on is kept for it.
    pub fn expect_comparison(&mut self, asked: Mono) {
        self.end_comparison();
        if self.is_comparable() {
            self.comparison.stage = Stage::Collecting { asked };
        }
    }

    /// The snapshot that was asked for then.
    pub fn compare(&mut self, now: Stamp, asked: Mono, snapshot: &Snapshot) -> Compared {
        match self.comparison.stage {
            Stage::Collecting { asked: expected } if expected == asked => {}
            Stage::Idle | Stage::Collecting { .. } | Stage::Held { .. } => return Compared::Not,
        }
        let compared = match self.twin_of(now, asked, snapshot) {
            Err(_) => Compared::Not,
            Ok((at, twin)) if Some(at) > self.sequence => {
                self.comparison.stage =
                    Stage::Held { asked, at, time: snapshot.exchange_time, twin: Box::new(twin) };
                self.shed_window();
                return Compared::Held;
            }
            Ok((at, twin)) => self.judge_twin(at, snapshot.exchange_time, &twin),
        };
        self.end_comparison();
        if compared == Compared::Differs {
            self.counts.gaps += 1;
            self.break_chain(now, StaleReason::Checksum);
        }
        self.assert_law();
        compared
    }

    /// Lets go of a comparison that comes to nothing.
    pub fn heed_comparison(&mut self, now: Mono) {
        match self.comparison.stage {
            Stage::Collecting { asked } | Stage::Held { asked, .. } if is_late(now, asked) => {
                self.end_comparison()
            }
            Stage::Idle | Stage::Collecting { .. } | Stage::Held { .. } => {}
        }
    }

    /// Where the last snapshot that differed did so. Told once.
    pub fn take_difference(&mut self) -> Option<Difference> {
        self.comparison.difference.take().map(|difference| *difference)
    }

    /// Comparisons made, and how many of them found a difference.
    pub fn comparisons(&self) -> super::Checks {
        super::Checks { made: self.comparison.made, differed: self.comparison.differed }
    }

    /// A live book took this message while a comparison is under way. True when the book turned out to be wrong.
    pub(super) fn compare_on(
        &mut self,
        now: Stamp,
        event: &BookEvent,
        span: Span,
        bids: &[Level],
        asks: &[Level],
    ) -> bool {
        // Where numbers fall nobody knows of which count the snapshot is.
        if falls(span) {
            self.end_comparison();
            return false;
        }
        self.heed_comparison(now.mono);
        if self.comparison.collects() && !self.wants_window() {
            // Shown already, so whatever slides out here was never counted as buffered.
            self.window.push(event, span, bids, asks, true);
        }
        let Stage::Held { at, time, ref mut twin, .. } = self.comparison.stage else { return false };
        if span.last < at {
            return false;
        }
        let usable = span.last == at || twin.apply(bids, asks).is_ok();
        let Stage::Held { twin, .. } = std::mem::take(&mut self.comparison.stage) else { return false };
        usable && self.is_usable(&twin) && self.judge_twin(at, time, &twin) == Compared::Differs
    }

    /// What is left of a comparison is of no use any more.
    pub(super) fn end_comparison(&mut self) {
        if self.comparison.is_under_way() {
            self.comparison.end();
            self.shed_window();
        }
    }

    fn shed_window(&mut self) {
        if matches!(self.phase, Phase::Live { .. }) && !self.wants_window() {
            self.window.release();
        }
    }

    /// The snapshot, continued to where the book stands as far as the stream has come, and its number.
    fn twin_of(&mut self, now: Stamp, asked: Mono, snapshot: &Snapshot) -> Result<(u64, Book), Joined> {
        let at = snapshot.sequence.ok_or(Joined::Unusable)?;
        // The window may have lost its oldest, or been too small for a single one: all since `at` must be in it.
        let reached = match (self.window.first(), self.sequence) {
            (Some(first), _) => known_before(first.span) <= at,
            (None, stands) => stands <= Some(at) && is_no_older(snapshot.cross, self.cross),
        };
        if !reached || !self.window.agrees(at, snapshot.cross) || is_late(now.mono, asked) {
            return Err(Joined::TooOld);
        }
        let mut twin = self.of_snapshot(snapshot)?;
        self.replay_into(&mut twin, Some(at))?;
        if self.is_usable(&twin) { Ok((at, twin)) } else { Err(Joined::Unusable) }
    }

    fn is_usable(&self, twin: &Book) -> bool {
        !self.is_wrongly_crossed(twin) && !BookSync::is_exhausted(twin)
    }

    /// Compares inside the prices that both vouch for.
    fn judge_twin(&mut self, at: u64, time: Option<Wall>, twin: &Book) -> Compared {
        let (here, there) = (self.book.window(), twin.window());
        let low = here.low.max(there.low);
        let high = [here.high, there.high].into_iter().flatten().min();
        let mut levels = 0;
        for side in [Side::Bid, Side::Ask] {
            let vouched = |level: &Level| match side {
                Side::Bid => low.is_none_or(|low| level.price >= low),
                Side::Ask => high.is_none_or(|high| level.price <= high),
            };
            let mut ours = self.book.levels(side).take_while(vouched);
            let mut theirs = twin.levels(side).take_while(vouched);
            loop {
                let (ours, theirs) = match (ours.next(), theirs.next()) {
                    (None, None) => break,
                    (ours, theirs) if ours == theirs => {
                        levels += 1;
                        continue;
                    }
                    differing => differing,
                };
                self.comparison.made += 1;
                self.comparison.differed += 1;
                let sequence = self.sequence;
                let difference = Difference { side, ours, theirs, sequence, snapshot: at, time };
                self.comparison.difference = Some(Box::new(difference));
                return Compared::Differs;
            }
        }
        // Two books that have no price in common say nothing of one another.
        if levels == 0 {
            return Compared::Not;
        }
        self.comparison.made += 1;
        Compared::Equal
    }
}

fn is_late(now: Mono, asked: Mono) -> bool {
    now.since(asked) > COMPARED_WITHIN
}
