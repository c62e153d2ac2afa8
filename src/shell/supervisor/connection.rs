//! One connection as the supervisor holds it: its lifecycle machine, and the thread of its present life.

use crate::engine::connection::end::EndReason;
use crate::engine::connection::lifecycle::Lifecycle;
use crate::engine::connection::session::SessionRules;
use crate::engine::id::{ConnectionId, Generation};
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
    pub lifecycle: Lifecycle,
    pub addresses: Vec<SocketAddr>,
    reader: Option<Box<dyn Running>>,
    port: Option<Arc<Port>>,
    /// The reader said its last word.
    said_farewell: bool,
    /// The machine waits for the join.
    pub joining: bool,
    /// Workers that have not passed the fence yet.
    pub fences_due: usize,
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
        Connection {
            facts,
            lifecycle,
            addresses: Vec::new(),
            reader: None,
            port: None,
            said_farewell: false,
            joining: false,
            fences_due: 0,
        }
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
        assert!(self.reader.is_none(), "a life is joined before the next begins (I5)");
        let port = Arc::new(Port::new()?);
        let inlet =
            |e: &Entrance| e.inlet(self.facts.id, generation, common.batch, common.overflow, losses.clone());
        let mut rules = self.facts.rules;
        rules.connect_timeout = rules.connect_timeout.saturating_sub(self.lifecycle.resolve_took());
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
        self.reader = Some(common.readers.start(&name, plan, farewell)?);
        self.said_farewell = false;
        common.ports.set(self.facts.id, Some((generation, port.clone())));
        self.port = Some(port);
        Ok(())
    }

    /// The reader's thread is ending.
    pub fn farewell(&mut self) {
        self.said_farewell = true;
    }

    pub fn shut(&self) {
        if let Some(port) = &self.port {
            port.shut();
        }
    }

    /// Joins the reader when that does not wait: it has said its last word, or there is none.
    pub fn try_join(&mut self, common: &Common) -> bool {
        let Some(reader) = self.reader.take() else { return true };
        if !self.said_farewell && !reader.is_finished() {
            self.reader = Some(reader);
            return false;
        }
        if let thread::Ended::Panicked(message) = reader.join() {
            log::error!(
                "feed {}: the reader panicked: {message}; it is started again",
                self.facts.counters.name
            );
        }
        common.ports.set(self.facts.id, None);
        self.port = None;
        true
    }

    /// Goes on with other symbols: the life that runs is told, the next begins so.
    pub fn rescope(&mut self, new: NewScope) {
        let NewScope { dial, scope, routes, added, removed, .. } = new;
        self.facts.dial = dial;
        self.facts.scope = scope.clone();
        self.facts.routes = routes.clone();
        self.facts.status.tell(|told| told.symbols = scope.symbols.len());
        // A reader too busy to be told is replaced; the next one knows.
        let told =
            self.port.as_ref().is_none_or(|p| p.command(Command::Rescope { scope, routes, added, removed }));
        if !told {
            self.shut();
        }
    }

    /// Lets a thread go that does not end. Only on the way to a failed exit.
    pub fn abandon(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.abandon();
        }
    }
}
