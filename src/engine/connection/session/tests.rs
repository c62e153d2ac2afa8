//! A session's deadlines, its order of sending, and its one end.

use super::*;
use crate::engine::event::Channel;

const RULES: SessionRules = SessionRules {
    connect_timeout: Duration::from_secs(30),
    idle_timeout: Duration::from_secs(10),
    connection_age_max: Some(Duration::from_secs(86_400)),
    handover: false,
    ack_within: None,
    heartbeat: None,
    ping_every: None,
    scope_messages_max: 30,
};

fn s(n: u64) -> Mono {
    Mono::from_nanos(n * 1_000_000_000)
}

fn free(_: u32) -> Result<(), Mono> {
    Ok(())
}

fn texts(n: usize, word: &str) -> Vec<Request> {
    (0..n).map(|i| Request::from(format!("{word}{i}"))).collect()
}

fn all(session: &mut Session, now: Mono) -> Vec<SessionAction> {
    std::iter::from_fn(|| session.poll(now, free)).collect()
}

fn send(text: &str, restart: Option<Restarted>) -> SessionAction {
    SessionAction::Send { text: text.into(), restart }
}

/// A session that is subscribed at second 1.
fn up(rules: SessionRules) -> Session {
    let mut session = Session::new(s(0), rules, texts(1, "hello"), 1);
    session.upgraded(s(1));
    session.frame(s(1));
    let (sent, done) = (session.poll(s(1), free), session.poll(s(1), free));
    assert_eq!((sent, done), (Some(send("hello0", None)), Some(SessionAction::Subscribed)));
    session
}

fn ended(session: &mut Session, now: Mono, reason: EndReason) {
    assert!(session.deadline() <= now, "the deadline comes in time");
    assert_eq!(session.poll(now, free), Some(SessionAction::End(reason)));
    assert_eq!((session.poll(now, free), session.deadline()), (None, Mono::NEVER));
}

#[test]
fn nothing_goes_before_the_upgrade_and_the_first_frame_completes_it() {
    let mut session = Session::new(s(0), RULES, texts(2, "m"), 1);
    assert_eq!((all(&mut session, s(1)), session.deadline()), (vec![], s(30)));
    session.upgraded(s(2));
    assert_eq!(all(&mut session, s(2)), [send("m0", None), send("m1", None)]);
    session.frame(s(3));
    assert_eq!(session.deadline(), Mono::ZERO);
    assert_eq!(all(&mut session, s(3)), [SessionAction::Subscribed]);
    assert_eq!(session.deadline(), s(8), "time to ask for a sign of life");
}

#[test]
fn the_connect_deadline_runs_to_the_first_frame() {
    let mut session = Session::new(s(0), RULES, vec![], 1);
    session.upgraded(s(29));
    assert_eq!(all(&mut session, s(29)), []);
    ended(&mut session, s(30), EndReason::ConnectTimeout);
}

#[test]
fn silence_ends_it_and_any_frame_keeps_it() {
    let mut session = up(RULES);
    for n in (2..200).step_by(9) {
        assert!(all(&mut session, s(n)).iter().all(|action| *action == SessionAction::Ping));
        session.frame(s(n));
    }
    ended(&mut session, s(210), EndReason::IdleTimeout);
}

#[test]
fn connections_leave_well_before_their_age_and_not_together() {
    let ages: Vec<u64> = (0..50)
        .map(|seed| Session::new(s(0), RULES, vec![], seed).leave.ends_at().nanos() / 1_000_000_000)
        .collect();
    assert!(ages.iter().all(|age| (69_120..=82_080).contains(age)), "{ages:?}");
    assert!(ages.iter().max().unwrap() - ages.iter().min().unwrap() > 6_000);
    let mut session = up(RULES);
    session.frame(s(82_080));
    ended(&mut session, s(82_080), EndReason::AgeLimit);
}

#[test]
fn what_the_venue_says_ends_it_and_the_first_reason_stands() {
    for (control, reason) in [
        (Control::Reconnect { within: Some(Duration::from_secs(60)) }, EndReason::Notice),
        (Control::Fatal { message: "bad key".into() }, EndReason::Fatal("bad key".into())),
        (Control::Error { message: "buffer".into() }, EndReason::VenueError("buffer".into())),
    ] {
        let mut session = up(RULES);
        session.control(s(2), &Control::Heartbeat);
        session.control(s(2), &Control::Other);
        assert_eq!(all(&mut session, s(2)), []);
        session.control(s(2), &control);
        session.end(EndReason::PeerClosed { code: None });
        ended(&mut session, s(2), reason);
    }
}

#[test]
fn each_message_wants_its_answer_in_time() {
    let rules = SessionRules { ack_within: Some(Duration::from_secs(5)), ..RULES };
    let mut session = Session::new(s(0), rules, texts(2, "m"), 1);
    session.upgraded(s(1));
    session.frame(s(1));
    assert_eq!(all(&mut session, s(1)).len(), 2);
    session.control(s(2), &Control::Ack { id: Some(1), granted: None });
    assert_eq!(all(&mut session, s(2)), [], "one answer is still due");
    let mut late = session.clone();
    late.frame(s(5));
    ended(&mut late, s(6), EndReason::AckTimeout);
    session.control(s(3), &Control::Ack { id: None, granted: None });
    assert_eq!(all(&mut session, s(3)), [SessionAction::Subscribed]);
    session.control(s(3), &Control::Ack { id: Some(99), granted: None });
    assert_eq!(all(&mut session, s(3)), [], "an answer to nothing is nothing");
}

#[test]
fn a_restart_tells_its_books_first_and_last() {
    let mut session = up(RULES);
    let books = vec![BookId(3), BookId(4)];
    assert!(session.restart(books.clone(), texts(2, "out"), texts(2, "in")));
    assert_eq!(session.deadline(), Mono::ZERO);
    assert_eq!(
        all(&mut session, s(2)),
        [
            send("out0", Some(Restarted::Withdrawn(books.clone()))),
            send("out1", None),
            send("in0", None),
            send("in1", Some(Restarted::Restored(books.clone()))),
        ]
    );
    assert!(!session.restart(books.clone(), vec![], texts(1, "in")), "the venue has no such message");
    for _ in 0..RESTART_MESSAGES_MAX / 2 {
        assert!(session.restart(books.clone(), texts(1, "out"), texts(1, "in")));
    }
    assert!(!session.restart(books.clone(), texts(1, "out"), texts(1, "in")), "the queue is bounded");
    session.end(EndReason::Stop);
    ended(&mut session, s(2), EndReason::Stop);
    assert!(!session.restart(books, texts(1, "out"), texts(1, "in")));
}

#[test]
fn a_peer_that_does_not_read_is_left() {
    let mut session = up(RULES);
    session.write_blocked(s(2));
    assert!(session.restart(vec![BookId(1)], texts(1, "out"), texts(1, "in")));
    session.frame(s(8));
    assert_eq!(all(&mut session, s(8)), [], "nothing more is handed out meanwhile");
    let mut freed = session.clone();
    freed.written();
    assert_eq!(all(&mut freed, s(9)).len(), 2);
    ended(&mut session, s(12), EndReason::WriteTimeout);
}

#[test]
fn the_opening_waits_for_its_budget_or_leaves_when_that_is_too_far() {
    let mut session = Session::new(s(0), RULES, texts(1, "m"), 1);
    session.upgraded(s(1));
    assert_eq!(session.poll(s(1), |_| Err(s(4))), None);
    assert_eq!(session.deadline(), s(4));
    assert_eq!(session.poll(s(3), |_| panic!("asked too early")), None);
    let mut other = session.clone();
    assert_eq!(session.poll(s(4), free), Some(send("m0", None)));
    let reason = EndReason::BudgetSpent { wait: Duration::from_secs(3_596) };
    assert_eq!(other.poll(s(4), |_| Err(s(3_600))), Some(SessionAction::End(reason)));
}

#[test]
fn what_the_venue_said_stands_when_the_socket_ends() {
    let closed = EndReason::PeerClosed { code: Some(1_000) };
    let mut session = up(RULES);
    session.control(s(2), &Control::Fatal { message: "bad key".into() });
    assert_eq!(session.ended(closed.clone()), EndReason::Fatal("bad key".into()));
    let session = up(RULES);
    assert_eq!(session.ended(closed.clone()), closed);
}

#[test]
fn a_quiet_peer_is_asked_once_and_lives_by_its_answer() {
    let mut session = up(RULES);
    assert_eq!(session.deadline(), s(6), "half of the idle timeout after the last frame");
    assert_eq!(all(&mut session, s(5)), []);
    assert_eq!(all(&mut session, s(6)), [SessionAction::Ping]);
    assert_eq!(all(&mut session, s(7)), [], "once");
    session.frame(s(7));
    assert_eq!(all(&mut session, s(12)), [SessionAction::Ping], "and again after an answer");
    ended(&mut session, s(17), EndReason::IdleTimeout);
}

/// A venue that promises a message each second answered pings for ever over a stream that was dead, and was believed.
#[test]
fn pongs_do_not_stand_for_promised_heartbeats() {
    let rules = SessionRules { heartbeat: Some(Duration::from_secs(1)), ..RULES };
    let mut session = up(rules);
    session.message(s(3));
    for n in 4..13 {
        session.frame(s(n));
        assert_eq!(all(&mut session, s(n)), [], "at {n}");
    }
    ended(&mut session, s(13), EndReason::IdleTimeout);

    // A round of pings that takes long is no message; one with a message that had to wait is.
    let mut session = up(rules);
    session.frame(s(3));
    session.message(s(3));
    session.held_up(s(3), || s(4));
    session.frame(s(12));
    session.held_up(s(12), || s(13));
    assert_eq!(all(&mut session, s(13)), []);
    ended(&mut session, s(14), EndReason::IdleTimeout);

    // A hello that has to wait until it may be paid for: a venue that was asked for nothing owes nothing but pings.
    let mut session = Session::new(s(0), rules, texts(1, "hello"), 1);
    session.upgraded(s(1));
    for n in 1..20 {
        session.frame(s(n));
        assert_eq!(session.poll(s(n), |_| Err(s(20))), None, "at {n}");
    }
    session.frame(s(20));
    assert_eq!(all(&mut session, s(20)), [send("hello0", None), SessionAction::Subscribed]);
    session.frame(s(29));
    assert_eq!(all(&mut session, s(29)), []);
    session.frame(s(30));
    ended(&mut session, s(30), EndReason::IdleTimeout);

    // An idle timeout as short as the heartbeat must not take one that is a little late for silence.
    let mut session = up(SessionRules { idle_timeout: Duration::from_secs(1), ..rules });
    session.message(s(1));
    session.frame(s(2));
    assert!(!all(&mut session, s(2)).contains(&SessionAction::End(EndReason::IdleTimeout)));
    session.frame(s(3));
    ended(&mut session, s(3), EndReason::IdleTimeout);
}

#[test]
fn a_changed_scope_is_subscribed_again_once_it_is_through() {
    let rules = SessionRules { ack_within: Some(Duration::from_secs(5)), ..RULES };
    let mut session = Session::new(s(0), rules, Vec::new(), 1);
    session.upgraded(s(1));
    session.frame(s(1));
    assert_eq!(all(&mut session, s(1)), [SessionAction::Subscribed]);
    assert!(session.say(texts(1, "more")));
    assert_eq!(all(&mut session, s(2)), [send("more0", None)]);
    session.frame(s(2));
    session.control(s(2), &Control::Ack { id: None, granted: None });
    assert_eq!(all(&mut session, s(2)), [SessionAction::Subscribed]);
    assert!(!session.say(texts(31, "m")), "the queue is bounded");
}

#[test]
fn each_thing_asked_for_may_be_answered_by_itself() {
    let rules = SessionRules { ack_within: Some(Duration::from_secs(5)), ..RULES };
    let request = Request { text: "all".into(), answers: 3 };
    let mut session = Session::new(s(0), rules, vec![request], 1);
    session.upgraded(s(1));
    session.frame(s(1));
    assert_eq!(all(&mut session, s(1)), [send("all", None)]);
    let refused = Control::Refused { symbol: None, message: "unknown".into() };
    for control in [Control::Ack { id: None, granted: None }, refused] {
        session.control(s(2), &control);
        assert_eq!(all(&mut session, s(2)), [], "one answer of three is still due");
    }
    session.control(s(2), &Control::Bound { number: 7, symbol: "A".into(), channel: Channel::Book });
    assert_eq!(all(&mut session, s(2)), [SessionAction::Subscribed]);
}

#[test]
fn a_venue_that_wants_pings_gets_them_and_one_that_asks_is_answered() {
    let rules = SessionRules { ping_every: Some(Duration::from_secs(3)), ..RULES };
    let mut session = up(rules);
    for second in [4, 7, 10] {
        session.frame(s(second - 1));
        assert_eq!(session.deadline(), s(second), "however busy the stream is");
        assert_eq!(all(&mut session, s(second)), [SessionAction::Ping]);
    }
    for n in 0..10 {
        session.control(s(10), &Control::Asked { answer: format!("here {n}") });
    }
    assert_eq!(session.deadline(), Mono::ZERO);
    let sent = all(&mut session, s(10));
    assert_eq!((sent.len(), &sent[0]), (REPLIES_MAX, &send("here 0", None)));
}

const OVERLAPPING: SessionRules = SessionRules { handover: true, ..RULES };

#[test]
fn where_lives_may_overlap_another_is_asked_for_once_and_the_end_comes_later() {
    let mut session = up(OVERLAPPING);
    let asked_at = session.leave.asks_at(true);
    assert!((s(69_120)..=s(82_080)).contains(&asked_at), "{asked_at:?}");
    session.frame(asked_at);
    assert!(session.deadline() <= asked_at);
    assert_eq!(all(&mut session, asked_at), [SessionAction::Succeed(EndReason::AgeLimit)]);
    let last = s(84_672);
    session.frame(last);
    ended(&mut session, last, EndReason::AgeLimit);
}

#[test]
fn a_notice_asks_for_another_life_and_leaves_in_time_without_it() {
    let notice = |within| Control::Reconnect { within };
    let mut session = up(OVERLAPPING);
    session.control(s(2), &notice(Some(Duration::from_secs(30))));
    session.control(s(3), &notice(Some(Duration::from_secs(300))));
    assert_eq!(all(&mut session, s(3)), [SessionAction::Succeed(EndReason::Notice)]);
    for second in 4..32 {
        session.frame(s(second));
        assert_eq!(all(&mut session, s(second)), [], "asked for once");
    }
    ended(&mut session, s(32), EndReason::Notice);

    let mut session = up(SessionRules { connection_age_max: None, ..OVERLAPPING });
    session.control(s(2), &notice(None));
    assert_eq!(all(&mut session, s(2)), [SessionAction::Succeed(EndReason::Notice)]);
    (2..62).for_each(|second| session.frame(s(second)));
    ended(&mut session, s(62), EndReason::Notice);

    let mut session = Session::new(s(0), OVERLAPPING, texts(1, "m"), 1);
    session.upgraded(s(1));
    session.control(s(1), &notice(None));
    ended(&mut session, s(1), EndReason::Notice);

    let mut session = up(OVERLAPPING);
    session.control(s(2), &notice(Some(Duration::ZERO)));
    ended(&mut session, s(2), EndReason::Notice);
}

/// A quiet market over an address that is the whole subscription: without a word of ours the venue says none.
#[test]
fn a_venue_that_says_nothing_at_first_is_asked_once() {
    let mut session = Session::new(s(0), RULES, vec![], 1);
    session.upgraded(s(1));
    assert_eq!((all(&mut session, s(1)), session.deadline()), (vec![], s(2)));
    assert_eq!(all(&mut session, s(2)), [SessionAction::Ping]);
    assert_eq!((all(&mut session, s(3)), session.deadline()), (vec![], s(30)));
    session.frame(s(4));
    assert_eq!(all(&mut session, s(4)), [SessionAction::Subscribed]);
}

/// 64 messages were all that could wait: 22 coins of a venue that takes one message a subscription cost the connection.
#[test]
fn a_reload_of_every_symbol_fits_behind_an_opening_that_is_not_through() {
    let rules = SessionRules { scope_messages_max: 900, ..RULES };
    let mut session = Session::new(s(0), rules, texts(300, "m"), 1);
    assert!(session.say(texts(600, "change")), "each left, and each for another");
    assert!(!session.say(texts(1, "more")), "a bound all the same");
}
