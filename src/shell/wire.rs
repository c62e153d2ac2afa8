//! A non-blocking TCP stream that can wait: with a deadline, and for the bell of its owner.
//!
//! Until the upgrade is done every read and write waits, but never past the deadline and never past a stop. After
//! [`Wire::set_ready_only`] a read that has nothing says so at once, which is when the reader flushes and waits by itself.

use crate::engine::time::Mono;
use crate::shell::clock::Clock;
use crate::shell::wake::Wake;
use rustix::event::PollFlags;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

/// rustls asks the socket for at most 4 KiB a call; reading ahead for it saves 12 to 25 % of a busy TLS feed's CPU.
/// Twice the size gained nothing more.
const READ_AHEAD_BYTES: usize = 32 * 1024;

/// Read between two looks of the owner at its deadlines: more than a round's frames usually have, and a few milliseconds'
/// work when they are as small as frames get. A peer that sends fragments of nothing faster than they are read would
/// otherwise keep the WebSocket layer looking for the end of its message for ever.
const ROUND_BYTES: usize = 256 * 1024;

#[derive(Clone, Copy, Debug)]
enum Mode {
    /// Wait, but not past this instant.
    Until(Mono),
    /// Never wait.
    ReadyOnly,
}

#[derive(Debug)]
pub struct Wire {
    tcp: TcpStream,
    wake: Arc<Wake>,
    clock: Clock,
    mode: Mode,
    ahead: Vec<u8>,
    ahead_used: usize,
    ahead_filled: usize,
    /// What may still be read in this round.
    round_left: usize,
}

impl Wire {
    /// Takes over a connected stream. `read_ahead` is for TLS on top.
    ///
    /// # Errors
    /// The stream cannot be made non-blocking.
    pub fn new(
        tcp: TcpStream,
        wake: Arc<Wake>,
        clock: Clock,
        deadline: Mono,
        read_ahead: bool,
    ) -> io::Result<Wire> {
        tcp.set_nonblocking(true)?;
        let ahead = if read_ahead { vec![0; READ_AHEAD_BYTES] } else { Vec::new() };
        let (mode, round_left) = (Mode::Until(deadline), ROUND_BYTES);
        Ok(Wire { tcp, wake, clock, mode, ahead, ahead_used: 0, ahead_filled: 0, round_left })
    }

    /// From now on reads and writes wait, up to `deadline`.
    pub fn set_deadline(&mut self, deadline: Mono) {
        self.mode = Mode::Until(deadline);
    }

    /// From now on reads and writes that would wait return `WouldBlock`, and so do reads beyond the round's bytes.
    pub fn set_ready_only(&mut self) {
        self.mode = Mode::ReadyOnly;
    }

    /// A round of reading begins.
    pub fn begin_round(&mut self) {
        self.round_left = ROUND_BYTES;
    }

    /// Its bytes are read: there may be more on the socket.
    pub fn is_round_over(&self) -> bool {
        self.round_left == 0
    }

    /// Reads from the socket, within the round.
    fn receive(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if let Mode::Until(_) = self.mode {
            return self.retry(PollFlags::IN, |tcp| tcp.read(buf));
        }
        if self.round_left == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let room = buf.len().min(self.round_left);
        let got = self.retry(PollFlags::IN, |tcp| tcp.read(&mut buf[..room]))?;
        self.round_left -= got;
        Ok(got)
    }

    pub fn tcp(&self) -> &TcpStream {
        &self.tcp
    }

    /// Waits for the socket, the bell or the timeout; true when the socket is ready.
    ///
    /// # Errors
    /// The wait itself fails.
    pub fn wait(&self, write: bool, timeout: Duration) -> io::Result<bool> {
        let events = if write { PollFlags::IN | PollFlags::OUT } else { PollFlags::IN };
        self.wake.wait(&self.tcp, events, timeout)
    }

    fn retry(
        &mut self,
        events: PollFlags,
        mut call: impl FnMut(&mut TcpStream) -> io::Result<usize>,
    ) -> io::Result<usize> {
        loop {
            match call(&mut self.tcp) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                done => return done,
            }
            let Mode::Until(deadline) = self.mode else {
                return Err(io::ErrorKind::WouldBlock.into());
            };
            wait_until(&self.wake, &self.clock, &self.tcp, events, deadline)?;
        }
    }
}

/// Waits until the socket is ready.
///
/// # Errors
/// `TimedOut` past the deadline, `ConnectionAborted` after a stop.
pub fn wait_until(
    wake: &Wake,
    clock: &Clock,
    tcp: &TcpStream,
    events: PollFlags,
    deadline: Mono,
) -> io::Result<()> {
    loop {
        if wake.is_stopped() {
            return Err(io::Error::new(io::ErrorKind::ConnectionAborted, "told to stop"));
        }
        let left = deadline.since(clock.mono());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        // A bell without a stop is for later: the owner looks at its inbox once the wait is over.
        if wake.wait(tcp, events, left)? {
            return Ok(());
        }
        wake.drain();
    }
}

impl Read for Wire {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.ahead.is_empty() {
            return self.receive(buf);
        }
        if self.ahead_used == self.ahead_filled {
            let mut ahead = std::mem::take(&mut self.ahead);
            let got = self.receive(&mut ahead);
            self.ahead = ahead;
            self.ahead_used = 0;
            self.ahead_filled = 0;
            self.ahead_filled = got?;
        }
        let ready = &self.ahead[self.ahead_used..self.ahead_filled];
        let n = ready.len().min(buf.len());
        buf[..n].copy_from_slice(&ready[..n]);
        self.ahead_used += n;
        Ok(n)
    }
}

impl Write for Wire {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.retry(PollFlags::OUT, |tcp| tcp.write(buf))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
