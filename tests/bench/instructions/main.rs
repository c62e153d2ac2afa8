//! What each part of a message's way costs in instructions, held against the committed figures.
//!
//! `cargo bench --bench instructions` fails when a path costs over 5 % more than `figures.txt` says; with `-- --update` it
//! writes them anew. Valgrind counts, so that a noisy machine does not matter: each path is run N times and 2 N times,
//! and the difference is N times what one costs, without whatever the program does before.

#[path = "../parts/paths.rs"]
mod paths;

use std::collections::BTreeMap;
use std::process::{Command, ExitCode, Stdio};
use std::{env, fs};

const TIMES: u64 = 2_000;
/// A path may cost so much more than committed: a compiler of the same version lays code out a little differently when
/// something beside it changes.
const TOLERANCE: f64 = 0.05;
const FIGURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/bench/instructions/figures.txt");
const CHILD: &str = "--path";

fn main() -> ExitCode {
    let args: Vec<String> = env::args().collect();
    if let Some(at) = args.iter().position(|arg| arg == CHILD) {
        repeat(&args[at + 1], args[at + 2].parse().expect("a number"));
        return ExitCode::SUCCESS;
    }
    if Command::new("valgrind").arg("--version").stdout(Stdio::null()).status().is_err() {
        println!("SKIP: no valgrind here");
        return ExitCode::SUCCESS;
    }
    let counted: Vec<(&str, u64)> = paths::all().iter().map(|path| (path.name, cost(path.name))).collect();
    if args.iter().any(|arg| arg == "--update") {
        let lines: String = counted.iter().map(|(name, count)| format!("{count:>8} {name}\n")).collect();
        fs::write(FIGURES, lines).expect("a file that can be written");
    }
    let committed = committed();
    let mut too_much = false;
    println!("{:<28} {:>12} {:>12} {:>8}", "instructions", "now", "committed", "");
    for (name, count) in counted {
        let (was, verdict) = match committed.get(name) {
            None => (0, "no figure is committed".to_owned()),
            Some(was) => (*was, format!("{:+.1} %", (count as f64 / *was as f64 - 1.0) * 100.0)),
        };
        let fails = count as f64 > was as f64 * (1.0 + TOLERANCE);
        too_much |= fails;
        println!("{name:<28} {count:>12} {was:>12} {verdict:>8}{}", if fails { "  TOO MUCH" } else { "" });
    }
    if too_much { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn committed() -> BTreeMap<String, u64> {
    let text = fs::read_to_string(FIGURES).unwrap_or_default();
    let line = |line: &str| {
        let (count, name) = line.trim().split_once(' ')?;
        Some((name.to_owned(), count.parse().ok()?))
    };
    text.lines().filter_map(line).collect()
}

fn repeat(name: &str, times: u64) {
    let mut path = paths::all().into_iter().find(|path| path.name == name).expect("a path of this name");
    (0..times).for_each(|_| (path.once)());
}

/// Instructions of one time.
fn cost(name: &str) -> u64 {
    (counted(name, 2 * TIMES) - counted(name, TIMES)) / TIMES
}

/// Instructions of a whole run.
fn counted(name: &str, times: u64) -> u64 {
    let program = env::current_exe().expect("this program");
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .args([CHILD, name, &times.to_string()])
        .output()
        .expect("valgrind");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name}: {said}");
    let total = said.lines().find_map(|line| line.split_once("Collected :")).expect("a total").1;
    total.trim().parse().expect("a number")
}
