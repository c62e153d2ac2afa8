//! The integration crate: one module a concern.

/// A small source of fixed data, a server on it, and a client that says anything.
mod http_fixture;

/// The same server in a process of its own, to be counted.
mod http_victim;

/// Every path, its answers and its errors, through a real socket.
mod http_routes;

/// What hostile or broken clients send; afterwards everything is as before.
mod http_attacks;
