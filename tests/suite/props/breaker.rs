//! The breaker against a naive one that remembers every call it let through.

use std::time::Duration;

use depthd::engine::breaker::{Breaker, BreakerState, Pass};
use depthd::engine::time::Mono;
use proptest::prelude::*;

const OPEN_MAX: Duration = Duration::from_secs(600);

#[derive(Clone, Copy, Debug)]
enum Step {
    Wait(u64),
    /// Waits until a call may go.
    Until,
    Enter,
    /// One of the calls that are out ends.
    End {
        which: prop::sample::Index,
        how: u8,
    },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        1 => (0_u64..40).prop_map(Step::Wait),
        2 => Just(Step::Until),
        4 => Just(Step::Enter),
        6 => (any::<prop::sample::Index>(), prop_oneof![6 => Just(0_u8), 1 => Just(1), 1 => Just(2)])
            .prop_map(|(which, how)| Step::End { which, how }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1_000) })]

    #[test]
    fn it_opens_after_failures_in_a_row_and_lets_one_call_try(
        failures_max in 1_u32..5, first_s in 1_u64..90, steps in prop::collection::vec(step(), 1..160),
    ) {
        let first = Duration::from_secs(first_s);
        let mut breaker = Breaker::new(failures_max, first);
        let mut now = Mono::ZERO;
        let mut out: Vec<(Pass, u64)> = Vec::new();
        // The naive one: its phase, failures in a row in it, how long it is open this time and until when.
        let (mut phase, mut row, mut wait, mut until) = (0_u64, 0_u32, first, None::<Mono>);
        let mut trying = false;
        for step in steps {
            match step {
                Step::Wait(seconds) => now = now.after(Duration::from_secs(seconds)),
                Step::Until if breaker.ready_at() != Mono::NEVER => now = now.max(breaker.ready_at()),
                Step::Until => {}
                Step::Enter => {
                    let may = !trying && until.is_none_or(|until| now >= until);
                    let pass = breaker.enter(now);
                    prop_assert_eq!(pass.is_some(), may, "at {:?}, open until {:?}, trying: {}", now, until, trying);
                    if let Some(pass) = pass {
                        if until.is_some() {
                            trying = true;
                            phase += 1;
                        }
                        out.push((pass, phase));
                    }
                }
                Step::End { .. } if out.is_empty() => {}
                Step::End { which, how } => {
                    let (pass, of) = out.swap_remove(which.index(out.len()));
                    match how {
                        0 => breaker.failed(now, pass),
                        1 => breaker.succeeded(pass),
                        _ => breaker.answered(pass),
                    }
                    if of != phase || (until.is_some() && !trying) {
                        continue;
                    }
                    match (trying, how) {
                        (true, 0) => {
                            wait = (wait * 2).min(OPEN_MAX.max(first));
                            (until, trying) = (Some(now.after(wait)), false);
                            phase += 1;
                        }
                        (true, _) => {
                            (until, trying, row, wait) = (None, false, 0, first);
                            phase += 1;
                        }
                        (false, 0) => {
                            row += 1;
                            if row == failures_max {
                                until = Some(now.after(wait));
                                phase += 1;
                            }
                        }
                        (false, 1) => row = 0,
                        (false, _) => {}
                    }
                }
            }
            let expected = match (until, trying) {
                (None, _) => BreakerState::Closed,
                (Some(_), true) => BreakerState::HalfOpen,
                (Some(until), false) => {
                    prop_assert_eq!(breaker.ready_at(), until);
                    BreakerState::Open
                }
            };
            prop_assert_eq!(breaker.state(), expected);
        }
    }
}
