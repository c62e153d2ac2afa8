//! Each venue against its own rules: frames, as documented or as recorded, through routing, decoder, book and checks together.

mod binance_futures;
mod bitfinex;
mod bybit;
mod bybit_full;
mod coinbase;
mod deribit;
mod hyperliquid;
mod kraken;
mod okx;

use depthd::engine::connection::count::{Count, Place};
use depthd::engine::event::{Channel, Decoded, Event, Side};
use depthd::engine::keeper::Keeper;
use depthd::engine::state::{StaleReason, State};
use depthd::engine::sync::{Gap, SyncRules};
use depthd::engine::time::{Mono, Stamp, Wall};
use depthd::venue::handles::Handles;
use depthd::venue::profile::Profile;
use depthd::venue::{Control, Route, Venue};
use flate2::read::GzDecoder;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::sync::Arc;

/// The rules of a venue's books, as the daemon takes them from its profile.
pub fn rules(profile: &Profile) -> SyncRules {
    SyncRules::of(profile, 5_000, 1 << 20)
}

/// One connection of a venue without its threads: what a reader and a worker do with each frame, one after the other.
pub struct Rig {
    pub venue: Arc<dyn Venue>,
    pub rules: SyncRules,
    /// By the symbol that frames carry.
    pub books: BTreeMap<String, Keeper>,
    pub handles: Handles,
    count: Option<Count>,
    out: Decoded,
    /// Every gap seen, with its book.
    pub gaps: Vec<(String, Gap)>,
    /// Frames by what they were.
    pub tally: BTreeMap<&'static str, u64>,
    pub controls: Vec<Control>,
    now: u64,
}

impl Rig {
    pub fn of(venue: Arc<dyn Venue>) -> Rig {
        Rig {
            rules: rules(venue.profile()),
            count: venue.profile().connection_count.map(Count::from),
            venue,
            books: BTreeMap::new(),
            handles: Handles::default(),
            out: Decoded::default(),
            gaps: Vec::new(),
            tally: BTreeMap::new(),
            controls: Vec::new(),
            now: 0,
        }
    }

    fn stamp(&mut self) -> Stamp {
        self.now += 1;
        Stamp { mono: Mono::from_nanos(self.now * 1_000_000), wall: Wall::from_nanos(1) }
    }

    fn note(&mut self, what: &'static str) {
        *self.tally.entry(what).or_default() += 1;
    }

    /// Takes one frame of the connection.
    ///
    /// # Panics
    /// When the venue cannot place or decode it.
    pub fn frame(&mut self, text: &str) {
        let venue = self.venue.clone();
        if let Some(number) = venue.connection_number(text) {
            self.place(number, text);
        }
        let handles = self.handles.clone();
        match venue.route(text, &handles) {
            Route::Data { symbol, channel } => self.data(symbol, channel, text),
            Route::Parts => {
                self.note("parts");
                let mut parts = Vec::new();
                let read =
                    venue.parts(text, &mut |symbol, channel, part| parts.push((symbol, channel, part)));
                read.unwrap_or_else(|e| panic!("{e}: {text}"));
                for (symbol, channel, part) in parts {
                    self.data(symbol, channel, part);
                }
            }
            Route::Control => {
                self.note("control");
                let control = venue.control(text);
                match &control {
                    Control::Bound { number, symbol, channel } => {
                        assert!(self.handles.bind(*number, symbol, *channel));
                    }
                    Control::Released { number } => self.handles.release(*number),
                    _ => {}
                }
                self.controls.push(control);
            }
            Route::Unused => self.note("unused"),
            Route::Unknown => self.note("unknown"),
            Route::Malformed(e) => panic!("{e}: {text}"),
        }
    }

    fn place(&mut self, number: u64, text: &str) {
        let Some(count) = &mut self.count else { return };
        match count.take(number) {
            Place::Next => {}
            Place::Old => panic!("{number} came before: {text}"),
            Place::Missing { .. } => {
                let now = self.stamp();
                self.note("connection_gap");
                self.books.values_mut().for_each(|book| book.lost(now, StaleReason::Gap));
            }
        }
    }

    fn data(&mut self, symbol: &str, channel: Channel, text: &str) {
        self.note(channel.name());
        let now = self.stamp();
        self.out.clear();
        self.venue.decode(channel, text, &mut self.out).unwrap_or_else(|e| panic!("{e}: {text}"));
        let rules = self.rules;
        let book = self.books.entry(symbol.to_owned()).or_insert_with(|| {
            let mut keeper = Keeper::new(rules, false, 100);
            keeper.opened(now);
            keeper
        });
        if matches!(self.out.event, Some(Event::Trades)) {
            *self.tally.entry("trades").or_default() += self.out.trades.len() as u64;
        }
        if let Some(gap) = book.decoded(now, &mut self.out).gap {
            self.gaps.push((symbol.to_owned(), gap));
        }
    }

    pub fn book(&self, symbol: &str) -> &Keeper {
        self.books.get(symbol).unwrap_or_else(|| panic!("no book of {symbol}"))
    }

    pub fn state(&self, symbol: &str) -> State {
        self.book(symbol).sync.state()
    }

    /// `"price size"` of the best level.
    pub fn best(&self, symbol: &str, side: Side) -> Option<String> {
        let level = self.book(symbol).sync.book().best(side)?;
        Some(format!("{} {}", level.price, level.size))
    }

    /// All levels of a side, best first, as `"price size, price size"`.
    pub fn side(&self, symbol: &str, side: Side) -> String {
        let book = self.book(symbol).sync.book();
        let levels: Vec<String> = book.levels(side).map(|l| format!("{} {}", l.price, l.size)).collect();
        levels.join(", ")
    }

    /// How many of the books are live.
    pub fn live(&self) -> usize {
        self.books.values().filter(|book| book.sync.state().is_live()).count()
    }

    /// Comparisons with the venue's sums, and how many of them differed; over all books.
    pub fn checksums(&self) -> (u64, u64) {
        let sums = self.books.values().map(|book| book.sync.checksums());
        sums.fold((0, 0), |(made, differed), sum| (made + sum.made, differed + sum.differed))
    }
}

/// Calls `each` with every frame a venue sent in a recording of the form `time: frame`, without the lines that say what was
/// dialled and asked. A torn tail ends it quietly. False, having said so, where there are no recordings.
pub fn each_frame(name: &str, mut each: impl FnMut(&str)) -> bool {
    let Some(folder) = std::env::var_os("DEPTHD_CAPTURES") else {
        println!("SKIP {name}: DEPTHD_CAPTURES is not set");
        return false;
    };
    let path = PathBuf::from(folder).join(name);
    let file = File::open(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut reader = BufReader::new(GzDecoder::new(file));
    let mut line = String::new();
    while matches!(reader.read_line(&mut line), Ok(n) if n > 0) && line.ends_with('\n') {
        if !line.starts_with("wss://") && line != "\n" {
            let (_, frame) = line.trim_end().split_once(": ").expect("a receive time, then the frame");
            each(frame);
        }
        line.clear();
    }
    true
}
