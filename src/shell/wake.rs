//! A bell that interrupts a thread waiting on a socket, and the flag that says why it rang.
//!
//! An eventfd in the poll set of every wait: a ring is seen at once, without polling and without a signal.

use crossbeam_channel::{Receiver, Sender, bounded};
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::fd::{AsFd, OwnedFd};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

#[derive(Debug)]
pub struct Wake {
    bell: OwnedFd,
    stopped: AtomicBool,
    /// Never sends; dropped by a stop, which ends every wait on the other end.
    stop_sender: Mutex<Option<Sender<()>>>,
    stop_channel: Receiver<()>,
}

impl Wake {
    /// # Errors
    /// No descriptor is free.
    pub fn new() -> io::Result<Wake> {
        let bell = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        let (stop_sender, stop_channel) = bounded(0);
        let stop_sender = Mutex::new(Some(stop_sender));
        Ok(Wake { bell, stopped: AtomicBool::new(false), stop_sender, stop_channel })
    }

    /// Interrupts the current or the next wait.
    pub fn ring(&self) {
        // The counter is at its end after 2^64 rings not drained: then the bell is ringing anyway.
        let _ = rustix::io::write(&self.bell, &1u64.to_ne_bytes());
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
            let _ = rustix::io::read(&self.bell, &mut [0u8; 8]);
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
        let mut fds = [PollFd::new(socket, events), PollFd::new(&self.bell, PollFlags::IN)];
        let timeout = Timespec::try_from(timeout).unwrap_or(Timespec { tv_sec: 3_600, tv_nsec: 0 });
        match poll(&mut fds, Some(&timeout)) {
            Ok(_) => Ok(!fds[0].revents().is_empty()),
            Err(rustix::io::Errno::INTR) => Ok(false),
            Err(e) => Err(e.into()),
        }
    }
}
