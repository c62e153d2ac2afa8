//! The real binary against the simulated venue. What is judged here is only what can be seen from outside: HTTP, the
//! log, `/proc`, exit statuses, and the venue's own log.

mod bad_input;
pub mod daemon;
mod rogue;
mod signals;
mod smoke;
mod teardown;
