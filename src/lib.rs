//! depthd keeps order books exact, or says that they are stale.

#![forbid(unsafe_code)]

pub mod engine;
pub mod shell;
pub mod sim;
pub mod venue;
