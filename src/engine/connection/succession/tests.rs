//! Who follows whom, and that a handover costs nothing when it fails.

use super::*;
use crate::engine::backoff::BackoffRules;
use crate::engine::id::ConnectionId;

const RULES: BackoffRules = BackoffRules {
    first: Duration::from_millis(500),
    max: Duration::from_secs(30),
    reset_after: Duration::from_secs(60),
};

fn s(n: u64) -> Mono {
    Mono::from_nanos(n * 1_000_000_000)
}

/// Performs everything at once, as a supervisor with instant threads would. Returns the steps.
fn drive(lives: &mut Succession, now: Mono) -> Vec<Step> {
    let mut done = Vec::new();
    while let Some(step) = lives.next(now) {
        done.push(step);
        match step {
            Step::Resolve => lives.resolved(now, true),
            Step::AskConnect => lives.connect_token(now, Ok(())),
            Step::Join(generation) => lives.joined(now, generation),
            Step::Fence(generation) => lives.fenced(now, generation),
            Step::Move { generation } => lives.carried(now, generation),
            _ => {}
        }
    }
    done
}

/// One that is subscribed at second 1, and its generation.
fn subscribed() -> (Succession, Generation) {
    let mut lives = Succession::new(Lifecycle::new(ConnectionId(3), RULES, 9));
    lives.start(s(1));
    drive(&mut lives, s(1));
    let generation = lives.generation().expect("it runs");
    lives.subscribed(s(1), generation);
    (lives, generation)
}

/// One whose successor runs since second 100, and both generations.
fn overlapping() -> (Succession, Generation, Generation) {
    let (mut lives, old) = subscribed();
    lives.leave(s(100), old, EndReason::AgeLimit);
    assert!(lives.wants_successor() && drive(&mut lives, s(100)).is_empty());
    lives.begin();
    let new = Generation(old.0 + 1);
    let steps = [Step::Resolve, Step::AskConnect, Step::Spawn { generation: new }];
    assert_eq!(drive(&mut lives, s(100)), steps);
    assert_eq!((lives.generation(), lives.generations()), (Some(old), vec![new, old]));
    assert_eq!(lives.survivor_of(new), Some(old));
    (lives, old, new)
}

fn gone(generation: Generation) -> Vec<Step> {
    vec![
        Step::MarkDead(generation),
        Step::Shut(generation),
        Step::Join(generation),
        Step::Fence(generation),
        Step::Cancel(generation),
        Step::Record { generation, teardown: Duration::ZERO },
    ]
}

#[test]
fn the_old_life_leaves_when_the_new_one_carries_the_books() {
    let (mut lives, old, new) = overlapping();
    let mut early = lives.clone();
    lives.subscribed(s(101), new);
    assert_eq!((drive(&mut lives, s(101)), lives.deadline()), (vec![], s(103)));
    lives.carried(s(102), new);
    assert_eq!(drive(&mut lives, s(102)), gone(old));
    assert_eq!((lives.generation(), lives.phase()), (Some(new), Phase::Subscribed));
    assert_eq!(lives.last_end(), Some(&EndReason::AgeLimit));
    assert!(!lives.is_handing_over() && lives.reconnect_took().is_none());
    assert_eq!(lives.deadline(), Mono::NEVER);
    // The workers' word may come before the reader's.
    early.carried(s(101), new);
    assert_eq!(drive(&mut early, s(101)), [], "nothing is subscribed yet");
    early.subscribed(s(101), new);
    assert_eq!(drive(&mut early, s(101)), gone(old));
}

#[test]
fn what_is_left_is_moved_in_time_and_nobody_is_waited_for_for_ever() {
    let (mut lives, old, new) = overlapping();
    lives.subscribed(s(101), new);
    let mut deaf = lives.clone();
    let mut steps = vec![Step::Move { generation: new }];
    steps.extend(gone(old));
    assert_eq!(drive(&mut lives, s(103)), steps);
    assert_eq!(deaf.next(s(103)), Some(Step::Move { generation: new }));
    assert_eq!((deaf.next(s(115)), deaf.deadline()), (None, s(116)));
    assert_eq!(drive(&mut deaf, s(116)), gone(old));
}

#[test]
fn a_successor_that_fails_is_tried_again_and_the_current_life_goes_on() {
    let (mut lives, old, new) = overlapping();
    lives.subscribed(s(101), new);
    lives.ended(s(102), new, EndReason::PeerReset);
    assert_eq!(drive(&mut lives, s(102)), gone(new));
    assert_eq!((lives.generation(), lives.phase()), (Some(old), Phase::Subscribed));
    let again = lives.deadline();
    assert!(again > s(102) && again < s(140));
    lives.carried(again, new);
    let next = Generation(new.0 + 1);
    assert_eq!(drive(&mut lives, again).last(), Some(&Step::Spawn { generation: next }));
    lives.subscribed(again, next);
    lives.carried(again, next);
    assert_eq!(drive(&mut lives, again), gone(old));
}

#[test]
fn a_current_life_that_ends_early_makes_its_successor_current() {
    let (mut lives, old, new) = overlapping();
    lives.ended(s(101), old, EndReason::PeerReset);
    assert_eq!(drive(&mut lives, s(101)), gone(old));
    assert_eq!((lives.generation(), lives.phase()), (Some(new), Phase::Connecting));
    lives.subscribed(s(103), new);
    assert_eq!(lives.reconnect_took(), Some(Duration::from_secs(2)));
    // It ends like any other, and is followed by the next.
    lives.ended(s(104), new, EndReason::PeerReset);
    assert_eq!(drive(&mut lives, s(104)), gone(new));
    assert_eq!(drive(&mut lives, s(140)).last(), Some(&Step::Spawn { generation: Generation(new.0 + 1) }));
}

#[test]
fn a_venue_that_says_so_again_and_again_is_answered_with_a_wait() {
    let (mut lives, _, new) = overlapping();
    lives.subscribed(s(101), new);
    lives.carried(s(101), new);
    drive(&mut lives, s(101));
    lives.leave(s(102), new, EndReason::Notice);
    assert_eq!(drive(&mut lives, s(102)), gone(new));
    assert!(matches!(lives.phase(), Phase::BackingOff { .. }) && !lives.is_handing_over());
}

#[test]
fn a_stop_ends_every_life_before_it_is_complete() {
    let (mut lives, old, new) = overlapping();
    lives.stop(s(101));
    assert_eq!(lives.next(s(101)), Some(Step::MarkDead(new)));
    let mut steps = drive(&mut lives, s(101));
    assert_eq!(steps.pop(), Some(Step::Stopped));
    assert!(gone(new)[1..].iter().chain(&gone(old)).eq(&steps), "{steps:?}");
    assert_eq!(lives.phase(), Phase::Stopped);
    lives.leave(s(102), old, EndReason::AgeLimit);
    lives.begin();
    assert_eq!(drive(&mut lives, s(102)), []);

    let (mut lives, _) = subscribed();
    lives.stop(s(2));
    assert_eq!(drive(&mut lives, s(2)).last(), Some(&Step::Stopped));
}

#[test]
fn a_stop_while_one_leaves_waits_for_it() {
    let (mut lives, old, new) = overlapping();
    lives.subscribed(s(101), new);
    lives.carried(s(101), new);
    assert_eq!(lives.next(s(101)), Some(Step::MarkDead(old)));
    lives.stop(s(101));
    while let Some(step) = lives.next(s(101)) {
        if let Step::Join(generation) = step {
            lives.joined(s(101), generation);
        }
        if step == Step::Fence(new) {
            lives.fenced(s(101), new);
        }
    }
    assert_eq!(lives.phase(), Phase::TearingDown, "the one that leaves has not passed its fence");
    lives.fenced(s(101), old);
    drive(&mut lives, s(101));
    assert_eq!(lives.phase(), Phase::Stopped);
}
