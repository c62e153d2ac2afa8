//! Clients that asked over REST for a book, from the question to the answer.
//!
//! The answer is the venue's book when it was asked for, and is handed over once the client has read the stream up to
//! there. It is then never older than the message that made the client ask, nor newer than what the client has.

use super::Pace;
use super::playback::Listener;
use super::read::Recording;
use super::rebuilt::Rebuilt;
use crate::engine::time::Mono;
use crate::sim::net::http::Response;
use crate::sim::net::{Net, PeerId};
use std::collections::BTreeMap;
use std::time::Duration;

/// How long a question that comes before the first snapshot is kept waiting. With what follows it is shorter than a
/// client's patience of two seconds.
const BOOK_WITHIN: Duration = Duration::from_millis(1_200);
/// How long the client may take to have read the stream up to the book's place: one that reads nothing is answered too.
const READ_WITHIN: Duration = Duration::from_millis(250);
/// At full pace a client that has read the stream still has to apply it. A queue of thousands takes it less than this, and
/// a venue on another continent is no faster.
const LATENCY: Duration = Duration::from_millis(250);
/// And after the answer it must get to joining it before everything it kept has slid out of its window.
const JOIN_PAUSE: Duration = Duration::from_millis(300);
/// Levels a side of an answer when the question does not say, and at most.
/// Source: <https://github.com/binance/binance-spot-api-docs/blob/master/rest-api.md#order-book>
const LIMIT: usize = 100;
const LIMIT_MAX: usize = 5_000;

struct Question {
    limit: usize,
    /// Without a book by then it is refused.
    until: Mono,
    found: Option<Found>,
}

struct Found {
    body: String,
    /// The connection that was at the book's place, and the frames sent to it by then.
    listener: PeerId,
    sent: u64,
    /// Not waited for any longer than this.
    until: Mono,
}

pub struct Questions {
    pace: Pace,
    book: Rebuilt,
    open: BTreeMap<PeerId, Question>,
    /// At full pace the stream stands still until then.
    joining_until: Mono,
}

impl Questions {
    pub fn new(pace: Pace) -> Questions {
        let (book, open) = (Rebuilt::default(), BTreeMap::new());
        Questions { pace, book, open, joining_until: Mono::ZERO }
    }

    pub fn asked(&mut self, now: Mono, id: PeerId, limit: Option<&str>) {
        let limit = limit.and_then(|text| text.parse().ok()).unwrap_or(LIMIT).min(LIMIT_MAX);
        self.open.insert(id, Question { limit, until: now.after(BOOK_WITHIN), found: None });
    }

    pub fn gone(&mut self, id: PeerId) {
        self.open.remove(&id);
    }

    /// Whether somebody is about to join a book at the place where the stream is.
    pub fn are_joining(&self, now: Mono) -> bool {
        now < self.joining_until || self.open.values().any(|question| question.found.is_some())
    }

    /// Finds the book for whoever waits for one: as of the last event sent on the connection that is farthest.
    pub fn look_up(&mut self, now: Mono, recording: &Recording, listeners: &BTreeMap<PeerId, Listener>) {
        let Some((&id, farthest)) = listeners.iter().max_by_key(|(_, l)| l.reached()) else { return };
        // Step by step with the stream: all at once would keep everybody waiting when somebody asks late.
        self.book.go_to(recording, farthest.reached());
        for question in self.open.values_mut().filter(|question| question.found.is_none()) {
            question.found = self.book.body(question.limit).map(|body| Found {
                body,
                listener: id,
                sent: farthest.sent,
                until: now.after(READ_WITHIN),
            });
        }
    }

    /// Answers what can be answered: how many with a book, and when to look again.
    pub fn answer(
        &mut self,
        now: Mono,
        listeners: &mut BTreeMap<PeerId, Listener>,
        net: &mut dyn Net,
    ) -> (u64, Mono) {
        let (mut answered, mut again) = (0, Mono::NEVER);
        self.open.retain(|&id, question| {
            let Some(found) = &mut question.found else {
                if question.until <= now {
                    net.respond(id, Response::json(503, "{\"code\":-1008,\"msg\":\"not yet\"}"), now);
                    return false;
                }
                again = again.min(question.until);
                return true;
            };
            if let Some(listener) = listeners.get_mut(&found.listener)
                && listener.read < found.sent
                && now < found.until
            {
                listener.ping(now, found.listener, net);
                again = again.min(found.until);
                return true;
            }
            let at = if self.pace == Pace::Full { now.after(LATENCY) } else { now };
            let body = std::mem::take(&mut found.body);
            net.respond(id, Response::json(200, body).with("X-MBX-USED-WEIGHT-1M", 50), at);
            self.joining_until = at.after(JOIN_PAUSE);
            answered += 1;
            false
        });
        (answered, again)
    }
}
