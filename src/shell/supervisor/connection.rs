//! One connection as the supervisor holds it: the machine of its lives, and the threads of those that run.

use crate::engine::connection::end::EndReason;
use crate::engine::connection::lifecycle::Lifecycle;
use crate::engine::connection::session::SessionRules;
use crate::engine::connection::succession::Succession;
use crate::engine::id::{ConnectionId, Generation};
use crate::engine::time::Mono;
use crate::shell::beat::Beat;
use crate::shell::count::FeedCounters;
use crate::shell::event::Event;
use crate::shell::link::Target;
use crate::shell::port::{Command, Port};
use crate::shell::purse::Purse;
use crate::shell::queue::{Entrance, LossBoard};
use crate::shell::reader::{self, Plan, Routes};
use crate::shell::status::ConnectionStatus;
use crate::shell::supervisor::{Common, NewScope, Running};
use crate::shell::sync::channel::Sender;
use crate::shell::thread;
use crate::venue::{Dial, Scope, Venue};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// The same for every life of a connection.
pub struct Facts {
    pub id: ConnectionId,
    pub venue: Arc<dyn Venue>,
    pub dial: Dial,
    pub target: Target,
    pub scope: Scope,
    pub rules: SessionRules,
    pub routes: Arc<Routes>,
    pub message_bytes_max: usize,
    pub purse: Purse,
    pub counters: Arc<FeedCounters>,
    pub status: Arc<ConnectionStatus>,
    pub beat: Arc<Beat>,
}

pub struct Connection {
    pub facts: Facts,
    pub lives: Succession,
    pub addresses: Vec<SocketAddr>,
    /// Two at most.
    threads: Vec<Living>,
}

/// The thread of a life, from spawn to the last fence.
struct Living {
    generation: Generation,
    reader: Option<Box<dyn Running>>,
    port: Option<Arc<Port>>,
    /// The reader said its last word.
    said_farewell: bool,
    /// The machine waits for the join.
    joining: bool,
    /// Workers that have not passed the fence yet.
    fences_due: usize,
    /// Workers that say that this life carries what they keep.
    carried: Vec<usize>,
}

/// Says that a reader ended even when it panics, and that it never began when there was no thread for it.
pub struct Farewell {
    events: Sender<Event>,
    connection: ConnectionId,
    generation: Generation,
    reason: Option<EndReason>,
}

impl Farewell {
    /// Lives the life, and remembers how it ended.
    pub fn run(&mut self, plan: Plan) {
        self.begin();
        self.reason = Some(reader::run(plan));
    }

    /// The reader runs: if it ends without a word from here on, it panicked.
    pub fn begin(&mut self) {
        self.reason = None;
    }

    /// It ended for this reason.
    pub fn ended(mut self, reason: EndReason) {
        self.reason = Some(reason);
    }
}

impl Drop for Farewell {
    fn drop(&mut self) {
        let reason = self.reason.take().unwrap_or(EndReason::Panic);
        let (connection, generation) = (self.connection, self.generation);
        // The inbox has room for every connection's few words; the wait is for a supervisor deep in work, and bounded.
        let _ =
            self.events.send_timeout(Event::Ended { connection, generation, reason }, Duration::from_secs(1));
    }
}

impl Connection {
    pub fn new(facts: Facts, lifecycle: Lifecycle) -> Connection {
        Connection { facts, lives: Succession::new(lifecycle), addresses: Vec::new(), threads: Vec::new() }
    }

    /// Starts the thread of a new life.
    ///
    /// # Errors
    /// No descriptor or no thread is to be had.
    pub fn spawn(
        &mut self,
        generation: Generation,
        common: &Common,
        entrances: &[Entrance],
        losses: &Arc<dyn LossBoard>,
    ) -> io::Result<()> {
        let beside = self.lives.survivor_of(generation);
        let running =
            self.threads.iter().filter(|l| l.reader.is_some() && Some(l.generation) != beside).count();
        assert!(
            running == 0,
            "a life is joined before the next begins, but for the one it takes over from (I5)"
        );
        let port = Arc::new(Port::new()?);
        let inlet = |e: &Entrance| {
            let (id, losses) = (self.facts.id, losses.clone());
            e.inlet(id, generation, beside, common.batch, common.overflow, losses)
        };
        let mut rules = self.facts.rules;
        rules.connect_timeout = rules.connect_timeout.saturating_sub(self.lives.resolve_took());
        let plan = Plan {
            connection: self.facts.id,
            generation,
            venue: self.facts.venue.clone(),
            dial: self.facts.dial.clone(),
            target: self.facts.target.clone(),
            addresses: std::mem::take(&mut self.addresses),
            scope: self.facts.scope.clone(),
            rules,
            age_jitter_seed: common.seed ^ generation.0,
            routes: self.facts.routes.clone(),
            inlets: entrances.iter().map(inlet).collect(),
            message_bytes_max: self.facts.message_bytes_max,
            purse: self.facts.purse.clone(),
            counters: self.facts.counters.clone(),
            status: self.facts.status.clone(),
            shedding: common.shedding.clone(),
            port: port.clone(),
            events: common.events.clone(),
            beat: self.facts.beat.clone(),
            tls: common.tls.clone(),
            clock: common.clock.clone(),
        };
        let farewell = Farewell {
            events: common.events.clone(),
            connection: self.facts.id,
            generation,
            reason: Some(EndReason::NoThread),
        };
        self.facts.beat.mark(common.clock.mono());
        let name = format!("rd-{}-{}", self.facts.counters.name, self.facts.id.0);
        let reader = Some(common.readers.start(&name, plan, farewell)?);
        common.ports.set(generation, Some(port.clone()));
        self.threads.push(Living {
            generation,
            reader,
            port: Some(port),
            said_farewell: false,
            joining: false,
            fences_due: 0,
            carried: Vec::new(),
        });
        Ok(())
    }

    /// The reader's thread is ending. Of a life that never began there is none.
    pub fn farewell(&mut self, generation: Generation) {
        if let Some(life) = self.living(generation) {
            life.said_farewell = true;
        }
    }

    pub fn shut(&self, generation: Generation) {
        let port =
            self.threads.iter().find(|life| life.generation == generation).and_then(|l| l.port.as_ref());
        if let Some(port) = port {
            port.shut();
        }
    }

    /// Its reader is to be joined as soon as that does not wait.
    pub fn join(&mut self, now: Mono, generation: Generation) {
        match self.living(generation) {
            Some(life) => life.joining = true,
            None => self.lives.joined(now, generation),
        }
    }

    /// Joins the readers that are to be, when that does not wait: when they have said their last word.
    pub fn try_join(&mut self, common: &Common, now: Mono) {
        for life in self.threads.iter_mut().filter(|life| life.joining) {
            let Some(reader) = life.reader.take() else { continue };
            if !life.said_farewell && !reader.is_finished() {
                life.reader = Some(reader);
                continue;
            }
            if let thread::Ended::Panicked(message) = reader.join() {
                let name = &self.facts.counters.name;
                log::error!("feed {name}: the reader panicked: {message}; it is started again");
            }
            common.ports.set(life.generation, None);
            (life.port, life.joining) = (None, false);
            self.lives.joined(now, life.generation);
        }
    }

    /// So many workers were sent the fence of a life.
    pub fn fence(&mut self, now: Mono, generation: Generation, workers: usize) {
        match self.living(generation).filter(|_| workers > 0) {
            Some(life) => life.fences_due = workers,
            None => self.fences_are_over(now, generation),
        }
    }

    /// A worker has passed the fence of a life.
    pub fn fenced(&mut self, now: Mono, generation: Generation) {
        let Some(life) = self.living(generation) else { return };
        life.fences_due = life.fences_due.saturating_sub(1);
        if life.fences_due == 0 {
            self.fences_are_over(now, generation);
        }
    }

    fn fences_are_over(&mut self, now: Mono, generation: Generation) {
        self.threads.retain(|life| life.generation != generation);
        self.lives.fenced(now, generation);
    }

    /// A worker of so many says that a successor carries what it keeps.
    pub fn carried(&mut self, now: Mono, generation: Generation, worker: usize, workers: usize) {
        let Some(life) = self.living(generation) else { return };
        if !life.carried.contains(&worker) {
            life.carried.push(worker);
        }
        if life.carried.len() >= workers {
            self.lives.carried(now, generation);
        }
    }

    fn living(&mut self, generation: Generation) -> Option<&mut Living> {
        self.threads.iter_mut().find(|life| life.generation == generation)
    }

    /// Goes on with other symbols: the lives that run are told, the next begins so.
    pub fn rescope(&mut self, new: NewScope) {
        let NewScope { dial, scope, routes, added, removed, .. } = new;
        self.facts.dial = dial;
        self.facts.scope = scope.clone();
        self.facts.routes = routes.clone();
        self.facts.status.tell(|told| told.symbols = scope.symbols.len());
        for port in self.threads.iter().filter_map(|life| life.port.as_ref()) {
            let (scope, routes) = (scope.clone(), routes.clone());
            let (added, removed) = (added.clone(), removed.clone());
            // A reader too busy to be told is replaced; the next one knows.
            if !port.command(Command::Rescope { scope, routes, added, removed }) {
                port.shut();
            }
        }
    }

    /// Lets a thread go that does not end. Only on the way to a failed exit.
    pub fn abandon(&mut self) {
        self.threads.iter_mut().filter_map(|life| life.reader.take()).for_each(Running::abandon);
    }
}
