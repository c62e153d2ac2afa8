//! Bitfinex's rules and limits, each with its source.
//!
//! Source: <https://docs.bitfinex.com/docs/ws-public> (channels and connections)
//! Source: <https://docs.bitfinex.com/docs/ws-general> (flags, heartbeats, codes)
//! Source: <https://docs.bitfinex.com/reference/ws-public-books>

use crate::engine::checksum::ChecksumRule;
use crate::engine::event::Channel;
use crate::venue::profile::{
    AddressLimits, ControlBudget, FirstBook, Profile, Refill, RestBudget, RestJoin, RestartCost, SequenceRule,
};
use std::time::Duration;

/// Levels a side that are subscribed to: the most there are.
pub const LEVELS: usize = 250;

/// Streams on one connection; one more is error 10305. It was 50 in 2018 and 30 in 2019.
/// Source: <https://docs.bitfinex.com/docs/ws-public>
#[cfg(test)]
pub const STREAMS_MAX: usize = 25;

pub static PROFILE: Profile = Profile {
    name: "bitfinex",
    url: "wss://api-pub.bitfinex.com",
    rest_url: "https://api-pub.bitfinex.com",
    needs_key: false,
    // No quotes: what the ticker calls sizes of the best levels are sums over 25 of them, as it shows in recorded data too.
    channels: &[Channel::Book, Channel::Trade],
    default_channels: &[Channel::Book, Channel::Trade],

    sequence: SequenceRule::Unnumbered,
    first_book: FirstBook::InBand,
    // REST books carry no number: https://docs.bitfinex.com/reference/rest-public-book
    rest_join: RestJoin::Never,
    // Nor can they be compared; the venue's sums are the witness.
    snapshots_compare: false,
    in_band_restart: true,
    // A message a stream: there are no lists in them.
    restart_cost: RestartCost::Each,
    // The snapshot follows the acknowledgement at once, but recorded acknowledgements took up to 13 s.
    snapshot_within: Some(Duration::from_secs(30)),
    // Sums come to every book, at a cadence nobody promises; signs of life are not of the book.
    book_within: None,
    stream_depth: Some(LEVELS),
    checksum: Some(ChecksumRule::Bitfinex),
    // The first array after the flags were set has 1.
    connection_count: Some(1),
    quote_shares_book_sequence: false,
    // An aggressive order is announced before it is matched: https://github.com/bitfinexcom/api_docs/issues/9
    crossed_is_fault: false,

    rest: RestBudget {
        // Never spent: 10 to 90 a minute, by what is asked for.
        refill: Refill { burst: 2, per_window: 8, window: Duration::from_secs(60) },
        daily: None,
        snapshot_cost: 1,
    },
    control: ControlBudget {
        // Nothing is published. A recorded client sent 22 within two milliseconds and was served; the largest opening here
        // are 25, and the burst leaves room for two restarts beside it. Over longer times three a second are three restarts of
        // a book in two seconds: more would be a storm to a venue that says nothing of what it bears.
        refill: Refill { burst: 30, per_window: 3, window: Duration::from_secs(1) },
        daily: None,
    },
    // 20 a minute per address, and people were blocked at 15. In any minute at most 4 + 8.
    // Source: https://github.com/bitrich-info/xchange-stream/pull/269
    connects: Refill { burst: 4, per_window: 8, window: Duration::from_secs(60) },
    // 25 streams a connection, two a symbol.
    symbols_per_connection: 12,
    address: AddressLimits::NONE,
    connection_age_max: None,
    handover: true,
    // Of 21 recorded subscriptions at once most were answered within two seconds and the last after 13.
    ack_within: Some(Duration::from_secs(30)),
    // Each stream that is idle for so long says that it is there; recorded ones are 15.0 s apart.
    heartbeat: Some(Duration::from_secs(15)),
    ping_every: None,
};
