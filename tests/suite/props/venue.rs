//! A market and its venue, for [`super::sync`]: every version there ever was, and the messages that lead from one to the next.

use crate::naive::{Naive, levels_of};
use depthd::engine::book::{Book, Window};
use depthd::engine::decimal::Decimal;
use depthd::engine::event::{BookEvent, BookKind, Level, Side, Snapshot, Span};
use depthd::engine::sync::SyncRules;
use depthd::engine::time::Wall;
use depthd::venue::profile::{RestJoin, SequenceRule};

/// A level change: which side, how far from the touch, which size (zero removes).
pub type Change = (bool, u8, u8);

/// What the venue's book was at some point.
#[derive(Clone)]
pub struct Version {
    /// Counts every change there ever was: the venue's clock, and Binance's number.
    pub id: u64,
    pub book: Naive,
}

pub struct Venue {
    pub rules: SyncRules,
    pub versions: Vec<Version>,
    /// The dense count of this run; 0 before its snapshot.
    pub count: u64,
    /// The last number of the message before.
    pub linked: u64,
    /// What was delivered last, to be repeated.
    pub last: Option<(BookEvent, Vec<Level>, Vec<Level>)>,
}

impl Venue {
    fn now(&self) -> &Version {
        self.versions.last().expect("there is always a first version")
    }

    /// Changes the market: several ids at once, as one Binance event covers several.
    pub fn change(&mut self, changes: &[Change]) -> (BookEvent, Vec<Level>, Vec<Level>) {
        let first = self.now().id + 1;
        let before = self.now().book.clone();
        let (mut bids, mut asks) = (Vec::new(), Vec::new());
        for &(bid, distance, size) in changes {
            // Bids at 1.00 and below, asks at 1.01 and above, so the market never crosses.
            let cents = if bid { 100 - i128::from(distance % 40) } else { 101 + i128::from(distance % 40) };
            let level = Level {
                price: Decimal::new(cents, 2).unwrap(),
                size: Decimal::new(i128::from(size % 8), size % 3).unwrap(),
            };
            let version = self.now();
            let (id, mut book) = (version.id + 1, version.book.clone());
            let (side, own) =
                if bid { (&mut bids, [vec![level], vec![]]) } else { (&mut asks, [vec![], vec![level]]) };
            side.push(level);
            book.apply(&own[0], &own[1], usize::MAX);
            self.versions.push(Version { id, book });
        }
        if changes.is_empty() {
            let Version { id, book } = self.now().clone();
            self.versions.push(Version { id: id + 1, book });
        }
        // A level changed twice in one event has its last size, as venues send it.
        for side in [&mut bids, &mut asks] {
            let all = side.clone();
            let mut position = 0;
            side.retain(|level| {
                position += 1;
                !all[position..].iter().any(|later| later.price == level.price)
            });
        }
        self.count += 1;
        let last = self.now().id;
        let span = match self.rules.sequence {
            SequenceRule::Range => Some(Span { first, last, previous: None }),
            SequenceRule::Dense => Some(Span::at(self.count)),
            SequenceRule::Linked | SequenceRule::Chained => {
                Some(Span { first, last, previous: Some(self.linked) })
            }
            SequenceRule::Unnumbered => None,
        };
        self.linked = last;
        let time = Some(Wall::from_nanos(last as i64));
        let event = BookEvent {
            cross: None,
            kind: BookKind::Delta,
            span,
            checksum: self.rules.checksum.and_then(|rule| rule.sum(&self.shown(), None)),
            exchange_time: time,
            venue_time: time,
        };
        if self.rules.stream_depth.is_some() {
            let changed = |side| slid(&before.levels(side), &self.now().book.levels(side), self.depth());
            (bids, asks) = (changed(Side::Bid), changed(Side::Ask));
        }
        (event, bids, asks)
    }

    /// Levels a side that the stream carries.
    fn depth(&self) -> usize {
        self.rules.stream_depth.unwrap_or(usize::MAX)
    }

    /// The book as its stream carries it.
    fn shown(&self) -> Book {
        let mut book = Book::new(1_000);
        let levels = |side| self.now().book.levels(side).into_iter().take(self.depth()).collect::<Vec<_>>();
        let loaded = book.load(&levels(Side::Bid), &levels(Side::Ask), Window::default());
        loaded.expect("the venue's own book is one");
        book
    }

    /// A dense venue sends a complete book in place of a change.
    pub fn in_band(&mut self) -> (BookEvent, Vec<Level>, Vec<Level>) {
        let (mut event, _, _) = self.change(&[]);
        event.kind = BookKind::Snapshot;
        let book = self.shown();
        (event, levels_of(&book, Side::Bid), levels_of(&book, Side::Ask))
    }

    pub fn rest(&self, age: usize, depth: usize) -> Snapshot {
        let version = &self.versions[self.versions.len().saturating_sub(age + 1)];
        let cut = |side| version.book.levels(side).into_iter().take(depth).collect();
        let by_sequence = self.rules.rest_join == RestJoin::BySequence;
        Snapshot {
            cross: None,
            sequence: by_sequence.then_some(version.id),
            exchange_time: None,
            venue_time: (!by_sequence).then_some(Wall::from_nanos(version.id as i64)),
            bids: cut(Side::Bid),
            asks: cut(Side::Ask),
            depth_limit: Some(depth as u32),
        }
    }

    pub fn at(&self, id: u64) -> &Naive {
        let position = self.versions.partition_point(|version| version.id < id);
        &self.versions[position].book
    }
}

/// What a stream of the best `depth` levels says when its side changes: levels that are new in it or have another size, and
/// those gone for good. What only slid out is not mentioned. New ones come first, as venues may send them.
fn slid(before: &[Level], after: &[Level], depth: usize) -> Vec<Level> {
    let (seen_before, seen) = (&before[..before.len().min(depth)], &after[..after.len().min(depth)]);
    let changed = seen.iter().filter(|level| !seen_before.contains(level)).copied();
    let is_there = |price| after.iter().any(|level| level.price == price);
    let gone = seen_before.iter().filter(|level| !is_there(level.price));
    changed.chain(gone.map(|level| Level { size: Decimal::ZERO, ..*level })).collect()
}
