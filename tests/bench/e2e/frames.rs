//! The market that is sent: a ring of ready frames in Binance's form, whose update ids go on for ever.
//!
//! Encoding costs more than receiving, so frames are made once; only the two ids of each are written anew when it is
//! sent. What the books must show after any number of frames follows from the ring alone.

use crate::paths::Draw;
use std::collections::BTreeMap;
use std::ops::Range;

/// Frames in the ring: some megabytes, so that they come from memory and not from a cache.
const RING: usize = 20_000;
/// Changes a side of one frame: six in all, about 320 bytes.
const CHANGES: usize = 3;
/// Levels a side of the first book.
pub const DEPTH: usize = 1_000;
/// One update id more than a frame covers.
const IDS: u64 = 3;
/// The first id: as many digits as every later one.
const FIRST_ID: u64 = 100_000_000_000;
const MIDDLE_TICKS: i64 = 5_000_000;

/// A side's levels by distance from the middle in ticks, sizes in 1e-5.
pub type Side = BTreeMap<i64, i64>;

pub struct Ring {
    pub symbols: Vec<String>,
    bytes: Vec<u8>,
    frames: Vec<Frame>,
    /// Sent so far.
    pub sent: u64,
    next_id: Vec<u64>,
}

struct Frame {
    place: Range<usize>,
    symbol: usize,
    first_id: usize,
    last_id: usize,
    changes: [Vec<(i64, i64)>; 2],
}

impl Ring {
    pub fn new(symbols: usize) -> Ring {
        let mut draw = Draw(0x9E37_79B9_7F4A_7C15);
        let symbols: Vec<String> = (0..symbols).map(|n| format!("COIN{n}USDT")).collect();
        let mut ring = Ring {
            next_id: vec![FIRST_ID + 1; symbols.len()],
            bytes: Vec::new(),
            frames: Vec::with_capacity(RING),
            sent: 0,
            symbols,
        };
        for _ in 0..RING {
            let symbol = draw.below(ring.symbols.len() as u64) as usize;
            let changes = [(); 2].map(|()| (0..CHANGES).map(|_| (draw.near(), draw.size())).collect());
            ring.push(symbol, changes);
        }
        ring
    }

    fn push(&mut self, symbol: usize, changes: [Vec<(i64, i64)>; 2]) {
        let name = &self.symbols[symbol];
        let [bids, asks] = [(0, -1), (1, 1)].map(|(side, sign)| levels(&changes[side], sign));
        let head = format!(
            r#"{{"stream":"{}@depth@100ms","data":{{"e":"depthUpdate","E":1672515782136,"s":"{name}","U":"#,
            name.to_lowercase()
        );
        let text = format!(r#"{head}{FIRST_ID},"u":{FIRST_ID},"b":{bids},"a":{asks}}}}}"#);
        let digits = FIRST_ID.to_string().len();
        let start = self.bytes.len();
        // A text frame from a server, with a length of two bytes.
        let len = u16::try_from(text.len()).expect("some hundred bytes");
        self.bytes.extend([0x81, 126]);
        self.bytes.extend(len.to_be_bytes());
        let first_id = self.bytes.len() + head.len();
        let last_id = first_id + digits + r#","u":"#.len();
        self.bytes.extend(text.as_bytes());
        self.frames.push(Frame { place: start..self.bytes.len(), symbol, first_id, last_id, changes });
    }

    /// The next frames, at most so many and never beyond the ring's end, with their ids in place.
    pub fn next(&mut self, most: usize) -> (usize, &[u8]) {
        let from = (self.sent % RING as u64) as usize;
        let to = (from + most).min(RING);
        for frame in &self.frames[from..to] {
            let next = &mut self.next_id[frame.symbol];
            write_digits(&mut self.bytes[frame.first_id..], *next);
            write_digits(&mut self.bytes[frame.last_id..], *next + IDS - 1);
            *next += IDS;
        }
        self.sent += (to - from) as u64;
        (to - from, &self.bytes[self.frames[from].place.start..self.frames[to - 1].place.end])
    }

    /// How many bytes the next frames are.
    pub fn bytes_of(&self, frames: u64) -> u64 {
        let len = |at: u64| self.frames[(at % RING as u64) as usize].place.len() as u64;
        (self.sent..self.sent + frames).map(len).sum()
    }

    /// The id of the last update of a symbol.
    pub fn id(&self, symbol: usize) -> u64 {
        self.next_id[symbol] - 1
    }

    /// The book before the first frame, as REST answers it.
    pub fn snapshot(&self, symbol: &str) -> Option<String> {
        self.symbols.iter().position(|s| s == symbol)?;
        let [bids, asks] = first_book();
        let list = |side: &Side, sign| levels(&side.iter().map(|(d, s)| (*d, *s)).collect::<Vec<_>>(), sign);
        let (bids, asks) = (list(&bids, -1), list(&asks, 1));
        Some(format!(r#"{{"lastUpdateId":{FIRST_ID},"bids":{bids},"asks":{asks}}}"#))
    }

    /// What a book must show now: bids and asks, the best first.
    pub fn truth(&self, symbol: usize) -> [Side; 2] {
        let mut book = first_book();
        // Every round of the ring sets the same levels, so the last whole one and what came after are all that counts.
        let whole = if self.sent >= RING as u64 { RING } else { 0 };
        let rest = (self.sent % RING as u64) as usize;
        for frame in self.frames[..whole].iter().chain(&self.frames[..rest]) {
            if frame.symbol == symbol {
                for (side, changes) in book.iter_mut().zip(&frame.changes) {
                    for (distance, size) in changes {
                        if *size == 0 {
                            side.remove(distance)
                        } else {
                            side.insert(*distance, *size)
                        };
                    }
                }
            }
        }
        book
    }
}

fn first_book() -> [Side; 2] {
    [(); 2].map(|()| (1..=DEPTH as i64).map(|distance| (distance, 100_000 + distance)).collect())
}

/// A price as Binance writes it; `sign` is -1 for bids.
pub fn price(distance: i64, sign: i64) -> String {
    let ticks = MIDDLE_TICKS + sign * distance;
    format!("{}.{:02}000000", ticks / 100, ticks % 100)
}

pub fn size(size: i64) -> String {
    format!("{}.{:05}000", size / 100_000, size % 100_000)
}

fn levels(changes: &[(i64, i64)], sign: i64) -> String {
    let pairs: Vec<String> =
        changes.iter().map(|(d, s)| format!(r#"["{}","{}"]"#, price(*d, sign), size(*s))).collect();
    format!("[{}]", pairs.join(","))
}

/// Over the digits that stand there.
fn write_digits(place: &mut [u8], mut number: u64) {
    let mut at = place.iter().position(|b| !b.is_ascii_digit()).unwrap_or(place.len());
    while at > 0 {
        at -= 1;
        place[at] = b'0' + (number % 10) as u8;
        number /= 10;
    }
}
