//! What was spent in the last 24 hours, in bounded memory, never counting too little.
//!
//! A day is 96 slots of 15 minutes and one more: a spend is forgotten only when its whole slot is older than a day,
//! so at most 15 minutes late. Shorter slots would forget sooner and cost more memory; nobody needs either.

use std::time::Duration;

use crate::engine::resume::Spent;
use crate::engine::time::Mono;

const SLOT: Duration = Duration::from_secs(15 * 60);
const SLOT_NANOS: u64 = SLOT.as_nanos() as u64;
/// 24 h in slots, plus the one the present is in.
const SLOTS: usize = 97;
/// The slot that the beginning is in: a day of slots lies before it, for what was spent then.
const FIRST_SLOT: u64 = SLOTS as u64;

/// A budget for any 24 hours.
#[derive(Clone, Debug)]
pub struct Day {
    limit: u32,
    /// By slot number modulo [`SLOTS`].
    spent: [u32; SLOTS],
    /// The number of the newest slot: nanoseconds since the beginning, by [`SLOT`].
    newest: u64,
}

impl Day {
    pub fn new(limit: u32) -> Day {
        Day { limit, spent: [0; SLOTS], newest: FIRST_SLOT }
    }

    /// What was spent, by the age in slots.
    pub fn state(&mut self, now: Mono) -> Spent {
        self.roll(now);
        let by_age = (0..SLOTS as u16).map(|age| (age, self.spent[slot(self.newest - u64::from(age))]));
        Spent(by_age.filter(|(_, spent)| *spent > 0).collect())
    }

    /// Takes over what was spent before, so long ago. A part of a slot counts as none: rather too long than too short.
    pub fn resume(&mut self, now: Mono, spent: &Spent, elapsed: Duration) {
        self.roll(now);
        let passed = u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX) / SLOT_NANOS;
        for (&age, &spent) in &spent.0 {
            let age = u64::from(age).saturating_add(passed);
            if age < SLOTS as u64 {
                let room = &mut self.spent[slot(self.newest - age)];
                *room = room.saturating_add(spent);
            }
        }
    }

    /// Takes `n`, or nothing and says when there will be room.
    ///
    /// # Errors
    /// The instant at which `n` will fit if nobody takes any before; [`Mono::NEVER`] when a whole day is too small.
    pub fn take(&mut self, now: Mono, n: u32) -> Result<(), Mono> {
        self.roll(now);
        if u64::from(n) + self.used() > u64::from(self.limit) {
            return Err(self.ready_at(n));
        }
        self.spent[slot(self.newest)] += n;
        Ok(())
    }

    /// When `n` more will fit; an instant already past when they do.
    pub fn ready_at(&self, n: u32) -> Mono {
        let n = u64::from(n);
        if n > u64::from(self.limit) {
            return Mono::NEVER;
        }
        let mut used = self.used();
        let oldest = self.newest.saturating_sub(SLOTS as u64 - 1);
        for number in oldest..=self.newest {
            if used + n <= u64::from(self.limit) {
                return if number == oldest { Mono::ZERO } else { forgotten_at(number - 1) };
            }
            used -= u64::from(self.spent[slot(number)]);
        }
        forgotten_at(self.newest)
    }

    /// Spent in the last 24 hours, at `now`.
    pub fn spent(&mut self, now: Mono) -> u32 {
        self.roll(now);
        // More than the limit only where another limit was in force before.
        u32::try_from(self.used()).unwrap_or(u32::MAX)
    }

    pub const fn limit(&self) -> u32 {
        self.limit
    }

    fn used(&self) -> u64 {
        self.spent.iter().map(|&n| u64::from(n)).sum()
    }

    fn roll(&mut self, now: Mono) {
        let current = FIRST_SLOT + now.nanos() / SLOT_NANOS;
        if current <= self.newest {
            return;
        }
        for number in (self.newest + 1..=current).take(SLOTS) {
            self.spent[slot(number)] = 0;
        }
        self.newest = current;
    }
}

fn slot(number: u64) -> usize {
    (number % SLOTS as u64) as usize
}

/// The first instant at which the slot of this number is out of the ring.
fn forgotten_at(number: u64) -> Mono {
    let since_beginning = number.saturating_add(SLOTS as u64).saturating_sub(FIRST_SLOT);
    Mono::from_nanos(since_beginning.saturating_mul(SLOT_NANOS))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3_600;

    fn s(n: u64) -> Mono {
        Mono::from_nanos(n * 1_000_000_000)
    }

    #[test]
    fn a_spend_counts_for_a_day_and_at_most_a_slot_more() {
        let mut day = Day::new(3);
        assert_eq!(day.take(s(10), 2), Ok(()));
        assert_eq!(day.take(s(HOUR), 1), Ok(()));
        let room = day.take(s(HOUR), 1).unwrap_err();
        assert!(room >= s(10 + 24 * HOUR) && room <= s(10 + 24 * HOUR + 900), "{room:?}");
        assert_eq!(day.take(s(24 * HOUR), 1), Err(room));
        assert_eq!(day.take(room, 2), Ok(()));
        assert_eq!(day.spent(room), 3);
        assert_eq!(day.ready_at(3), day.take(room, 3).unwrap_err());
        assert_eq!(day.take(room, 4), Err(Mono::NEVER));
    }

    #[test]
    fn months_of_silence_forget_everything() {
        let mut day = Day::new(1);
        assert_eq!(day.take(s(5), 1), Ok(()));
        assert_eq!(day.take(s(90 * 24 * HOUR), 1), Ok(()));
        assert_eq!(day.spent(s(90 * 24 * HOUR)), 1);
    }

    #[test]
    fn the_instant_promised_is_kept() {
        let mut day = Day::new(10);
        for i in 0..10 {
            assert_eq!(day.take(s(i * 2_000), 1), Ok(()));
        }
        for n in 1..=10 {
            let at = day.ready_at(n);
            let mut early = day.clone();
            assert!(early.take(Mono::from_nanos(at.nanos() - 1), n).is_err(), "{n}");
            assert_eq!(day.clone().take(at, n), Ok(()), "{n}");
        }
    }
}
