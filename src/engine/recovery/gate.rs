//! The way to one venue's REST: every limit on it in one place.
//!
//! A call goes through when the rate, the day, the places in flight, the breaker and the venue's own pauses all allow
//! it. What a call cost is not given back when it fails: the venue counted it too.

use std::time::Duration;

use crate::engine::backoff::{ASKED_WAIT_MAX, at_least};
use crate::engine::breaker::{Breaker, BreakerState, Pass};
use crate::engine::bucket::Bucket;
use crate::engine::day::Day;
use crate::engine::random::Random;
use crate::engine::recovery::{RestCounts, VenueRules};
use crate::engine::resume::{Left, VenueBudgets};
use crate::engine::time::Mono;
use crate::venue::Verdict;

/// First and longest pause of each kind where the venue names none; each doubles while they follow one another.
/// A throttle passes within seconds; a ban of Binance lasts two minutes at least, so less would prolong it; a bad key
/// waits for a person.
const THROTTLED: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(300));
const BANNED: (Duration, Duration) = (Duration::from_secs(120), Duration::from_secs(3_600));
const DENIED: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(600));

#[derive(Clone, Debug)]
pub(super) struct Gate {
    rules: VenueRules,
    cost: u32,
    bucket: Bucket,
    day: Option<Day>,
    breaker: Breaker,
    in_flight: usize,
    in_flight_peak: usize,
    pause_until: Mono,
    paused_at: Mono,
    /// Pauses in a row, without a good answer between them.
    pauses: u32,
    counts: RestCounts,
}

impl Gate {
    pub fn new(rules: VenueRules) -> Gate {
        // A call that cost nothing would have no rate.
        let cost = rules.rest.snapshot_cost.max(1);
        let refill = rules.rest.refill;
        Gate {
            rules,
            cost,
            bucket: Bucket::new(refill.burst.max(cost), refill.per_window, refill.window, Mono::ZERO),
            day: rules.rest.daily.map(Day::new),
            breaker: Breaker::new(rules.breaker_failures, rules.breaker_open),
            in_flight: 0,
            in_flight_peak: 0,
            pause_until: Mono::ZERO,
            paused_at: Mono::ZERO,
            pauses: 0,
            counts: RestCounts::default(),
        }
    }

    /// What is left, to be gone on with after a restart.
    pub fn state(&mut self, now: Mono, into: &mut VenueBudgets) {
        let wait_ms = u64::try_from(self.pause_until.since(now).as_millis()).unwrap_or(u64::MAX);
        into.rest = Left { tokens: self.bucket.tokens(now), wait_ms };
        into.rest_day = self.day.as_mut().map(|day| day.state(now)).unwrap_or_default();
    }

    /// Goes on with what was left so long ago.
    pub fn resume(&mut self, now: Mono, was: &VenueBudgets, elapsed: Duration) {
        self.bucket.resume(now, was.rest.tokens, elapsed);
        self.pause_until = self.pause_until.max(now.after(was.rest.wait_after(elapsed).min(ASKED_WAIT_MAX)));
        if let Some(day) = &mut self.day {
            day.resume(now, &was.rest_day, elapsed);
        }
    }

    pub const fn rules(&self) -> &VenueRules {
        &self.rules
    }

    pub const fn counts(&self) -> &RestCounts {
        &self.counts
    }

    pub const fn in_flight(&self) -> usize {
        self.in_flight
    }

    pub const fn in_flight_peak(&self) -> usize {
        self.in_flight_peak
    }

    pub const fn breaker_state(&self) -> BreakerState {
        self.breaker.state()
    }

    /// See [`Breaker::opens_for`].
    pub fn breaker_opens_for(&self) -> Duration {
        self.breaker.opens_for()
    }

    pub const fn pause_until(&self) -> Mono {
        self.pause_until
    }

    /// When a call may go, if nothing is answered before; an instant already past when it may now.
    pub fn ready_at(&self) -> Mono {
        if self.in_flight >= self.rules.max_concurrent.max(1) {
            return Mono::NEVER;
        }
        let day_at = self.day.as_ref().map_or(Mono::ZERO, |day| day.ready_at(self.cost));
        self.bucket.ready_at(self.cost).max(day_at).max(self.breaker.ready_at()).max(self.pause_until)
    }

    /// When a call may go that nobody needs, if nothing is answered before: never beside another, never the last place of
    /// all, never from what a day has. The bucket is then as good as full and keeps half of a burst, so that a repair finds
    /// what it would have found.
    pub fn spare_at(&self) -> Mono {
        let alone = self.in_flight == 0 && self.rules.max_concurrent >= 2;
        if !alone || self.day.is_some() || self.breaker.state() != BreakerState::Closed {
            return Mono::NEVER;
        }
        let burst = self.rules.rest.refill.burst.max(self.cost);
        let nearly_full = burst - burst / 10;
        let half_kept = burst.div_ceil(2).saturating_add(self.cost);
        self.ready_at().max(self.bucket.ready_at(nearly_full.max(half_kept)))
    }

    /// Pays for a call and lets it through, or `None`.
    pub fn enter(&mut self, now: Mono) -> Option<Pass> {
        if now < self.ready_at() {
            return None;
        }
        self.bucket.take(now, self.cost).expect("ready_at says the rate allows it");
        if let Some(day) = &mut self.day {
            day.take(now, self.cost).expect("ready_at says the day allows it");
        }
        let pass = self.breaker.enter(now).expect("ready_at says the breaker allows it");
        self.in_flight += 1;
        self.in_flight_peak = self.in_flight_peak.max(self.in_flight);
        self.counts.calls += 1;
        Some(pass)
    }

    /// A call that went out at `sent` came back.
    pub fn answered(
        &mut self,
        now: Mono,
        pass: Pass,
        sent: Mono,
        verdict: &Verdict,
        used: Option<u32>,
        random: &mut Random,
    ) {
        self.in_flight = self.in_flight.checked_sub(1).expect("each pass is answered once");
        if let Some(used) = used {
            // What the venue has counted, and what it will count of the calls still out.
            let out = i64::try_from(self.in_flight).unwrap_or(i64::MAX).saturating_mul(i64::from(self.cost));
            let budget = i64::from(self.rules.profile.rest.refill.per_window);
            self.bucket.agree(now, budget.saturating_sub(i64::from(used)).saturating_sub(out));
        }
        match verdict {
            Verdict::Good => self.breaker.succeeded(pass),
            Verdict::Failed => self.breaker.failed(now, pass),
            _ => self.breaker.answered(pass),
        }
        match verdict {
            Verdict::Good => self.pauses = 0,
            Verdict::Throttled { wait } => self.pause(now, sent, *wait, THROTTLED, random),
            Verdict::Banned { wait } => self.pause(now, sent, *wait, BANNED, random),
            Verdict::Denied => self.pause(now, sent, None, DENIED, random),
            Verdict::NoData | Verdict::Refused | Verdict::Failed => {}
        }
    }

    /// Counts an answer, by verdict and by status.
    pub fn count(&mut self, verdict: &Verdict, status: Option<u16>) {
        let counts = &mut self.counts;
        *match verdict {
            Verdict::Good => &mut counts.good,
            Verdict::Throttled { .. } => &mut counts.throttled,
            Verdict::Banned { .. } => &mut counts.banned,
            Verdict::NoData => &mut counts.no_data,
            Verdict::Refused => &mut counts.refused,
            Verdict::Denied => &mut counts.denied,
            Verdict::Failed => &mut counts.failed,
        } += 1;
        let status = status.filter(|s| *s < 1_000).unwrap_or(0);
        *counts.by_status.entry(status).or_default() += 1;
    }

    /// No call before the wait is over. Calls that were out together are told together: that is one pause.
    fn pause(
        &mut self,
        now: Mono,
        sent: Mono,
        asked: Option<Duration>,
        (first, most): (Duration, Duration),
        random: &mut Random,
    ) {
        if self.pauses == 0 || sent > self.paused_at {
            self.pauses = self.pauses.saturating_add(1);
            self.paused_at = now;
        }
        let wait = match asked {
            // A second more at most, so that several feeds do not come back in one instant; and no hot loop on zero.
            Some(asked) => {
                asked.clamp(THROTTLED.0, ASKED_WAIT_MAX) + random.wait_up_to(Duration::from_secs(1))
            }
            None => at_least(first, most, self.pauses - 1, random),
        };
        self.pause_until = self.pause_until.max(now.after(wait));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::recovery::testing::{rest_venue, s};

    fn throttled(wait: Option<u64>) -> Verdict {
        Verdict::Throttled { wait: wait.map(Duration::from_secs) }
    }

    #[test]
    fn places_in_flight_are_a_limit_of_their_own() {
        let mut gate = Gate::new(rest_venue(4_800, 50, 2));
        assert!(gate.enter(s(0)).is_some());
        let second = gate.enter(s(0)).expect("two at once");
        assert_eq!((gate.enter(s(0)), gate.ready_at()), (None, Mono::NEVER));
        gate.answered(s(1), second, s(0), &Verdict::Good, None, &mut Random::new(1));
        assert!(gate.enter(s(1)).is_some());
        assert_eq!(gate.in_flight_peak(), 2);
    }

    #[test]
    fn a_pause_is_obeyed_and_calls_told_together_pause_once() {
        let mut random = Random::new(1);
        let mut gate = Gate::new(rest_venue(4_800, 50, 2));
        let (a, b) = (gate.enter(s(0)).unwrap(), gate.enter(s(0)).unwrap());
        gate.answered(s(1), a, s(0), &throttled(Some(30)), None, &mut random);
        gate.answered(s(1), b, s(0), &throttled(None), None, &mut random);
        assert!(gate.ready_at() >= s(31) && gate.ready_at() <= s(32));
        assert_eq!((gate.pauses, gate.enter(s(30))), (1, None));
        let c = gate.enter(s(40)).unwrap();
        gate.answered(s(40), c, s(40), &Verdict::Banned { wait: None }, None, &mut random);
        assert!(gate.ready_at() >= s(40 + 240), "the second pause in a row is longer");
        let later = s(1_000);
        // Told together, but worse: the worse counts.
        let mut other = Gate::new(rest_venue(4_800, 50, 2));
        let (e, f) = (other.enter(later).unwrap(), other.enter(later).unwrap());
        other.answered(later, e, later, &throttled(None), None, &mut random);
        other.answered(later, f, later, &Verdict::Banned { wait: None }, None, &mut random);
        assert!(other.pauses == 1 && other.ready_at() >= later.after(BANNED.0));
        let d = gate.enter(later).unwrap();
        gate.answered(later, d, later, &throttled(Some(u64::MAX)), None, &mut random);
        assert!(gate.ready_at() <= later.after(ASKED_WAIT_MAX + Duration::from_secs(1)));
    }

    #[test]
    fn the_venue_s_count_lowers_the_rate() {
        let mut gate = Gate::new(rest_venue(4_800, 50, 2));
        let (a, _b) = (gate.enter(s(0)).unwrap(), gate.enter(s(0)).unwrap());
        // 4,800 - 4,700 - 50 still out: one more call, then at 80 a second.
        gate.answered(s(0), a, s(0), &Verdict::Good, Some(4_700), &mut Random::new(1));
        let c = gate.enter(s(0)).expect("50 are left");
        gate.answered(s(0), c, s(0), &Verdict::Good, None, &mut Random::new(1));
        assert_eq!(gate.ready_at(), Mono::from_nanos(625_000_000));
    }

    #[test]
    fn a_burst_below_one_call_would_mean_never() {
        let mut rules = rest_venue(4_800, 50, 2);
        rules.rest.refill.burst = 2;
        assert!(Gate::new(rules).enter(s(0)).is_some());
    }
}
