//! The rules and limits of both Coinbase feeds, each with its source. The venue's documentation as of 2026-09.
//!
//! Source: <https://docs.cdp.coinbase.com/coinbase-app/advanced-trade-apis/websocket/websocket-rate-limits>
//! Source: <https://docs.cdp.coinbase.com/exchange/websocket-feed/rate-limits>

use crate::engine::event::Channel;
use crate::venue::profile::{
    AddressLimits, ControlBudget, FirstBook, Profile, Refill, RestBudget, RestJoin, RestartCost, SequenceRule,
};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const CHANNELS: &[Channel] = &[Channel::Book, Channel::Trade, Channel::Quote];

/// Never spent, since no book comes from REST. Public calls were allowed ten a second with bursts of fifteen; three and
/// three leave most of that to others.
const REST: RestBudget =
    RestBudget { refill: Refill { burst: 3, per_window: 3, window: SECOND }, daily: None, snapshot_cost: 1 };

pub static ADVANCED: Profile = Profile {
    name: "coinbase",
    url: "wss://advanced-trade-ws.coinbase.com",
    rest_url: "https://api.coinbase.com",
    needs_key: false,
    channels: CHANNELS,
    default_channels: CHANNELS,

    // Books have no numbers of their own; the connection's count finds what is missing.
    sequence: SequenceRule::Unnumbered,
    first_book: FirstBook::InBand,
    rest_join: RestJoin::Never,
    // Nothing in a message of this channel is on the scale of a REST book's `sequence`.
    snapshots_compare: false,
    in_band_restart: true,
    // A request names one channel and any number of products.
    restart_cost: RestartCost::Together,
    // Each subscription to `level2` begins with the whole book. Thirty seconds also let the several megabytes of the
    // largest ones through a slow link.
    snapshot_within: Some(Duration::from_secs(30)),
    book_within: None,
    stream_depth: None,
    checksum: None,
    // `sequence_num` counts every frame of a connection, answers and heartbeats included, from 0.
    connection_count: Some(0),
    quote_shares_book_sequence: false,
    // One matching engine; an event ends between two of its states.
    crossed_is_fault: true,

    rest: REST,
    control: ControlBudget {
        // 8 messages without a key a second per address. In any second at most 4 + 3; four is an opening: heartbeats and
        // three channels.
        refill: Refill { burst: 4, per_window: 3, window: SECOND },
        daily: None,
    },
    // 8 connections a second per address; at most 3 + 3 in any.
    connects: Refill { burst: 3, per_window: 3, window: SECOND },
    // No limit is published. A lost frame costs every book of the connection a snapshot, of several megabytes for the
    // largest of them, so 25 lose little together; fewer would take more connections for the same symbols.
    symbols_per_connection: 25,
    // Totals are published of duplicates alone: 10 subscriptions of the same product and channel.
    address: AddressLimits::NONE,
    // None is documented.
    connection_age_max: None,
    handover: true,
    // An answer comes behind the snapshots it is about: on a slow link they take a while.
    ack_within: Some(Duration::from_secs(30)),
    // The `heartbeats` channel is always subscribed: one a second.
    heartbeat: Some(SECOND),
    ping_every: None,
};

pub static EXCHANGE: Profile = Profile {
    name: "coinbase-exchange",
    url: "wss://ws-feed.exchange.coinbase.com",
    rest_url: "https://api.exchange.coinbase.com",
    connection_count: None,
    // A product that the venue does not know takes its whole request down, so each request here is about one product.
    // Source: <https://github.com/coinbase/coinbase-pro-node/issues/174>
    restart_cost: RestartCost::Each,
    control: ControlBudget {
        // 100 messages a second per address. In any second at most 50 + 30; fifty are the opening of a full connection.
        refill: Refill { burst: 50, per_window: 30, window: SECOND },
        daily: None,
    },
    // 8 a second per address, bursts of 20; at most 4 + 3 in any second.
    connects: Refill { burst: 4, per_window: 3, window: SECOND },
    // No limit on a connection is published, one of 10 on the same product and channel is. Fifty fit one burst.
    symbols_per_connection: 50,
    // The `heartbeat` channel is always subscribed: one a second and product.
    heartbeat: Some(SECOND),
    ..ADVANCED
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_limits_hold_in_any_second() {
        let most = |refill: Refill| {
            assert_eq!(refill.window, SECOND);
            refill.burst + refill.per_window
        };
        assert!(most(ADVANCED.control.refill) < 8 && most(ADVANCED.connects) < 8);
        assert!(most(EXCHANGE.control.refill) < 100 && most(EXCHANGE.connects) < 8);
        assert!(ADVANCED.control.refill.burst >= 2 && EXCHANGE.control.refill.burst >= 2);
    }
}
