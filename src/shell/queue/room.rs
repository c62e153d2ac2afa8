//! Where readers wait for room under `overflow = "block"`.
//!
//! One token stands for "look again". A waiting reader that found room passes it on, so that one batch given back wakes
//! as many readers as it has room for, one after the other.

use crate::shell::sync::atomic::{AtomicUsize, Ordering, fence};
use crate::shell::sync::channel::{Receiver, Sender, bounded};
use std::time::Duration;

#[derive(Debug)]
pub(in crate::shell) struct Room {
    waiting: AtomicUsize,
    made: Sender<()>,
    found: Receiver<()>,
}

impl Room {
    pub fn new() -> Room {
        let (made, found) = bounded(1);
        Room { waiting: AtomicUsize::new(0), made, found }
    }

    /// Waits until `take` finds room. False when `give_up` says so, asked at least every `tick`.
    pub fn wait(&self, tick: Duration, take: impl Fn() -> bool, give_up: impl Fn() -> bool) -> bool {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let taken = loop {
            // Either the next look finds the room, or whoever makes it later finds us waiting, or finds that the token
            // we woke by is gone: see `made`.
            fence(Ordering::SeqCst);
            if take() {
                break true;
            }
            if give_up() {
                break false;
            }
            let _ = self.found.recv_timeout(tick);
        };
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        self.made();
        taken
    }

    /// Room was given back.
    pub fn made(&self) {
        fence(Ordering::SeqCst);
        if self.waiting.load(Ordering::Relaxed) > 0 {
            // A full channel means that somebody is about to look anyway.
            let _ = self.made.try_send(());
        }
    }
}
