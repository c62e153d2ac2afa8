//! The command line: arguments in `args`, one file a command.
//!
//! Every command returns an [`Exit`]; only `main` ends the process.

pub mod args;
pub mod check;
pub mod demo;
pub mod run;
pub mod sim;
pub mod symbols;

use crate::config::{self, Config, Mistake, Surroundings};
use args::ConfigArgs;
use std::io::Write;
use std::path::Path;

/// The exit statuses that CONTRACT.md promises.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exit {
    Clean,
    /// Address in use, thread lost.
    Failure,
    /// Bad usage or configuration.
    Usage,
}

impl Exit {
    pub const fn code(self) -> u8 {
        match self {
            Exit::Clean => 0,
            Exit::Failure => 1,
            Exit::Usage => 2,
        }
    }
}

/// The configuration that `run` and `check` are asked for: a file, flags, or the default file where it exists.
///
/// # Errors
/// Every mistake in it.
pub fn load(args: &ConfigArgs, around: &Surroundings<'_>) -> Result<Config, Vec<Mistake>> {
    let mistake = |key: &str, message: String| {
        vec![Mistake { file: "command line".to_owned(), line: 0, key: key.to_owned(), message }]
    };
    if !args.feed.is_empty() || !args.symbols.is_empty() {
        if args.feed.len() != args.symbols.len() {
            let (feeds, lists) = (args.feed.len(), args.symbols.len());
            let message =
                format!("{feeds} feeds and {lists} lists of symbols: give every --feed its own --symbols");
            return Err(mistake("--feed", message));
        }
        let lists = args.symbols.iter().map(|list| symbols(list));
        let feeds: Vec<_> = args.feed.iter().cloned().zip(lists).collect();
        return Config::from_flags(&feeds, args.listen.as_deref(), around);
    }
    let default = Path::new(config::DEFAULT_PATH);
    let path = match &args.config {
        Some(path) => path,
        None if default.exists() => default,
        None => {
            let message = format!(
                "nothing to do: give --config FILE, or --feed VENUE --symbols A,B (there is no {})",
                config::DEFAULT_PATH
            );
            return Err(mistake("", message));
        }
    };
    let mut config = Config::load(path, around)?;
    if let Some(listen) = &args.listen {
        config.http.listen = config::parse_listen(listen).map_err(|why| mistake("--listen", why))?;
    }
    Ok(config)
}

/// Prints mistakes or warnings, one a line. A closed stderr is no reason to fail.
pub fn report(err: &mut dyn Write, kind: &str, list: &[Mistake]) {
    for one in list {
        let _ = writeln!(err, "{kind}: {}", harmless(&one.to_string()));
    }
}

/// Text from a file or a venue, which must not steer the terminal; its own quotes are harmless.
fn harmless(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    shown
}

/// `A,B , C` as three symbols; empty ones are left for the checks to name.
fn symbols(list: &str) -> Vec<String> {
    list.split(',').map(|symbol| symbol.trim().to_owned()).collect()
}
