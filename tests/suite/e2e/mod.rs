//! The real binary against the simulated venue. What is judged here is only what can be seen from outside: HTTP, the
//! log, `/proc`, exit statuses, and the venue's own log.

mod abuse;
mod backpressure;
mod bad_input;
mod crash_loop;
pub mod daemon;
mod gaps;
mod handover;
mod liquidations;
pub mod load;
pub mod local;
pub mod look;
mod many;
mod reading;
pub mod reconnects;
mod recorded;
mod refusals;
mod reload;
pub mod rogue;
mod signals;
mod sim;
mod smoke;
pub mod teardown;
mod tls;
