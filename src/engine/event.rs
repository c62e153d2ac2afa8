//! What a venue says, in one vocabulary: the events a decoder makes and the book consumes.
//!
//! Shapes only. A decoder fills a reused [`Decoded`], so that steady state allocates nothing.

use crate::engine::decimal::Decimal;
use crate::engine::time::Wall;
use crate::engine::trade_id::TradeId;

/// One price level. In a delta a zero size removes the level.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Level {
    pub price: Decimal,
    pub size: Decimal,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Side {
    Bid,
    Ask,
}

/// The sequence numbers one message covers. A venue with one number a message has `first == last`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Span {
    pub first: u64,
    pub last: u64,
    /// The `last` of the message before it, where the venue says so.
    pub previous: Option<u64>,
}

impl Span {
    pub const fn at(sequence: u64) -> Span {
        Span { first: sequence, last: sequence, previous: None }
    }
}

/// What a book message does to the book.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BookKind {
    /// Replaces the whole book.
    Snapshot,
    /// Changes the listed levels.
    Delta,
    /// Replaces the whole book with its best levels, and says nothing of deeper ones.
    Top,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BookEvent {
    pub kind: BookKind,
    /// `None` where the venue numbers nothing.
    pub span: Option<Span>,
    /// A second count beside the number, of the whole venue: it grows, with holes and repetitions, whatever becomes of the
    /// first. `None` where the venue has no such count, or says it of one of its messages and REST answers alone.
    pub cross: Option<u64>,
    /// When the exchange says it happened.
    pub exchange_time: Option<Wall>,
    /// What the venue says the book sums up to after this message.
    pub checksum: Option<u32>,
    /// When the feed's operator stamped it: the only clock snapshots can be joined by where they carry no sequence.
    pub venue_time: Option<Wall>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TakerSide {
    Buy,
    Sell,
    Unknown,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Trade {
    /// The venue's own id, as text (a number at some venues, a UUID at others).
    pub id: TradeId,
    pub price: Decimal,
    pub size: Decimal,
    pub taker: TakerSide,
    pub exchange_time: Option<Wall>,
}

/// An order by which a venue closed somebody's position against their will.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Liquidation {
    /// The order's own; what it was filled at may be better.
    pub price: Decimal,
    pub size: Decimal,
    /// The order's side: one that sells ends somebody's long position.
    pub side: TakerSide,
    pub exchange_time: Option<Wall>,
}

/// Best bid and offer. A side the venue does not know is `None`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Quote {
    /// On venues where `quote_shares_book_sequence` holds, the book's id at which these are the best levels.
    pub sequence: Option<u64>,
    pub bid: Option<Level>,
    pub ask: Option<Level>,
    pub exchange_time: Option<Wall>,
}

/// What kind of stream a message belongs to; also the names in `channels = […]`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Channel {
    Book,
    Book5,
    Book20,
    Book50,
    Trade,
    Quote,
    /// Orders by which the venue closes positions.
    Liquidation,
    /// What a venue says of the symbol itself. Nobody subscribes to it by name: a venue that needs it asks for it.
    Instrument,
}

impl Channel {
    /// Those a configuration can name.
    pub const ALL: [Channel; 7] = [
        Channel::Book,
        Channel::Book5,
        Channel::Book20,
        Channel::Book50,
        Channel::Trade,
        Channel::Quote,
        Channel::Liquidation,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Channel::Book => "book",
            Channel::Book5 => "book5",
            Channel::Book20 => "book20",
            Channel::Book50 => "book50",
            Channel::Trade => "trade",
            Channel::Quote => "quote",
            Channel::Liquidation => "liquidation",
            Channel::Instrument => "instrument",
        }
    }

    pub fn from_name(name: &str) -> Option<Channel> {
        Channel::ALL.into_iter().find(|c| c.name() == name)
    }

    /// True for every channel that carries levels of the book.
    pub const fn is_book(self) -> bool {
        matches!(self, Channel::Book | Channel::Book5 | Channel::Book20 | Channel::Book50)
    }
}

/// The one event of a decoded frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// Levels are in [`Decoded::bids`] and [`Decoded::asks`].
    Book(BookEvent),
    /// The trades are in [`Decoded::trades`].
    Trades,
    /// The orders are in [`Decoded::liquidations`].
    Liquidations,
    Quote(Quote),
    /// How many decimals the venue writes this symbol's numbers with.
    Precision(Precision),
}

/// Decimals of a symbol's numbers, as far as a checksum over their text goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Precision {
    pub price: u8,
    pub size: u8,
}

/// A decoded frame; one per worker, reused.
#[derive(Default, Debug)]
pub struct Decoded {
    /// Set by every successful decode.
    pub event: Option<Event>,
    pub bids: Vec<Level>,
    pub asks: Vec<Level>,
    pub trades: Vec<Trade>,
    pub liquidations: Vec<Liquidation>,
}

impl Decoded {
    pub fn clear(&mut self) {
        self.event = None;
        self.bids.clear();
        self.asks.clear();
        self.trades.clear();
        self.liquidations.clear();
    }
}

/// A book fetched over REST.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Snapshot {
    /// The venue's id of the state shown; `None` where REST carries none.
    pub sequence: Option<u64>,
    /// As in [`BookEvent::cross`].
    pub cross: Option<u64>,
    pub exchange_time: Option<Wall>,
    pub venue_time: Option<Wall>,
    /// Best first, as the venue sent them; may be unsorted or crossed, the book checks.
    pub bids: Vec<Level>,
    pub asks: Vec<Level>,
    /// The most levels a side this answer could have held: a side with fewer is complete.
    pub depth_limit: Option<u32>,
}

/// Why a frame or body could not be decoded. Small and `Copy`: one counter a kind.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum DecodeError {
    /// Not JSON, or JSON of another shape.
    Json,
    /// A field that must be there is not.
    MissingField(&'static str),
    /// A field is there and makes no sense.
    BadField(&'static str),
    /// A number that cannot be held exactly.
    DoesNotFit(&'static str),
    /// More levels than any book may have.
    TooDeep,
    /// An answer for another symbol than the one asked for.
    WrongSymbol,
}

impl DecodeError {
    /// A word for a metric label: a closed set.
    pub const fn kind(self) -> &'static str {
        match self {
            DecodeError::Json => "json",
            DecodeError::MissingField(_) => "missing_field",
            DecodeError::BadField(_) => "bad_field",
            DecodeError::DoesNotFit(_) => "does_not_fit",
            DecodeError::TooDeep => "too_deep",
            DecodeError::WrongSymbol => "wrong_symbol",
        }
    }
}

impl std::fmt::Display for DecodeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            DecodeError::Json => f.write_str("not the JSON expected here"),
            DecodeError::MissingField(name) => write!(f, "field {name} is missing"),
            DecodeError::BadField(name) => write!(f, "field {name} makes no sense"),
            DecodeError::DoesNotFit(name) => write!(f, "a number in {name} does not fit 28 digits"),
            DecodeError::TooDeep => f.write_str("more levels than a book may have"),
            DecodeError::WrongSymbol => f.write_str("an answer for another symbol"),
        }
    }
}
