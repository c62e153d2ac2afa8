//! One connection from life to life: dial, run, tear down, wait, again. Never gives up, never skips a step.
//!
//! The supervisor performs what [`Lifecycle::next`] says and reports back. Every end, be it an error, a panic, a
//! request or the stop, takes the one path: `MarkDead`, `Shut`, `Join`, `Fence`, `Cancel`, `Record`. So two lives never
//! overlap (I5), and nothing of a life is applied after its fence (I4). Owns the generation numbers and the backoff;
//! it never touches a thread or a socket.

use std::time::Duration;

use crate::engine::backoff::{Backoff, BackoffRules, grown};
use crate::engine::connection::end::EndReason;
use crate::engine::connection::step::{Phase, Step, TEARDOWN_MAX};
use crate::engine::id::{ConnectionId, Generation};
use crate::engine::time::Mono;

/// A supervisor that runs asks within this of the instant it was told. A process that was stopped, or a machine that was
/// paused, asks seconds later.
const ASKED_WITHIN: Duration = Duration::from_millis(500);

/// The waits after a fatal end (a bad key, say): a person must act first, and a venue must not be hammered meanwhile.
const FATAL_WAIT_FIRST: Duration = Duration::from_secs(60);
const FATAL_WAIT_MAX: Duration = Duration::from_secs(600);

/// The default of `connect_timeout`.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// A life that runs.
#[derive(Clone, Copy, Debug)]
struct Life {
    generation: Generation,
    upgraded: bool,
    subscribed_at: Option<Mono>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Tear {
    MarkDead,
    Shut,
    Join,
    Joining,
    Fence,
    Fencing,
    Cancel,
    Record,
}

#[derive(Clone, Debug)]
enum At {
    Idle,
    Resolve,
    Resolving {
        until: Mono,
    },
    /// Ask for a token, not before this.
    Queued {
        since: Mono,
        not_before: Mono,
    },
    /// A token was asked for; the supervisor answers before it asks for anything else.
    Asked {
        since: Mono,
    },
    Spawn,
    Running(Life),
    Teardown {
        life: Life,
        reason: EndReason,
        began: Mono,
        tear: Tear,
        /// When it counts as stuck; never again once that was said.
        stuck_at: Mono,
    },
    BackingOff {
        until: Mono,
    },
    Stop,
    Stopped,
}

#[derive(Clone, Debug)]
pub struct Lifecycle {
    at: At,
    newest: Generation,
    stopping: bool,
    backoff: Backoff,
    reset_after: Duration,
    /// A name lookup without an answer for this long has failed.
    connect_timeout: Duration,
    /// Of the last name lookup.
    resolve_took: Duration,
    fatal_ends: u32,
    /// The last planned end was answered by coming back at once.
    came_back_at_once: bool,
    /// Since when nothing is subscribed though it should be.
    lost_at: Option<Mono>,
    last_end: Option<EndReason>,
    reconnect_took: Option<Duration>,
    teardown_took: Option<Duration>,
}

impl Lifecycle {
    /// Generations are unique in the process: the connection's number, then a count. A connection's number is
    /// therefore never given to another.
    pub fn new(connection: ConnectionId, rules: BackoffRules, seed: u64) -> Lifecycle {
        Lifecycle {
            at: At::Idle,
            newest: Generation(u64::from(connection.0) << 48),
            stopping: false,
            backoff: Backoff::new(rules, seed),
            reset_after: rules.reset_after,
            connect_timeout: CONNECT_TIMEOUT,
            resolve_took: Duration::ZERO,
            fatal_ends: 0,
            came_back_at_once: false,
            lost_at: None,
            last_end: None,
            reconnect_took: None,
            teardown_took: None,
        }
    }

    /// Name lookup, dial and first frame together take at most this long; a life gets what [`Lifecycle::resolve_took`]
    /// leaves of it.
    pub const fn with_connect_timeout(mut self, connect_timeout: Duration) -> Lifecycle {
        self.connect_timeout = connect_timeout;
        self
    }

    /// Begins. Once; later calls change nothing.
    pub fn start(&mut self, _now: Mono) {
        if matches!(self.at, At::Idle) {
            self.at = At::Resolve;
        }
    }

    /// The name was looked up. An answer that comes too late counts for the lookup under way, if any.
    pub fn resolved(&mut self, now: Mono, ok: bool) {
        let At::Resolving { until } = self.at else { return };
        self.resolve_took = self.connect_timeout.saturating_sub(until.since(now));
        if ok {
            self.at = At::Queued { since: now, not_before: Mono::ZERO };
        } else {
            self.last_end = Some(EndReason::NameNotFound);
            self.back_off(now, Duration::ZERO);
        }
    }

    /// What the ledger said to [`Step::AskConnect`].
    pub fn connect_token(&mut self, _now: Mono, token: Result<(), Mono>) {
        if let At::Asked { since } = self.at {
            self.at = match token {
                Ok(()) => At::Spawn,
                Err(not_before) => At::Queued { since, not_before },
            };
        }
    }

    pub fn upgraded(&mut self, _now: Mono, generation: Generation) {
        if let Some(life) = self.running(generation) {
            life.upgraded = true;
        }
    }

    pub fn subscribed(&mut self, now: Mono, generation: Generation) {
        let Some(life) = self.running(generation) else { return };
        life.upgraded = true;
        life.subscribed_at.get_or_insert(now);
        self.backoff.succeeded(now);
        if let Some(lost_at) = self.lost_at.take() {
            self.reconnect_took = Some(now.since(lost_at));
        }
    }

    /// The reader has ended, or is about to, for this reason. The first reason stands.
    pub fn ended(&mut self, now: Mono, generation: Generation, reason: EndReason) {
        if let Some(&mut life) = self.running(generation) {
            self.tear_down(now, life, reason);
        }
    }

    /// Replaces the life `generation`; false when it is over anyway.
    pub fn request_reconnect(&mut self, now: Mono, generation: Generation, reason: EndReason) -> bool {
        let running = self.running(generation).is_some();
        self.ended(now, generation, reason);
        running
    }

    /// The reader is joined.
    pub fn joined(&mut self, _now: Mono, generation: Generation) {
        self.passed(generation, Tear::Joining, Tear::Fence);
    }

    /// Every worker has passed the fence.
    pub fn fenced(&mut self, _now: Mono, generation: Generation) {
        self.passed(generation, Tear::Fencing, Tear::Cancel);
    }

    /// Ends for good: [`Step::Stopped`] follows, after the teardown where there is a life.
    pub fn stop(&mut self, now: Mono) {
        self.stopping = true;
        match self.at {
            At::Running(life) => self.tear_down(now, life, EndReason::Stop),
            At::Teardown { .. } | At::Stop | At::Stopped => {}
            _ => self.at = At::Stop,
        }
    }

    /// The next step. Call until `None`.
    pub fn next(&mut self, now: Mono) -> Option<Step> {
        match &mut self.at {
            At::Idle | At::Asked { .. } | At::Running(_) | At::Stopped => None,
            At::Resolve => {
                self.at = At::Resolving { until: now.after(self.connect_timeout) };
                Some(Step::Resolve)
            }
            At::Resolving { until } if now >= *until => {
                self.resolved(now, false);
                Some(Step::LookupTimedOut)
            }
            At::Queued { since, not_before } if now >= *not_before => {
                self.at = At::Asked { since: *since };
                Some(Step::AskConnect)
            }
            At::Spawn => {
                self.newest.0 += 1;
                let life = Life { generation: self.newest, upgraded: false, subscribed_at: None };
                self.at = At::Running(life);
                Some(Step::Spawn { generation: self.newest })
            }
            At::Teardown { .. } => self.next_of_teardown(now),
            At::BackingOff { until } if now >= *until => {
                self.at = At::Resolve;
                self.next(now)
            }
            At::Stop => {
                self.at = At::Stopped;
                Some(Step::Stopped)
            }
            At::Resolving { .. } | At::Queued { .. } | At::BackingOff { .. } => None,
        }
    }

    /// When [`Lifecycle::next`] may have something though nothing happened.
    pub fn deadline(&self) -> Mono {
        match &self.at {
            At::Idle | At::Asked { .. } | At::Running(_) | At::Stopped => Mono::NEVER,
            At::Resolve | At::Spawn | At::Stop => Mono::ZERO,
            At::Resolving { until } | At::BackingOff { until } => *until,
            At::Queued { not_before, .. } => *not_before,
            At::Teardown { tear: Tear::Joining | Tear::Fencing, stuck_at, .. } => *stuck_at,
            At::Teardown { .. } => Mono::ZERO,
        }
    }

    /// Since when it waits for a token; the longest wait has the first claim to the next one.
    pub const fn queued_since(&self) -> Option<Mono> {
        match &self.at {
            At::Queued { since, .. } | At::Asked { since } => Some(*since),
            _ => None,
        }
    }

    pub fn phase(&self) -> Phase {
        match &self.at {
            At::Idle => Phase::Idle,
            At::Resolve | At::Resolving { .. } => Phase::Resolving,
            At::Queued { .. } | At::Asked { .. } => Phase::Queued,
            At::Spawn => Phase::Connecting,
            At::Running(Life { subscribed_at: Some(_), .. }) => Phase::Subscribed,
            At::Running(Life { upgraded: true, .. }) => Phase::Subscribing,
            At::Running(_) => Phase::Connecting,
            At::Teardown { .. } | At::Stop => Phase::TearingDown,
            At::BackingOff { until } => Phase::BackingOff { until: *until },
            At::Stopped => Phase::Stopped,
        }
    }

    /// The life that runs or is being torn down.
    pub fn generation(&self) -> Option<Generation> {
        match &self.at {
            At::Running(life) | At::Teardown { life, .. } => Some(life.generation),
            _ => None,
        }
    }

    /// Why the last life, or the last name lookup, ended.
    pub const fn last_end(&self) -> Option<&EndReason> {
        self.last_end.as_ref()
    }

    /// From lost to subscribed, the last time.
    pub const fn reconnect_took(&self) -> Option<Duration> {
        self.reconnect_took
    }

    /// How long the last name lookup took, [`Lifecycle::with_connect_timeout`] at most.
    pub const fn resolve_took(&self) -> Duration {
        self.resolve_took
    }

    pub const fn teardown_took(&self) -> Option<Duration> {
        self.teardown_took
    }

    fn running(&mut self, generation: Generation) -> Option<&mut Life> {
        match &mut self.at {
            At::Running(life) if life.generation == generation => Some(life),
            _ => None,
        }
    }

    fn tear_down(&mut self, now: Mono, life: Life, reason: EndReason) {
        if life.subscribed_at.is_some() {
            self.lost_at = Some(now);
        }
        self.last_end = Some(reason.clone());
        let stuck_at = now.after(TEARDOWN_MAX);
        self.at = At::Teardown { life, reason, began: now, tear: Tear::MarkDead, stuck_at };
    }

    fn passed(&mut self, generation: Generation, from: Tear, to: Tear) {
        if let At::Teardown { life, tear, .. } = &mut self.at
            && life.generation == generation
            && *tear == from
        {
            *tear = to;
        }
    }

    fn next_of_teardown(&mut self, now: Mono) -> Option<Step> {
        let At::Teardown { life, reason, began, tear, stuck_at } = &mut self.at else { return None };
        let generation = life.generation;
        let (step, then) = match *tear {
            Tear::MarkDead => (Step::MarkDead(generation), Tear::Shut),
            Tear::Shut => (Step::Shut(generation), Tear::Join),
            Tear::Join => (Step::Join(generation), Tear::Joining),
            Tear::Fence => (Step::Fence(generation), Tear::Fencing),
            Tear::Cancel => (Step::Cancel(generation), Tear::Record),
            Tear::Joining | Tear::Fencing => {
                if now < *stuck_at {
                    return None;
                }
                // Asked this late, it is the whole process that stood still: nobody had the time that was given.
                if now.since(*stuck_at) > ASKED_WITHIN {
                    *stuck_at = now.after(TEARDOWN_MAX);
                    return None;
                }
                *stuck_at = Mono::NEVER;
                return Some(Step::Stuck { generation, joining: *tear == Tear::Joining });
            }
            Tear::Record => {
                let (life, reason, teardown) = (*life, reason.clone(), now.since(*began));
                self.teardown_took = Some(teardown);
                self.after(now, life, &reason);
                return Some(Step::Record { generation, teardown });
            }
        };
        *tear = then;
        Some(step)
    }

    /// Decides what follows a life that is gone.
    fn after(&mut self, now: Mono, life: Life, reason: &EndReason) {
        if self.stopping {
            self.at = At::Stop;
            return;
        }
        // A planned end is answered at once, once: a venue that says so again and again is failing.
        let lasted = life.subscribed_at.is_some_and(|since| now.since(since) >= self.reset_after);
        let once = lasted || !self.came_back_at_once;
        self.came_back_at_once = reason.is_planned() && life.subscribed_at.is_some() && once;
        if self.came_back_at_once {
            self.at = At::Resolve;
            return;
        }
        let mut least = reason.min_wait();
        if lasted {
            self.fatal_ends = 0;
        }
        if reason.is_fatal() {
            least = least.max(grown(FATAL_WAIT_FIRST, FATAL_WAIT_MAX, self.fatal_ends));
            self.fatal_ends = self.fatal_ends.saturating_add(1);
        }
        self.back_off(now, least);
    }

    /// Waits at least so long; the jitter comes on top, so that nobody comes back early or together.
    fn back_off(&mut self, now: Mono, least: Duration) {
        let wait = least.saturating_add(self.backoff.failed(now));
        self.at = At::BackingOff { until: now.after(wait) };
    }
}

mod overlap;
#[cfg(test)]
mod tests;
