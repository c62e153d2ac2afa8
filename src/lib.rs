//! depthd keeps order books exact, or says that they are stale.

#![forbid(unsafe_code)]

pub mod app;
pub mod cli;
pub mod config;
pub mod engine;
pub mod http;
pub mod shell;
pub mod venue;
