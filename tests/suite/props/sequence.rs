//! The sequence rules, each against the set of messages that it says are known: nothing is taken twice, no hole is
//! taken for none.

use depthd::engine::event::Span;
use depthd::engine::sequence::{Verdict, judge, known_before};
use depthd::venue::profile::SequenceRule;
use proptest::prelude::*;

/// Messages of a market that counts changes; each covers some of them, as the venue cut them.
fn stream() -> impl Strategy<Value = Vec<Span>> {
    (1_u64..1_000, prop::collection::vec(1_u64..5, 1..40)).prop_map(|(first, lengths)| {
        let mut next = first;
        let span = |length: &u64| {
            let span = Span { first: next, last: next + length - 1, previous: None };
            next += length;
            span
        };
        lengths.iter().map(span).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1_000) })]

    /// Any message after any other of the same market: `Old` iff all of it is known, `Missing` iff a change between is not.
    #[test]
    fn a_range_says_what_the_set_of_changes_says(
        stream in stream(), at in any::<prop::sample::Index>(), to in any::<prop::sample::Index>(), linked in any::<bool>(),
    ) {
        let (last, mut span) = (at.get(&stream).last, *to.get(&stream));
        if linked {
            span.previous = Some(span.first - 1);
        }
        let known = |change: u64| change <= last;
        let all_known = (span.first..=span.last).all(known);
        let hole = (last + 1..span.first).any(|change| !known(change));
        let expected = match (all_known, hole) {
            (true, _) => Verdict::Old,
            (false, true) => Verdict::Missing,
            (false, false) => Verdict::Next,
        };
        prop_assert_eq!(judge(SequenceRule::Range, last, false, span), expected, "{:?} after {}", span, last);
        prop_assert_eq!(known_before(span), span.first - 1);
    }

    /// Only the very next number continues a dense count, and one from before is never taken for old news.
    #[test]
    fn a_dense_count_takes_its_next_number_only(last in any::<u64>(), number in any::<u64>(), near in -3_i64..4) {
        for number in [number, last.wrapping_add_signed(near)] {
            let verdict = judge(SequenceRule::Dense, last, false, Span::at(number));
            let ahead = i128::from(number) - i128::from(last);
            let expected = match ahead {
                1 => Verdict::Next,
                2.. => Verdict::Missing,
                _ => Verdict::Restart,
            };
            prop_assert_eq!(verdict, expected, "{} after {}", number, last);
        }
    }

    /// Fed in order with some lost and some repeated, a follower never comes past a hole.
    #[test]
    fn a_follower_stops_at_the_first_hole(
        stream in stream(), fates in prop::collection::vec(0_u8..8, 40),
    ) {
        let mut last = stream[0].first - 1;
        let mut whole = true;
        for (span, fate) in stream.iter().zip(fates) {
            let times = match fate { 0 => 0, 1 => 2, _ => 1 };
            for time in 0..times {
                match judge(SequenceRule::Range, last, false, *span) {
                    Verdict::Next => {
                        prop_assert!(whole && time == 0, "taken past a hole, or twice");
                        last = span.last;
                    }
                    Verdict::Old => prop_assert!(whole && time == 1, "only a repetition is old"),
                    Verdict::Missing => prop_assert!(!whole, "nothing was lost"),
                    Verdict::Restart => prop_assert!(false, "a range has one count"),
                }
            }
            whole &= times > 0;
        }
    }
}
