//! Binance spot's rules and limits, each with its source. The venue's documentation as of 2026-07-21.
//!
//! Source: <https://github.com/binance/binance-spot-api-docs/blob/master/web-socket-streams.md>
//! Source: <https://github.com/binance/binance-spot-api-docs/blob/master/rest-api.md>

use crate::engine::event::Channel;
use crate::venue::profile::{
    AddressLimits, ControlBudget, FirstBook, Profile, Refill, RestBudget, RestJoin, RestartCost, SequenceRule,
};
use std::time::Duration;

/// Levels a side of a REST book. 1,000 cost 50 of 6,000 a minute: about a hundred books a minute. 5,000 would cost
/// 250 and serve nineteen; 500 would halve the cost and the price window, and ask again more than twice as often.
pub const REST_LEVELS: u32 = 1_000;

pub static PROFILE: Profile = Profile {
    name: "binance",
    url: "wss://stream.binance.com:9443",
    rest_url: "https://api.binance.com",
    needs_key: false,
    channels: &[Channel::Book, Channel::Trade, Channel::Quote],
    default_channels: &[Channel::Book, Channel::Trade, Channel::Quote],

    sequence: SequenceRule::Range,
    first_book: FirstBook::Rest,
    rest_join: RestJoin::BySequence,
    // `lastUpdateId` is one of the stream's `u`, or lies inside one of its events.
    snapshots_compare: true,
    in_band_restart: false,
    restart_cost: RestartCost::Together,
    snapshot_within: None,
    book_within: None,
    stream_depth: None,
    checksum: None,
    connection_count: None,
    // "order book updateId" names both; recorded data agrees in every comparable update.
    quote_shares_book_sequence: true,
    // One matching engine, and events end between two of its states: none of them is crossed.
    crossed_is_fault: true,

    rest: RestBudget {
        // 6,000 weight in a clock minute per address; 4,800 leaves a fifth to other programs behind it. What the
        // venue reports as used counts first, so that a refill within its own minute is not spent twice.
        refill: Refill { burst: 4_800, per_window: 4_800, window: Duration::from_secs(60) },
        daily: None,
        snapshot_cost: 50,
    },
    control: ControlBudget {
        // 5 frames a second, pongs included, then the venue hangs up. In any second this sends at most 3 + 1, and
        // a pong is due every 20 s. A burst of 3 is what the largest scope's opening needs.
        refill: Refill { burst: 3, per_window: 1, window: Duration::from_secs(1) },
        daily: None,
    },
    // 300 connections in 5 min per address; at most 30 + 200 in any of them.
    connects: Refill { burst: 30, per_window: 200, window: Duration::from_secs(300) },
    // 1,024 streams a connection; 200 symbols of three channels are 600, and losing one connection costs no more
    // than two minutes of the REST budget.
    symbols_per_connection: 200,
    address: AddressLimits::NONE,
    connection_age_max: Some(Duration::from_secs(24 * 3_600)),
    handover: true,
    // Answers come within a round trip; ten seconds also forgive a link that lost a packet or three. Streams named
    // in the address are not answered: nothing was asked.
    ack_within: Some(Duration::from_secs(10)),
    // A ping every 20 s, and nothing else is promised.
    heartbeat: None,
    ping_every: None,
};
