//! What REST brings: a book of some instant, continued to the present by the replay window.
//!
//! All or nothing: the new book is built beside the old one and takes its place only when everything fits, so a
//! snapshot that cannot join changes neither what is shown nor what is kept.

use super::{BookSync, Discard, Phase};
use crate::engine::book::{Book, Window, check_signs};
use crate::engine::decimal::Decimal;
use crate::engine::event::{Level, Snapshot};
use crate::engine::need::Joined;
use crate::engine::sequence::known_before;
use crate::engine::state::State;
use crate::engine::time::Stamp;
use crate::venue::profile::{RestJoin, SequenceRule};

impl BookSync {
    /// Takes a REST snapshot. After [`Joined::Partial`] the book may still be stale for as long as the stream is
    /// behind the snapshot; it turns partial by itself.
    pub fn snapshot(&mut self, now: Stamp, snapshot: &Snapshot) -> Joined {
        let by_sequence = self.rules.rest_join == RestJoin::BySequence;
        let needed = match self.phase {
            _ if self.rules.rest_join == RestJoin::Never => false,
            Phase::Broken { .. } => !self.tops,
            Phase::Live { wanting } => wanting && by_sequence,
            Phase::Idle
            | Phase::Awaiting { .. }
            | Phase::CatchingUp { .. }
            | Phase::Proving { .. }
            | Phase::Partial
            | Phase::Tops => false,
        };
        let joined = match needed {
            false => Err(Joined::NotNeeded),
            true if by_sequence => self.join_by_sequence(now, snapshot),
            true => self.join_by_time(now, snapshot),
        };
        self.assert_law();
        joined.unwrap_or_else(|why_not| why_not)
    }

    /// The snapshot's number says where in the stream it belongs: what ended at or before it is in it.
    fn join_by_sequence(&mut self, now: Stamp, snapshot: &Snapshot) -> Result<Joined, Joined> {
        let at = snapshot.sequence.ok_or(Joined::Unusable)?;
        // The stream must go on where the snapshot ends: from the window, or from what is still to come.
        let reached = match (self.window.first(), self.heard) {
            (Some(first), _) if self.rules.sequence == SequenceRule::Chained => {
                // Beyond the stream it may be of the count before, or of the one after.
                let last = self.window.last().map_or(0, |kept| kept.span.last);
                (known_before(first.span)..=last).contains(&at)
            }
            (Some(first), _) => known_before(first.span) <= at,
            (None, heard) => heard <= Some(at) && is_no_older(snapshot.cross, self.heard_cross),
        };
        if !reached || !self.window.agrees(at, snapshot.cross) {
            return Err(Joined::TooOld);
        }
        let mut book = self.of_snapshot(snapshot)?;
        self.replay_into(&mut book, Some(at))?;
        if self.is_wrongly_crossed(&book) {
            return Err(Joined::Unusable);
        }
        self.take(now, book, snapshot, Some(at));
        self.go_live(now);
        Ok(Joined::Live)
    }

    /// The book that a numbered snapshot shows.
    pub(super) fn of_snapshot(&self, snapshot: &Snapshot) -> Result<Book, Joined> {
        // A side as long as an answer can be is cut off there; below its last level nothing is known.
        let limit = snapshot.depth_limit.unwrap_or(0).max(1) as usize;
        // All that the stream itself carries is no less than the stream.
        let whole = self.book.slides() && self.rules.stream_depth.is_some_and(|depth| limit >= depth);
        let cut_off = |levels: &[Level]| levels.len() >= limit && !whole;
        let window = Window {
            low: lowest(&snapshot.bids).filter(|_| cut_off(&snapshot.bids)),
            high: highest(&snapshot.asks).filter(|_| cut_off(&snapshot.asks)),
        };
        self.loaded(&snapshot.bids, &snapshot.asks, window)
    }

    /// The snapshot has no number, but changes carry absolute sizes: replaying all of an unbroken run that begins no
    /// later than the snapshot leaves each level at its newest value, and the operator's stamps prove the "no later".
    /// The result is a book of one instant once the stream has passed the snapshot's own.
    fn join_by_time(&mut self, now: Stamp, snapshot: &Snapshot) -> Result<Joined, Joined> {
        let stamp = snapshot.venue_time.ok_or(Joined::Unusable)?;
        let first = self.window.first().and_then(|kept| kept.venue_time);
        if first.is_none_or(|first| stamp < first) {
            return Err(Joined::TooOld);
        }
        let bids = summed(&snapshot.bids).ok_or(Joined::Unusable)?;
        let asks = summed(&snapshot.asks).ok_or(Joined::Unusable)?;
        // Nothing says how deep the answer may be, so it is taken to be cut off where it ends.
        let window = Window { low: lowest(&bids), high: highest(&asks) };
        let mut book = self.loaded(&bids, &asks, window)?;
        if BookSync::exact_depth(&book) == 0 {
            return Err(Joined::Unusable);
        }
        self.replay_into(&mut book, None)?;
        let passed = self.window.iter().any(|kept| kept.venue_time.is_some_and(|time| time >= stamp));
        if passed && self.is_wrongly_crossed(&book) {
            return Err(Joined::Unusable);
        }
        let exact_depth = BookSync::exact_depth(&book);
        if exact_depth == 0 {
            return Err(Joined::TooOld); // the market has left its prices since
        }
        self.take(now, book, snapshot, None);
        self.window.release();
        if passed {
            self.state = State::Partial { exact_depth };
            self.phase = Phase::Partial;
        } else {
            self.phase = Phase::CatchingUp { until: stamp };
        }
        Ok(Joined::Partial)
    }

    fn loaded(&self, bids: &[Level], asks: &[Level], window: Window) -> Result<Book, Joined> {
        let mut book = Book::of_stream(self.rules.levels_per_side_max, self.rules.stream_depth);
        book.load(bids, asks, window).map_err(|_| Joined::Unusable)?;
        if book.is_empty() || self.is_wrongly_crossed(&book) {
            return Err(Joined::Unusable);
        }
        Ok(book)
    }

    /// Continues `book` with every kept message that ends after `at`.
    pub(super) fn replay_into(&mut self, book: &mut Book, at: Option<u64>) -> Result<(), Joined> {
        let replayed =
            self.window.replay(
                |kept, bids, asks| {
                    if Some(kept.span.last) <= at { Ok(()) } else { book.apply(bids, asks) }
                },
            );
        if replayed.is_err() {
            // No snapshot joins a message that no book can hold. A live book did hold it: that one stays as it is.
            if matches!(self.phase, Phase::Broken { .. }) {
                self.cut_window(Discard::Invalid);
            }
            return Err(Joined::Unusable);
        }
        if BookSync::is_exhausted(book) { Err(Joined::TooOld) } else { Ok(()) }
    }

    /// Puts the new book in place of the old one, and the kept messages where they ended up.
    fn take(&mut self, now: Stamp, book: Book, snapshot: &Snapshot, at: Option<u64>) {
        let superseded = |last: u64| Some(last) <= at;
        let kept = || self.window.iter().filter(|kept| !kept.applied);
        let older = kept().filter(|kept| superseded(kept.span.last)).count() as u64;
        let shown = kept().count() as u64 - older;
        self.counts.drop_kept(Discard::Superseded, older);
        self.counts.buffered -= shown;
        self.counts.applied += shown;

        let last = self.window.last().copied().filter(|kept| !superseded(kept.span.last));
        self.sequence = last.map(|kept| kept.span.last).or(at);
        self.cross = last.map_or(snapshot.cross, |kept| kept.cross);
        self.joined = last.is_none();
        self.heard = self.heard.max(self.sequence);
        self.exchange_time = last.map_or(snapshot.exchange_time, |kept| kept.exchange_time);
        self.stream_time = last.and_then(|kept| kept.exchange_time);
        self.venue_time = last.map_or(snapshot.venue_time, |kept| kept.venue_time);
        self.received_at = now;
        self.book = book;
        self.window.empty();
    }
}

/// Whether a snapshot with this second count can be of `than` or later, as far as both have one.
pub(super) fn is_no_older(cross: Option<u64>, than: Option<u64>) -> bool {
    cross.zip(than).is_none_or(|(cross, than)| cross >= than)
}

fn lowest(levels: &[Level]) -> Option<Decimal> {
    levels.iter().map(|level| level.price).min()
}

fn highest(levels: &[Level]) -> Option<Decimal> {
    levels.iter().map(|level| level.price).max()
}

/// One level a price: a venue may list single orders where levels are due. `None` when a level makes no sense.
fn summed(levels: &[Level]) -> Option<Vec<Level>> {
    let mut sorted = levels.to_vec();
    sorted.sort_unstable_by_key(|level| level.price);
    let mut out: Vec<Level> = Vec::with_capacity(sorted.len());
    for level in sorted {
        check_signs(&level).ok()?;
        match out.last_mut() {
            Some(same) if same.price == level.price => same.size = sum(same.size, level.size)?,
            _ => out.push(level),
        }
    }
    Some(out)
}

fn sum(a: Decimal, b: Decimal) -> Option<Decimal> {
    let scale = a.scale().max(b.scale());
    Decimal::new(a.at_scale(scale)?.checked_add(b.at_scale(scale)?)?, scale)
}
