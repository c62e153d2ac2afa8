//! A venue's rules and limits, as data. The engine reads these; it never asks which venue it is.

use crate::engine::checksum::ChecksumRule;
use crate::engine::event::Channel;
use std::time::Duration;

/// How a book's messages follow one another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SequenceRule {
    /// Each message is the last plus one, counted per connection and subscription; a snapshot restarts at any number.
    Dense,
    /// Each message covers `first..=last`; the next one starts at the last plus one. Numbers outlive connections.
    Range,
    /// Each message names the number of the one before it, and that alone decides. Numbers only grow.
    Linked,
    /// The same, and numbers may fall: a message that names the one before it has the first number of another count.
    Chained,
    /// Messages of a book are not numbered: the connection's order, its count where it has one, and checksums have to do.
    Unnumbered,
}

/// What a REST snapshot is worth and how it is joined to the stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RestJoin {
    /// By sequence: the book is `live` after it.
    BySequence,
    /// By the operator's timestamp: the book is `partial` after it.
    ByTime,
    /// Not at all: it is worth nothing here, and never asked for.
    Never,
}

/// Where a fresh connection gets its first book from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FirstBook {
    /// The stream sends a snapshot.
    InBand,
    /// REST has it.
    Rest,
}

/// What the messages of an in-band restart are counted by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RestartCost {
    /// One message takes any number of books out, and one puts them back.
    Together,
    /// Two messages a book.
    Each,
}

/// A budget that refills: at most `burst` at once, `per_window` in any `window`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Refill {
    pub burst: u32,
    pub per_window: u32,
    pub window: Duration,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RestBudget {
    /// In the venue's own cost units (weight, credits, calls).
    pub refill: Refill,
    /// Units in any 24 h, where the venue counts a day.
    pub daily: Option<u32>,
    /// Cost units of one book snapshot.
    pub snapshot_cost: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ControlBudget {
    /// Messages we send, all kinds together, over all connections to this venue.
    pub refill: Refill,
    pub daily: Option<u32>,
}

/// What a venue allows one address over all its connections; `None` where no total is published.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AddressLimits {
    /// Open at once.
    pub connections: Option<usize>,
    /// Symbols times channels.
    pub subscriptions: Option<usize>,
}

impl AddressLimits {
    pub const NONE: AddressLimits = AddressLimits { connections: None, subscriptions: None };
}

impl Profile {
    /// Most messages it can take to tell a connection's scope with so many channels a symbol: an opening, and behind it a
    /// change of all there is, which leaves every subscription and takes as many others. None is about fewer than one.
    pub const fn scope_messages_max(&self, channels: usize) -> usize {
        self.symbols_per_connection.saturating_mul(channels).saturating_mul(3)
    }
}

/// See the module page. Every value has its source beside it in the venue's `limits.rs`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Profile {
    /// As in `venue = "…"`.
    pub name: &'static str,
    pub url: &'static str,
    pub rest_url: &'static str,
    pub needs_key: bool,
    pub channels: &'static [Channel],
    pub default_channels: &'static [Channel],

    pub sequence: SequenceRule,
    pub first_book: FirstBook,
    pub rest_join: RestJoin,
    /// True where a REST snapshot has a number on the stream's own scale, so that a live book can be compared with it.
    pub snapshots_compare: bool,
    /// True when leaving and re-entering the subscription brings a fresh snapshot in the stream.
    pub in_band_restart: bool,
    pub restart_cost: RestartCost,
    /// A subscribed book is sent whole within this, however quiet its market is; `None` where a quiet one may wait.
    pub snapshot_within: Option<Duration>,
    /// A live book is sent something at least this often, whatever its market does; `None` where a quiet one is silent.
    pub book_within: Option<Duration>,
    /// The stream carries this many levels a side, and levels enter and leave it at the far end.
    pub stream_depth: Option<usize>,
    /// How the venue sums a book up, where it does.
    pub checksum: Option<ChecksumRule>,
    /// The first number of the count over all frames of a connection, where the venue has one.
    pub connection_count: Option<u64>,
    /// True when a quote's sequence is on the book's own scale.
    pub quote_shares_book_sequence: bool,
    /// True where a crossed book can only be an error; false where the venue itself shows crossed books.
    pub crossed_is_fault: bool,

    pub rest: RestBudget,
    pub control: ControlBudget,
    pub connects: Refill,
    /// Symbols one connection may carry.
    pub symbols_per_connection: usize,
    /// What all connections of one address together may have.
    pub address: AddressLimits,
    /// The venue closes connections at this age; we leave before.
    pub connection_age_max: Option<Duration>,
    /// Whether a second connection may be open while the first still is.
    pub handover: bool,
    /// Whether subscriptions are answered, and within what time an answer is due.
    pub ack_within: Option<Duration>,
    /// The longest silence the venue promises: a message of its own after that, whatever the market does. `None` where
    /// a quiet market is silent but for pings.
    pub heartbeat: Option<Duration>,
    /// The venue wants a text from us this often, whatever else goes on: [`crate::venue::Venue::ping`].
    pub ping_every: Option<Duration>,
}
