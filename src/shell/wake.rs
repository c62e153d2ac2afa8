//! A bell that interrupts a thread waiting on a socket, and the flag that says why it rang.
//!
//! The bell is in the poll set of every wait: a ring is seen at once, without polling and without a signal.

use crate::shell::sync::atomic::{AtomicBool, Ordering};
use crate::shell::sync::channel::{Receiver, Sender, bounded};
use crate::shell::sync::{Bell, Mutex, PoisonError};
use rustix::event::PollFlags;
use rustix::fd::AsFd;
use std::io;
use std::time::Duration;

#[derive(Debug)]
pub struct Wake {
    bell: Bell,
    stopped: AtomicBool,
    /// Never sends; dropped by a stop, which ends every wait on the other end.
    stop_sender: Mutex<Option<Sender<()>>>,
    stop_channel: Receiver<()>,
}

impl Wake {
    /// # Errors
    /// No descriptor is free.
    pub fn new() -> io::Result<Wake> {
        let (stop_sender, stop_channel) = bounded(0);
        let stop_sender = Mutex::new(Some(stop_sender));
        Ok(Wake { bell: Bell::new()?, stopped: AtomicBool::new(false), stop_sender, stop_channel })
    }

    /// Interrupts the current or the next wait.
    pub fn ring(&self) {
        self.bell.ring();
    }

    /// Ends every wait, now and from now on.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
        self.stop_sender.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.ring();
    }

    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    /// Disconnected by a stop: for a `select!` beside other channels.
    pub fn stop_channel(&self) -> &Receiver<()> {
        &self.stop_channel
    }

    /// Silences the bell before its reasons are looked at. After a stop it goes on ringing.
    pub fn drain(&self) {
        if !self.is_stopped() {
            self.bell.silence();
            if self.is_stopped() {
                self.ring();
            }
        }
    }

    /// Waits until `socket` is ready for `events`, the bell rings, or `timeout` is over. Returns whether the socket is ready.
    ///
    /// # Errors
    /// The wait itself fails; an interrupting signal is not an error and counts as a ring.
    pub fn wait(&self, socket: &impl AsFd, events: PollFlags, timeout: Duration) -> io::Result<bool> {
        self.bell.wait(socket, events, timeout)
    }
}
