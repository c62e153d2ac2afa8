//! The one reader of the clock.
//!
//! Readings of [`Clock::mono`] strictly increase over all threads: two equal instants are one reading.

use crate::engine::time::{Mono, Stamp, Wall};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// A handle on the process's clock; clones share it.
#[derive(Clone, Debug)]
pub struct Clock {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    started: Instant,
    last_nanos: AtomicU64,
}

impl Clock {
    /// A clock that starts now.
    pub fn start() -> Clock {
        Clock { inner: Arc::new(Inner { started: Instant::now(), last_nanos: AtomicU64::new(0) }) }
    }

    pub fn mono(&self) -> Mono {
        // 2^64 ns are 584 years of uptime.
        let now = u64::try_from(self.inner.started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let last = self.inner.last_nanos.fetch_max(now, Ordering::Relaxed);
        if last < now {
            return Mono::from_nanos(now);
        }
        Mono::from_nanos(self.inner.last_nanos.fetch_add(1, Ordering::Relaxed).saturating_add(1))
    }

    /// Both clocks at once.
    pub fn stamp(&self) -> Stamp {
        Stamp { mono: self.mono(), wall: wall_now() }
    }
}

/// What the machine believes the time to be. A clock set before 1970 reads as negative.
pub fn wall_now() -> Wall {
    let nanos = match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_nanos()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |n| -n),
    };
    Wall::from_nanos(nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readings_strictly_increase() {
        let clock = Clock::start();
        let mut last = clock.mono();
        for _ in 0..10_000 {
            let next = clock.mono();
            assert!(next > last);
            last = next;
        }
    }
}
