//! The figures of reliability, each test named by the figure it measures. How much is asked for is one variable.

/// How much proof is asked for.
mod amount;
/// Ten thousand REST calls in the venue's log.
mod calls;
/// The hostile peers, as a table.
mod cases;
/// A thousand faults under the unit's limits.
mod chaos;
/// A wire with a length.
mod delay;
/// kill -9 at any instant.
mod kill;
/// Every kind of fault a venue knows.
mod kinds;
/// How much of the log a peer can fill.
mod loglines;
/// From a reset to the first live book.
mod reset;
/// A venue that plays a script to its first client.
mod script;
/// Peers that fall silent.
mod silence;
/// What a fault a minute costs.
mod soak;
/// How soon it is ready, how soon it refuses.
mod start;
/// What the systemd unit grants.
mod unit;
/// Hostile WebSocket peers.
mod websocket;
