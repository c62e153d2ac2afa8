//! The pure half: every decision depthd makes, as state machines that are told the time and say what to do.
//!
//! Nothing here opens a socket, starts a thread, reads a clock, touches a file or writes a log. The daemon drives
//! these machines with threads, the simulator with a seeded virtual clock.

pub mod audit;
pub mod backoff;
pub mod book;
pub mod breaker;
pub mod bucket;
pub mod checksum;
pub mod connection;
pub mod day;
pub mod decimal;
pub mod event;
pub mod evidence;
pub mod health;
pub mod histogram;
pub mod id;
pub mod keeper;
pub mod ledger;
pub mod need;
pub mod pace;
pub mod random;
pub mod rate;
pub mod recovery;
pub mod resume;
pub mod sequence;
pub mod state;
pub mod stats;
pub mod sync;
pub mod tape;
pub mod time;
pub mod trade_id;
pub mod view;
