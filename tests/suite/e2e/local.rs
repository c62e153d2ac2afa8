//! A daemon inside the test's own process, where a worker can be held still: real sockets, real threads, no binary.

use super::daemon::get;
use crossbeam_channel::{Sender, bounded};
use depthd::app::{App, Environment};
use depthd::cli::demo::audit::{Audit, DEPTH};
use depthd::config::{Config, Surroundings, Venues};
use depthd::engine::stats::{FeedStats, Stats};
use depthd::http::{Listen, Source, runtime_dir};
use depthd::shell::clock::Clock;
use depthd::shell::event::Event;
use depthd::shell::notify::Notify;
use depthd::shell::registry::Registry;
use depthd::shell::supervisor;
use depthd::shell::thread::{self, Ended, Handle};
use depthd::shell::worker::Side;
use depthd::sim::Sim;
use depthd::venue::catalog;
use serde_json::Value;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Longer than any healthy wait on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// Dropping it stops it.
pub struct Local {
    pub registry: Arc<Registry>,
    http: SocketAddr,
    events: Sender<Event>,
    thread: Option<Handle<supervisor::Exit>>,
}

impl Local {
    pub fn start(config: &str) -> Local {
        let env = |name: &str| (name == "COINAPI_KEY").then(|| "sim-key".to_owned());
        let venues = Venues { by_name: &catalog::by_name, names: &catalog::NAMES };
        let text = format!("[http]\nlisten = \"127.0.0.1:0\"\n{config}");
        let config = Config::from_toml(&text, "test", &Surroundings { env: &env, venues })
            .unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
        let environment = Environment {
            clock: Clock::start(),
            notify: Notify::from_env(&env, std::process::id()),
            by_name: catalog::by_name,
            venues: &catalog::NAMES,
            reload: None,
            log_dropped: Arc::new(|| 0),
            runtime_dir: runtime_dir(),
            state_dir: None,
        };
        let app = App::start(&config, environment).expect("it starts");
        let Listen::Tcp(http) = app.http_address() else { panic!("asked for TCP") };
        let (registry, events) = (app.registry(), app.events());
        let thread = thread::spawn("app", 512 * 1024, move || app.run()).expect("a thread");
        Local { registry, http, events, thread: Some(thread) }
    }

    pub fn http(&self) -> SocketAddr {
        self.http
    }

    /// Holds every worker still until the senders are dropped.
    pub fn hold(&self) -> Vec<Sender<()>> {
        let hold = |worker: &depthd::shell::registry::WorkerEntry| {
            let (until, held) = bounded(0);
            worker.side.send(Side::Hold(held)).expect("a worker");
            until
        };
        let holds = self.registry.workers.iter().map(hold).collect();
        // They hold when they have taken the request.
        self.wait_until("every worker held", || self.registry.workers.iter().all(|w| w.side.is_empty()));
        holds
    }

    pub fn stats(&self) -> Stats {
        self.registry.stats()
    }

    pub fn feed(&self, name: &str) -> FeedStats {
        self.stats().feeds.into_iter().find(|f| f.name == name).expect("a feed")
    }

    /// Every book as `/api/books` tells it.
    pub fn books(&self) -> Vec<Value> {
        let (status, body) = get(self.http, "/api/books");
        assert_eq!(status, 200, "{body}");
        let body: Value = serde_json::from_str(&body).expect("JSON");
        body["books"].as_array().expect("a list").clone()
    }

    pub fn wait_until(&self, what: &str, mut holds: impl FnMut() -> bool) {
        let started = Instant::now();
        while !holds() {
            assert!(
                started.elapsed() < PATIENCE,
                "not within {PATIENCE:?}: {what}\n{:#?}",
                self.stats().feeds
            );
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }

    pub fn wait_all_live(&self) {
        self.wait_until("every book live", || self.books().iter().all(|b| b["state"] == "live"));
    }

    /// Waits until every message that was read is settled.
    pub fn wait_settled(&self, sim: &Sim) {
        let name = sim.face().to_string();
        self.wait_until("everything settled", || self.feed(&name).messages.in_flight() == 0);
    }

    /// Waits until everything a quiet venue sent has been read.
    pub fn wait_read(&self, sim: &Sim) {
        let name = sim.face().to_string();
        self.wait_until("everything read", || {
            self.feed(&name).messages.received == sim.counters().messages_sent
        });
    }

    /// Demands that every book of the venue is live and right, once its market stands still.
    pub fn assert_exact(&self, sim: &Sim) {
        let (mut audit, feed) = (Audit::default(), sim.face().to_string());
        for symbol in sim.symbols() {
            let view = self.registry.book(&feed, &symbol, DEPTH).expect("an answer");
            assert!(view.top.state.is_live(), "{feed}/{symbol}: {:?}", view.top);
            audit.look(sim, &view);
        }
        assert_eq!(audit.evidence, Vec::<String>::new());
        assert_eq!(audit.audited, sim.symbols().len() as u64, "every book can be compared");
    }

    pub fn stop(&mut self) {
        let Some(thread) = self.thread.take() else { return };
        let _ = self.events.send_timeout(Event::Stop, Duration::from_secs(1));
        let ended = thread.join();
        if !std::thread::panicking() {
            assert!(matches!(ended, Ended::Returned(supervisor::Exit::Stopped)), "{ended:?}");
        }
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        self.stop();
    }
}
