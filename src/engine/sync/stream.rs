//! What the connection brings: snapshots, changes and complete tops, in the order they came.

use super::{BookSync, Discard, Disposition, Gap, Outcome, Phase, SNAPSHOT_GRACE};
use crate::engine::book::{BookFault, Window, check_signs};
use crate::engine::checksum::ChecksumRule;
use crate::engine::event::{BookEvent, BookKind, Level, Precision, Side, Span};
use crate::engine::sequence::{Verdict, falls, judge};
use crate::engine::state::{StaleReason, State};
use crate::engine::time::{Stamp, Wall};
use crate::venue::profile::{RestJoin, SequenceRule};

/// A message as it came.
#[derive(Clone, Copy)]
struct Message<'m> {
    now: Stamp,
    event: &'m BookEvent,
    bids: &'m [Level],
    asks: &'m [Level],
}

/// Where a run stands, by what a message has to follow.
#[derive(Clone, Copy)]
struct Place {
    last: u64,
    /// See [`judge`].
    joined: bool,
    time: Option<Wall>,
    cross: Option<u64>,
}

impl BookSync {
    /// Takes one message of this book.
    pub fn event(&mut self, now: Stamp, event: &BookEvent, bids: &[Level], asks: &[Level]) -> Outcome {
        let message = Message { now, event, bids, asks };
        let outcome = match (self.phase, event.kind) {
            (Phase::Idle, _) => set_aside(Discard::Disconnected),
            (_, BookKind::Top) => self.replace_top(message),
            (Phase::Tops, BookKind::Delta) => set_aside(Discard::Unsynced),
            (Phase::Awaiting { restarted, since }, BookKind::Delta) => {
                let since = since.unwrap_or(now.mono);
                self.phase = Phase::Awaiting { restarted, since: Some(since) };
                if now.mono.since(since) < SNAPSHOT_GRACE {
                    set_aside(Discard::Unsynced)
                } else {
                    self.break_at(message, Gap::NoSnapshot)
                }
            }
            (_, BookKind::Snapshot | BookKind::Delta) => self.placed(message),
        };
        self.counts.received += 1;
        self.counts.gaps += u64::from(outcome.gap.is_some());
        match outcome.disposition {
            Disposition::Applied => self.counts.applied += 1,
            Disposition::Duplicate => self.counts.duplicate += 1,
            Disposition::Buffered => self.counts.buffered += 1,
            Disposition::Discarded(why) => self.counts.discard(why, 1),
        }
        self.assert_law();
        outcome
    }

    /// A message by its place in the stream.
    fn placed(&mut self, message: Message<'_>) -> Outcome {
        if self.rules.sequence == SequenceRule::Unnumbered {
            return match (message.event.kind, self.phase) {
                (BookKind::Snapshot, _) => self.replace(message, None),
                (_, Phase::Live { .. } | Phase::Proving { .. }) => self.advance(message, None),
                _ => set_aside(Discard::Unsynced),
            };
        }
        self.numbered(message)
    }

    /// A message that is worth nothing without its number. One without is a break: it may be the next, or not, and `live`
    /// needs proof.
    fn numbered(&mut self, message: Message<'_>) -> Outcome {
        let Some(span) = message.event.span else {
            return self.refuse(message.now, StaleReason::Gap, Discard::Gap, Gap::Unnumbered);
        };
        if span.first > span.last {
            return self.refuse(message.now, StaleReason::Decode, Discard::Invalid, Gap::BadSpan);
        }
        self.heard = self.heard.max(Some(span.last));
        self.heard_cross = self.heard_cross.max(message.event.cross);
        match (message.event.kind, self.phase) {
            (BookKind::Snapshot, _) => self.replace(message, Some(span)),
            (_, Phase::CatchingUp { .. } | Phase::Partial | Phase::Proving { .. } | Phase::Live { .. }) => {
                self.follow(message, span)
            }
            // Nothing would ever join what is kept.
            _ if self.rules.rest_join == RestJoin::Never => set_aside(Discard::Unsynced),
            _ => self.keep(message, span),
        }
    }

    /// A complete book in the stream: it counts whatever came before, at any number.
    fn replace(&mut self, message: Message<'_>, span: Option<Span>) -> Outcome {
        self.cut_window(Discard::Superseded);
        if let Err(fault) = self.book.load(message.bids, message.asks, Window::default()) {
            return self.refuse_fault(message.now, fault);
        }
        if self.is_wrongly_crossed(&self.book) {
            return self.refuse_fault(message.now, BookFault::Crossed);
        }
        let restarted = matches!(self.phase, Phase::Awaiting { restarted: true, .. });
        self.stand_at(message, span.map(|span| span.last));
        match self.proof(message.event) {
            Proof::Differs(gap) => return self.refuse_sum(message.now, gap),
            Proof::Later(claimed) => self.phase = Phase::Proving { claimed, restarted },
            Proof::Good => self.go_live(message.now),
        }
        APPLIED
    }

    /// What the venue's sum says of the book as it is now.
    fn proof(&mut self, event: &BookEvent) -> Proof {
        match (self.rules.checksum, event.checksum) {
            (Some(rule), Some(claimed)) => self.prove(rule, claimed),
            _ => Proof::Good,
        }
    }

    fn prove(&mut self, rule: ChecksumRule, claimed: u32) -> Proof {
        if rule.needs_precision() && self.precision.is_none() {
            return Proof::Later(claimed);
        }
        self.checksums.made += 1;
        match rule.sum(&self.book, self.precision) {
            Some(sum) if sum == claimed => Proof::Good,
            here => {
                self.checksums.differed += 1;
                Proof::Differs(Gap::Checksum { here, there: claimed })
            }
        }
    }

    /// The venue said how many decimals it writes: sums can be made from here on, and the last one that could not is.
    pub fn precision(&mut self, now: Stamp, precision: Precision) -> Option<Gap> {
        self.precision = Some(precision);
        let (Phase::Proving { claimed, .. }, Some(rule)) = (self.phase, self.rules.checksum) else {
            return None;
        };
        let mut gap = None;
        match self.prove(rule, claimed) {
            Proof::Good => self.go_live(now),
            Proof::Later(_) => {}
            Proof::Differs(differs) => {
                gap = self.refuse_sum(now, differs).gap;
                self.counts.gaps += 1;
            }
        }
        self.assert_law();
        gap
    }

    /// The venue's best levels, complete in themselves: nothing before them matters, and no number is missing.
    fn replace_top(&mut self, message: Message<'_>) -> Outcome {
        self.tops = true;
        self.cut_window(Discard::Superseded);
        let low = message.bids.iter().map(|level| level.price).min();
        let high = message.asks.iter().map(|level| level.price).max();
        if let Err(fault) = self.book.load(message.bids, message.asks, Window { low, high }) {
            return self.refuse_fault(message.now, fault);
        }
        if self.is_wrongly_crossed(&self.book) {
            return self.refuse_fault(message.now, BookFault::Crossed);
        }
        self.stand_at(message, message.event.span.map(|span| span.last));
        // The longer side: a venue that sends the best n sends fewer only where there are no more.
        let levels = self.book.len(Side::Bid).max(self.book.len(Side::Ask));
        self.state = State::Partial { exact_depth: u32::try_from(levels).unwrap_or(u32::MAX) };
        self.phase = Phase::Tops;
        self.settle(message.now);
        APPLIED
    }

    /// A change to a book that is known.
    fn follow(&mut self, message: Message<'_>, span: Span) -> Outcome {
        let Some(last) = self.sequence else {
            return self.break_at(message, Gap::Unnumbered);
        };
        let before = Place { last, joined: self.joined, time: self.stream_time, cross: self.cross };
        match self.judge_after(before, message.event, span) {
            Verdict::Next => self.advance(message, Some(span)),
            Verdict::Old => DUPLICATE,
            Verdict::Restart if self.is_repeated(message, span) => DUPLICATE,
            Verdict::Missing => self.break_at(message, missing(last, span)),
            Verdict::Restart => self.break_at(message, restart(last, span)),
        }
    }

    fn advance(&mut self, message: Message<'_>, span: Option<Span>) -> Outcome {
        if let Err(fault) = self.book.apply(message.bids, message.asks) {
            return self.refuse_fault(message.now, fault);
        }
        // While it catches up the book is a mix of two instants, and may well be crossed.
        let catching_up = matches!(self.phase, Phase::CatchingUp { .. });
        if !catching_up && self.is_wrongly_crossed(&self.book) {
            return self.refuse_fault(message.now, BookFault::Crossed);
        }
        self.stand_at(message, span.map(|span| span.last));
        match (self.proof(message.event), &mut self.phase) {
            (Proof::Differs(gap), _) => return self.refuse_sum(message.now, gap),
            (Proof::Later(newer), Phase::Proving { claimed, .. }) => *claimed = newer,
            (Proof::Later(_) | Proof::Good, _) => {}
        }
        let exhausted = match self.phase {
            Phase::Live { wanting } => {
                let wanting = wanting || self.is_thin();
                self.phase = Phase::Live { wanting };
                if let Some(span) = span.filter(|_| wanting && self.rules.rest_join == RestJoin::BySequence) {
                    // Shown already, so whatever slides out here was never counted as buffered.
                    self.window.push(message.event, span, message.bids, message.asks, true);
                }
                if let Some(span) = span.filter(|_| self.comparison.is_under_way())
                    && self.compare_on(message.now, message.event, span, message.bids, message.asks)
                {
                    self.break_chain(message.now, StaleReason::Checksum);
                    return Outcome { gap: Some(Gap::Snapshot), ..APPLIED };
                }
                BookSync::is_exhausted(&self.book)
            }
            Phase::Proving { .. } => BookSync::is_exhausted(&self.book),
            Phase::CatchingUp { until } => {
                if message.event.venue_time.is_some_and(|time| time >= until) {
                    self.phase = Phase::Partial;
                }
                self.show_depth()
            }
            _ => self.show_depth(),
        };
        if !exhausted {
            return APPLIED;
        }
        self.break_chain(message.now, StaleReason::Gap);
        Outcome { gap: Some(Gap::Exhausted), ..APPLIED }
    }

    /// Shows how deep a partial book is exact; true when not even its best levels are any more.
    fn show_depth(&mut self) -> bool {
        let exact_depth = BookSync::exact_depth(&self.book);
        if self.phase == Phase::Partial {
            self.state = State::Partial { exact_depth };
        }
        exact_depth == 0
    }

    fn is_thin(&self) -> bool {
        let thin = |side| self.book.len_to_edge(side).is_some_and(|levels| levels < self.thin_below);
        thin(Side::Bid) || thin(Side::Ask)
    }

    /// A change that waits for a snapshot.
    fn keep(&mut self, message: Message<'_>, span: Span) -> Outcome {
        // A level that makes no sense would only surface at the join, and spoil every snapshot until then.
        if let Some(fault) =
            message.bids.iter().chain(message.asks).find_map(|level| check_signs(level).err())
        {
            return self.refuse_fault(message.now, fault);
        }
        if self.rules.sequence == SequenceRule::Chained && falls(span) {
            // What came before is of another count, and a snapshot cannot say of which it is. The next one begins the window.
            self.cut_window(Discard::Gap);
            return set_aside(Discard::Unsynced);
        }
        let mut gap = None;
        if let Some(kept) = self.window.last() {
            let last = kept.span.last;
            let before = Place { last, joined: false, time: kept.exchange_time, cross: kept.cross };
            gap = match self.judge_after(before, message.event, span) {
                Verdict::Next => None,
                Verdict::Old => return DUPLICATE,
                Verdict::Missing => Some(missing(last, span)),
                Verdict::Restart => Some(restart(last, span)),
            };
        }
        if gap.is_some() {
            self.cut_window(Discard::Gap);
        }
        self.heard = Some(span.last);
        let (kept, gone) = self.window.push(message.event, span, message.bids, message.asks, false);
        self.counts.drop_kept(Discard::WindowFull, gone);
        let disposition =
            if kept { Disposition::Buffered } else { Disposition::Discarded(Discard::WindowFull) };
        Outcome { disposition, changed: false, gap }
    }

    /// What the numbers say, and what the time and the venue's second count add: a message with old numbers that is newer
    /// by either than the one that brought those numbers is no repetition, and one with the next number that is older is
    /// not the next. So the venue counts anew.
    fn judge_after(&self, before: Place, event: &BookEvent, span: Span) -> Verdict {
        let later = before.time.is_some() && event.exchange_time > before.time;
        let (ahead, behind) = match (before.cross, event.cross) {
            (Some(before), Some(cross)) => (cross > before, cross < before),
            _ => (false, false),
        };
        match judge(self.rules.sequence, before.last, before.joined, span) {
            Verdict::Old if later || ahead => Verdict::Restart,
            Verdict::Next if behind => Verdict::Restart,
            verdict => verdict,
        }
    }

    /// Whether this is provably the last message once more: same number, same times, nothing it would change.
    fn is_repeated(&self, message: Message<'_>, span: Span) -> bool {
        let event = message.event;
        let shown = |side, levels: &[Level]| {
            levels.iter().all(|level| self.book.size_at(side, level.price) == level.size)
        };
        self.sequence == Some(span.last)
            && span.first == span.last
            && event.venue_time.is_some()
            && event.venue_time == self.venue_time
            && event.exchange_time == self.exchange_time
            && shown(Side::Bid, message.bids)
            && shown(Side::Ask, message.asks)
    }

    /// The book shows this message now.
    fn stand_at(&mut self, message: Message<'_>, sequence: Option<u64>) {
        self.sequence = sequence;
        self.cross = message.event.cross;
        self.joined = false;
        self.heard = sequence;
        self.exchange_time = message.event.exchange_time;
        self.stream_time = message.event.exchange_time;
        self.venue_time = message.event.venue_time;
        self.received_at = message.now;
    }

    /// The chain breaks before this message, which is sound in itself and begins the window.
    fn break_at(&mut self, message: Message<'_>, gap: Gap) -> Outcome {
        self.break_chain(message.now, StaleReason::Gap);
        let kept = self.placed(message);
        Outcome { disposition: kept.disposition, changed: true, gap: Some(gap) }
    }

    /// The chain breaks at this message, which is of no use.
    fn refuse(&mut self, now: Stamp, reason: StaleReason, discard: Discard, gap: Gap) -> Outcome {
        self.break_chain(now, reason);
        Outcome { disposition: Disposition::Discarded(discard), changed: true, gap: Some(gap) }
    }

    /// The book is not what the venue has.
    fn refuse_sum(&mut self, now: Stamp, gap: Gap) -> Outcome {
        self.refuse(now, StaleReason::Checksum, Discard::Invalid, gap)
    }

    fn refuse_fault(&mut self, now: Stamp, fault: BookFault) -> Outcome {
        let reason = match fault {
            BookFault::Crossed => StaleReason::Gap,
            BookFault::NegativeSize
            | BookFault::BadPrice
            | BookFault::DuplicatePrice
            | BookFault::DoesNotFit => StaleReason::Decode,
        };
        self.refuse(now, reason, Discard::Invalid, Gap::Invalid(fault))
    }
}

/// What a sum says of the book.
enum Proof {
    /// They are equal, or there is none.
    Good,
    Differs(Gap),
    /// It cannot be made yet.
    Later(u32),
}

const APPLIED: Outcome = Outcome { disposition: Disposition::Applied, changed: true, gap: None };
const DUPLICATE: Outcome = Outcome { disposition: Disposition::Duplicate, changed: false, gap: None };

fn set_aside(why: Discard) -> Outcome {
    Outcome { disposition: Disposition::Discarded(why), changed: false, gap: None }
}

fn missing(last: u64, span: Span) -> Gap {
    Gap::Missing { expected: last.saturating_add(1), got: span.first }
}

fn restart(last: u64, span: Span) -> Gap {
    Gap::Restart { expected: last.saturating_add(1), got: span.first }
}
