//! Histogram and rate against the plain list of what they were told.

use std::time::Duration;

use depthd::engine::histogram::Histogram;
use depthd::engine::rate::Rate;
use depthd::engine::time::Mono;
use proptest::prelude::*;

fn value() -> impl Strategy<Value = u64> {
    prop_oneof![2 => 0_u64..20, 4 => (0_u32..63, any::<u64>()).prop_map(|(power, low)| (1 << power) | (low & ((1 << power) - 1))), 1 => Just(u64::MAX)]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn a_quantile_is_never_too_low_and_an_eighth_too_high_at_most(
        values in prop::collection::vec(value(), 1..200), parts in prop::collection::vec(0.0_f64..=1.0, 8),
    ) {
        let histogram = Histogram::new();
        values.iter().for_each(|v| histogram.record(*v));
        let mut sorted = values.clone();
        sorted.sort_unstable();
        let view = histogram.view();
        prop_assert_eq!(view.count(), sorted.len() as u64);
        prop_assert_eq!(view.sum(), values.iter().fold(0_u64, |sum, v| sum.wrapping_add(*v)));
        prop_assert_eq!(view.max(), sorted[sorted.len() - 1]);
        for part in parts.into_iter().chain([0.0, 1.0]) {
            let rank = ((part * sorted.len() as f64).ceil() as usize).clamp(1, sorted.len());
            let (exact, got) = (sorted[rank - 1], view.quantile(part).expect("there are records"));
            prop_assert!(got >= exact, "{} of the part {}, exactly {}", got, part, exact);
            prop_assert!(u128::from(got) * 8 <= u128::from(exact) * 9, "{} of the part {}, exactly {}", got, part, exact);
        }
        for power in 0..64 {
            let most = (1_u64 << power) - 1;
            let exact = values.iter().filter(|v| **v <= most).count() as u64;
            prop_assert_eq!(view.count_at_most(most), exact, "at most {}", most);
        }
    }

    /// Between the slowest and the fastest step of the window: an average never leaves what it is of.
    #[test]
    fn a_rate_is_one_that_the_counter_had(
        steps in prop::collection::vec((1_u64..4_000, 0_u64..1_000), 1..150), window_s in 1_u64..90,
    ) {
        let window = Duration::from_secs(window_s);
        let mut rate = Rate::new(Duration::from_secs(1));
        let mut readings = vec![(Mono::ZERO, 0_u64)];
        rate.observe(Mono::ZERO, 0);
        let (mut now, mut total) = (Mono::ZERO, 0);
        for (ms, growth) in steps {
            now = now.after(Duration::from_millis(ms));
            total += growth;
            let got = rate.per_second(now, total, window);
            let newest = readings[readings.len() - 1].0;
            // The naive one keeps every reading and uses the oldest of the last 61 within the window.
            let recent = &readings[readings.len().saturating_sub(61)..];
            let oldest = recent.iter().find(|(at, _)| now.since(*at) <= window);
            let expected = oldest.map_or(0.0, |(at, then)| (total - then) as f64 / now.since(*at).as_secs_f64());
            prop_assert!((got - expected).abs() <= expected.abs() * 1e-9, "{} instead of {}", got, expected);
            rate.observe(now, total);
            if now.since(newest) >= Duration::from_secs(1) {
                readings.push((now, total));
            }
        }
    }
}
