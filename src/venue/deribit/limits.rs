//! Deribit's rules and limits, each with its source. The venue's documentation as of 2026.
//!
//! Source: <https://docs.deribit.com/articles/rate-limits>
//! Source: <https://docs.deribit.com/articles/connection-management-best-practices>

use crate::engine::event::Channel;
use crate::venue::profile::{
    AddressLimits, ControlBudget, FirstBook, Profile, Refill, RestBudget, RestJoin, RestartCost, SequenceRule,
};
use std::time::Duration;

/// How often the venue sends a message of its own, seconds; it takes ten and more, and is said to like 30 to 60. Each also
/// costs it and us a question and its answer.
/// Source: <https://docs.deribit.com/api-reference/session-management/public-set_heartbeat>
pub const HEARTBEAT_SECONDS: u64 = 30;

pub static PROFILE: Profile = Profile {
    name: "deribit",
    url: "wss://www.deribit.com",
    rest_url: "https://www.deribit.com",
    needs_key: false,
    channels: &[Channel::Book, Channel::Trade, Channel::Quote],
    default_channels: &[Channel::Book, Channel::Trade, Channel::Quote],

    // Ids are shared by many instruments: they rise, with holes, and only the named predecessor tells.
    sequence: SequenceRule::Linked,
    first_book: FirstBook::InBand,
    rest_join: RestJoin::Never,
    // REST's `change_id` is on the channel's own scale, but no call for it is made yet.
    // Source: <https://docs.deribit.com/api-reference/market-data/public-get_order_book>
    snapshots_compare: false,
    in_band_restart: true,
    // A message takes a list of channels, and the books of a whole connection fit one.
    restart_cost: RestartCost::Together,
    // The first message of a book channel is its whole book, and follows the answer at once.
    snapshot_within: Some(Duration::from_secs(30)),
    book_within: None,
    stream_depth: None,
    checksum: None,
    connection_count: None,
    // Quotes have no number.
    quote_shares_book_sequence: false,
    // One matching engine, and a message ends between two of its states.
    crossed_is_fault: true,

    rest: RestBudget {
        // 500 of 10,000 credits a second: 20 calls, for keys. Nothing is ever asked.
        refill: Refill { burst: 5, per_window: 5, window: Duration::from_secs(1) },
        daily: None,
        snapshot_cost: 1,
    },
    control: ControlBudget {
        // A subscription costs 3,000 credits of 30,000, refilled with 10,000 a second: ten at once, then 3.3 a second; less may
        // hold without a key, where no figure is published. In any 5 s this sends at most 5 + 5, and what exceeds the limit
        // ends the session. Answers to the venue's own questions are a sixth of that price and come twice a minute.
        refill: Refill { burst: 5, per_window: 5, window: Duration::from_secs(5) },
        daily: None,
    },
    // 32 connections at the same time per address, REST calls included; no rate is published. At most 12 + 12 in any
    // minute stay below that even if none of them had ended.
    connects: Refill { burst: 12, per_window: 12, window: Duration::from_secs(60) },
    // No limit is published. A hundred symbols of three channels are three requests of a hundred channels.
    symbols_per_connection: 100,
    // 32 at once per address, calls under way among them; no call is made here but for a person who looks for symbols.
    // Source: <https://docs.deribit.com/articles/connection-management-best-practices>
    address: AddressLimits { connections: Some(32), subscriptions: None },
    connection_age_max: None,
    handover: true,
    // Answers come before the data they ask for, within a round trip; ten seconds also forgive a link that lost a packet or
    // three.
    ack_within: Some(Duration::from_secs(10)),
    heartbeat: Some(Duration::from_secs(HEARTBEAT_SECONDS)),
    ping_every: None,
};
