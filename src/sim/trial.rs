//! One connection of a face and what the daemon makes of it, without sockets and threads: the market, the tongue, the venue's
//! decoder and its books, in step. For tests of tongues.

use super::face::Face;
use super::fault::{Extra, Malformed};
use super::market::{Change, Market, Move};
use super::tongue::{self, Scene, Tongue};
use crate::engine::connection::count::{Count, Place};
use crate::engine::decimal::Decimal;
use crate::engine::event::{Channel, DecodeError, Decoded, Event, Side};
use crate::engine::keeper::Keeper;
use crate::engine::sync::SyncRules;
use crate::engine::time::{Mono, Stamp, Wall};
use crate::sim::exchange::spoil;
use crate::sim::market::number;
use crate::venue::handles::Handles;
use crate::venue::{Control, Request, Route, Scope, Venue, catalog};
use std::collections::BTreeMap;
use std::sync::Arc;

/// When every trial begins.
const START: i64 = 1_700_000_000_000_000_000;
/// How far apart changes are.
const EVERY: i64 = 1_234_567;

pub struct Trial {
    pub market: Market,
    pub tongue: Box<dyn Tongue>,
    pub venue: Arc<dyn Venue>,
    pub scope: Scope,
    pub handles: Handles,
    /// What the venue said of the connection.
    pub controls: Vec<Control>,
    /// Frames by what they were.
    pub tally: BTreeMap<&'static str, u64>,
    pub books: BTreeMap<String, Keeper>,
    /// Frames missing from the connection's count.
    pub holes: u64,
    count: Option<Count>,
    out: Decoded,
    clock: u64,
}

impl Trial {
    /// A connection that nobody has said anything on. All symbols of the market are in its scope.
    pub fn new(face: Face, path: &str, symbols: usize) -> Trial {
        let mut market = Market::new(symbols, 7, Wall::from_nanos(START));
        market.set_step(face.time_step_nanos());
        let names = market.instruments.iter().map(|i| face.spelled(i.spec())).collect();
        let venue = catalog::by_name(face.name()).expect("the venue is in the catalog");
        let profile = venue.profile();
        Trial {
            tongue: tongue::open(face, path, symbols).expect("the venue has such an address"),
            scope: Scope { symbols: names, channels: profile.default_channels.to_vec() },
            handles: Handles::default(),
            controls: Vec::new(),
            tally: BTreeMap::new(),
            books: BTreeMap::new(),
            holes: 0,
            count: profile.connection_count.map(Count::from),
            out: Decoded::default(),
            clock: 0,
            market,
            venue,
        }
    }

    /// The same, with everything asked for as the daemon does, and answered.
    pub fn opened(face: Face, path: &str, symbols: usize) -> Trial {
        let mut trial = Trial::new(face, path, symbols);
        let mut texts = Vec::new();
        let Trial { tongue, market, scope, .. } = &mut trial;
        tongue.greeting(scene(market, scope), &mut texts);
        texts.iter().for_each(|text| trial.hear(text));
        let requests = trial.venue.opening(&trial.scope, 1);
        trial.ask(&requests);
        trial
    }

    /// Sends these, and hears the answers.
    pub fn ask(&mut self, requests: &[Request]) {
        for request in requests {
            self.say(&request.text).iter().for_each(|text| self.hear(text));
        }
    }

    /// What the venue says to this.
    pub fn say(&mut self, text: &str) -> Vec<String> {
        let mut out = Vec::new();
        self.tongue.said(text, scene(&self.market, &self.scope), &mut out);
        out
    }

    pub fn beat(&mut self) -> Vec<String> {
        let mut out = Vec::new();
        self.tongue.beat(scene(&self.market, &self.scope), &mut out);
        out
    }

    pub fn stranger(&mut self, extra: Extra) -> String {
        self.tongue.stranger(extra, scene(&self.market, &self.scope))
    }

    /// One change of a symbol: the messages, with the place of the book's among them.
    pub fn step(&mut self, symbol: usize, how: Move) -> (Change, Vec<String>, Option<usize>) {
        self.clock += 1;
        let now = START + EVERY * i64::try_from(self.clock).expect("a short trial");
        let change = self.market.instruments[symbol].step(Wall::from_nanos(now), how);
        let scene = scene(&self.market, &self.scope);
        let mut out = Vec::new();
        self.tongue.ahead(symbol, &change, scene, &mut out);
        let at = out.len();
        let book = self.tongue.book(symbol, &change, scene);
        let place = book.is_some().then_some(at);
        out.extend(book);
        self.tongue.others(symbol, &change, scene, &mut out);
        (change, out, place)
    }

    /// What a worker and a reader do with a frame.
    pub fn hear(&mut self, text: &str) {
        self.take(text).unwrap_or_else(|e| panic!("{e}: {text}"));
    }

    /// The same, of one that may make no sense.
    pub fn take(&mut self, text: &str) -> Result<(), DecodeError> {
        let (venue, handles) = (self.venue.clone(), self.handles.clone());
        if let (Some(count), Some(number)) = (&mut self.count, venue.connection_number(text))
            && count.take(number) != Place::Next
        {
            self.holes += 1;
        }
        match venue.route(text, &handles) {
            Route::Data { symbol, channel } => self.data(symbol, channel, text)?,
            Route::Parts => {
                let mut parts = Vec::new();
                venue.parts(text, &mut |symbol, channel, part| {
                    parts.push((symbol.to_owned(), channel, part))
                })?;
                for (symbol, channel, part) in parts {
                    self.data(&symbol, channel, part)?;
                }
            }
            Route::Control => {
                *self.tally.entry("control").or_default() += 1;
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
            Route::Unused | Route::Unknown => *self.tally.entry("unknown").or_default() += 1,
            Route::Malformed(error) => return Err(error),
        }
        Ok(())
    }

    fn data(&mut self, symbol: &str, channel: Channel, text: &str) -> Result<(), DecodeError> {
        self.clock += 1;
        *self.tally.entry(channel.name()).or_default() += 1;
        let now = Stamp { mono: Mono::from_nanos(self.clock * 1_000_000), wall: Wall::from_nanos(1) };
        self.out.clear();
        self.venue.decode(channel, text, &mut self.out)?;
        if !self.scope.symbols.iter().any(|name| name == symbol) {
            return Ok(());
        }
        let rules = rules(&*self.venue);
        let book = self.books.entry(symbol.to_owned()).or_insert_with(|| {
            let mut keeper = Keeper::new(rules, false, 8);
            keeper.opened(now);
            keeper
        });
        if let Some(Event::Trades) = self.out.event {
            *self.tally.entry("trades").or_default() += self.out.trades.len() as u64;
        }
        let noted = book.decoded(now, &mut self.out);
        match noted.gap {
            // A level that makes no sense is found by the book, not by the decoder.
            Some(_) if !book.sync.state().is_live() => Err(DecodeError::BadField("book")),
            _ => Ok(()),
        }
    }

    pub fn is_live(&self, symbol: usize) -> bool {
        self.books.get(&self.scope.symbols[symbol]).is_some_and(|book| book.sync.state().is_live())
    }

    /// Panics unless the book is live and has exactly the best levels that the market has.
    pub fn compare(&self, symbol: usize) {
        let name = &self.scope.symbols[symbol];
        let book = &self.books[name];
        assert!(book.sync.state().is_live(), "{name}: {:?}", book.sync.state());
        let (ladder, depth) = (&self.market.instruments[symbol].ladder, self.depth());
        let spec = ladder.spec();
        for side in [Side::Bid, Side::Ask] {
            let shown: Vec<(Decimal, Decimal)> =
                book.sync.book().levels(side).map(|l| (l.price, l.size)).collect();
            let decimal = |units, scale| number::decimal(units, scale).expect("fits");
            let truth = ladder.levels(side).take(depth);
            let truth: Vec<(Decimal, Decimal)> =
                truth.map(|(p, s)| (decimal(p, spec.price_scale), decimal(s, spec.size_scale))).collect();
            let differs = (0..truth.len().max(shown.len())).find(|&at| shown.get(at) != truth.get(at));
            if let Some(at) = differs {
                let (here, there) = (shown.get(at), truth.get(at));
                let count = (shown.len(), truth.len());
                panic!("{name} {side:?} {at}: shown {here:?}, true {there:?}, {count:?} levels");
            }
        }
    }

    /// Runs the market; after every change the book must be the true one, and its time the version's. Gives how often a book
    /// was told.
    pub fn run(&mut self, changes: u32) -> u32 {
        (0..changes)
            .map(|n| {
                let symbol = self.market.draw();
                let how = match n % 500 {
                    250 => Move::Cross,
                    499 => Move::Jump,
                    _ => Move::Ordinary,
                };
                let (change, texts, book) = self.step(symbol, how);
                texts.iter().for_each(|text| self.hear(text));
                let time = self.books[&self.scope.symbols[symbol]].top().exchange_time;
                assert!(book.is_none() || time == Some(change.time), "{change:?} {time:?} {texts:?}");
                assert!(self.is_live(symbol), "{texts:?}");
                // All levels, now and then: it takes a while.
                if n % 8 == 0 || how != Move::Ordinary {
                    self.compare(symbol);
                }
                u32::from(book.is_some())
            })
            .sum()
    }

    fn depth(&self) -> usize {
        self.venue.profile().stream_depth.unwrap_or(usize::MAX)
    }

    /// Leaves the book of a symbol and enters it again.
    pub fn restart(&mut self, symbol: usize) {
        let name = self.scope.symbols[symbol].clone();
        let leave = self.venue.withdraw(&self.scope, &[&name], &self.handles, 100);
        self.ask(&leave);
        assert!(!self.tongue.takes_books(symbol), "{leave:?}");
        let enter = self.venue.restore(&self.scope, &[&name], 200);
        self.ask(&enter);
        assert!(self.tongue.takes_books(symbol), "{enter:?}");
        self.compare(symbol);
    }

    /// Panics unless the daemon refuses a book message that is spoiled in any way there is, and recovers.
    pub fn refuses_what_is_spoiled(&mut self) {
        for how in [
            Malformed::Truncated,
            Malformed::Html,
            Malformed::WrongType,
            Malformed::HugeNumber,
            Malformed::NegativeSize,
            Malformed::TooDeep,
        ] {
            let mut refused = 0;
            while refused < 10 {
                let symbol = self.market.draw();
                let (_, texts, Some(at)) = self.step(symbol, Move::Ordinary) else { continue };
                let bad = spoil::text(&texts[at], how);
                assert_ne!(bad, texts[at]);
                texts[..at].iter().for_each(|text| self.hear(text));
                match self.take(&bad) {
                    // A level that goes has no size to be negative.
                    Ok(()) if how == Malformed::NegativeSize => self.compare(symbol),
                    Ok(()) => panic!("{how:?}: {}", &bad[..bad.len().min(300)]),
                    Err(_) => {
                        refused += 1;
                        self.restart(symbol);
                    }
                }
                texts[at + 1..].iter().for_each(|text| self.hear(text));
            }
        }
    }
}

fn scene<'m>(market: &'m Market, scope: &'m Scope) -> Scene<'m> {
    Scene { market, symbols: &scope.symbols, now: Wall::from_nanos(START) }
}

/// The rules of a venue's books, as the daemon takes them from its profile.
fn rules(venue: &dyn Venue) -> SyncRules {
    let profile = venue.profile();
    SyncRules {
        sequence: profile.sequence,
        first_book: profile.first_book,
        rest_join: profile.rest_join,
        in_band_restart: profile.in_band_restart,
        crossed_is_fault: profile.crossed_is_fault,
        stream_depth: profile.stream_depth,
        checksum: profile.checksum,
        levels_per_side_max: 5_000,
        window_messages_max: 4_096,
        window_bytes_max: 1 << 20,
        refresh_levels_min: 50,
    }
}
