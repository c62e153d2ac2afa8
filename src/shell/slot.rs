//! One book's public face: what its worker publishes and any thread may read without a lock.

use crate::engine::decimal::Decimal;
use crate::engine::event::Level;
use crate::engine::id::{BookId, ConnectionId, FeedId};
use crate::engine::keeper::Flow;
use crate::engine::state::{StaleReason, State};
use crate::engine::stats;
use crate::engine::sync::{Counts, Discard};
use crate::engine::time::{Mono, Stamp, Wall};
use crate::engine::view::BookTop;
use crate::shell::count::nanos;
use crate::shell::face::{Doubt, Face, reason_code, reason_of};
use crate::shell::status::ConnectionStatus;
use std::time::Duration;

const TOP_WORDS: usize = 19;
/// Counters before the discards.
const PLAIN_COUNTS: usize = 13;
const COUNT_WORDS: usize = PLAIN_COUNTS + Discard::COUNT;
const WORDS: usize = TOP_WORDS + COUNT_WORDS;

/// What a worker says of one book.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Published {
    pub top: BookTop,
    pub counts: Counts,
    pub flow: Flow,
    /// Of the last repair, gap to live.
    pub recovery_took: Option<Duration>,
    pub audit_checks: u64,
    pub audit_mismatches: u64,
    pub heap_bytes: u64,
}

impl Published {
    /// Every message of the book by what became of it.
    pub fn messages(&self) -> stats::Flow {
        let (c, flow) = (&self.counts, &self.flow);
        let others = flow.applied();
        let mut messages = stats::Flow {
            received: c.received + others + flow.undecodable,
            applied: c.applied + others,
            duplicate: c.duplicate,
            buffered: c.buffered,
            discarded: Discard::ALL.iter().zip(c.discarded).map(|(why, count)| (why.name(), count)).collect(),
        };
        messages.discarded.add(StaleReason::Decode.name(), flow.undecodable);
        messages
    }
}

/// A book's fixed facts and its published state.
#[derive(Debug)]
pub struct Slot {
    pub id: BookId,
    pub feed: FeedId,
    pub connection: ConnectionId,
    /// The worker that owns the book.
    pub worker: usize,
    pub symbol: String,
    face: Face<WORDS>,
}

impl Slot {
    pub fn new(id: BookId, feed: FeedId, connection: ConnectionId, worker: usize, symbol: String) -> Slot {
        Slot { id, feed, connection, worker, symbol, face: Face::new() }
    }

    /// Called by the book's worker only.
    pub fn publish(&self, published: &Published, generation: u64) {
        self.face.publish(&encode(published), generation);
    }

    /// What the worker says, believed or not.
    pub fn read(&self) -> Published {
        decode(&self.face.read())
    }

    /// What the worker says, and why not to believe it.
    pub fn look(&self, connection: Option<&ConnectionStatus>) -> (Option<Doubt>, Published) {
        let (doubt, words) = self.face.look(connection);
        (doubt, decode(&words))
    }

    pub fn doubt(&self, connection: Option<&ConnectionStatus>) -> Option<Doubt> {
        self.face.doubt(connection)
    }

    pub fn generation(&self) -> u64 {
        self.face.generation()
    }

    /// Changes with everything that is published.
    pub fn version(&self) -> u64 {
        self.face.version()
    }

    /// Messages are missing from here on: gives the break's number, from 1.
    pub fn break_at(&self, now: Mono, why: StaleReason) -> u64 {
        self.face.break_at(now, why)
    }

    /// The last break's number, 0 before the first.
    pub fn breaks(&self) -> u64 {
        self.face.breaks()
    }

    /// Called by the book's worker only: what is published now knows of this break and of all before it.
    pub fn pass(&self, number: u64) {
        self.face.pass(number);
    }

    pub fn is_passed(&self, number: u64) -> bool {
        self.face.is_passed(number)
    }

    /// Since when messages are missing of which the published state does not know, and why.
    pub fn broken(&self) -> Option<(Mono, StaleReason)> {
        self.face.broken()
    }
}

const HAS_SEQUENCE: u64 = 1;
const HAS_BID: u64 = 2;
const HAS_ASK: u64 = 4;
const HAS_EXCHANGE_TIME: u64 = 8;

fn encode(p: &Published) -> [u64; WORDS] {
    let mut words = [0; WORDS];
    let top = &p.top;
    let flag = |present: bool, bit: u64| if present { bit } else { 0 };
    let (kind, detail, since) = match top.state {
        State::Syncing => (0, 0, Stamp::default()),
        State::Live => (1, 0, Stamp::default()),
        State::Partial { exact_depth } => (2, u64::from(exact_depth), Stamp::default()),
        State::Stale { reason, since } => (3, reason_code(reason), since),
    };
    words[0] = kind | detail << 8;
    [words[1], words[2]] = stamp_words(since);
    words[3] = flag(top.sequence.is_some(), HAS_SEQUENCE)
        | flag(top.bid.is_some(), HAS_BID)
        | flag(top.ask.is_some(), HAS_ASK)
        | flag(top.exchange_time.is_some(), HAS_EXCHANGE_TIME);
    words[4] = top.sequence.unwrap_or_default();
    put_level(&mut words[5..9], top.bid);
    put_level(&mut words[9..13], top.ask);
    words[13] = top.exchange_time.unwrap_or_default().nanos().cast_unsigned();
    [words[14], words[15]] = stamp_words(top.received);
    words[16] = top.gaps;
    words[17] = top.recoveries;
    words[18] = u64::from(top.levels_bids) << 32 | u64::from(top.levels_asks);
    let c = &p.counts;
    let counts = [
        c.received,
        c.applied,
        c.duplicate,
        c.buffered,
        p.flow.trade_frames,
        p.flow.quote_frames,
        p.flow.undecodable,
        p.audit_checks,
        p.audit_mismatches,
        p.heap_bytes,
        // A repair takes time: 0 is free to mean that there was none.
        p.recovery_took.map_or(0, |took| nanos(took).max(1)),
        p.flow.instrument_frames,
        p.flow.liquidation_frames,
    ];
    words[TOP_WORDS..TOP_WORDS + PLAIN_COUNTS].copy_from_slice(&counts);
    words[TOP_WORDS + PLAIN_COUNTS..].copy_from_slice(&c.discarded);
    words
}

fn decode(words: &[u64; WORDS]) -> Published {
    let flags = words[3];
    let detail = words[0] >> 8;
    let state = match words[0] & 0xff {
        1 => State::Live,
        // The cast takes back what `encode` widened.
        2 => State::Partial { exact_depth: detail as u32 },
        3 => State::Stale { reason: reason_of(detail), since: stamp_of(words[1], words[2]) },
        _ => State::Syncing,
    };
    let top = BookTop {
        state,
        sequence: (flags & HAS_SEQUENCE != 0).then_some(words[4]),
        bid: (flags & HAS_BID != 0).then(|| take_level(&words[5..9])),
        ask: (flags & HAS_ASK != 0).then(|| take_level(&words[9..13])),
        exchange_time: (flags & HAS_EXCHANGE_TIME != 0).then(|| Wall::from_nanos(words[13].cast_signed())),
        received: stamp_of(words[14], words[15]),
        gaps: words[16],
        recoveries: words[17],
        levels_bids: (words[18] >> 32) as u32,
        levels_asks: words[18] as u32,
    };
    let at = |i: usize| words[TOP_WORDS + i];
    let mut counts = Counts {
        received: at(0),
        applied: at(1),
        duplicate: at(2),
        buffered: at(3),
        gaps: top.gaps,
        recoveries: top.recoveries,
        ..Counts::default()
    };
    counts.discarded.copy_from_slice(&words[TOP_WORDS + PLAIN_COUNTS..]);
    Published {
        top,
        counts,
        flow: Flow {
            trade_frames: at(4),
            quote_frames: at(5),
            undecodable: at(6),
            instrument_frames: at(11),
            liquidation_frames: at(12),
        },
        audit_checks: at(7),
        audit_mismatches: at(8),
        heap_bytes: at(9),
        recovery_took: Some(at(10)).filter(|n| *n > 0).map(Duration::from_nanos),
    }
}

fn put_level(words: &mut [u64], level: Option<Level>) {
    if let Some(level) = level {
        words[..2].copy_from_slice(&level.price.to_words());
        words[2..].copy_from_slice(&level.size.to_words());
    }
}

fn take_level(words: &[u64]) -> Level {
    Level {
        price: Decimal::from_words([words[0], words[1]]),
        size: Decimal::from_words([words[2], words[3]]),
    }
}

fn stamp_words(stamp: Stamp) -> [u64; 2] {
    [stamp.mono.nanos(), stamp.wall.nanos().cast_unsigned()]
}

fn stamp_of(mono: u64, wall: u64) -> Stamp {
    Stamp { mono: Mono::from_nanos(mono), wall: Wall::from_nanos(wall.cast_signed()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_break_stands_until_the_last_of_its_kind_is_passed() {
        let slot = Slot::new(BookId(0), FeedId(0), ConnectionId(0), 0, "X".to_owned());
        assert_eq!(slot.broken(), None);
        let [first, second] = [7, 9].map(|at| slot.break_at(Mono::from_nanos(at), StaleReason::Decode));
        assert_eq!((first, second, slot.breaks()), (1, 2, 2));
        slot.pass(first);
        assert!(slot.is_passed(first) && !slot.is_passed(second));
        assert_eq!(slot.broken(), Some((Mono::from_nanos(7), StaleReason::Decode)), "since the first");
        slot.pass(second);
        slot.pass(first);
        assert_eq!(slot.broken(), None);
        slot.break_at(Mono::from_nanos(11), StaleReason::Overflow);
        assert_eq!(slot.broken(), Some((Mono::from_nanos(11), StaleReason::Overflow)));
    }

    #[test]
    fn what_is_published_is_what_is_read() {
        let level = |p: &[u8], s: &[u8]| Level {
            price: Decimal::parse(p).unwrap(),
            size: Decimal::parse(s).unwrap(),
        };
        let since = Stamp { mono: Mono::from_nanos(77), wall: Wall::from_nanos(-5) };
        for state in [
            State::Syncing,
            State::Live,
            State::Partial { exact_depth: 20 },
            State::Stale { reason: StaleReason::Silent, since },
        ] {
            let mut counts = Counts { received: 9, applied: 8, gaps: 3, recoveries: 2, ..Counts::default() };
            counts.discarded[Discard::COUNT - 1] = 1;
            let published = Published {
                top: BookTop {
                    state,
                    sequence: Some(u64::MAX),
                    bid: Some(level(b"0.000000000000000001", b"1000000000000000")),
                    ask: None,
                    exchange_time: Some(Wall::from_nanos(-1)),
                    received: since,
                    gaps: 3,
                    recoveries: 2,
                    levels_bids: 1,
                    levels_asks: u32::MAX,
                },
                counts,
                flow: Flow {
                    trade_frames: 4,
                    quote_frames: 5,
                    undecodable: 9,
                    instrument_frames: 2,
                    liquidation_frames: 3,
                },
                recovery_took: Some(Duration::from_millis(12)),
                audit_checks: 6,
                audit_mismatches: 7,
                heap_bytes: 8,
            };
            let slot = Slot::new(BookId(0), FeedId(0), ConnectionId(0), 0, "X".to_owned());
            assert_eq!(slot.read().top.state, State::Syncing);
            slot.publish(&published, 3);
            assert_eq!(slot.read(), published);
        }
    }
}
