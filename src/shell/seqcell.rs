//! A value of `N` words that one thread writes and any thread reads, without a lock and without waiting for readers.
//!
//! A sequence lock over plain atomics: the writer makes the version odd, stores the words, makes it even. A reader takes
//! the words between two equal even versions, or tries again. The writer never waits, so readers cannot slow the feed.

use crate::shell::sync::atomic::{AtomicU64, Ordering, fence};
use crate::shell::sync::spin_loop;
use std::array;

#[derive(Debug)]
pub struct SeqCell<const N: usize> {
    version: AtomicU64,
    words: [AtomicU64; N],
}

impl<const N: usize> SeqCell<N> {
    pub fn new(words: [u64; N]) -> SeqCell<N> {
        SeqCell { version: AtomicU64::new(0), words: words.map(AtomicU64::new) }
    }

    /// Publishes new words. One thread at a time: the book's worker.
    pub fn write(&self, words: &[u64; N]) {
        let version = self.version.load(Ordering::Relaxed);
        self.version.store(version.wrapping_add(1), Ordering::Relaxed);
        fence(Ordering::Release);
        for (slot, word) in self.words.iter().zip(words) {
            slot.store(*word, Ordering::Relaxed);
        }
        self.version.store(version.wrapping_add(2), Ordering::Release);
    }

    /// Changes with each write.
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// The words of one write, never a mix of two.
    pub fn read(&self) -> [u64; N] {
        loop {
            let before = self.version.load(Ordering::Acquire);
            let words = array::from_fn(|i| self.words[i].load(Ordering::Relaxed));
            fence(Ordering::Acquire);
            if before.is_multiple_of(2) && self.version.load(Ordering::Relaxed) == before {
                return words;
            }
            spin_loop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::thread;
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    #[test]
    fn a_reader_never_sees_two_writes_mixed() {
        let cell = Arc::new(SeqCell::new([0u64; 24]));
        let done = Arc::new(AtomicBool::new(false));
        let (writer_cell, writer_done) = (cell.clone(), done.clone());
        let writer = thread::spawn("writer", 64 * 1024, move || {
            for n in 1..=200_000u64 {
                writer_cell.write(&[n; 24]);
            }
            writer_done.store(true, Ordering::Release);
        })
        .expect("thread");
        let mut last = 0;
        while !done.load(Ordering::Acquire) {
            let words = cell.read();
            assert!(words.iter().all(|w| *w == words[0]), "{words:?}");
            assert!(words[0] >= last);
            last = words[0];
        }
        drop(writer);
        assert_eq!(cell.read(), [200_000; 24]);
    }
}
