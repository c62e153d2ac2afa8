//! What readers of books are shown: plain copies, taken in one piece, that no later message changes.
//!
//! Shapes only. The shell fills them; the HTTP answers, the demo's auditor and `SIGUSR1` read them.

use crate::engine::decimal::Decimal;
use crate::engine::event::{Level, TakerSide};
use crate::engine::state::State;
use crate::engine::time::{Stamp, Wall};
use crate::engine::trade_id::TradeId;

/// A book without its levels: what a list of books shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BookTop {
    pub state: State,
    /// The venue's own last id; `None` where the venue has none or nothing was applied yet.
    pub sequence: Option<u64>,
    pub bid: Option<Level>,
    pub ask: Option<Level>,
    pub exchange_time: Option<Wall>,
    /// When the last applied message was read from its socket; [`Stamp::default`] when there was none.
    pub received: Stamp,
    pub gaps: u64,
    pub recoveries: u64,
    pub levels_bids: u32,
    pub levels_asks: u32,
}

impl BookTop {
    /// A book of which nothing is known yet.
    pub const EMPTY: BookTop = BookTop {
        state: State::Syncing,
        sequence: None,
        bid: None,
        ask: None,
        exchange_time: None,
        received: Stamp::ZERO,
        gaps: 0,
        recoveries: 0,
        levels_bids: 0,
        levels_asks: 0,
    };
}

/// One book with its best levels.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BookView {
    pub feed: String,
    pub symbol: String,
    pub top: BookTop,
    /// The lowest price the book vouches for; `None` where it is complete downwards.
    pub exact_low: Option<Decimal>,
    /// The highest price the book vouches for; `None` where it is complete upwards.
    pub exact_high: Option<Decimal>,
    /// Best first, at most as many as were asked for.
    pub bids: Vec<Level>,
    /// Best first, at most as many as were asked for.
    pub asks: Vec<Level>,
}

/// One liquidated order out of a symbol's bounded ring.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LiquidationView {
    pub price: Decimal,
    pub size: Decimal,
    /// The order's own.
    pub side: TakerSide,
    pub exchange_time: Option<Wall>,
    pub received: Stamp,
}

/// One trade out of a book's bounded ring.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TradeView {
    /// The venue's own id, as text.
    pub id: TradeId,
    pub price: Decimal,
    pub size: Decimal,
    pub taker: TakerSide,
    pub exchange_time: Option<Wall>,
    pub received: Stamp,
}
