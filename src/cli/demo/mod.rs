//! `depthd demo`: simulated venues and the daemon in one process, over real loopback sockets, auditing itself.

pub mod audit;

use crate::app::{App, Environment};
use crate::cli::{Exit, args::DemoArgs, args::Faults, report};
use crate::config::{Config, Surroundings};
use crate::engine::time::Mono;
use crate::http::{Source, runtime_dir};
use crate::shell::clock::{self, Clock};
use crate::shell::event::Event;
use crate::shell::log as logging;
use crate::shell::notify::Notify;
use crate::shell::registry::Registry;
use crate::shell::signals::Caught;
use crate::shell::sync::channel::{Receiver, RecvTimeoutError, Sender, bounded};
use crate::shell::{supervisor, thread};
use crate::sim::Sim;
use crate::sim::config::{Face, FaultLevel, SimConfig};
use audit::Audit;
use log::LevelFilter;
use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

const EVERY: Duration = Duration::from_secs(1);
const STACK_BYTES: usize = 512 * 1024;
/// An auditor without a single comparison has proved nothing; shorter runs may end before the first book is live.
const PROOF_AFTER: Duration = Duration::from_secs(10);

/// Runs until stopped, or for the given time.
pub fn run(
    args: &DemoArgs,
    around: &Surroundings<'_>,
    out: &mut (impl Write + Send),
    err: &mut dyn Write,
) -> Exit {
    let face = match args.venue.as_deref().map(str::parse::<Face>).transpose() {
        Ok(face) => face,
        Err(why) => {
            let _ = writeln!(err, "error: --venue: {why}");
            return Exit::Usage;
        }
    };
    let sims = match start_sims(args, face) {
        Ok(sims) => sims,
        Err(why) => {
            let _ = writeln!(err, "error: cannot start the simulated venue: {why}");
            return Exit::Failure;
        }
    };
    let key = |name: &str| match name {
        "COINAPI_KEY" => Some("sim-key".to_owned()),
        "COINAPI_WS_ENABLED" => None,
        _ => (around.env)(name),
    };
    let around = Surroundings { env: &key, venues: around.venues };
    let config = match Config::from_toml(&configuration(args, &sims), "demo", &around) {
        Ok(config) => config,
        Err(mistakes) => {
            report(err, "error", &mistakes);
            return Exit::Usage;
        }
    };
    // The demo is watched, not administered: what it says by itself is its status line.
    let level = if (around.env)("DEPTHD_LOG").is_some() { config.log.level } else { LevelFilter::Error };
    let format = logging::resolve(config.log.format, around.env);
    let log = match logging::start(level, format, clock::wall_now, std::io::stderr()) {
        Ok(log) => log,
        Err(why) => {
            let _ = writeln!(err, "error: cannot start the log: {why}");
            return Exit::Failure;
        }
    };
    let exit = serve(args, &config, &around, sims, out, err, &log);
    log.stop();
    exit
}

fn serve(
    args: &DemoArgs,
    config: &Config,
    around: &Surroundings<'_>,
    sims: Vec<Arc<Sim>>,
    out: &mut (impl Write + Send),
    err: &mut dyn Write,
    log: &logging::Running,
) -> Exit {
    let (clock, dropped) = (Clock::start(), log.counter());
    let env = Environment {
        clock: clock.clone(),
        notify: Notify::from_env(around.env, std::process::id()),
        by_name: crate::venue::catalog::by_name,
        venues: &crate::venue::catalog::NAMES,
        reload: None,
        log_dropped: Arc::new(move || dropped.load(Relaxed)),
        runtime_dir: runtime_dir(),
        state_dir: None,
    };
    let caught = Caught::install().map_err(|e| format!("cannot catch signals: {e}"));
    let started = caught.and_then(|caught| {
        let app = App::start(config, env)?;
        let signals = caught.listen(app.events()).map_err(|e| format!("cannot listen for signals: {e}"))?;
        Ok((app, signals))
    });
    let (app, signals) = match started {
        Ok(parts) => parts,
        Err(why) => {
            let _ = writeln!(err, "error: {why}");
            return Exit::Failure;
        }
    };
    let _ = writeln!(out, "dashboard: {}", address(&app.http_address()));
    let _ = out.flush();
    let talkative = args.verbose || std::io::stdout().is_terminal();
    let auditor = Auditor { registry: app.registry(), sims, clock, until: args.duration, talkative };
    let (stop, stopped) = bounded::<()>(0);
    let (events, registry) = (app.events(), app.registry());
    let auditing = thread::spawn("auditor", STACK_BYTES, move || auditor.run(&stopped, &events));
    let ended = app.run();
    drop((stop, signals));
    let Ok(auditing) = auditing else { return Exit::Failure };
    let (audit, line) = match auditing.join() {
        thread::Ended::Returned(result) => result,
        thread::Ended::Panicked(why) => {
            let _ = writeln!(err, "error: the auditor failed: {why}");
            return Exit::Failure;
        }
    };
    drop(registry);
    for one in &audit.evidence {
        let _ = writeln!(out, "wrong: {one}");
    }
    let _ = writeln!(out, "{line}");
    if let supervisor::Exit::Failed(why) = ended {
        let _ = writeln!(err, "error: {why}");
        return Exit::Failure;
    }
    let proved = audit.audited > 0 || args.duration.is_none_or(|d| d < PROOF_AFTER);
    if audit.wrong == 0 && proved { Exit::Clean } else { Exit::Failure }
}

struct Auditor {
    registry: Arc<Registry>,
    sims: Vec<Arc<Sim>>,
    clock: Clock,
    until: Option<Duration>,
    talkative: bool,
}

impl Auditor {
    /// Looks every second until told to stop; orders the stop itself when its time is over.
    fn run(self, stopped: &Receiver<()>, events: &Sender<Event>) -> (Audit, String) {
        let end = self.until.map_or(Mono::NEVER, |d| self.clock.mono().after(d));
        let mut audit = Audit::default();
        loop {
            let wait = end.since(self.clock.mono()).min(EVERY);
            if stopped.recv_timeout(wait) != Err(RecvTimeoutError::Timeout) {
                return (audit.clone(), self.line(&audit));
            }
            for (feed, symbol, _) in self.registry.books() {
                let Some(sim) = self.sims.iter().find(|s| s.face().to_string() == feed) else { continue };
                // A worker that does not answer shows nothing, so nothing is compared.
                if let Ok(view) = self.registry.book(&feed, &symbol, audit::DEPTH) {
                    audit.look(sim, &view);
                }
            }
            if self.talkative {
                println!("{}", self.line(&audit));
            }
            if self.clock.mono() >= end {
                // The line is made while everything still runs; the stop itself ends connections.
                let line = self.line(&audit);
                let _ = events.send_timeout(Event::Stop, EVERY);
                return (audit, line);
            }
        }
    }

    fn line(&self, audit: &Audit) -> String {
        let stats = self.registry.stats();
        let reconnects: u64 = stats.feeds.iter().map(|f| f.reconnects.total()).sum();
        let gaps: u64 = stats.feeds.iter().map(|f| f.gaps.total()).sum();
        let calls: u64 = self.sims.iter().map(|s| s.counters().rest_calls).sum();
        let peak = self.sims.iter().map(|s| s.counters().rest_in_flight_peak).max().unwrap_or_default();
        format!(
            "audited {}, wrong {}, live {:.1} %, reconnects {reconnects}, gaps {gaps}, REST calls {calls} (peak in flight {peak})",
            audit.audited,
            audit.wrong,
            audit.live_percent(),
        )
    }
}

/// One venue of the face asked for. Else one speaks CoinAPI and, where there are symbols enough for two, another one Binance.
fn start_sims(args: &DemoArgs, face: Option<Face>) -> std::io::Result<Vec<Arc<Sim>>> {
    let binance = args.symbols / 2;
    let shares = match face {
        Some(face) => vec![(face, args.symbols)],
        None => vec![(Face::CoinApi, args.symbols - binance), (Face::Binance, binance)],
    };
    let mut sims = Vec::new();
    for (face, symbols) in shares.into_iter().filter(|(_, symbols)| *symbols > 0) {
        let rate = (u64::from(args.rate) * u64::from(symbols) / u64::from(args.symbols)).max(1);
        let config = SimConfig {
            symbols: symbols as usize,
            rate: u32::try_from(rate).unwrap_or(u32::MAX),
            faults: level(args.faults),
            seed: args.seed,
            ..SimConfig::new(face)
        };
        sims.push(Arc::new(Sim::start(config)?));
    }
    Ok(sims)
}

/// What the command line calls a level, as the simulated venue calls it.
pub fn level(faults: Faults) -> FaultLevel {
    match faults {
        Faults::Off => FaultLevel::Off,
        Faults::Light => FaultLevel::Light,
        Faults::Chaos => FaultLevel::Chaos,
    }
}

/// The daemon's configuration for these venues.
fn configuration(args: &DemoArgs, sims: &[Arc<Sim>]) -> String {
    let mut text = format!("[http]\nlisten = {:?}\n", args.listen);
    for sim in sims {
        text.push_str(&feed(&sim.face().to_string(), &sim.url(), &sim.rest_url(), &sim.symbols()));
    }
    text
}

/// A `[[feed]]` for a venue that listens here, named like it. A venue on this machine needs no long waits.
pub fn feed(name: &str, url: &str, rest_url: &str, symbols: &[String]) -> String {
    format!(
        "[[feed]]\nname = \"{name}\"\nvenue = \"{name}\"\nurl = \"{url}\"\nrest_url = \"{rest_url}\"\n\
         symbols = {symbols:?}\nbackoff = {{ first = \"100ms\", max = \"2s\", reset_after = \"60s\" }}\n",
    )
}

fn address(listen: &crate::http::Listen) -> String {
    match listen {
        crate::http::Listen::Tcp(address) => format!("http://{address}/"),
        crate::http::Listen::Unix(path) => format!("unix:{}", path.display()),
    }
}
