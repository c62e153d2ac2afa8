//! The integration crate: one module a concern.

/// The slow, obvious book.
mod naive;
/// What must hold for every input.
mod props;
/// The book's sync machine, step by step.
mod sync;
