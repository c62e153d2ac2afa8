//! For tests of faces: one connection, and the daemon's own reading of all that it says, beside the market it came from.

use super::exchange::spoil;
use super::fault::Malformed;
use super::market::{Market, Move, number};
use super::tongue::{self, Scene, Tongue};
use crate::engine::event::{Decoded, Event, Level, Side};
use crate::engine::keeper::Keeper;
use crate::engine::sync::{Gap, SyncRules};
use crate::engine::time::{Mono, Stamp, Wall};
use crate::sim::config::Face;
use crate::sim::fault::StreamFault;
use crate::venue::handles::Handles;
use crate::venue::{Control, Request, Route, Scope, Venue, catalog};
use std::sync::Arc;

const START: Wall = Wall::from_nanos(1_786_540_345_147_000_000);

pub struct Follower {
    pub venue: Arc<dyn Venue>,
    pub tongue: Box<dyn Tongue>,
    pub market: Market,
    pub symbols: Vec<String>,
    pub books: Vec<Keeper>,
    /// Answers and notices, as the daemon understands them.
    pub controls: Vec<Control>,
    pub gaps: Vec<Gap>,
    pub quotes: usize,
    pub trades: usize,
    depth: usize,
    now: i64,
}

impl Follower {
    /// A connection to this face, its market of all listed symbols.
    pub fn new(face: Face) -> Follower {
        let venue = catalog::by_name(face.name()).expect("a venue of that name");
        let mut market = Market::new(8, 5, START);
        market.set_step(face.time_step_nanos());
        let symbols: Vec<String> = market.instruments.iter().map(|i| face.spelled(i.spec())).collect();
        let profile = venue.profile();
        let rules = SyncRules {
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
        };
        let keeper = || {
            let mut keeper = Keeper::new(rules, false, 100);
            keeper.opened(Stamp::default());
            keeper
        };
        // Where the daemon's own client goes.
        let scope = Scope { symbols: symbols.clone(), channels: profile.default_channels.to_vec() };
        let url = venue.dial("ws://venue", &scope, None).url;
        let path = url.strip_prefix("ws://venue").expect("the venue adds its path").to_owned();
        Follower {
            tongue: tongue::open(face, &path, symbols.len()).expect("the face's own path"),
            books: symbols.iter().map(|_| keeper()).collect(),
            depth: profile.stream_depth.unwrap_or(usize::MAX),
            venue,
            market,
            symbols,
            controls: Vec::new(),
            gaps: Vec::new(),
            quotes: 0,
            trades: 0,
            now: START.nanos(),
        }
    }

    fn tell<T>(&mut self, act: impl FnOnce(&mut dyn Tongue, Scene<'_>) -> T) -> T {
        let (market, symbols) = (&self.market, &self.symbols[..]);
        act(&mut *self.tongue, Scene { market, symbols, now: Wall::from_nanos(self.now) })
    }

    /// What is answered to this, not read yet.
    pub fn say(&mut self, text: &str) -> Vec<String> {
        let mut out = Vec::new();
        self.tell(|tongue, scene| tongue.said(text, scene, &mut out));
        out
    }

    pub fn beat(&mut self) -> Vec<String> {
        let mut out = Vec::new();
        self.tell(|tongue, scene| tongue.beat(scene, &mut out));
        out
    }

    pub fn with_scene<T>(&mut self, act: impl FnOnce(&mut dyn Tongue, Scene<'_>) -> T) -> T {
        self.tell(act)
    }

    /// Everything the daemon subscribes to, as it would.
    pub fn scope(&self) -> Scope {
        Scope { symbols: self.symbols.clone(), channels: self.venue.profile().default_channels.to_vec() }
    }

    /// Sends these and reads the answers, of which there are as many as the daemon waits for.
    pub fn request(&mut self, requests: &[Request]) {
        for request in requests {
            let before = self.controls.len();
            self.say(&request.text).iter().for_each(|text| self.take(text));
            assert_eq!(self.controls.len() - before, usize::from(request.answers), "{}", request.text);
        }
    }

    pub fn open(&mut self) {
        self.request(&self.venue.opening(&self.scope(), 1));
        assert!(self.controls.iter().all(|c| matches!(c, Control::Ack { .. })), "{:?}", self.controls);
    }

    /// As the daemon repairs a book by the stream alone.
    pub fn restart(&mut self, symbol: usize) {
        let (scope, name) = (self.scope(), self.symbols[symbol].clone());
        self.books[symbol].sync.withdrawn(Stamp::default());
        self.request(&self.venue.withdraw(&scope, &[&name], Handles::NONE, 70));
        assert!(!self.tongue.takes_books(symbol));
        self.request(&self.venue.restore(&scope, &[&name], 71));
    }

    fn stamp(&mut self) -> Stamp {
        self.now += 1_000_000;
        Stamp { mono: Mono::from_nanos((self.now - START.nanos()).unsigned_abs()), wall: START }
    }

    /// Reads a message, which must be one that the daemon can place and decode.
    pub fn take(&mut self, text: &str) {
        let now = self.stamp();
        let venue = self.venue.clone();
        match venue.route(text, Handles::NONE) {
            Route::Control => self.controls.push(venue.control(text)),
            Route::Data { symbol, channel } => {
                let mut out = Decoded::default();
                venue.decode(channel, text, &mut out).unwrap_or_else(|e| panic!("{e}: {text}"));
                match out.event {
                    Some(Event::Quote(_)) => self.quotes += 1,
                    Some(Event::Trades) => self.trades += out.trades.len(),
                    _ => {}
                }
                let at = self.symbols.iter().position(|s| s == symbol).expect("a symbol that is listed");
                self.gaps.extend(self.books[at].decoded(now, &mut out).gap);
            }
            other => panic!("{other:?}: {text}"),
        }
    }

    /// Moves a symbol: its book message, not read yet. What else there is was read.
    pub fn change(&mut self, symbol: usize, how: Move) -> String {
        self.now += 10_000;
        let change = self.market.instruments[symbol].step(Wall::from_nanos(self.now), how);
        let mut others = Vec::new();
        let book = self.tell(|tongue, scene| {
            let book = tongue.book(symbol, &change, scene);
            tongue.others(symbol, &change, scene, &mut others);
            book
        });
        others.iter().for_each(|text| self.take(text));
        book.expect("a book message for every change")
    }

    pub fn is_live(&self, symbol: usize) -> bool {
        self.books[symbol].sync.state().is_live()
    }

    /// The daemon's book is live, names the market's version and has its best levels, all of them.
    pub fn check(&self, symbol: usize) {
        let (sync, ladder) = (&self.books[symbol].sync, &self.market.instruments[symbol].ladder);
        let name = &self.symbols[symbol];
        assert!(sync.state().is_live(), "{name}: {:?}", sync.state());
        assert_eq!(sync.sequence(), Some(ladder.id()), "{name}");
        for side in [Side::Bid, Side::Ask] {
            let mut shown = sync.book().levels(side);
            for (price, size) in ladder.levels(side).take(self.depth) {
                let price = number::decimal(price, ladder.spec().price_scale).expect("a price");
                let size = number::decimal(size, ladder.spec().size_scale).expect("a size");
                assert_eq!(shown.next(), Some(Level { price, size }), "{name} at {}", ladder.id());
            }
            assert_eq!(shown.next(), None, "{name} at {}", ladder.id());
        }
    }

    /// Thousands of changes over all symbols, right at every step.
    pub fn run(&mut self, changes: usize) {
        for n in 0..changes {
            let symbol = self.market.draw();
            let how = if n % 97 == 96 { Move::Jump } else { Move::Ordinary };
            let book = self.change(symbol, how);
            self.take(&book);
            self.check(symbol);
        }
        assert!(self.gaps.is_empty(), "{:?}", self.gaps);
        assert!(self.quotes > changes / 20 && self.trades > changes / 20, "{} {}", self.quotes, self.trades);
    }

    /// A book message, spoiled in any way, is refused.
    pub fn spoil(&mut self, symbol: usize) {
        use Malformed::{Html, HugeNumber, NegativeSize, TooDeep, Truncated, WrongType};
        for how in [Truncated, Html, WrongType, HugeNumber, NegativeSize, TooDeep] {
            let mut good = self.change(symbol, Move::Jump);
            // A minus before a zero changes nothing.
            while how == NegativeSize && spoil::text(&good, how).contains("\"-0\"") {
                self.take(&good);
                good = self.change(symbol, Move::Ordinary);
            }
            let (text, mut out) = (spoil::text(&good, how), Decoded::default());
            let refused = match self.venue.route(&text, Handles::NONE) {
                Route::Malformed(_) => true,
                Route::Data { channel, .. } => {
                    assert!(channel.is_book());
                    let now = self.stamp();
                    let decoded = self.venue.decode(channel, &text, &mut out);
                    decoded.is_err() || self.books[symbol].decoded(now, &mut out).gap.is_some()
                }
                _ => false,
            };
            assert!(refused, "{how:?}: {}", &text[..text.len().min(600)]);
            self.restart(symbol);
            self.check(symbol);
        }
        self.gaps.clear();
    }

    /// What happens to a book message is found out, and repaired by a restart.
    pub fn suffer(&mut self, symbol: usize) {
        for fault in [StreamFault::Gap, StreamFault::Duplicate, StreamFault::Late, StreamFault::Reorder] {
            assert!(self.tongue.shows(fault));
            let [first, second] = [(); 2].map(|()| self.change(symbol, Move::Ordinary));
            match fault {
                StreamFault::Gap => vec![&second],
                StreamFault::Duplicate => vec![&first, &first],
                StreamFault::Late => vec![&first, &second, &first],
                _ => vec![&second, &first],
            }
            .into_iter()
            .for_each(|text| self.take(text));
            assert!(!self.is_live(symbol) && !self.gaps.is_empty(), "{fault:?}");
            self.gaps.clear();
            self.restart(symbol);
            self.check(symbol);
        }
    }
}
