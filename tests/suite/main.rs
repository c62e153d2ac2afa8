//! The integration crate: one module a concern.

/// Properties: laws that hold for any input, each against a naive statement of itself.
mod props;
