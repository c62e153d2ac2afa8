//! The readers: what the supervisor starts is put here instead of into a thread, and turned when it is due.

use crate::network::{Dialed, Network};
use crate::pipe::{MemorySocket, Pipe};
use depthd::engine::connection::end::EndReason;
use depthd::engine::id::{ConnectionId, Generation};
use depthd::engine::time::Mono;
use depthd::shell::clock::{Clock, Hand};
use depthd::shell::dial::{self, DialError};
use depthd::shell::link::OpenError;
use depthd::shell::reader::{Dialing, Life, Plan};
use depthd::shell::supervisor::{Farewell, Readers, Running};
use depthd::shell::thread::Ended;
use depthd::sim::net::PeerId;
use depthd::venue::RestReply;
use std::cell::RefCell;
use std::io::{self, ErrorKind};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A life that was started, and the word that it has ended.
pub type Begun = (Plan, Farewell, Arc<AtomicBool>);

/// What was started, until the world takes it.
#[derive(Clone, Default)]
pub struct Started {
    queue: Arc<Mutex<Vec<Begun>>>,
    /// So many of the next starts fail: there is no thread to be had.
    pub failing: Arc<AtomicU32>,
    pub failed: Arc<AtomicU32>,
}

impl Started {
    pub fn take(&self) -> Vec<Begun> {
        std::mem::take(&mut self.queue.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Readers for Started {
    fn start(&self, _name: &str, plan: Plan, farewell: Farewell) -> io::Result<Box<dyn Running>> {
        if self.failing.load(Relaxed) > 0 {
            self.failing.fetch_sub(1, Relaxed);
            self.failed.fetch_add(1, Relaxed);
            return Err(ErrorKind::OutOfMemory.into());
        }
        let finished = Arc::new(AtomicBool::new(false));
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.push((plan, farewell, finished.clone()));
        Ok(Box::new(Handle(finished)))
    }
}

struct Handle(Arc<AtomicBool>);

impl Running for Handle {
    fn is_finished(&self) -> bool {
        self.0.load(Relaxed)
    }

    fn join(self: Box<Self>) -> Ended<()> {
        assert!(self.0.load(Relaxed), "I5: a life is joined that has not ended: a thread would wait here");
        Ended::Returned(())
    }

    fn abandon(self: Box<Self>) {}
}

/// What happens to a dial before the venue hears of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DialFault {
    Refused,
    Hangs,
    Garbled,
}

enum Stage {
    /// With the time it is over by, and the fault that decides it.
    Dialing(Dialing, Option<(Mono, DialFault)>),
    Live(Life<MemorySocket>),
}

/// One life of a connection.
pub struct SimLife {
    pub connection: ConnectionId,
    pub generation: Generation,
    pub site: usize,
    pub peer: Option<PeerId>,
    stage: Option<Stage>,
    farewell: Option<Farewell>,
    finished: Arc<AtomicBool>,
    pipe: Option<Rc<RefCell<Pipe>>>,
    /// When the next turn is due whatever arrives.
    own_due: Mono,
    pub stalled_until: Mono,
    /// Text and binary messages that the network gave it.
    pub read: u64,
}

impl SimLife {
    /// Begins to dial.
    pub fn begin(
        (plan, mut farewell, finished): Begun,
        site: usize,
        net: &mut Network,
        fault: Option<DialFault>,
        now: Mono,
    ) -> SimLife {
        let (connection, generation) = (plan.connection, plan.generation);
        farewell.begin();
        let dialing = Dialing::new(plan);
        let dial = &dialing.plan().dial;
        let peer = fault.is_none().then(|| net.dial(now, &dial.url, &dial.headers));
        let wait = Duration::from_millis(5);
        let fault =
            fault.map(|f| (if f == DialFault::Hangs { dialing.deadline() } else { now.after(wait) }, f));
        let own_due = fault.map_or(dialing.deadline(), |(at, _)| at);
        SimLife {
            connection,
            generation,
            site,
            peer,
            stage: Some(Stage::Dialing(dialing, fault)),
            farewell: Some(farewell),
            finished,
            pipe: None,
            own_due,
            stalled_until: Mono::ZERO,
            read: 0,
        }
    }

    pub fn due(&self) -> Mono {
        if self.stage.is_none() {
            return Mono::ZERO;
        }
        let arrives = self.pipe.as_ref().and_then(|p| p.borrow().inbox.front().map(|(at, _)| *at));
        self.own_due.min(arrives.unwrap_or(Mono::NEVER)).max(self.stalled_until)
    }

    pub fn pipe(&self) -> Option<&Rc<RefCell<Pipe>>> {
        self.pipe.as_ref()
    }

    /// Somebody rang: told to stop, or asked for something.
    pub fn look(&mut self, now: Mono) {
        let rung = match &self.stage {
            Some(Stage::Dialing(dialing, _)) => dialing.plan().port.wake.is_stopped(),
            Some(Stage::Live(life)) => {
                life.plan().port.wake.is_stopped() || !life.plan().port.inbox.is_empty()
            }
            None => false,
        };
        if rung {
            self.own_due = self.own_due.min(now);
        }
    }

    /// The dial came to something. Gives the wait that the venue asked for, if it did.
    pub fn dialed(&mut self, dialed: Dialed, hand: &Rc<Hand>, clock: &Clock) -> Option<Duration> {
        let Some(Stage::Dialing(dialing, _)) = self.stage.take() else { return None };
        let error = match dialed {
            Dialed::Open(pipe) if !dialing.plan().port.wake.is_stopped() => {
                self.pipe = Some(pipe.clone());
                let socket = MemorySocket { pipe, hand: hand.clone() };
                self.stage = Some(Stage::Live(dialing.connected(socket)));
                self.own_due = hand.now();
                return None;
            }
            Dialed::Open(_) => DialError::Open(OpenError::Stopped),
            Dialed::Reset => DialError::Open(OpenError::Connect(ErrorKind::ConnectionReset.into())),
            Dialed::Refused { status, headers, body } => {
                let reply = RestReply { status, headers: &headers, body: &body };
                dial::refused(dialing.plan().venue.as_ref(), &reply, clock.stamp().wall)
            }
        };
        let wait = match &error {
            DialError::Refused { refusal, .. } => refusal.wait,
            _ => None,
        };
        self.end(dialing.failed(error));
        wait
    }

    /// One turn. False when this life is over.
    pub fn turn(&mut self, now: Mono) -> bool {
        match self.stage.take() {
            Some(Stage::Dialing(dialing, fault)) => self.dialing(now, dialing, fault),
            Some(Stage::Live(life)) => self.live(life),
            None => {}
        }
        self.stage.is_some()
    }

    fn dialing(&mut self, now: Mono, dialing: Dialing, fault: Option<(Mono, DialFault)>) {
        let error = if dialing.plan().port.wake.is_stopped() {
            DialError::Open(OpenError::Stopped)
        } else if let Some((_, fault)) = fault.filter(|(at, _)| *at <= now) {
            match fault {
                DialFault::Refused => {
                    DialError::Open(OpenError::Connect(ErrorKind::ConnectionRefused.into()))
                }
                DialFault::Hangs => DialError::Open(OpenError::TimedOut),
                DialFault::Garbled => DialError::Protocol("no HTTP".to_owned()),
            }
        } else if dialing.deadline() <= now {
            DialError::Open(OpenError::TimedOut)
        } else {
            self.own_due = fault.map_or(dialing.deadline(), |(at, _)| at);
            self.stage = Some(Stage::Dialing(dialing, fault));
            return;
        };
        self.end(dialing.failed(error));
    }

    fn live(&mut self, mut life: Life<MemorySocket>) {
        let turned = catch_unwind(AssertUnwindSafe(|| life.turn()));
        self.read = life.socket().pipe.borrow().read;
        match turned {
            Ok(Ok(true)) => {
                self.own_due = Mono::ZERO;
                self.stage = Some(Stage::Live(life));
            }
            Ok(Ok(false)) => {
                self.own_due = life.deadline();
                self.stage = Some(Stage::Live(life));
            }
            Ok(Err(end)) => self.end(life.finish(end)),
            Err(_) => {
                drop(life);
                self.farewell.take();
                self.finished.store(true, Relaxed);
            }
        }
    }

    fn end(&mut self, reason: EndReason) {
        if let Some(farewell) = self.farewell.take() {
            farewell.ended(reason);
        }
        self.finished.store(true, Relaxed);
    }
}
