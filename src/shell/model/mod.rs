//! Model checking of what threads share: the daemon's own code under a scheduler that decides every step.
//!
//! Two checkers, each with a cfg that the build script sets, and a command:
//!
//! ```text
//! DEPTHD_MODEL=loom    cargo test --locked --lib model::
//! DEPTHD_MODEL=shuttle cargo test --locked --lib model::
//! ```
//!
//! loom (figure C1) tries every schedule with at most three preemptions, and every value that the memory orders allow a
//! load to see, of small pieces: the published state, the bell and the stop, the room in a queue, a worker's seat. Without an end it fails.
//!
//! shuttle (figure C2) tries as many schedules as it is told of the whole of the threaded half that decides anything.
//! `DEPTHD_PROOF=landing` or `=release` asks for more of them.

#[cfg(loom)]
mod explore;
#[cfg(loom)]
mod publish;
#[cfg(loom)]
mod room;
#[cfg(loom)]
mod seat;
#[cfg(loom)]
mod stop;
