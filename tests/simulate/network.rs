//! The network of one venue, in memory and under the virtual clock: WebSockets and calls with latency, jitter, stalls that
//! end in a burst, slow links, silence, resets. Messages are whole; a broken frame is the error its reader would see.

use crate::pipe::{Frame, Pipe};
use depthd::engine::time::Mono;
use depthd::shell::rest::{BODY_BYTES_MAX, RestAnswer};
use depthd::sim::Random;
use depthd::sim::net::http::{self, Head, Parsed, Response};
use depthd::sim::net::{Event, Gate, Net, PeerId};
use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::rc::Rc;
use std::time::Duration;
use tungstenite::Message;
use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{Data, OpCode};

/// What a closing socket waits for the other end.
const LINGER: Duration = Duration::from_secs(1);
/// What the reader's kernel takes of what nobody reads.
const KERNEL_BYTES: usize = 512 * 1024;
/// A link that passes one to seven bytes a millisecond.
const SLOW_BYTES_PER_MS: u64 = 4;

/// How far the venue is.
#[derive(Clone, Copy, Debug)]
pub struct Path {
    /// One way, each way.
    pub latency: Duration,
    /// On top of it, toward us, drawn for each message.
    pub jitter: Duration,
    /// Of a call, toward the venue: constant, so that the venue's log shows when calls were made.
    pub rest: Duration,
}

/// How a dial ended.
#[derive(Debug)]
pub enum Dialed {
    Open(Rc<RefCell<Pipe>>),
    Refused { status: u16, headers: Vec<(String, String)>, body: Vec<u8> },
    Reset,
}

/// How a call ended; `None` for an answer that breaks off.
pub type Called = Option<RestAnswer>;

struct Peer {
    pipe: Rc<RefCell<Pipe>>,
    kind: Kind,
    gate: Gate,
    /// Nothing arrives before what was sent before it.
    last_arrival: Mono,
    /// When the slow link has passed what it has.
    slow_until: Mono,
    /// What is still with the venue: when it leaves, and its bytes.
    held: VecDeque<(Mono, usize)>,
    held_bytes: usize,
    fragments: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Dialing,
    Web,
    /// Nothing more is said.
    Dying,
    Call,
}

enum Up {
    Event(Event),
    /// A dial arrives: the first place where a reset can happen to it.
    Dial(PeerId, Head, String),
}

pub struct Network {
    pub now: Mono,
    path: Path,
    random: Random,
    peers: BTreeMap<PeerId, Peer>,
    next_id: u64,
    order: u64,
    up: BinaryHeap<Reverse<(Mono, u64)>>,
    on_the_way: BTreeMap<u64, Up>,
    pub dialed: Vec<(Mono, PeerId, Dialed)>,
    pub called: Vec<(Mono, PeerId, Called)>,
    pub reset_next: u32,
    messages: u64,
    bytes: u64,
    /// Added to the latency toward us, and toward the venue.
    pub lag_down: Duration,
    pub lag_up: Duration,
}

impl Network {
    pub fn new(path: Path, random: Random) -> Network {
        Network {
            now: Mono::ZERO,
            path,
            random,
            peers: BTreeMap::new(),
            next_id: 1,
            order: 0,
            up: BinaryHeap::new(),
            on_the_way: BTreeMap::new(),
            dialed: Vec::new(),
            called: Vec::new(),
            reset_next: 0,
            messages: 0,
            bytes: 0,
            lag_down: Duration::ZERO,
            lag_up: Duration::ZERO,
        }
    }

    /// When the venue hears something.
    pub fn due(&self) -> Mono {
        self.up.peek().map_or(Mono::NEVER, |Reverse((at, _))| *at)
    }

    /// What the venue hears by now.
    pub fn hear(&mut self, now: Mono) -> Option<Event> {
        loop {
            let Reverse((at, order)) = *self.up.peek()?;
            if at > now {
                return None;
            }
            self.up.pop();
            match self.on_the_way.remove(&order)? {
                Up::Dial(id, head, key) => {
                    if self.reset_next > 0 {
                        self.reset_next -= 1;
                        self.peers.remove(&id);
                        self.dialed.push((now.after(self.path.latency), id, Dialed::Reset));
                        return Some(Event::Gone(id));
                    }
                    return Some(Event::Upgrade(id, head, key));
                }
                Up::Event(event) => {
                    if let Some(event) = self.heard(event) {
                        return Some(event);
                    }
                }
            }
        }
    }

    /// Silent links take nothing in but their end.
    fn heard(&mut self, event: Event) -> Option<Event> {
        match event {
            Event::Text(id, _) | Event::Ping(id) | Event::Pong(id) => {
                let peer = self.peers.get_mut(&id)?;
                if peer.kind != Kind::Web || peer.gate == Gate::Silent {
                    return None;
                }
                if let Event::Ping(_) = event {
                    let at = arrival(peer, self.now, 0, &self.path, self.lag_down, &mut self.random);
                    peer.pipe.borrow_mut().push(at, Frame::Pong);
                }
            }
            Event::Gone(id) => {
                self.peers.remove(&id)?;
            }
            _ => {}
        }
        Some(event)
    }

    /// When the venue hears of a dial that begins now.
    pub fn dial_arrives(&self, now: Mono) -> Mono {
        now.after(self.path.latency * 3 + self.lag_up)
    }

    /// Somebody connects and asks for an upgrade: one way and back for the connection, one way for the request.
    pub fn dial(&mut self, now: Mono, url: &str, headers: &[(&'static str, String)]) -> PeerId {
        let id = self.peer(Kind::Dialing);
        let key = "c2ltdWxhdGVkIGxpZmUhIQ==".to_owned();
        let extra = format!("Upgrade: websocket\r\nSec-WebSocket-Key: {key}\r\n");
        let head = head(url, headers, &extra);
        self.send(self.dial_arrives(now), Up::Dial(id, head, key));
        id
    }

    /// A call is made.
    pub fn call(&mut self, now: Mono, url: &str, headers: &[(&'static str, String)]) -> PeerId {
        let id = self.peer(Kind::Call);
        let head = head(url, headers, "");
        self.send(now.after(self.path.rest), Up::Event(Event::Request(id, head)));
        id
    }

    /// The client hung up.
    pub fn hung_up(&mut self, now: Mono, id: PeerId) {
        let Some(peer) = self.peers.get(&id) else { return };
        let way = if peer.kind == Kind::Call { self.path.rest } else { self.path.latency + self.lag_up };
        self.send(now.after(way), Up::Event(Event::Gone(id)));
    }

    /// Takes what a reader sent.
    pub fn sent(&mut self, now: Mono, id: PeerId, messages: Vec<Message>) {
        let at = now.after(self.path.latency + self.lag_up);
        for message in messages {
            let event = match message {
                Message::Text(text) => Event::Text(id, text.as_str().to_owned()),
                Message::Ping(_) => Event::Ping(id),
                Message::Pong(_) => Event::Pong(id),
                _ => continue,
            };
            self.send(at, Up::Event(event));
        }
    }

    /// WebSockets that can be spoken on.
    pub fn open(&self) -> Vec<PeerId> {
        self.peers.keys().copied().filter(|id| self.is_open(*id)).collect()
    }

    /// Nothing passes this socket until then, in either direction.
    pub fn clog(&mut self, id: PeerId, until: Mono) {
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.pipe.borrow_mut().blocked_until = until;
        }
        self.set_gate(id, Gate::Stalled(until));
    }

    /// Lets go what a clog holds back: all of it comes now.
    pub fn unclog(&mut self, id: PeerId, now: Mono) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        if let Gate::Stalled(_) = peer.gate {
            peer.gate = Gate::Open;
        }
        let at = now.after(self.path.latency);
        let mut pipe = peer.pipe.borrow_mut();
        pipe.blocked_until = Mono::ZERO;
        pipe.inbox.iter_mut().for_each(|(arrives, _)| *arrives = (*arrives).min(at));
        peer.last_arrival = peer.last_arrival.min(at);
        peer.held.clear();
        peer.held_bytes = 0;
    }

    fn peer(&mut self, kind: Kind) -> PeerId {
        let id = PeerId(self.next_id);
        self.next_id += 1;
        self.peers.insert(
            id,
            Peer {
                pipe: Rc::default(),
                kind,
                gate: Gate::Open,
                last_arrival: Mono::ZERO,
                slow_until: Mono::ZERO,
                held: VecDeque::new(),
                held_bytes: 0,
                fragments: Vec::new(),
            },
        );
        id
    }

    fn send(&mut self, at: Mono, up: Up) {
        self.order += 1;
        self.up.push(Reverse((at, self.order)));
        self.on_the_way.insert(self.order, up);
    }

    /// Puts a frame on its way to the reader.
    fn down(&mut self, id: PeerId, bytes: usize, frame: Frame) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        if peer.kind != Kind::Web || peer.gate == Gate::Silent {
            return;
        }
        let at = arrival(peer, self.now, bytes, &self.path, self.lag_down, &mut self.random);
        peer.pipe.borrow_mut().push(at, frame);
    }

    /// The socket says nothing more, and is gone a little later.
    fn die(&mut self, id: PeerId, now: Mono) {
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.kind = Kind::Dying;
            self.send(now.after(LINGER), Up::Event(Event::Gone(id)));
        }
    }
}

/// When what leaves now arrives.
fn arrival(
    peer: &mut Peer,
    now: Mono,
    bytes: usize,
    path: &Path,
    lag: Duration,
    random: &mut Random,
) -> Mono {
    while let Some((_, gone)) = peer.held.front().copied().filter(|(at, _)| *at <= now) {
        peer.held.pop_front();
        peer.held_bytes -= gone;
    }
    let leaves = match peer.gate {
        Gate::Stalled(until) if until > now => until,
        Gate::Sliced { until, .. } if until > now => {
            let takes = Duration::from_micros(bytes as u64 * 1_000 / SLOW_BYTES_PER_MS);
            peer.slow_until = peer.slow_until.max(now).after(takes).min(until);
            peer.slow_until
        }
        _ => now,
    };
    if leaves > now {
        peer.held.push_back((leaves, bytes));
        peer.held_bytes += bytes;
    }
    let jitter = random.below(u64::try_from(path.jitter.as_nanos()).unwrap_or(0) + 1);
    let at = leaves.after(path.latency + lag + Duration::from_nanos(jitter));
    peer.last_arrival = peer.last_arrival.max(at);
    peer.last_arrival
}

impl Net for Network {
    fn accept(&mut self, id: PeerId, _key: &str) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        peer.kind = Kind::Web;
        let at = self.now.after(self.path.latency + self.lag_down);
        peer.last_arrival = at;
        let pipe = peer.pipe.clone();
        self.dialed.push((at, id, Dialed::Open(pipe)));
    }

    fn respond(&mut self, id: PeerId, response: Response, at: Mono) {
        let Some(peer) = self.peers.get(&id) else { return };
        let arrives = at.max(self.now).after(self.path.latency);
        let lower = |(name, value): &(String, String)| (name.to_ascii_lowercase(), value.clone());
        let headers = response.headers.iter().map(lower).collect();
        if peer.kind == Kind::Dialing {
            let refused = Dialed::Refused { status: response.status, headers, body: response.body };
            self.dialed.push((arrives, id, refused));
            return self.send(at.max(self.now).after(LINGER), Up::Event(Event::Gone(id)));
        }
        let broken = response.cut_at.is_some() || response.body.len() > BODY_BYTES_MAX;
        // A few bytes at a time: it never comes to its end in time.
        let arrives = response.trickle.map_or(arrives, |wait| arrives.after(wait));
        let answer = RestAnswer { status: response.status, headers, body: response.body };
        self.called.push((arrives, id, (!broken).then_some(answer)));
        self.send(at.max(self.now), Up::Event(Event::Answered(id)));
    }

    fn text(&mut self, id: PeerId, text: &str) {
        self.messages += 1;
        self.bytes += text.len() as u64;
        self.down(id, text.len(), Frame::Text(text.to_owned()));
    }

    fn frame(&mut self, id: PeerId, header: &FrameHeader, payload: &[u8]) {
        let frame = match header.opcode {
            _ if header.rsv1 => Frame::ReservedBit,
            OpCode::Data(Data::Binary) => Frame::Binary(payload.to_vec()),
            OpCode::Data(_) => {
                let Some(peer) = self.peers.get_mut(&id) else { return };
                peer.fragments.extend_from_slice(payload);
                if !header.is_final {
                    return;
                }
                match String::from_utf8(std::mem::take(&mut peer.fragments)) {
                    Ok(text) => Frame::Text(text),
                    Err(_) => Frame::BadUtf8,
                }
            }
            OpCode::Control(_) => return,
        };
        self.down(id, payload.len(), frame);
    }

    fn raw(&mut self, id: PeerId, bytes: &[u8]) {
        self.down(id, bytes.len(), Frame::Oversize);
    }

    fn ping(&mut self, id: PeerId) {
        self.down(id, 4, Frame::Ping);
    }

    fn close(&mut self, id: PeerId, code: u16, _reason: &str, now: Mono) {
        self.down(id, 4, Frame::Close(code));
        self.die(id, now);
    }

    fn fin(&mut self, id: PeerId, now: Mono) {
        self.down(id, 0, Frame::Fin);
        self.die(id, now);
    }

    fn reset(&mut self, id: PeerId) {
        if let Some(peer) = self.peers.get_mut(&id) {
            let at = self.now.after(self.path.latency);
            let mut pipe = peer.pipe.borrow_mut();
            pipe.inbox.retain(|(arrives, _)| *arrives < at);
            pipe.unread_bytes = pipe
                .inbox
                .iter()
                .map(|(_, frame)| if let Frame::Text(text) = frame { text.len() } else { 0 })
                .sum();
            pipe.push(at, Frame::Reset);
        }
        self.send(self.now, Up::Event(Event::Gone(id)));
    }

    fn reset_next(&mut self, count: u32) {
        self.reset_next += count;
    }

    fn set_gate(&mut self, id: PeerId, gate: Gate) {
        if let Some(peer) = self.peers.get_mut(&id).filter(|p| p.gate != Gate::Silent) {
            peer.gate = gate;
        }
    }

    fn backlog(&self, id: PeerId) -> usize {
        let Some(peer) = self.peers.get(&id) else { return 0 };
        let left: usize = peer.held.iter().filter(|(at, _)| *at <= self.now).map(|(_, bytes)| bytes).sum();
        let unread = peer.pipe.borrow().unread_bytes.saturating_sub(KERNEL_BYTES);
        (peer.held_bytes - left).max(unread)
    }

    fn is_open(&self, id: PeerId) -> bool {
        self.peers.get(&id).is_some_and(|peer| peer.kind == Kind::Web && peer.gate != Gate::Silent)
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

/// The request as the venue reads it.
fn head(url: &str, headers: &[(&'static str, String)], extra: &str) -> Head {
    let after_scheme = url.split_once("://").map_or(url, |(_, rest)| rest);
    let (host, path) = after_scheme.find('/').map_or((after_scheme, "/"), |at| after_scheme.split_at(at));
    let mut text = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{extra}");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str("\r\n");
    match http::parse(text.as_bytes()) {
        Parsed::Whole(head, _) => head,
        other => panic!("our own requests are requests: {other:?}"),
    }
}
