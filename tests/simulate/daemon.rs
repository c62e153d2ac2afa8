//! The daemon, put together by its own composition root and turned part by part: no thread, no socket, no real clock.

use crate::calls::Calls;
use crate::lives::{SimLife, Started};
use crate::names::Lookups;
use crate::setup::Setup;
use crossbeam_channel::{Receiver, Sender, bounded};
use depthd::app::assembly::{Assembly, Frame, Hands};
use depthd::config::Config;
use depthd::engine::time::Mono;
use depthd::shell::clock::Clock;
use depthd::shell::count::WorkerCounters;
use depthd::shell::event::Event;
use depthd::shell::link;
use depthd::shell::memory::ProcessMemory;
use depthd::shell::notify::Notify;
use depthd::shell::queue::Job;
use depthd::shell::recovery::callers::Callers;
use depthd::shell::recovery::{Input, Recovery};
use depthd::shell::registry::Registry;
use depthd::shell::resolver;
use depthd::shell::supervisor::{Exit, Supervisor};
use depthd::shell::worker::{Post, Ready, Seat, Side, Station};
use depthd::venue::catalog;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

/// The names of the venues, in the order of their planner.
pub const VENUES: &[&str] = &catalog::NAMES;

/// A worker: its seat, where readers may sit too, and its own thread.
pub struct SimWorker {
    seat: Arc<Seat>,
    rung: Receiver<()>,
    side: Receiver<Side>,
    jobs: Receiver<Job>,
    counters: Arc<WorkerCounters>,
    /// Panics that were told of.
    panics: u64,
    /// While the thread sits there: in the middle of its work, stalled, or for good.
    sitting: Option<Box<Station>>,
    pub due: Mono,
    pub stalled_until: Mono,
}

impl SimWorker {
    fn new(Post { seat, place }: Post) -> SimWorker {
        SimWorker {
            seat,
            rung: place.outlet.rung.clone(),
            side: place.side.clone(),
            jobs: place.outlet.jobs.clone(),
            counters: place.counters.clone(),
            panics: 0,
            sitting: Some(Box::new(Station::new(place))),
            due: Mono::ZERO,
            stalled_until: Mono::ZERO,
        }
    }

    /// From now on its thread does nothing, and nobody else either.
    pub fn stall(&mut self, until: Mono) {
        self.stalled_until = until;
        self.sit();
    }

    fn sit(&mut self) -> &mut Station {
        let SimWorker { seat, sitting, .. } = self;
        // In one thread whoever took the station has given it back.
        sitting.get_or_insert_with(|| seat.take().expect("nobody else is in the middle of anything"))
    }

    fn stand(&mut self) {
        if let Some(station) = self.sitting.take() {
            self.seat.give_back(station);
        }
    }

    /// Looks at what it keeps.
    pub fn with<T>(&self, look: impl FnOnce(&Station) -> T) -> T {
        match &self.sitting {
            Some(station) => look(station),
            None => {
                let station = self.seat.take().expect("nobody else is in the middle of anything");
                let seen = look(&station);
                self.seat.give_back(station);
                seen
            }
        }
    }

    fn is_idle(&self) -> bool {
        self.jobs.is_empty() && self.side.is_empty()
    }

    /// Whether its thread has to wake: a job that nobody rang for is somebody else's.
    fn is_called(&self) -> bool {
        !self.rung.is_empty() || !self.side.is_empty() || (self.sitting.is_some() && !self.jobs.is_empty())
    }
}

pub struct Daemon {
    pub registry: Arc<Registry>,
    pub supervisor: Supervisor,
    pub supervisor_due: Mono,
    pub supervisor_stalled: Mono,
    pub recovery: Recovery,
    pub recovery_due: Mono,
    pub recovery_stalled: Mono,
    pub workers: Vec<SimWorker>,
    pub lives: Vec<SimLife>,
    pub started: Started,
    pub names: Lookups,
    pub calls: Calls,
    pub events: Sender<Event>,
    /// What the process seems to use.
    pub memory_bytes: Arc<AtomicU64>,
    /// What the configuration file says.
    pub file: Arc<Mutex<Config>>,
    /// So many of the next starts of REST callers fail.
    pub no_callers: Arc<AtomicU32>,
    pub exit: Option<Exit>,
    /// Workers' threads never stand up: readers only queue.
    workers_stay: bool,
    wake: Duration,
    job: Duration,
}

impl Daemon {
    pub fn new(config: &Config, clock: &Clock, setup: &Setup) -> Daemon {
        let (names, questions) = resolver::questions(clock.clone());
        let frame = Frame::new(config, crate::venue::by_name, VENUES, clock, setup.seed, Arc::new(|| 0));
        let registry = frame.registry.clone();
        let concurrent: Vec<usize> = frame.layout.venues.iter().map(|v| v.rules.max_concurrent).collect();
        let timeout = frame.layout.venues.iter().map(|v| v.timeout).collect();
        let (answers, answers_out) = bounded(concurrent.iter().sum());
        let (call_in, call_out): (Vec<_>, Vec<_>) = concurrent.iter().map(|n| bounded(*n)).unzip();
        let started = Started::default();
        let memory_bytes = Arc::new(AtomicU64::new(0));
        let file = Arc::new(Mutex::new(config.clone()));
        let no_callers = Arc::new(AtomicU32::new(0));
        let (read, used, refuse) = (file.clone(), memory_bytes.clone(), no_callers.clone());
        // The roots are read once: a seed takes less time than they do.
        static TLS: OnceLock<Arc<rustls::ClientConfig>> = OnceLock::new();
        let hands = Hands {
            notify: Notify::from_env(&|_: &str| None, 1),
            names,
            tls: TLS.get_or_init(link::tls_config).clone(),
            readers: Box::new(started.clone()),
            answers: answers_out,
            start_callers: Box::new(move |venue| match refuse.load(Relaxed) {
                0 => Ok(Callers::elsewhere(call_in[venue].clone())),
                more => {
                    refuse.store(more - 1, Relaxed);
                    Err(std::io::ErrorKind::OutOfMemory.into())
                }
            }),
            memory: Box::new(move || ProcessMemory {
                anonymous_bytes: used.load(Relaxed),
                ..ProcessMemory::default()
            }),
            http: Box::new(|_| Vec::new()),
            journal: Arc::default(),
            reload: Some(Box::new(move || Ok(read.lock().unwrap_or_else(PoisonError::into_inner).clone()))),
        };
        let assembly = frame.complete(config, hands).expect("a drawn configuration is small");
        let Assembly { mut supervisor, recovery, posts, events, .. } = assembly;
        supervisor.start();
        Daemon {
            registry,
            supervisor,
            supervisor_due: Mono::ZERO,
            supervisor_stalled: Mono::ZERO,
            recovery,
            recovery_due: Mono::ZERO,
            recovery_stalled: Mono::ZERO,
            workers: posts.into_iter().map(SimWorker::new).collect(),
            lives: Vec::new(),
            started,
            names: Lookups::new(questions),
            calls: Calls::new(call_out, answers, timeout),
            events,
            memory_bytes,
            file,
            no_callers,
            exit: None,
            workers_stay: setup.workers_stay,
            wake: setup.wake,
            job: setup.job,
        }
    }

    /// Wakes whoever has something to do.
    pub fn look(&mut self, now: Mono) {
        let soon = now.after(self.wake);
        for w in &mut self.workers {
            if w.due > soon && w.is_called() {
                w.due = soon;
            }
        }
        let r = &self.recovery;
        if self.recovery_due > soon && !(r.told.is_empty() && r.answers.is_empty() && r.notices.is_empty()) {
            self.recovery_due = soon;
        }
        if self.supervisor_due > soon && self.supervisor.waiting() > 0 {
            self.supervisor_due = soon;
        }
        self.names.look(now);
        for life in &mut self.lives {
            life.look(soon);
        }
    }

    pub fn supervise(&mut self, now: Mono) {
        let came = self.supervisor.take();
        match self.supervisor.turn() {
            ControlFlow::Continue(deadline) => {
                let again = if came && self.supervisor.waiting() > 0 { now } else { deadline };
                self.supervisor_due = again.max(now.after(Duration::from_nanos(1)));
            }
            ControlFlow::Break(exit) => {
                self.exit = Some(exit);
                self.supervisor_due = Mono::NEVER;
            }
        }
    }

    /// `pick` chooses among the inboxes that have something, as a wait on several channels does.
    pub fn recover(&mut self, now: Mono, pick: u64) {
        let r = &self.recovery;
        let mut input = None;
        for n in 0..3 {
            input = match (pick + n) % 3 {
                0 => r.notices.try_recv().ok().map(Input::Notice),
                1 => r.answers.try_recv().ok().map(Input::Answer),
                _ => r.told.try_recv().ok().map(Input::Told),
            };
            if input.is_some() {
                break;
            }
        }
        self.recovery.turn(input);
        self.recovery_due = self.recovery.deadline().max(now.after(Duration::from_nanos(1)));
    }

    /// One job or one request of a worker's own thread.
    pub fn work(&mut self, index: usize, now: Mono, pick: u64) {
        let (wake, stays) = (self.wake, self.workers_stay);
        let w = &mut self.workers[index];
        let _ = w.rung.try_recv();
        let ready = match (!w.jobs.is_empty(), !w.side.is_empty()) {
            (true, true) if pick.is_multiple_of(2) => Ready::Side,
            (true, _) => Ready::Job,
            (false, true) => Ready::Side,
            (false, false) => Ready::Idle,
        };
        let station = w.sit();
        station.turn(ready).expect("there are ways in");
        let deadline = station.worker().expect("started over at once").deadline();
        w.due = if ready == Ready::Idle { deadline.max(now.after(wake)) } else { now.after(self.job) };
        if !stays && w.is_idle() {
            w.stand();
        }
    }

    /// Whether a worker panicked since it was asked last, in whatever thread.
    pub fn has_panicked(&mut self, index: usize) -> bool {
        let w = &mut self.workers[index];
        let panics = w.counters.panics.load(Relaxed);
        std::mem::replace(&mut w.panics, panics) != panics
    }

    /// Nothing is on its way between two parts.
    pub fn is_settled(&self) -> bool {
        self.workers.iter().all(SimWorker::is_idle)
            && self.registry.workers.iter().all(|w| w.gauge.messages.load(Relaxed) == 0)
    }
}
