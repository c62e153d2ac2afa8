//! For tests of faces: a client that believes what a tongue tells it, by the daemon's own decoders and books, and what it
//! then must show.

use super::face::Face;
use super::market::{Market, Move};
use super::tongue::{self, Scene, Tongue};
use super::truth::{Shown, TrueBook};
use crate::engine::connection::count::{Count, Place};
use crate::engine::event::{Channel, Decoded, Event, Level, Side};
use crate::engine::keeper::Keeper;
use crate::engine::sync::SyncRules;
use crate::engine::time::{Mono, Stamp, Wall};
use crate::venue::handles::Handles;
use crate::venue::{Control, Request, Route, Scope, Venue, catalog};
use std::collections::BTreeMap;
use std::sync::Arc;

/// All specs of the table, the odd ones too.
const SYMBOLS: usize = 8;
const STEP_NANOS: i64 = 733_000;

/// What a frame does to a client that must not believe it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refused(pub String);

/// One connection, both ends of it, and the market behind it.
pub struct Follower {
    face: Face,
    pub venue: Arc<dyn Venue>,
    pub tongue: Box<dyn Tongue>,
    pub market: Market,
    pub symbols: Vec<String>,
    now: Wall,
    count: Option<Count>,
    out: Decoded,
    /// By the symbol that frames carry.
    books: BTreeMap<String, Keeper>,
    handles: Handles,
    pub controls: Vec<Control>,
    /// Messages by what they were.
    pub heard: BTreeMap<&'static str, u64>,
}

impl Follower {
    /// A connection that was greeted and has asked for nothing.
    pub fn new(face: Face, path: &str) -> Follower {
        let venue = catalog::by_name(face.name()).expect("a venue of that name");
        let now = Wall::from_nanos(1_790_000_000_123_456_789);
        let mut market = Market::new(SYMBOLS, 7, now);
        market.set_step(face.time_step_nanos());
        let mut follower = Follower {
            face,
            tongue: tongue::open(face, path, SYMBOLS).expect("an address of the face"),
            symbols: market.instruments.iter().map(|one| face.spelled(one.spec())).collect(),
            market,
            now,
            count: venue.profile().connection_count.map(Count::from),
            venue,
            out: Decoded::default(),
            books: BTreeMap::new(),
            handles: Handles::default(),
            controls: Vec::new(),
            heard: BTreeMap::new(),
        };
        let rules = follower.rules();
        for symbol in &follower.symbols {
            let mut keeper = Keeper::new(rules, false, 100);
            keeper.opened(follower.stamp());
            follower.books.insert(follower.venue.symbol_key(symbol), keeper);
        }
        let mut greeting = Vec::new();
        follower.speak(|tongue, scene| tongue.greeting(scene, &mut greeting));
        follower.believe(&greeting);
        follower
    }

    /// The same, subscribed to all of everything.
    pub fn subscribed(face: Face, path: &str) -> Follower {
        let mut follower = Follower::new(face, path);
        let scope = follower.scope();
        let opening = follower.venue.opening(&scope, 1);
        follower.ask(&opening);
        follower
    }

    pub fn scope(&self) -> Scope {
        Scope { symbols: self.symbols.clone(), channels: self.venue.profile().channels.to_vec() }
    }

    fn rules(&self) -> SyncRules {
        let profile = self.venue.profile();
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

    fn stamp(&self) -> Stamp {
        Stamp { mono: Mono::from_nanos(self.now.nanos().unsigned_abs()), wall: self.now }
    }

    fn speak<T>(&mut self, say: impl FnOnce(&mut dyn Tongue, Scene<'_>) -> T) -> T {
        let scene = Scene { market: &self.market, symbols: &self.symbols, now: self.now };
        say(&mut *self.tongue, scene)
    }

    /// What the venue says to a text.
    pub fn answers(&mut self, text: &str) -> Vec<String> {
        let mut out = Vec::new();
        self.speak(|tongue, scene| tongue.said(text, scene, &mut out));
        out
    }

    /// Asks, and believes the answers.
    pub fn ask(&mut self, requests: &[Request]) {
        for request in requests {
            let answers = self.answers(&request.text);
            self.believe(&answers);
        }
    }

    /// Takes messages that must be good.
    pub fn believe(&mut self, texts: &[String]) {
        for text in texts {
            if let Err(Refused(why)) = self.hear(text) {
                panic!("{why}: {}", &text[..text.floor_char_boundary(400)]);
            }
        }
    }

    /// Moves a symbol: the book message, and whatever follows it.
    pub fn change(&mut self, symbol: usize, how: Move) -> (Option<String>, Vec<String>) {
        self.now = Wall::from_nanos(self.now.nanos() + STEP_NANOS);
        let change = self.market.instruments[symbol].step(self.now, how);
        let mut others = Vec::new();
        let book = self.speak(|tongue, scene| {
            let book = tongue.book(symbol, &change, scene);
            tongue.others(symbol, &change, scene, &mut others);
            book
        });
        (book, others)
    }

    pub fn beat(&mut self) {
        let mut out = Vec::new();
        self.speak(|tongue, scene| tongue.beat(scene, &mut out));
        self.believe(&out);
    }

    /// Takes a message.
    ///
    /// # Errors
    /// What a client does not believe: nothing of it may count.
    pub fn hear(&mut self, text: &str) -> Result<(), Refused> {
        let venue = self.venue.clone();
        if let (Some(number), Some(count)) = (venue.connection_number(text), &mut self.count) {
            match count.take(number) {
                Place::Next => {}
                place => return Err(Refused(format!("{number} is {place:?}"))),
            }
        }
        let handles = self.handles.clone();
        let mut parts = Vec::new();
        match venue.route(text, &handles) {
            Route::Data { symbol, channel } => parts.push((symbol, channel, text)),
            Route::Parts => {
                self.note("parts");
                venue
                    .parts(text, &mut |symbol, channel, part| parts.push((symbol, channel, part)))
                    .map_err(|error| Refused(error.to_string()))?;
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
            Route::Unused | Route::Unknown => self.note("unknown"),
            Route::Malformed(error) => return Err(Refused(error.to_string())),
        }
        parts.into_iter().try_for_each(|(symbol, channel, part)| self.data(symbol, channel, part))
    }

    fn data(&mut self, symbol: &str, channel: Channel, text: &str) -> Result<(), Refused> {
        self.note(channel.name());
        let now = self.stamp();
        let Some(book) = self.books.get_mut(symbol) else {
            self.note("nowhere");
            return Ok(());
        };
        self.out.clear();
        self.venue.decode(channel, text, &mut self.out).map_err(|error| Refused(error.to_string()))?;
        match self.out.event {
            Some(Event::Trades) => *self.heard.entry("trades").or_default() += self.out.trades.len() as u64,
            // Of a book that is right, no quote is wrong: they are of one version.
            Some(Event::Quote(quote)) if book.sync.state().is_live() => {
                let (bid, ask) = (book.sync.book().best(Side::Bid), book.sync.book().best(Side::Ask));
                assert_eq!((quote.bid, quote.ask), (bid, ask), "{text}");
            }
            _ => {}
        }
        match book.decoded(now, &mut self.out).gap {
            Some(gap) => Err(Refused(format!("{gap:?}"))),
            None => Ok(()),
        }
    }

    fn note(&mut self, what: &'static str) {
        *self.heard.entry(what).or_default() += 1;
    }

    fn key(&self, symbol: usize) -> String {
        self.venue.symbol_key(&self.symbols[symbol])
    }

    /// The book of a symbol is live and the true one. Gives its exchange time, which must be the true one's where there is any.
    pub fn judge(&self, symbol: usize) -> Option<Wall> {
        let (ladder, name) = (&self.market.instruments[symbol].ladder, self.key(symbol));
        let sync = &self.books[&name].sync;
        assert!(sync.state().is_live(), "{name} is {:?}", sync.state());
        let frozen = ladder.at_id(ladder.id()).expect("the newest version");
        let truth = TrueBook::new(ladder.spec(), &frozen, ladder.id());
        let side = |side| sync.book().levels(side).collect::<Vec<Level>>();
        let (bids, asks, window) = (side(Side::Bid), side(Side::Ask), sync.book().window());
        let shown = Shown { bids: &bids, asks: &asks, depth: usize::MAX, low: window.low, high: window.high };
        if let Err(difference) = truth.judge(&shown) {
            panic!("{name} at {}: {difference}", ladder.id());
        }
        assert!(!bids.is_empty() && !asks.is_empty());
        let time = sync.exchange_time();
        assert!(time.is_none_or(|time| time == ladder.time()), "{name}: {time:?} for {}", ladder.time());
        time
    }

    fn judge_all(&self) {
        for symbol in 0..SYMBOLS {
            self.judge(symbol);
        }
    }

    /// Takes a book out of the subscription and puts it back, with changes in between.
    fn restart(&mut self, symbol: usize) {
        let (scope, name) = (self.scope(), self.symbols[symbol].clone());
        let out = self.venue.withdraw(&scope, &[&name], &self.handles, 100);
        let stamp = self.stamp();
        self.books.get_mut(&self.venue.symbol_key(&name)).expect("a book").sync.withdrawn(stamp);
        self.ask(&out);
        for _ in 0..3 {
            let (book, others) = self.change(symbol, Move::Ordinary);
            assert_eq!(book, None, "{name} was withdrawn");
            self.believe(&others);
        }
        let back = self.venue.restore(&scope, &[&name], 200);
        self.ask(&back);
    }

    /// Follows so many changes: every book live and equal to the true one at every one of them. Gives how many of the
    /// versions had a time.
    pub fn follow(&mut self, changes: u64) -> u64 {
        self.judge_all();
        let mut dated = 0;
        for n in 0..changes {
            let symbol = self.market.draw();
            let how = if n % 400 == 399 { Move::Jump } else { Move::Ordinary };
            let (book, others) = self.change(symbol, how);
            self.believe(book.as_slice());
            dated += u64::from(self.judge(symbol).is_some());
            self.believe(&others);
            if n % 250 == 249 {
                self.beat();
                self.restart((n / 250) as usize % SYMBOLS);
                self.judge((n / 250) as usize % SYMBOLS);
            }
        }
        self.judge_all();
        dated
    }

    /// Spoils a book message in this way: it is refused, or it means what it meant. Gives how many were refused.
    pub fn spoil(face: Face, path: &str, spoil: impl Fn(&str) -> String) -> usize {
        let refused = |symbol: usize| {
            let mut follower = Follower::subscribed(face, path);
            for _ in 0..5 {
                let (book, others) = follower.change(symbol, Move::Ordinary);
                let spoiled = spoil(&book.expect("a book message"));
                let unknown = follower.heard.get("unknown").copied();
                if follower.hear(&spoiled).is_err() {
                    return true;
                }
                assert_eq!(follower.heard.get("unknown").copied(), unknown, "ignored: {spoiled}");
                follower.judge(symbol);
                follower.believe(&others);
            }
            false
        };
        (0..3).filter(|&symbol| refused(symbol)).count()
    }

    /// A book message is lost, or comes twice, or late: the client must find out.
    pub fn finds_out_what_is_missing(face: Face, path: &str) {
        let lost = |follower: &mut Follower| follower.change(0, Move::Ordinary);
        let mut follower = Follower::subscribed(face, path);
        let (_, mut rest) = lost(&mut follower);
        rest.extend(follower.change(0, Move::Ordinary).0);
        assert!(rest.iter().any(|text| follower.hear(text).is_err()), "a loss");
        let mut follower = Follower::subscribed(face, path);
        let book = lost(&mut follower).0.expect("a book message");
        follower.believe(std::slice::from_ref(&book));
        assert!(follower.hear(&book).is_err(), "the same again");
    }

    /// What nobody asked for changes nothing and breaks nothing.
    pub fn takes_strangers(&mut self) {
        use super::fault::Extra;
        for (extra, what) in [(Extra::UnknownType, "unknown"), (Extra::UnknownSymbol, "nowhere")] {
            let before = self.heard.get(what).copied().unwrap_or_default();
            let text = self.speak(|tongue, scene| tongue.stranger(extra, scene));
            self.believe(std::slice::from_ref(&text));
            assert_eq!(self.heard.get(what), Some(&(before + 1)), "{}: {text}", self.face);
        }
        self.judge_all();
    }
}
