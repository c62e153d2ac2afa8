//! `depthd run`: the daemon.

use crate::app::{App, Environment};
use crate::cli::{Exit, args::RunArgs, load, report};
use crate::config::{Config, Surroundings, Venues, memory, process_env};
use crate::http::runtime_dir;
use crate::shell::clock::{self, Clock};
use crate::shell::log as logging;
use crate::shell::notify::Notify;
use crate::shell::signals::Caught;
use crate::shell::supervisor;
use crate::shell::thread;
use crate::venue::catalog;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

/// Loads, checks, starts, waits, stops.
pub fn run(args: &RunArgs, around: &Surroundings<'_>, err: &mut dyn Write) -> Exit {
    let config = match load(&args.config, around) {
        Ok(config) => config,
        Err(mistakes) => {
            report(err, "error", &mistakes);
            return Exit::Usage;
        }
    };
    let table = memory::worst_case(&config);
    if !table.fits() {
        let _ = writeln!(err, "{table}");
        let _ = writeln!(
            err,
            "error: the worst case exceeds the memory limit; fewer symbols, smaller bounds, or a higher [memory] limit"
        );
        return Exit::Usage;
    }
    let format = logging::resolve(config.log.format, around.env);
    let log = match logging::start(config.log.level, format, clock::wall_now, std::io::stderr()) {
        Ok(log) => log,
        Err(why) => {
            let _ = writeln!(err, "error: cannot start the log: {why}");
            return Exit::Failure;
        }
    };
    let exit = serve(args, &config, &table, around, &log);
    log.stop();
    exit
}

fn serve(
    args: &RunArgs,
    config: &Config,
    table: &memory::Table,
    around: &Surroundings<'_>,
    log: &logging::Running,
) -> Exit {
    log::info!("depthd {} starts, configuration from {}", crate::cli::args::VERSION, config.origin);
    for warning in &config.warnings {
        log::warn!("{warning}");
    }
    for line in table.to_string().lines() {
        log::info!("{line}");
    }
    let reload = reloader(args);
    let counted = log.counter();
    let env = Environment {
        clock: Clock::start(),
        notify: Notify::from_env(around.env, std::process::id()),
        by_name: catalog::by_name,
        venues: &catalog::NAMES,
        reload,
        log_dropped: Arc::new(move || counted.load(std::sync::atomic::Ordering::Relaxed)),
        runtime_dir: runtime_dir(),
        state_dir: state_dir(around.env),
    };
    let caught = match Caught::install() {
        Ok(caught) => caught,
        Err(why) => {
            log::error!("cannot catch signals: {why}");
            return Exit::Failure;
        }
    };
    let app = match App::start(config, env) {
        Ok(app) => app,
        Err(why) => {
            log::error!("cannot start: {why}");
            return Exit::Failure;
        }
    };
    let signals = match caught.listen(app.events()) {
        Ok(signals) => signals,
        Err(why) => {
            log::error!("cannot listen for signals: {why}");
            return Exit::Failure;
        }
    };
    log::info!("listening on {}", app.http_address());
    let exit = app.run();
    drop(signals);
    match exit {
        supervisor::Exit::Stopped => {
            // The log's own thread writes this line, and is joined after it.
            match thread::unjoined().saturating_sub(1) {
                0 => log::info!("stopped, every thread is joined"),
                left => log::info!("stopped, {left} thread(s) left to the end of the process"),
            }
            Exit::Clean
        }
        supervisor::Exit::Failed(why) => {
            log::error!("failed: {why}");
            Exit::Failure
        }
    }
}

/// Where systemd says that state belongs: the first directory of its list.
fn state_dir(env: &dyn Fn(&str) -> Option<String>) -> Option<PathBuf> {
    let list = env("STATE_DIRECTORY")?;
    list.split(':').next().filter(|path| !path.is_empty()).map(PathBuf::from)
}

/// How SIGHUP reads the configuration again: the same file, checked the same way, against the same memory limit.
fn reloader(args: &RunArgs) -> Option<Box<dyn FnMut() -> Result<Config, String> + Send>> {
    // Flags cannot change while the process runs.
    if !args.config.feed.is_empty() {
        return None;
    }
    let args = args.config.clone();
    Some(Box::new(move || {
        let around = Surroundings { env: &process_env, venues: Venues::known() };
        let config = load(&args, &around)
            .map_err(|mistakes| mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))?;
        let table = memory::worst_case(&config);
        if table.fits() { Ok(config) } else { Err("its worst case exceeds the memory limit".to_owned()) }
    }))
}
