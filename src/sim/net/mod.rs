//! The simulated venue's network: a [`Host`] is told what clients said and answers through [`Net`]; [`Sockets`] is the
//! real one, a listener and its clients, all non-blocking, turned by one thread.
//!
//! It knows HTTP and WebSocket and nothing of markets.

pub mod http;
mod peer;
pub mod wire;

use crate::engine::time::Mono;
use http::Response;
use peer::Peer;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::collections::BTreeMap;
use std::io;
use std::net::TcpListener;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;
use tungstenite::protocol::frame::FrameHeader;

pub use peer::Gate;

/// Sockets open at once; one more is closed as soon as it is accepted. Past any daemon's need, short of a default
/// limit of 1,024 descriptors.
const SOCKETS_MAX: usize = 512;
/// After a failed accept (no descriptors left, mostly) others get a chance to close some.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Longest sleep, so that a lost wake-up costs no more.
const SLEEP_MAX: Duration = Duration::from_millis(200);

/// One client socket; never reused.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PeerId(pub u64);

/// What clients did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// A call to be answered with [`Net::respond`].
    Request(PeerId, http::Head),
    /// An upgrade to be answered with [`Net::accept`], [`Net::respond`] or not at all; with the client's key.
    Upgrade(PeerId, http::Head, String),
    Text(PeerId, String),
    Ping(PeerId),
    Pong(PeerId),
    /// The answer to this peer's call was handed to the kernel whole.
    Answered(PeerId),
    /// The socket is gone, by whoever's doing.
    Gone(PeerId),
}

/// What stands behind the sockets.
pub trait Host: Send {
    fn event(&mut self, now: Mono, event: Event, net: &mut dyn Net);
    /// Called every turn: says what is due.
    fn run(&mut self, now: Mono, net: &mut dyn Net);
    /// When [`Host::run`] has something to say without an event.
    fn deadline(&self) -> Mono;
}

/// What a [`Host`] may do to its clients. Whoever is gone already hears nothing.
pub trait Net {
    /// Lets an upgrade in; `key` is the client's.
    fn accept(&mut self, id: PeerId, key: &str);
    /// Answers a request or refuses an upgrade, at a time.
    fn respond(&mut self, id: PeerId, response: Response, at: Mono);
    /// Sends a whole message.
    fn text(&mut self, id: PeerId, text: &str);
    /// Sends a frame as it is.
    fn frame(&mut self, id: PeerId, header: &FrameHeader, payload: &[u8]);
    /// Sends bytes that need not be a frame at all.
    fn raw(&mut self, id: PeerId, bytes: &[u8]);
    fn ping(&mut self, id: PeerId);
    /// Sends a close frame, then ends the connection.
    fn close(&mut self, id: PeerId, code: u16, reason: &str, now: Mono);
    /// Ends a connection without a close frame; what is queued still goes out.
    fn fin(&mut self, id: PeerId, now: Mono);
    /// Ends a connection now; what is queued is lost.
    fn reset(&mut self, id: PeerId);
    /// So many of the next sockets are reset as they are accepted.
    fn reset_next(&mut self, count: u32);
    fn set_gate(&mut self, id: PeerId, gate: Gate);
    /// Bytes queued and not yet sent.
    fn backlog(&self, id: PeerId) -> usize;
    /// True while the WebSocket can be spoken on: not closing, not half-open.
    fn is_open(&self, id: PeerId) -> bool;
    /// A message went out by other means than [`Net::text`].
    fn count(&mut self);
    /// Text messages sent so far.
    fn messages(&self) -> u64;
    /// Their bytes.
    fn bytes(&self) -> u64;
}

/// Real sockets.
#[derive(Debug)]
pub struct Sockets {
    listener: TcpListener,
    peers: BTreeMap<PeerId, Peer>,
    next_id: u64,
    accept_from: Mono,
    /// Sockets to reset as they are accepted.
    reset_next: u32,
    messages: u64,
    bytes: u64,
}

impl Sockets {
    pub fn new(listener: TcpListener) -> io::Result<Sockets> {
        listener.set_nonblocking(true)?;
        Ok(Sockets {
            listener,
            peers: BTreeMap::new(),
            next_id: 1,
            accept_from: Mono::ZERO,
            reset_next: 0,
            bytes: 0,
            messages: 0,
        })
    }

    /// Serves until `stop` says so; `waker` ends a sleep early; `now` reads the clock.
    pub fn serve(
        &mut self,
        host: &mut dyn Host,
        waker: &OwnedFd,
        now: &dyn Fn() -> Mono,
        stop: &dyn Fn() -> bool,
    ) {
        let mut events = Vec::new();
        let mut buffer = vec![0; 64 * 1024];
        while !stop() {
            let (readable, waiting) = self.wait(waker, now(), host.deadline());
            let time = now();
            // Known clients before new ones: who closed one socket to open another is seen to have closed it.
            for id in readable {
                if let Some(peer) = self.peers.get_mut(&id) {
                    peer.read(id, time, &mut buffer, &mut events);
                }
            }
            self.bury(&mut events);
            if waiting {
                self.accept_all(time, &mut events);
            }
            self.handle(host, time, &mut events);
            host.run(time, self);
            let time = now();
            for (&id, peer) in &mut self.peers {
                peer.write(id, time, &mut events);
            }
            self.bury(&mut events);
            self.handle(host, time, &mut events);
        }
    }

    fn handle(&mut self, host: &mut dyn Host, now: Mono, events: &mut Vec<Event>) {
        for event in std::mem::take(events) {
            host.event(now, event, self);
        }
    }

    /// Sleeps until a socket is ready, the waker fires or something is due. Gives the readable peers, and whether
    /// the listener has somebody waiting.
    fn wait(&self, waker: &OwnedFd, now: Mono, due: Mono) -> (Vec<PeerId>, bool) {
        let due = self.peers.values().map(|peer| peer.due(now)).fold(due, Mono::min);
        let accepting = self.accept_from <= now;
        let due = if accepting { due } else { due.min(self.accept_from) };
        let sleep = due.since(now).min(SLEEP_MAX);
        let mut fds = vec![PollFd::new(waker, PollFlags::IN)];
        let listens = if accepting { PollFlags::IN } else { PollFlags::empty() };
        fds.push(PollFd::new(&self.listener, listens));
        for peer in self.peers.values() {
            let write = if peer.wants_write(now) { PollFlags::OUT } else { PollFlags::empty() };
            fds.push(PollFd::from_borrowed_fd(peer.socket().as_fd(), PollFlags::IN | write));
        }
        let timeout =
            Timespec { tv_sec: sleep.as_secs() as i64, tv_nsec: i64::from(sleep.subsec_nanos()) as _ };
        // An interrupted sleep is a short one.
        if poll(&mut fds, Some(&timeout)).is_err() {
            return (Vec::new(), false);
        }
        let ready = |fd: &PollFd<'_>| !(fd.revents() & !PollFlags::OUT).is_empty();
        if ready(&fds[0]) {
            let _ = rustix::io::read(waker, &mut [0; 8]);
        }
        let readable =
            self.peers.keys().zip(&fds[2..]).filter(|(_, fd)| ready(fd)).map(|(&id, _)| id).collect();
        (readable, ready(&fds[1]))
    }

    fn accept_all(&mut self, now: Mono, events: &mut Vec<Event>) {
        loop {
            let socket = match self.listener.accept() {
                Ok((socket, _)) => socket,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => {
                    self.accept_from = now.after(ACCEPT_PAUSE);
                    return;
                }
            };
            if self.peers.len() >= SOCKETS_MAX || socket.set_nonblocking(true).is_err() {
                continue;
            }
            let _ = socket.set_nodelay(true);
            let id = PeerId(self.next_id);
            self.next_id += 1;
            let mut peer = Peer::new(socket, now);
            if self.reset_next > 0 {
                self.reset_next -= 1;
                peer.reset();
                events.push(Event::Gone(id));
                continue;
            }
            self.peers.insert(id, peer);
        }
    }

    fn bury(&mut self, events: &mut Vec<Event>) {
        self.peers.retain(|&id, peer| {
            if peer.gone {
                events.push(Event::Gone(id));
            }
            !peer.gone
        });
    }

    fn with(&mut self, id: PeerId, act: impl FnOnce(&mut Peer)) {
        if let Some(peer) = self.peers.get_mut(&id) {
            act(peer);
        }
    }
}

impl Net for Sockets {
    fn accept(&mut self, id: PeerId, key: &str) {
        self.with(id, |peer| peer.accept(key));
    }

    fn respond(&mut self, id: PeerId, response: Response, at: Mono) {
        self.with(id, |peer| peer.respond(response, at));
    }

    fn text(&mut self, id: PeerId, text: &str) {
        self.messages += 1;
        self.bytes += text.len() as u64;
        self.with(id, |peer| peer.text(text));
    }

    fn frame(&mut self, id: PeerId, header: &FrameHeader, payload: &[u8]) {
        self.with(id, |peer| peer.frame(header, payload));
    }

    fn raw(&mut self, id: PeerId, bytes: &[u8]) {
        self.with(id, |peer| peer.raw(bytes));
    }

    fn ping(&mut self, id: PeerId) {
        self.with(id, Peer::ping);
    }

    fn close(&mut self, id: PeerId, code: u16, reason: &str, now: Mono) {
        self.with(id, |peer| peer.close(code, reason, now));
    }

    fn fin(&mut self, id: PeerId, now: Mono) {
        self.with(id, |peer| peer.die(now));
    }

    fn reset(&mut self, id: PeerId) {
        self.with(id, Peer::reset);
    }

    fn reset_next(&mut self, count: u32) {
        self.reset_next = self.reset_next.saturating_add(count);
    }

    fn set_gate(&mut self, id: PeerId, gate: Gate) {
        self.with(id, |peer| peer.set_gate(gate));
    }

    fn backlog(&self, id: PeerId) -> usize {
        self.peers.get(&id).map_or(0, Peer::backlog)
    }

    fn is_open(&self, id: PeerId) -> bool {
        self.peers.get(&id).is_some_and(Peer::is_open)
    }

    fn count(&mut self) {
        self.messages += 1;
    }

    fn messages(&self) -> u64 {
        self.messages
    }

    fn bytes(&self) -> u64 {
        self.bytes
    }
}
