//! The integration crate: one module a concern.

mod captures;
mod hostile;
