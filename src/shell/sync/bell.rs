//! What interrupts a thread that waits on a socket: an eventfd in the poll set of its every wait.
//!
//! Under a model checker it is the same counter behind a lock, and nobody waits on sockets.

use rustix::event::PollFlags;
use rustix::fd::AsFd;
use std::io;
use std::time::Duration;

#[cfg(not(any(loom, shuttle)))]
use rustix::{
    event::{EventfdFlags, PollFd, Timespec, eventfd, poll},
    fd::OwnedFd,
};

#[cfg(not(any(loom, shuttle)))]
#[derive(Debug)]
pub struct Bell(OwnedFd);

#[cfg(not(any(loom, shuttle)))]
impl Bell {
    /// # Errors
    /// No descriptor is free.
    pub fn new() -> io::Result<Bell> {
        Ok(Bell(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?))
    }

    /// Interrupts the current or the next wait.
    pub fn ring(&self) {
        // The counter is at its end after 2^64 rings not silenced: then the bell is ringing anyway.
        let _ = rustix::io::write(&self.0, &1u64.to_ne_bytes());
    }

    /// Takes every ring so far back.
    pub fn silence(&self) {
        let _ = rustix::io::read(&self.0, &mut [0u8; 8]);
    }

    /// Waits until `socket` is ready for `events`, the bell rings, or `timeout` is over. Returns whether the socket is ready.
    ///
    /// # Errors
    /// The wait itself fails; an interrupting signal is not an error and counts as a ring.
    pub fn wait(&self, socket: &impl AsFd, events: PollFlags, timeout: Duration) -> io::Result<bool> {
        let mut fds = [PollFd::new(socket, events), PollFd::new(&self.0, PollFlags::IN)];
        let timeout = Timespec::try_from(timeout).unwrap_or(Timespec { tv_sec: 3_600, tv_nsec: 0 });
        match poll(&mut fds, Some(&timeout)) {
            Ok(_) => Ok(!fds[0].revents().is_empty()),
            Err(rustix::io::Errno::INTR) => Ok(false),
            Err(e) => Err(e.into()),
        }
    }
}

#[cfg(any(loom, shuttle))]
#[derive(Debug)]
pub struct Bell {
    rings: super::Mutex<u64>,
    rung: super::Condvar,
}

#[cfg(any(loom, shuttle))]
impl Bell {
    /// # Errors
    /// None here.
    pub fn new() -> io::Result<Bell> {
        Ok(Bell { rings: super::Mutex::new(0), rung: super::Condvar::new() })
    }

    pub fn ring(&self) {
        *self.rings() += 1;
        self.rung.notify_all();
    }

    pub fn silence(&self) {
        *self.rings() = 0;
    }

    /// Waits for a ring and for nothing else: no timeout forgives a lost one.
    ///
    /// # Errors
    /// None here.
    pub fn wait(&self, _: &impl AsFd, _: PollFlags, _: Duration) -> io::Result<bool> {
        self.wait_for_ring();
        Ok(false)
    }

    pub fn wait_for_ring(&self) {
        let mut rings = self.rings();
        while *rings == 0 {
            rings = self.rung.wait(rings).unwrap_or_else(super::PoisonError::into_inner);
        }
    }

    fn rings(&self) -> super::MutexGuard<'_, u64> {
        self.rings.lock().unwrap_or_else(super::PoisonError::into_inner)
    }
}
