//! The lifecycle under any sequence of reports: one path, one join a spawn, never two lives (I4, I5).

use std::time::Duration;

use depthd::engine::backoff::BackoffRules;
use depthd::engine::connection::end::EndReason;
use depthd::engine::connection::lifecycle::Lifecycle;
use depthd::engine::connection::step::Step;
use depthd::engine::id::{ConnectionId, Generation};
use depthd::engine::random::Random;
use depthd::engine::time::Mono;
use proptest::prelude::*;

const RULES: BackoffRules = BackoffRules {
    first: Duration::from_millis(500),
    max: Duration::from_secs(30),
    reset_after: Duration::from_secs(60),
};

/// One report to the machine. `age` picks the present life (0) or an earlier one.
#[derive(Clone, Debug)]
pub enum Report {
    Wait(u64),
    Deadline,
    Resolved(bool),
    Token(bool),
    Upgraded { age: u64 },
    Subscribed { age: u64 },
    Ended { age: u64, reason: EndReason },
    Joined { age: u64 },
    Fenced { age: u64 },
    Request { age: u64 },
    Stop,
}

fn reason() -> impl Strategy<Value = EndReason> {
    prop_oneof![
        Just(EndReason::PeerReset),
        Just(EndReason::Notice),
        Just(EndReason::Panic),
        Just(EndReason::NoThread),
        Just(EndReason::Fatal("bad key".into())),
        (0_u64..9_000_000, any::<bool>()).prop_map(|(s, fatal)| {
            EndReason::UpgradeRefused { status: 429, wait: Some(Duration::from_secs(s)), fatal }
        }),
    ]
}

fn report() -> impl Strategy<Value = Report> {
    let age = || prop_oneof![6 => Just(0_u64), 1 => 1_u64..3];
    prop_oneof![
        3 => (0_u64..5_000).prop_map(Report::Wait),
        4 => Just(Report::Deadline),
        4 => prop::bool::weighted(0.8).prop_map(Report::Resolved),
        4 => prop::bool::weighted(0.8).prop_map(Report::Token),
        2 => age().prop_map(|age| Report::Upgraded { age }),
        3 => age().prop_map(|age| Report::Subscribed { age }),
        4 => (age(), reason()).prop_map(|(age, reason)| Report::Ended { age, reason }),
        5 => age().prop_map(|age| Report::Joined { age }),
        5 => age().prop_map(|age| Report::Fenced { age }),
        1 => age().prop_map(|age| Report::Request { age }),
        1 => prop::bool::weighted(0.1).prop_map(|stop| if stop { Report::Stop } else { Report::Deadline }),
    ]
}

/// The same reports from a generator that is fast enough for a million sequences.
pub fn drawn(random: &mut Random) -> Report {
    let age = |random: &mut Random| random.up_to(7).saturating_sub(5);
    match random.up_to(39) {
        0..2 => Report::Wait(random.up_to(5_000)),
        2..10 => Report::Deadline,
        10..15 => Report::Resolved(random.up_to(4) > 0),
        15..20 => Report::Token(random.up_to(4) > 0),
        20..21 => Report::Upgraded { age: age(random) },
        21..23 => Report::Subscribed { age: age(random) },
        23..27 => Report::Ended { age: age(random), reason: drawn_reason(random) },
        27..33 => Report::Joined { age: age(random) },
        33..39 => Report::Fenced { age: age(random) },
        // A stop before their end in some of the sequences.
        _ if random.up_to(7) == 0 => Report::Stop,
        _ => Report::Request { age: age(random) },
    }
}

fn drawn_reason(random: &mut Random) -> EndReason {
    match random.up_to(5) {
        0 => EndReason::PeerReset,
        1 => EndReason::Notice,
        2 => EndReason::Panic,
        3 => EndReason::NoThread,
        4 => EndReason::Fatal("bad key".into()),
        _ => {
            let wait = Some(Duration::from_secs(random.up_to(9_000_000)));
            EndReason::UpgradeRefused { status: 429, wait, fatal: random.up_to(1) == 0 }
        }
    }
}

/// What a sequence of reports brought about.
#[derive(Clone, Copy, Default)]
pub struct Lived {
    pub reports: u64,
    pub spawns: u64,
    pub joins: u64,
}

/// The naive statement of the order: what may come next, by what came last.
#[derive(Default)]
struct Witness {
    last: Option<Generation>,
    /// The teardown's next step for the life in `last`; `None` when it runs or is gone.
    expect: Option<&'static str>,
    alive: bool,
    stopped: bool,
    joins_told: bool,
    fence_told: bool,
    lived: Lived,
}

impl Witness {
    fn sees(&mut self, step: Step) {
        assert!(!self.stopped, "nothing follows the stop, but {step:?}");
        let of_life = |generation: Generation| assert_eq!(Some(generation), self.last, "{step:?}");
        let (name, then) = match step {
            Step::Resolve | Step::LookupTimedOut | Step::AskConnect => {
                return assert!(!self.alive, "{step:?} while a life is not over");
            }
            Step::Move { .. } => panic!("a lifecycle alone has nothing to move"),
            Step::Stopped => {
                assert!(!self.alive, "stopped with a life");
                self.stopped = true;
                return;
            }
            Step::Spawn { generation } => {
                let next = self.last.map_or(generation, |last| Generation(last.0 + 1));
                assert!(!self.alive && generation == next, "I5: {generation:?} after {:?}", self.last);
                assert_eq!(
                    self.lived.spawns, self.lived.joins,
                    "I5: one join for each spawn before this one"
                );
                self.lived.spawns += 1;
                (self.last, self.alive, self.expect) = (Some(generation), true, Some("dead"));
                (self.joins_told, self.fence_told) = (false, false);
                return;
            }
            Step::Stuck { generation, joining } => {
                of_life(generation);
                return assert_eq!(self.expect, Some(if joining { "fence" } else { "cancel" }));
            }
            Step::MarkDead(g) => (of_life(g), ("dead", Some("shut"))).1,
            Step::Shut(g) => (of_life(g), ("shut", Some("join"))).1,
            Step::Join(g) => {
                self.lived.joins += 1;
                (of_life(g), ("join", Some("fence"))).1
            }
            Step::Fence(g) => {
                assert!(self.joins_told, "a fence before the reader was joined");
                (of_life(g), ("fence", Some("cancel"))).1
            }
            Step::Cancel(g) => {
                assert!(self.fence_told, "repairs cancelled before the fence was passed");
                (of_life(g), ("cancel", Some("record"))).1
            }
            Step::Record { generation, .. } => {
                of_life(generation);
                self.alive = false;
                ("record", None)
            }
        };
        assert_eq!(self.expect, Some(name), "{step:?} out of order");
        self.expect = then;
    }
}

/// Tells a machine these reports, then ends it, and holds every step of it against the order.
pub fn run(seed: u64, reports: impl IntoIterator<Item = Report>) -> Lived {
    let mut machine = Lifecycle::new(ConnectionId(7), RULES, seed);
    let mut witness = Witness::default();
    let mut now = Mono::ZERO;
    machine.start(now);
    let finish = [Report::Stop, Report::Joined { age: 0 }, Report::Fenced { age: 0 }];
    for report in reports.into_iter().chain(finish) {
        witness.lived.reports += 1;
        let life = |age: u64| Generation(witness.last.map_or(0, |g| g.0.saturating_sub(age)));
        match report {
            Report::Wait(ms) => now = now.after(Duration::from_millis(ms)),
            Report::Deadline if machine.deadline() != Mono::NEVER => now = now.max(machine.deadline()),
            Report::Deadline => {}
            Report::Resolved(ok) => machine.resolved(now, ok),
            Report::Token(ok) => {
                let later = now.after(Duration::from_secs(3));
                machine.connect_token(now, if ok { Ok(()) } else { Err(later) });
            }
            Report::Upgraded { age } => machine.upgraded(now, life(age)),
            Report::Subscribed { age } => machine.subscribed(now, life(age)),
            Report::Ended { age, reason } => machine.ended(now, life(age), reason),
            Report::Request { age } => {
                machine.request_reconnect(now, life(age), EndReason::Requested);
            }
            Report::Joined { age } => {
                witness.joins_told |= age == 0 && witness.expect == Some("fence");
                machine.joined(now, life(age));
            }
            Report::Fenced { age } => {
                witness.fence_told |= age == 0 && witness.expect == Some("cancel");
                machine.fenced(now, life(age));
            }
            Report::Stop => machine.stop(now),
        }
        while let Some(step) = machine.next(now) {
            witness.sees(step);
        }
        assert!(machine.deadline() > now, "once everything due is done, the deadline is ahead");
    }
    assert!(witness.stopped, "a stop, a join and a fence end it from anywhere");
    assert_eq!(witness.lived.spawns, witness.lived.joins, "I5: every life was joined once");
    witness.lived
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn steps_come_in_order_whatever_is_reported(
        seed in any::<u64>(),
        reports in prop::collection::vec(report(), 0..120),
    ) {
        run(seed, reports);
    }
}
