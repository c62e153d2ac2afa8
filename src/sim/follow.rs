//! For tests of faces: one connection of a face and what the daemon makes of it, without sockets and threads. The market, the
//! tongue, and the daemon's own venue and books, in step.

mod hurt;

use super::face::{Face, Identity};
use super::market::{Change, Market, Move};
use super::tongue::{self, Scene, Tongue};
use super::truth::{Shown, TrueBook};
use crate::engine::connection::count::{Count, Place};
use crate::engine::event::{Channel, Decoded, Event, Level, Side};
use crate::engine::keeper::Keeper;
use crate::engine::sync::SyncRules;
use crate::engine::time::{Mono, Stamp, Wall};
use crate::venue::handles::Handles;
use crate::venue::{Control, Request, Route, Scope, Venue, catalog};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// All rows of the market's table, the odd ones too.
pub const SYMBOLS: usize = 8;
const START: i64 = 1_700_000_000_000_000_000;
/// From one change to the next: finer than some faces tell, so that they must round.
const STEP: i64 = 733_123;

pub fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

/// One change of a symbol, and the frames that tell it, in this order.
pub struct Told {
    pub change: Change,
    pub ahead: Vec<String>,
    pub book: Option<String>,
    pub others: Vec<String>,
}

impl Told {
    pub fn texts(&self) -> impl Iterator<Item = &String> {
        self.ahead.iter().chain(&self.book).chain(&self.others)
    }
}

/// Both ends of one connection, and the market behind it.
pub struct Follower {
    face: Face,
    pub venue: Arc<dyn Venue>,
    pub tongue: Box<dyn Tongue>,
    pub market: Market,
    pub scope: Scope,
    pub handles: Handles,
    /// In the order of the market's symbols.
    pub books: Vec<Keeper>,
    /// Answers and notices, as the daemon understands them.
    pub controls: Vec<Control>,
    /// Frames missing from the connection's count.
    pub holes: u64,
    count: Option<Count>,
    heard: BTreeMap<&'static str, u64>,
    /// When the version was that the client was told last, or would be, by symbol.
    versions: Vec<Wall>,
    now: i64,
}

impl Follower {
    /// A connection to where the daemon would go, greeted, with nothing asked for. All symbols of the market are in its scope.
    pub fn new(face: Face, symbols: usize) -> Follower {
        let venue = catalog::by_name(face.name()).expect("a venue of that name");
        let mut market = Market::new(symbols, 7, Wall::from_nanos(START));
        market.set_step(face.time_step_nanos());
        let names = market.instruments.iter().map(|one| face.spelled(one.spec())).collect();
        let scope = Scope { symbols: names, channels: venue.profile().channels.to_vec() };
        let url = venue.dial("ws://venue", &scope, None).url;
        let path = url.strip_prefix("ws://venue").filter(|path| !path.is_empty()).unwrap_or("/");
        let book = || {
            let mut book = Keeper::new(SyncRules::of(venue.profile(), 5_000, 1 << 20), false, 100);
            book.opened(Stamp::default());
            book
        };
        let mut follower = Follower {
            tongue: tongue::open(face, path, symbols).expect("an address of the face"),
            books: std::iter::repeat_with(book).take(symbols).collect(),
            versions: vec![Wall::from_nanos(START); symbols],
            handles: Handles::default(),
            controls: Vec::new(),
            holes: 0,
            count: venue.profile().connection_count.map(Count::from),
            heard: BTreeMap::new(),
            now: START,
            face,
            venue,
            market,
            scope,
        };
        let greeting = follower.said(|tongue, scene, out| tongue.greeting(scene, out));
        follower.believe(&greeting);
        follower
    }

    /// The same, with everything asked for as the daemon does, and answered.
    pub fn opened(face: Face, symbols: usize) -> Follower {
        let mut follower = Follower::new(face, symbols);
        follower.ask(&follower.venue.opening(&follower.scope, 1));
        follower
    }

    pub fn with_scene<T>(&mut self, act: impl FnOnce(&mut dyn Tongue, Scene<'_>) -> T) -> T {
        let now = Wall::from_nanos(self.now);
        act(&mut *self.tongue, Scene { market: &self.market, symbols: &self.scope.symbols, now })
    }

    fn said(&mut self, act: impl FnOnce(&mut dyn Tongue, Scene<'_>, &mut Vec<String>)) -> Vec<String> {
        let mut out = Vec::new();
        self.with_scene(|tongue, scene| act(tongue, scene, &mut out));
        out
    }

    /// What the venue says to this, not heard yet.
    pub fn say(&mut self, text: &str) -> Vec<String> {
        self.said(|tongue, scene, out| tongue.said(text, scene, out))
    }

    /// What a second brings, not heard yet.
    pub fn beat(&mut self) -> Vec<String> {
        self.said(|tongue, scene, out| tongue.beat(scene, out))
    }

    /// Asks, and believes the answers, of which there must be as many as the daemon waits for.
    pub fn ask(&mut self, requests: &[Request]) {
        for request in requests {
            let (answers, before) = (self.say(&request.text), self.controls.len());
            self.believe(&answers);
            assert_eq!(self.controls.len() - before, usize::from(request.answers), "{}", request.text);
        }
    }

    /// Takes messages that must be good.
    pub fn believe<'t>(&mut self, texts: impl IntoIterator<Item = &'t String>) {
        for text in texts {
            if let Err(why) = self.hear(text) {
                panic!("{why}: {}", &text[..text.floor_char_boundary(400)]);
            }
        }
    }

    /// Moves a symbol: what is said of it, not heard yet.
    pub fn change(&mut self, symbol: usize, how: Move) -> Told {
        self.now += STEP;
        let change = self.market.instruments[symbol].step(Wall::from_nanos(self.now), how);
        let told = self.with_scene(|tongue, scene| {
            let (mut ahead, mut others) = (Vec::new(), Vec::new());
            tongue.ahead(symbol, &change, scene, &mut ahead);
            let book = tongue.book(symbol, &change, scene);
            tongue.others(symbol, &change, scene, &mut others);
            Told { change, ahead, book, others }
        });
        // A book that is not taken begins with the newest version.
        if told.book.is_some() || !self.tongue.takes_books(symbol) {
            self.versions[symbol] = told.change.time;
        }
        told
    }

    /// The same of a change that the book's message tells: one of the best levels.
    pub fn told(&mut self, symbol: usize, how: Move) -> (Told, String) {
        let told = self.change(symbol, how);
        if let Some(book) = told.book.clone() {
            return (told, book);
        }
        self.believe(told.texts());
        self.told(symbol, how)
    }

    /// What the daemon does with a frame; an error is what it would not believe, or shows that something is missing.
    pub fn hear(&mut self, text: &str) -> Result<(), String> {
        let (venue, handles) = (self.venue.clone(), self.handles.clone());
        let (mut parts, holes) = (Vec::new(), self.holes);
        if let (Some(number), Some(count)) = (venue.connection_number(text), &mut self.count) {
            match count.take(number) {
                Place::Next => {}
                Place::Old => return Err("it came before".to_owned()),
                Place::Missing { .. } => self.holes += 1,
            }
        }
        match venue.route(text, &handles) {
            Route::Data { symbol, channel } => parts.push((symbol, channel, text)),
            Route::Parts => {
                self.note("parts");
                let mut part = |symbol, channel, part| parts.push((symbol, channel, part));
                venue.parts(text, &mut part).map_err(|e| e.to_string())?;
            }
            Route::Control => {
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
            Route::Unused | Route::Unknown => self.note("unknown"),
            Route::Malformed(error) => return Err(error.to_string()),
        }
        parts.into_iter().try_for_each(|(symbol, channel, part)| self.data(symbol, channel, part))?;
        if self.holes == holes { Ok(()) } else { Err("frames before it are missing".to_owned()) }
    }

    fn data(&mut self, symbol: &str, channel: Channel, text: &str) -> Result<(), String> {
        self.note(channel.name());
        let mono = Mono::from_nanos((self.now - START).unsigned_abs());
        let (now, mut out) = (Stamp { mono, wall: Wall::from_nanos(self.now) }, Decoded::default());
        let read = self.venue.decode(channel, text, &mut out).map_err(|e| e.to_string());
        let mut names = self.scope.symbols.iter();
        let Some(at) = names.position(|name| self.venue.symbol_key(name) == symbol) else {
            self.note("nowhere");
            return read;
        };
        if read.is_err() {
            self.books[at].undecodable(now, channel);
            return read;
        }
        match out.event {
            Some(Event::Trades) => *self.heard.entry("trades").or_default() += out.trades.len() as u64,
            // Of a book that is right, no quote is wrong: they are of one version.
            Some(Event::Quote(quote)) if self.is_live(at) => {
                let book = self.books[at].sync.book();
                if (quote.bid, quote.ask) != (book.best(Side::Bid), book.best(Side::Ask)) {
                    self.note("wrong quote");
                }
            }
            _ => {}
        }
        self.books[at].decoded(now, &mut out).gap.map_or(Ok(()), |gap| Err(format!("{gap:?}")))
    }

    fn note(&mut self, what: &'static str) {
        *self.heard.entry(what).or_default() += 1;
    }

    /// Messages that were this, by the channel's name or what else they were; `trades` are counted one by one.
    pub fn heard(&self, what: &str) -> u64 {
        self.heard.get(what).copied().unwrap_or_default()
    }

    pub fn is_live(&self, symbol: usize) -> bool {
        self.books[symbol].sync.state().is_live()
    }

    /// Panics unless the book is live, has exactly the best levels that the market has, as many as the stream carries, and
    /// names the version that was told last. Gives its exchange time.
    pub fn judge(&self, symbol: usize) -> Option<Wall> {
        let (sync, ladder) = (&self.books[symbol].sync, &self.market.instruments[symbol].ladder);
        let name = format!("{} at {}", self.scope.symbols[symbol], ladder.id());
        assert!(sync.state().is_live(), "{name} is {:?}", sync.state());
        let frozen = ladder.at_id(ladder.id()).expect("the newest version");
        let truth = TrueBook::new(ladder.spec(), &frozen, ladder.id());
        let side = |side| sync.book().levels(side).collect::<Vec<Level>>();
        let (bids, asks, window) = (side(Side::Bid), side(Side::Ask), sync.book().window());
        let depth = self.venue.profile().stream_depth.unwrap_or(usize::MAX);
        let shown = Shown { bids: &bids, asks: &asks, depth, low: window.low, high: window.high };
        truth.judge(&shown).unwrap_or_else(|difference| panic!("{name}: {difference}"));
        // What is shown is right; this says that it is all.
        let want = [&truth.bids, &truth.asks].map(|side| side.len().min(depth));
        assert_eq!([bids.len(), asks.len()], want, "{name}");
        let time = sync.exchange_time();
        let is_named = match self.face.identity() {
            Identity::Sequence(times) => sync.sequence() == Some(ladder.id() * times),
            Identity::Time => time.is_none_or(|time| time == self.versions[symbol]),
        };
        assert!(is_named, "{name}: {:?} {time:?}", sync.sequence());
        time
    }

    fn judge_all(&self) {
        for symbol in 0..self.books.len() {
            self.judge(symbol);
        }
    }

    /// Takes a book out of the subscription and puts it back, as the daemon repairs it, with changes in between.
    pub fn restart(&mut self, symbol: usize) {
        let name = self.scope.symbols[symbol].clone();
        self.books[symbol].sync.withdrawn(Stamp::default());
        self.ask(&self.venue.withdraw(&self.scope, &[&name], &self.handles, 100));
        assert!(!self.tongue.takes_books(symbol), "{name}");
        for _ in 0..3 {
            let told = self.change(symbol, Move::Ordinary);
            assert_eq!((told.book, told.ahead.len()), (None, 0), "{name} was withdrawn");
            self.believe(&told.others);
        }
        self.ask(&self.venue.restore(&self.scope, &[&name], 200));
        assert!(self.tongue.takes_books(symbol), "{name}");
        self.judge(symbol);
    }

    /// Follows so many changes, every book right at every one, with beats and restarts in between. Gives how many of them
    /// were told, and how many with their time.
    pub fn run(&mut self, changes: u64) -> (u64, u64) {
        self.judge_all();
        let (mut told, mut dated, crosses) = (0, 0, !self.venue.profile().crossed_is_fault);
        for n in 0..changes {
            let symbol = self.market.draw();
            let how = match (n % 97, n % 500) {
                (96, _) => Move::Jump,
                (_, 250) if crosses => Move::Cross,
                _ => Move::Ordinary,
            };
            let said = self.change(symbol, how);
            self.believe(said.ahead.iter().chain(&said.book));
            let time = self.judge(symbol);
            self.believe(&said.others);
            told += u64::from(said.book.is_some());
            dated += u64::from(said.book.is_some() && time.is_some());
            if n % 250 == 249 {
                let beats = self.beat();
                self.believe(&beats);
                self.restart((n / 250) as usize % self.books.len());
            }
        }
        self.judge_all();
        assert_eq!((self.heard("wrong quote"), self.holes), (0, 0));
        (told, dated)
    }
}
