//! The order of lives over very many random sequences of reports.

use super::amount::{amount, figure};
use crate::props::lifecycle::{Lived, drawn, run};
use depthd::engine::random::Random;

/// Reports in one sequence: enough for some lives and all their ends.
const REPORTS_MAX: u64 = 240;

#[test]
fn c4_every_life_is_joined_once_before_the_next_over_random_sequences_i5() {
    let sequences = amount(20_000, 1_000_000, 10_000_000);
    let mut total = Lived::default();
    for seed in 0..sequences {
        let mut random = Random::new(seed);
        let reports = random.up_to(REPORTS_MAX);
        // Its seed is its name: `run(seed, …)` with the same draws fails the same way.
        let lived = std::panic::catch_unwind(move || run(seed, (0..reports).map(|_| drawn(&mut random))));
        let Ok(lived) = lived else { panic!("C4: sequence of seed {seed} breaks the order") };
        total.reports += lived.reports;
        total.spawns += lived.spawns;
        total.joins += lived.joins;
    }
    let Lived { reports, spawns, joins } = total;
    figure(
        "C4",
        format_args!("{sequences} sequences, {reports} reports, {spawns} lives, {joins} joins, 0 violations"),
    );
    assert!(spawns >= sequences && spawns == joins, "the sequences have lives in them");
}
