//! The handle others hold on a running reader: to shut its socket, to wake it, to ask it for a restart of books.

use crate::engine::id::{BookId, Generation};
use crate::shell::reader::Routes;
use crate::shell::sync::channel::{Receiver, Sender, bounded};
use crate::shell::sync::{Arc, Mutex, MutexGuard, PoisonError};
use crate::shell::wake::Wake;
use crate::venue::Scope;
use std::collections::BTreeMap;
use std::io;
use std::net::{Shutdown, TcpStream};

/// Requests waiting for one reader. The planner has one restart in the making a connection.
const COMMANDS_MAX: usize = 4;

/// What a reader may be asked while it runs.
#[derive(Clone, Debug)]
pub enum Command {
    /// Take these books out of the subscription and put them back.
    Restart { books: Vec<BookId> },
    /// From here on carry this scope; `added` and `removed` are how it differs from the one before.
    Rescope { scope: Scope, routes: Arc<Routes>, added: Vec<String>, removed: Vec<String> },
}

#[derive(Debug)]
pub struct Port {
    pub wake: Arc<Wake>,
    /// A clone of the reader's socket, once it has one.
    socket: Mutex<Option<TcpStream>>,
    commands: Sender<Command>,
    pub inbox: Receiver<Command>,
}

impl Port {
    /// # Errors
    /// No descriptor is free.
    pub fn new() -> io::Result<Port> {
        let (commands, inbox) = bounded(COMMANDS_MAX);
        Ok(Port { wake: Arc::new(Wake::new()?), socket: Mutex::new(None), commands, inbox })
    }

    /// The reader has a socket now.
    pub fn connected(&self, socket: &TcpStream) {
        // Without a clone (no descriptor free) the bell alone ends the reader; it listens to both.
        *self.socket.lock().unwrap_or_else(PoisonError::into_inner) = socket.try_clone().ok();
        if self.wake.is_stopped() {
            self.shut();
        }
    }

    /// Ends the reader: its waits by the bell, its socket from outside.
    pub fn shut(&self) {
        self.wake.stop();
        if let Some(socket) = self.socket.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = socket.shutdown(Shutdown::Both);
        }
    }

    /// Asks for something; false when the reader has too much to do already.
    pub fn command(&self, command: Command) -> bool {
        let taken = self.commands.try_send(command).is_ok();
        self.wake.ring();
        taken
    }
}

/// The ports of all lives there are. Generations are never used again, so those that are over must leave nothing here.
#[derive(Debug, Default)]
pub struct Ports(Mutex<BTreeMap<Generation, Arc<Port>>>);

impl Ports {
    pub fn set(&self, generation: Generation, port: Option<Arc<Port>>) {
        match port {
            Some(port) => self.lock().insert(generation, port),
            None => self.lock().remove(&generation),
        };
    }

    pub fn get(&self, generation: Generation) -> Option<Arc<Port>> {
        self.lock().get(&generation).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Generation, Arc<Port>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ports had places for as many connections as there was room for at the start. A reload gives a new connection a new
    /// number; after some dozens of them nobody could ask its reader for a restart any more.
    #[test]
    fn a_connection_of_any_number_has_its_port() {
        let ports = Ports::default();
        for number in [0, 64, 65, 10_000, u64::MAX] {
            let life = Generation(number);
            ports.set(life, Some(Arc::new(Port::new().unwrap())));
            assert!(ports.get(life).is_some());
            assert!(ports.get(Generation(7)).is_none());
            ports.set(life, None);
            assert!(ports.get(life).is_none());
        }
        assert!(ports.lock().is_empty());
    }
}
