//! The integration crate: one module a concern.

/// Recorded frames through the codecs.
mod captures;
/// Example and bad configurations, as a person meets them.
mod config;
/// Damaged frames through the codecs.
mod hostile;
/// What hostile or broken clients send; afterwards everything is as before.
mod http_attacks;
/// A small source of fixed data, a server on it in a process of its own, and a client that says anything.
mod http_fixture;
/// Every path, its answers and its errors, through a real socket.
mod http_routes;
/// The slow, obvious book.
mod naive;
/// Properties: laws that hold for any input, each against a naive statement of itself.
mod props;
/// The book's sync machine, step by step.
mod sync;
/// Layers, purity, size, leftovers.
mod tidy;
/// The systemd unit.
mod unit_file;
