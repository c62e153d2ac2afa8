//! The integration crate: one module a concern.

/// As the program has it: some of these tests are a daemon themselves, and their memory is measured.
#[cfg(feature = "jemalloc")]
#[global_allocator]
static HEAP: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Recorded frames through the codecs.
mod captures;
/// Example and bad configurations, as a person meets them.
mod config;
/// Opening a connection, and every way it can fail.
mod dial;
/// The real binary against the simulated venue, over real sockets.
mod e2e;
/// Damaged frames through the codecs.
mod hostile;
/// What hostile or broken clients send; afterwards everything is as before.
mod http_attacks;
/// A small source of fixed data, a server on it, and a client that says anything.
mod http_fixture;
/// Every path, its answers and its errors, through a real socket.
mod http_routes;
/// The same server in a process of its own, to be counted.
mod http_victim;
/// The slow, obvious book.
mod naive;
/// The figures of reliability against the real binary.
mod proof;
/// Properties: laws that hold for any input, each against a naive statement of itself.
mod props;
/// The simulated venue against plain clients and naive books: what judges the daemon is judged here.
mod sim_faces;
/// What a venue lists, as a person asks for it.
mod symbols;
/// The book's sync machine, step by step.
mod sync;
/// Layers, purity, size, leftovers.
mod tidy;
/// The systemd unit.
mod unit_file;
/// Each venue against its own rules and recorded frames.
mod venues;
