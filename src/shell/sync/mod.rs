//! What threads share, by one name each: channels, locks, atomics and the bell.
//!
//! In the daemon these are crossbeam-channel, the standard library and an eventfd, re-exported and nothing more. Under
//! `cfg(loom)` and `cfg(shuttle)` the same names are versions whose every step a model checker orders: see
//! [`crate::shell`]'s `model`. What only counts and decides nothing stays with the standard library: it would cost the
//! checkers schedules and tell them nothing.

mod bell;
#[cfg(any(loom, shuttle))]
mod modelled;

pub use bell::Bell;
pub use std::sync::{Arc, PoisonError};

#[cfg(not(any(loom, shuttle)))]
pub use std::sync::{Mutex, MutexGuard, RwLock};

#[cfg(loom)]
pub use loom::sync::{Condvar, Mutex, MutexGuard, RwLock};

#[cfg(shuttle)]
pub use shuttle::sync::{Condvar, Mutex, MutexGuard, RwLock};

/// Atomics that carry a protocol between threads.
pub mod atomic {
    #[cfg(not(any(loom, shuttle)))]
    pub use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering, fence};

    #[cfg(loom)]
    pub use loom::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering, fence};

    #[cfg(shuttle)]
    pub use shuttle::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering, fence};
}

/// Bounded queues between threads.
pub mod channel {
    #[cfg(not(any(loom, shuttle)))]
    pub use crossbeam_channel::{Receiver, Select, Sender, bounded, select};

    #[cfg(any(loom, shuttle))]
    pub(crate) use super::modelled::modelled_select as select;
    #[cfg(any(loom, shuttle))]
    pub use super::modelled::{Receiver, Select, Sender, bounded};

    pub use crossbeam_channel::{RecvTimeoutError, TryRecvError, TrySendError};
}

/// Between two looks at what another thread is about to change.
#[cfg(not(any(loom, shuttle)))]
pub use std::hint::spin_loop;

#[cfg(loom)]
pub use loom::hint::spin_loop;

#[cfg(shuttle)]
pub use shuttle::hint::spin_loop;
