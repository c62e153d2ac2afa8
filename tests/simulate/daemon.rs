//! The daemon, put together by its own composition root and turned part by part: no thread, no socket, no real clock.

use crate::calls::Calls;
use crate::lives::{SimLife, Started};
use crate::names::Lookups;
use crossbeam_channel::{Sender, bounded};
use depthd::app::assembly::{Assembly, Frame, Hands};
use depthd::app::workers;
use depthd::config::Config;
use depthd::engine::time::Mono;
use depthd::shell::clock::Clock;
use depthd::shell::event::Event;
use depthd::shell::link;
use depthd::shell::memory::ProcessMemory;
use depthd::shell::notify::Notify;
use depthd::shell::recovery::callers::Callers;
use depthd::shell::recovery::{Input, Recovery};
use depthd::shell::registry::Registry;
use depthd::shell::resolver;
use depthd::shell::supervisor::{Exit, Supervisor};
use depthd::shell::worker::{Place, Ready, Worker};
use depthd::venue::catalog;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

/// The names of the venues, in the order of their planner.
pub const VENUES: [&str; 2] = catalog::NAMES;

pub struct SimWorker {
    pub place: Place,
    pub worker: Worker,
    pub due: Mono,
    pub stalled_until: Mono,
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
    wake: Duration,
    job: Duration,
}

impl Daemon {
    pub fn new(config: &Config, clock: &Clock, seed: u64, wake: Duration, job: Duration) -> Daemon {
        let (names, questions) = resolver::questions(clock.clone());
        let frame = Frame::new(config, crate::venue::by_name, &VENUES, clock, seed, Arc::new(|| 0));
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
            reload: Some(Box::new(move || Ok(read.lock().unwrap_or_else(PoisonError::into_inner).clone()))),
        };
        let assembly = frame.complete(config, hands).expect("a drawn configuration is small");
        let Assembly { mut supervisor, recovery, places, events, .. } = assembly;
        supervisor.start();
        let worker = |place: Place| SimWorker {
            worker: Worker::new(&place),
            place,
            due: Mono::ZERO,
            stalled_until: Mono::ZERO,
        };
        Daemon {
            registry,
            supervisor,
            supervisor_due: Mono::ZERO,
            supervisor_stalled: Mono::ZERO,
            recovery,
            recovery_due: Mono::ZERO,
            recovery_stalled: Mono::ZERO,
            workers: places.into_iter().map(worker).collect(),
            lives: Vec::new(),
            started,
            names: Lookups::new(questions),
            calls: Calls::new(call_out, answers, timeout),
            events,
            memory_bytes,
            file,
            no_callers,
            exit: None,
            wake,
            job,
        }
    }

    /// Wakes whoever has something to do.
    pub fn look(&mut self, now: Mono) {
        let soon = now.after(self.wake);
        for w in &mut self.workers {
            if w.due > soon && (!w.place.outlet.jobs.is_empty() || !w.place.side.is_empty()) {
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

    /// One job or one request; true when it panicked and was started over.
    pub fn work(&mut self, index: usize, now: Mono, pick: u64) -> bool {
        let SimWorker { place, worker, due, .. } = &mut self.workers[index];
        let (jobs, side) = (!place.outlet.jobs.is_empty(), !place.side.is_empty());
        let ready = match (jobs, side) {
            (true, true) if pick.is_multiple_of(2) => Ready::Side,
            (true, _) => Ready::Job,
            (false, true) => Ready::Side,
            (false, false) => Ready::Idle,
        };
        let turned = catch_unwind(AssertUnwindSafe(|| worker.turn(place, ready)));
        let panicked = turned.is_err();
        if let Err(payload) = turned {
            workers::panicked(place, payload.as_ref());
            *worker = Worker::new(place);
        }
        *due = if ready == Ready::Idle {
            worker.deadline().max(now.after(self.wake))
        } else {
            now.after(self.job)
        };
        panicked
    }

    /// Nothing is on its way between two parts.
    pub fn is_settled(&self) -> bool {
        let idle = |w: &SimWorker| w.place.outlet.jobs.is_empty() && w.place.side.is_empty();
        self.workers.iter().all(idle)
            && self.registry.workers.iter().all(|w| w.gauge.messages.load(Relaxed) == 0)
    }
}
