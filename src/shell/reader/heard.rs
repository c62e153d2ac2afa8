//! What a venue says about the connection, for people: told to the feed's counters and to the log.

use super::{Life, Socket};
use crate::engine::time::Mono;
use crate::venue::Control;

/// Requests that may await their answer: more than a session sends within the time that answers have. One that is forgotten
/// is one whose refusals show only by the books that do not come.
const ASKED_MAX: usize = 64;

impl<S: Socket> Life<S> {
    pub(super) fn note(&self, control: &Control, now: Mono) {
        match control {
            Control::Fatal { message } | Control::Error { message } => {
                self.plan.counters.venue_said(message, now);
            }
            Control::Reconnect { .. } => self.plan.counters.notice(now),
            Control::Refused { symbol, message } => {
                let venue = &self.plan.venue;
                let listed = venue.has_list().then_some(venue.profile().name);
                self.plan.counters.subscription_refused(symbol.as_deref(), message, listed, now);
            }
            Control::Heartbeat
            | Control::Ack { .. }
            | Control::Bound { .. }
            | Control::Released { .. }
            | Control::Asked { .. }
            | Control::Other => {}
        }
    }

    /// Keeps what the venue will answer only with what it grants.
    pub(super) fn asks(&mut self, request: &str) {
        if self.plan.venue.lists_granted() {
            if self.asked.len() == ASKED_MAX {
                self.asked.pop_front();
            }
            self.asked.push_back(request.to_owned());
        }
    }

    /// What is not among it is refused without a word.
    pub(super) fn heed_granted(&mut self, answer: &str, now: Mono) {
        let left_out = |request: &String| self.plan.venue.left_out(request, answer);
        let found =
            self.asked.iter().enumerate().find_map(|(at, request)| left_out(request).map(|r| (at, r)));
        if let Some((at, refused)) = found {
            self.asked.remove(at);
            refused.iter().for_each(|control| self.note(control, now));
        }
    }
}
