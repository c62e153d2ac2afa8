//! Budgets and waits: the window law of the bucket and of the day, and the bounds of the backoff.

use std::time::Duration;

use depthd::engine::backoff::{Backoff, BackoffRules, grown};
use depthd::engine::bucket::Bucket;
use depthd::engine::day::Day;
use depthd::engine::time::Mono;
use proptest::prelude::*;

/// Every window of a spending log, whatever its length: `spent <= burst + per_window * w / window`.
pub fn window_law_holds(log: &[(Mono, u32)], burst: u32, per_window: u32, window: Duration) -> bool {
    (0..log.len()).all(|first| {
        let mut spent = 0_u128;
        log[first..].iter().all(|(at, n)| {
            spent += u128::from(*n);
            let gained = u128::from(per_window) * at.since(log[first].0).as_nanos();
            spent * window.as_nanos() <= u128::from(burst) * window.as_nanos() + gained
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_bucket_never_exceeds_its_window_and_keeps_its_word(
        burst in 1_u32..20,
        per_window in 1_u32..50,
        window_ms in 1_u64..20_000,
        asks in prop::collection::vec((0_u64..3_000_000_000, 1_u32..6, any::<bool>()), 1..80),
    ) {
        let window = Duration::from_millis(window_ms);
        let mut bucket = Bucket::new(burst, per_window, window, Mono::ZERO);
        let (mut now, mut log) = (Mono::ZERO, Vec::new());
        for (wait, n, patient) in asks {
            now = now.after(Duration::from_nanos(wait));
            match bucket.take(now, n) {
                Ok(()) => log.push((now, n)),
                Err(at) if at == Mono::NEVER => prop_assert!(n > burst),
                Err(at) => {
                    prop_assert!(at > now && n <= burst);
                    prop_assert!(bucket.clone().take(Mono::from_nanos(at.nanos() - 1), n).is_err(), "not later than needed");
                    if patient {
                        now = at;
                        prop_assert_eq!(bucket.take(now, n), Ok(()), "the instant promised is kept");
                        log.push((now, n));
                    }
                }
            }
        }
        prop_assert!(window_law_holds(&log, burst, per_window, window));
    }

    #[test]
    fn a_day_never_holds_more_than_its_limit(
        limit in 1_u32..12,
        asks in prop::collection::vec((0_u64..30_000, 1_u32..4, any::<bool>()), 1..80),
    ) {
        let mut day = Day::new(limit);
        let (mut now, mut log): (Mono, Vec<(Mono, u32)>) = (Mono::ZERO, Vec::new());
        for (seconds, n, patient) in asks {
            now = now.after(Duration::from_secs(seconds));
            match day.take(now, n) {
                Ok(()) => log.push((now, n)),
                Err(at) if at == Mono::NEVER => prop_assert!(n > limit),
                Err(at) => {
                    prop_assert!(at > now);
                    // Never later than if every spend so far had been made just now.
                    prop_assert!(at.since(now) <= Duration::from_secs(86_400 + 900));
                    if patient {
                        now = at;
                        prop_assert_eq!(day.take(now, n), Ok(()));
                        log.push((now, n));
                    }
                }
            }
        }
        for (i, (from, _)) in log.iter().enumerate() {
            let in_a_day = log[i..].iter().take_while(|(at, _)| at.since(*from) < Duration::from_secs(86_400));
            prop_assert!(in_a_day.map(|(_, n)| n).sum::<u32>() <= limit);
        }
    }

    #[test]
    fn a_backoff_stays_in_its_bounds_and_its_seed_decides(
        first_ms in 1_u64..5_000,
        max_ms in 1_u64..100_000,
        seed in any::<u64>(),
        lasts in prop::collection::vec(0_u64..100, 1..40),
    ) {
        let rules = BackoffRules {
            first: Duration::from_millis(first_ms),
            max: Duration::from_millis(max_ms),
            reset_after: Duration::from_secs(60),
        };
        let (mut a, mut b) = (Backoff::new(rules, seed), Backoff::new(rules, seed));
        let (mut now, mut failures) = (Mono::ZERO, 0_u32);
        for seconds in lasts {
            // Every third attempt never succeeds; the others last so long.
            if seconds % 3 != 0 {
                a.succeeded(now);
                b.succeeded(now);
                // Each quarter of a minute forgets one, the whole minute all.
                failures = if seconds >= 60 { 0 } else { failures.saturating_sub(seconds as u32 / 15) };
            }
            now = now.after(Duration::from_secs(seconds));
            let wait = a.failed(now);
            prop_assert_eq!(wait, b.failed(now));
            prop_assert!(wait <= grown(rules.first, rules.max, failures) && wait <= rules.max);
            failures += 1;
            prop_assert_eq!(a.failures(), failures);
        }
    }
}
