//! One client socket: HTTP until an upgrade, then a WebSocket; and the ways a link can go bad.

use super::http::{self, Head, Parsed, Response};
use super::wire::{self, Wire};
use super::{Event, PeerId};
use crate::engine::time::Mono;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;
use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{Control, Data, OpCode};
use tungstenite::protocol::{CloseFrame, Role, WebSocketConfig, WebSocketContext};
use tungstenite::{Error, Message};

/// How long a client may take over a request head, and how long an idle keep-alive connection is kept.
const HEAD_WITHIN: Duration = Duration::from_secs(30);
/// How long a closing connection waits for the other end.
const LINGER: Duration = Duration::from_secs(1);
/// Read per turn, so that one client does not keep the others waiting.
const READ_BYTES: usize = 64 * 1024;

/// What the link does to outgoing bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Gate {
    Open,
    /// Nothing passes until then.
    Stalled(Mono),
    /// One to seven bytes a millisecond until then.
    Sliced {
        until: Mono,
        next: Mono,
    },
    /// Nothing passes, and nothing is read, for good.
    Silent,
}

#[derive(Debug)]
enum Phase {
    /// Reading a request head.
    Head,
    /// The request is with the host, which answers at some time or never.
    Asked,
    Ready {
        at: Mono,
        response: Response,
    },
    /// The answer is on its way out.
    Answering {
        keep: bool,
    },
    Web(Box<WebSocketContext>),
    /// Nothing more is said; the socket goes at the deadline or when the peer ends it.
    Dying,
}

#[derive(Debug)]
pub struct Peer {
    socket: TcpStream,
    wire: Wire,
    phase: Phase,
    gate: Gate,
    deadline: Mono,
    keep_alive: bool,
    /// The socket is over: to be dropped.
    pub(super) gone: bool,
}

impl Peer {
    pub(super) fn new(socket: TcpStream, now: Mono) -> Peer {
        Peer {
            socket,
            wire: Wire::default(),
            phase: Phase::Head,
            gate: Gate::Open,
            deadline: now.after(HEAD_WITHIN),
            keep_alive: true,
            gone: false,
        }
    }

    pub(super) fn socket(&self) -> &TcpStream {
        &self.socket
    }

    /// A WebSocket that can still be spoken on.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Web(_)) && self.gate != Gate::Silent && !self.gone
    }

    pub(super) fn backlog(&self) -> usize {
        self.wire.pending().len()
    }

    /// Bytes wait that the gate lets pass now.
    pub(super) fn wants_write(&self, now: Mono) -> bool {
        !self.wire.pending().is_empty() && self.passes_at(now) <= now
    }

    fn passes_at(&self, now: Mono) -> Mono {
        match self.gate {
            Gate::Open => now,
            Gate::Stalled(until) => until,
            Gate::Sliced { next, .. } => next,
            Gate::Silent => Mono::NEVER,
        }
    }

    /// When something is due without input.
    pub(super) fn due(&self, now: Mono) -> Mono {
        let timer = match &self.phase {
            Phase::Ready { at, .. } => *at,
            Phase::Head | Phase::Dying => self.deadline,
            _ => Mono::NEVER,
        };
        let gate = match self.gate {
            Gate::Open | Gate::Silent => Mono::NEVER,
            _ if self.wire.pending().is_empty() => Mono::NEVER,
            _ => self.passes_at(now),
        };
        timer.min(gate)
    }

    /// Takes what the socket has, and says what it means.
    pub(super) fn read(&mut self, id: PeerId, now: Mono, buffer: &mut [u8], events: &mut Vec<Event>) {
        let mut taken = 0;
        while taken < READ_BYTES {
            match self.socket.read(buffer) {
                Ok(0) => {
                    self.gone = true;
                    break;
                }
                Ok(count) => {
                    taken += count;
                    // Silent and dying links read and forget, so that the peer's end is still noticed.
                    if self.gate != Gate::Silent && !matches!(self.phase, Phase::Dying) {
                        self.wire.inbound.extend_from_slice(&buffer[..count]);
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => {
                    self.gone = true;
                    break;
                }
            }
        }
        match self.phase {
            Phase::Head => self.read_head(id, now, events),
            Phase::Web(_) => self.read_frames(id, now, events),
            // A client may not speak before it is answered: more than a head's worth of that is an attack.
            _ => self.gone |= self.wire.inbound.len() > http::HEAD_BYTES_MAX,
        }
    }

    fn read_head(&mut self, id: PeerId, now: Mono, events: &mut Vec<Event>) {
        match http::parse(&self.wire.inbound) {
            Parsed::Partial => {}
            Parsed::Bad => self.refuse_bytes(now),
            Parsed::Whole(head, length) => {
                self.wire.inbound.drain(..length);
                self.phase = Phase::Asked;
                self.keep_alive = head.header("connection").is_none_or(|v| !v.eq_ignore_ascii_case("close"));
                events.push(request(id, head));
            }
        }
    }

    fn refuse_bytes(&mut self, now: Mono) {
        self.keep_alive = false;
        self.phase = Phase::Asked;
        self.respond(Response::json(400, "{\"error\":\"bad request\"}"), now);
    }

    fn read_frames(&mut self, id: PeerId, now: Mono, events: &mut Vec<Event>) {
        let Phase::Web(context) = &mut self.phase else { return };
        loop {
            match context.read(&mut self.wire) {
                Ok(Message::Text(text)) => events.push(Event::Text(id, text.as_str().to_owned())),
                Ok(Message::Ping(_)) => events.push(Event::Ping(id)),
                Ok(Message::Pong(_)) => events.push(Event::Pong(id)),
                Ok(_) => {}
                Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => return,
                // A close was answered, or the frames made no sense: in both cases nothing more is said.
                Err(_) => return self.die(now),
            }
        }
    }

    /// Accepts the upgrade this peer asked for.
    pub(super) fn accept(&mut self, key: &str) {
        self.wire.outbound.extend_from_slice(&http::switching(key));
        let config = WebSocketConfig::default()
            .read_buffer_size(4 * 1024)
            .write_buffer_size(0)
            .max_message_size(Some(1 << 20))
            .max_frame_size(Some(1 << 20));
        self.phase = Phase::Web(Box::new(WebSocketContext::new(Role::Server, Some(config))));
    }

    pub(super) fn respond(&mut self, response: Response, at: Mono) {
        if matches!(self.phase, Phase::Asked) {
            self.phase = Phase::Ready { at, response };
        }
    }

    /// Queues a whole message.
    pub(super) fn text(&mut self, text: &str) {
        self.frame(&wire::header(Data::Text), text.as_bytes());
    }

    /// Queues a frame as it is; a silent link forgets it.
    pub(super) fn frame(&mut self, header: &FrameHeader, payload: &[u8]) {
        let open = matches!(&self.phase, Phase::Web(context) if context.can_write());
        if open && self.gate != Gate::Silent {
            self.wire.frame(header, payload);
        }
    }

    pub(super) fn raw(&mut self, bytes: &[u8]) {
        if self.is_open() {
            self.wire.outbound.extend_from_slice(bytes);
        }
    }

    pub(super) fn ping(&mut self) {
        let header = FrameHeader { opcode: OpCode::Control(Control::Ping), ..FrameHeader::default() };
        self.frame(&header, b"sim");
    }

    /// Sends a close frame, then waits for the peer's.
    pub(super) fn close(&mut self, code: u16, reason: &str, now: Mono) {
        if let Phase::Web(context) = &mut self.phase {
            let frame = CloseFrame { code: code.into(), reason: reason.into() };
            // The wire takes everything; an error means that it is closing already.
            let _ = context.close(&mut self.wire, Some(frame));
        }
        self.die(now);
    }

    /// Says nothing more; what is queued still goes out.
    pub(super) fn die(&mut self, now: Mono) {
        self.phase = Phase::Dying;
        self.gate = if self.gate == Gate::Silent { Gate::Silent } else { Gate::Open };
        self.deadline = now.after(LINGER);
    }

    /// Ends the socket now, with a reset: what is queued is lost.
    pub(super) fn reset(&mut self) {
        // Without the option the peer sees an end instead of a reset, which is a fault too.
        let _ = socket2::SockRef::from(&self.socket).set_linger(Some(Duration::ZERO));
        self.gone = true;
    }

    pub(super) fn set_gate(&mut self, gate: Gate) {
        if gate == Gate::Silent {
            self.wire.discard();
        }
        if self.gate != Gate::Silent {
            self.gate = gate;
        }
    }

    /// Does what is due, and writes what the socket takes.
    pub(super) fn write(&mut self, id: PeerId, now: Mono, events: &mut Vec<Event>) {
        self.timers(now);
        while !self.gone && self.wants_write(now) {
            let allowed = match &mut self.gate {
                Gate::Sliced { next, .. } => {
                    let slice = 1 + (next.nanos() / 1_000_000 % 7) as usize;
                    *next = now.after(Duration::from_millis(1));
                    slice
                }
                _ => usize::MAX,
            };
            let pending = self.wire.pending();
            match self.socket.write(&pending[..pending.len().min(allowed)]) {
                Ok(count) => self.wire.written(count),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => self.gone = true,
            }
        }
        if self.wire.pending().is_empty() && self.gate != Gate::Silent {
            self.written_all(id, now, events);
        }
    }

    fn timers(&mut self, now: Mono) {
        match self.gate {
            Gate::Stalled(until) if until <= now => self.gate = Gate::Open,
            Gate::Sliced { until, .. } if until <= now => self.gate = Gate::Open,
            _ => {}
        }
        match &self.phase {
            Phase::Ready { at, .. } if *at <= now => self.answer(now),
            Phase::Head | Phase::Dying if self.deadline <= now => self.gone = true,
            _ => {}
        }
    }

    fn answer(&mut self, now: Mono) {
        let Phase::Ready { response, .. } = std::mem::replace(&mut self.phase, Phase::Asked) else { return };
        let keep = self.keep_alive && response.cut_at.is_none() && response.trickle.is_none();
        self.wire.outbound.extend_from_slice(&response.encode(keep));
        if let Some(length) = response.trickle {
            self.gate = Gate::Sliced { until: now.after(length), next: now };
        }
        self.phase = Phase::Answering { keep };
    }

    fn written_all(&mut self, id: PeerId, now: Mono, events: &mut Vec<Event>) {
        match self.phase {
            Phase::Answering { keep } => {
                events.push(Event::Answered(id));
                if !keep {
                    return self.die(now);
                }
                self.phase = Phase::Head;
                self.deadline = now.after(HEAD_WITHIN);
                self.read_head(id, now, events);
            }
            // The peer reads all of it, then the end; it ends its side, or the deadline does.
            Phase::Dying => {
                let _ = self.socket.shutdown(Shutdown::Write);
            }
            _ => {}
        }
    }
}

fn request(id: PeerId, head: Head) -> Event {
    match head.websocket_key().map(str::to_owned) {
        Some(key) => Event::Upgrade(id, head, key),
        None => Event::Request(id, head),
    }
}
