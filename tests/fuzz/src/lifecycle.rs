//! The lifecycle under any reports in any order: one path down, one join a spawn, never two lives (I4, I5).

use crate::input::Input;
use depthd::engine::backoff::BackoffRules;
use depthd::engine::connection::end::EndReason;
use depthd::engine::connection::lifecycle::Lifecycle;
use depthd::engine::connection::step::Step;
use depthd::engine::id::{ConnectionId, Generation};
use depthd::engine::time::Mono;
use std::time::Duration;

const RULES: BackoffRules = BackoffRules {
    first: Duration::from_millis(500),
    max: Duration::from_secs(30),
    reset_after: Duration::from_secs(60),
};

/// The order, written down as the letters of what happened: `S`pawn, mark `d`ead, `s`hut, `j`oin, `J`oined, `f`ence,
/// `F`enced, `c`ancel, `r`ecord, `X` stopped. Lookups and tokens only between lives.
#[derive(Default)]
struct Witness {
    story: String,
    life: Option<Generation>,
    latest: u64,
    not_before: Mono,
}

impl Witness {
    const DOWN: &'static str = "SdsjJfFcr";

    fn write(&mut self, letter: char) {
        self.story.push(letter);
        assert!(Witness::DOWN.starts_with(&self.story) || self.story == "X", "I5: {}", self.story);
        if self.story == Witness::DOWN {
            self.story.clear();
            self.life = None;
        }
    }

    /// A report that only counts when the teardown waits for it.
    fn told(&mut self, generation: Generation, waits: &str, letter: char) {
        if self.life == Some(generation) && self.story == waits {
            self.write(letter);
        }
    }

    fn sees(&mut self, now: Mono, step: Step) {
        let (letter, generation) = match step {
            Step::Resolve | Step::LookupTimedOut | Step::AskConnect => {
                assert!(self.story.is_empty(), "{step:?} while a life is not over: {}", self.story);
                assert!(step != Step::Resolve || now >= self.not_before, "back before the venue allows it");
                return;
            }
            Step::Spawn { generation } => {
                assert!(generation.0 > self.latest && self.life.is_none(), "I5");
                (self.latest, self.life) = (generation.0, Some(generation));
                ('S', generation)
            }
            Step::Stuck { generation, joining } => {
                assert_eq!(
                    (self.life, self.story.as_str()),
                    (Some(generation), if joining { "Sdsj" } else { "SdsjJf" })
                );
                return;
            }
            Step::MarkDead(g) => ('d', g),
            Step::Shut(g) => ('s', g),
            Step::Join(g) => ('j', g),
            Step::Fence(g) => ('f', g),
            Step::Cancel(g) => ('c', g),
            Step::Record { generation, .. } => ('r', generation),
            Step::Move { .. } => panic!("a lifecycle alone has nothing to move"),
            Step::Stopped => return self.write('X'),
        };
        assert_eq!(self.life, Some(generation), "{step:?} of another life");
        self.write(letter);
    }
}

fn reason(input: &mut Input<'_>) -> EndReason {
    match input.up_to(6) {
        0 => EndReason::PeerReset,
        1 => EndReason::Notice,
        2 => EndReason::AgeLimit,
        3 => EndReason::Panic,
        4 => EndReason::Fatal("bad key".to_owned()),
        5 => EndReason::BudgetSpent { wait: Duration::from_secs(u64::from(input.short())) },
        _ => {
            let wait = Some(Duration::from_secs(input.long() >> input.up_to(63)));
            EndReason::UpgradeRefused { status: 429, wait, fatal: input.one_in(2) }
        }
    }
}

pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let timeout = Duration::from_millis(u64::from(input.short()) + 1);
    let mut machine = Lifecycle::new(ConnectionId(7), RULES, input.long()).with_connect_timeout(timeout);
    let mut witness = Witness::default();
    let mut now = Mono::from_nanos(1);
    machine.start(now);
    loop {
        let over = input.is_over();
        if over {
            machine.stop(now);
        } else {
            report(&mut input, &mut machine, &mut witness, &mut now);
        }
        for _ in 0..16 {
            let Some(step) = machine.next(now) else { break };
            assert_ne!(witness.story, "X", "{step:?} after the stop");
            witness.sees(now, step);
            // With everything over, whoever is asked answers at once.
            match step {
                Step::Join(generation) if over => answer_joined(&mut machine, &mut witness, now, generation),
                Step::Fence(generation) if over => answer_fenced(&mut machine, &mut witness, now, generation),
                _ => {}
            }
        }
        assert!(machine.deadline() > now, "once everything due is done, the deadline is ahead");
        assert_eq!(machine.generation(), witness.life, "another life is claimed than runs");
        if over {
            break;
        }
    }
    // A stop met the machine while it waited for these.
    if let Some(generation) = witness.life {
        answer_joined(&mut machine, &mut witness, now, generation);
        while let Some(step) = machine.next(now) {
            witness.sees(now, step);
        }
        answer_fenced(&mut machine, &mut witness, now, generation);
        while let Some(step) = machine.next(now) {
            witness.sees(now, step);
        }
    }
    assert_eq!(witness.story, "X", "a stop, a join and a fence end it from anywhere");
}

fn answer_joined(machine: &mut Lifecycle, witness: &mut Witness, now: Mono, generation: Generation) {
    witness.told(generation, "Sdsj", 'J');
    machine.joined(now, generation);
}

fn answer_fenced(machine: &mut Lifecycle, witness: &mut Witness, now: Mono, generation: Generation) {
    witness.told(generation, "SdsjJf", 'F');
    machine.fenced(now, generation);
}

fn report(input: &mut Input<'_>, machine: &mut Lifecycle, witness: &mut Witness, now: &mut Mono) {
    let kind = input.up_to(15);
    // Mostly about the life that is there, now and then about one that is over or never was.
    let life = Generation(match input.byte() {
        0..200 => witness.latest,
        back => witness.latest.wrapping_add(u64::from(back)).wrapping_sub(250),
    });
    match kind {
        0 => *now = now.after(Duration::from_millis(u64::from(input.short()))),
        1..4 if machine.deadline() != Mono::NEVER => *now = (*now).max(machine.deadline()),
        1..4 => {}
        4..6 => machine.resolved(*now, !input.one_in(6)),
        6..8 => {
            let later = now.after(Duration::from_millis(u64::from(input.short())));
            machine.connect_token(*now, if input.one_in(4) { Err(later) } else { Ok(()) });
        }
        8 => machine.upgraded(*now, life),
        9 => machine.subscribed(*now, life),
        10..12 => {
            let reason = reason(input);
            if witness.story == "S" && witness.life == Some(life) {
                witness.not_before = now.after(reason.min_wait());
            }
            machine.ended(*now, life, reason);
        }
        12 => answer_joined(machine, witness, *now, life),
        13 => answer_fenced(machine, witness, *now, life),
        14 => {
            let runs = witness.story == "S" && witness.life == Some(life);
            assert_eq!(machine.request_reconnect(*now, life, EndReason::Requested), runs);
        }
        _ if input.one_in(8) => machine.stop(*now),
        _ => {}
    }
}
