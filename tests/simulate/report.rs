//! What many seeds showed together.

use std::collections::BTreeMap;
use std::time::Duration;

/// What one seed showed.
#[derive(Clone, Default, Debug)]
pub struct Outcome {
    pub seed: u64,
    pub hash: u64,
    pub violations: Vec<String>,
    pub faults: BTreeMap<&'static str, u64>,
    pub simulated: Duration,
    pub recovered: Duration,
    pub allowed: Duration,
    pub messages: u64,
    pub changes: u64,
    pub level_changes: u64,
    pub calls: u64,
    pub compared: u64,
    pub compared_whole: u64,
    pub lives: u64,
    pub turns: u64,
    /// Snapshots asked for only to compare.
    pub audits: u64,
}

#[derive(Default)]
pub struct Report {
    seeds: u64,
    faults: BTreeMap<&'static str, u64>,
    faults_least: Option<u64>,
    kinds_least: Option<usize>,
    simulated: Duration,
    recovered_worst: Duration,
    /// The most of what was allowed that a recovery took, and in which seed.
    recovered_part: (f64, u64),
    messages: u64,
    changes: u64,
    level_changes: u64,
    calls: u64,
    compared: u64,
    compared_whole: u64,
    lives: u64,
    turns: u64,
    audits: u64,
    pub failed: u64,
}

impl Report {
    pub fn add(&mut self, outcome: &Outcome) {
        self.seeds += 1;
        let total: u64 = outcome.faults.values().sum();
        outcome.faults.iter().for_each(|(kind, count)| *self.faults.entry(kind).or_default() += count);
        self.faults_least = Some(self.faults_least.map_or(total, |least| least.min(total)));
        let kinds = outcome.faults.len();
        self.kinds_least = Some(self.kinds_least.map_or(kinds, |least| least.min(kinds)));
        self.simulated += outcome.simulated;
        self.recovered_worst = self.recovered_worst.max(outcome.recovered);
        if outcome.allowed > Duration::ZERO {
            let part = outcome.recovered.as_secs_f64() / outcome.allowed.as_secs_f64();
            if part > self.recovered_part.0 {
                self.recovered_part = (part, outcome.seed);
            }
        }
        self.messages += outcome.messages;
        self.changes += outcome.changes;
        self.level_changes += outcome.level_changes;
        self.calls += outcome.calls;
        self.compared += outcome.compared;
        self.compared_whole += outcome.compared_whole;
        self.lives += outcome.lives;
        self.turns += outcome.turns;
        self.audits += outcome.audits;
        self.failed += u64::from(!outcome.violations.is_empty());
    }

    /// `cpu` is the time all threads took together.
    pub fn print(&self, what: &str, took: Duration, cpu: Duration) {
        let total: u64 = self.faults.values().sum();
        let hours = self.simulated.as_secs_f64() / 3_600.0;
        let times = |real: Duration| self.simulated.as_secs_f64() / real.as_secs_f64().max(1e-9);
        let per_second = |n: u64| n as f64 / self.simulated.as_secs_f64().max(1e-9);
        println!("{what}: {} seeds, {} with violations", self.seeds, self.failed);
        println!("FIGURE D1: {} seeds", self.seeds);
        println!(
            "FIGURE D2: {total} faults of {} kinds, least in a seed {} of {} kinds; violations: {} seeds",
            self.faults.len(),
            self.faults_least.unwrap_or(0),
            self.kinds_least.unwrap_or(0),
            self.failed,
        );
        let mut kinds: Vec<String> = self.faults.iter().map(|(kind, n)| format!("{kind} {n}")).collect();
        kinds.sort();
        println!("  faults: {}", kinds.join(", "));
        println!(
            "FIGURE D3: {hours:.1} h simulated, {:.0} updates/s in {:.0} changes/s on average, {:.0} messages/s",
            per_second(self.level_changes),
            per_second(self.changes),
            per_second(self.messages),
        );
        println!(
            "FIGURE D4: {:.0} x real time per core, {:.0} x in all, {:.1} s taken; {} turns",
            times(cpu),
            times(took),
            took.as_secs_f64(),
            self.turns,
        );
        println!(
            "FIGURE D6: slowest recovery {:.1} s, at most {:.0} % of its seed's T, in seed {}",
            self.recovered_worst.as_secs_f64(),
            self.recovered_part.0 * 100.0,
            self.recovered_part.1,
        );
        println!(
            "FIGURE X6: {} REST calls judged by the venues' logs, {} of them audits",
            self.calls, self.audits
        );
        println!(
            "  compared: {} publications by their best levels, {} whole books; {} lives",
            self.compared, self.compared_whole, self.lives
        );
    }
}
