//! The one reader of the clock.
//!
//! Readings of [`Clock::mono`] strictly increase over all threads: two equal instants are one reading. A clock may also
//! be set by hand ([`Clock::by_hand`]): a simulation then decides what time it is, and everything else runs as ever.

use crate::engine::time::{Mono, Stamp, Wall};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// A handle on the process's clock; clones share it.
#[derive(Clone, Debug)]
pub struct Clock {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    source: Source,
    last_nanos: AtomicU64,
}

#[derive(Debug)]
enum Source {
    System(Instant),
    Hand {
        mono_nanos: AtomicU64,
        /// Wall time at [`Mono::ZERO`], as far as the machine knows.
        wall_offset_nanos: AtomicI64,
    },
}

/// What moves a clock that is set by hand.
#[derive(Debug)]
pub struct Hand(Clock);

impl Clock {
    /// A clock that starts now.
    pub fn start() -> Clock {
        Clock::of(Source::System(Instant::now()))
    }

    /// A clock that stands at [`Mono::ZERO`], at this wall time, until its hand moves it.
    pub fn by_hand(wall: Wall) -> (Clock, Hand) {
        let wall_offset_nanos = AtomicI64::new(wall.nanos());
        let clock = Clock::of(Source::Hand { mono_nanos: AtomicU64::new(0), wall_offset_nanos });
        (clock.clone(), Hand(clock))
    }

    pub fn mono(&self) -> Mono {
        let now = match &self.inner.source {
            // 2^64 ns are 584 years of uptime.
            Source::System(started) => u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX),
            Source::Hand { mono_nanos, .. } => mono_nanos.load(Ordering::Relaxed),
        };
        let last = self.inner.last_nanos.fetch_max(now, Ordering::Relaxed);
        if last < now {
            return Mono::from_nanos(now);
        }
        Mono::from_nanos(self.inner.last_nanos.fetch_add(1, Ordering::Relaxed).saturating_add(1))
    }

    /// Both clocks at once.
    pub fn stamp(&self) -> Stamp {
        let mono = self.mono();
        let wall = match &self.inner.source {
            Source::System(_) => wall_now(),
            Source::Hand { wall_offset_nanos, .. } => {
                let offset = wall_offset_nanos.load(Ordering::Relaxed);
                Wall::from_nanos(offset.saturating_add_unsigned(mono.nanos()))
            }
        };
        Stamp { mono, wall }
    }

    fn of(source: Source) -> Clock {
        Clock { inner: Arc::new(Inner { source, last_nanos: AtomicU64::new(0) }) }
    }
}

impl Hand {
    /// It is this late now, or later: the clock never goes back, and each reading takes a nanosecond of its own.
    pub fn set(&self, now: Mono) {
        if let Source::Hand { mono_nanos, .. } = &self.0.inner.source {
            mono_nanos.fetch_max(now.nanos(), Ordering::Relaxed);
        }
    }

    /// The latest reading there was, or what was set after it.
    pub fn now(&self) -> Mono {
        let set = match &self.0.inner.source {
            Source::Hand { mono_nanos, .. } => mono_nanos.load(Ordering::Relaxed),
            Source::System(_) => 0,
        };
        Mono::from_nanos(self.0.inner.last_nanos.load(Ordering::Relaxed).max(set))
    }

    /// Steps the wall clock alone, as an administrator or a time server does.
    pub fn step_wall(&self, nanos: i64) {
        if let Source::Hand { wall_offset_nanos, .. } = &self.0.inner.source {
            let stepped = wall_offset_nanos.load(Ordering::Relaxed).saturating_add(nanos);
            wall_offset_nanos.store(stepped, Ordering::Relaxed);
        }
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
        for clock in [Clock::start(), Clock::by_hand(Wall::from_nanos(0)).0] {
            let mut last = clock.mono();
            for _ in 0..10_000 {
                let next = clock.mono();
                assert!(next > last);
                last = next;
            }
        }
    }

    #[test]
    fn a_hand_moves_both_clocks_and_steps_one() {
        let (clock, hand) = Clock::by_hand(Wall::from_nanos(500));
        hand.set(Mono::from_nanos(1_000));
        let stamp = clock.stamp();
        assert_eq!((stamp.mono.nanos(), stamp.wall.nanos()), (1_000, 1_500));
        hand.step_wall(-2_000);
        hand.set(Mono::from_nanos(3));
        let stamp = clock.stamp();
        assert_eq!((stamp.mono.nanos(), stamp.wall.nanos()), (1_001, -499), "mono never goes back");
        assert_eq!(hand.now(), stamp.mono);
    }
}
