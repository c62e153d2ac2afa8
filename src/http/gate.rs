//! The gate: one thread, one `poll`, every public connection.
//!
//! Owns the public socket, the table of connections and all their limits. It reads heads, turns away what is too
//! much, hands the rest to tiny_http four at a time, and writes the answers. It waits for nobody: every connection
//! has a deadline, and a failing `accept` is a pause, never an end.

use crate::engine::time::{Mono, Stamp};
use crate::http::backend::Backend;
use crate::http::connection::{Connection, Note};
use crate::http::counters::Counters;
use crate::http::limits::{
    ACCEPT_PAUSE_MAX, ACCEPT_PAUSE_MIN, ACCEPTS_A_TURN, ANSWER_BYTES_MAX, ANSWERS_BYTES_MAX, LINGERING_MAX,
    LOOPBACK_SLOTS, PER_SOURCE_MAX, REPORT_EVERY, SLOW_READER_AFTER, UPSTREAM_MAX,
};
use crate::http::listener::{Listener, Peer};
use crate::http::refusal::Refusal;
use crate::http::routes::Route;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io::ErrorKind;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// The process's one clock.
pub type Clock = Arc<dyn Fn() -> Stamp + Send + Sync>;

pub struct Gate {
    pub listener: Listener,
    pub backend: Arc<Backend>,
    pub counters: Arc<Counters>,
    pub clock: Clock,
    /// Readable once the gate shall end.
    pub stop: Arc<OwnedFd>,
    pub connections_max: usize,
    pub exchange_within: Duration,
    connections: Vec<Connection>,
    /// No `accept` before this.
    accept_from: Mono,
    accept_pause: Duration,
    turns: u64,
}

/// What `poll` said, taken out of its borrows.
struct Ready {
    stop: bool,
    listener: bool,
    /// Client and private flags of each connection, in order.
    connections: Vec<(PollFlags, PollFlags)>,
}

impl Gate {
    pub fn new(
        listener: Listener,
        backend: Arc<Backend>,
        counters: Arc<Counters>,
        clock: Clock,
        stop: Arc<OwnedFd>,
        connections_max: usize,
        exchange_within: Duration,
    ) -> Gate {
        Gate {
            listener,
            backend,
            counters,
            clock,
            stop,
            connections_max,
            exchange_within,
            connections: Vec::with_capacity(connections_max.saturating_add(LINGERING_MAX)),
            accept_from: Mono::ZERO,
            accept_pause: ACCEPT_PAUSE_MIN,
            turns: 0,
        }
    }

    /// Serves until told to stop. Every connection is closed when it returns.
    pub fn run(&mut self) {
        loop {
            let now = (self.clock)().mono;
            self.counters.gate_reports(now);
            self.expire(now);
            self.ask_waiting(now);
            self.forget_closed();
            let ready = self.wait(now);
            if ready.stop {
                break;
            }
            let now = (self.clock)().mono;
            self.serve(&ready, now);
            if ready.listener {
                self.accept(now);
            }
        }
        self.drop_all();
    }

    /// Closes every connection at once: at the end, and after a panic, when none can be trusted.
    pub fn drop_all(&mut self) {
        self.connections.clear();
        self.counters.connections.store(0, Relaxed);
    }

    fn wait(&self, now: Mono) -> Ready {
        let accepting = now >= self.accept_from;
        let listen_for = if accepting { PollFlags::IN } else { PollFlags::empty() };
        let mut fds = Vec::with_capacity(2 + self.connections.len() + UPSTREAM_MAX);
        fds.push(PollFd::new(&*self.stop, PollFlags::IN));
        fds.push(PollFd::new(&self.listener.socket, listen_for));
        for c in &self.connections {
            fds.push(PollFd::new(&c.client, c.client_interest()));
            if let Some(upstream) = c.upstream() {
                fds.push(PollFd::new(upstream, PollFlags::IN));
            }
        }
        let timeout = to_timespec(self.next_deadline(now).since(now));
        if poll(&mut fds, Some(&timeout)).is_err() {
            // Interrupted, or the kernel is out of memory: look at deadlines and come back.
            return Ready { stop: false, listener: false, connections: Vec::new() };
        }
        let mut flags = fds.iter().map(PollFd::revents);
        let mut next = || flags.next().unwrap_or(PollFlags::empty());
        let (stop, listener) = (!next().is_empty(), !next().is_empty());
        let connections = self.connections.iter().map(|c| {
            let client = next();
            (client, if c.upstream().is_some() { next() } else { PollFlags::empty() })
        });
        Ready { stop, listener: listener && accepting, connections: connections.collect() }
    }

    fn next_deadline(&self, now: Mono) -> Mono {
        let report = now.after(REPORT_EVERY);
        let accept = if self.accept_from > now { self.accept_from } else { Mono::NEVER };
        // Someone waits for room: a slow reader gives way as soon as it may.
        let waiting = self.connections.iter().any(|c| c.turn().is_some());
        let slow = if waiting { now.after(SLOW_READER_AFTER / 4) } else { Mono::NEVER };
        let deadlines = self.connections.iter().map(Connection::deadline);
        deadlines.chain([report, accept, slow]).min().unwrap_or(report)
    }

    fn serve(&mut self, ready: &Ready, now: Mono) {
        for (i, (client, upstream)) in ready.connections.iter().enumerate() {
            let Some(c) = self.connections.get_mut(i) else { break };
            if !upstream.is_empty() {
                let note = c.upstream_ready(now);
                count(&self.counters, note);
            }
            if !client.is_empty() {
                self.turns = self.turns.saturating_add(1);
                let note = c.client_ready(*client, now, self.turns);
                count(&self.counters, note);
            }
        }
    }

    fn expire(&mut self, now: Mono) {
        for c in self.connections.iter_mut().filter(|c| c.deadline() <= now) {
            let note = c.expire(now);
            count(&self.counters, note);
        }
    }

    /// Hands waiting requests to tiny_http, longest waiting first, as far as its places and our memory go.
    fn ask_waiting(&mut self, now: Mono) {
        loop {
            let waiting = self.connections.iter().enumerate().filter_map(|(i, c)| Some((c.turn()?, i)));
            let Some((_, first)) = waiting.min() else { return };
            if self.connections.iter().filter(|c| c.is_asking()).count() >= UPSTREAM_MAX {
                return;
            }
            let held: usize = self.connections.iter().map(Connection::answer_bytes).sum();
            if held + ANSWER_BYTES_MAX > ANSWERS_BYTES_MAX && !self.cut_slow_reader(now) {
                return;
            }
            let backend = &self.backend;
            let note = self.connections[first].ask(|| backend.connect(now), now);
            count(&self.counters, note);
        }
    }

    /// Closes the connection that has been reading its answer for longest, if that is too long. Says whether it did.
    fn cut_slow_reader(&mut self, now: Mono) -> bool {
        let reading = self.connections.iter_mut().filter(|c| c.writing_since().is_some());
        match reading.min_by_key(|c| c.writing_since()) {
            Some(c) if c.writing_since().is_some_and(|since| now.since(since) >= SLOW_READER_AFTER) => {
                c.close();
                count(&self.counters, Note::TimedOut);
                true
            }
            _ => false,
        }
    }

    fn forget_closed(&mut self) {
        self.connections.retain(|c| !c.is_closed());
        let lingering = self.connections.iter().filter(|c| c.is_lingering()).count();
        // They are in order of accept: the first ones have had the longest goodbye.
        let mut over = lingering.saturating_sub(LINGERING_MAX);
        self.connections.retain(|c| {
            let cut = over > 0 && c.is_lingering();
            over -= usize::from(cut);
            !cut
        });
        let slots = self.connections.iter().filter(|c| c.takes_slot()).count();
        self.counters.connections.store(slots as u64, Relaxed);
    }

    fn accept(&mut self, now: Mono) {
        for _ in 0..ACCEPTS_A_TURN {
            match self.listener.accept() {
                Ok((client, peer)) => {
                    self.accept_pause = ACCEPT_PAUSE_MIN;
                    self.counters.accepted.fetch_add(1, Relaxed);
                    let mut connection = Connection::new(client, peer, now, self.exchange_within);
                    if let Some(refusal) = self.refusal_for(peer) {
                        self.counters.refused.fetch_add(1, Relaxed);
                        let note = connection.refuse(refusal, now);
                        count(&self.counters, note);
                    }
                    self.connections.push(connection);
                    // Keeps the table within its size during a storm of refusals.
                    self.forget_closed();
                }
                Err(e) if e.kind() == ErrorKind::WouldBlock => return,
                Err(e) if matches!(e.kind(), ErrorKind::Interrupted | ErrorKind::ConnectionAborted) => {}
                Err(_) => {
                    // No descriptors or no memory: the backlog keeps the clients, we come back.
                    self.counters.accept_errors.fetch_add(1, Relaxed);
                    self.accept_from = now.after(self.accept_pause);
                    self.accept_pause = (self.accept_pause * 2).min(ACCEPT_PAUSE_MAX);
                    return;
                }
            }
        }
    }

    /// Whether there is a slot for this peer.
    fn refusal_for(&self, peer: Peer) -> Option<Refusal> {
        let taken = || self.connections.iter().filter(|c| c.takes_slot());
        let slots = match peer {
            Peer::Local => self.connections_max,
            Peer::Remote(_) => self.connections_max.saturating_sub(LOOPBACK_SLOTS),
        };
        if taken().count() >= slots {
            return Some(Refusal::Full);
        }
        let same = taken().filter(|c| c.peer == peer).count();
        (peer != Peer::Local && same >= PER_SOURCE_MAX).then_some(Refusal::PerSource)
    }
}

fn count(counters: &Counters, note: Note) {
    match note {
        Note::Nothing => {}
        Note::Refused(refusal) => counters.answered(Route::Refused, refusal.status()),
        Note::TimedOut => {
            counters.timeouts.fetch_add(1, Relaxed);
        }
    }
}

/// Rounded up to the next millisecond: waking a little early would spin until the deadline.
fn to_timespec(wait: Duration) -> Timespec {
    let wait = wait + Duration::from_micros(999);
    Timespec {
        tv_sec: i64::try_from(wait.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(wait.subsec_millis()) * 1_000_000,
    }
}
