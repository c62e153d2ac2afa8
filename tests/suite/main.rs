//! The integration crate: one module a concern.

mod captures;
mod hostile;
/// The slow, obvious book.
mod naive;
/// What must hold for every input.
mod props;
/// The book's sync machine, step by step.
mod sync;
/// Properties: laws that hold for any input, each against a naive statement of itself.
