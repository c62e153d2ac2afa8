//! What one book still wants, and when each means of getting it may be tried next.

use std::time::Duration;

use crate::engine::backoff::{at_least, full_jitter, grown};
use crate::engine::id::{ConnectionId, Generation};
use crate::engine::need::{Joined, Need};
use crate::engine::random::Random;
use crate::engine::recovery::Ticket;
use crate::engine::recovery::means::Means;
use crate::engine::time::Mono;
use crate::venue::Verdict;

/// First and longest wait before the same book is fetched again: after a failed call, after a snapshot older than the
/// stream, after one that makes no sense, and where the venue says that it has none.
const FAILED_FIRST: Duration = Duration::from_millis(500);
pub(super) const TOO_OLD_FIRST: Duration = Duration::from_millis(250);
const UNUSABLE_FIRST: Duration = Duration::from_secs(1);
const NO_DATA_FIRST: Duration = Duration::from_secs(30);
/// Bounds the time to recover once the venue is well again (figure D6).
pub(super) const AGAIN_MAX: Duration = Duration::from_secs(30);
/// Where calls are counted by the day, and where the venue has no answer, patience is cheaper.
const AGAIN_SLOW_MAX: Duration = Duration::from_secs(600);

/// A snapshot that was handed over settles its book within this, or is asked for again: joining takes milliseconds.
const SETTLE: Duration = Duration::from_secs(2);

/// A restart that brought no snapshot for this long is suspected to have failed. A quiet symbol sends none before it
/// moves, so suspicion grows slowly: restarts of quiet symbols would eat the day's control messages.
const SUSPICION_FIRST: Duration = Duration::from_secs(10);
const SUSPICION_MAX: Duration = Duration::from_secs(600);

/// Suspected restarts before the connection is replaced instead.
const RESTARTS_MAX: u32 = 3;

/// Repairs of one book that follow each other within [`REPEAT_WITHIN`] are free up to this many, then wait longer and
/// longer where the day is metered: one book that breaks all the time must not spend the day of all.
pub(super) const REPEATS_FREE: u32 = 3;
pub(super) const REPEAT_WITHIN: Duration = Duration::from_secs(60);

/// A book the planner has heard of.
#[derive(Clone, Debug)]
pub(super) struct Book {
    pub connection: ConnectionId,
    pub generation: Generation,
    pub want: Option<Want>,
    /// The call in flight for it: at most one, whatever generation it was made for.
    pub call: Option<Ticket>,
    /// When it was last looked at by an audit, or became live; `None` while it cannot be compared.
    pub looked_at: Option<Mono>,
    settled_at: Option<Mono>,
    repeats: u32,
}

#[derive(Clone, Debug)]
pub(super) struct Want {
    pub need: Need,
    pub since: Mono,
    fetch_due: Option<Mono>,
    /// When a restart is due; while one is out, when it is suspected to have failed.
    restart_due: Option<Mono>,
    restart_out: bool,
    restarts: u32,
    failures: u32,
    too_old: u32,
    no_data: u32,
    /// A snapshot was joined; the book should say so soon.
    joined: bool,
}

impl Book {
    pub const fn new(connection: ConnectionId, generation: Generation) -> Book {
        Book { connection, generation, want: None, call: None, looked_at: None, settled_at: None, repeats: 0 }
    }

    /// Takes over what the book says of itself. `metered`: the venue counts the day.
    pub fn needs(&mut self, now: Mono, need: Need, means: Means, metered: bool) {
        self.looked_at = (need == Need::Audit).then(|| self.looked_at.unwrap_or(now));
        if means.none() {
            if self.want.take().is_some() {
                self.settled_at = Some(now);
            }
            return;
        }
        let broke_again = self.want.as_ref().is_none_or(|want| want.joined && means.fetch);
        let due = if broke_again { now.after(self.damping(now, metered)) } else { now };
        match &mut self.want {
            None => self.want = Some(Want::new(now, due, need, means)),
            Some(want) => want.change(due, need, means),
        }
    }

    /// What became of a snapshot of this book.
    pub fn joined(&mut self, now: Mono, joined: Joined, metered: bool, random: &mut Random) {
        let Some(want) = &mut self.want else { return };
        let most = if metered { AGAIN_SLOW_MAX } else { AGAIN_MAX };
        let wait = match joined {
            Joined::Live | Joined::Partial | Joined::NotNeeded => {
                (want.failures, want.too_old, want.no_data, want.joined) = (0, 0, 0, true);
                self.settled_at = Some(now);
                SETTLE
            }
            Joined::TooOld => {
                want.too_old = want.too_old.saturating_add(1);
                at_least(TOO_OLD_FIRST, most, want.too_old - 1, random)
            }
            Joined::Unusable => {
                want.failures = want.failures.saturating_add(1);
                at_least(UNUSABLE_FIRST, most, want.failures - 1, random)
            }
        };
        want.fetch_again(now.after(wait));
    }

    fn damping(&mut self, now: Mono, metered: bool) -> Duration {
        let repeats = self.settled_at.is_some_and(|at| now.since(at) < REPEAT_WITHIN);
        self.repeats = if repeats { self.repeats.saturating_add(1) } else { 0 };
        if !metered || self.repeats < REPEATS_FREE {
            return Duration::ZERO;
        }
        grown(TOO_OLD_FIRST, AGAIN_MAX, self.repeats - REPEATS_FREE)
    }
}

impl Want {
    fn new(now: Mono, due: Mono, need: Need, means: Means) -> Want {
        Want {
            need,
            since: now,
            fetch_due: means.fetch.then_some(due),
            restart_due: means.restart.then(|| due.after(means.patience)),
            restart_out: false,
            restarts: 0,
            failures: 0,
            too_old: 0,
            no_data: 0,
            joined: false,
        }
    }

    /// A want goes on as it is when its need stands, or changes by name only.
    fn change(&mut self, due: Mono, need: Need, means: Means) {
        self.need = need;
        let fetch_due = if self.joined { None } else { self.fetch_due };
        self.fetch_due = means.fetch.then(|| fetch_due.unwrap_or(due));
        let restart_due = due.after(means.patience);
        self.restart_due = means.restart.then(|| match self.restart_due {
            Some(at) if self.restart_out => at,
            at => at.unwrap_or(restart_due).min(restart_due),
        });
        self.joined &= !means.fetch;
        if !means.restart {
            (self.restart_out, self.restarts) = (false, 0);
        }
    }

    pub const fn fetches(&self) -> bool {
        self.fetch_due.is_some()
    }

    /// When a fetch is due. While a restart is out its snapshot supersedes any other, so none is paid for.
    pub fn fetch_at(&self) -> Option<Mono> {
        let restart_over = self.restart_due.filter(|_| self.restart_out).unwrap_or(Mono::ZERO);
        self.fetch_due.map(|due| due.max(restart_over))
    }

    pub const fn restart_at(&self) -> Option<Mono> {
        self.restart_due
    }

    /// Restarts do not seem to help this book. One that never came may not exist: that is no reason to take the others down.
    pub const fn restarts_fail(&self) -> bool {
        self.restarts >= RESTARTS_MAX && !matches!(self.need, Need::First)
    }

    /// The venue has nothing for this book, whichever way it was asked.
    pub const fn is_hopeless(&self) -> bool {
        self.no_data > 0 || self.restarts >= RESTARTS_MAX
    }

    /// A restart was ordered.
    pub fn restarted(&mut self, now: Mono, random: &mut Random) {
        let wait = at_least(SUSPICION_FIRST, SUSPICION_MAX, self.restarts, random);
        self.restart_due = Some(now.after(wait));
        self.restart_out = true;
        self.restarts = self.restarts.saturating_add(1);
    }

    /// The book's call came back with this verdict.
    pub fn answered(&mut self, now: Mono, verdict: &Verdict, metered: bool, random: &mut Random) {
        let wait = match verdict {
            Verdict::Good => SETTLE,
            Verdict::Failed => {
                self.failures = self.failures.saturating_add(1);
                let most = if metered { AGAIN_SLOW_MAX } else { AGAIN_MAX };
                full_jitter(FAILED_FIRST, most, self.failures - 1, random)
            }
            Verdict::NoData | Verdict::Refused => {
                self.no_data = self.no_data.saturating_add(1);
                at_least(NO_DATA_FIRST, AGAIN_SLOW_MAX, self.no_data - 1, random)
            }
            // Not this book's fault: the whole venue pauses.
            Verdict::Throttled { .. } | Verdict::Banned { .. } | Verdict::Denied => Duration::ZERO,
        };
        self.fetch_again(now.after(wait));
    }

    fn fetch_again(&mut self, due: Mono) {
        self.fetch_due = self.fetch_due.map(|_| due);
    }
}
