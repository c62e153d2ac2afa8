//! How fast a counter grew lately: a ring of readings, time passed in.
//!
//! 61 readings, one a slot: with a slot of one second the rate is over the last minute, with a slot of one minute
//! over the last hour. A counter read less often than once a slot gives the rate between the readings there are.

use crate::engine::time::Mono;
use std::time::Duration;

/// Sixty steps between the first and the last reading.
const READINGS: usize = 61;

/// The recent growth of one counter. 1 KiB.
#[derive(Clone, Debug)]
pub struct Rate {
    slot: Duration,
    readings: [(Mono, u64); READINGS],
    len: usize,
    newest: usize,
}

impl Rate {
    pub const fn new(slot: Duration) -> Rate {
        Rate { slot, readings: [(Mono::ZERO, 0); READINGS], len: 0, newest: 0 }
    }

    /// Notes the counter's value. Readings closer than a slot to the one before are ignored.
    pub fn observe(&mut self, now: Mono, total: u64) {
        if self.len > 0 {
            if now.since(self.readings[self.newest].0) < self.slot {
                return;
            }
            self.newest = (self.newest + 1) % READINGS;
        }
        self.readings[self.newest] = (now, total);
        self.len = (self.len + 1).min(READINGS);
    }

    /// Growth a second from the oldest reading within the last `window` up to `total` now; 0 without one.
    pub fn per_second(&self, now: Mono, total: u64, window: Duration) -> f64 {
        let oldest = (0..self.len)
            .map(|back| self.readings[(self.newest + READINGS - back) % READINGS])
            .take_while(|(at, _)| now.since(*at) <= window)
            .last();
        let Some((at, then)) = oldest else { return 0.0 };
        let elapsed = now.since(at).as_secs_f64();
        if elapsed <= 0.0 { 0.0 } else { total.saturating_sub(then) as f64 / elapsed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_over_the_window_asked_for() {
        let at = |s: u64| Mono::ZERO.after(Duration::from_secs(s));
        let mut rate = Rate::new(Duration::from_secs(1));
        assert_eq!(rate.per_second(at(0), 5, Duration::from_secs(10)), 0.0);
        for s in 0..200 {
            rate.observe(at(s), if s < 190 { s * 10 } else { 1_900 + (s - 190) * 100 });
            rate.observe(at(s).after(Duration::from_millis(500)), u64::MAX);
        }
        assert_eq!(rate.per_second(at(200), 2_900, Duration::from_secs(10)), 100.0);
        assert_eq!(rate.per_second(at(200), 2_900, Duration::from_secs(60)), (50.0 * 10.0 + 1_000.0) / 60.0);
        assert_eq!(rate.per_second(at(900), 2_900, Duration::from_secs(60)), 0.0);
    }
}
