//! The lives of a connection under any sequence of reports: two at most, the second only beside the one it takes over
//! from, each joined and fenced once before a third begins, and none left at the stop.

use std::collections::BTreeMap;
use std::time::Duration;

use depthd::engine::backoff::BackoffRules;
use depthd::engine::connection::end::EndReason;
use depthd::engine::connection::lifecycle::Lifecycle;
use depthd::engine::connection::step::{Phase, Step};
use depthd::engine::connection::succession::Succession;
use depthd::engine::id::{ConnectionId, Generation};
use depthd::engine::random::Random;
use depthd::engine::time::Mono;

const RULES: BackoffRules = BackoffRules {
    first: Duration::from_millis(500),
    max: Duration::from_secs(30),
    reset_after: Duration::from_secs(60),
};

/// What was seen of each life that is not gone.
#[derive(Default)]
struct Witness {
    /// The next teardown step of each; 0 while it runs.
    lives: BTreeMap<Generation, u32>,
    newest: u64,
    overlaps: u64,
    handed_over: u64,
}

impl Witness {
    fn sees(&mut self, lives: &Succession, step: Step) {
        let mut torn = |generation: Generation, at: u32| {
            let next = self.lives.get_mut(&generation).expect("a step of a life that is there");
            assert_eq!(*next, at, "{step:?} out of turn");
            *next += 1;
        };
        match step {
            Step::Spawn { generation } => {
                assert!(generation.0 > self.newest, "numbers are not used again");
                self.newest = generation.0;
                match lives.survivor_of(generation) {
                    Some(old) => {
                        assert_eq!(self.lives.get(&old), Some(&0), "it takes over from a life that runs");
                        assert_eq!(self.lives.len(), 1, "two at most");
                        self.overlaps += 1;
                    }
                    // A life that lost its successor's race may still be on its way out.
                    None => assert!(self.lives.len() <= 1 && self.lives.values().all(|at| *at > 0)),
                }
                self.lives.insert(generation, 0);
            }
            Step::MarkDead(g) => torn(g, 0),
            Step::Shut(g) => torn(g, 1),
            Step::Join(g) => torn(g, 2),
            Step::Fence(g) => torn(g, 3),
            Step::Cancel(g) => {
                torn(g, 4);
                let below = lives.survivor_of(g);
                assert!(below.is_none_or(|old| self.lives.contains_key(&old)), "a survivor lives");
            }
            Step::Record { generation, .. } => {
                torn(generation, 5);
                self.lives.remove(&generation);
                let heir = lives.generation().filter(|g| self.lives.get(g) == Some(&0));
                self.handed_over += u64::from(heir.is_some_and(|g| g > generation));
            }
            Step::Move { generation } => {
                assert_eq!(self.lives.get(&generation), Some(&0));
                assert!(lives.survivor_of(generation).is_some(), "a successor moves, nobody else");
            }
            Step::Stopped => assert!(self.lives.is_empty(), "stopped with lives"),
            Step::Resolve | Step::LookupTimedOut | Step::AskConnect | Step::Stuck { .. } => {}
        }
        assert!(self.lives.values().filter(|at| **at < 3).count() <= 2, "two readers at most");
    }
}

fn sequence(seed: u64) -> Witness {
    let mut random = Random::new(seed);
    let mut lives = Succession::new(Lifecycle::new(ConnectionId(1), RULES, seed));
    let (mut witness, mut now) = (Witness::default(), Mono::from_nanos(1));
    lives.start(now);
    for _ in 0..200 {
        report(&mut lives, &mut random, &mut now);
        while let Some(step) = lives.next(now) {
            witness.sees(&lives, step);
        }
        assert!(lives.deadline() > now, "nothing is left to do");
    }
    // At the end it is stopped, and everything is answered.
    lives.stop(now);
    for _ in 0..40 {
        while let Some(step) = lives.next(now) {
            witness.sees(&lives, step);
        }
        for generation in lives.generations() {
            lives.joined(now, generation);
            lives.fenced(now, generation);
        }
    }
    assert_eq!(lives.phase(), Phase::Stopped);
    assert!(witness.lives.is_empty(), "a life is left at the stop");
    witness
}

/// One report, of a life that is there or was.
fn report(lives: &mut Succession, random: &mut Random, now: &mut Mono) {
    let known = lives.generations();
    let any = known.get(random.up_to(2) as usize).copied();
    let generation = any.or(lives.generation()).unwrap_or(Generation((1 << 48) + random.up_to(3)));
    let reasons = [EndReason::PeerReset, EndReason::Notice, EndReason::Panic, EndReason::NoThread];
    let reason = reasons[random.up_to(3) as usize].clone();
    match random.up_to(41) {
        0..2 => *now = now.after(Duration::from_millis(random.up_to(90_000))),
        2..5 => *now = (*now).max(lives.deadline().min(now.after(Duration::from_secs(100)))),
        5..9 => lives.resolved(*now, random.up_to(5) > 0),
        9..13 => {
            let token = if random.up_to(4) > 0 { Ok(()) } else { Err(now.after(Duration::from_secs(1))) };
            lives.connect_token(*now, token);
        }
        13..19 => lives.subscribed(*now, generation),
        19..20 => lives.ended(*now, generation, reason),
        20..24 => lives.joined(*now, generation),
        24..28 => lives.fenced(*now, generation),
        28..33 => lives.leave(*now, generation, EndReason::AgeLimit),
        33..38 => lives.begin(),
        38..41 => lives.carried(*now, generation),
        _ if random.up_to(40) == 0 => lives.stop(*now),
        _ => {}
    }
}

#[test]
fn two_lives_at_most_and_each_on_the_one_path() {
    let seen = (0..10_000).map(sequence).fold((0, 0), |(overlaps, handed_over), witness| {
        (overlaps + witness.overlaps, handed_over + witness.handed_over)
    });
    assert!(seen.0 > 2_000 && seen.1 > 500, "too few handovers to speak of: {seen:?}");
}
