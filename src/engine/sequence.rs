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

/// Judges a message that covers `span` after one that ended at `last`.
///
/// Under [`SequenceRule::Dense`] a number that is not the next is never called old: a count that began anew looks the
/// same. Under [`SequenceRule::Range`] numbers belong to the market and not to the connection, so lower ones are old.
/// Sources: protocols of CoinAPI (snapshot at any number, delta exactly last + 1) and Binance spot (ignore `u <= L`,
/// a gap when `U > L + 1`, overlap is allowed); futures link `pu` to the `u` before, which is the same rule.
pub fn judge(rule: SequenceRule, last: u64, span: Span) -> Verdict {
    match rule {
        SequenceRule::Dense if Some(span.first) == last.checked_add(1) => Verdict::Next,
        SequenceRule::Dense if span.first > last => Verdict::Missing,
        SequenceRule::Dense => Verdict::Restart,
        SequenceRule::Range if span.last <= last => Verdict::Old,
        SequenceRule::Range if known_before(span) <= last => Verdict::Next,
        SequenceRule::Range => Verdict::Missing,
    }
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
        let judged = |last, next| judge(SequenceRule::Dense, last, Span::at(next));
        assert_eq!(judged(7, 8), Verdict::Next);
        assert_eq!(judged(7, 9), Verdict::Missing);
        assert_eq!(judged(7, 7), Verdict::Restart);
        assert_eq!(judged(7, 1), Verdict::Restart);
        assert_eq!(judged(u64::MAX, u64::MAX), Verdict::Restart);
    }

    /// The vectors of the Binance dossier, V2.
    #[test]
    fn range_allows_overlap_and_no_hole() {
        let judged = |first, last| judge(SequenceRule::Range, 160, Span { first, last, previous: None });
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
        assert_eq!(judge(SequenceRule::Range, 160, linked(160)), Verdict::Next);
        assert_eq!(judge(SequenceRule::Range, 160, linked(161)), Verdict::Missing);
    }
}
