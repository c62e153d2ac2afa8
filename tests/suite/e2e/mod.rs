//! The real binary against the simulated venue. What is judged here is only what can be seen from outside: HTTP, the
//! log, `/proc`, exit statuses, and the venue's own log.

pub mod daemon;
mod gaps;
mod look;
mod reading;
mod reconnects;
mod smoke;
