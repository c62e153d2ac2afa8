//! depthd keeps crypto order books exact on small machines for months, or says that they are stale.
//!
//! # Bird's-eye view
//!
//! ```text
//!   venue ──socket──▶ reader ──bounded queue──▶ worker ──▶ books ──▶ HTTP, through a gate
//!     ▲  ▲              ▲  one per connection    │  owns its books        ▲
//!     │  └──control─────┘                        │ needs                  │ asks
//!     │                                          ▼                        │
//!     └────REST──────── callers ◀─────────── recovery ──restart, reconnect┘
//!                                                │
//!                     supervisor: starts, shuts and joins every reader, one way down for all; where an end is planned,
//!                                 the next reader first, until the books have gone over to it
//! ```
//!
//! Everything is a named thread with a bounded inbox; there is no async runtime. A worker's work is done by one thread at a
//! time, which mostly is the reader that brought it: `shell::worker::seat`. What to do is decided by machines in
//! [`engine`] and [`venue`], which are told the time and return actions; [`shell`] does it.
//!
//! # Code map
//!
//! - [`engine`]: pure. Decimals, book, per-book sync, repair planner, session and lifecycle of a connection, health.
//! - [`venue`]: pure. One folder a venue: bytes to engine types and back, limits as data, sources cited.
//! - [`shell`]: threads, sockets, queues, clock, log. The only place that starts a thread or reads the clock. Its loops are
//!   turns that never wait and waits around them, so that a simulator can drive them; what threads share comes from
//!   `shell::sync`, so that a model checker can order it.
//! - [`http`]: the gate that owns the public socket, the answers, the dashboard.
//! - [`config`]: text to checked values, every mistake at once, the worst-case memory.
//! - [`sim`]: a simulated venue with a true market, two faces and a catalogue of faults; also plays recordings.
//! - [`app`]: builds all of it in order, takes it down in reverse, follows a changed configuration. `assembly` puts the
//!   daemon together without a thread; `tests/simulate` and the models start from there.
//! - [`cli`]: one file a command.
//!
//! Direction: `main → app, cli → {shell, http, config, sim} → venue → engine`.
//!
//! # Invariants
//!
//! Referred to by number in assertions, tests and comments.
//!
//! - I1: a book shown `live` equals the venue's book at its sequence, inside the price window it vouches for.
//! - I2: a `live` book is never deeper than its bound, nor crossed where its venue cannot be.
//! - I3: what is applied to a book is contiguous within a generation.
//! - I4: nothing of a generation is applied after its fence.
//! - I5: one life of a connection is joined before the next is spawned, but for the one that takes over from it.
//! - I6: after a gap, a drop or a lost connection a book is stale at once, and says so to readers.
//! - I7: received = applied + duplicate + buffered + discarded, by reason, once queues are empty.
//! - I8: REST cost in any window is at most burst + rate × window, and calls in flight at most the cap.
//! - I9: every queue, map, buffer and retry has a bound that follows from the configuration.
//! - I10: every wait has a deadline, except those listed in [`shell`].
//! - I11: nothing from a network, a file or an HTTP client ends the process or stops a thread.
//! - I12: when faults stop, every book becomes live again by itself.

#![forbid(unsafe_code)]

pub mod app;
pub mod cli;
pub mod config;
pub mod engine;
pub mod http;
pub mod shell;
pub mod sim;
pub mod venue;
