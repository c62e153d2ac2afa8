//! The threaded half: sockets, clocks, queues and files. It asks the engine what to do, and does it.
//!
//! Waits without a deadline are these, and no others: a worker's and a caller's wait for work (ended by dropping the
//! sender), and a join of a thread that has said that it ends.

pub mod beat;
pub mod clock;
pub mod count;
pub mod dial;
pub mod event;
pub mod face;
pub mod journal;
pub mod link;
pub mod log;
pub mod memory;
#[cfg(all(test, any(loom, shuttle)))]
mod model;
pub mod notify;
pub mod port;
pub mod purse;
pub mod queue;
pub mod reader;
pub mod recovery;
pub mod registry;
pub mod resolver;
pub mod rest;
pub mod seqcell;
pub mod signals;
pub mod slot;
pub mod status;
pub mod supervisor;
pub mod sync;
pub mod thread;
pub mod voice;
pub mod wake;
pub mod wire;
pub mod worker;
