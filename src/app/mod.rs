//! The composition root: builds the daemon's parts in order, waits, and takes them down in reverse.
//!
//! Fields of [`App`] are in the order of their end. Nothing else in the program starts two parts that know each other.

pub mod assembly;
mod guard;
pub mod layout;
#[cfg(all(test, shuttle))]
mod model;
mod plant;
pub mod workers;

use crate::config::{Config, Listen};
use crate::engine::health::Thresholds;
use crate::engine::time::Stamp;
use crate::http::{HttpConfig, HttpServer};
use crate::shell::clock::Clock;
use crate::shell::event::Event;
use crate::shell::journal::Journal;
use crate::shell::notify::Notify;
use crate::shell::recovery::callers::{Answered, Callers};
use crate::shell::recovery::{self, Notice, StartCallers};
use crate::shell::registry::Registry;
use crate::shell::resolver::Resolver;
use crate::shell::rest::RestClient;
use crate::shell::supervisor::{Exit, Supervisor, Threads};
use crate::shell::sync::channel::{Sender, bounded};
use crate::shell::thread::{self, Handle};
use crate::shell::wake::Wake;
use crate::shell::{link, memory};
use crate::venue::Venue;
use assembly::{Assembly, Frame, Hands, ReadConfig};
use guard::Guard;
use layout::Layout;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use workers::{Alarm, Workers};

/// How long the stop waits for a name lookup that cannot be interrupted.
const LOOKUP_PATIENCE: Duration = Duration::from_millis(400);

/// What the daemon needs beside its configuration.
pub struct Environment {
    pub clock: Clock,
    pub notify: Notify,
    pub by_name: fn(&str) -> Option<Arc<dyn Venue>>,
    /// Every name it answers to.
    pub venues: &'static [&'static str],
    /// Reads the configuration again; `None` where there is no file.
    pub reload: Option<ReadConfig>,
    /// Lines the log had no room for.
    pub log_dropped: Arc<dyn Fn() -> u64 + Send + Sync>,
    /// Where the private socket to the answering server lives.
    pub runtime_dir: PathBuf,
    /// Where budgets are kept for the next start; `None` keeps none.
    pub state_dir: Option<PathBuf>,
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
        let seed = clock.stamp().wall.nanos().cast_unsigned() ^ u64::from(std::process::id());
        let tls = link::tls_config();
        let resolver =
            Resolver::start(clock.clone()).map_err(|e| format!("cannot start the resolver: {e}"))?;
        let frame = Frame::new(config, env.by_name, env.venues, &clock, seed, env.log_dropped);
        let registry = frame.registry.clone();

        // Early: an address in use is the likeliest reason not to start.
        let http = http(config, env.runtime_dir, &registry, &clock)?;

        let rest_stop = Arc::new(Wake::new().map_err(|e| format!("cannot start REST: {e}"))?);
        let (answers, start_callers) = callers(&frame.layout, &tls, &resolver, &rest_stop, &clock);
        let hands = Hands {
            notify: env.notify,
            names: resolver.asker(),
            tls,
            readers: Box::new(Threads),
            answers,
            start_callers,
            memory: Box::new(memory::observe),
            http: Box::new(http.reporter()),
            reload: env.reload,
            journal: Arc::new(Journal::open(env.state_dir.as_deref(), &clock)),
        };
        let Assembly { supervisor, recovery, posts, notices, events } = frame.complete(config, hands)?;
        let (workers, started) = Workers::start(posts);
        let alarm = events.clone();
        let started = started.map_err(|e| format!("cannot start the workers: {e}")).and_then(|()| {
            thread::spawn("recovery", recovery::STACK_BYTES, move || {
                let _last_word = Alarm { events: alarm, thread: "recovery" };
                recovery.run();
            })
            .map_err(|e| format!("cannot start recovery: {e}"))
        });
        let recovery = match started {
            Ok(recovery) => recovery,
            Err(why) => {
                // It holds the ways to the workers, which end when these are gone.
                drop(supervisor);
                workers.stop();
                return Err(why);
            }
        };
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

/// The channel that answers come back on, and how a venue's callers are started when they are first needed.
fn callers(
    layout: &Layout,
    tls: &Arc<rustls::ClientConfig>,
    resolver: &Resolver,
    stop: &Arc<Wake>,
    clock: &Clock,
) -> (crate::shell::sync::channel::Receiver<Answered>, StartCallers) {
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
