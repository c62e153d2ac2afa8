//! I8 and the rest of what a venue forbids, from the venue's own log: the window law of calls, calls in flight, and
//! everything it calls a violation itself.

use depthd::config::Config;
use depthd::engine::time::Mono;
use depthd::sim::{Owner, VenueLog, ViolationKind};
use std::time::Duration;

/// A reading of the clock is some nanoseconds later than the turn it is made in.
const READING_NANOS: u128 = 10_000;

const HEARD_WITHIN: Duration = Duration::from_micros(10);

/// Who was told when not to come, and who came when: a dial on its way cannot obey what nobody knew when it began.
#[derive(Default)]
pub struct Waits {
    told: Vec<Mono>,
    /// From when the supervisor knew, and until when it had to stay away.
    known: Vec<(Mono, Mono)>,
    /// When dials began, and when the venue heard of them.
    dials: Vec<(Mono, Mono)>,
}

impl Waits {
    pub fn told(&mut self, now: Mono, wait: Option<Duration>) {
        self.told.extend(wait.map(|wait| now.after(wait)));
    }

    /// The supervisor has no event left that it has not taken.
    pub fn known(&mut self, now: Mono) {
        self.known.extend(self.told.drain(..).map(|until| (now, until)));
    }

    pub fn dialed(&mut self, began: Mono, arrives: Mono) {
        self.dials.push((began, arrives));
    }

    /// Whether the dial that arrived then began while it was known that it must not.
    fn is_defied(&self, at: Duration) -> bool {
        // The venue's turn may be some nanoseconds after the dial's arrival.
        let heard =
            |arrives: Mono| at.checked_sub(arrives.since(Mono::ZERO)).is_some_and(|late| late < HEARD_WITHIN);
        let began = self.dials.iter().filter(|(_, arrives)| heard(*arrives)).map(|(began, _)| *began);
        let mut forbidden = began.map(|b| self.known.iter().any(|(from, until)| *from < b && b < *until));
        forbidden.any(|f| f)
    }
}

/// What is wrong with the calls of this venue's client, if anything.
pub fn judge(owner: &Owner, config: &Config, waits: &Waits) -> Vec<String> {
    let face = owner.face().to_string();
    let Some(feed) = config.feeds.iter().find(|f| f.venue_name == face) else { return Vec::new() };
    owner.read_log(|log| {
        let mut wrong: Vec<String> = over(log, &feed.rest_budget()).into_iter().collect();
        let (peak, most) = (log.counters.rest_in_flight_peak, feed.recovery.max_concurrent as u64);
        if peak > most {
            wrong.push(format!("I8: {face}: {peak} calls in flight, at most {most}"));
        }
        // A link that does not pass what the reader says, or what it is told, looks to the venue like a bad reader.
        let excused = |v: &&depthd::sim::Violation| match v.kind {
            ViolationKind::SlowReader | ViolationKind::NoPong => true,
            ViolationKind::ConnectTooSoon => !waits.is_defied(v.at),
            _ => false,
        };
        let told = log.violations.iter().filter(|v| !excused(v));
        wrong.extend(told.map(|v| format!("I8: {face}: {:?} at {:?}: {}", v.kind, v.at, v.detail)));
        wrong
    })
}

/// A bucket of our own, filled and emptied by the log: it is never overdrawn exactly when no window holds too much.
fn over(log: &VenueLog, budget: &depthd::venue::profile::RestBudget) -> Option<String> {
    let (burst, per, window) =
        (budget.refill.burst, budget.refill.per_window, budget.refill.window.as_nanos());
    let slack = READING_NANOS * u128::from(per);
    let full = u128::from(burst) * window + slack;
    let (mut level, mut last) = (full, 0u128);
    for call in &log.rest {
        let at = call.start.as_nanos();
        level = (level + (at - last) * u128::from(per)).min(full);
        last = at;
        let cost = u128::from(call.cost) * window;
        let Some(left) = level.checked_sub(cost) else {
            return Some(format!("I8: the call of {} at {:?} is over the budget", call.symbol, call.start));
        };
        level = left;
    }
    None
}
