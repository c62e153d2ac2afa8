//! How full a queue is: the bound on messages and on bytes, reserved before anything is copied.

use crate::shell::sync::atomic::{AtomicUsize, Ordering};

/// Read by anyone; `*_high` are the most there ever was.
#[derive(Debug)]
pub struct QueueGauge {
    pub messages: AtomicUsize,
    pub bytes: AtomicUsize,
    pub messages_high: AtomicUsize,
    pub bytes_high: AtomicUsize,
    pub messages_max: usize,
    pub bytes_max: usize,
}

impl QueueGauge {
    pub fn new(messages_max: usize, bytes_max: usize) -> QueueGauge {
        QueueGauge {
            messages: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
            messages_high: AtomicUsize::new(0),
            bytes_high: AtomicUsize::new(0),
            messages_max,
            bytes_max,
        }
    }

    /// Room for one message of this length; false when there is none.
    pub(in crate::shell) fn reserve(&self, len: usize) -> bool {
        let fits = |now: usize, more: usize, max: usize| now.checked_add(more).filter(|sum| *sum <= max);
        let Ok(before) = self
            .messages
            .fetch_update(Ordering::AcqRel, Ordering::Relaxed, |n| fits(n, 1, self.messages_max))
        else {
            return false;
        };
        let Ok(bytes) =
            self.bytes.fetch_update(Ordering::AcqRel, Ordering::Relaxed, |n| fits(n, len, self.bytes_max))
        else {
            self.messages.fetch_sub(1, Ordering::AcqRel);
            return false;
        };
        self.messages_high.fetch_max(before + 1, Ordering::Relaxed);
        self.bytes_high.fetch_max(bytes + len, Ordering::Relaxed);
        true
    }

    pub(in crate::shell) fn release(&self, messages: usize, bytes: usize) {
        let had = self.messages.fetch_sub(messages, Ordering::AcqRel);
        assert!(had >= messages, "a queue never gives back more than it took");
        self.bytes.fetch_sub(bytes, Ordering::AcqRel);
    }
}
