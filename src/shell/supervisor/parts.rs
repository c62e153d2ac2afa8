//! What the supervisor is made of, and what it is asked: shapes only.

use crate::config::Overflow;
use crate::engine::connection::lifecycle::Lifecycle;
use crate::engine::id::ConnectionId;
use crate::shell::clock::Clock;
use crate::shell::event::Event;
use crate::shell::port::Ports;
use crate::shell::queue::{Entrance, LossBoard};
use crate::shell::reader::Routes;
use crate::shell::recovery::Notice;
use crate::shell::registry::Registry;
use crate::shell::resolver::Asker;
use crate::shell::supervisor::{Facts, Pulse};
use crate::shell::sync::channel::{Receiver, Sender};
use crate::venue::{Dial, Scope};
use rustls::ClientConfig;
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
