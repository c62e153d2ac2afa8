//! What anybody has to do to receive the same frames: each floor does a little more than the one before.

use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};
use std::hint::black_box;
use std::io::Read;
use std::net::TcpStream;
use std::time::Instant;
use tungstenite::protocol::WebSocketConfig;
use tungstenite::{Message, WebSocket};

/// As the daemon's.
const READ_BUFFER_BYTES: usize = 32 * 1024;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Floor {
    /// Bytes off the socket.
    Read,
    /// Frames off the socket, dropped.
    Discard,
    /// And read into borrowed structs.
    Parse,
    /// And into a book of two maps, numbers checked.
    Book,
}

impl Floor {
    pub const ALL: [Floor; 4] = [Floor::Read, Floor::Discard, Floor::Parse, Floor::Book];

    pub fn name(self) -> &'static str {
        match self {
            Floor::Read => "raw TCP read",
            Floor::Discard => "tungstenite, read and discard",
            Floor::Parse => "+ serde_json into borrowed structs",
            Floor::Book => "+ BTreeMap books, one thread, no sync",
        }
    }
}

#[derive(Deserialize)]
struct Combined<'t> {
    #[serde(borrow)]
    data: Update<'t>,
}

#[derive(Deserialize)]
struct Update<'t> {
    #[serde(rename = "s")]
    symbol: &'t str,
    #[serde(rename = "U")]
    first: u64,
    #[serde(rename = "u")]
    last: u64,
    #[serde(borrow, rename = "b")]
    bids: Vec<[&'t str; 2]>,
    #[serde(borrow, rename = "a")]
    asks: Vec<[&'t str; 2]>,
}

#[derive(Default)]
struct Plain {
    last: u64,
    bids: BTreeMap<i64, i64>,
    asks: BTreeMap<i64, i64>,
}

/// The books of the last floor.
#[derive(Default)]
pub struct Books(HashMap<String, Plain>);

impl Books {
    pub fn take(&mut self, text: &str) {
        let Combined { data } = serde_json::from_str(text).expect("a depth update");
        let book = match self.0.get_mut(data.symbol) {
            Some(book) => book,
            None => self.0.entry(data.symbol.to_owned()).or_default(),
        };
        assert!(book.last == 0 || data.first == book.last + 1, "a gap");
        book.last = data.last;
        apply(&mut book.bids, &data.bids);
        apply(&mut book.asks, &data.asks);
    }
}

fn apply(side: &mut BTreeMap<i64, i64>, changes: &[[&str; 2]]) {
    for [price, size] in changes {
        let (price, size) = (fixed(price), fixed(size));
        if size == 0 {
            side.remove(&price)
        } else {
            side.insert(price, size)
        };
    }
}

/// Eight decimals, as all of these have.
fn fixed(text: &str) -> i64 {
    text.bytes().filter(u8::is_ascii_digit).fold(0, |n, digit| n * 10 + i64::from(digit - b'0'))
}

/// Connects as the daemon does.
pub fn connect(port: u16) -> WebSocket<TcpStream> {
    let tcp = TcpStream::connect(("127.0.0.1", port)).expect("the venue listens");
    let config = WebSocketConfig::default().read_buffer_size(READ_BUFFER_BYTES);
    let url = format!("ws://127.0.0.1:{port}/stream");
    tungstenite::client::client_with_config(url.as_str(), tcp, Some(config)).expect("an upgrade").0
}

/// Receives so many frames of so many bytes; gives when the first and the last had come.
pub fn receive(floor: Floor, port: u16, frames: u64, bytes: u64) -> (Instant, Instant) {
    let mut socket = connect(port);
    if floor == Floor::Read {
        return read(socket.get_mut(), bytes);
    }
    let mut books = Books::default();
    let mut started = None;
    for _ in 0..frames {
        let message = socket.read().expect("a frame");
        started.get_or_insert_with(Instant::now);
        let Message::Text(text) = message else { panic!("only text comes") };
        match floor {
            Floor::Read => {}
            Floor::Discard => drop(black_box(text)),
            Floor::Parse => drop(black_box(serde_json::from_str::<Combined>(&text).expect("a depth update"))),
            Floor::Book => books.take(&text),
        }
    }
    black_box(&books);
    (started.expect("at least one"), Instant::now())
}

fn read(tcp: &mut TcpStream, bytes: u64) -> (Instant, Instant) {
    let mut buffer = vec![0; 2 * READ_BUFFER_BYTES];
    let (mut got, mut started) = (0, None);
    while got < bytes {
        let n = tcp.read(&mut buffer).expect("bytes");
        assert!(n > 0, "the venue went");
        started.get_or_insert_with(Instant::now);
        got += black_box(&buffer[..n]).len() as u64;
    }
    (started.expect("at least one"), Instant::now())
}

/// For the floor of latency: waits until the socket is readable, reads what is there and applies it, all in one thread.
/// `took` gets the nanoseconds from the wait's end to the book that shows the message, for each message.
pub fn follow(port: u16, mut took: impl FnMut(u64)) {
    let mut socket = connect(port);
    socket.get_mut().set_nonblocking(true).expect("a socket");
    let mut books = Books::default();
    loop {
        let fd = socket.get_ref();
        let mut wait = [rustix::event::PollFd::new(fd, rustix::event::PollFlags::IN)];
        rustix::event::poll(&mut wait, None).expect("a wait");
        let received = Instant::now();
        loop {
            match socket.read() {
                Ok(Message::Text(text)) => {
                    books.take(&text);
                    took(received.elapsed().as_nanos() as u64);
                }
                Ok(_) => {}
                Err(tungstenite::Error::Io(e)) if e.kind() == std::io::ErrorKind::WouldBlock => break,
                // The venue went: the phase is over.
                Err(_) => return,
            }
        }
    }
}
