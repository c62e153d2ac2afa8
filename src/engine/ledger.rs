//! What we may still say to a venue: control messages and connects, over all connections to it.
//!
//! One ledger a venue, shared by the threads behind one lock. It outlives every connection, so that a reconnect loop
//! spends from the same purse as everything else. REST has its own purse in the recovery planner.

use crate::engine::backoff::ASKED_WAIT_MAX;
use crate::engine::bucket::Bucket;
use crate::engine::day::Day;
use crate::engine::resume::{Left, VenueBudgets};
use crate::engine::time::Mono;
use crate::venue::profile::Profile;
use std::time::Duration;

/// One part in this many of a day's control messages is kept for subscribing after a reconnect: a day of bad luck may
/// cost repairs, and never the ability to connect. A fifth of CoinAPI's 1,000 is 200 reconnects a day.
const DAY_KEPT_FOR_OPENING: u32 = 5;

#[derive(Clone, Debug)]
pub struct Ledger {
    /// Whose it is.
    pub venue: &'static str,
    control: Bucket,
    control_day: Option<Day>,
    connects: Bucket,
    /// The venue said to one connection not to come before this; it counts addresses, so it holds for all.
    connects_from: Mono,
    control_spent: u64,
    connects_spent: u64,
}

impl Ledger {
    pub fn new(profile: &Profile, now: Mono) -> Ledger {
        let (control, connects) = (profile.control.refill, profile.connects);
        Ledger {
            venue: profile.name,
            control: Bucket::new(control.burst, control.per_window, control.window, now),
            control_day: profile.control.daily.map(Day::new),
            connects: Bucket::new(connects.burst, connects.per_window, connects.window, now),
            connects_from: Mono::ZERO,
            control_spent: 0,
            connects_spent: 0,
        }
    }

    /// Pays for `n` control messages of a fresh connection: all or none. Pay one at a time, as each is sent.
    ///
    /// # Errors
    /// When to ask again; [`Mono::NEVER`] when `n` exceeds the whole burst or day.
    pub fn take_control(&mut self, now: Mono, n: u32) -> Result<(), Mono> {
        self.pay_control(now, n, 0)
    }

    /// Pays for `n` control messages of an in-band restart: all or none, and not from the part of the day that is
    /// kept for [`Ledger::take_control`].
    ///
    /// # Errors
    /// As [`Ledger::take_control`].
    pub fn take_repair(&mut self, now: Mono, n: u32) -> Result<(), Mono> {
        let kept = self.control_day.as_ref().map_or(0, |day| day.limit() / DAY_KEPT_FOR_OPENING);
        self.pay_control(now, n, kept)
    }

    /// No connect before this: the venue said so to one of us.
    pub fn hold_connects(&mut self, until: Mono) {
        self.connects_from = self.connects_from.max(until);
    }

    /// Pays for one connect.
    ///
    /// # Errors
    /// When to ask again.
    pub fn take_connect(&mut self, now: Mono) -> Result<(), Mono> {
        if now < self.connects_from {
            return Err(self.connects_from);
        }
        self.connects.take(now, 1)?;
        self.connects_spent += 1;
        Ok(())
    }

    /// What is left, to be gone on with after a restart.
    pub fn state(&mut self, now: Mono, into: &mut VenueBudgets) {
        let wait_ms = u64::try_from(self.connects_from.since(now).as_millis()).unwrap_or(u64::MAX);
        into.connects = Left { tokens: self.connects.tokens(now), wait_ms };
        into.control_day = self.control_day.as_mut().map(|day| day.state(now)).unwrap_or_default();
    }

    /// Goes on with what was left so long ago.
    pub fn resume(&mut self, now: Mono, was: &VenueBudgets, elapsed: Duration) {
        self.connects.resume(now, was.connects.tokens, elapsed);
        self.hold_connects(now.after(was.connects.wait_after(elapsed).min(ASKED_WAIT_MAX)));
        if let Some(day) = &mut self.control_day {
            day.resume(now, &was.control_day, elapsed);
        }
    }

    /// Control messages paid for since the start.
    pub const fn control_spent(&self) -> u64 {
        self.control_spent
    }

    /// Connects paid for since the start.
    pub const fn connects_spent(&self) -> u64 {
        self.connects_spent
    }

    /// Pays for `n` when `n + kept` would fit into the day.
    fn pay_control(&mut self, now: Mono, n: u32, kept: u32) -> Result<(), Mono> {
        if let Some(day) = &mut self.control_day {
            day.spent(now); // forgets what is older than a day
            let room_at = day.ready_at(n.saturating_add(kept));
            if room_at > now {
                return Err(room_at);
            }
        }
        self.control.take(now, n)?;
        if let Some(day) = &mut self.control_day {
            day.take(now, n).expect("there was room for this and more just now");
        }
        self.control_spent += u64::from(n);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::recovery::testing::{in_band_venue, s};

    #[test]
    fn repairs_leave_a_part_of_the_day_for_reconnects() {
        let mut ledger = Ledger::new(in_band_venue().profile, Mono::ZERO);
        let mut now = s(0);
        while now < s(86_000) {
            if let Err(at) = ledger.take_repair(now, 2) {
                now = at;
            }
        }
        assert_eq!(ledger.control_spent(), 800, "four fifths of 1,000");
        let before = s(80_000);
        let mut openings = ledger.clone();
        assert!(ledger.take_repair(before, 2).unwrap_err() > before);
        let mut now = before;
        while openings.control_spent() < 1_000 {
            if let Err(at) = openings.take_control(now, 1) {
                now = at;
            }
        }
        assert!(openings.take_control(now, 1).unwrap_err() > s(86_400), "then the day is over");
    }

    /// A daemon that dies right after each connect gets no more of them than one that lives.
    #[test]
    fn dying_buys_no_connects() {
        let profile = in_band_venue().profile;
        let (burst, mut connects, mut state) = (profile.connects.burst, 0, VenueBudgets::default());
        for start in 0..1_000 {
            let mut ledger = Ledger::new(profile, Mono::ZERO);
            if start > 0 {
                ledger.resume(Mono::ZERO, &state, Duration::from_millis(10));
            }
            connects += u32::from(ledger.take_connect(Mono::ZERO).is_ok());
            ledger.state(Mono::ZERO, &mut state);
        }
        let seconds = 10.0;
        let refilled =
            f64::from(profile.connects.per_window) * seconds / profile.connects.window.as_secs_f64();
        assert!(f64::from(connects) <= f64::from(burst) + refilled, "{connects}");
        assert!(connects >= burst, "what was there is used");
    }

    #[test]
    fn a_ban_and_a_day_outlive_the_process() {
        let mut ledger = Ledger::new(in_band_venue().profile, Mono::ZERO);
        (0..3).for_each(|_| ledger.take_control(s(0), 1).unwrap());
        ledger.hold_connects(s(100));
        let mut state = VenueBudgets::default();
        ledger.state(s(40), &mut state);
        let mut next = Ledger::new(in_band_venue().profile, Mono::ZERO);
        next.resume(Mono::ZERO, &state, Duration::from_secs(20));
        assert_eq!(next.take_connect(Mono::ZERO), Err(s(40)), "40 of 100 seconds, and 20 more, had passed");
        assert_eq!(next.control_day.as_mut().map(|day| day.spent(Mono::ZERO)), Some(3));
        let mut later = Ledger::new(in_band_venue().profile, Mono::ZERO);
        later.resume(Mono::ZERO, &state, Duration::from_secs(25 * 3_600));
        assert_eq!(later.control_day.as_mut().map(|day| day.spent(Mono::ZERO)), Some(0), "a day later");
        assert_eq!(later.take_connect(Mono::ZERO), Ok(()));
    }

    #[test]
    fn a_refusal_costs_nothing() {
        let mut ledger = Ledger::new(in_band_venue().profile, Mono::ZERO);
        assert_eq!(ledger.take_control(s(0), 3), Ok(()));
        let at = ledger.take_control(s(0), 2).unwrap_err();
        assert_eq!(ledger.take_control(s(0), 5), Err(Mono::NEVER));
        assert_eq!(ledger.take_control(at, 2), Ok(()));
        for _ in 0..10 {
            assert_eq!(ledger.take_connect(s(9)), Ok(()));
        }
        assert_eq!(ledger.take_connect(s(9)), Err(s(10)));
        assert_eq!((ledger.control_spent(), ledger.connects_spent()), (5, 10));
    }

    /// One connection was told to wait, and the others dialed on: the venue counted each of them as coming too soon.
    #[test]
    fn what_one_connection_is_told_holds_for_all() {
        let mut ledger = Ledger::new(in_band_venue().profile, Mono::ZERO);
        let until = s(7);
        ledger.hold_connects(until);
        ledger.hold_connects(Mono::ZERO);
        assert_eq!(ledger.take_connect(Mono::ZERO), Err(until));
        assert_eq!(ledger.connects_spent(), 0);
        assert_eq!(ledger.take_connect(until), Ok(()));
    }
}
