//! The threaded half: sockets, clocks, queues and files. It asks the engine what to do, and does it.

pub mod clock;
pub mod dial;
pub mod link;
pub mod log;
pub mod notify;
pub mod resolver;
pub mod rest;
pub mod seqcell;
pub mod thread;
pub mod wake;
pub mod wire;
