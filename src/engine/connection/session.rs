//! One life of a connection, from the dial to its end: what to send, when to leave.
//!
//! The reader thread drives it: it tells what happened, asks [`Session::poll`] until `None`, and sleeps no longer than
//! [`Session::deadline`]. The session owns the outgoing queue and every deadline of this life; it never touches the
//! socket. The first reason to end is the one that counts, and after it the session says nothing more.

use std::collections::VecDeque;
use std::time::Duration;

use crate::engine::connection::end::EndReason;
use crate::engine::id::BookId;
use crate::engine::time::Mono;
use crate::venue::{Control, Request};
pub use action::{Restarted, SessionAction};
use leave::Leave;

/// A peer that takes nothing for this long is gone. Control messages are a few hundred bytes: less would mistake a
/// short stall of the link for an end, more only delays what the idle timeout finds anyway.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// Most messages of restarts that may wait to be sent. A restart has two or a few and each is paid for from a budget
/// of about ten per 10 s, so more could only pile up behind a peer that does not read.
const RESTART_MESSAGES_MAX: usize = 64;

/// A venue that says nothing for so long after it was told everything is asked for a sign of life: where the address is the whole
/// subscription and the market is quiet, nothing else would complete it.
const FIRST_SIGN_WITHIN: Duration = Duration::from_secs(1);

/// Answers to the venue's own questions that may wait to be sent. One says as much as many.
const REPLIES_MAX: usize = 4;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SessionRules {
    /// DNS, TCP, TLS, upgrade and first frame together.
    pub connect_timeout: Duration,
    /// No frame of any kind, once the first has come.
    pub idle_timeout: Duration,
    /// The venue closes connections at this age.
    pub connection_age_max: Option<Duration>,
    /// A second connection may be open beside this one, so that it need not leave before that one carries the books.
    pub handover: bool,
    /// The venue answers each message of ours within this; `None` where it answers none.
    pub ack_within: Option<Duration>,
    /// The longest silence the venue promises, `None` where it promises none. See [`SessionRules::message_timeout`].
    pub heartbeat: Option<Duration>,
    /// The venue wants to be pinged this often, whatever else goes on.
    pub ping_every: Option<Duration>,
    /// Most messages about the scope that may wait: [`crate::venue::profile::Profile::scope_messages_max`].
    pub scope_messages_max: usize,
}

impl SessionRules {
    /// No message for so long, whatever pings and pongs say: a peer that answers for a stream that is dead. Two
    /// heartbeats at least, since one may be late.
    fn message_timeout(&self) -> Option<Duration> {
        self.heartbeat.map(|every| self.idle_timeout.max(every.saturating_mul(2)))
    }
}

#[derive(Clone, Debug)]
pub struct Session {
    rules: SessionRules,
    connect_by: Mono,
    leave: Leave,
    upgraded: bool,
    last_frame: Option<Mono>,
    /// The last frame that was more than a ping or a pong; before the first, when the venue was told all it waits for.
    last_message: Option<Mono>,
    /// The peer was asked for a sign of life since then.
    pinged: bool,
    /// When the venue wants the next ping, where it wants any.
    ping_due: Mono,
    replies: VecDeque<String>,
    opening: VecDeque<Request>,
    /// No token for the next opening message before this.
    pay_at: Mono,
    restarts: VecDeque<(Request, Option<Restarted>)>,
    /// When each message that awaits answers was sent, and how many. Bounded by what the budgets allow within `ack_within`.
    unanswered: VecDeque<(Mono, u16)>,
    blocked_since: Option<Mono>,
    subscribed: bool,
    end: Option<EndReason>,
    over: bool,
}

impl Session {
    /// A life that begins with the dial. `opening` are the messages to send once upgraded; `seed` spreads the age
    /// at which connections leave, so that those opened together do not leave together.
    pub fn new(now: Mono, rules: SessionRules, opening: Vec<Request>, seed: u64) -> Session {
        Session {
            rules,
            connect_by: now.after(rules.connect_timeout),
            leave: Leave::new(now, &rules, seed),
            upgraded: false,
            last_frame: None,
            last_message: None,
            pinged: false,
            ping_due: Mono::NEVER,
            replies: VecDeque::new(),
            opening: opening.into(),
            pay_at: Mono::ZERO,
            restarts: VecDeque::new(),
            unanswered: VecDeque::new(),
            blocked_since: None,
            subscribed: false,
            end: None,
            over: false,
        }
    }

    /// The upgrade is done: messages may go.
    pub fn upgraded(&mut self, now: Mono) {
        self.upgraded = true;
        self.ping_due = self.next_ping(now);
        self.told(now);
    }

    /// From here on the venue owes messages, if nothing is left that it must be told first.
    fn told(&mut self, now: Mono) {
        if self.opening.is_empty() {
            self.last_message.get_or_insert(now);
        }
    }

    /// A frame came, of any kind, pings included.
    pub fn frame(&mut self, now: Mono) {
        self.last_frame = Some(now);
        self.pinged = false;
    }

    /// It was a message of the venue.
    pub fn message(&mut self, now: Mono) {
        self.last_message = Some(now);
    }

    /// What came at `at` could be taken only until `now`: that silence was ours.
    pub fn held_up(&mut self, at: Mono, now: impl FnOnce() -> Mono) {
        if self.last_frame != Some(at) {
            return;
        }
        let now = now();
        for last in [&mut self.last_frame, &mut self.last_message].into_iter().flatten() {
            if *last == at {
                *last = now;
            }
        }
    }

    /// The frame was about the connection itself.
    pub fn control(&mut self, now: Mono, control: &Control) {
        match control {
            Control::Heartbeat | Control::Other => {}
            // Venues answer in order, or by an id we need not match: only how many are still due matters.
            Control::Ack { .. }
            | Control::Bound { .. }
            | Control::Released { .. }
            | Control::Refused { .. } => {
                if let Some((_, due)) = self.unanswered.front_mut() {
                    *due = due.saturating_sub(1);
                    if *due == 0 {
                        self.unanswered.pop_front();
                    }
                }
            }
            Control::Asked { answer } => {
                if self.replies.len() < REPLIES_MAX {
                    self.replies.push_back(answer.clone());
                }
            }
            Control::Reconnect { within } => {
                if !self.subscribed || !self.leave.noticed(now, *within) {
                    self.end(EndReason::Notice);
                }
            }
            Control::Fatal { message } => self.end(EndReason::Fatal(message.clone())),
            Control::Error { message } => self.end(EndReason::VenueError(message.clone())),
        }
    }

    /// Queues an in-band restart: `withdraw`, then `restore`. Already paid for by whoever ordered it.
    ///
    /// False when nothing was queued: the session ends, the queue is full, or the venue has no such messages. The
    /// planner then finds the books as they were, and orders again or reconnects.
    pub fn restart(&mut self, books: Vec<BookId>, withdraw: Vec<Request>, restore: Vec<Request>) -> bool {
        let room = RESTART_MESSAGES_MAX.saturating_sub(self.restarts.len());
        let fits = withdraw.len().saturating_add(restore.len()) <= room;
        if self.end.is_some() || self.over || withdraw.is_empty() || restore.is_empty() || !fits {
            return false;
        }
        // The books are told at the first message that takes any of them out, and at the last that puts any back.
        let last = restore.len() - 1;
        self.restarts.extend(withdraw.into_iter().enumerate().map(|(i, request)| {
            let told = (i == 0).then(|| Restarted::Withdrawn(books.clone()));
            (request, told)
        }));
        self.restarts.extend(restore.into_iter().enumerate().map(|(i, request)| {
            let told = (i == last).then(|| Restarted::Restored(books.clone()));
            (request, told)
        }));
        true
    }

    /// Queues messages that change the scope; each is paid for as it is sent, and [`SessionAction::Subscribed`] follows
    /// when they are through. False when there is no room or the session ends: the next life has the new scope anyway.
    pub fn say(&mut self, messages: Vec<Request>) -> bool {
        let room = self.rules.scope_messages_max.saturating_sub(self.opening.len());
        if self.end.is_some() || self.over || messages.len() > room {
            return false;
        }
        self.opening.extend(messages);
        self.subscribed = false;
        true
    }

    /// The socket takes no more bytes for now.
    pub fn write_blocked(&mut self, now: Mono) {
        self.blocked_since.get_or_insert(now);
    }

    /// Everything handed out so far is written.
    pub fn written(&mut self) {
        self.blocked_since = None;
    }

    /// Ends this life from outside: the socket closed, say. The first reason stands.
    pub fn end(&mut self, reason: EndReason) {
        if !self.over {
            self.end.get_or_insert(reason);
        }
    }

    /// Why this life ended, when the socket ended it: what the venue said before it hung up says more than the hanging up.
    pub fn ended(self, reason: EndReason) -> EndReason {
        self.end.unwrap_or(reason)
    }

    /// The next thing to do. Call until `None`.
    ///
    /// `pay` takes `n` control messages from the venue's ledger, or says when they will be there; it is asked only
    /// when a message of the opening is about to go.
    pub fn poll(&mut self, now: Mono, pay: impl FnOnce(u32) -> Result<(), Mono>) -> Option<SessionAction> {
        if self.over {
            return None;
        }
        if let Some(reason) = self.end.take().or_else(|| self.overdue(now)) {
            return Some(self.over(reason));
        }
        if let Some(reason) = self.leave.ask(now, self.subscribed) {
            return Some(SessionAction::Succeed(reason));
        }
        if self.ping_at() <= now {
            self.pinged = true;
            self.ping_due = self.next_ping(now);
            return Some(SessionAction::Ping);
        }
        if now < self.ready_at() {
            return None;
        }
        // Not paid for: it is short, rare, and its absence ends the connection.
        if let Some(text) = self.replies.pop_front() {
            return Some(SessionAction::Send { text, restart: None });
        }
        if !self.opening.is_empty() {
            return self.open(now, pay);
        }
        if let Some((request, restart)) = self.restarts.pop_front() {
            self.sent(now, request.answers);
            return Some(SessionAction::Send { text: request.text, restart });
        }
        self.subscribed = true;
        Some(SessionAction::Subscribed)
    }

    /// When [`Session::poll`] may have something to do though nothing happened.
    pub fn deadline(&self) -> Mono {
        if self.over {
            return Mono::NEVER;
        }
        if self.end.is_some() {
            return Mono::ZERO;
        }
        let next = self.ready_at().min(self.ping_at()).min(self.leave.asks_at(self.subscribed));
        self.timers().into_iter().map(|(at, _)| at).fold(next, Mono::min)
    }

    pub const fn is_subscribed(&self) -> bool {
        self.subscribed
    }

    /// When the next message may go, or the subscription is complete, if nothing happens before.
    fn ready_at(&self) -> Mono {
        let complete = !self.subscribed && self.last_frame.is_some() && self.unanswered.is_empty();
        if !self.upgraded || self.blocked_since.is_some() {
            Mono::NEVER
        } else if !self.replies.is_empty() {
            Mono::ZERO
        } else if !self.opening.is_empty() {
            self.pay_at
        } else if !self.restarts.is_empty() || complete {
            Mono::ZERO
        } else {
            Mono::NEVER
        }
    }

    /// When to ask a quiet peer for a sign of life, or to give the one that the venue wants.
    fn ping_at(&self) -> Mono {
        if !self.upgraded || self.blocked_since.is_some() {
            return Mono::NEVER;
        }
        match self.last_frame {
            Some(at) if !self.pinged => at.after(self.rules.idle_timeout / 2).min(self.ping_due),
            None if !self.pinged => {
                let told = self.last_message.map_or(Mono::NEVER, |at| at.after(FIRST_SIGN_WITHIN));
                told.min(self.ping_due)
            }
            _ => self.ping_due,
        }
    }

    fn next_ping(&self, now: Mono) -> Mono {
        self.rules.ping_every.map_or(Mono::NEVER, |every| now.after(every))
    }

    /// Sends the next message of the opening, once it is paid for.
    fn open(&mut self, now: Mono, pay: impl FnOnce(u32) -> Result<(), Mono>) -> Option<SessionAction> {
        match pay(1) {
            Ok(()) => {
                let request = self.opening.pop_front()?;
                self.sent(now, request.answers);
                self.told(now);
                Some(SessionAction::Send { text: request.text, restart: None })
            }
            // It cannot be in time: leave now, and do not come back before it can.
            Err(at) if self.last_frame.is_none() && at > self.connect_by => {
                Some(self.over(EndReason::BudgetSpent { wait: at.since(now) }))
            }
            Err(at) => {
                self.pay_at = at;
                None
            }
        }
    }

    fn over(&mut self, reason: EndReason) -> SessionAction {
        self.over = true;
        self.opening.clear();
        self.restarts.clear();
        self.replies.clear();
        SessionAction::End(reason)
    }

    fn sent(&mut self, now: Mono, answers: u16) {
        if self.rules.ack_within.is_some() && answers > 0 {
            self.unanswered.push_back((now, answers));
        }
    }

    fn overdue(&self, now: Mono) -> Option<EndReason> {
        self.timers().into_iter().find(|(at, _)| *at <= now).map(|(_, reason)| reason)
    }

    /// Every deadline of this life with its reason, the one that says most first.
    fn timers(&self) -> [(Mono, EndReason); 5] {
        let after = |since: Option<Mono>, wait: Duration| since.map_or(Mono::NEVER, |at| at.after(wait));
        let (connect_by, idle_at) = match self.last_frame {
            None => (self.connect_by, Mono::NEVER),
            Some(at) => {
                let silent_at =
                    self.rules.message_timeout().map_or(Mono::NEVER, |t| after(self.last_message, t));
                (Mono::NEVER, at.after(self.rules.idle_timeout).min(silent_at))
            }
        };
        let ack_by = self
            .rules
            .ack_within
            .map_or(Mono::NEVER, |within| after(self.unanswered.front().map(|(sent, _)| *sent), within));
        [
            (connect_by, EndReason::ConnectTimeout),
            (after(self.blocked_since, WRITE_TIMEOUT), EndReason::WriteTimeout),
            (ack_by, EndReason::AckTimeout),
            (idle_at, EndReason::IdleTimeout),
            (self.leave.ends_at(), self.leave.reason()),
        ]
    }
}

mod action;
mod leave;
#[cfg(test)]
mod tests;
