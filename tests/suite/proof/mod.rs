//! The figures of reliability, each test named by the figure it measures. How much is asked for is one variable.

/// How much proof is asked for.
mod amount;
/// The hostile peers, as a table.
mod cases;
/// A thousand faults under the unit's limits.
mod chaos;
/// Every kind of fault a venue knows.
mod kinds;
/// A venue that plays a script to its first client.
mod script;
/// What the systemd unit grants.
mod unit;
/// Hostile WebSocket peers.
mod websocket;
