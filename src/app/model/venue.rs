//! The venue: two books whose every size says which message brought it, so that any look can be held against them.
//!
//! Message `k` of run `r` sets one bid and one ask to the size `r × RUN + k`. The book after message `n` follows from
//! `r` and `n` alone, and a message that was missed, or one of another run, is seen at once.

use crate::engine::decimal::Decimal;
use crate::engine::event::Level;
use crate::engine::id::Generation;
use crate::shell::rest::RestAnswer;
use shuttle::rand::Rng;

pub const RUN: u64 = 100_000;
/// Price levels a side: a message changes one of each.
const BIDS: u64 = 3;
const ASKS: u64 = 2;
const BEST_BID: u64 = 100;
const BEST_ASK: u64 = 101;

/// Where a book comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Face {
    /// Deltas by socket, the book by REST, one count for ever.
    Rest,
    /// All by socket; each subscription is a run that begins with a snapshot.
    InBand,
}

impl Face {
    pub fn name(self) -> &'static str {
        match self {
            Face::Rest => "binance",
            Face::InBand => "coinapi",
        }
    }

    pub fn symbols(self) -> [&'static str; 2] {
        match self {
            Face::Rest => ["AAAUSDT", "BBBUSDT"],
            Face::InBand => ["X_SPOT_AAA_USD", "X_SPOT_BBB_USD"],
        }
    }
}

/// One book of the venue.
#[derive(Clone, Copy, Debug)]
pub struct Market {
    pub run: u64,
    /// Messages of this run so far.
    pub n: u64,
}

/// The number of a message as the venue writes it.
pub fn sequence(n: u64) -> u64 {
    n + 1
}

/// The size at a level: of the last message up to `n` that changed it, or of the run's beginning.
fn size(run: u64, n: u64, levels: u64, level: u64) -> u64 {
    let back = (n + levels - level) % levels;
    run * RUN + n.saturating_sub(back)
}

/// The levels after message `n` of a run, best first, as (price, size).
pub fn bids(run: u64, n: u64) -> Vec<(u64, u64)> {
    (0..BIDS).map(|level| (BEST_BID - level, size(run, n, BIDS, level))).collect()
}

pub fn asks(run: u64, n: u64) -> Vec<(u64, u64)> {
    (0..ASKS).map(|level| (BEST_ASK + level, size(run, n, ASKS, level))).collect()
}

pub fn levels(side: &[(u64, u64)]) -> Vec<Level> {
    let whole = |n: u64| Decimal::new(i128::from(n), 0).expect("a small number");
    side.iter().map(|(price, size)| Level { price: whole(*price), size: whole(*size) }).collect()
}

fn pairs(side: &[(u64, u64)]) -> String {
    let one = |(price, size): &(u64, u64)| format!("[\"{price}\",\"{size}\"]");
    side.iter().map(one).collect::<Vec<_>>().join(",")
}

fn objects(side: &[(u64, u64)]) -> String {
    let one = |(price, size): &(u64, u64)| format!("{{\"price\":{price},\"size\":{size}}}");
    side.iter().map(one).collect::<Vec<_>>().join(",")
}

/// Message `n`, the change of one level a side.
pub fn delta(face: Face, symbol: &str, Market { run, n }: Market) -> String {
    let bid = [(BEST_BID - n % BIDS, run * RUN + n)];
    let ask = [(BEST_ASK + n % ASKS, run * RUN + n)];
    match face {
        Face::Rest => {
            let (key, u, bid, ask) = (symbol.to_ascii_lowercase(), sequence(n), pairs(&bid), pairs(&ask));
            format!(
                "{{\"stream\":\"{key}@depth@100ms\",\"data\":{{\"e\":\"depthUpdate\",\"E\":1,\"s\":\"{symbol}\",\
                 \"U\":{u},\"u\":{u},\"b\":[{bid}],\"a\":[{ask}]}}}}"
            )
        }
        Face::InBand => in_band(symbol, sequence(n), false, &bid, &ask),
    }
}

/// The first message of a run.
pub fn snapshot(symbol: &str, market: Market) -> String {
    in_band(symbol, sequence(market.n), true, &bids(market.run, market.n), &asks(market.run, market.n))
}

fn in_band(symbol: &str, sequence: u64, first: bool, bid: &[(u64, u64)], ask: &[(u64, u64)]) -> String {
    let (bid, ask) = (objects(bid), objects(ask));
    format!(
        "{{\"type\":\"book\",\"symbol_id\":\"{symbol}\",\"sequence\":{sequence},\
         \"time_exchange\":\"2026-01-01T00:00:00.0000000Z\",\"time_coinapi\":\"2026-01-01T00:00:00.0000000Z\",\
         \"is_snapshot\":{first},\"asks\":[{ask}],\"bids\":[{bid}]}}"
    )
}

/// The answer to a REST call: the whole book, or that there is none (the in-band venue sends it itself).
pub fn answer(face: Face, market: Market) -> RestAnswer {
    match face {
        Face::Rest => {
            let (bid, ask) = (pairs(&bids(market.run, market.n)), pairs(&asks(market.run, market.n)));
            let id = sequence(market.n);
            let body = format!("{{\"lastUpdateId\":{id},\"bids\":[{bid}],\"asks\":[{ask}]}}");
            RestAnswer { status: 200, headers: Vec::new(), body: body.into_bytes() }
        }
        Face::InBand => RestAnswer { status: 550, headers: Vec::new(), body: Vec::new() },
    }
}

/// What the venue has done and will do; shared by its sockets and its REST side.
pub struct Venue {
    pub face: Face,
    pub books: [Market; 2],
    /// The newest run of each book that a life may still bring.
    runs: u64,
    /// Frames and faults left to draw.
    pub frames: u32,
    pub faults: u32,
    /// No faults any more; the market goes on.
    pub calm: bool,
    /// In calm: no frame before this, nanoseconds of the virtual clock.
    pub next_frame_at: u64,
    /// In which life each run of the in-band venue began.
    pub lives_of_runs: Vec<(u64, Generation)>,
}

impl Venue {
    pub fn new(face: Face, frames: u32, faults: u32) -> Venue {
        let market = Market { run: 1, n: 1_000 };
        Venue {
            face,
            books: [market; 2],
            runs: 1,
            frames,
            faults,
            calm: false,
            next_frame_at: 0,
            lives_of_runs: Vec::new(),
        }
    }

    /// Whether a fault happens here, one time in so many, while there are faults left.
    pub fn draws_fault(&mut self, one_in: u32) -> bool {
        let happens = !self.calm && self.faults > 0 && shuttle::rand::thread_rng().gen_range(0..one_in) == 0;
        self.faults -= u32::from(happens);
        happens
    }

    /// The market moves on.
    pub fn moved(&mut self, book: usize) -> Market {
        self.books[book].n += 1;
        self.books[book]
    }

    /// A subscription begins a run.
    pub fn begin(&mut self, book: usize, life: Generation) -> Market {
        self.runs += 1;
        self.lives_of_runs.push((self.runs, life));
        self.books[book] = Market { run: self.runs, n: 0 };
        self.books[book]
    }
}
