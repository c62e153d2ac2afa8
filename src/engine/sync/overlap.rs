//! A book whose connection has a second one beside it that is to take over: when it can go on with that one's messages.
//!
//! What is complete in itself always can. A change can where its numbers are the market's and not the connection's, and
//! nothing is missing between the book and it: then it does not matter whose messages brought the book there.

use super::{BookSync, Phase};
use crate::engine::event::{BookEvent, BookKind};
use crate::engine::sequence::{falls, known_before};
use crate::engine::time::Stamp;
use crate::venue::profile::{FirstBook, RestJoin};

impl BookSync {
    /// Whether the book goes on with the connection that brought this message, from this message on: the caller hands it
    /// over next. Until then the other connection's messages repeat what this one's bring.
    pub fn take_over(&mut self, now: Stamp, event: &BookEvent) -> bool {
        match event.kind {
            BookKind::Snapshot | BookKind::Top => true,
            BookKind::Delta if self.rules.first_book == FirstBook::InBand => false,
            BookKind::Delta if !self.is_numbered_and_live() => {
                // It has nothing to lose, and here it can stay.
                self.opened(now);
                true
            }
            BookKind::Delta => {
                let follows = event.span.filter(|span| span.first <= span.last && !falls(*span));
                let goes_on = follows.is_some_and(|span| Some(known_before(span)) <= self.sequence);
                if goes_on {
                    self.stand_between();
                }
                goes_on
            }
        }
    }

    /// Goes on with another connection that has said nothing of this book, if it can: whatever was missed until that
    /// connection's first message shows by its numbers.
    pub fn carry_on(&mut self) -> bool {
        let can = self.is_numbered_and_live();
        if can {
            self.stand_between();
        }
        can
    }

    /// A message that another connection's repeats, or will.
    pub fn repeated(&mut self) {
        self.counts.received += 1;
        self.counts.duplicate += 1;
        self.assert_law();
    }

    fn is_numbered_and_live(&self) -> bool {
        let numbered =
            self.rules.first_book == FirstBook::Rest && self.rules.rest_join == RestJoin::BySequence;
        numbered && self.sequence.is_some() && matches!(self.phase, Phase::Live { .. })
    }

    /// The next message is of another connection, which may cut the market's numbers elsewhere and stamp them otherwise.
    fn stand_between(&mut self) {
        self.joined = true;
        self.stream_time = None;
        self.heard = self.sequence;
    }
}
