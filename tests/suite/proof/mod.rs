//! The figures of reliability, each test named by the figure it measures. How much is asked for is one variable.

/// How much proof is asked for.
pub mod amount;
/// Ten thousand REST calls in the venue's log.
mod calls;
/// The hostile peers, as a table.
mod cases;
/// A thousand faults under the unit's limits.
mod chaos;
/// Starts and stops by the hundred, and kills at any moment: what stays in the file system.
mod cycles;
/// A wire with a length.
mod delay;
/// Hours of load with a reconnect ten times a second: whether memory creeps.
mod endurance;
/// Attacks on the HTTP port, and questions by the hundred: what the feed notices of them.
mod http_feed;
/// Every bound of the HTTP port, met from both sides.
mod http_limits;
/// kill -9 at any instant.
mod kill;
/// Every kind of fault a venue knows.
mod kinds;
/// Reconnects of every kind by the thousand: what they leave behind, and how long each takes down.
mod leaks;
/// How much of the log a peer can fill.
mod loglines;
/// Every kind of failure has a test.
mod named;
/// One life after another, over a million orders of events.
mod order;
/// From a reset to the first live book.
mod reset;
/// A venue that plays a script to its first client.
mod script;
/// Peers that fall silent.
mod silence;
/// How large it gets, with two hundred deep books and every fault; how large the program is.
mod size;
/// What a fault a minute costs.
mod soak;
/// How soon it is ready, how soon it refuses.
mod start;
/// Connections that end in every way, driven as fast as the daemon comes back.
mod storm;
/// SIGTERM at any moment of a life full of faults.
mod teardown;
/// What the systemd unit grants.
mod unit;
/// Hostile WebSocket peers.
mod websocket;
/// The daemon with venues that allow as much as a proof needs.
mod wide;
