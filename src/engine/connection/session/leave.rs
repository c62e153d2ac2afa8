//! When a life leaves of its own accord: before the venue's limit on its age, or after the venue's notice. Where another
//! connection may be open beside it, it asks for that one first and leaves when it has to.

use super::SessionRules;
use crate::engine::connection::end::EndReason;
use crate::engine::random::Random;
use crate::engine::time::Mono;
use std::time::Duration;

/// How long a life stays after a notice that names no time. Venues give a minute or less, and a handover takes seconds; one
/// that is closed before that ends as any other.
const NOTICE_WAIT: Duration = Duration::from_secs(60);

#[derive(Clone, Debug)]
pub(super) struct Leave {
    handover: bool,
    /// When to ask for another life.
    ask_at: Mono,
    asked: bool,
    /// Whatever came of that.
    end_at: Mono,
    reason: EndReason,
}

impl Leave {
    /// `seed` spreads the age at which connections leave, so that those opened together do not leave together.
    pub fn new(now: Mono, rules: &SessionRules, seed: u64) -> Leave {
        // Between 80 and 95 % of what the venue allows: well before, and 15 % of a day wide. Then half an hour of a day to
        // have another life take over.
        let due = rules.connection_age_max.map_or(Mono::NEVER, |age| {
            now.after((age * 4 / 5).saturating_add(Random::new(seed).wait_up_to(age / 20 * 3)))
        });
        let last = rules.connection_age_max.map_or(Mono::NEVER, |age| now.after(age / 50 * 49));
        let (ask_at, end_at) = if rules.handover { (due, last) } else { (Mono::NEVER, due) };
        Leave { handover: rules.handover, ask_at, asked: false, end_at, reason: EndReason::AgeLimit }
    }

    /// The venue will close soon. False where there is nothing to wait for: however long it still gives us, a fresh
    /// connection serves better than a dying one, and none could wait for a notice that leaves no time.
    pub fn noticed(&mut self, now: Mono, within: Option<Duration>) -> bool {
        if !self.handover || within == Some(Duration::ZERO) {
            return false;
        }
        if self.reason != EndReason::Notice {
            self.reason = EndReason::Notice;
            self.ask_at = now;
            self.end_at = self.end_at.min(now.after(within.map_or(NOTICE_WAIT, |w| w.min(NOTICE_WAIT))));
        }
        true
    }

    /// Why to ask for another life now; once, and only of use when there is something to hand over.
    pub fn ask(&mut self, now: Mono, subscribed: bool) -> Option<EndReason> {
        if self.asks_at(subscribed) > now {
            return None;
        }
        self.asked = true;
        Some(self.reason.clone())
    }

    pub fn asks_at(&self, subscribed: bool) -> Mono {
        if subscribed && !self.asked { self.ask_at } else { Mono::NEVER }
    }

    /// When this life leaves at the latest.
    pub fn ends_at(&self) -> Mono {
        self.end_at
    }

    pub fn reason(&self) -> EndReason {
        self.reason.clone()
    }
}
