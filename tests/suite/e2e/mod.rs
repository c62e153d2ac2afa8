//! The real binary against the simulated venue. What is judged here is only what can be seen from outside: HTTP, the
//! log, `/proc`, exit statuses, and the venue's own log.

mod abuse;
mod backpressure;
mod bad_input;
pub mod daemon;
mod load;
pub mod local;
mod recorded;
mod reload;
mod rogue;
mod signals;
mod sim;
mod gaps;
mod look;
mod reading;
mod reconnects;
mod smoke;
mod teardown;
