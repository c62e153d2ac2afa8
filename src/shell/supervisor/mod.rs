//! The supervisor: performs what the connections' lifecycle machines say, in the order they say it.
//!
//! It is the main thread. It waits on its inbox and on the machines' next deadline, owns every reader, and is the only
//! one that starts, shuts and joins them. There is one way down for every connection, whatever ended it.

mod account;
mod connection;
mod parts;
mod pulse;

use crate::engine::connection::end::EndReason;
use crate::engine::connection::step::{Phase, Step};
use crate::engine::connection::succession::Succession;
use crate::engine::id::{ConnectionId, Generation};
use crate::engine::time::Mono;
use crate::shell::event::Event;
use crate::shell::queue::{Entrance, Job, LossBoard};
use crate::shell::recovery::Notice;
use crate::shell::registry::Registry;
use crate::shell::resolver::Asker;
use crate::shell::sync::channel::{Receiver, RecvTimeoutError, Sender};
use connection::Connection;
pub use connection::{Facts, Farewell};
pub use parts::{Common, Exit, Lines, NewScope, Parts, Readers, Reload, Running, Threads};
pub use pulse::{Observer, Pulse, Reporter};
use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

/// A worker or reader that panics more often than this within [`PANIC_WINDOW`] is not going to get better.
const PANICS_MAX: usize = 3;
const PANIC_WINDOW: Duration = Duration::from_secs(60);

pub struct Supervisor {
    connections: Vec<Connection>,
    common: Common,
    inbox: Receiver<Event>,
    entrances: Vec<Entrance>,
    losses: Arc<dyn LossBoard>,
    names: Asker,
    notices: Sender<Notice>,
    registry: Arc<Registry>,
    pulse: Pulse,
    reload: Option<Reload>,
    panics: VecDeque<Mono>,
    /// The order of a turn, kept for its room.
    line: Vec<(Mono, usize)>,
    stopping: bool,
    failed: Option<String>,
}

impl Supervisor {
    pub fn new(parts: Parts, lines: Lines) -> Supervisor {
        let Parts { common, inbox, entrances, losses, names, notices, registry, pulse, reload } = parts;
        let connection = |(facts, lifecycle)| Connection::new(facts, lifecycle);
        let connections = lines.start.into_iter().map(connection).collect();
        Supervisor {
            connections,
            common,
            inbox,
            entrances,
            losses,
            names,
            notices,
            registry,
            pulse,
            reload,
            panics: VecDeque::new(),
            line: Vec::new(),
            stopping: false,
            failed: None,
        }
    }

    /// Runs until told to stop, or until something is beyond repair.
    pub fn run(mut self) -> Exit {
        self.start();
        loop {
            let deadline = match self.turn() {
                ControlFlow::Break(exit) => return exit,
                ControlFlow::Continue(deadline) => deadline,
            };
            match self.inbox.recv_timeout(deadline.since(self.common.clock.mono())) {
                Ok(event) => self.event(event),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    self.failed = Some("nobody can reach the supervisor".to_owned())
                }
            }
        }
    }

    /// Begins with every connection. Once, before the first turn.
    pub fn start(&mut self) {
        let now = self.common.clock.mono();
        for connection in &mut self.connections {
            connection.lives.start(now);
        }
    }

    /// Does all there is to do without waiting; says when the next turn is due though nothing comes.
    pub fn turn(&mut self) -> ControlFlow<Exit, Mono> {
        let mut line = std::mem::take(&mut self.line);
        in_line(&mut line, self.connections.iter().map(|c| c.lives.queued_since()));
        line.iter().for_each(|&(_, index)| self.advance(index));
        self.line = line;
        self.begin_handovers();
        if !self.stopping {
            // Those that a reload took away.
            self.connections.retain(|c| c.lives.phase() != Phase::Stopped);
        }
        if let Some(why) = self.failed.take() {
            // A thread that does not end cannot be joined: the process's end is what ends it.
            self.connections.iter_mut().for_each(Connection::abandon);
            return ControlFlow::Break(Exit::Failed(why));
        }
        if self.stopping && self.connections.iter().all(|c| c.lives.phase() == Phase::Stopped) {
            return ControlFlow::Break(Exit::Stopped);
        }
        let stamp = self.common.clock.stamp();
        let next_pulse = self.pulse.beat(stamp, &self.registry, self.stopping);
        ControlFlow::Continue(self.connections.iter().map(|c| c.lives.deadline()).fold(next_pulse, Mono::min))
    }

    /// Takes one event that has come already; false when none has.
    pub fn take(&mut self) -> bool {
        let came = self.inbox.try_recv();
        came.is_ok_and(|event| {
            self.event(event);
            true
        })
    }

    /// Events that have come.
    pub fn waiting(&self) -> usize {
        self.inbox.len()
    }

    /// The connections there are, each where it is in its life.
    pub fn lifecycles(&self) -> impl Iterator<Item = (ConnectionId, &Succession)> {
        self.connections.iter().map(|c| (c.facts.id, &c.lives))
    }

    /// Takes what came; a turn is due after it.
    pub fn event(&mut self, event: Event) {
        let now = self.common.clock.mono();
        match event {
            Event::Upgraded { connection, generation } => {
                self.with(connection, |c| c.lives.upgraded(now, generation));
            }
            Event::Subscribed { connection, generation } => {
                self.with(connection, |c| c.lives.subscribed(now, generation));
                self.subscribed(connection);
            }
            Event::Ended { connection, generation, reason } => {
                self.ended(connection, generation, reason, now)
            }
            Event::Resolved { connection, answer } => self.with(connection, |c| {
                let ok = answer.is_ok();
                match answer {
                    Ok(addresses) => c.addresses = addresses,
                    Err(why) => c.facts.counters.unresolved(&c.facts.target.host, &why, now),
                }
                c.lives.resolved(now, ok);
            }),
            Event::Fenced { connection, generation, .. } => {
                self.with(connection, |c| c.fenced(now, generation));
            }
            Event::Leaving { connection, generation, reason } => {
                self.with(connection, |c| c.lives.leave(now, generation, reason));
            }
            Event::Carried { worker, connection, generation } => {
                let workers = self.entrances.len();
                self.with(connection, |c| c.carried(now, generation, worker, workers));
            }
            Event::Reconnect { connection, generation } => self.with(connection, |c| {
                c.lives.ended(now, generation, EndReason::Requested);
            }),
            Event::WorkerPanicked { worker, message } => self.worker_panicked(worker, &message, now),
            Event::Lost { thread, message } => {
                self.failed = Some(format!("thread {thread} is lost: {message}"))
            }
            Event::Stop => self.stop(now),
            Event::Dump => self.registry.dump(),
            Event::Reload => self.reload(now),
        }
    }

    fn stop(&mut self, now: Mono) {
        if !self.stopping {
            self.stopping = true;
            log::info!("stopping");
            self.pulse.stopping();
            for connection in &mut self.connections {
                connection.lives.stop(now);
            }
        }
    }

    /// Follows a changed configuration; what did not change is not touched.
    fn reload(&mut self, now: Mono) {
        let Some(reload) = self.reload.as_mut().filter(|_| !self.stopping) else {
            log::warn!("there is no configuration file to read again");
            return;
        };
        let lines = match reload() {
            Ok(lines) => lines,
            Err(why) => {
                log::error!("the configuration is not taken, nothing changes: {why}");
                return;
            }
        };
        if let Some(thread) = lines.untold {
            self.failed =
                Some(format!("the changed configuration cannot be followed: {thread} takes nothing"));
            return;
        }
        let (started, stopped, rescoped) = (lines.start.len(), lines.stop.len(), lines.rescope.len());
        for (facts, mut lifecycle) in lines.start {
            lifecycle.start(now);
            self.connections.push(Connection::new(facts, lifecycle));
        }
        for id in lines.stop {
            self.with(id, |c| c.lives.stop(now));
        }
        for scope in lines.rescope {
            self.with(scope.connection, |c| c.rescope(scope));
        }
        log::info!(
            "configuration read again: {started} connections more, {stopped} fewer, {rescoped} with other symbols"
        );
    }

    fn ended(&mut self, connection: ConnectionId, generation: Generation, reason: EndReason, now: Mono) {
        if reason == EndReason::Panic {
            self.panicked(now);
        }
        let stamp = self.common.clock.stamp();
        self.with(connection, |c| {
            c.farewell(generation);
            if matches!(reason, EndReason::UpgradeRefused { wait: Some(_), .. }) {
                // Venues count addresses: what one connection is told holds for all.
                c.facts.purse.hold_connects(stamp, now.after(reason.min_wait()));
            }
            c.lives.ended(now, generation, reason);
        });
    }

    fn worker_panicked(&mut self, worker: usize, message: &str, now: Mono) {
        log::error!("worker {worker} panicked: {message}; its books are read anew");
        self.panicked(now);
        // What the worker knew is gone, so every stream has to begin again.
        for connection in &mut self.connections {
            for generation in connection.lives.generations() {
                connection.lives.ended(now, generation, EndReason::Panic);
            }
        }
    }

    fn panicked(&mut self, now: Mono) {
        self.panics.push_back(now);
        while self.panics.front().is_some_and(|at| now.since(*at) > PANIC_WINDOW) {
            self.panics.pop_front();
        }
        if self.panics.len() >= PANICS_MAX {
            self.failed = Some(format!("{PANICS_MAX} panics within {} s", PANIC_WINDOW.as_secs()));
        }
    }

    /// Performs every step a connection's machine has ready.
    fn advance(&mut self, index: usize) {
        loop {
            let now = self.common.clock.mono();
            let Some(connection) = self.connections.get_mut(index) else { return };
            connection.try_join(&self.common, now);
            let step = connection.lives.next(now);
            let (phase, current) = (connection.lives.phase(), connection.lives.generation());
            connection.facts.status.tell(|told| {
                told.phase = phase.name();
                told.generation = current.map_or(told.generation, |g| g.0);
            });
            match step {
                None => return,
                Some(step) => self.perform(index, step, now),
            }
        }
    }

    fn perform(&mut self, index: usize, step: Step, now: Mono) {
        let Some(c) = self.connections.get_mut(index) else { return };
        let id = c.facts.id;
        match step {
            Step::Resolve => {
                let events = self.common.events.clone();
                // A supervisor that is gone needs no answer.
                let reply = move |answer| drop(events.try_send(Event::Resolved { connection: id, answer }));
                let (target, within) = (&c.facts.target, c.facts.rules.connect_timeout);
                self.names.ask(&target.host, target.port, within, reply);
            }
            Step::LookupTimedOut => {
                let within = c.facts.rules.connect_timeout;
                let why = format!("no answer within {} ms", within.as_millis());
                c.facts.counters.unresolved(&c.facts.target.host, &why, now);
            }
            Step::AskConnect => {
                let token = c.facts.purse.take_connect(self.common.clock.stamp());
                c.lives.connect_token(now, token);
            }
            Step::Spawn { generation } => {
                c.facts.status.tell(|told| told.lives += 1);
                c.facts.status.believe(generation);
                if let Err(e) = c.spawn(generation, &self.common, &self.entrances, &self.losses) {
                    log::error!("feed {}: cannot start a reader: {e}; trying again", c.facts.counters.name);
                    c.lives.ended(now, generation, EndReason::NoThread);
                }
            }
            Step::MarkDead(generation) => {
                c.facts.status.disbelieve(generation);
                let since = self.common.clock.stamp();
                let connected = c.lives.phase() == Phase::Subscribed;
                c.facts.status.tell(|told| {
                    if told.connected && !connected {
                        (told.connected, told.since) = (false, since);
                    }
                });
            }
            Step::Shut(generation) => c.shut(generation),
            Step::Join(generation) => c.join(now, generation),
            Step::Fence(generation) => {
                let send = |e: &&Entrance| e.send(Job::Fence { connection: id, generation }).is_ok();
                let sent = self.entrances.iter().filter(send).count();
                c.fence(now, generation, sent);
            }
            Step::Move { generation } => {
                for entrance in &self.entrances {
                    // A worker that takes nothing is not waited for.
                    let _ = entrance.send(Job::Move { connection: id, generation });
                }
            }
            Step::Cancel(generation) => {
                let survivor = c.lives.survivor_of(generation);
                let down = Notice::Down { connection: id, generation, survivor };
                // Bounded by what the recovery thread does between two looks at its inbox.
                let _ = self.notices.send_timeout(down, Duration::from_secs(1));
            }
            Step::Record { teardown, .. } => self.record(index, teardown, now),
            Step::Stuck { joining, .. } => {
                let what = if joining { "its reader does not end" } else { "a worker does not move" };
                self.failed = Some(format!("feed {}: a teardown is stuck: {what}", c.facts.counters.name));
            }
            Step::Stopped => {}
        }
    }

    fn with(&mut self, connection: ConnectionId, act: impl FnOnce(&mut Connection)) {
        if let Some(c) = self.connections.iter_mut().find(|c| c.facts.id == connection) {
            act(c);
        }
    }
}

/// Places in the order in which they are to ask: whoever has waited longest for one of the venue's connects first. Else one
/// that comes before another and fails again and again would take them all.
fn in_line(line: &mut Vec<(Mono, usize)>, queued_since: impl Iterator<Item = Option<Mono>>) {
    line.clear();
    line.extend(queued_since.enumerate().map(|(place, since)| (since.unwrap_or(Mono::NEVER), place)));
    line.sort_unstable();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_has_waited_longest_asks_first() {
        let mut line = vec![(Mono::ZERO, 7)];
        let at = |nanos| Some(Mono::from_nanos(nanos));
        in_line(&mut line, [None, at(30), at(10), None, at(30)].into_iter());
        let places: Vec<usize> = line.iter().map(|(_, place)| *place).collect();
        assert_eq!(places, [2, 1, 4, 0, 3]);
    }
}
