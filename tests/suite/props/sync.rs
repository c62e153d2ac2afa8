//! The sync machine against a simulated venue that drops, repeats, restarts, corrupts and disconnects.
//!
//! Whatever happens, a live book equals the venue's book at its sequence inside its window, a partial one in its best
//! levels, and every message is accounted for. When the faults stop, the book comes back.

use super::venue::{Change, Venue, Version};
use crate::naive::{Naive, levels_of};
use depthd::engine::checksum::ChecksumRule;
use depthd::engine::decimal::Decimal;
use depthd::engine::event::{BookEvent, Level, Side};
use depthd::engine::need::{Joined, Need};
use depthd::engine::state::{StaleReason, State};
use depthd::engine::sync::{BookSync, Compared, SyncRules};
use depthd::engine::time::{Mono, Stamp, Wall};
use depthd::venue::profile::{FirstBook, RestJoin, SequenceRule};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree;

/// One thing that happens, as data.
#[derive(Clone, Debug)]
enum Step {
    /// The market changes and the venue says so.
    Send(Vec<Change>),
    /// As `Send`, but it never arrives and nobody knows.
    Skip(Vec<Change>),
    /// As `Send`, but our own queue drops it, or it cannot be read: the machine is told.
    Lose(Vec<Change>, StaleReason),
    /// As `Send`, but a level of it is nonsense.
    Corrupt(Vec<Change>),
    /// As `Send`, but without its number.
    Unnumbered(Vec<Change>),
    /// The last message comes once more.
    Repeat,
    /// A complete book in the stream (dense venues).
    InBand,
    /// The venue restarts its count without being asked, and its first message of the new count is no snapshot (dense
    /// venues). That message arrives: were it lost too, no number could tell the second one from the next of the old.
    Recount(Vec<Change>),
    /// A REST snapshot as of `age` versions ago, cut to `depth` levels.
    Rest { age: usize, depth: usize },
    /// A snapshot is asked for only to compare; something happens while the call is out, and the answer, as of `age`
    /// versions ago, comes before the last of it. `planted`: one of its levels is not the market's.
    Compare { during: Vec<Change>, late: Vec<Change>, age: usize, depth: usize, planted: bool },
    /// Our in-band restart (dense venues): out, some changes unseen, in again.
    Restart(Vec<Change>),
    /// The connection ends and another begins, with changes in between.
    Reconnect(Vec<Change>),
}

struct World {
    venue: Venue,
    sync: BookSync,
    seconds: u64,
    /// How often the book was seen live and partial: a property that never is proves nothing.
    live: u32,
    partial: u32,
    /// Snapshots found equal, and not.
    equal: u64,
    differed: u64,
}

impl World {
    fn new(rules: SyncRules) -> World {
        let first = Version { id: 1, book: Naive::default() };
        let mut world = World {
            venue: Venue { rules, versions: vec![first], count: 0, linked: 1, last: None },
            sync: BookSync::new(rules),
            seconds: 0,
            live: 0,
            partial: 0,
            equal: 0,
            differed: 0,
        };
        let opening: Vec<Change> = (0..40).flat_map(|n| [(true, n, 5), (false, n, 4)]).collect();
        world.venue.change(&opening);
        world.open();
        world
    }

    fn stamp(&self) -> Stamp {
        Stamp { mono: Mono::from_nanos(self.seconds * 1_000_000_000), wall: Wall::default() }
    }

    /// A dense venue begins a run with a snapshot in place of the first change.
    fn open(&mut self) {
        self.sync.opened(self.stamp());
        self.begin_run();
    }

    fn begin_run(&mut self) {
        self.venue.count = 0;
        if self.venue.rules.first_book == FirstBook::InBand {
            let message = self.venue.in_band();
            self.deliver(message);
        }
    }

    fn deliver(&mut self, message: (BookEvent, Vec<Level>, Vec<Level>)) {
        let now = self.stamp();
        self.sync.event(now, &message.0, &message.1, &message.2);
        self.venue.last = Some(message);
    }

    fn take(&mut self, step: &Step) -> Result<(), TestCaseError> {
        let dense = self.venue.rules.sequence == SequenceRule::Dense;
        let in_band = self.venue.rules.first_book == FirstBook::InBand;
        let is_unnumbered = self.venue.rules.sequence == SequenceRule::Unnumbered;
        self.seconds += 1;
        match step {
            Step::Send(changes) => {
                let message = self.venue.change(changes);
                self.deliver(message);
            }
            Step::Skip(changes) => drop(self.venue.change(changes)),
            Step::Lose(changes, reason) => {
                self.venue.change(changes);
                self.sync.lost(self.stamp(), *reason);
                prop_assert!(!self.sync.state().is_live());
            }
            Step::Corrupt(changes) => {
                let mut message = self.venue.change(changes);
                message.1.push(Level { price: Decimal::ZERO, size: Decimal::ZERO });
                self.deliver(message);
                self.venue.last = None;
                prop_assert!(!self.sync.state().is_live());
            }
            Step::Unnumbered(changes) => {
                let mut message = self.venue.change(changes);
                message.0.span = None;
                self.deliver(message);
                self.venue.last = None;
                prop_assert!(is_unnumbered || !self.sync.state().is_live());
            }
            Step::Repeat => {
                if let Some(message) = self.venue.last.clone() {
                    self.deliver(message);
                }
            }
            Step::InBand if in_band => {
                let message = self.venue.in_band();
                self.deliver(message);
                prop_assert!(self.sync.state().is_live());
            }
            Step::Recount(changes) if dense => {
                self.venue.count = 0;
                let message = self.venue.change(changes);
                self.deliver(message);
                prop_assert!(!self.sync.state().is_live());
            }
            Step::InBand | Step::Recount(_) => {}
            Step::Rest { age, depth } => self.rest(*age, *depth)?,
            Step::Compare { during, late, age, depth, planted } => {
                self.compare([during, late], *age, *depth, *planted)?
            }
            Step::Restart(changes) if in_band => {
                self.sync.withdrawn(self.stamp());
                prop_assert!(!self.sync.state().is_live());
                self.venue.change(changes);
                self.begin_run();
            }
            Step::Restart(changes) | Step::Reconnect(changes) => {
                self.sync.lost(self.stamp(), StaleReason::Disconnected);
                prop_assert!(!self.sync.state().is_live());
                prop_assert_eq!(self.sync.need(), Need::Nothing);
                self.venue.change(changes);
                self.venue.last = None;
                self.open();
            }
        }
        self.check(step)
    }

    fn rest(&mut self, age: usize, depth: usize) -> Result<(), TestCaseError> {
        let snapshot = self.venue.rest(age, depth);
        let was_live = self.sync.state().is_live();
        let joined = self.sync.snapshot(self.stamp(), &snapshot);
        match joined {
            Joined::Live => prop_assert!(self.sync.state().is_live()),
            Joined::Partial => prop_assert!(!self.sync.state().is_live()),
            Joined::TooOld | Joined::Unusable | Joined::NotNeeded => {
                prop_assert_eq!(self.sync.state().is_live(), was_live)
            }
        }
        Ok(())
    }

    /// Whatever the answer is, only one that is not the market's contradicts a book, and what it contradicts is stale.
    fn compare(
        &mut self,
        [during, late]: [&Vec<Change>; 2],
        age: usize,
        depth: usize,
        planted: bool,
    ) -> Result<(), TestCaseError> {
        use SequenceRule::{Dense, Unnumbered};
        let asked = self.stamp().mono;
        self.sync.expect_comparison(asked);
        let message = self.venue.change(during);
        self.deliver(message);
        let message = self.venue.change(late);
        let mut snapshot = self.venue.rest(age, depth);
        let version = self.venue.versions.len().saturating_sub(age + 1);
        let numbered = !matches!(self.venue.rules.sequence, Dense | Unnumbered);
        snapshot.sequence = numbered.then_some(self.venue.versions[version].id);
        if let Some(level) = snapshot.bids.first_mut().filter(|_| planted) {
            level.size = Decimal::new(99, 0).unwrap();
        }
        let (before, was_live) = (self.sync.comparisons(), self.sync.state().is_live());
        let compared = self.sync.compare(self.stamp(), asked, &snapshot);
        prop_assert!(was_live || compared == Compared::Not);
        prop_assert_eq!(self.sync.state().is_live(), was_live && compared != Compared::Differs);
        self.deliver(message);
        let after = self.sync.comparisons();
        prop_assert!(planted || after.differed == before.differed, "the market's own snapshot: {compared:?}");
        prop_assert!(after.differed == before.differed || !self.sync.state().is_live());
        self.equal += after.made - before.made - (after.differed - before.differed);
        self.differed += after.differed - before.differed;
        Ok(())
    }

    /// The id the book claims to stand at: Binance's own number, or the (strictly increasing) exchange time.
    fn claimed(&self) -> u64 {
        match self.venue.rules.sequence {
            SequenceRule::Range | SequenceRule::Linked | SequenceRule::Chained => {
                self.sync.sequence().expect("a known book has a number")
            }
            SequenceRule::Dense | SequenceRule::Unnumbered => {
                self.sync.exchange_time().expect("every message has a time").nanos() as u64
            }
        }
    }

    fn check(&mut self, step: &Step) -> Result<(), TestCaseError> {
        prop_assert!(self.sync.counts().balance());
        prop_assert!(self.sync.heap_bytes() <= BookSync::bytes_max(&self.venue.rules));
        let book = self.sync.book();
        match self.sync.state() {
            State::Live => {
                let truth = self.venue.at(self.claimed());
                for side in [Side::Bid, Side::Ask] {
                    let expected = truth.levels_within(side, book.window());
                    prop_assert_eq!(levels_of(book, side), expected, "{:?} after {:?}", side, step);
                }
                prop_assert!(!book.is_crossed());
                self.live += 1;
            }
            State::Partial { exact_depth } => {
                let truth = self.venue.at(self.claimed());
                for side in [Side::Bid, Side::Ask] {
                    let depth = exact_depth as usize;
                    let mut shown = levels_of(book, side);
                    shown.truncate(depth);
                    let mut expected = truth.levels(side);
                    expected.truncate(depth);
                    prop_assert_eq!(shown, expected, "{:?} after {:?}", side, step);
                }
                self.partial += 1;
            }
            State::Syncing | State::Stale { .. } => {
                prop_assert!(self.sync.need() != Need::Nothing);
            }
        }
        Ok(())
    }

    /// Faults over: give the book what it asks for, and it must come back.
    fn recover(&mut self) -> Result<(), TestCaseError> {
        for _ in 0..8 {
            self.take(&Step::Send(vec![(true, 0, 5), (false, 0, 4), (true, 30, 3), (false, 30, 4)]))?;
            match self.sync.need() {
                Need::Nothing | Need::Audit => {}
                Need::Complete => self.take(&Step::Restart(Vec::new()))?,
                _ if self.venue.rules.rest_join == RestJoin::Never => {
                    self.take(&Step::Restart(Vec::new()))?
                }
                Need::First | Need::Repair(_) | Need::Refresh => {
                    self.take(&Step::Rest { age: 0, depth: 1_000 })?;
                }
            }
        }
        prop_assert_eq!(self.sync.state(), State::Live);
        prop_assert_eq!(self.sync.need(), Need::Nothing);
        Ok(())
    }
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    vec((any::<bool>(), prop_oneof![3 => 0u8..4, 1 => 0u8..40], any::<u8>()), 0..6)
}

fn step() -> impl Strategy<Value = Step> {
    let reason =
        prop_oneof![Just(StaleReason::Overflow), Just(StaleReason::Decode), Just(StaleReason::Silent)];
    prop_oneof![
        24 => changes().prop_map(Step::Send),
        2 => changes().prop_map(Step::Skip),
        1 => (changes(), reason).prop_map(|(changes, reason)| Step::Lose(changes, reason)),
        1 => changes().prop_map(Step::Corrupt),
        1 => changes().prop_map(Step::Unnumbered),
        2 => Just(Step::Repeat),
        1 => Just(Step::InBand),
        1 => changes().prop_map(Step::Recount),
        8 => (0usize..30, 3usize..60).prop_map(|(age, depth)| Step::Rest { age, depth }),
        6 => (changes(), changes(), 0usize..20, 3usize..60, 0u8..8).prop_map(|(during, late, age, depth, odd)| {
            Step::Compare { during, late, age, depth, planted: odd == 0 }
        }),
        1 => changes().prop_map(Step::Restart),
        1 => changes().prop_map(Step::Reconnect),
    ]
}

const BINANCE: SyncRules = SyncRules {
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

const COINAPI: SyncRules = SyncRules {
    sequence: SequenceRule::Dense,
    first_book: FirstBook::InBand,
    rest_join: RestJoin::ByTime,
    in_band_restart: true,
    crossed_is_fault: false,
    stream_depth: None,
    checksum: None,
    ..BINANCE
};

/// As USD-M futures on Binance: changes name the one before, numbers have holes, the first book is REST's.
const LINKED: SyncRules = SyncRules { sequence: SequenceRule::Linked, ..BINANCE };

/// As Deribit: linked, and everything comes in the stream.
const LINKED_IN_BAND: SyncRules = SyncRules {
    sequence: SequenceRule::Linked,
    first_book: FirstBook::InBand,
    rest_join: RestJoin::Never,
    in_band_restart: true,
    ..BINANCE
};

/// As Bybit: a dense count over a stream of the best levels, which slides.
const SLIDING: SyncRules = SyncRules {
    sequence: SequenceRule::Dense,
    stream_depth: Some(12),
    levels_per_side_max: 12,
    ..LINKED_IN_BAND
};

/// As Bitfinex and Kraken: no numbers at all, and a sum over the best 25 levels, which is all that this stream has.
const SUMMED: SyncRules = SyncRules {
    sequence: SequenceRule::Unnumbered,
    checksum: Some(ChecksumRule::Bitfinex),
    stream_depth: Some(20),
    ..LINKED_IN_BAND
};

fn run(rules: SyncRules, steps: &[Step]) -> Result<World, TestCaseError> {
    let mut world = World::new(rules);
    for step in steps {
        world.take(step)?;
    }
    world.recover()?;
    Ok(world)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(192) })]

    #[test]
    fn a_binance_book_is_exact_or_not_live(steps in vec(step(), 1..120)) {
        run(BINANCE, &steps)?;
    }

    #[test]
    fn a_coinapi_book_is_exact_or_not_live(steps in vec(step(), 1..120)) {
        run(COINAPI, &steps)?;
    }

    #[test]
    fn a_linked_book_is_exact_or_not_live(steps in vec(step(), 1..120)) {
        run(LINKED, &steps)?;
        run(LINKED_IN_BAND, &steps)?;
    }

    #[test]
    fn a_sliding_book_is_exact_or_not_live(steps in vec(step(), 1..120)) {
        run(SLIDING, &steps)?;
    }

    #[test]
    fn a_summed_book_is_exact_or_not_live(steps in vec(step(), 1..120)) {
        run(SUMMED, &steps)?;
    }
}

/// The properties above are worth something only if books get there.
#[test]
fn the_simulated_venue_lets_books_become_live_and_partial() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let all = [BINANCE, COINAPI, LINKED, LINKED_IN_BAND, SLIDING, SUMMED];
    let (mut live, mut partial, mut equal, mut differed) = ([0; 6], 0, [0; 6], [0; 6]);
    for _ in 0..32 {
        let steps = vec(step(), 100).new_tree(&mut runner).expect("a strategy without filters").current();
        for (n, rules) in all.into_iter().enumerate() {
            let world = run(rules, &steps).expect("holds as in the properties");
            live[n] += world.live;
            equal[n] += world.equal;
            differed[n] += world.differed;
            partial += world.partial;
        }
    }
    // The numbered ones, over REST and in the stream.
    for n in [0, 2, 3] {
        assert!(equal[n] > 10 && differed[n] > 0, "equal {equal:?}, not {differed:?}");
    }
    assert!(live.iter().all(|live| *live > 500) && partial > 50, "live {live:?}, partial {partial}");
}
