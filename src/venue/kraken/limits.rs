//! Kraken's rules and limits, each with its source. The venue's documentation as of 2026.
//!
//! Source: <https://docs.kraken.com/exchange/api-reference/spot-websocket-v2/book> (depths, snapshot, checksum)
//! Source: <https://docs.kraken.com/exchange/guides/websockets/book-checksum-v2> (levels that leave the window)
//! Source: <https://docs.kraken.com/api/docs/websocket-v2/heartbeat>

use crate::engine::checksum::ChecksumRule;
use crate::engine::event::Channel;
use crate::venue::profile::{
    AddressLimits, ControlBudget, FirstBook, Profile, Refill, RestBudget, RestJoin, RestartCost, SequenceRule,
};
use std::time::Duration;

/// Levels a side that are subscribed: the most there are (10, 25, 100, 500 or 1,000).
pub const DEPTH: u16 = 1_000;

pub static PROFILE: Profile = Profile {
    name: "kraken",
    url: "wss://ws.kraken.com",
    rest_url: "https://api.kraken.com",
    needs_key: false,
    channels: &[Channel::Book, Channel::Trade, Channel::Quote],
    default_channels: &[Channel::Book, Channel::Trade, Channel::Quote],

    sequence: SequenceRule::Unnumbered,
    first_book: FirstBook::InBand,
    // REST books have no number and no sum, so nothing says where in the stream they belong.
    rest_join: RestJoin::Never,
    // Nor with what they could be compared; the sum in each message is the witness.
    snapshots_compare: false,
    in_band_restart: true,
    // A message takes a list of symbols, and a whole connection's fit one.
    restart_cost: RestartCost::Together,
    // The snapshot follows the answer at once, however quiet the market; a thousand levels of a hundred symbols are
    // seven megabytes, which a slow link takes a while for.
    snapshot_within: Some(Duration::from_secs(30)),
    book_within: None,
    stream_depth: Some(DEPTH as usize),
    checksum: Some(ChecksumRule::Kraken),
    connection_count: None,
    // The ticker has no sequence.
    quote_shares_book_sequence: false,
    // Every message says what the best levels sum up to: a crossed top that agrees is the venue's own, and any other is found
    // by its sum.
    crossed_is_fault: false,

    rest: RestBudget {
        // One call a second is the classic figure. Nothing is ever asked.
        refill: Refill { burst: 1, per_window: 1, window: Duration::from_secs(2) },
        daily: None,
        snapshot_cost: 1,
    },
    control: ControlBudget {
        // The limit moves with the venue's load and is not published; clients keep to 20 frames a second. In any second this
        // sends at most 4 + 4 = 8. Four are the opening of the largest scope.
        // Source: https://github.com/nautechsystems/nautilus_trader (docs/integrations/kraken.md)
        refill: Refill { burst: 4, per_window: 4, window: Duration::from_secs(1) },
        daily: None,
    },
    // About 150 attempts in any ten minutes per address, then a ban of ten minutes; at most 15 + 100 in any of them.
    connects: Refill { burst: 15, per_window: 100, window: Duration::from_secs(600) },
    // No limit is published. A hundred symbols fit one request a channel, and what is lost with one connection is back in
    // seconds.
    symbols_per_connection: 100,
    address: AddressLimits::NONE,
    connection_age_max: None,
    handover: true,
    // Answers come in the order of what was asked, behind whatever the stream holds by then: up to seven megabytes of
    // snapshots stand before the last of them.
    ack_within: Some(Duration::from_secs(20)),
    // About one a second when nothing else is sent, once anything is subscribed.
    heartbeat: Some(Duration::from_secs(1)),
    ping_every: None,
};
