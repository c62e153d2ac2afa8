//! The integration crate: one module a concern.
