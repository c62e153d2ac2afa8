//! OKX's rules and limits, each with its source. The venue's documentation as of April 2025 and its notices up to May 2026.
//!
//! Source: <https://www.okx.com/docs-v5/en/#overview-websocket-connect> (connects, requests, pings)
//! Source: <https://www.okx.com/docs-v5/en/#order-book-trading-market-data-ws-order-book-channel> (numbers, checksum, depths)
//! Source: <https://www.okx.com/docs-v5/en/#order-book-trading-market-data-get-order-book> (calls)

use crate::engine::checksum::ChecksumRule;
use crate::engine::event::Channel;
use crate::venue::profile::{
    AddressLimits, ControlBudget, FirstBook, Profile, Refill, RestBudget, RestJoin, RestartCost, SequenceRule,
};
use std::time::Duration;

/// Levels a side of the `books` channel, and the most that the REST call of the same name gives.
pub const BOOK_LEVELS: u32 = 400;

pub static PROFILE: Profile = Profile {
    name: "okx",
    url: "wss://ws.okx.com:8443",
    rest_url: "https://www.okx.com",
    needs_key: false,
    channels: &[Channel::Book, Channel::Trade, Channel::Quote],
    default_channels: &[Channel::Book, Channel::Trade, Channel::Quote],

    sequence: SequenceRule::Chained,
    first_book: FirstBook::InBand,
    // The answer carries the stream's own number. It is the faster repair, and the only one should the stream's snapshot go
    // as announced on 2026-02-12.
    rest_join: RestJoin::BySequence,
    // The answer's `seqId`.
    snapshots_compare: true,
    in_band_restart: true,
    restart_cost: RestartCost::Together,
    // Sent at once by all that was seen; should it stay away, REST is asked after this.
    snapshot_within: Some(Duration::from_secs(30)),
    book_within: None,
    stream_depth: Some(BOOK_LEVELS as usize),
    // Always zero since 2026-06-23, and then not looked at; recordings before that have it.
    checksum: Some(ChecksumRule::Okx),
    connection_count: None,
    // Nobody says that the numbers of two channels can be compared.
    quote_shares_book_sequence: false,
    // Before the opening the best ask may be below the best bid.
    crossed_is_fault: false,

    rest: RestBudget {
        // 40 calls in 2 s per address; at most 10 + 10 in any of them, so that half is left to others behind it.
        refill: Refill { burst: 10, per_window: 10, window: Duration::from_secs(2) },
        daily: None,
        snapshot_cost: 1,
    },
    control: ControlBudget {
        // 480 requests an hour on one connection. This is over all of them: at most 60 + 360 = 420 in any hour, should one
        // connection need them all. The burst opens sixty connections, or repairs thirty times.
        refill: Refill { burst: 60, per_window: 360, window: Duration::from_secs(3_600) },
        daily: None,
    },
    // 3 a second per address; at most 1 + 1 in any second.
    connects: Refill { burst: 1, per_window: 1, window: Duration::from_secs(1) },
    // Advice is to stay below 30 channels of deep books; a hard limit exists and is not published.
    symbols_per_connection: 25,
    address: AddressLimits::NONE,
    // None is documented: upgrades of the service are announced a minute before.
    connection_age_max: None,
    handover: true,
    // Answers come within a round trip, one to each thing asked for.
    ack_within: Some(Duration::from_secs(10)),
    // Keep-alives of quiet books come about once a minute, and nobody promises them.
    heartbeat: None,
    // The venue hangs up after 30 s without a message in either direction.
    ping_every: Some(Duration::from_secs(20)),
};
