//! What the supervisor is told.

use crate::engine::connection::end::EndReason;
use crate::engine::id::{ConnectionId, Generation};
use std::net::SocketAddr;

#[derive(Debug)]
pub enum Event {
    Upgraded {
        connection: ConnectionId,
        generation: Generation,
    },
    Subscribed {
        connection: ConnectionId,
        generation: Generation,
    },
    /// The reader's thread is about to end.
    Ended {
        connection: ConnectionId,
        generation: Generation,
        reason: EndReason,
    },
    /// A name was looked up for a connection.
    Resolved {
        connection: ConnectionId,
        answer: Result<Vec<SocketAddr>, String>,
    },
    /// The last word of a generation has passed through a worker.
    Fenced {
        worker: usize,
        connection: ConnectionId,
        generation: Generation,
    },
    /// The recovery machine asks for a fresh connection.
    Reconnect {
        connection: ConnectionId,
        generation: Generation,
    },
    /// A reader's life is to end soon, for this reason: another is to take over.
    Leaving {
        connection: ConnectionId,
        generation: Generation,
        reason: EndReason,
    },
    /// A successor carries all of its books that this worker keeps, or all that it will.
    Carried {
        worker: usize,
        connection: ConnectionId,
        generation: Generation,
    },
    /// A worker panicked and started over: all it knew is gone.
    WorkerPanicked {
        worker: usize,
        message: String,
    },
    /// A thread that must not end has ended.
    Lost {
        thread: String,
        message: String,
    },
    Stop,
    /// Write the state of every feed and book to the log.
    Dump,
    /// Read the configuration again.
    Reload,
}
