//! The threaded half: sockets, clocks, queues and files. It asks the engine what to do, and does it.

pub mod log;
pub mod notify;
pub mod thread;
