//! A venue that counts twice: its books by a number that may begin anew, and everything by one that never falls. REST has both,
//! and may answer with a book of the count before. Whatever happens, a live book is the venue's.

use crate::naive::{Naive, levels_of};
use crate::venues::rules;
use depthd::engine::decimal::Decimal;
use depthd::engine::event::{BookEvent, BookKind, Level, Side, Snapshot, Span};
use depthd::engine::need::{Joined, Need};
use depthd::engine::state::StaleReason;
use depthd::engine::sync::BookSync;
use depthd::engine::time::{Mono, Stamp, Wall};
use depthd::venue::bybit;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree;

/// One thing that happens, as data. A message is one changed level: its side, its distance from the touch, its size.
#[derive(Clone, Debug)]
enum Step {
    Send(Message),
    /// As `Send`, but it never arrives and nobody knows.
    Skip(Message),
    /// As `Send`, but our own queue drops it, and the machine is told.
    Lose(Message),
    /// The last message comes once more.
    Repeat,
    /// The number begins anew. The first message of the new count arrives: were it lost, the second could be the next of the
    /// old count, and nothing would tell.
    Recount(Message),
    /// An answer of REST as of so many versions ago, of whatever count that was.
    Rest(usize),
    /// The same, asked for to be compared, with something sent before it comes.
    Compare(Message, usize),
    Reconnect(Message),
}

/// A level, and by how much the venue's second count has grown since the message before: mostly not at all, or by little.
type Message = (bool, u8, u8, u8);

#[derive(Clone)]
struct Version {
    update: u64,
    cross: u64,
    book: Naive,
}

struct World {
    /// The position of each is its time.
    versions: Vec<Version>,
    last: Option<(BookEvent, Vec<Level>, Vec<Level>)>,
    sync: BookSync,
    millis: u64,
    live: u32,
    equal: u64,
}

impl World {
    fn new() -> World {
        let rules = rules(&bybit::FULL);
        let first = Version { update: 100, cross: 1_000, book: Naive::default() };
        let mut world = World {
            versions: vec![first],
            last: None,
            sync: BookSync::new(rules),
            millis: 0,
            live: 0,
            equal: 0,
        };
        (0..20).for_each(|n| drop((world.change((true, n, 5, 1)), world.change((false, n, 4, 0)))));
        world.sync.opened(world.stamp());
        world
    }

    fn stamp(&self) -> Stamp {
        Stamp { mono: Mono::from_nanos(self.millis * 1_000_000), wall: Wall::default() }
    }

    fn now(&self) -> &Version {
        self.versions.last().expect("there is always a first version")
    }

    fn change(&mut self, (bid, distance, size, grown): Message) -> (BookEvent, Vec<Level>, Vec<Level>) {
        let cents = if bid { 100 - i128::from(distance % 20) } else { 101 + i128::from(distance % 20) };
        let level = Level {
            price: Decimal::new(cents, 2).expect("it fits"),
            size: Decimal::new(i128::from(size % 8), 0).expect("it fits"),
        };
        let (bids, asks) = if bid { (vec![level], vec![]) } else { (vec![], vec![level]) };
        let Version { update, cross, mut book } = self.now().clone();
        book.apply(&bids, &asks, usize::MAX);
        let version = Version { update: update + 1, cross: cross + u64::from(grown % 3), book };
        let event = BookEvent {
            kind: BookKind::Delta,
            span: Some(Span::at(version.update)),
            cross: Some(version.cross),
            exchange_time: Some(Wall::from_nanos(self.versions.len() as i64)),
            checksum: None,
            venue_time: None,
        };
        self.versions.push(version);
        (event, bids, asks)
    }

    fn deliver(&mut self, message: (BookEvent, Vec<Level>, Vec<Level>)) {
        let now = self.stamp();
        self.sync.event(now, &message.0, &message.1, &message.2);
        self.last = Some(message);
    }

    fn rest(&self, age: usize) -> Snapshot {
        let at = self.versions.len().saturating_sub(age + 1);
        // A count begins with its first message: nobody is told of the book before it by the new count's number.
        let at = if self.versions[at].update == 0 { at - 1 } else { at };
        let version = &self.versions[at];
        Snapshot {
            sequence: Some(version.update),
            cross: Some(version.cross),
            exchange_time: Some(Wall::from_nanos(at as i64)),
            venue_time: None,
            bids: version.book.levels(Side::Bid),
            asks: version.book.levels(Side::Ask),
            depth_limit: Some(10_000),
        }
    }

    fn take(&mut self, step: &Step) {
        self.millis += 10;
        match *step {
            Step::Send(message) => {
                let message = self.change(message);
                self.deliver(message);
            }
            Step::Skip(message) => drop(self.change(message)),
            Step::Lose(message) => {
                self.change(message);
                self.sync.lost(self.stamp(), StaleReason::Overflow);
            }
            Step::Repeat => {
                if let Some(message) = self.last.clone() {
                    self.deliver(message);
                }
            }
            Step::Recount((bid, distance, size, _)) => {
                // The same book, of another count; what follows is newer by the venue's.
                let restarted = Version { update: 0, ..self.now().clone() };
                self.versions.push(restarted);
                let message = self.change((bid, distance, size, 1));
                self.deliver(message);
            }
            Step::Rest(age) => {
                let (now, snapshot) = (self.stamp(), self.rest(age));
                self.sync.snapshot(now, &snapshot);
            }
            Step::Compare(message, age) => {
                let asked = self.stamp();
                self.sync.expect_comparison(asked.mono);
                let message = self.change(message);
                self.deliver(message);
                let (now, snapshot) = (self.stamp(), self.rest(age));
                self.sync.compare(now, asked.mono, &snapshot);
            }
            Step::Reconnect(message) => {
                self.sync.lost(self.stamp(), StaleReason::Disconnected);
                self.change(message);
                self.sync.opened(self.stamp());
            }
        }
    }

    fn check(&mut self, step: &Step) -> Result<(), TestCaseError> {
        prop_assert!(self.sync.counts().balance());
        let compared = self.sync.comparisons();
        prop_assert_eq!(compared.differed, 0, "a comparison with the venue's own book: {:?}", step);
        self.equal = compared.made;
        if !self.sync.state().is_live() {
            return Ok(());
        }
        self.live += 1;
        let time = self.sync.exchange_time().expect("all of it is timed");
        let version = &self.versions[usize::try_from(time.nanos()).expect("a position")];
        prop_assert_eq!(self.sync.sequence(), Some(version.update), "{:?}", step);
        for side in [Side::Bid, Side::Ask] {
            prop_assert_eq!(levels_of(self.sync.book(), side), version.book.levels(side), "{:?}", step);
        }
        Ok(())
    }

    /// Without faults a book comes back with the first answer that the stream goes on from.
    fn recover(&mut self) -> Result<(), TestCaseError> {
        for _ in 0..3 {
            self.take(&Step::Send((true, 3, 7, 2)));
            if self.sync.need() != Need::Nothing {
                let (now, snapshot) = (self.stamp(), self.rest(0));
                prop_assert_eq!(self.sync.snapshot(now, &snapshot), Joined::Live);
            }
            self.check(&Step::Rest(0))?;
        }
        prop_assert!(self.sync.state().is_live());
        Ok(())
    }
}

fn message() -> impl Strategy<Value = Message> {
    any::<Message>()
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => message().prop_map(Step::Send),
        1 => message().prop_map(Step::Skip),
        1 => message().prop_map(Step::Lose),
        1 => Just(Step::Repeat),
        1 => message().prop_map(Step::Recount),
        5 => (0..12usize).prop_map(Step::Rest),
        4 => (message(), 0..3usize).prop_map(|(message, age)| Step::Compare(message, age)),
        1 => message().prop_map(Step::Reconnect),
    ]
}

fn run(steps: &[Step]) -> Result<World, TestCaseError> {
    let mut world = World::new();
    for step in steps {
        world.take(step);
        world.check(step)?;
    }
    world.recover()?;
    Ok(world)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn a_book_that_is_counted_twice_is_exact_or_not_live(steps in vec(step(), 1..120)) {
        run(&steps)?;
    }
}

/// A property of books that are never live, or never compared, proves nothing.
#[test]
fn books_become_live_and_are_compared() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut live, mut equal) = (0, 0);
    for _ in 0..64 {
        let steps = vec(step(), 60..120).new_tree(&mut runner).expect("steps").current();
        let world = run(&steps).expect("a run without a fault of ours");
        live += world.live;
        equal += world.equal;
    }
    assert!(live > 1_000 && equal > 30, "{live} looks at a live book, {equal} comparisons");
}
