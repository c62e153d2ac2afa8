//! Counting against an allowance: a rolling window that remembers each hit, and one aligned to the clock.

use super::config::Allowance;
use crate::engine::time::{Mono, Wall};
use std::collections::VecDeque;
use std::time::Duration;

/// At most `count` in any window. Hits over it are not remembered: they were refused.
#[derive(Debug)]
pub struct Rolling {
    allowance: Allowance,
    /// Time and cost; bounded, for every entry costs at least one unit of the allowance.
    hits: VecDeque<(Mono, u32)>,
    used: u64,
}

impl Rolling {
    pub fn new(allowance: Allowance) -> Rolling {
        Rolling { allowance, hits: VecDeque::new(), used: 0 }
    }

    /// Takes `cost` (at least 1).
    ///
    /// # Errors
    /// How long until as much would be free, when it is not now.
    pub fn take(&mut self, now: Mono, cost: u32) -> Result<(), Duration> {
        let cost = cost.max(1);
        while let Some(&(at, old)) = self.hits.front() {
            if now.since(at) < self.allowance.window {
                break;
            }
            self.used -= u64::from(old);
            self.hits.pop_front();
        }
        if self.used + u64::from(cost) > u64::from(self.allowance.count) {
            let oldest = self.hits.front().map_or(now, |&(at, _)| at);
            return Err(self.allowance.window.saturating_sub(now.since(oldest)));
        }
        self.used += u64::from(cost);
        self.hits.push_back((now, cost));
        Ok(())
    }

    pub fn used(&self) -> u64 {
        self.used
    }
}

/// At most `count` between two strokes of the clock, as Binance counts its minutes.
#[derive(Debug)]
pub struct Aligned {
    allowance: Allowance,
    window_index: i64,
    used: u64,
}

impl Aligned {
    pub fn new(allowance: Allowance) -> Aligned {
        Aligned { allowance, window_index: 0, used: 0 }
    }

    /// Takes `cost`; a refused call counts too, as it does at the venue.
    ///
    /// # Errors
    /// How long until the window ends, when this went over.
    pub fn take(&mut self, now: Wall, cost: u32) -> Result<(), Duration> {
        let width = i64::try_from(self.allowance.window.as_nanos()).unwrap_or(i64::MAX).max(1);
        let index = now.nanos().div_euclid(width);
        if index != self.window_index {
            (self.window_index, self.used) = (index, 0);
        }
        self.used += u64::from(cost);
        if self.used > u64::from(self.allowance.count) {
            return Err(Duration::from_nanos((width - now.nanos().rem_euclid(width)).unsigned_abs()));
        }
        Ok(())
    }

    pub fn used(&self) -> u64 {
        self.used
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rolling_window_frees_what_it_took() {
        let at = |ms: u64| Mono::from_nanos(ms * 1_000_000);
        let mut meter = Rolling::new(Allowance::new(3, Duration::from_secs(1)));
        assert_eq!(meter.take(at(0), 1), Ok(()));
        assert_eq!(meter.take(at(500), 2), Ok(()));
        assert_eq!(meter.take(at(900), 1), Err(Duration::from_millis(100)));
        assert_eq!(meter.take(at(1_000), 1), Ok(()));
        assert_eq!(meter.take(at(1_499), 1), Err(Duration::from_millis(1)));
        assert_eq!(meter.take(at(1_500), 2), Ok(()));
        assert_eq!(meter.used(), 3);
    }

    #[test]
    fn an_aligned_window_ends_on_the_stroke() {
        let at = |s: i64| Wall::from_nanos(s * 1_000_000_000);
        let mut meter = Aligned::new(Allowance::new(100, Duration::from_secs(60)));
        assert_eq!(meter.take(at(59), 100), Ok(()));
        assert_eq!(meter.take(at(59), 1), Err(Duration::from_secs(1)));
        assert_eq!(meter.take(at(60), 100), Ok(()));
        assert_eq!(meter.used(), 100);
    }
}
