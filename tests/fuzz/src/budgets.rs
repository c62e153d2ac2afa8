//! Buckets and days: no window of any length ever holds more than its law allows, and an instant promised is kept.

use crate::input::Input;
use depthd::engine::bucket::Bucket;
use depthd::engine::day::Day;
use depthd::engine::time::Mono;
use depthd::venue::profile::Refill;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);

pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let refill = Refill {
        burst: u32::from(input.up_to(19)) + 1,
        per_window: u32::from(input.up_to(49)) + 1,
        window: Duration::from_millis(u64::from(input.short()) + 1),
    };
    let limit = u32::from(input.up_to(11)) + 1;
    let mut bucket = Bucket::new(refill.burst, refill.per_window, refill.window, Mono::ZERO);
    let mut day = Day::new(limit);
    let (mut now, mut spent, mut of_day) = (Mono::ZERO, Vec::new(), Vec::new());
    for _ in 0..96 {
        if input.is_over() {
            break;
        }
        let wait = match input.up_to(3) {
            0 => Duration::ZERO,
            1 => Duration::from_nanos(u64::from(input.short())),
            2 => Duration::from_millis(u64::from(input.short()) / 16),
            _ => Duration::from_secs(u64::from(input.short())),
        };
        now = now.after(wait);
        let (n, patient) = (u32::from(input.up_to(5)) + 1, input.one_in(2));
        match bucket.take(now, n) {
            Ok(()) => spent.push((now, n)),
            Err(Mono::NEVER) => assert!(n > refill.burst),
            Err(at) => {
                assert!(at > now && n <= refill.burst);
                let before = Mono::from_nanos(at.nanos() - 1);
                assert!(bucket.clone().take(before, n).is_err(), "not later than needed");
                if patient {
                    now = at;
                    assert_eq!(bucket.take(now, n), Ok(()), "the instant promised is kept");
                    spent.push((now, n));
                }
            }
        }
        match day.take(now, n) {
            Ok(()) => of_day.push((now, n)),
            Err(Mono::NEVER) => assert!(n > limit),
            Err(at) => {
                assert!(at > now && at.since(now) <= DAY + Duration::from_secs(900));
                assert_eq!(day.clone().take(at, n), Ok(()), "the instant promised is kept");
            }
        }
        if input.one_in(16) {
            bucket.agree(now, i64::from(input.short()) - 300);
        }
    }
    assert!(window_law(&spent, refill), "{refill:?}: {spent:?}");
    for (i, (from, _)) in of_day.iter().enumerate() {
        let within = of_day[i..].iter().take_while(|(at, _)| at.since(*from) < DAY);
        assert!(within.map(|(_, n)| n).sum::<u32>() <= limit);
    }
}

/// I8, for every window of a log: `spent <= burst + per_window * length / window`.
pub fn window_law(log: &[(Mono, u32)], refill: Refill) -> bool {
    (0..log.len()).all(|first| {
        let mut spent = 0_u128;
        log[first..].iter().all(|(at, n)| {
            spent += u128::from(*n);
            let gained = u128::from(refill.per_window) * at.since(log[first].0).as_nanos();
            spent * refill.window.as_nanos() <= u128::from(refill.burst) * refill.window.as_nanos() + gained
        })
    })
}
