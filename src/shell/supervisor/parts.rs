//! What the supervisor is made of, and what it is asked: shapes only.

use crate::config::Overflow;
use crate::engine::connection::lifecycle::Lifecycle;
use crate::engine::id::ConnectionId;
use crate::shell::clock::Clock;
use crate::shell::event::Event;
use crate::shell::port::Ports;
use crate::shell::queue::{Entrance, LossBoard};
use crate::shell::reader::{self, Plan, Routes};
use crate::shell::recovery::Notice;
use crate::shell::registry::Registry;
use crate::shell::resolver::Asker;
use crate::shell::supervisor::{Facts, Farewell, Pulse};
use crate::shell::sync::channel::{Receiver, Sender};
use crate::shell::thread::{self, Ended, Handle};
use crate::venue::{Dial, Scope};
use rustls::ClientConfig;
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// What every connection shares.
pub struct Common {
    pub batch: usize,
    pub overflow: Overflow,
    pub seed: u64,
    pub events: Sender<Event>,
    pub ports: Arc<Ports>,
    pub shedding: Arc<AtomicBool>,
    pub tls: Arc<ClientConfig>,
    pub clock: Clock,
    pub readers: Box<dyn Readers>,
}

/// Runs lives of connections. [`Threads`] is what the daemon runs them with.
pub trait Readers: Send {
    /// Starts a life; `farewell` goes along and speaks when it ends, however it ends.
    ///
    /// # Errors
    /// It cannot be started: no thread, no memory.
    fn start(&self, name: &str, plan: Plan, farewell: Farewell) -> io::Result<Box<dyn Running>>;
}

/// A life that was started.
pub trait Running: Send {
    fn is_finished(&self) -> bool;
    /// Waits for its end.
    fn join(self: Box<Self>) -> Ended<()>;
    /// Lets it go on alone. Only on the way to a failed exit.
    fn abandon(self: Box<Self>);
}

/// A thread a life.
pub struct Threads;

impl Readers for Threads {
    fn start(&self, name: &str, plan: Plan, mut farewell: Farewell) -> io::Result<Box<dyn Running>> {
        let body = move || farewell.run(plan);
        Ok(Box::new(thread::spawn(name, reader::STACK_BYTES, body)?))
    }
}

impl Running for Handle<()> {
    fn is_finished(&self) -> bool {
        Handle::is_finished(self)
    }

    fn join(self: Box<Self>) -> Ended<()> {
        Handle::join(*self)
    }

    fn abandon(self: Box<Self>) {
        Handle::abandon(*self);
    }
}

/// A connection that goes on with other symbols.
pub struct NewScope {
    pub connection: ConnectionId,
    pub dial: Dial,
    pub scope: Scope,
    pub routes: Arc<Routes>,
    pub added: Vec<String>,
    pub removed: Vec<String>,
}

/// What a configuration asks of the supervisor.
pub struct Lines {
    pub start: Vec<(Facts, Lifecycle)>,
    pub rescope: Vec<NewScope>,
    pub stop: Vec<ConnectionId>,
    /// A thread that could not be told of the change. Books it does not know would wait for ever: the process has to
    /// be started anew.
    pub untold: Option<String>,
}

/// Reads the configuration again; an error changes nothing.
pub type Reload = Box<dyn FnMut() -> Result<Lines, String> + Send>;

/// How the daemon's run ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Exit {
    Stopped,
    /// Something that must not happen did; the process has to be started anew.
    Failed(String),
}

/// The supervisor's parts, in one piece so that the order of arguments cannot be mistaken.
pub struct Parts {
    pub common: Common,
    pub inbox: Receiver<Event>,
    pub entrances: Vec<Entrance>,
    pub losses: Arc<dyn LossBoard>,
    pub names: Asker,
    pub notices: Sender<Notice>,
    pub registry: Arc<Registry>,
    pub pulse: Pulse,
    /// `None`: there is no file to read again.
    pub reload: Option<Reload>,
}
