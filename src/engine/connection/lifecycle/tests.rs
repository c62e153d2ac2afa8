//! The one path of a teardown, the waits after it, and the stop from anywhere.

use super::*;

const RULES: BackoffRules = BackoffRules {
    first: Duration::from_millis(500),
    max: Duration::from_secs(30),
    reset_after: Duration::from_secs(60),
};

fn s(n: u64) -> Mono {
    Mono::from_nanos(n * 1_000_000_000)
}

fn steps(l: &mut Lifecycle, now: Mono) -> Vec<Step> {
    std::iter::from_fn(|| l.next(now)).collect()
}

/// Performs everything at once, as a supervisor with instant threads would. Returns the steps.
fn drive(l: &mut Lifecycle, now: Mono) -> Vec<Step> {
    let mut done = Vec::new();
    while let Some(step) = l.next(now) {
        done.push(step);
        match step {
            Step::Resolve => l.resolved(now, true),
            Step::AskConnect => l.connect_token(now, Ok(())),
            Step::Join(generation) => l.joined(now, generation),
            Step::Fence(generation) => l.fenced(now, generation),
            _ => {}
        }
    }
    done
}

/// A lifecycle that is subscribed at `now`, and its generation.
fn subscribed(now: Mono) -> (Lifecycle, Generation) {
    let mut l = Lifecycle::new(ConnectionId(3), RULES, 9);
    l.start(now);
    assert_eq!(drive(&mut l, now).len(), 3);
    let generation = l.generation().expect("it runs");
    l.upgraded(now, generation);
    assert_eq!(l.phase(), Phase::Subscribing);
    l.subscribed(now, generation);
    assert_eq!(l.phase(), Phase::Subscribed);
    (l, generation)
}

/// Where it waits after the life ended so, from the instant of the end.
fn wait_after(l: &mut Lifecycle, now: Mono, reason: EndReason) -> Duration {
    let generation = l.generation().expect("it runs");
    l.ended(now, generation, reason);
    while let Some(step) = l.next(now) {
        match step {
            Step::Join(generation) => l.joined(now, generation),
            Step::Fence(generation) => l.fenced(now, generation),
            Step::Resolve => return Duration::ZERO,
            _ => {}
        }
    }
    l.deadline().since(now)
}

#[test]
fn every_end_takes_the_one_path() {
    for reason in [EndReason::PeerReset, EndReason::Panic, EndReason::Notice, EndReason::Requested] {
        let (mut l, g) = subscribed(s(1));
        l.ended(s(2), g, reason.clone());
        l.ended(s(2), g, EndReason::IdleTimeout);
        assert_eq!(l.last_end(), Some(&reason), "the first reason stands");
        assert_eq!(steps(&mut l, s(2)), [Step::MarkDead(g), Step::Shut(g), Step::Join(g)]);
        l.fenced(s(2), g); // not its turn
        assert_eq!((l.next(s(2)), l.phase()), (None, Phase::TearingDown));
        l.joined(s(2), Generation(0)); // another life
        assert_eq!(l.next(s(2)), None);
        l.joined(s(2), g);
        assert_eq!(steps(&mut l, s(2)), [Step::Fence(g)]);
        l.fenced(s(3), g);
        let record = Step::Record { generation: g, teardown: Duration::from_secs(1) };
        assert_eq!([l.next(s(3)), l.next(s(3))], [Some(Step::Cancel(g)), Some(record)]);
        assert_eq!(l.teardown_took(), Some(Duration::from_secs(1)));
    }
}

#[test]
fn the_next_life_has_the_next_generation_and_the_outage_is_measured() {
    let (mut l, g) = subscribed(s(1));
    let wait = wait_after(&mut l, s(10), EndReason::PeerReset);
    assert!(wait <= RULES.first, "{wait:?}");
    drive(&mut l, s(12));
    let next = l.generation().expect("it runs");
    assert_eq!(next.0, g.0 + 1);
    l.subscribed(s(13), g); // a late word of the life before
    assert_eq!(l.phase(), Phase::Connecting);
    l.subscribed(s(14), next);
    assert_eq!(l.reconnect_took(), Some(Duration::from_secs(4)));
}

#[test]
fn a_planned_end_comes_back_at_once_but_only_once() {
    let (mut l, _) = subscribed(s(1));
    assert_eq!(wait_after(&mut l, s(5), EndReason::Notice), Duration::ZERO);
    let mut again = |now: Mono, lasts: u64, reason| {
        l.resolved(now, true);
        drive(&mut l, now);
        l.subscribed(now, l.generation().expect("it runs"));
        wait_after(&mut l, now.after(Duration::from_secs(lasts)), reason)
    };
    assert_ne!(again(s(6), 1, EndReason::Notice), Duration::ZERO, "twice within a minute is a failure");
    assert_eq!(again(s(20), 61, EndReason::AgeLimit), Duration::ZERO, "after a minute it is planned again");
}

#[test]
fn a_fatal_end_waits_a_minute_and_more_and_a_refusal_what_it_asks() {
    let (mut l, _) = subscribed(s(1));
    let mut now = s(2);
    for least in [60, 120, 240, 480, 600, 600] {
        let wait = wait_after(&mut l, now, EndReason::Fatal("bad key".into()));
        let least = Duration::from_secs(least);
        assert!(wait >= least && wait <= least + RULES.max, "{wait:?} for {least:?}");
        now = l.deadline();
        drive(&mut l, now);
    }
    let asked = Duration::from_secs(7_200);
    let wait =
        wait_after(&mut l, now, EndReason::UpgradeRefused { status: 429, wait: Some(asked), fatal: false });
    assert!(wait >= asked && wait <= asked + RULES.max, "{wait:?}");
}

#[test]
fn a_token_is_asked_again_when_the_ledger_says_so() {
    let mut l = Lifecycle::new(ConnectionId(0), RULES, 1);
    l.start(s(0));
    assert_eq!(steps(&mut l, s(0)), [Step::Resolve]);
    l.resolved(s(0), true);
    assert_eq!(steps(&mut l, s(0)), [Step::AskConnect]);
    l.connect_token(s(0), Err(s(5)));
    assert_eq!(l.queued_since(), Some(s(0)), "its place in the line stays its own");
    assert_eq!((steps(&mut l, s(4)), l.deadline(), l.phase()), (vec![], s(5), Phase::Queued));
    assert_eq!(steps(&mut l, s(5)), [Step::AskConnect]);
}

#[test]
fn a_name_that_does_not_resolve_is_asked_again() {
    let mut l = Lifecycle::new(ConnectionId(0), RULES, 1);
    l.start(s(0));
    steps(&mut l, s(0));
    l.resolved(s(1), false);
    assert_eq!(l.last_end(), Some(&EndReason::NameNotFound));
    let at = l.deadline();
    assert!(at <= s(2));
    assert_eq!(steps(&mut l, at), [Step::Resolve]);
    assert_eq!(l.deadline(), at.after(CONNECT_TIMEOUT), "a mute resolver is not waited for forever");
    assert_eq!(steps(&mut l, at.after(CONNECT_TIMEOUT)), [Step::LookupTimedOut]);
    assert!(matches!(l.phase(), Phase::BackingOff { .. }));
}

#[test]
fn a_stop_ends_it_from_anywhere() {
    let mut idle = Lifecycle::new(ConnectionId(0), RULES, 1);
    idle.stop(s(0));
    assert_eq!(steps(&mut idle, s(0)), [Step::Stopped]);
    idle.start(s(1));
    assert_eq!((idle.next(s(1)), idle.deadline()), (None, Mono::NEVER));

    let (mut l, g) = subscribed(s(1));
    l.stop(s(2));
    assert_eq!(l.last_end(), Some(&EndReason::Stop));
    assert_eq!(drive(&mut l, s(2)).last(), Some(&Step::Stopped));
    assert!(!l.request_reconnect(s(3), g, EndReason::Requested));

    let (mut l, g) = subscribed(s(1));
    l.ended(s(2), g, EndReason::PeerReset);
    l.stop(s(2));
    assert_eq!(drive(&mut l, s(2)).last(), Some(&Step::Stopped), "a teardown under way is finished first");
}

#[test]
fn a_teardown_that_hangs_is_told_once() {
    let (mut l, g) = subscribed(s(1));
    assert!(l.request_reconnect(s(10), g, EndReason::Requested));
    steps(&mut l, s(10));
    assert_eq!(l.deadline(), s(12));
    assert_eq!(steps(&mut l, s(12)), [Step::Stuck { generation: g, joining: true }]);
    assert_eq!((steps(&mut l, s(99)), l.deadline()), (vec![], Mono::NEVER));
    l.joined(s(100), g);
    assert_eq!(steps(&mut l, s(100)), [Step::Fence(g)]);
}

/// A process that was stopped in the middle of a teardown took its own threads for stuck when it went on, and ended.
#[test]
fn a_process_that_stood_still_gives_its_threads_their_time_again() {
    let (mut l, g) = subscribed(s(1));
    assert!(l.request_reconnect(s(10), g, EndReason::Requested));
    steps(&mut l, s(10));
    assert_eq!((steps(&mut l, s(31)), l.deadline()), (vec![], s(33)));
    assert_eq!(steps(&mut l, s(33)), [Step::Stuck { generation: g, joining: true }]);
    assert_eq!(l.deadline(), Mono::NEVER);
}

#[test]
fn a_lookup_is_part_of_the_connect_timeout() {
    let mut l = Lifecycle::new(ConnectionId(0), RULES, 1).with_connect_timeout(Duration::from_secs(2));
    l.start(s(0));
    assert_eq!(steps(&mut l, s(0)), [Step::Resolve]);
    assert_eq!(l.deadline(), s(2));
    assert_eq!(steps(&mut l, s(2)), [Step::LookupTimedOut]);
    assert_eq!(l.last_end(), Some(&EndReason::NameNotFound));
    let again = l.deadline();
    assert!(matches!(l.phase(), Phase::BackingOff { .. }) && again > s(2));
    l.resolved(again, true); // too late, and nobody asks
    assert_eq!(steps(&mut l, again), [Step::Resolve]);
    l.resolved(again.after(Duration::from_millis(1_500)), true);
    assert_eq!(l.resolve_took(), Duration::from_millis(1_500));
}
