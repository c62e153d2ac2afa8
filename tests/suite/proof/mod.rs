//! The figures of reliability, each test named by the figure it measures. How much is asked for is one variable.

/// How much proof is asked for.
pub mod amount;
/// Starts and stops by the hundred, and kills at any moment: what stays in the file system.
mod cycles;
/// Attacks on the HTTP port, and questions by the hundred: what the feed notices of them.
mod http_feed;
/// Every bound of the HTTP port, met from both sides.
mod http_limits;
/// Reconnects of every kind by the thousand: what they leave behind, and how long each takes down.
mod leaks;
/// How large it gets, with two hundred deep books and every fault; how large the program is.
mod size;
/// Hours of load with a reconnect ten times a second: whether memory creeps.
mod soak;
/// Connections that end in every way, driven as fast as the daemon comes back.
mod storm;
/// SIGTERM at any moment of a life full of faults.
mod teardown;
/// The daemon with venues that allow as much as a proof needs.
mod wide;
