//! A token bucket that is told the time: at most `burst + rate × w` spent in any window `w`.
//!
//! It never sleeps and never rounds: a token is kept as `window` small parts and each nanosecond brings `per_window`
//! of them, so nothing drifts however long it runs. It says when to come back; waiting is the caller's business.

use std::time::Duration;

use crate::engine::time::Mono;

/// Tokens that refill with time.
#[derive(Clone, Debug)]
pub struct Bucket {
    /// Parts a token has: the window's nanoseconds.
    token: i128,
    /// Parts each nanosecond brings.
    gain: i128,
    capacity: i128,
    /// Negative while a debt the venue told us of is paid back, see [`Bucket::agree`].
    level: i128,
    at: Mono,
}

impl Bucket {
    /// A full bucket of `burst` tokens that gains `per_window` tokens in each `window`.
    pub fn new(burst: u32, per_window: u32, window: Duration, now: Mono) -> Bucket {
        // A window of no length would divide by zero; a nanosecond is the shortest there is.
        let token =
            i128::try_from(window.as_nanos().clamp(1, u128::from(u64::MAX))).expect("clamped to 64 bits");
        let capacity = i128::from(burst) * token;
        Bucket { token, gain: i128::from(per_window), capacity, level: capacity, at: now }
    }

    /// Takes `n` tokens, or none and says when they will be there.
    ///
    /// # Errors
    /// The instant at which `n` tokens will be there if nobody takes any before; [`Mono::NEVER`] when the bucket is
    /// too small for that.
    pub fn take(&mut self, now: Mono, n: u32) -> Result<(), Mono> {
        self.refill(now);
        let parts = i128::from(n) * self.token;
        if self.level < parts {
            return Err(self.ready_at(n));
        }
        self.level -= parts;
        Ok(())
    }

    /// When `n` tokens will be there if nobody takes any before; an instant already past when they are.
    pub fn ready_at(&self, n: u32) -> Mono {
        let parts = i128::from(n) * self.token;
        if parts <= self.level {
            return self.at;
        }
        if parts > self.capacity || self.gain == 0 {
            return Mono::NEVER;
        }
        let missing = parts - self.level;
        let nanos = (missing + self.gain - 1) / self.gain;
        self.at.after(Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX)))
    }

    /// Lowers the level to what the venue itself says is left of its budget; never raises it.
    ///
    /// `left` may be negative: somebody else behind our address spends too, and the debt slows us down the more the
    /// deeper it is. It is bounded by one full bucket, so that a nonsense header cannot silence us for long.
    pub fn agree(&mut self, now: Mono, left: i64) {
        self.refill(now);
        let told = i128::from(left) * self.token;
        self.level = self.level.min(told.max(-self.capacity));
    }

    /// Goes on from a level of so many tokens that was there so long ago. It is never fuller than it was.
    pub fn resume(&mut self, now: Mono, tokens: u64, elapsed: Duration) {
        self.refill(now);
        let gained = i128::try_from(elapsed.as_nanos()).unwrap_or(i128::MAX).saturating_mul(self.gain);
        let was = i128::from(tokens).saturating_mul(self.token);
        self.level = self.level.min(was.saturating_add(gained).min(self.capacity));
    }

    /// Whole tokens there now.
    pub fn tokens(&self, now: Mono) -> u64 {
        let gained = i128::from(now.nanos().saturating_sub(self.at.nanos())) * self.gain;
        let level = (self.level + gained).min(self.capacity);
        u64::try_from(level / self.token).unwrap_or(0)
    }

    fn refill(&mut self, now: Mono) {
        if now > self.at {
            let gained = i128::from(now.nanos() - self.at.nanos()) * self.gain;
            self.level = (self.level + gained).min(self.capacity);
            self.at = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(n: u64) -> Mono {
        Mono::from_nanos(n * 1_000_000)
    }

    #[test]
    fn a_burst_then_the_rate() {
        let mut b = Bucket::new(2, 2, Duration::from_secs(1), ms(0));
        assert_eq!(b.take(ms(0), 1), Ok(()));
        assert_eq!(b.take(ms(0), 1), Ok(()));
        assert_eq!(b.take(ms(0), 1), Err(ms(500)));
        assert_eq!(b.take(ms(499), 1), Err(ms(500)));
        assert_eq!(b.take(ms(500), 1), Ok(()));
        assert_eq!(b.tokens(ms(10_000)), 2, "it never holds more than its burst");
    }

    #[test]
    fn thirds_do_not_drift() {
        // 3 tokens in 10 s: a third of a token is no whole number of nanoseconds.
        let mut b = Bucket::new(2, 3, Duration::from_secs(10), ms(0));
        let (mut now, mut taken) = (ms(0), 0);
        while now <= ms(3_600_000) {
            match b.take(now, 1) {
                Ok(()) => taken += 1,
                Err(at) => now = at,
            }
        }
        assert_eq!(taken, 2 + 3_600 * 3 / 10);
    }

    #[test]
    fn what_cannot_be_is_never() {
        let mut b = Bucket::new(2, 1, Duration::from_secs(1), ms(0));
        assert_eq!(b.take(ms(0), 3), Err(Mono::NEVER));
        let mut dry = Bucket::new(1, 0, Duration::ZERO, ms(0));
        assert_eq!(dry.take(ms(0), 1), Ok(()));
        assert_eq!(dry.take(ms(9), 1), Err(Mono::NEVER));
    }

    #[test]
    fn time_that_goes_back_brings_nothing() {
        let mut b = Bucket::new(1, 1, Duration::from_secs(1), ms(5_000));
        assert_eq!(b.take(ms(5_000), 1), Ok(()));
        assert_eq!(b.take(ms(1_000), 1), Err(ms(6_000)));
    }

    #[test]
    fn the_venue_s_own_count_only_lowers_it() {
        let mut b = Bucket::new(4_800, 4_800, Duration::from_secs(60), ms(0));
        b.agree(ms(0), 10_000);
        assert_eq!(b.tokens(ms(0)), 4_800);
        b.agree(ms(0), 40);
        assert_eq!(b.take(ms(0), 50), Err(ms(125)));
        b.agree(ms(0), -40);
        assert_eq!(b.take(ms(0), 50), Err(ms(1_125)), "a debt is paid back first");
        b.agree(ms(0), i64::MIN);
        assert!(b.ready_at(50) <= ms(61_000), "a nonsense header costs at most a window");
    }
}
