//! One client's exchange: a head in, an answer out, then a close that does not take the answer with it.
//!
//! Owns the client's socket and, while tiny_http is asked, the private one. Never blocks: the gate says when a
//! socket is ready and what time it is. One request a connection; what follows it is read and thrown away.

use crate::engine::time::Mono;
use crate::http::head::{self, Request};
use crate::http::limits::{ANSWER_BYTES_MAX, DISCARD_BYTES_MAX, HEAD_BYTES_MAX, HEAD_WITHIN, LINGER};
use crate::http::listener::Peer;
use crate::http::refusal::Refusal;
use rustix::event::PollFlags;
use socket2::Socket;
use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// Bytes read at once: a head in one go, an answer in few.
const CHUNK_BYTES: usize = 16 * 1024;

/// Goes in after the status line: tiny_http does not say it, and we always close.
const CLOSE_LINE: &[u8] = b"Connection: close\r\n";

pub struct Connection {
    pub client: Socket,
    pub peer: Peer,
    phase: Phase,
    /// The end of the current phase at the latest.
    deadline: Mono,
    /// The end of the whole exchange.
    overall: Mono,
    /// The head as far as it came, later the answer.
    bytes: Vec<u8>,
    /// How much of the answer the client's socket took.
    sent: usize,
}

enum Phase {
    Head,
    /// Wants tiny_http; `turn` orders those who wait.
    Waiting {
        request: Request,
        turn: u64,
    },
    Asking {
        upstream: UnixStream,
    },
    Writing {
        since: Mono,
    },
    /// `discarded`: bytes thrown away so far.
    Lingering {
        discarded: usize,
    },
    Closed,
}

/// What happened that others count.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Note {
    Nothing,
    /// The gate gave this answer itself.
    Refused(Refusal),
    /// Closed by its deadline without any answer.
    TimedOut,
}

impl Connection {
    pub fn new(client: Socket, peer: Peer, now: Mono, exchange_within: Duration) -> Connection {
        let overall = now.after(exchange_within);
        Connection {
            client,
            peer,
            phase: Phase::Head,
            deadline: now.after(HEAD_WITHIN).min(overall),
            overall,
            bytes: Vec::new(),
            sent: 0,
        }
    }

    pub fn is_closed(&self) -> bool {
        matches!(self.phase, Phase::Closed)
    }

    /// True while it takes one of the slots: everything but the last goodbye.
    pub fn takes_slot(&self) -> bool {
        !matches!(self.phase, Phase::Lingering { .. } | Phase::Closed)
    }

    pub fn is_lingering(&self) -> bool {
        matches!(self.phase, Phase::Lingering { .. })
    }

    pub fn is_asking(&self) -> bool {
        matches!(self.phase, Phase::Asking { .. })
    }

    /// Its place among those that wait for tiny_http.
    pub fn turn(&self) -> Option<u64> {
        match self.phase {
            Phase::Waiting { turn, .. } => Some(turn),
            _ => None,
        }
    }

    /// Since when it has been reading its answer.
    pub fn writing_since(&self) -> Option<Mono> {
        match self.phase {
            Phase::Writing { since } => Some(since),
            _ => None,
        }
    }

    /// Bytes of an answer it holds or may come to hold.
    pub fn answer_bytes(&self) -> usize {
        match self.phase {
            Phase::Asking { .. } => ANSWER_BYTES_MAX,
            Phase::Writing { .. } => self.bytes.capacity(),
            _ => 0,
        }
    }

    pub fn deadline(&self) -> Mono {
        self.deadline
    }

    /// What to wait for at the client. Hang-ups are always told.
    pub fn client_interest(&self) -> PollFlags {
        match self.phase {
            Phase::Head | Phase::Lingering { .. } => PollFlags::IN,
            Phase::Writing { .. } => PollFlags::OUT,
            Phase::Waiting { .. } | Phase::Asking { .. } | Phase::Closed => PollFlags::empty(),
        }
    }

    /// The private socket, while there is one. It is only ever read.
    pub fn upstream(&self) -> Option<&UnixStream> {
        match &self.phase {
            Phase::Asking { upstream } => Some(upstream),
            _ => None,
        }
    }

    /// The client's socket has something to say. `turn` is its place should it now have to wait.
    pub fn client_ready(&mut self, flags: PollFlags, now: Mono, turn: u64) -> Note {
        match self.phase {
            Phase::Head => self.read_head(now, turn),
            Phase::Writing { .. } => self.write(now),
            Phase::Lingering { .. } => self.discard(),
            // Nothing was asked for, so this is a hang-up or an error: nobody is there to answer.
            Phase::Waiting { .. } | Phase::Asking { .. } if !flags.is_empty() => self.close(),
            Phase::Waiting { .. } | Phase::Asking { .. } | Phase::Closed => Note::Nothing,
        }
    }

    /// Hands the request to tiny_http over a fresh connection.
    pub fn ask(&mut self, connect: impl FnOnce() -> io::Result<UnixStream>, now: Mono) -> Note {
        let Phase::Waiting { request, .. } = &self.phase else { return Note::Nothing };
        let text = request.rewritten();
        let asked = connect().and_then(|mut upstream| {
            // A fresh socket takes 600 bytes whole; if it does not, something is very wrong.
            let taken = upstream.write(text.as_bytes())?;
            if taken == text.len() { Ok(upstream) } else { Err(ErrorKind::WriteZero.into()) }
        });
        match asked {
            Ok(upstream) => {
                self.bytes = Vec::with_capacity(CHUNK_BYTES);
                self.phase = Phase::Asking { upstream };
                Note::Nothing
            }
            // No descriptor is left, or tiny_http is being started again: in a moment it may work.
            Err(_) => self.refuse(Refusal::Full, now),
        }
    }

    /// Part of the answer, or its end, can be read.
    pub fn upstream_ready(&mut self, now: Mono) -> Note {
        let Phase::Asking { upstream } = &mut self.phase else { return Note::Nothing };
        let mut chunk = [0u8; CHUNK_BYTES];
        match upstream.read(&mut chunk) {
            Ok(0) => self.start_writing(now),
            Ok(n) if self.bytes.len() + n > ANSWER_BYTES_MAX - CLOSE_LINE.len() => {
                self.refuse(Refusal::Failed, now)
            }
            Ok(n) => {
                self.bytes.extend_from_slice(&chunk[..n]);
                Note::Nothing
            }
            Err(e) if is_later(&e) => Note::Nothing,
            Err(_) => self.refuse(Refusal::Failed, now),
        }
    }

    /// Its deadline is over.
    pub fn expire(&mut self, now: Mono) -> Note {
        match self.phase {
            // Nothing was ever said: an idle preconnect, or a half-open one. There is nothing to answer.
            Phase::Head if self.bytes.is_empty() => {
                self.close();
                Note::TimedOut
            }
            Phase::Head => self.refuse(Refusal::TooSlow, now),
            Phase::Waiting { .. } => self.refuse(Refusal::Full, now),
            Phase::Asking { .. } => self.refuse(Refusal::NoAnswer, now),
            Phase::Writing { .. } => {
                self.close();
                Note::TimedOut
            }
            Phase::Lingering { .. } | Phase::Closed => self.close(),
        }
    }

    /// Answers with a refusal instead. It is small: a socket that does not take it whole is closed.
    pub fn refuse(&mut self, refusal: Refusal, now: Mono) -> Note {
        self.bytes = refusal.response();
        self.sent = 0;
        self.phase = Phase::Writing { since: now };
        self.deadline = self.overall.min(now.after(LINGER));
        self.write(now);
        Note::Refused(refusal)
    }

    pub fn close(&mut self) -> Note {
        self.phase = Phase::Closed;
        self.bytes = Vec::new();
        Note::Nothing
    }

    fn read_head(&mut self, now: Mono, turn: u64) -> Note {
        let mut chunk = [0u8; HEAD_BYTES_MAX];
        let room = HEAD_BYTES_MAX - self.bytes.len().min(HEAD_BYTES_MAX);
        match (&self.client).read(&mut chunk[..room]) {
            Ok(0) => return self.close(),
            Ok(n) => self.bytes.extend_from_slice(&chunk[..n]),
            Err(e) if is_later(&e) => return Note::Nothing,
            Err(_) => return self.close(),
        }
        match head::parse(&self.bytes) {
            Ok(None) => Note::Nothing,
            Ok(Some(request)) => {
                self.bytes = Vec::new();
                self.phase = Phase::Waiting { request, turn };
                self.deadline = self.overall;
                Note::Nothing
            }
            Err(refusal) => self.refuse(refusal, now),
        }
    }

    fn start_writing(&mut self, now: Mono) -> Note {
        let Some(line) = self.bytes.windows(2).position(|w| w == b"\r\n") else {
            return self.refuse(Refusal::Failed, now);
        };
        // Its room stays as it grew, in powers of two up to the largest answer. Cut to fit, every answer of a moving book
        // would be a block of its own size, and leave the allocator a hole that the next one does not fit.
        self.bytes.splice(line + 2..line + 2, CLOSE_LINE.iter().copied());
        self.sent = 0;
        self.phase = Phase::Writing { since: now };
        self.write(now)
    }

    fn write(&mut self, now: Mono) -> Note {
        while self.sent < self.bytes.len() {
            match (&self.client).write(&self.bytes[self.sent..]) {
                Ok(0) => return self.close(),
                Ok(n) => self.sent += n,
                Err(e) if is_later(&e) => return Note::Nothing,
                Err(_) => return self.close(),
            }
        }
        // Closing with unread bytes would reset the connection and could take the answer with it.
        let _ = self.client.shutdown(Shutdown::Write);
        self.bytes = Vec::new();
        self.phase = Phase::Lingering { discarded: 0 };
        self.deadline = now.after(LINGER);
        self.discard()
    }

    /// Throws away what the client still sends, one chunk a turn, until it closes or has sent too much.
    fn discard(&mut self) -> Note {
        let Phase::Lingering { discarded } = &mut self.phase else { return Note::Nothing };
        let mut chunk = [0u8; CHUNK_BYTES];
        match (&self.client).read(&mut chunk) {
            Ok(n) if n > 0 && *discarded + n <= DISCARD_BYTES_MAX => {
                *discarded += n;
                Note::Nothing
            }
            Err(e) if is_later(&e) => Note::Nothing,
            Ok(_) | Err(_) => self.close(),
        }
    }
}

fn is_later(e: &io::Error) -> bool {
    matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}
