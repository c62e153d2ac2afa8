//! Budgets and waits: the window law of the bucket, of the day and of a venue's whole ledger, and the bounds of the backoff.

use std::time::Duration;

use depthd::engine::backoff::{Backoff, BackoffRules, grown};
use depthd::engine::bucket::Bucket;
use depthd::engine::day::Day;
use depthd::engine::ledger::Ledger;
use depthd::engine::time::Mono;
use depthd::venue::catalog;
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

/// Any 24 hours of a spending log: `spent <= limit`.
fn day_law_holds(log: &[(Mono, u32)], limit: u32) -> bool {
    log.iter().enumerate().all(|(i, (from, _))| {
        let in_a_day = log[i..].iter().take_while(|(at, _)| at.since(*from) < Duration::from_secs(86_400));
        in_a_day.map(|(_, n)| n).sum::<u32>() <= limit
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
        told in prop::collection::vec(proptest::option::weighted(0.1, -30_i64..60), 80),
    ) {
        let window = Duration::from_millis(window_ms);
        let mut bucket = Bucket::new(burst, per_window, window, Mono::ZERO);
        let (mut now, mut log) = (Mono::ZERO, Vec::new());
        for ((wait, n, patient), told) in asks.into_iter().zip(told) {
            now = now.after(Duration::from_nanos(wait));
            if let Some(left) = told {
                // Whatever the venue says, it never allows more than our own count does.
                let before = bucket.tokens(now);
                bucket.agree(now, left);
                prop_assert!(bucket.tokens(now) <= before.min(u64::try_from(left.max(0)).expect("not below 0")));
            }
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
        prop_assert!(day_law_holds(&log, limit));
    }

    /// Connects, openings and repairs of both venues, as threads ask for them, over days.
    #[test]
    fn a_ledger_keeps_every_budget_of_its_venue(
        venue in 0..catalog::NAMES.len(),
        asks in prop::collection::vec((0_u8..3, 1_u32..4, 0_u64..400_000, any::<bool>()), 1..400),
    ) {
        let venue = catalog::by_name(catalog::NAMES[venue]).expect("a known name");
        let profile = venue.profile();
        let mut ledger = Ledger::new(profile, Mono::ZERO);
        let mut now = Mono::ZERO;
        let (mut control, mut connects) = (Vec::new(), Vec::new());
        for (what, n, wait_ms, patient) in asks {
            now = now.after(Duration::from_millis(wait_ms));
            let ask = |ledger: &mut Ledger, now| match what {
                0 => ledger.take_connect(now),
                1 => ledger.take_control(now, n),
                _ => ledger.take_repair(now, n),
            };
            let mut taken = ask(&mut ledger, now);
            // The bucket and the day may each name an instant, one after the other.
            for _ in 0..2 {
                match taken {
                    Err(at) if patient && at != Mono::NEVER => {
                        prop_assert!(at > now);
                        now = at;
                        taken = ask(&mut ledger, now);
                    }
                    _ => {}
                }
            }
            if taken.is_ok() {
                if what == 0 { connects.push((now, 1)) } else { control.push((now, n)) }
            }
        }
        for (log, budget) in [(&control, profile.control.refill), (&connects, profile.connects)] {
            prop_assert!(window_law_holds(log, budget.burst, budget.per_window, budget.window));
        }
        if let Some(limit) = profile.control.daily {
            prop_assert!(day_law_holds(&control, limit));
        }
        prop_assert_eq!(ledger.control_spent(), control.iter().map(|(_, n)| u64::from(*n)).sum::<u64>());
        prop_assert_eq!(ledger.connects_spent(), connects.len() as u64);
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
            // The ceiling, doubled one failure at a time.
            let first = rules.first.min(rules.max);
            let ceiling = (0..failures).fold(first, |ceiling, _| (ceiling * 2).min(rules.max));
            prop_assert_eq!(grown(rules.first, rules.max, failures), ceiling);
            prop_assert!(wait <= ceiling && wait <= rules.max, "{:?} of {:?}", wait, ceiling);
            failures += 1;
            prop_assert_eq!(a.failures(), failures);
        }
    }

    /// Full jitter: over many seeds the wait after the same failures is spread over all of `0..=ceiling`.
    #[test]
    fn jitter_spreads_those_that_failed_together(base in any::<u64>(), failures in 0_u32..6) {
        let rules = BackoffRules {
            first: Duration::from_millis(100),
            max: Duration::from_secs(2),
            reset_after: Duration::from_secs(60),
        };
        let mut quarters = [0_u32; 4];
        for seed in 0..400 {
            let mut backoff = Backoff::new(rules, base.wrapping_add(seed));
            let wait = (0..=failures).fold(Duration::ZERO, |_, _| backoff.failed(Mono::ZERO));
            let ceiling = grown(rules.first, rules.max, failures);
            let quarter = (wait.as_nanos() * 4 / (ceiling.as_nanos() + 1)) as usize;
            quarters[quarter] += 1;
        }
        // A hundred each; a fair draw stays within six deviations of 8.7 all but once in a hundred million.
        prop_assert!(quarters.iter().all(|n| (48..=152).contains(n)), "{:?}", quarters);
    }
}
