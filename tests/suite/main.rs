//! The integration crate: one module a concern.

/// Recorded frames through the codecs.
mod captures;
/// Example and bad configurations, as a person meets them.
mod config;
/// Damaged frames through the codecs.
mod hostile;
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
