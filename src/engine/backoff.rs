//! How long to wait before trying again: exponential, with full jitter, bounded, never giving up.
//!
//! Full jitter draws the whole wait from `0..=ceiling`: many askers that failed together do not come back together.

use std::time::Duration;

use crate::engine::random::Random;
use crate::engine::time::Mono;

/// The longest wait a venue can ask of us. Binance's longest ban is three days; a header that says more is a mistake,
/// and a shorter cap would break a ban that is real.
/// Source: <https://github.com/binance/binance-spot-api-docs/blob/master/rest-api.md>, as of 2026-07-21.
pub const ASKED_WAIT_MAX: Duration = Duration::from_secs(3 * 86_400);

/// The configuration's `backoff = { first, max, reset_after }`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BackoffRules {
    /// The first ceiling; doubled with each failure.
    pub first: Duration,
    /// The last ceiling.
    pub max: Duration,
    /// Success for this long forgets the failures before it; each quarter of it forgets one.
    pub reset_after: Duration,
}

/// Failures in a row, and the wait after each.
#[derive(Clone, Debug)]
pub struct Backoff {
    rules: BackoffRules,
    failures: u32,
    good_since: Option<Mono>,
    random: Random,
}

impl Backoff {
    pub const fn new(rules: BackoffRules, seed: u64) -> Backoff {
        Backoff { rules, failures: 0, good_since: None, random: Random::new(seed) }
    }

    /// It works from here on. The failures are forgotten once it has for `reset_after`, and one of them with each
    /// quarter before that: something that fails once a minute is not failing harder and harder.
    pub fn succeeded(&mut self, now: Mono) {
        self.good_since.get_or_insert(now);
    }

    /// It failed, or ended: how long to wait before the next try.
    pub fn failed(&mut self, now: Mono) -> Duration {
        if let Some(since) = self.good_since.take() {
            let (lasted, quarter) = (now.since(since), self.rules.reset_after / 4);
            self.failures = match lasted.as_nanos().checked_div(quarter.as_nanos()) {
                Some(quarters) if lasted < self.rules.reset_after => {
                    self.failures.saturating_sub(u32::try_from(quarters).unwrap_or(u32::MAX))
                }
                _ => 0,
            };
        }
        let wait = full_jitter(self.rules.first, self.rules.max, self.failures, &mut self.random);
        self.failures = self.failures.saturating_add(1);
        wait
    }

    /// Failures in a row so far.
    pub const fn failures(&self) -> u32 {
        self.failures
    }
}

/// `first` doubled `times` times, at most `max`.
pub fn grown(first: Duration, max: Duration, times: u32) -> Duration {
    first.saturating_mul(1_u32.checked_shl(times).unwrap_or(u32::MAX)).min(max)
}

/// A wait drawn from `0..=grown(first, max, times)`.
pub fn full_jitter(first: Duration, max: Duration, times: u32, random: &mut Random) -> Duration {
    random.wait_up_to(grown(first, max, times))
}

/// A wait of at least `grown(first, max, times)` and at most a quarter more, for where coming back early does harm.
pub fn at_least(first: Duration, max: Duration, times: u32, random: &mut Random) -> Duration {
    let least = grown(first, max, times);
    least.saturating_add(random.wait_up_to(least / 4))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: BackoffRules = BackoffRules {
        first: Duration::from_millis(500),
        max: Duration::from_secs(30),
        reset_after: Duration::from_secs(60),
    };

    fn s(n: u64) -> Mono {
        Mono::from_nanos(n * 1_000_000_000)
    }

    #[test]
    fn ceilings_double_up_to_the_last() {
        let ceilings: Vec<u64> =
            (0..9).map(|n| grown(RULES.first, RULES.max, n).as_millis() as u64).collect();
        assert_eq!(ceilings, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
        assert_eq!(grown(RULES.first, RULES.max, u32::MAX), RULES.max);
    }

    #[test]
    fn only_lasting_success_forgets() {
        let mut b = Backoff::new(RULES, 1);
        for _ in 0..5 {
            b.failed(s(0));
        }
        b.succeeded(s(10));
        b.failed(s(24));
        assert_eq!(b.failures(), 6, "14 s were not enough");
        b.succeeded(s(30));
        b.failed(s(89));
        assert_eq!(b.failures(), 4, "59 s forgot three");
        b.succeeded(s(100));
        b.succeeded(s(159));
        b.failed(s(160));
        assert_eq!(b.failures(), 1, "60 s were, counted from the first success");
    }

    /// A connection that lived 59 s of each minute never reached the 60 s that forgive, and came to wait half a minute of
    /// each.
    #[test]
    fn a_failure_a_minute_does_not_add_up() {
        let mut b = Backoff::new(RULES, 1);
        for minute in 0..60 {
            let wait = b.failed(s(minute * 60));
            assert!(b.failures() == 1 && wait <= RULES.first, "minute {minute}: {wait:?}");
            b.succeeded(s(minute * 60 + 1));
        }
    }

    #[test]
    fn a_floor_is_a_floor() {
        let mut random = Random::new(3);
        for times in 0..40 {
            let wait = at_least(Duration::from_secs(60), Duration::from_secs(600), times, &mut random);
            assert!(wait >= Duration::from_secs(60) && wait <= Duration::from_secs(750), "{wait:?}");
        }
    }
}
