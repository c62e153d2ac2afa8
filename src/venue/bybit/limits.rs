//! Bybit's rules and limits, each with its source. The venue's documentation as of 2026-07-24.
//!
//! Source: <https://bybit-exchange.github.io/docs/v5/ws/connect> (pings, connections, lengths of requests)
//! Source: <https://bybit-exchange.github.io/docs/v5/rate-limit> (limits per address)
//! Source: <https://bybit-exchange.github.io/docs/v5/websocket/public/orderbook> (depths, snapshots, numbers)
//! Source: <https://bybit-exchange.github.io/docs/v5/websocket/public/full-ob> (the whole depth)

use crate::engine::event::Channel;
use crate::venue::profile::{
    AddressLimits, ControlBudget, FirstBook, Profile, Refill, RestBudget, RestJoin, RestartCost, SequenceRule,
};
use std::time::Duration;

/// Levels a side of the book's topic. 50 levels would come every 20 ms and say less of the market; 1,000 levels come half
/// as often, and five times the snapshot has to be sent at every restart.
pub const BOOK_LEVELS: usize = 200;

const CHANNELS: &[Channel] = &[Channel::Book, Channel::Trade, Channel::Quote];

/// Most levels a side of a whole book in REST.
/// Source: <https://bybit-exchange.github.io/docs/v5/market/full-ob>
pub const REST_LEVELS: u32 = 10_000;

pub static SPOT: Profile = profile("bybit");
pub static LINEAR: Profile = profile("bybit-linear");
pub static INVERSE: Profile = profile("bybit-inverse");

/// Spot again, and every level of it. So far the venue has this for no other class.
pub static FULL: Profile = Profile {
    // Promised to rise by one a message, and REST counts alike: the numbers are the market's and not the connection's.
    sequence: SequenceRule::Range,
    first_book: FirstBook::Rest,
    rest_join: RestJoin::BySequence,
    snapshots_compare: true,
    in_band_restart: false,
    snapshot_within: None,
    stream_depth: None,
    ..profile("bybit-full")
};

/// The classes differ by nothing else.
const fn profile(name: &'static str) -> Profile {
    Profile {
        name,
        url: "wss://stream.bybit.com",
        rest_url: "https://api.bybit.com",
        needs_key: false,
        channels: CHANNELS,
        default_channels: CHANNELS,

        // Recorded topics rise by one a message; that they always do is promised for the full book alone. Where it does not
        // hold, a book is restarted for nothing, and none is shown that missed something.
        sequence: SequenceRule::Dense,
        first_book: FirstBook::InBand,
        rest_join: RestJoin::Never,
        // A REST book's `u` is that of the 1,000-level topic, and each depth has numbers of its own.
        // Source: <https://bybit-exchange.github.io/docs/v5/market/orderbook>
        snapshots_compare: false,
        in_band_restart: true,
        // A request with one bad topic is refused whole, so every symbol has its own.
        restart_cost: RestartCost::Each,
        // A snapshot is promised after each subscription. Only contracts before their launch are silent: what they cost is a
        // restart each time this and the pauses between restarts have passed.
        snapshot_within: Some(Duration::from_secs(30)),
        book_within: None,
        stream_depth: Some(BOOK_LEVELS),
        checksum: None,
        connection_count: None,
        // Each depth of a symbol has numbers of its own.
        quote_shares_book_sequence: false,
        // One matching engine, and contracts in their opening auction push nothing.
        crossed_is_fault: true,

        rest: RestBudget {
            // 600 calls in 5 s per address; books of 200 levels need none of them, and whole ones one each.
            refill: Refill { burst: 10, per_window: 10, window: Duration::from_secs(1) },
            daily: None,
            snapshot_cost: 1,
        },
        control: ControlBudget {
            // No figure is published. A connection's 100 requests are out in nine seconds, and in any second there are no
            // more than 20; fewer would keep the last book of an opening waiting for longer than a reconnect takes.
            refill: Refill { burst: 10, per_window: 10, window: Duration::from_secs(1) },
            daily: None,
        },
        // 500 attempts in 5 min per domain, which the four names share: each makes at most 20 + 100 = 120.
        connects: Refill { burst: 20, per_window: 100, window: Duration::from_secs(300) },
        // 21,000 characters of topics a connection. Three topics of the longest symbol take 143, 100 symbols 14,300: what is
        // left is for 130 restarts, should topics that were left still be counted.
        symbols_per_connection: 100,
        // 1,000 at once per address, counted for each category by itself.
        address: AddressLimits { connections: Some(1_000), subscriptions: None },
        // None is documented.
        connection_age_max: None,
        // 1,000 connections per address and class.
        handover: true,
        // Answers come within a round trip; data of a topic may come before them.
        ack_within: Some(Duration::from_secs(10)),
        // A quiet market is silent but for what we ask for.
        heartbeat: None,
        // Recommended in these words; the cut comes after ten minutes at the latest.
        ping_every: Some(Duration::from_secs(20)),
    }
}
