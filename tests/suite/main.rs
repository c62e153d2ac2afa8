//! The integration crate: one module a concern.

/// The simulated venue against plain clients and naive books: what judges the daemon is judged here.
mod sim_faces;
