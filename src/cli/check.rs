//! `depthd check`: is this configuration right, what does it mean in full, and how much memory, how many threads and
//! descriptors can it take?

use super::args::CheckArgs;
use super::{Exit, load, report};
use crate::config::{Surroundings, bounds, memory, print};
use std::io::Write;

/// Prints the effective configuration the memory table and the other bounds to `out`, warnings and mistakes to `err`.
pub fn run(args: &CheckArgs, around: &Surroundings<'_>, out: &mut dyn Write, err: &mut dyn Write) -> Exit {
    let config = match load(&args.config, around) {
        Ok(config) => config,
        Err(mistakes) => {
            report(err, "error", &mistakes);
            return Exit::Usage;
        }
    };
    report(err, "warning", &config.warnings);
    let table = memory::worst_case(&config);
    // A reader that has gone away (`| head`) does not change the verdict.
    let _ = writeln!(out, "{}\n{table}\n\n{}", print::effective(&config), bounds::of(&config));
    if table.fits() {
        return Exit::Clean;
    }
    let _ = writeln!(err, "error: {}", table.refusal());
    Exit::Usage
}
