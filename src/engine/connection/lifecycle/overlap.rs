//! A lifecycle's part where the life after the one that runs begins before that one is gone.

use super::{At, Life, Lifecycle};
use crate::engine::connection::end::EndReason;
use crate::engine::connection::step::Phase;
#[cfg(doc)]
use crate::engine::connection::step::Step;
use crate::engine::id::Generation;
use crate::engine::time::Mono;

impl Lifecycle {
    /// Ends for good as [`Lifecycle::stop`] does, for this reason: another life has taken over.
    pub fn retire(&mut self, now: Mono, reason: EndReason) {
        if let At::Running(life) = self.at {
            self.tear_down(now, life, reason);
        }
        self.stop(now);
    }

    /// The machine of the life that is to take over from the one that runs: it begins at once, and whatever becomes of it
    /// is its own.
    pub fn successor(&self) -> Lifecycle {
        Lifecycle { at: At::Resolve, came_back_at_once: true, lost_at: None, last_end: None, ..self.clone() }
    }

    /// The life that runs may have a successor. One that is a planned end's own successor may when it has lasted.
    pub fn may_hand_over(&self, now: Mono) -> bool {
        let At::Running(Life { subscribed_at: Some(since), .. }) = self.at else { return false };
        !self.stopping && (!self.came_back_at_once || now.since(since) >= self.reset_after)
    }

    /// Nothing carries the books since now, if this life does not.
    pub fn lose_at(&mut self, now: Mono) {
        if self.phase() != Phase::Subscribed {
            self.lost_at.get_or_insert(now);
        }
    }

    /// Nothing is left of it but to say so: [`Step::Stopped`] is next.
    pub const fn is_through(&self) -> bool {
        matches!(self.at, At::Stop)
    }

    /// The number of the last life there was.
    pub const fn newest(&self) -> Generation {
        self.newest
    }
}
