//! CoinAPI's rules and limits, each with its source. All pages as dumped by the vendor on 2025-08-12.
//!
//! Source: <https://docs.coinapi.io/market-data/websocket/messages> (sequence, snapshots, crossed books)
//! Source: <https://docs.coinapi.io/market-data/api-limits-and-billing-metrics> (limits per address and per key)
//! Source: <https://docs.coinapi.io/general/faq/Market-Data-API> (items 2, 62, 63 and 67)

use crate::engine::event::Channel;
use crate::venue::profile::{
    AddressLimits, ControlBudget, FirstBook, Profile, Refill, RestBudget, RestJoin, RestartCost, SequenceRule,
};
use std::time::Duration;

/// Levels a side of a REST book, asked for and documented as the most there are.
/// More is never promised, and a larger answer would be taken for a complete book.
/// Source: <https://old.docs.coinapi.io/market-data/rest-api/order-book>
pub const REST_LEVELS: u32 = 20;

pub static PROFILE: Profile = Profile {
    name: "coinapi",
    // GeoDNS names, as documented. A person who wants REST and stream from one site configures the same regional
    // host for both: api-ncsa, api-emea or api-apac.coinapi.io.
    // Source: https://docs.coinapi.io/market-data/websocket/endpoints
    url: "wss://ws.coinapi.io/v1/",
    rest_url: "https://rest.coinapi.io",
    needs_key: true,
    channels: &[
        Channel::Book,
        Channel::Book5,
        Channel::Book20,
        Channel::Book50,
        Channel::Trade,
        Channel::Quote,
    ],
    default_channels: &[Channel::Book, Channel::Trade, Channel::Quote],

    sequence: SequenceRule::Dense,
    first_book: FirstBook::InBand,
    // REST books carry no sequence: https://docs.coinapi.io/market-data/rest-api/order-book
    rest_join: RestJoin::ByTime,
    snapshots_compare: false,
    in_band_restart: true,
    restart_cost: RestartCost::Together,
    snapshot_within: None,
    book_within: None,
    stream_depth: None,
    checksum: None,
    connection_count: None,
    // Sequences count per message type and symbol.
    quote_shares_book_sequence: false,
    // The vendor calls crossed and locked books legitimate data (FAQ 2 and 63).
    crossed_is_fault: false,

    rest: RestBudget {
        // No figure is published ("capacity autoscales"). Two a second is a vendor call's own latency with two in
        // flight; more would only meet 429, less would leave twenty gapped books waiting for longer than they must.
        refill: Refill { burst: 2, per_window: 2, window: Duration::from_secs(1) },
        // The smallest plan has 1,000 credits a day; a book costs one.
        // Source: https://www.coinapi.io/products/market-data-api/pricing
        daily: Some(1_000),
        snapshot_cost: 1,
    },
    control: ControlBudget {
        // 10 hellos in 10 s per address, and all three verbs are assumed to count. In any 10 s this sends at most
        // burst + per_window = 8: two spare for another program behind the same address.
        refill: Refill { burst: 4, per_window: 4, window: Duration::from_secs(10) },
        // 1,000 a day per address (one vendor article only); 900 leaves a day's reconnects room at its end.
        // Source: https://www.coinapi.io/blog/api-rate-limits-and-credit-consumption-guide-coinapi-usage-and-billing-explained
        daily: Some(900),
    },
    // 10 upgrades in 10 s per address; at most 3 + 6 = 9 in any 10 s.
    connects: Refill { burst: 3, per_window: 6, window: Duration::from_secs(10) },
    // Many plans allow one connection in all, so everything has to fit one. No limit on a scope is published; a
    // hello of 1,000 symbols is about 40 KB.
    symbols_per_connection: 1_000,
    // How many connections a key or an address may have is its plan's.
    address: AddressLimits::NONE,
    connection_age_max: None,
    // FAQ 67: typical plans allow one concurrent connection.
    handover: false,
    // No control message is ever answered.
    ack_within: None,
    // With `heartbeat` in the hello, a message each second in which there was no other.
    heartbeat: Some(Duration::from_secs(1)),
    ping_every: None,
};
