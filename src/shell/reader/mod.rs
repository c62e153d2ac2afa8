//! A reader: one life of one connection. Connects, subscribes, copies frames to the workers' queues, and does what its
//! session says, until that says that it is over.
//!
//! It waits in one place, on its socket, its bell and its session's next deadline; while it reads it does nothing but
//! place and copy frames, because a slow reader is what venues disconnect.

mod intake;

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
use crate::shell::port::{Command, Port};
use crate::shell::purse::Purse;
use crate::shell::queue::{Gone, Inlet};
use crate::shell::status::ConnectionStatus;
use crate::shell::sync::channel::Sender;
use crate::venue::{Control, Dial, Scope, Venue};
use intake::Intake;
pub use intake::{BookRoute, Routes};
use rustls::ClientConfig;
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
const BEAT_EVERY: Duration = Duration::from_secs(1);

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
pub fn run(mut plan: Plan) -> EndReason {
    let inlets = std::mem::take(&mut plan.inlets);
    let mut intake = Intake::new(plan.routes.clone(), inlets, plan.counters.clone(), plan.shedding.clone());
    let mut life = Life { next_id: 1, unflushed: false, plan };
    let end = match life.connect() {
        Ok((socket, session)) => life.live(socket, session, &mut intake),
        Err(end) => end,
    };
    // What was read before the end still counts; a worker that is gone has its own alarm.
    let _ = intake.flush();
    if life.plan.port.wake.is_stopped() { EndReason::Stop } else { end }
}

struct Life {
    plan: Plan,
    next_id: i64,
    /// The socket took only part of what was sent.
    unflushed: bool,
}

impl Life {
    fn connect(&mut self) -> Result<(WebSocket<Link>, Session), EndReason> {
        let plan = &self.plan;
        let opening = plan.venue.opening(&plan.scope, self.next_id);
        self.next_id = self.next_id.saturating_add(opening.len() as i64);
        let session = Session::new(plan.clock.mono(), plan.rules, opening, plan.age_jitter_seed);
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
        let mut socket = dialer.open(&plan.addresses, session.deadline(), opened).map_err(end_of_dial)?;
        socket.get_mut().wire_mut().set_ready_only();
        Ok((socket, session))
    }

    fn live(&mut self, mut socket: WebSocket<Link>, mut session: Session, intake: &mut Intake) -> EndReason {
        session.upgraded(self.plan.clock.mono());
        let (connection, generation) = (self.plan.connection, self.plan.generation);
        self.tell(Event::Upgraded { connection, generation });
        loop {
            let now = self.plan.clock.mono();
            self.plan.beat.mark(now);
            while let Ok(command) = self.plan.port.inbox.try_recv() {
                self.command(command, &mut session, intake);
            }
            let step = self
                .actions(&mut socket, &mut session, intake)
                .and_then(|()| self.read(&mut socket, &mut session, intake));
            match step {
                Err(end) => return session.ended(end),
                Ok(true) => continue,
                Ok(false) => {}
            }
            if intake.flush().is_err() {
                return EndReason::Stop;
            }
            if let Err(end) = self.wait(&socket, &session) {
                return session.ended(end);
            }
        }
    }

    /// Does what the session wants done now.
    fn actions(
        &mut self,
        socket: &mut WebSocket<Link>,
        session: &mut Session,
        intake: &mut Intake,
    ) -> Result<(), EndReason> {
        loop {
            let now = self.plan.clock.mono();
            let pay = |n| self.plan.purse.take_control(now, n);
            match session.poll(now, pay) {
                None => return Ok(()),
                Some(SessionAction::End(end)) => return Err(end),
                Some(SessionAction::Ping) => {
                    self.written(socket.send(Message::Ping(Bytes::new())), session)?;
                }
                Some(SessionAction::Subscribed) => {
                    intake.opened(self.plan.clock.stamp()).map_err(gone)?;
                    let (connection, generation) = (self.plan.connection, self.plan.generation);
                    self.tell(Event::Subscribed { connection, generation });
                }
                Some(SessionAction::Send { text, restart }) => {
                    if let Some(Restarted::Withdrawn(books)) = restart {
                        for book in books {
                            intake.withdrawn(book, self.plan.clock.stamp()).map_err(gone)?;
                        }
                    }
                    self.plan.counters.control_sent.fetch_add(1, Relaxed);
                    self.written(socket.send(Message::text(text)), session)?;
                }
            }
        }
    }

    fn written(&mut self, result: Result<(), Error>, session: &mut Session) -> Result<(), EndReason> {
        match result {
            Ok(()) => {
                self.unflushed = false;
                session.written();
                Ok(())
            }
            Err(Error::Io(e)) if e.kind() == io::ErrorKind::WouldBlock => {
                self.unflushed = true;
                session.write_blocked(self.plan.clock.mono());
                Ok(())
            }
            Err(e) => Err(end_of_socket(&e)),
        }
    }

    /// Reads what is there. True when there may be more.
    fn read(
        &mut self,
        socket: &mut WebSocket<Link>,
        session: &mut Session,
        intake: &mut Intake,
    ) -> Result<bool, EndReason> {
        if self.unflushed {
            self.written(socket.flush(), session)?;
        }
        let at = self.plan.clock.stamp();
        let more = self.round(at, socket, session, intake)?;
        if self.plan.status.last_frame() == Some(at.mono) {
            // A full queue may have kept us waiting with a frame in hand: that silence is ours and not the venue's.
            session.frame(self.plan.clock.mono());
        }
        Ok(more)
    }

    fn round(
        &mut self,
        at: Stamp,
        socket: &mut WebSocket<Link>,
        session: &mut Session,
        intake: &mut Intake,
    ) -> Result<bool, EndReason> {
        for _ in 0..FRAMES_PER_ROUND {
            // Data received before a stop still comes out after it; it is nobody's any more.
            if self.plan.port.wake.is_stopped() {
                return Err(EndReason::Stop);
            }
            match socket.read() {
                Ok(message) => self.frame(&message, at, session, intake)?,
                Err(Error::Io(e)) if e.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(e) => return Err(end_of_socket(&e)),
            }
        }
        Ok(true)
    }

    fn frame(
        &mut self,
        message: &Message,
        at: Stamp,
        session: &mut Session,
        intake: &mut Intake,
    ) -> Result<(), EndReason> {
        session.frame(at.mono);
        self.plan.status.frame(at.mono);
        match message {
            Message::Text(text) => {
                let wake = self.plan.port.wake.clone();
                if intake.text(self.plan.venue.as_ref(), text, at, || wake.is_stopped()).map_err(gone)? {
                    // The venue may echo the key, and what it says ends up in the log and on the HTTP port.
                    let clean = self.plan.counters.voice.redacted(text);
                    let control = self.plan.venue.control(&clean);
                    self.note(&control, at.mono);
                    session.control(at.mono, &control);
                }
            }
            Message::Binary(bytes) => intake.binary(bytes.len(), at.mono),
            Message::Close(frame) => {
                return Err(EndReason::PeerClosed { code: frame.as_ref().map(|f| f.code.into()) });
            }
            // The answer to a ping is queued by the protocol and leaves with the next read.
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
        }
        Ok(())
    }

    fn note(&self, control: &Control, now: Mono) {
        match control {
            Control::Fatal { message } | Control::Error { message } => {
                self.plan.counters.venue_said(message, now);
            }
            Control::Reconnect { .. } => self.plan.counters.notice(now),
            Control::Heartbeat | Control::Ack { .. } | Control::Other => {}
        }
    }

    fn command(&mut self, command: Command, session: &mut Session, intake: &mut Intake) {
        let plan = &mut self.plan;
        match command {
            Command::Restart { books } => {
                let symbols: Vec<&str> = books.iter().filter_map(|b| plan.routes.symbol(*b)).collect();
                let withdraw = plan.venue.withdraw(&plan.scope, &symbols, self.next_id);
                self.next_id = self.next_id.saturating_add(withdraw.len() as i64);
                let restore = plan.venue.restore(&plan.scope, &symbols, self.next_id);
                self.next_id = self.next_id.saturating_add(restore.len() as i64);
                // A session that is ending restarts nothing; the planner's own timer finds the books as they were.
                session.restart(books, withdraw, restore);
            }
            Command::Rescope { scope, routes, added, removed } => {
                let gone: Vec<&str> = removed.iter().map(String::as_str).collect();
                let mut messages = if gone.is_empty() {
                    Vec::new()
                } else {
                    plan.venue.unsubscribe(&plan.scope, &gone, self.next_id)
                };
                self.next_id = self.next_id.saturating_add(messages.len() as i64);
                plan.scope = scope;
                let new: Vec<&str> = added.iter().map(String::as_str).collect();
                if !new.is_empty() {
                    let more = plan.venue.subscribe(&plan.scope, &new, self.next_id);
                    self.next_id = self.next_id.saturating_add(more.len() as i64);
                    messages.extend(more);
                }
                plan.routes = routes.clone();
                intake.reroute(routes);
                if !session.say(messages) {
                    session.end(EndReason::Requested);
                }
            }
        }
    }

    fn wait(&self, socket: &WebSocket<Link>, session: &Session) -> Result<(), EndReason> {
        let now = self.plan.clock.mono();
        let wait = session.deadline().since(now).min(BEAT_EVERY);
        let wire = socket.get_ref().wire();
        match wire.wait(self.unflushed, wait) {
            Ok(_) => {
                self.plan.port.wake.drain();
                Ok(())
            }
            Err(_) => Err(EndReason::PeerReset),
        }
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

fn end_of_socket(error: &Error) -> EndReason {
    match error {
        Error::ConnectionClosed | Error::AlreadyClosed => EndReason::PeerClosed { code: None },
        Error::Io(_) | Error::Tls(_) => EndReason::PeerReset,
        Error::Protocol(tungstenite::error::ProtocolError::ResetWithoutClosingHandshake) => {
            EndReason::PeerReset
        }
        other => EndReason::Protocol(other.to_string()),
    }
}
