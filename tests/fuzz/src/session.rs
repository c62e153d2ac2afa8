//! One life's session: what it sends and in what order, what must be paid, and every deadline at its time.

use crate::input::Input;
use depthd::engine::connection::end::EndReason;
use depthd::engine::connection::session::{Restarted, Session, SessionAction, SessionRules};
use depthd::engine::event::Channel;
use depthd::engine::id::BookId;
use depthd::engine::time::Mono;
use depthd::venue::{Control, Request};
use std::collections::VecDeque;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const SCOPE_MESSAGES_MAX: usize = 64;

/// What the session should be doing, told only what it was told.
struct Witness {
    rules: SessionRules,
    began: Mono,
    upgraded: bool,
    blocked: Option<Mono>,
    frame: Option<Mono>,
    pinged: bool,
    opening: VecDeque<Request>,
    restarts: VecDeque<Request>,
    replies: VecDeque<String>,
    /// When it was sent, once for each answer that is due.
    unanswered: VecDeque<Mono>,
    ping_due: Mono,
    /// When the venue was told all it waits for.
    told_all: Option<Mono>,
    /// When it said that it will close.
    noticed: Option<Mono>,
    /// Another life was asked for.
    succeeded: bool,
    subscribed: bool,
    end: Option<EndReason>,
    over: bool,
    out: u32,
}

impl Witness {
    fn sees(&mut self, now: Mono, action: SessionAction, paid: bool) {
        assert!(!self.over, "{action:?} after the end");
        match action {
            SessionAction::Send { text, restart } => {
                assert!(self.upgraded && self.blocked.is_none(), "sent before it may be");
                if let Some(reply) = self.replies.pop_front() {
                    assert_eq!(
                        (text, paid, restart),
                        (reply, false, None),
                        "the venue's question comes first"
                    );
                    return;
                }
                let answers = match self.opening.pop_front() {
                    Some(next) => {
                        let right = (next.text, true, None);
                        assert_eq!((text, paid, restart), right, "out of order, or not paid for");
                        self.told_all(now);
                        next.answers
                    }
                    None => {
                        let next = self.restarts.pop_front().expect("something is waiting");
                        assert_eq!(text, next.text, "out of order");
                        assert!(!paid, "paid for twice");
                        self.told(restart);
                        next.answers
                    }
                };
                if self.rules.ack_within.is_some() {
                    self.unanswered.extend((0..answers).map(|_| now));
                }
            }
            SessionAction::Subscribed => {
                let complete = self.opening.is_empty() && self.unanswered.is_empty() && self.frame.is_some();
                assert!(self.upgraded && complete && !self.subscribed, "not subscribed, or said twice");
                self.subscribed = true;
            }
            SessionAction::Ping => {
                assert!(self.upgraded && self.blocked.is_none(), "sent before it may be");
                assert!(self.wants_ping(now), "a ping that nobody needs");
                self.pinged = true;
                self.ping_due = self.next_ping(now);
            }
            SessionAction::Succeed(reason) => {
                assert!(self.wants_successor(now, 16), "{reason:?}: nobody has to take over yet");
                let noticed = self.noticed.is_some();
                assert_eq!(reason, if noticed { EndReason::Notice } else { EndReason::AgeLimit });
                self.succeeded = true;
            }
            SessionAction::End(reason) => {
                match self.end.take() {
                    Some(first) => assert_eq!(reason, first, "the first reason stands"),
                    None => assert!(self.is_due(now, &reason), "{reason:?} before its time"),
                }
                self.over = true;
            }
        }
    }

    /// The peer is quiet and was not asked yet, or the venue wants to be pinged whatever goes on.
    fn wants_ping(&self, now: Mono) -> bool {
        let quiet = match self.frame {
            Some(at) => now >= at.after(self.rules.idle_timeout / 2),
            None => self.told_all.is_some_and(|at| now >= at.after(SECOND)),
        };
        quiet && !self.pinged || now >= self.ping_due
    }

    fn told_all(&mut self, now: Mono) {
        if self.upgraded && self.opening.is_empty() {
            self.told_all.get_or_insert(now);
        }
    }

    /// There is something to hand over, and a reason to: so many twentieths of the age, which is drawn between 16 and 19.
    fn wants_successor(&self, now: Mono, of_age: u32) -> bool {
        let age = self.rules.connection_age_max;
        let old = || age.is_some_and(|age| now >= self.began.after(age / 20 * of_age));
        self.rules.handover && self.subscribed && !self.succeeded && (self.noticed.is_some() || old())
    }

    fn next_ping(&self, now: Mono) -> Mono {
        self.rules.ping_every.map_or(Mono::NEVER, |every| now.after(every))
    }

    /// A book goes out before it comes back.
    fn told(&mut self, restart: Option<Restarted>) {
        match restart {
            Some(Restarted::Withdrawn(_)) => self.out += 1,
            Some(Restarted::Restored(_)) => {
                self.out = self.out.checked_sub(1).expect("back before it was out")
            }
            None => {}
        }
    }

    /// Whether a session may end by itself for this reason, now.
    fn is_due(&self, now: Mono, reason: &EndReason) -> bool {
        match reason {
            EndReason::ConnectTimeout => {
                self.frame.is_none() && now >= self.began.after(self.rules.connect_timeout)
            }
            EndReason::IdleTimeout => self.frame.is_some_and(|at| now >= at.after(self.rules.idle_timeout)),
            EndReason::WriteTimeout => self.blocked.is_some_and(|at| now >= at.after(10 * SECOND)),
            EndReason::AckTimeout => {
                let within = self.rules.ack_within.expect("answers are due");
                self.unanswered.front().is_some_and(|at| now >= at.after(within))
            }
            EndReason::AgeLimit | EndReason::Notice => {
                let part = if self.rules.handover { 49 } else { 40 };
                let old =
                    self.rules.connection_age_max.is_some_and(|age| now >= self.began.after(age / 50 * part));
                let noticed = self.noticed.is_some_and(|at| now >= at.after(60 * SECOND));
                self.noticed.is_some() == (*reason == EndReason::Notice) && (old || noticed)
            }
            EndReason::BudgetSpent { .. } => self.frame.is_none() && !self.opening.is_empty(),
            _ => false,
        }
    }

    /// Nothing that is due was left undone.
    fn rests(&self, now: Mono) {
        if self.over {
            return;
        }
        assert!(self.end.is_none(), "told to end and still there");
        assert!(!self.wants_successor(now, 19), "nobody was asked to take over");
        for reason in
            [EndReason::ConnectTimeout, EndReason::IdleTimeout, EndReason::WriteTimeout, EndReason::Notice]
        {
            assert!(!self.is_due(now, &reason), "{reason:?} is overdue");
        }
        if self.rules.ack_within.is_some() {
            assert!(!self.is_due(now, &EndReason::AckTimeout), "an answer is overdue");
        }
        let old =
            self.rules.connection_age_max.is_some_and(|age| now >= self.began.after(age * 49 / 50 + SECOND));
        assert!(!old, "older than the venue allows");
        let open = self.upgraded && self.blocked.is_none();
        assert!(!open || self.replies.is_empty(), "nothing holds the answers to the venue back");
        assert!(!open || !self.wants_ping(now), "a ping is overdue");
        let free = open && self.opening.is_empty();
        assert!(!free || self.restarts.is_empty(), "nothing holds the restarts back");
        let complete = free && self.unanswered.is_empty() && self.frame.is_some();
        assert!(!complete || self.subscribed, "subscribed and silent about it");
    }

    fn ends(&mut self, reason: EndReason) {
        if !self.over {
            self.end.get_or_insert(reason);
        }
    }
}

pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let flags = input.byte();
    let rules = SessionRules {
        scope_messages_max: SCOPE_MESSAGES_MAX,
        connect_timeout: SECOND * 30,
        idle_timeout: SECOND * (u32::from(input.up_to(30)) + 1),
        connection_age_max: (flags & 1 == 1).then_some(SECOND * 600),
        handover: flags & 16 == 16,
        ack_within: (flags & 2 == 2).then_some(SECOND * 10),
        // The witness knows no promised heartbeats; unit tests and the simulator do.
        heartbeat: None,
        ping_every: (flags & 4 == 4).then_some(SECOND * 3),
    };
    let mut said = 0;
    let mut texts = |count: u8| -> Vec<Request> {
        (0..count)
            .map(|_| {
                said += 1;
                // Some are answered several times, some not at all.
                let answers = if flags & 8 == 8 { said % 4 } else { 1 };
                Request { text: format!("{said}"), answers }
            })
            .collect()
    };
    let opening = texts(flags >> 6);
    let mut now = Mono::from_nanos(u64::from(input.short()));
    let mut session = Session::new(now, rules, opening.clone(), input.long());
    let mut witness = Witness {
        rules,
        began: now,
        upgraded: false,
        blocked: None,
        frame: None,
        pinged: false,
        opening: opening.into(),
        restarts: VecDeque::new(),
        replies: VecDeque::new(),
        unanswered: VecDeque::new(),
        ping_due: Mono::NEVER,
        told_all: None,
        noticed: None,
        succeeded: false,
        subscribed: false,
        end: None,
        over: false,
        out: 0,
    };
    while !input.is_over() {
        match input.up_to(15) {
            0..2 => now = now.after(Duration::from_millis(u64::from(input.short()))),
            2..4 if session.deadline() != Mono::NEVER => now = now.max(session.deadline()),
            4 => {
                session.upgraded(now);
                witness.upgraded = true;
                witness.ping_due = witness.next_ping(now);
                witness.told_all(now);
            }
            5..8 => {
                session.frame(now);
                (witness.frame, witness.pinged) = (Some(now), false);
            }
            8..10 => {
                session.control(now, &Control::Ack { id: None, granted: None });
                witness.unanswered.pop_front();
            }
            10 => {
                session.write_blocked(now);
                witness.blocked.get_or_insert(now);
            }
            11 => {
                session.written();
                witness.blocked = None;
            }
            12 => {
                let (out, back) = (texts(input.up_to(3)), texts(input.up_to(3)));
                let good = witness.end.is_none() && !witness.over && !out.is_empty() && !back.is_empty();
                let fits = witness.restarts.len() + out.len() + back.len() <= 64;
                assert_eq!(session.restart(vec![BookId(1)], out.clone(), back.clone()), good && fits);
                if good && fits {
                    witness.restarts.extend(out.into_iter().chain(back));
                }
            }
            13 => {
                let messages = texts(input.up_to(9));
                let fits = witness.opening.len() + messages.len() <= SCOPE_MESSAGES_MAX;
                let taken = session.say(messages.clone());
                assert_eq!(taken, witness.end.is_none() && !witness.over && fits);
                if taken {
                    witness.opening.extend(messages);
                    witness.subscribed = false;
                }
            }
            14 => control(&mut input, &mut session, &mut witness, now),
            _ => session.control(now, &Control::Heartbeat),
        }
        poll(&mut input, &mut session, &mut witness, now);
    }
}

fn control(input: &mut Input<'_>, session: &mut Session, witness: &mut Witness, now: Mono) {
    let message = "m".to_owned();
    let (control, reason) = match input.byte() {
        0..4 => {
            session.control(now, &Control::Reconnect { within: None });
            if witness.rules.handover && witness.subscribed {
                witness.noticed.get_or_insert(now);
                return;
            }
            return witness.ends(EndReason::Notice);
        }
        4..8 => (Control::Fatal { message: message.clone() }, EndReason::Fatal(message)),
        8..12 => (Control::Error { message: message.clone() }, EndReason::VenueError(message)),
        12..16 => {
            session.end(EndReason::PeerReset);
            return witness.ends(EndReason::PeerReset);
        }
        kind @ 16..48 => return said(kind, session, witness, now),
        _ => return session.control(now, &Control::Other),
    };
    session.control(now, &control);
    witness.ends(reason);
}

/// What says something and ends nothing: a question of the venue's own, or one more answer of whatever kind.
fn said(kind: u8, session: &mut Session, witness: &mut Witness, now: Mono) {
    let symbol = "s".to_owned();
    let control = match kind {
        0..24 => {
            let answer = format!("answer {kind}");
            // One says as much as many.
            if witness.replies.len() < 4 {
                witness.replies.push_back(answer.clone());
            }
            return session.control(now, &Control::Asked { answer });
        }
        24..32 => Control::Bound { number: 7, symbol, channel: Channel::Book },
        32..40 => Control::Released { number: 7 },
        _ => Control::Refused { symbol: Some(symbol), message: "no".to_owned() },
    };
    session.control(now, &control);
    witness.unanswered.pop_front();
}

fn poll(input: &mut Input<'_>, session: &mut Session, witness: &mut Witness, now: Mono) {
    let mut token = input.byte();
    loop {
        let mut paid = false;
        let asked = session.poll(now, |messages| {
            assert_eq!(messages, 1);
            // Mostly there; else soon, or later than a dial may take.
            let wait = match token {
                0..180 => None,
                180..240 => Some(Duration::from_millis(u64::from(token) * 10)),
                _ => Some(Duration::from_secs(100)),
            };
            token = token.wrapping_add(37);
            paid = wait.is_none();
            wait.map_or(Ok(()), |wait| Err(now.after(wait)))
        });
        let Some(action) = asked else { break };
        witness.sees(now, action, paid);
    }
    witness.rests(now);
    assert!(session.deadline() > now, "once everything due is done, the deadline is ahead");
    assert_eq!(session.is_subscribed() && !witness.over, witness.subscribed && !witness.over);
}
