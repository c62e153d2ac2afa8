//! The program: arguments to a command, its result to an exit status.

use clap::Parser;
use depthd::cli::args::{Cli, Command};
use depthd::cli::{Exit, check, demo, run, sim, symbols};
use depthd::config::{Surroundings, Venues};
use depthd::venue::catalog;
use std::process::ExitCode;

/// Its settings are in `.cargo/config.toml`: a reconnect leaves no heap behind, whoever starts the program.
#[cfg(feature = "jemalloc")]
#[global_allocator]
static HEAP: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let env = |name: &str| std::env::var(name).ok();
    let around =
        Surroundings { env: &env, venues: Venues { by_name: &catalog::by_name, names: &catalog::NAMES } };
    let (mut out, mut err) = (std::io::stdout(), std::io::stderr());
    let exit: Exit = match Cli::parse().command {
        Command::Demo(args) => demo::run(&args, &around, &mut out, &mut err),
        Command::Run(args) => run::run(&args, &around, &mut err),
        Command::Check(args) => check::run(&args, &around, &mut out, &mut err),
        Command::Sim(args) => sim::run(&args, &mut out, &mut err),
        Command::Symbols(args) => symbols::run(&args, &around, &mut out, &mut err),
    };
    ExitCode::from(exit.code())
}
