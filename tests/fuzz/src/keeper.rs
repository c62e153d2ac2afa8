//! One book's keeper against a simulated venue: frames, losses, snapshots, quotes and connections in any order.
//!
//! A live book equals the venue's at its sequence inside its window (I1), is not crossed (I2) and every message is
//! accounted for (I7); a partial one is exact as deep as it says; a quote that is true is never called false. When the
//! input is over the faults are too, and the book has to come back (I12).

use crate::input::Input;
use crate::market::{Change, Venue, Version};
use crate::naive::{Naive, levels_of};
use depthd::engine::decimal::Decimal;
use depthd::engine::event::{BookEvent, Channel, Decoded, Event, Level, Quote, Side};
use depthd::engine::keeper::{Keeper, Noted};
use depthd::engine::need::{Joined, Need};
use depthd::engine::state::{StaleReason, State};
use depthd::engine::sync::{BookSync, SyncRules};
use depthd::engine::time::{Mono, Stamp, Wall};
use depthd::venue::profile::{FirstBook, RestJoin, SequenceRule};

/// Steps of one input; more would only be slower.
const STEPS_MAX: usize = 64;

const RANGE: SyncRules = SyncRules {
    sequence: SequenceRule::Range,
    first_book: FirstBook::Rest,
    rest_join: RestJoin::BySequence,
    in_band_restart: false,
    crossed_is_fault: true,
    stream_depth: None,
    checksum: None,
    levels_per_side_max: 25,
    window_messages_max: 12,
    window_bytes_max: 8 * 1024,
    refresh_levels_min: 5,
};

const DENSE: SyncRules = SyncRules {
    sequence: SequenceRule::Dense,
    first_book: FirstBook::InBand,
    rest_join: RestJoin::ByTime,
    in_band_restart: true,
    crossed_is_fault: false,
    stream_depth: None,
    checksum: None,
    ..RANGE
};

/// As futures on Binance: a change names the one before it, and the first book is REST's.
const LINKED: SyncRules = SyncRules { sequence: SequenceRule::Linked, ..RANGE };

/// As Deribit: linked, and everything comes in the stream.
const LINKED_IN_BAND: SyncRules =
    SyncRules { first_book: FirstBook::InBand, rest_join: RestJoin::Never, in_band_restart: true, ..LINKED };

/// As OKX: the same, and REST may help.
const CHAINED: SyncRules =
    SyncRules { sequence: SequenceRule::Chained, rest_join: RestJoin::BySequence, ..LINKED_IN_BAND };

type Message = (BookEvent, Vec<Level>, Vec<Level>);

struct World {
    venue: Venue,
    keeper: Keeper,
    seconds: u64,
    quotes: u64,
}

pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let first = input.byte();
    let rules = match first >> 5 {
        5 => LINKED,
        6 => LINKED_IN_BAND,
        7 => CHAINED,
        _ if first & 1 == 0 => RANGE,
        _ => DENSE,
    };
    let small = SyncRules { levels_per_side_max: 6, window_messages_max: 3, refresh_levels_min: 2, ..rules };
    let mut world = World::new(if first & 2 == 0 { rules } else { small });
    for _ in 0..STEPS_MAX {
        if input.is_over() {
            break;
        }
        world.step(&mut input);
        world.check();
    }
    world.recover();
}

fn changes(input: &mut Input<'_>) -> Vec<Change> {
    input.list(5, |input| {
        let place = input.byte();
        let distance = if place & 0x0c == 0 { place >> 1 } else { place >> 1 & 3 };
        (place & 1 == 1, distance, input.byte())
    })
}

impl World {
    fn new(rules: SyncRules) -> World {
        let first = Version { id: 1, book: Naive::default() };
        let mut world = World {
            venue: Venue { rules, versions: vec![first], count: 0, linked: 1, last: None },
            keeper: Keeper::new(rules, rules.sequence != SequenceRule::Dense, 4),
            seconds: 1,
            quotes: 0,
        };
        let opening: Vec<Change> = (0..12).flat_map(|n| [(true, n * 3, 5), (false, n * 3, 4)]).collect();
        world.venue.change(&opening);
        world.open();
        world
    }

    fn stamp(&self) -> Stamp {
        Stamp { mono: Mono::from_nanos(self.seconds * 1_000_000_000), wall: Wall::default() }
    }

    fn is_dense(&self) -> bool {
        self.venue.rules.sequence == SequenceRule::Dense
    }

    /// The stream itself begins with a book.
    fn is_in_band(&self) -> bool {
        self.venue.rules.first_book == FirstBook::InBand
    }

    fn is_live(&self) -> bool {
        self.keeper.sync.state().is_live()
    }

    fn open(&mut self) {
        let now = self.stamp();
        self.keeper.opened(now);
        self.begin_run();
    }

    /// A venue whose stream brings the book begins each run with a snapshot.
    fn begin_run(&mut self) {
        self.venue.count = 0;
        if self.is_in_band() {
            let message = self.venue.in_band();
            self.deliver(message);
        }
    }

    fn hand(&mut self, (event, bids, asks): &Message) -> Noted {
        let event = Some(Event::Book(*event));
        let mut frame = Decoded { event, bids: bids.clone(), asks: asks.clone(), ..Decoded::default() };
        self.keeper.decoded(self.stamp(), &mut frame)
    }

    fn deliver(&mut self, message: Message) {
        let noted = self.hand(&message);
        assert_eq!(noted.mismatch, None, "a true book or a true quote was called false");
        self.venue.last = Some(message);
    }

    fn step(&mut self, input: &mut Input<'_>) {
        self.seconds += u64::from(input.one_in(8)) * 5 + 1;
        match input.byte() {
            0..120 => {
                let message = self.venue.change(&changes(input));
                self.deliver(message);
            }
            // Never arrives, and nobody knows.
            120..130 => drop(self.venue.change(&changes(input))),
            130..136 => {
                self.venue.change(&changes(input));
                let reasons = [StaleReason::Overflow, StaleReason::Decode, StaleReason::Silent];
                let reason = reasons[usize::from(input.up_to(2))];
                match reason {
                    StaleReason::Decode => self.keeper.undecodable(self.stamp(), Channel::Book),
                    _ => self.keeper.lost(self.stamp(), reason),
                }
                assert!(!self.is_live(), "I6");
            }
            136..142 => {
                let mut message = self.venue.change(&changes(input));
                message.1.push(Level { price: Decimal::ZERO, size: Decimal::ZERO });
                self.hand(&message);
                self.venue.last = None;
                assert!(!self.is_live(), "nonsense was taken");
            }
            142..148 => {
                let mut message = self.venue.change(&changes(input));
                message.0.span = None;
                self.hand(&message);
                self.venue.last = None;
                assert!(!self.is_live(), "I3: a message without its number was taken");
            }
            148..158 => {
                if let Some(message) = self.venue.last.clone() {
                    self.deliver(message);
                }
            }
            158..164 if self.is_in_band() => {
                let message = self.venue.in_band();
                self.deliver(message);
                assert!(self.is_live(), "a complete book");
            }
            // The venue counts anew; were this first message lost too, no number could tell.
            164..168 if self.is_dense() => {
                self.venue.count = 0;
                let message = self.venue.change(&changes(input));
                self.deliver(message);
                assert!(!self.is_live(), "I3: the first of another count was taken");
            }
            168..210 => self.rest(usize::from(input.up_to(29)), usize::from(input.up_to(57)) + 3),
            210..216 if self.is_in_band() => {
                self.keeper.sync.withdrawn(self.stamp());
                assert!(!self.is_live());
                self.venue.change(&changes(input));
                self.begin_run();
            }
            216..224 => self.reconnect(input),
            224..240 => self.true_quote(usize::from(input.up_to(7))),
            240..244 => self.false_quote(),
            244..248 => self.trade(),
            _ => drop(self.venue.change(&[])),
        }
    }

    /// Out of the scope and in again.
    fn restart(&mut self) {
        self.keeper.sync.withdrawn(self.stamp());
        self.begin_run();
    }

    fn reconnect(&mut self, input: &mut Input<'_>) {
        let old = self.venue.change(&changes(input));
        self.keeper.lost(self.stamp(), StaleReason::Disconnected);
        assert!(!self.is_live(), "I6");
        assert_eq!(self.keeper.sync.need(), Need::Nothing);
        // What comes after the end changes nothing, whatever it is.
        let before = self.keeper.top();
        self.hand(&old);
        let joined = self.keeper.snapshot(self.stamp(), &self.venue.rest(0, 50)).0;
        assert_eq!((joined, self.keeper.top()), (Joined::NotNeeded, before), "I4");
        self.venue.last = None;
        self.open();
    }

    fn rest(&mut self, age: usize, depth: usize) {
        let snapshot = self.venue.rest(age, depth);
        let was_live = self.is_live();
        let (joined, mismatch) = self.keeper.snapshot(self.stamp(), &snapshot);
        assert_eq!(mismatch, None, "a true book or a true quote was called false");
        match joined {
            Joined::Live => assert!(self.is_live()),
            Joined::Partial => assert!(!self.is_live()),
            Joined::TooOld | Joined::Unusable | Joined::NotNeeded => assert_eq!(self.is_live(), was_live),
        }
    }

    /// What the venue says of one of its latest versions.
    fn quote(&self, age: usize) -> Quote {
        let version = &self.venue.versions[self.venue.versions.len().saturating_sub(age + 1)];
        let best = |side| version.book.levels(side).first().copied();
        Quote { sequence: Some(version.id), bid: best(Side::Bid), ask: best(Side::Ask), exchange_time: None }
    }

    fn hear(&mut self, quote: Quote) -> Noted {
        self.quotes += 1;
        let mut frame = Decoded { event: Some(Event::Quote(quote)), ..Decoded::default() };
        self.keeper.decoded(self.stamp(), &mut frame)
    }

    fn true_quote(&mut self, age: usize) {
        let quote = self.quote(age);
        assert_eq!(self.hear(quote), Noted::default(), "a true quote was called false");
    }

    fn false_quote(&mut self) {
        let Some(at) = self.keeper.sync.sequence().filter(|_| self.is_live() && !self.is_dense()) else {
            return;
        };
        let bid = Level { price: Decimal::new(7, 3).expect("fits"), size: Decimal::new(7, 0).expect("fits") };
        let noted = self.hear(Quote { sequence: Some(at), bid: Some(bid), ask: None, exchange_time: None });
        assert!(noted.mismatch.is_some() && !self.is_live(), "a book that its venue contradicts is shown");
    }

    fn trade(&mut self) {
        let before = self.keeper.top();
        for (event, channel) in [(Event::Trades, Channel::Trade), (Event::Liquidations, Channel::Liquidation)]
        {
            let mut frame = Decoded { event: Some(event), ..Decoded::default() };
            assert_eq!(self.keeper.decoded(self.stamp(), &mut frame), Noted::default());
            self.keeper.undecodable(self.stamp(), channel);
        }
        assert_eq!(self.keeper.top(), before, "a trade moved the book");
    }

    /// The version the book claims to be: by the venue's own number, or by the strictly rising time.
    fn claimed(&self) -> &Naive {
        let sync = &self.keeper.sync;
        let id = match self.is_dense() {
            false => sync.sequence().expect("a known book has a number"),
            true => sync.exchange_time().expect("every message has a time").nanos() as u64,
        };
        self.venue.at(id)
    }

    fn check(&self) {
        let sync = &self.keeper.sync;
        assert!(sync.counts().balance(), "I7");
        assert!(sync.heap_bytes() <= BookSync::bytes_max(&self.venue.rules), "I9");
        assert_eq!(self.keeper.flow().quote_frames, self.quotes);
        let book = sync.book();
        match sync.state() {
            State::Live => {
                for side in [Side::Bid, Side::Ask] {
                    let expected = self.claimed().levels_within(side, book.window());
                    assert_eq!(levels_of(book, side), expected, "I1: {side:?}");
                    assert!(book.len(side) <= self.venue.rules.levels_per_side_max, "I2");
                }
                assert!(!book.is_crossed(), "I2");
            }
            State::Partial { exact_depth } => {
                for side in [Side::Bid, Side::Ask] {
                    let depth = exact_depth as usize;
                    let (mut shown, mut expected) = (levels_of(book, side), self.claimed().levels(side));
                    shown.truncate(depth);
                    expected.truncate(depth);
                    assert_eq!(shown, expected, "{side:?}, exact for {depth}");
                }
            }
            State::Syncing | State::Stale { .. } => {
                assert_ne!(sync.need(), Need::Nothing, "nobody would help")
            }
        }
    }

    /// Faults over: give the book what it asks for.
    fn recover(&mut self) {
        for _ in 0..8 {
            self.seconds += 1;
            let message = self.venue.change(&[(true, 0, 5), (false, 0, 4), (true, 30, 3), (false, 30, 4)]);
            self.deliver(message);
            match self.keeper.sync.need() {
                Need::Nothing | Need::Audit => {}
                Need::Complete => self.restart(),
                // REST is worth nothing here.
                _ if self.venue.rules.rest_join == RestJoin::Never => self.restart(),
                Need::First | Need::Repair(_) | Need::Refresh => self.rest(0, 1_000),
            }
            self.check();
        }
        assert_eq!((self.keeper.sync.state(), self.keeper.sync.need()), (State::Live, Need::Nothing), "I12");
    }
}
