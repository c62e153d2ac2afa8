//! A limit for one kind of line: the first at once, then one in a while, with the number that were held back.
//!
//! journald drops above some 300 lines a second, ours with everybody else's; a venue that sends nonsense sends it by
//! the thousand. Lock-free: readers and workers log from their hot paths.

use crate::engine::time::Mono;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// One per kind of line and source: a noisy feed must not silence another one's trouble.
#[derive(Debug)]
pub struct Limiter {
    every: Duration,
    /// When the next line may be written.
    next: AtomicU64,
    held_back: AtomicU64,
}

impl Default for Limiter {
    /// Once a minute: ten kinds of trouble at once still leave a log that a person can read.
    fn default() -> Limiter {
        Limiter::new(Duration::from_secs(60))
    }
}

impl Limiter {
    pub const fn new(every: Duration) -> Limiter {
        Limiter { every, next: AtomicU64::new(0), held_back: AtomicU64::new(0) }
    }

    /// `Some(n)`: write the line now, `n` like it were held back since the last. `None`: hold it back.
    pub fn permit(&self, now: Mono) -> Option<u64> {
        let next = self.next.load(Ordering::Relaxed);
        let later = now.after(self.every).nanos();
        let mine = now.nanos() >= next
            && self.next.compare_exchange(next, later, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        if mine {
            return Some(self.held_back.swap(0, Ordering::Relaxed));
        }
        self.held_back.fetch_add(1, Ordering::Relaxed);
        None
    }
}

/// Logs at most once in ten seconds from this place, or as the given [`Limiter`] allows:
/// `log_limited!(Level::Warn, now, "frame of {n} bytes")`, `log_limited!(limiter: &l, Level::Warn, now, …)`.
#[macro_export]
macro_rules! log_limited {
    (limiter: $limiter:expr, $level:expr, $now:expr, $($text:tt)+) => {
        match $limiter.permit($now) {
            Some(0) => ::log::log!($level, $($text)+),
            Some(more) => ::log::log!($level, "{} (and {more} more like it)", format_args!($($text)+)),
            None => {}
        }
    };
    ($level:expr, $now:expr, $($text:tt)+) => {{
        static HERE: $crate::shell::log::Limiter =
            $crate::shell::log::Limiter::new(::std::time::Duration::from_secs(10));
        $crate::log_limited!(limiter: HERE, $level, $now, $($text)+)
    }};
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_in_a_while_and_the_rest_counted() {
        let limiter = Limiter::new(Duration::from_secs(10));
        let at = |seconds| Mono::ZERO.after(Duration::from_secs(seconds));
        let permits: Vec<_> = [0, 1, 9, 10, 11, 25].map(|s| limiter.permit(at(s))).into();
        assert_eq!(permits, [Some(0), None, None, Some(2), None, Some(1)]);
    }

    #[test]
    fn the_macro_limits_its_own_place() {
        let limiter = Limiter::new(Duration::from_secs(1));
        for _ in 0..3 {
            log_limited!(limiter: limiter, log::Level::Debug, Mono::ZERO, "n {}", 1);
            log_limited!(log::Level::Debug, Mono::ZERO, "n");
        }
        assert_eq!(limiter.permit(Mono::ZERO.after(Duration::from_secs(1))), Some(2));
    }
}
