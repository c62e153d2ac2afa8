//! A circuit breaker: after failures in a row nobody calls for a while, then one call tries.
//!
//! Every call carries the [`Pass`] it was let through with. An answer to a call of an earlier phase (one that was in
//! flight when the breaker opened, say) says nothing about the present one and changes nothing.

use std::time::Duration;

use crate::engine::backoff::grown;
use crate::engine::time::Mono;

/// Open never lasts longer than this: the contract's `breaker_open` is "doubled each time it reopens, up to 10 min".
const OPEN_MAX: Duration = Duration::from_secs(600);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BreakerState {
    /// Calls go through.
    Closed,
    /// One call is out to try.
    HalfOpen,
    /// No call goes through.
    Open,
}

impl BreakerState {
    /// The value of the metric `rest_breaker_state`.
    pub const fn metric(self) -> u8 {
        match self {
            BreakerState::Closed => 0,
            BreakerState::HalfOpen => 1,
            BreakerState::Open => 2,
        }
    }

    pub const fn name(self) -> &'static str {
        match self {
            BreakerState::Closed => "closed",
            BreakerState::HalfOpen => "half_open",
            BreakerState::Open => "open",
        }
    }
}

/// The phase a call was let through in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pass(u64);

#[derive(Clone, Debug)]
pub struct Breaker {
    failures_max: u32,
    open_first: Duration,
    state: BreakerState,
    /// Failures in a row while closed.
    failures: u32,
    /// Times it reopened since it was last closed.
    reopened: u32,
    open_until: Mono,
    phase: u64,
    opened: u64,
}

impl Breaker {
    /// Opens after `failures_max` failures in a row (at least one), for `open_first` the first time.
    pub fn new(failures_max: u32, open_first: Duration) -> Breaker {
        Breaker {
            failures_max: failures_max.max(1),
            open_first,
            state: BreakerState::Closed,
            failures: 0,
            reopened: 0,
            open_until: Mono::ZERO,
            phase: 0,
            opened: 0,
        }
    }

    pub const fn state(&self) -> BreakerState {
        self.state
    }

    /// Times it went from closed to open.
    pub const fn opened(&self) -> u64 {
        self.opened
    }

    /// When a call may go: an instant already past when it may now; [`Mono::NEVER`] while one is out to try.
    pub const fn ready_at(&self) -> Mono {
        match self.state {
            BreakerState::Closed => Mono::ZERO,
            BreakerState::HalfOpen => Mono::NEVER,
            BreakerState::Open => self.open_until,
        }
    }

    /// Lets a call through, or `None`. The caller makes the call, and reports how it went with the pass.
    pub fn enter(&mut self, now: Mono) -> Option<Pass> {
        if now < self.ready_at() {
            return None;
        }
        if self.state == BreakerState::Open {
            self.go(BreakerState::HalfOpen);
        }
        Some(Pass(self.phase))
    }

    /// The call was answered well.
    pub fn succeeded(&mut self, pass: Pass) {
        self.answered(pass);
        if pass.0 == self.phase {
            self.failures = 0;
        }
    }

    /// The call was answered, in a way that says nothing of the venue's health but that it is there.
    pub fn answered(&mut self, pass: Pass) {
        if pass.0 == self.phase && self.state == BreakerState::HalfOpen {
            self.go(BreakerState::Closed);
            (self.failures, self.reopened) = (0, 0);
        }
    }

    /// The call failed.
    pub fn failed(&mut self, now: Mono, pass: Pass) {
        if pass.0 != self.phase {
            return;
        }
        match self.state {
            BreakerState::Closed => {
                self.failures += 1;
                if self.failures >= self.failures_max {
                    self.opened += 1;
                    self.open(now);
                }
            }
            BreakerState::HalfOpen => {
                self.reopened = self.reopened.saturating_add(1);
                self.open(now);
            }
            BreakerState::Open => unreachable!("no pass is given out while open"),
        }
    }

    /// How long it will be open if the call that is out, or the next one, fails.
    pub fn opens_for(&self) -> Duration {
        match self.state {
            BreakerState::Closed => self.opening(self.reopened),
            BreakerState::HalfOpen | BreakerState::Open => self.opening(self.reopened.saturating_add(1)),
        }
    }

    fn opening(&self, reopened: u32) -> Duration {
        // A configured wait above the cap is meant, so it is never shortened, only not doubled.
        grown(self.open_first, OPEN_MAX.max(self.open_first), reopened)
    }

    fn open(&mut self, now: Mono) {
        self.go(BreakerState::Open);
        self.open_until = now.after(self.opening(self.reopened));
    }

    fn go(&mut self, state: BreakerState) {
        self.state = state;
        self.phase += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(n: u64) -> Mono {
        Mono::from_nanos(n * 1_000_000_000)
    }

    fn opened_at(now: Mono) -> Breaker {
        let mut b = Breaker::new(3, Duration::from_secs(30));
        for _ in 0..3 {
            let pass = b.enter(now).expect("closed");
            b.failed(now, pass);
        }
        b
    }

    #[test]
    fn failures_in_a_row_open_it_and_one_call_closes_it() {
        let mut b = opened_at(s(0));
        assert_eq!((b.state(), b.opened()), (BreakerState::Open, 1));
        assert_eq!(b.enter(s(29)), None);
        let pass = b.enter(s(30)).expect("half-open lets one through");
        assert_eq!(b.enter(s(30)), None, "and only one");
        assert_eq!((b.state(), b.ready_at()), (BreakerState::HalfOpen, Mono::NEVER));
        b.succeeded(pass);
        assert_eq!(b.state(), BreakerState::Closed);
        assert!(b.enter(s(30)).is_some());
    }

    #[test]
    fn a_success_between_failures_starts_the_count_anew() {
        let mut b = Breaker::new(2, Duration::from_secs(1));
        for _ in 0..10 {
            let pass = b.enter(s(0)).unwrap();
            b.failed(s(0), pass);
            let pass = b.enter(s(0)).unwrap();
            b.succeeded(pass);
        }
        assert_eq!(b.state(), BreakerState::Closed);
    }

    #[test]
    fn each_reopening_lasts_twice_as_long_up_to_ten_minutes() {
        let mut b = opened_at(s(0));
        let mut now = 0;
        for wait in [30, 60, 120, 240, 480, 600, 600] {
            assert_eq!(b.ready_at(), s(now + wait));
            now += wait;
            let pass = b.enter(s(now)).unwrap();
            b.failed(s(now), pass);
        }
        let pass = b.enter(s(now + 600)).unwrap();
        b.answered(pass);
        assert_eq!((b.state(), b.opened()), (BreakerState::Closed, 1), "a reopening is no new opening");
        for _ in 0..3 {
            let pass = b.enter(s(now + 601)).unwrap();
            b.failed(s(now + 601), pass);
        }
        assert_eq!((b.state(), b.opened()), (BreakerState::Open, 2));
    }

    #[test]
    fn an_answer_from_an_earlier_phase_changes_nothing() {
        let mut b = Breaker::new(1, Duration::from_secs(30));
        let (first, second) = (b.enter(s(0)).unwrap(), b.enter(s(0)).unwrap());
        b.failed(s(0), first);
        b.succeeded(second);
        assert_eq!(b.state(), BreakerState::Open);
        let probe = b.enter(s(30)).unwrap();
        b.failed(s(30), second);
        assert_eq!(b.state(), BreakerState::HalfOpen);
        b.failed(s(30), probe);
        assert_eq!(b.ready_at(), s(90));
    }
}
