//! The composition root: builds the daemon's parts in order, waits, and takes them down in reverse.
//!
//! Fields of [`App`] are in the order of their end. Nothing else in the program starts two parts that know each other.

mod guard;
pub mod layout;
mod plant;
mod workers;

use crate::config::{Config, Listen};
use crate::engine::health::Thresholds;
use crate::engine::ledger::Ledger;
use crate::engine::recovery::Planner;
use crate::engine::time::Stamp;
use crate::http::{HttpConfig, HttpServer};
use crate::shell::beat::Beat;
use crate::shell::clock::Clock;
use crate::shell::count::{RecoveryCounters, Timings};
use crate::shell::event::Event;
use crate::shell::link;
use crate::shell::notify::Notify;
use crate::shell::port::Ports;
use crate::shell::recovery::callers::{Answered, Callers};
use crate::shell::recovery::{self, Notice, Recovery, StartCallers};
use crate::shell::registry::{Observed, Registry, Tables};
use crate::shell::resolver::Resolver;
use crate::shell::rest::RestClient;
use crate::shell::supervisor::{Common, Exit, Parts, Pulse, Reload, Supervisor};
use crate::shell::sync::channel::{Sender, bounded};
use crate::shell::sync::{Arc, Mutex, RwLock, channel};
use crate::shell::thread::{self, Handle};
use crate::shell::wake::Wake;
use crate::venue::Venue;
use guard::Guard;
use layout::Layout;
use plant::Plant;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use workers::{Alarm, Room, Workers};

/// A thread that waits at most half a second between two signs of life is suspect after ten; the watchdog gives it ten more.
const BEAT_WITHIN: Duration = Duration::from_secs(10);
/// How long the stop waits for a name lookup that cannot be interrupted.
const LOOKUP_PATIENCE: Duration = Duration::from_millis(400);
/// Events per connection that may be on their way: four of one life, and the answers of every worker.
const EVENTS_PER_CONNECTION: usize = 16;
/// What reloads may add before a channel's capacity, fixed at the start, is too small: then a restart is due.
const MORE_BOOKS: usize = 1_024;
const MORE_CONNECTIONS: usize = 64;

/// What the daemon needs beside its configuration.
pub struct Environment {
    pub clock: Clock,
    pub notify: Notify,
    pub by_name: fn(&str) -> Option<Arc<dyn Venue>>,
    /// Every name it answers to.
    pub venues: &'static [&'static str],
    /// Reads the configuration again; `None` where there is no file.
    pub reload: Option<Box<dyn FnMut() -> Result<Config, String> + Send>>,
    /// Lines the log had no room for.
    pub log_dropped: Arc<dyn Fn() -> u64 + Send + Sync>,
    /// Where the private socket to the answering server lives.
    pub runtime_dir: PathBuf,
}

/// The running daemon.
pub struct App {
    supervisor: Supervisor,
    http: HttpServer,
    recovery: Handle<()>,
    notices: Sender<Notice>,
    rest_stop: Arc<Wake>,
    workers: Workers,
    resolver: Resolver,
    registry: Arc<Registry>,
    events: Sender<Event>,
}

impl App {
    /// Builds everything and starts every thread but the readers, which [`App::run`] starts.
    ///
    /// # Errors
    /// A sentence saying what could not be had; nothing keeps running.
    pub fn start(config: &Config, env: Environment) -> Result<App, String> {
        let clock = env.clock.clone();
        let now = clock.stamp();
        let venues: Vec<_> = env.venues.iter().filter_map(|name| (env.by_name)(name)).collect();
        let layout = Layout::empty(config, &venues);
        let books: usize = config.enabled().map(|feed| feed.symbols.len()).sum();
        let connections: usize = config.enabled().map(|feed| feed.connections()).sum();
        let room = Room { books: books + MORE_BOOKS, connections: connections + MORE_CONNECTIONS };
        let (events, inbox) = bounded(room.connections * (EVENTS_PER_CONNECTION + config.pipeline.workers));
        let (notices, notices_out) = bounded(room.connections + MORE_BOOKS);
        let shedding = Arc::new(AtomicBool::new(false));
        let timings = Arc::new(Timings::default());
        let recovery_counters = Arc::new(RecoveryCounters::default());
        let ledgers = layout.venues.iter().map(|v| Ledger::new(v.profile, now.mono)).collect();
        let ledgers = Arc::new(Mutex::new(ledgers));
        let seed = now.wall.nanos().cast_unsigned() ^ u64::from(std::process::id());
        let tls = link::tls_config();

        let resolver =
            Resolver::start(clock.clone()).map_err(|e| format!("cannot start the resolver: {e}"))?;
        let (workers, told) = Workers::start(&config.pipeline, room, &timings, &events, &clock)
            .map_err(|e| format!("cannot start the workers: {e}"))?;
        let recovery_beat = Arc::new(Beat::new("recovery".to_owned(), BEAT_WITHIN, now.mono));
        let mut beats = workers.beats();
        beats.push(recovery_beat.clone());
        let registry = Arc::new(Registry {
            clock: clock.clone(),
            started: now,
            tables: RwLock::new(Arc::new(Tables::default())),
            workers: workers.entries(),
            recovery: recovery_counters.clone(),
            notices: notices.clone(),
            beats,
            memory_limit_bytes: config.memory.limit_bytes,
            log_dropped: env.log_dropped,
            observed: Mutex::new(Observed::default()),
            timings,
        });

        // Early: an address in use is the likeliest reason not to start.
        let http = http(config, env.runtime_dir, &registry, &clock)?;

        let rest_stop = Arc::new(Wake::new().map_err(|e| format!("cannot start REST: {e}"))?);
        let (answers_out, start_callers) = callers(&layout, &tls, &resolver, &rest_stop, &clock);
        let ports = Arc::new(Ports::new(room.connections));
        let recovery = Recovery {
            planner: Planner::new(layout.venues.iter().map(|v| v.rules).collect(), Vec::new(), seed),
            ledgers: ledgers.clone(),
            books: BTreeMap::new(),
            callers: layout.venues.iter().map(|_| None).collect(),
            start_callers,
            workers: workers.sides(),
            ports: ports.clone(),
            told,
            answers: answers_out,
            notices: notices_out,
            events: events.clone(),
            counters: recovery_counters,
            beat: recovery_beat,
            clock: clock.clone(),
        };
        let alarm = events.clone();
        let recovery = thread::spawn("recovery", recovery::STACK_BYTES, move || {
            let _last_word = Alarm { events: alarm, thread: "recovery" };
            recovery.run();
        })
        .map_err(|e| format!("cannot start recovery: {e}"))?;

        // From here on a failed start has a thread to end before it can be joined.
        let unstarted = Unstarted { notices: notices.clone(), rest_stop: rest_stop.clone(), started: false };
        let mut plant = Plant {
            layout,
            by_name: env.by_name,
            registry: registry.clone(),
            entrances: workers.entrances(),
            notices: notices.clone(),
            ledgers,
            beat_within: BEAT_WITHIN,
            seed,
            clock: clock.clone(),
        };
        let lines = plant.follow(config)?;
        let pulse = Pulse::new(
            env.notify,
            config.memory.clone(),
            shedding.clone(),
            workers.sides(),
            Box::new(http.reporter()),
        );
        let reload = env.reload.map(|read| reloading(plant, config.clone(), read));
        let common = Common {
            batch: config.pipeline.batch,
            overflow: config.pipeline.overflow,
            seed,
            events: events.clone(),
            ports,
            shedding,
            tls,
            clock,
        };
        let parts = Parts {
            common,
            inbox,
            entrances: workers.entrances(),
            losses: registry.clone(),
            names: resolver.asker(),
            notices: notices.clone(),
            registry: registry.clone(),
            pulse,
            reload,
        };
        let supervisor = Supervisor::new(parts, lines);
        unstarted.defuse();
        Ok(App { supervisor, http, recovery, notices, rest_stop, workers, resolver, registry, events })
    }

    /// Where HTTP listens, with the port the kernel chose where 0 was asked.
    pub fn http_address(&self) -> crate::http::Listen {
        self.http.local_addr().clone()
    }

    /// Where to send [`Event::Stop`] and what signals mean.
    pub fn events(&self) -> Sender<Event> {
        self.events.clone()
    }

    pub fn registry(&self) -> Arc<Registry> {
        self.registry.clone()
    }

    /// Runs until told to stop; then joins every thread, in this order: readers, HTTP, REST, recovery, workers, resolver.
    pub fn run(self) -> Exit {
        let App { supervisor, http, recovery, notices, rest_stop, workers, resolver, registry: _, events: _ } =
            self;
        let exit = supervisor.run();
        let guard = Guard::start();
        guard.stage("http");
        http.stop();
        guard.stage("recovery");
        rest_stop.stop();
        let _ = notices.send_timeout(Notice::Stop, Duration::from_secs(1));
        recovery.join();
        guard.stage("workers");
        workers.stop();
        guard.stage("resolver");
        if !resolver.stop(LOOKUP_PATIENCE) {
            log::warn!("a name lookup is still waiting and cannot be interrupted; it ends with the process");
        }
        exit
    }
}

/// Ends the recovery thread of a start that failed; dropped before the thread's handle, which then joins.
struct Unstarted {
    notices: Sender<Notice>,
    rest_stop: Arc<Wake>,
    started: bool,
}

impl Unstarted {
    fn defuse(mut self) {
        self.started = true;
    }
}

impl Drop for Unstarted {
    fn drop(&mut self) {
        if !self.started {
            self.rest_stop.stop();
            let _ = self.notices.send_timeout(Notice::Stop, Duration::from_secs(1));
        }
    }
}

/// Reads, checks and follows a changed configuration. What only a start can change is said and left.
fn reloading(
    mut plant: Plant,
    mut known: Config,
    mut read: Box<dyn FnMut() -> Result<Config, String> + Send>,
) -> Reload {
    Box::new(move || {
        let config = read()?;
        for (section, same) in [
            ("http", config.http == known.http),
            ("pipeline", config.pipeline == known.pipeline),
            ("recovery", config.recovery == known.recovery),
            ("memory", config.memory == known.memory),
            ("log", config.log == known.log),
            ("books", config.books == known.books),
        ] {
            if !same {
                log::warn!("[{section}] has changed: that takes effect at the next start");
            }
        }
        let mut next = known.clone();
        next.feeds = config.feeds;
        let lines = plant.follow(&next)?;
        known = next;
        Ok(lines)
    })
}

/// The channel that answers come back on, and how a venue's callers are started when they are first needed.
fn callers(
    layout: &Layout,
    tls: &Arc<rustls::ClientConfig>,
    resolver: &Resolver,
    stop: &Arc<Wake>,
    clock: &Clock,
) -> (channel::Receiver<Answered>, StartCallers) {
    let total: usize = layout.venues.iter().map(|v| v.rules.max_concurrent).sum();
    let (answers, answers_out) = bounded::<Answered>(total.max(1));
    let venues: Vec<_> =
        layout.venues.iter().map(|v| (v.profile.name, v.rules.max_concurrent, v.timeout)).collect();
    let (tls, names, stop, clock) = (tls.clone(), resolver.asker(), stop.clone(), clock.clone());
    let start: StartCallers = Box::new(move |venue| {
        let (name, count, timeout) = venues[venue];
        let client = RestClient::new(tls.clone(), names.clone(), clock.clone(), stop.clone(), timeout, count);
        Callers::start(name, count, &client, &answers, &clock)
    });
    (answers_out, start)
}

fn http(
    config: &Config,
    runtime_dir: PathBuf,
    registry: &Arc<Registry>,
    clock: &Clock,
) -> Result<HttpServer, String> {
    let listen = match &config.http.listen {
        Listen::Tcp(address) => crate::http::Listen::Tcp(*address),
        Listen::Unix(path) => crate::http::Listen::Unix(path.clone()),
    };
    let http = HttpConfig {
        listen,
        max_connections: config.http.max_connections,
        request_timeout: config.http.request_timeout,
        runtime_dir,
        thresholds: Thresholds {
            memory_warn: config.memory.warn,
            memory_critical: config.memory.critical,
            ..Thresholds::default()
        },
    };
    let clock = clock.clone();
    let time = Arc::new(move || -> Stamp { clock.stamp() });
    HttpServer::start(http, registry.clone(), time).map_err(|e| e.to_string())
}
