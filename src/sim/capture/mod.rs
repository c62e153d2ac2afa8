//! Serves a recording as if the venue were there again: its frames over WebSocket, its book over REST.
//!
//! Each connection gets the recording from the beginning. The book is there once the stream has come to where the snapshot
//! was recorded: before that no client could have had it, and none could join it. From there on REST answers as the venue
//! would have: with the book at the last event sent on the connection that is farthest, rebuilt from the recording
//! (`rebuilt` says what that is worth). At full pace the stream waits for its client: until it has read, and while it joins.

mod playback;
mod questions;
mod read;
mod rebuilt;

use super::net::Sockets;
use crate::engine::time::Mono;
use crate::shell::thread::{self, Handle};
use playback::{Playback, Shared};
use rustix::event::{EventfdFlags, eventfd};
use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

const STACK_BYTES: usize = 512 * 1024;

/// How fast a recording is played.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Pace {
    /// As it came.
    #[default]
    Recorded,
    /// So many times faster.
    Times(u32),
    /// As fast as the client reads. The stream waits while somebody fetches a book, and at the recorded snapshot until
    /// somebody has.
    Full,
}

impl FromStr for Pace {
    type Err = super::config::UnknownWord;
    fn from_str(word: &str) -> Result<Pace, Self::Err> {
        match word {
            "recorded" => Ok(Pace::Recorded),
            "full" => Ok(Pace::Full),
            _ => Err(super::config::UnknownWord {
                word: word.to_owned(),
                expected: "recorded, full".to_owned(),
            }),
        }
    }
}

impl fmt::Display for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Pace::Recorded => f.pad("recorded"),
            Pace::Times(n) => write!(f, "{n} times"),
            Pace::Full => f.pad("full"),
        }
    }
}

/// How far the playing is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Progress {
    /// Frames in the recording.
    pub frames: u64,
    /// Frames handed over on the connection that is farthest.
    pub sent: u64,
    /// Some connection was sent all it asked for.
    pub finished: bool,
    pub connections: u64,
    /// Snapshots answered.
    pub snapshots: u64,
}

/// A recording being served. Dropping it closes every socket and joins its thread.
#[derive(Debug)]
pub struct CaptureServer {
    addr: SocketAddr,
    symbols: Vec<String>,
    skipped: u64,
    torn: bool,
    shared: Arc<Shared>,
    waker: Arc<OwnedFd>,
    thread: Option<Handle<()>>,
}

/// Starts serving the recording at `path` (`<receive time, ns> <frame>` lines, plain or gzip).
///
/// # Errors
/// The file cannot be read or holds no frame, the address cannot be listened on, or the system gives no thread.
pub fn serve(path: &Path, listen: SocketAddr, pace: Pace) -> io::Result<CaptureServer> {
    let recording = read::read(path)?;
    let listener = TcpListener::bind(listen)?;
    let addr = listener.local_addr()?;
    let mut net = Sockets::new(listener)?;
    let waker = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
    let shared = Arc::new(Shared::new(recording.frames()));
    let (symbols, skipped, torn) = (recording.symbols.clone(), recording.skipped, recording.torn);
    let thread = {
        let (shared, waker) = (shared.clone(), waker.clone());
        let started = Instant::now();
        let now = move || Mono::from_nanos(u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX));
        thread::spawn("sim-capture", STACK_BYTES, move || {
            let mut host = Playback::new(recording, pace, shared.clone());
            net.serve(&mut host, &waker, &now, &|| shared.stop.load(Ordering::Relaxed));
        })?
    };
    Ok(CaptureServer { addr, symbols, skipped, torn, shared, waker, thread: Some(thread) })
}

impl CaptureServer {
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// A feed's `url`.
    pub fn url(&self) -> String {
        format!("ws://{}", self.addr)
    }

    /// A feed's `rest_url`.
    pub fn rest_url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Every symbol the recording has a stream of, in upper case.
    pub fn symbols(&self) -> &[String] {
        &self.symbols
    }

    /// Lines that are no frames.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Whether the file ends in the middle; what is whole is served.
    pub fn torn(&self) -> bool {
        self.torn
    }

    pub fn progress(&self) -> Progress {
        self.shared.progress()
    }
}

impl Drop for CaptureServer {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        // A full counter means that the thread is awake already.
        let _ = rustix::io::write(&*self.waker, &1u64.to_ne_bytes());
        drop(self.thread.take());
    }
}
