//! A reader: one life of one connection. Connects, subscribes, copies frames to the workers' queues, and does what its
//! session says, until that says that it is over.
//!
//! It waits in one place, on its socket, its bell and its session's next deadline. While it reads it does
//! nothing but place and copy frames; a batch at a time it applies them itself where a worker's seat is free, which takes
//! less than to wake the worker's own thread would.

mod heard;
mod intake;
mod orders;
mod socket;

use crate::engine::connection::count::Count;
use crate::engine::connection::end::EndReason;
use crate::engine::connection::session::{Restarted, Session, SessionAction, SessionRules};
use crate::engine::id::{ConnectionId, Generation};
use crate::engine::time::{Mono, Stamp};
use crate::shell::beat::Beat;
use crate::shell::clock::Clock;
use crate::shell::count::FeedCounters;
use crate::shell::dial::{DialError, Dialer};
use crate::shell::event::Event;
use crate::shell::link::{Link, OpenError, Target};
use crate::shell::port::Port;
use crate::shell::purse::Purse;
use crate::shell::queue::{Gone, Inlet};
use crate::shell::status::ConnectionStatus;
use crate::shell::sync::channel::Sender;
use crate::venue::{Control, Dial, Scope, Venue};
use intake::Intake;
pub use intake::{BookRoute, Routes};
use rustls::ClientConfig;
pub use socket::Socket;
use socket::end_of_socket;
use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;
use tungstenite::{Bytes, Error, Message, WebSocket};

/// TLS, the upgrade and a decoder of control messages; frames themselves live on the heap.
pub const STACK_BYTES: usize = 256 * 1024;
/// Frames read before deadlines, commands and the stop are looked at again: well under a millisecond's work.
const FRAMES_PER_ROUND: usize = 256;
/// The longest wait: how often a quiet reader says that it lives.
const BEAT_EVERY: Duration = Duration::from_secs(2);

/// Everything one life needs.
pub struct Plan {
    pub connection: ConnectionId,
    pub generation: Generation,
    pub venue: Arc<dyn Venue>,
    pub dial: Dial,
    pub target: Target,
    pub addresses: Vec<SocketAddr>,
    pub scope: Scope,
    pub rules: SessionRules,
    pub age_jitter_seed: u64,
    pub routes: Arc<Routes>,
    pub inlets: Vec<Inlet>,
    pub message_bytes_max: usize,
    pub purse: Purse,
    pub counters: Arc<FeedCounters>,
    pub status: Arc<ConnectionStatus>,
    pub shedding: Arc<AtomicBool>,
    pub port: Arc<Port>,
    pub events: Sender<Event>,
    pub beat: Arc<Beat>,
    pub tls: Arc<ClientConfig>,
    pub clock: Clock,
}

/// Lives one life of the connection and says how it ended. Everything queued is handed over first.
pub fn run(plan: Plan) -> EndReason {
    let dialing = Dialing::new(plan);
    match dialing.dial() {
        Ok(socket) => {
            let mut life = dialing.connected(socket);
            let end = loop {
                let more = match life.turn() {
                    Ok(more) => more,
                    Err(end) => break end,
                };
                if !more && let Err(end) = life.wait() {
                    break end;
                }
            };
            life.finish(end)
        }
        Err(error) => dialing.failed(error),
    }
}

/// A life that has no connection yet.
pub struct Dialing {
    plan: Plan,
    intake: Intake,
    session: Session,
    next_id: i64,
}

impl Dialing {
    pub fn new(mut plan: Plan) -> Dialing {
        let inlets = std::mem::take(&mut plan.inlets);
        // A new life, a new count.
        let count = plan.venue.profile().connection_count.map(Count::from);
        let (routes, counters) = (plan.routes.clone(), plan.counters.clone());
        let intake = Intake::new(routes, inlets, counters, plan.shedding.clone(), count);
        let opening = plan.venue.opening(&plan.scope, 1);
        let next_id = 1_i64.saturating_add(opening.len() as i64);
        let session = Session::new(plan.clock.mono(), plan.rules, opening, plan.age_jitter_seed);
        Dialing { plan, intake, session, next_id }
    }

    /// Where to, and for whom.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// When whoever dials has to give up.
    pub fn deadline(&self) -> Mono {
        self.session.deadline()
    }

    /// The upgrade is done.
    pub fn connected<S: Socket>(self, socket: S) -> Life<S> {
        let Dialing { plan, intake, mut session, next_id } = self;
        session.upgraded(plan.clock.mono());
        let life = Life { plan, intake, session, socket, next_id, unflushed: false, asked: VecDeque::new() };
        let (connection, generation) = (life.plan.connection, life.plan.generation);
        life.tell(Event::Upgraded { connection, generation });
        life
    }

    /// There is no connection to be had.
    pub fn failed(self, error: DialError) -> EndReason {
        if self.plan.port.wake.is_stopped() { EndReason::Stop } else { end_of_dial(error) }
    }

    fn dial(&self) -> Result<WebSocket<Link>, DialError> {
        let plan = &self.plan;
        let dialer = Dialer {
            venue: plan.venue.as_ref(),
            dial: &plan.dial,
            target: &plan.target,
            tls: &plan.tls,
            wake: &plan.port.wake,
            clock: &plan.clock,
            message_bytes_max: plan.message_bytes_max,
        };
        let opened = |link: &Link| plan.port.connected(link.wire().tcp());
        let mut socket = dialer.open(&plan.addresses, self.deadline(), opened)?;
        socket.get_mut().wire_mut().set_ready_only();
        Ok(socket)
    }
}

/// A life that is connected.
pub struct Life<S> {
    plan: Plan,
    intake: Intake,
    session: Session,
    socket: S,
    next_id: i64,
    /// The socket took only part of what was sent.
    unflushed: bool,
    /// Requests whose answers are to be compared with them, oldest first.
    asked: VecDeque<String>,
}

impl Life<WebSocket<Link>> {
    /// Waits for the socket, the bell or the next deadline.
    fn wait(&self) -> Result<(), EndReason> {
        let wait = self.deadline().since(self.plan.clock.mono());
        let wire = self.socket.get_ref().wire();
        match wire.wait(self.unflushed, wait) {
            Ok(_) => {
                self.plan.port.wake.drain();
                Ok(())
            }
            Err(_) => Err(EndReason::PeerReset),
        }
    }
}

impl<S: Socket> Life<S> {
    /// Does all there is to do without waiting, at most one round of reads. True when there may be more.
    ///
    /// # Errors
    /// Why this life is over; [`Life::finish`] ends it.
    pub fn turn(&mut self) -> Result<bool, EndReason> {
        let now = self.plan.clock.mono();
        self.plan.beat.mark(now);
        while let Ok(command) = self.plan.port.inbox.try_recv() {
            self.command(command);
        }
        self.actions()?;
        if self.read()? {
            return Ok(true);
        }
        self.intake.settle().map_err(gone)?;
        Ok(false)
    }

    /// When the next turn is due though nothing happens.
    pub fn deadline(&self) -> Mono {
        self.session.deadline().min(self.plan.clock.mono().after(BEAT_EVERY))
    }

    /// Hands over what was read, and says why it really ended.
    pub fn finish(mut self, end: EndReason) -> EndReason {
        // What was read before the end still counts; a worker that is gone has its own alarm.
        let _ = self.intake.settle();
        if self.plan.port.wake.is_stopped() { EndReason::Stop } else { self.session.ended(end) }
    }

    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    pub fn socket(&self) -> &S {
        &self.socket
    }

    /// Does what the session wants done now.
    fn actions(&mut self) -> Result<(), EndReason> {
        loop {
            let now = self.plan.clock.mono();
            let pay = |n| self.plan.purse.take_control(now, n);
            match self.session.poll(now, pay) {
                None => return Ok(()),
                Some(SessionAction::End(end)) => return Err(end),
                Some(SessionAction::Ping) => {
                    let id = self.next_id;
                    let ping = match self.plan.venue.ping(id) {
                        Some(text) => {
                            self.next_id = id.saturating_add(1);
                            self.plan.counters.control_sent.fetch_add(1, Relaxed);
                            Message::text(text)
                        }
                        None => Message::Ping(Bytes::new()),
                    };
                    let sent = self.socket.send(ping);
                    self.written(sent)?;
                }
                Some(SessionAction::Subscribed) => {
                    self.intake.opened(self.plan.clock.stamp()).map_err(gone)?;
                    let (connection, generation) = (self.plan.connection, self.plan.generation);
                    self.tell(Event::Subscribed { connection, generation });
                }
                Some(SessionAction::Succeed(reason)) => {
                    let (connection, generation) = (self.plan.connection, self.plan.generation);
                    self.tell(Event::Leaving { connection, generation, reason });
                }
                Some(SessionAction::Send { text, restart }) => {
                    if let Some(Restarted::Withdrawn(books)) = restart {
                        for book in books {
                            self.intake.withdrawn(book, self.plan.clock.stamp()).map_err(gone)?;
                        }
                    }
                    self.plan.counters.control_sent.fetch_add(1, Relaxed);
                    self.asks(&text);
                    let sent = self.socket.send(Message::text(text));
                    self.written(sent)?;
                }
            }
        }
    }

    fn written(&mut self, result: Result<(), Error>) -> Result<(), EndReason> {
        match result {
            Ok(()) => {
                self.unflushed = false;
                self.session.written();
                Ok(())
            }
            Err(Error::Io(e)) if e.kind() == io::ErrorKind::WouldBlock => {
                self.unflushed = true;
                self.session.write_blocked(self.plan.clock.mono());
                Ok(())
            }
            Err(e) => Err(end_of_socket(&e)),
        }
    }

    /// Reads what is there. True when there may be more.
    fn read(&mut self) -> Result<bool, EndReason> {
        if self.unflushed {
            let flushed = self.socket.flush();
            self.written(flushed)?;
        }
        let at = self.plan.clock.stamp();
        let more = self.round(at);
        self.intake.tell();
        let more = more?;
        // A full queue may have kept us waiting with a frame in hand: that silence is ours and not the venue's.
        self.session.held_up(at.mono, || self.plan.clock.mono());
        Ok(more)
    }

    fn round(&mut self, at: Stamp) -> Result<bool, EndReason> {
        self.socket.begin_round();
        for _ in 0..FRAMES_PER_ROUND {
            // Data received before a stop still comes out after it; it is nobody's any more.
            if self.plan.port.wake.is_stopped() {
                return Err(EndReason::Stop);
            }
            match self.socket.read() {
                Ok(message) => self.frame(&message, at)?,
                Err(Error::Io(e)) if e.kind() == io::ErrorKind::WouldBlock => {
                    return Ok(self.socket.is_round_over());
                }
                Err(e) => return Err(end_of_socket(&e)),
            }
        }
        Ok(true)
    }

    fn frame(&mut self, message: &Message, at: Stamp) -> Result<(), EndReason> {
        self.session.frame(at.mono);
        self.plan.status.frame(at.mono);
        if message.is_text() || message.is_binary() {
            self.session.message(at.mono);
        }
        match message {
            Message::Text(text) => {
                let (venue, wake) = (self.plan.venue.as_ref(), &self.plan.port.wake);
                if self.intake.text(venue, text, at, || wake.is_stopped()).map_err(gone)? {
                    // The venue may echo the key, and what it says ends up in the log and on the HTTP port.
                    let clean = self.plan.counters.voice.redacted(text);
                    let control = self.plan.venue.control(&clean);
                    self.note(&control, at.mono);
                    if matches!(control, Control::Ack { granted: Some(_), .. }) {
                        self.heed_granted(&clean, at.mono);
                    }
                    self.intake.bind(&control);
                    self.session.control(at.mono, &control);
                }
            }
            Message::Binary(bytes) => self.intake.binary(bytes.len(), at).map_err(gone)?,
            Message::Close(frame) => {
                return Err(EndReason::PeerClosed { code: frame.as_ref().map(|f| f.code.into()) });
            }
            // The answer to a ping is queued by the protocol and leaves with the next read.
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
        }
        Ok(())
    }

    fn tell(&self, event: Event) {
        // The supervisor's inbox has room for every life's few words; if it is gone, so are we soon.
        let _ = self.plan.events.try_send(event);
    }
}

fn gone(_: Gone) -> EndReason {
    EndReason::Stop
}

fn end_of_dial(error: DialError) -> EndReason {
    match error {
        DialError::Open(OpenError::TimedOut) => EndReason::ConnectTimeout,
        DialError::Open(OpenError::Stopped) => EndReason::Stop,
        DialError::Open(OpenError::Tls(e)) => EndReason::TlsFailed(e.to_string()),
        DialError::Open(OpenError::Connect(e)) => EndReason::Refused(e.to_string()),
        DialError::Refused { status, refusal } => {
            EndReason::UpgradeRefused { status, wait: refusal.wait, fatal: refusal.fatal }
        }
        DialError::Protocol(why) | DialError::BadRequest(why) => EndReason::Protocol(why),
    }
}
