//! A venue that plays a script to its first client, byte for byte, and is a good CoinAPI to every later one.

use crate::e2e::rogue::{header, text};
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The two books of the scripted venue.
pub const SYMBOLS: [&str; 2] = ["BITSTAMP_SPOT_BTC_USD", "BITSTAMP_SPOT_ETH_USD"];
/// Good connections say something this often.
const HEARTBEAT: Duration = Duration::from_millis(100);

#[derive(Clone, Debug)]
pub enum Act {
    Say(Vec<u8>),
    /// One byte at a time.
    Trickle(Vec<u8>, Duration),
    /// Over and over, as fast as the socket takes it.
    Flood(Vec<u8>, Duration),
}

/// What comes after the acts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum After {
    /// A good change of the first book, then heartbeats: whoever is still there goes on.
    GoOn,
    /// Nothing, for good; what the client says is read.
    Silence,
    /// Pongs and nothing else.
    Pongs,
    Pings,
    Fin,
    Reset,
}

/// When the acts begin.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum When {
    /// Instead of an answer to the first bytes.
    Instead,
    /// After the upgrade, before anything else.
    Upgraded,
    /// Once the test says so, which is when the books are live.
    Live,
}

#[derive(Clone, Debug)]
pub struct Script {
    pub when: When,
    pub acts: Vec<Act>,
    pub after: After,
}

struct Seen {
    stop: AtomicBool,
    go: AtomicBool,
    clients: AtomicUsize,
    /// The script began.
    began: OnceLock<Instant>,
    script: Script,
}

pub struct Scripted {
    pub addr: SocketAddr,
    seen: Arc<Seen>,
    thread: Option<JoinHandle<()>>,
}

impl Scripted {
    pub fn start(script: Script) -> Scripted {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let addr = listener.local_addr().expect("bound");
        let seen = Arc::new(Seen {
            stop: AtomicBool::new(false),
            go: AtomicBool::new(script.when != When::Live),
            clients: AtomicUsize::new(0),
            began: OnceLock::new(),
            script,
        });
        let shared = seen.clone();
        let thread = std::thread::spawn(move || {
            let mut clients = Vec::new();
            for stream in listener.incoming().map_while(Result::ok) {
                if shared.stop.load(SeqCst) {
                    break;
                }
                let seen = shared.clone();
                // An end of the socket is an end of the story, whoever ended it.
                clients.push(std::thread::spawn(move || drop(serve(stream, &seen))));
            }
            clients.into_iter().for_each(|client| client.join().expect("no panic"));
        });
        Scripted { addr, seen, thread: Some(thread) }
    }

    /// The books are live: let it begin.
    pub fn go(&self) {
        self.seen.go.store(true, SeqCst);
    }

    /// When the script began.
    pub fn began(&self) -> Option<Instant> {
        self.seen.began.get().copied()
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.seen.stop.store(true, SeqCst);
        drop(TcpStream::connect(self.addr));
        let ended = self.thread.take().expect("joined once").join();
        assert!(ended.is_ok() || std::thread::panicking());
    }
}

/// A book message of CoinAPI with one level a side.
pub fn book(symbol: &str, sequence: u64, is_snapshot: bool, ask: u64) -> Vec<u8> {
    text(&format!(
        "{{\"type\":\"book\",\"symbol_id\":\"{symbol}\",\"sequence\":{sequence},\
         \"time_exchange\":\"2026-01-01T00:00:00.0000000Z\",\"time_coinapi\":\"2026-01-01T00:00:00.0000000Z\",\
         \"is_snapshot\":{is_snapshot},\"asks\":[{{\"price\":{ask},\"size\":1}}],\"bids\":[{{\"price\":1,\"size\":1}}]}}"
    ))
}

pub fn heartbeat() -> Vec<u8> {
    text("{\"type\":\"hearbeat\"}")
}

fn serve(mut stream: TcpStream, seen: &Seen) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_millis(5)))?;
    stream.set_write_timeout(Some(Duration::from_secs(3)))?;
    let is_first = seen.clients.fetch_add(1, SeqCst) == 0;
    let when = if is_first { Some(seen.script.when) } else { None };
    let mut head = Vec::new();
    let whole = |head: &[u8]| head.windows(4).any(|w| w == b"\r\n\r\n");
    // A TLS client never ends a head.
    while if when == Some(When::Instead) { head.is_empty() } else { !whole(&head) } {
        listen(&mut stream, &mut head, seen)?;
    }
    if when == Some(When::Instead) {
        return play(stream, seen, &head);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let Some(key) = header(&head, "Sec-WebSocket-Key") else {
        return stream.write_all(&crate::e2e::rogue::answer("503 Service Unavailable", b""));
    };
    stream.write_all(&switching(key, ""))?;
    if when == Some(When::Upgraded) {
        return play(stream, seen, head.as_bytes());
    }
    for symbol in SYMBOLS {
        stream.write_all(&book(symbol, 1, true, 2))?;
    }
    if is_first {
        behave(&mut stream, seen, &heartbeat(), || seen.go.load(SeqCst))?;
        return play(stream, seen, head.as_bytes());
    }
    behave(&mut stream, seen, &heartbeat(), || false)
}

/// The answer that lets a client in, with `more` header lines.
pub fn switching(key: &str, more: &str) -> Vec<u8> {
    let accept = tungstenite::handshake::derive_accept_key(key.as_bytes());
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\n{more}\r\n"
    )
    .into_bytes()
}

/// Stands for the right accept key in an answer of a script.
pub const ACCEPT: &[u8] = b"@ACCEPT@";

fn play(mut stream: TcpStream, seen: &Seen, head: &[u8]) -> std::io::Result<()> {
    let key = String::from_utf8_lossy(head);
    let accept =
        header(&key, "Sec-WebSocket-Key").map(|k| tungstenite::handshake::derive_accept_key(k.as_bytes()));
    seen.began.get_or_init(Instant::now);
    acts(&mut stream, seen, accept.as_deref().unwrap_or_default())
}

fn acts(stream: &mut TcpStream, seen: &Seen, accept: &str) -> std::io::Result<()> {
    for act in &seen.script.acts {
        match act {
            Act::Say(bytes) => stream.write_all(&filled(bytes, accept))?,
            Act::Trickle(bytes, pause) => {
                for byte in filled(bytes, accept) {
                    stream.write_all(&[byte])?;
                    std::thread::park_timeout(*pause);
                }
            }
            Act::Flood(bytes, length) => {
                let many = bytes.repeat(32_768 / bytes.len());
                let until = Instant::now() + *length;
                while Instant::now() < until {
                    // Mostly writing: a reader that takes what there is must not be given the time to get to its end.
                    (0..16).try_for_each(|_| stream.write_all(&many))?;
                    listen(stream, &mut Vec::new(), seen)?;
                }
            }
        }
    }
    match seen.script.after {
        After::Fin => stream.shutdown(Shutdown::Both),
        After::Reset => socket2::SockRef::from(&*stream).set_linger(Some(Duration::ZERO)),
        After::Silence => loop {
            listen(stream, &mut Vec::new(), seen)?;
        },
        After::Pongs => behave(stream, seen, &[0x8A, 0], || false),
        After::Pings => behave(stream, seen, &[0x89, 0], || false),
        After::GoOn => {
            stream.write_all(&book(SYMBOLS[0], 2, false, 3))?;
            behave(stream, seen, &heartbeat(), || false)
        }
    }
}

/// An answer with the accept key where the script left room for it.
fn filled(bytes: &[u8], accept: &str) -> Vec<u8> {
    match bytes.windows(ACCEPT.len()).position(|w| w == ACCEPT) {
        None => bytes.to_vec(),
        Some(at) => [&bytes[..at], accept.as_bytes(), &bytes[at + ACCEPT.len()..]].concat(),
    }
}

/// Says `sign` from time to time until `done`, or until the client is gone.
fn behave(stream: &mut TcpStream, seen: &Seen, sign: &[u8], done: impl Fn() -> bool) -> std::io::Result<()> {
    let mut next = Instant::now();
    while !done() {
        if Instant::now() >= next {
            stream.write_all(sign)?;
            next = Instant::now() + HEARTBEAT;
        }
        listen(stream, &mut Vec::new(), seen)?;
    }
    Ok(())
}

/// Reads what there is within a moment. An error when the client is gone, or the test over.
fn listen(stream: &mut TcpStream, into: &mut Vec<u8>, seen: &Seen) -> std::io::Result<()> {
    let mut buffer = [0; 64 * 1024];
    if seen.stop.load(SeqCst) {
        return Err(ErrorKind::Interrupted.into());
    }
    match stream.read(&mut buffer) {
        Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
        Ok(n) => {
            into.extend_from_slice(&buffer[..n]);
            Ok(())
        }
        Err(e) => only_slow(e),
    }
}

fn only_slow(error: std::io::Error) -> std::io::Result<()> {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => Ok(()),
        _ => Err(error),
    }
}
