//! One life's session: what it sends and in what order, what must be paid, and every deadline at its time.

use crate::input::Input;
use depthd::engine::connection::end::EndReason;
use depthd::engine::connection::session::{Restarted, Session, SessionAction, SessionRules};
use depthd::engine::id::BookId;
use depthd::engine::time::Mono;
use depthd::venue::Control;
use std::collections::VecDeque;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// What the session should be doing, told only what it was told.
struct Witness {
    rules: SessionRules,
    began: Mono,
    upgraded: bool,
    blocked: Option<Mono>,
    frame: Option<Mono>,
    pinged: bool,
    opening: VecDeque<String>,
    restarts: VecDeque<String>,
    unanswered: VecDeque<Mono>,
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
                match self.opening.pop_front() {
                    Some(next) => {
                        assert_eq!((text, paid, restart), (next, true, None), "out of order, or not paid for")
                    }
                    None => {
                        assert_eq!(Some(&text), self.restarts.pop_front().as_ref(), "out of order");
                        assert!(!paid, "paid for twice");
                        self.told(restart);
                    }
                }
                if self.rules.ack_within.is_some() {
                    self.unanswered.push_back(now);
                }
            }
            SessionAction::Subscribed => {
                let complete = self.opening.is_empty() && self.unanswered.is_empty() && self.frame.is_some();
                assert!(self.upgraded && complete && !self.subscribed, "not subscribed, or said twice");
                self.subscribed = true;
            }
            SessionAction::Ping => {
                let quiet = self.frame.is_some_and(|at| now >= at.after(self.rules.idle_timeout / 2));
                assert!(quiet && !self.pinged, "a ping that nobody needs");
                self.pinged = true;
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
            EndReason::AgeLimit => {
                let age = self.rules.connection_age_max.expect("a limit");
                now >= self.began.after(age * 4 / 5)
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
        for reason in [EndReason::ConnectTimeout, EndReason::IdleTimeout, EndReason::WriteTimeout] {
            assert!(!self.is_due(now, &reason), "{reason:?} is overdue");
        }
        if self.rules.ack_within.is_some() {
            assert!(!self.is_due(now, &EndReason::AckTimeout), "an answer is overdue");
        }
        let old =
            self.rules.connection_age_max.is_some_and(|age| now >= self.began.after(age * 19 / 20 + SECOND));
        assert!(!old, "older than the venue allows");
        let free = self.upgraded && self.blocked.is_none() && self.opening.is_empty();
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
        connect_timeout: SECOND * 30,
        idle_timeout: SECOND * (u32::from(input.up_to(30)) + 1),
        connection_age_max: (flags & 1 == 1).then_some(SECOND * 600),
        ack_within: (flags & 2 == 2).then_some(SECOND * 10),
        // The witness knows no promised heartbeats; unit tests and the simulator do.
        heartbeat: None,
    };
    let mut said = 0;
    let mut texts = |count: u8| -> Vec<String> {
        (0..count)
            .map(|_| {
                said += 1;
                format!("{said}")
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
        unanswered: VecDeque::new(),
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
            }
            5..8 => {
                session.frame(now);
                (witness.frame, witness.pinged) = (Some(now), false);
            }
            8..10 => {
                session.control(now, &Control::Ack { id: None });
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
                let fits = witness.opening.len() + messages.len() <= 64;
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
        0..4 => (Control::Reconnect { within: None }, EndReason::Notice),
        4..8 => (Control::Fatal { message: message.clone() }, EndReason::Fatal(message)),
        8..12 => (Control::Error { message: message.clone() }, EndReason::VenueError(message)),
        12..16 => {
            session.end(EndReason::PeerReset);
            return witness.ends(EndReason::PeerReset);
        }
        _ => return session.control(now, &Control::Other),
    };
    session.control(now, &control);
    witness.ends(reason);
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
