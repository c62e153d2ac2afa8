//! The figures of reliability, each test named by the figure it measures. How much is asked for is one variable.

/// How much proof is asked for.
mod amount;
/// The hostile peers, as a table.
mod cases;
/// A venue that plays a script to its first client.
mod script;
/// Hostile WebSocket peers.
mod websocket;
