//! Signs of life: every thread marks its own progress, and whoever feeds the watchdog looks at all of them.

use crate::engine::time::Mono;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// One thread's sign of life.
#[derive(Debug)]
pub struct Beat {
    pub name: String,
    /// The longest time between two marks of a healthy thread, with a wide margin.
    pub within: Duration,
    last_nanos: AtomicU64,
}

impl Beat {
    pub fn new(name: String, within: Duration, now: Mono) -> Beat {
        Beat { name, within, last_nanos: AtomicU64::new(now.nanos()) }
    }

    /// The thread gets on.
    pub fn mark(&self, now: Mono) {
        self.last_nanos.store(now.nanos(), Ordering::Relaxed);
    }

    pub fn last(&self) -> Mono {
        Mono::from_nanos(self.last_nanos.load(Ordering::Relaxed))
    }

    pub fn is_overdue(&self, now: Mono) -> bool {
        now.since(self.last()) > self.within
    }
}
