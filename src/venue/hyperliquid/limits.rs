//! Hyperliquid's rules and limits, each with its source. The venue's documentation as of 2026-08-22.
//!
//! Source: <https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/rate-limits-and-user-limits>
//! Source: <https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/websocket/timeouts-and-heartbeats>

use crate::engine::event::Channel;
use crate::venue::profile::{
    AddressLimits, ControlBudget, FirstBook, Profile, Refill, RestBudget, RestJoin, RestartCost, SequenceRule,
};
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);
const CHANNELS: &[Channel] = &[Channel::Book, Channel::Trade, Channel::Quote];

/// Levels a side of a book message. The `fast` form comes ten times as often and has five.
pub const LEVELS: usize = 20;

pub static PROFILE: Profile = Profile {
    name: "hyperliquid",
    url: "wss://api.hyperliquid.xyz",
    rest_url: "https://api.hyperliquid.xyz",
    needs_key: false,
    channels: CHANNELS,
    default_channels: CHANNELS,

    sequence: SequenceRule::Unnumbered,
    first_book: FirstBook::InBand,
    // The same 20 levels, without a number to join them by.
    rest_join: RestJoin::Never,
    // A REST book has the time of a block and no number, and says no more than each message does.
    snapshots_compare: false,
    in_band_restart: true,
    // A message is about one subscription.
    restart_cost: RestartCost::Each,
    // A book is pushed every five seconds (2026-07-25) and at once after subscribing. Half a minute also covers an
    // upgrade of the chain, during which nothing moves.
    snapshot_within: Some(Duration::from_secs(30)),
    book_within: Some(Duration::from_secs(12)),
    stream_depth: Some(LEVELS),
    checksum: None,
    connection_count: None,
    quote_shares_book_sequence: false,
    // One matching engine; a message shows the end of a block.
    crossed_is_fault: true,

    rest: RestBudget {
        // Never spent. 1,200 weight a minute per address, a book weighs 2: at most 20 + 400 books of 600.
        refill: Refill { burst: 20, per_window: 400, window: MINUTE },
        daily: None,
        snapshot_cost: 1,
    },
    control: ControlBudget {
        // 2,000 messages a minute per address over all connections. At most 300 + 1,200 in any, and two pings a minute
        // from each of ten connections; 300 are the opening of a full connection.
        refill: Refill { burst: 300, per_window: 1_200, window: MINUTE },
        daily: None,
    },
    // 30 new connections a minute per address; at most 5 + 20 in any.
    connects: Refill { burst: 5, per_window: 20, window: MINUTE },
    // 1,000 subscriptions per address over all connections, of which there may be 10: three channels of 100 coins are 300,
    // so three full connections fit and a fourth is told so.
    symbols_per_connection: 100,
    // Both hold over all connections of an address.
    address: AddressLimits { connections: Some(10), subscriptions: Some(1_000) },
    // None is documented; connections end without notice now and then.
    connection_age_max: None,
    // The subscriptions of both would count.
    handover: false,
    ack_within: Some(Duration::from_secs(10)),
    // A pong answers each of our pings, so that nobody is silent for longer than they are apart. Streams that went silent
    // without a close were reported after a day or two.
    // Source: https://github.com/hyperliquid-dex/hyperliquid-python-sdk/issues/145
    heartbeat: Some(PING_EVERY),
    ping_every: Some(PING_EVERY),
};

/// The venue closes a connection on which it has sent nothing for 60 s. Half of that forgives one ping that is late.
const PING_EVERY: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_limits_hold_in_any_minute() {
        let most = |refill: Refill| {
            assert_eq!(refill.window, MINUTE);
            refill.burst + refill.per_window
        };
        let connections_max = 10;
        let pings = connections_max * (MINUTE.as_secs() / PING_EVERY.as_secs()) as u32;
        assert!(most(PROFILE.control.refill) + pings <= 2_000);
        assert!(most(PROFILE.connects) <= 30);
        assert!(most(PROFILE.rest.refill) * 2 <= 1_200);
        assert!(PROFILE.symbols_per_connection * PROFILE.channels.len() <= 1_000);
    }

    /// A hundred coins with three channels, of which each takes a message: entered, left, and a hundred others entered.
    #[test]
    fn a_whole_scope_may_be_changed_behind_its_opening() {
        assert_eq!(PROFILE.scope_messages_max(3), 300 + 600);
    }
}
