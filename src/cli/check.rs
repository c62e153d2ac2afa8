//! `depthd check`: is this configuration right, what does it mean in full, and how much memory can it take?

use super::args::CheckArgs;
use super::{Exit, load, report};
use crate::config::{Surroundings, memory, print};
use std::io::Write;

/// Prints the effective configuration and the memory table to `out`, warnings and mistakes to `err`.
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
    let _ = writeln!(out, "{}\n{table}", print::effective(&config));
    if table.fits() {
        return Exit::Clean;
    }
    let _ = writeln!(err, "error: {}", table.refusal());
    Exit::Usage
}
