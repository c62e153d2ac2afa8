//! Whether a message follows the one before it, from their numbers alone.

use crate::engine::event::Span;
use crate::venue::profile::SequenceRule;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It follows without a hole; under [`SequenceRule::Range`] it may overlap what is known.
    Next,
    /// It says nothing that is not known already.
    Old,
    /// Messages between `last` and this one are missing.
    Missing,
    /// The numbers went back: another count has begun, and what came before this message in it is unknown.
    Restart,
}

/// Judges a message that covers `span` after one that ended at `last`; `joined`: that number is a snapshot's, which may lie
/// inside what a message covers.
///
/// Under [`SequenceRule::Dense`] a number that is not the next is never called old: a count that began anew looks the
/// same. Under [`SequenceRule::Range`] numbers belong to the market and not to the connection, so lower ones are old.
/// Under [`SequenceRule::Linked`] and [`SequenceRule::Chained`] a message names the one before it; only a chain's numbers may
/// fall. Unnumbered messages are never judged: the answer is [`Verdict::Missing`].
/// Sources: protocols of CoinAPI (snapshot at any number, delta exactly last + 1), Binance spot (ignore `u <= L`, a gap when
/// `U > L + 1`, overlap is allowed), Binance futures (`pu` is the `u` before; after a snapshot `U <= L <= u`, where
/// numbers between events count to the later one), OKX (`prevSeqId`) and Deribit (`prev_change_id`).
pub fn judge(rule: SequenceRule, last: u64, joined: bool, span: Span) -> Verdict {
    match rule {
        SequenceRule::Dense if Some(span.first) == last.checked_add(1) => Verdict::Next,
        SequenceRule::Dense if span.first > last => Verdict::Missing,
        SequenceRule::Dense => Verdict::Restart,
        SequenceRule::Range if span.last <= last => Verdict::Old,
        SequenceRule::Range if known_before(span) <= last => Verdict::Next,
        SequenceRule::Range => Verdict::Missing,
        SequenceRule::Linked if falls(span) => Verdict::Restart,
        SequenceRule::Linked | SequenceRule::Chained => match span.previous {
            Some(previous) if previous == last => Verdict::Next,
            // Of another count than the snapshot's, which says nothing of it.
            Some(_) if joined && falls(span) => Verdict::Restart,
            Some(_) if joined && span.last < last => Verdict::Old,
            Some(previous) if joined && previous < last => Verdict::Next,
            Some(previous) if previous < last => Verdict::Restart,
            Some(_) | None => Verdict::Missing,
        },
        SequenceRule::Unnumbered => Verdict::Missing,
    }
}

/// Whether a message begins another count.
pub fn falls(span: Span) -> bool {
    span.previous.is_some_and(|previous| span.last < previous)
}

/// The number a book must have reached for this message to continue it.
pub fn known_before(span: Span) -> u64 {
    span.previous.unwrap_or(span.first.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dense_is_last_plus_one_and_nothing_else() {
        let judged = |last, next| judge(SequenceRule::Dense, last, false, Span::at(next));
        assert_eq!(judged(7, 8), Verdict::Next);
        assert_eq!(judged(7, 9), Verdict::Missing);
        assert_eq!(judged(7, 7), Verdict::Restart);
        assert_eq!(judged(7, 1), Verdict::Restart);
        assert_eq!(judged(u64::MAX, u64::MAX), Verdict::Restart);
    }

    /// The vectors of the Binance dossier, V2.
    #[test]
    fn range_allows_overlap_and_no_hole() {
        let judged =
            |first, last| judge(SequenceRule::Range, 160, false, Span { first, last, previous: None });
        assert_eq!(judged(162, 170), Verdict::Missing);
        assert_eq!(judged(161, 161), Verdict::Next);
        assert_eq!(judged(150, 159), Verdict::Old);
        assert_eq!(judged(150, 160), Verdict::Old);
        assert_eq!(judged(150, 161), Verdict::Next);
        assert_eq!(judged(0, u64::MAX), Verdict::Next);
    }

    #[test]
    fn a_named_predecessor_counts_instead_of_the_first() {
        let linked = |previous| Span { first: 170, last: 180, previous: Some(previous) };
        assert_eq!(judge(SequenceRule::Range, 160, false, linked(160)), Verdict::Next);
        assert_eq!(judge(SequenceRule::Range, 160, false, linked(161)), Verdict::Missing);
    }

    /// The vectors V3 of the OKX dossier and V4 of the Deribit dossier.
    #[test]
    fn a_chain_is_followed_whatever_its_numbers_do() {
        let judged = |last, previous, to| {
            judge(SequenceRule::Chained, last, false, Span { first: to, last: to, previous: Some(previous) })
        };
        let steps = [(10, 15), (15, 15), (15, 3), (3, 5)];
        let mut last = 10;
        for (previous, to) in steps {
            assert_eq!(judged(last, previous, to), Verdict::Next, "({previous},{to})");
            last = to;
        }
        assert_eq!(judged(last, 9, 12), Verdict::Missing);
        assert_eq!(judged(123_456_789, 123_456_790, 123_456_791), Verdict::Missing);
        assert_eq!(judged(5, 4, 6), Verdict::Restart, "off by one to the other side is a break too");
        assert_eq!(judge(SequenceRule::Chained, 5, false, Span::at(6)), Verdict::Missing);
        let fallen = Span { first: 3, last: 3, previous: Some(15) };
        assert_eq!(
            judge(SequenceRule::Linked, 15, false, fallen),
            Verdict::Restart,
            "where numbers only grow"
        );
        assert_eq!(
            judge(SequenceRule::Chained, 101, true, fallen),
            Verdict::Restart,
            "older than no snapshot"
        );
    }

    /// Starts of recorded USD-M runs: V3 of the Binance dossier.
    #[test]
    fn a_snapshot_may_lie_inside_the_message_that_follows_it() {
        let judged = |last, (first, to, previous): (u64, u64, u64)| {
            judge(SequenceRule::Linked, last, true, Span { first, last: to, previous: Some(previous) })
        };
        let sushi = [
            (600_859_599_090, 600_859_600_917, 600_859_598_061),
            (600_859_601_193, 600_859_602_861, 600_859_600_917),
            (600_859_603_343, 600_859_604_824, 600_859_602_861),
            (600_859_605_926, 600_859_607_423, 600_859_604_824),
        ];
        assert_eq!(
            sushi.map(|event| judged(600_859_605_926, event)),
            [Verdict::Old, Verdict::Old, Verdict::Old, Verdict::Next]
        );
        let akro = (600_859_603_597, 600_859_605_486, 600_859_599_831);
        assert_eq!(judged(600_859_605_486, akro), Verdict::Next, "one that ends there is taken");
        assert_eq!(
            judged(600_859_605_486, (600_859_605_600, 600_859_605_700, 600_859_605_487)),
            Verdict::Missing
        );
        let keep = (600_859_618_057, 600_859_619_434, 600_859_617_000);
        assert_eq!(judged(600_859_619_434, keep), Verdict::Next);
        let ctk = (600_859_617_271, 600_859_618_836, 600_859_616_000);
        assert_eq!(judged(600_859_618_836, ctk), Verdict::Next);
    }
}
