//! The command line, read by hand: what a test harness would pass is ignored.

use crate::rollover::Rollover;
use crate::setup::Draw;
use std::path::PathBuf;

#[derive(Clone, Debug)]
pub struct Args {
    pub first: u64,
    pub seeds: u64,
    /// What seeds are numbers of.
    pub draw: Draw,
    pub jobs: usize,
    /// Run each seed twice in this process, and compare.
    pub twice: bool,
    /// Write `seed hash` lines here.
    pub hashes: Option<PathBuf>,
    /// Names of [`crate::scenarios::NAMES`]; empty for drawn faults.
    pub scenarios: Vec<String>,
    /// No pinned seeds before.
    pub bare: bool,
    pub verbose: bool,
}

/// Without arguments, as a plain test run calls it.
const QUICK_SEEDS: u64 = 3;

impl Args {
    pub fn parse(words: impl Iterator<Item = String>) -> Result<Args, String> {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
        let mut args = Args {
            first: 1,
            seeds: QUICK_SEEDS,
            draw: Draw::NEWEST,
            jobs: cores,
            twice: false,
            hashes: None,
            scenarios: Vec::new(),
            bare: false,
            verbose: false,
        };
        let mut words = words;
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
            match word.as_str() {
                "--seeds" => args.seeds = number(&value()?)?,
                "--first" => args.first = number(&value()?)?,
                "--seed" => {
                    (args.first, args.seeds, args.bare, args.verbose) = (number(&value()?)?, 1, true, true);
                }
                "--draw" => {
                    let value = value()?;
                    let known = Draw::by_number(number(&value)?);
                    args.draw = known.ok_or_else(|| format!("there is no draw {value}"))?;
                }
                "--jobs" => args.jobs = number(&value()?)?.max(1) as usize,
                "--twice" => args.twice = true,
                "--hashes" => args.hashes = Some(PathBuf::from(value()?)),
                "--scenario" => {
                    let name = value()?;
                    let known = crate::scenarios::NAMES;
                    match name.as_str() {
                        "all" => {
                            args.scenarios = known.map(str::to_owned).to_vec();
                            args.scenarios.retain(|name| name != crate::scenarios::STORM);
                        }
                        _ if known.contains(&name.as_str()) => args.scenarios.push(name),
                        name if Rollover::NAMES.contains(&name) => args.scenarios.push(name.to_owned()),
                        _ => {
                            return Err(format!(
                                "{name} is none of {known:?}, {:?} and not `all`",
                                Rollover::NAMES
                            ));
                        }
                    }
                }
                "--bare" => args.bare = true,
                "--verbose" => args.verbose = true,
                // What a harness is told: there is one test here, and it is this.
                "--nocapture" | "--quiet" | "-q" | "--exact" | "--show-output" => {}
                other if other.starts_with("--test-threads") || other.starts_with("--color") => {}
                other if other.starts_with('-') => return Err(format!("{other} is unknown")),
                _ => args.seeds = 0,
            }
        }
        Ok(args)
    }
}

fn number(text: &str) -> Result<u64, String> {
    text.replace(['_', ','], "").parse().map_err(|_| format!("{text} is no number"))
}
