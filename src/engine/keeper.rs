//! Everything one book's worker keeps of it: the sync machine, its witness, and rings of trades and of liquidations.
//!
//! Pure, like all of the engine: a frame comes decoded and stamped, and what follows from it is returned.

use crate::engine::audit::{Audit, Mismatch};
use crate::engine::event::{BookEvent, Channel, Decoded, Event, Level, Side, Snapshot};
use crate::engine::evidence::Difference;
use crate::engine::need::Joined;
use crate::engine::pace::Pace;
use crate::engine::state::StaleReason;
use crate::engine::sync::{BookSync, Compared, Gap, SyncRules};
use crate::engine::tape::Tape;
use crate::engine::time::{Mono, Stamp};
use crate::engine::view::{BookTop, BookView, LiquidationView, TradeView};
use std::time::Duration;

/// What a frame brought to light.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Noted {
    pub gap: Option<Gap>,
    pub mismatch: Option<Mismatch>,
    /// A snapshot showed another book.
    pub difference: Option<Difference>,
}

pub struct Keeper {
    pub sync: BookSync,
    audit: Audit,
    /// The venue's quotes name the book's own sequence, so that they can be compared.
    audited: bool,
    /// False where the channels bring no levels: the sync machine is then never begun, and so wants nothing.
    followed: bool,
    pace: Pace,
    trades: Tape<TradeView>,
    liquidations: Tape<LiquidationView>,
    /// Another life of the connection may have brought trades and liquidations that this one brings again.
    repeats: bool,
    flow: Flow,
}

/// Frames by what they were; together with the sync machine's counts they are all that came.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Flow {
    pub trade_frames: u64,
    pub quote_frames: u64,
    pub instrument_frames: u64,
    pub liquidation_frames: u64,
    /// Of any channel.
    pub undecodable: u64,
}

impl Flow {
    /// Those that did what they are for.
    pub const fn applied(&self) -> u64 {
        self.trade_frames + self.quote_frames + self.instrument_frames + self.liquidation_frames
    }
}

impl Keeper {
    /// Keeps so many trades, and as many liquidations.
    pub fn new(rules: SyncRules, audited: bool, trades_max: usize) -> Keeper {
        Keeper {
            sync: BookSync::new(rules),
            audit: Audit::default(),
            audited,
            followed: true,
            pace: Pace::default(),
            trades: Tape::new(trades_max),
            liquidations: Tape::new(trades_max),
            repeats: false,
            flow: Flow::default(),
        }
    }

    /// For a symbol whose channels bring no levels. A book that nothing feeds must not be asked for, over REST or anew in
    /// the stream, and must not become live by an answer that no change would ever follow.
    pub fn without_book(rules: SyncRules, trades_max: usize) -> Keeper {
        Keeper { followed: false, ..Keeper::new(rules, false, trades_max) }
    }

    /// A connection carries this book from here on.
    pub fn opened(&mut self, now: Stamp) {
        self.audit.clear();
        self.pace.broken();
        self.repeats = true;
        if self.followed {
            self.sync.opened(now);
        }
    }

    /// A book message came over the connection that is to take over: see [`BookSync::take_over`].
    pub fn take_over(&mut self, now: Stamp, event: &BookEvent) -> bool {
        self.repeats = true;
        self.sync.take_over(now, event)
    }

    /// Goes on with another connection, if it can do so unchanged: see [`BookSync::carry_on`].
    pub fn carry_on(&mut self) -> bool {
        self.repeats = true;
        !self.followed || self.sync.carry_on()
    }

    /// A frame came over a connection that does not carry this book, beside one that does. Trades and liquidations count
    /// wherever they come from; all else the other one brings too.
    pub fn beside(&mut self, now: Stamp, frame: &mut Decoded) -> Noted {
        self.repeats = true;
        match frame.event {
            Some(Event::Trades | Event::Liquidations | Event::Precision(_)) => self.decoded(now, frame),
            Some(Event::Book(_) | Event::Quote(_)) | None => {
                self.sync.repeated();
                Noted::default()
            }
        }
    }

    /// A frame of such a connection could not be read.
    pub fn undecodable_beside(&mut self) {
        self.flow.undecodable += 1;
    }

    /// The chain is broken, for this reason.
    pub fn lost(&mut self, now: Stamp, reason: StaleReason) {
        self.audit.clear();
        self.pace.broken();
        self.sync.lost(now, reason);
    }

    /// Says that the book is not sure any more when its stream has been silent for longer than its pace allows, or than the
    /// venue promises (`within`).
    pub fn heed_silence(&mut self, now: Stamp, within: Option<Duration>) -> bool {
        let silent = self.sync.state().is_live() && self.pace.is_silent(now.mono, within);
        if silent {
            self.lost(now, StaleReason::Silent);
        }
        silent
    }

    /// A frame of this book was decoded.
    pub fn decoded(&mut self, now: Stamp, frame: &mut Decoded) -> Noted {
        match frame.event {
            None => self.undecodable(now, Channel::Book),
            Some(Event::Book(event)) => {
                self.pace.book(now.mono);
                let outcome = self.sync.event(now, &event, &frame.bids, &frame.asks);
                let mismatch = if self.audited { self.reached(now) } else { None };
                let difference = self.contradicted(outcome.gap);
                return Noted { gap: outcome.gap, mismatch, difference };
            }
            Some(Event::Precision(precision)) => {
                self.flow.instrument_frames += 1;
                return Noted { gap: self.sync.precision(now, precision), ..Noted::default() };
            }
            Some(Event::Trades) => {
                self.flow.trade_frames += 1;
                self.pace.witness();
                let mut repeated = false;
                for trade in frame.trades.drain(..) {
                    if self.repeats && self.trades.newest_first().any(|known| known.id == trade.id) {
                        repeated = true;
                        continue;
                    }
                    self.trades.push(TradeView {
                        id: trade.id,
                        price: trade.price,
                        size: trade.size,
                        taker: trade.taker,
                        exchange_time: trade.exchange_time,
                        received: now,
                    });
                }
                self.repeats &= repeated;
            }
            // No witness of the book's pace: venues gather them, and tell them up to a second late.
            Some(Event::Liquidations) => {
                self.flow.liquidation_frames += 1;
                let mut repeated = false;
                for order in frame.liquidations.drain(..) {
                    // They have no ids: two that are alike to the instant are one.
                    let alike = |known: &LiquidationView| {
                        (known.price, known.size, known.side, known.exchange_time)
                            == (order.price, order.size, order.side, order.exchange_time)
                    };
                    if self.repeats && self.liquidations.newest_first().any(alike) {
                        repeated = true;
                        continue;
                    }
                    self.liquidations.push(LiquidationView {
                        price: order.price,
                        size: order.size,
                        side: order.side,
                        exchange_time: order.exchange_time,
                        received: now,
                    });
                }
                // Where there are no trades to tell by.
                self.repeats &= repeated || self.followed;
            }
            Some(Event::Quote(quote)) => {
                self.flow.quote_frames += 1;
                self.pace.witness();
                if self.audited {
                    let book = self.live_best();
                    let mismatch = self.audit.quote(&quote, book);
                    return Noted { mismatch: self.disbelieve(now, mismatch), ..Noted::default() };
                }
            }
        }
        Noted::default()
    }

    /// A frame of this book could not be read. Its content is lost, so a book channel's chain is broken.
    pub fn undecodable(&mut self, now: Stamp, channel: Channel) {
        self.flow.undecodable += 1;
        if channel.is_book() {
            self.lost(now, StaleReason::Decode);
        }
    }

    /// A REST snapshot came.
    pub fn snapshot(&mut self, now: Stamp, snapshot: &Snapshot) -> (Joined, Option<Mismatch>) {
        let joined = self.sync.snapshot(now, snapshot);
        let mismatch = if self.audited { self.reached(now) } else { None };
        (joined, mismatch)
    }

    /// A snapshot came that was asked for then, to be compared. Says how a book differs that turned out to be wrong.
    pub fn compare(&mut self, now: Stamp, asked: Mono, snapshot: &Snapshot) -> Noted {
        if self.sync.compare(now, asked, snapshot) != Compared::Differs {
            return Noted::default();
        }
        let gap = Some(Gap::Snapshot);
        Noted { gap, difference: self.contradicted(gap), ..Noted::default() }
    }

    /// The evidence of a gap that a snapshot showed.
    fn contradicted(&mut self, gap: Option<Gap>) -> Option<Difference> {
        if gap != Some(Gap::Snapshot) {
            return None;
        }
        self.audit.clear();
        self.pace.broken();
        self.sync.take_difference()
    }

    /// Gives the memory of trades and liquidations back.
    pub fn shed(&mut self) {
        self.trades.shed();
        self.liquidations.shed();
    }

    pub fn flow(&self) -> Flow {
        self.flow
    }

    pub fn audit_checks(&self) -> u64 {
        self.audit.checks() + self.sync.checksums().made + self.sync.comparisons().made
    }

    pub fn audit_mismatches(&self) -> u64 {
        self.audit.mismatches() + self.sync.checksums().differed + self.sync.comparisons().differed
    }

    /// Newest last, at most `limit`.
    pub fn trades(&self, limit: usize) -> Vec<TradeView> {
        self.trades.newest(limit)
    }

    /// Newest last, at most `limit`.
    pub fn liquidations(&self, limit: usize) -> Vec<LiquidationView> {
        self.liquidations.newest(limit)
    }

    pub fn top(&self) -> BookTop {
        let (book, counts) = (self.sync.book(), self.sync.counts());
        let count = |side| u32::try_from(book.len(side)).unwrap_or(u32::MAX);
        BookTop {
            state: self.sync.state(),
            sequence: self.sync.sequence(),
            bid: book.best(Side::Bid),
            ask: book.best(Side::Ask),
            exchange_time: self.sync.exchange_time(),
            received: self.sync.received_at(),
            gaps: counts.gaps,
            recoveries: counts.recoveries,
            levels_bids: count(Side::Bid),
            levels_asks: count(Side::Ask),
        }
    }

    /// The best `depth` levels of each side.
    pub fn view(&self, feed: &str, symbol: &str, depth: usize) -> BookView {
        let book = self.sync.book();
        let window = book.window();
        BookView {
            feed: feed.to_owned(),
            symbol: symbol.to_owned(),
            top: self.top(),
            exact_low: window.low,
            exact_high: window.high,
            bids: book.levels(Side::Bid).take(depth).collect(),
            asks: book.levels(Side::Ask).take(depth).collect(),
        }
    }

    fn live_best(&self) -> Option<(u64, Option<Level>, Option<Level>)> {
        if !self.sync.state().is_live() {
            return None;
        }
        let book = self.sync.book();
        self.sync.sequence().map(|at| (at, book.best(Side::Bid), book.best(Side::Ask)))
    }

    fn reached(&mut self, now: Stamp) -> Option<Mismatch> {
        let (at, bid, ask) = self.live_best()?;
        let mismatch = self.audit.book(at, bid, ask);
        self.disbelieve(now, mismatch)
    }

    /// A book that its venue contradicts is not shown as good.
    fn disbelieve(&mut self, now: Stamp, mismatch: Option<Mismatch>) -> Option<Mismatch> {
        if mismatch.is_some() {
            self.lost(now, StaleReason::Checksum);
        }
        mismatch
    }
}
