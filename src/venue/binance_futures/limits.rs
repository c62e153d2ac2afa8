//! The futures' rules and limits, each with its source.
//!
//! Source: <https://developers.binance.com/docs/derivatives/usds-margined-futures/websocket-market-streams>
//! Source: <https://developers.binance.com/docs/derivatives/coin-margined-futures/websocket-market-streams>
//! Source: <https://developers.binance.com/docs/derivatives/usds-margined-futures/market-data/rest-api/Order-Book>

use crate::engine::event::Channel;
use crate::venue::profile::{
    AddressLimits, ControlBudget, FirstBook, Profile, Refill, RestBudget, RestJoin, RestartCost, SequenceRule,
};
use std::time::Duration;

/// Margined in dollars.
pub static USDM: Profile = Profile {
    name: "binance-usdm",
    url: "wss://fstream.binance.com",
    rest_url: "https://fapi.binance.com",
    ..COMMON
};

/// Margined in the coin.
pub static COINM: Profile = Profile {
    name: "binance-coinm",
    url: "wss://dstream.binance.com",
    rest_url: "https://dapi.binance.com",
    // Four channels of each are 200 streams, the older of the two limits below.
    symbols_per_connection: 50,
    ..COMMON
};

const COMMON: Profile = Profile {
    name: "",
    url: "",
    rest_url: "",
    needs_key: false,
    // USD-M serves the last of them at another address: `check_channels`.
    channels: &[Channel::Book, Channel::Trade, Channel::Quote, Channel::Liquidation],
    default_channels: &[Channel::Book, Channel::Trade, Channel::Quote],

    // Ids skip: of 6,550 recorded pairs 159 were neighbours, and `pu` named the one before in all of them.
    sequence: SequenceRule::Linked,
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
    // One matching engine, and events end between two of its states: of 6,545 recorded books none was crossed.
    crossed_is_fault: true,

    rest: RestBudget {
        // 2,400 weight in a clock minute per address: in any minute at most 400 + 1,600, which leaves a sixth to others. Both
        // kinds of market are said to draw on one pool. Each answer tells what the address has used of it, by whomever, and
        // what is told counts first: where both are followed they take turns.
        refill: Refill { burst: 400, per_window: 1_600, window: Duration::from_secs(60) },
        daily: None,
        // 1,000 levels a side, the most there are. 500 would halve the cost and the price window, and ask again more than
        // twice as often.
        snapshot_cost: 20,
    },
    control: ControlBudget {
        // 10 frames a second, pongs included, then the venue hangs up. In any second this sends at most 4 + 2, and a pong
        // is due every three minutes.
        refill: Refill { burst: 4, per_window: 2, window: Duration::from_secs(1) },
        daily: None,
    },
    // Nothing is published for futures: half of what spot allows in 5 min is asked for at most.
    connects: Refill { burst: 30, per_window: 120, window: Duration::from_secs(300) },
    // 1,024 streams a connection now, 200 on older pages and in clients that still keep to them: 60 symbols of three
    // channels are 180. Losing one connection costs two minutes of the REST budget.
    symbols_per_connection: 60,
    address: AddressLimits::NONE,
    connection_age_max: Some(Duration::from_secs(24 * 3_600)),
    handover: true,
    // Answers come within a round trip; ten seconds also forgive a link that lost a packet or three. Streams named
    // in the address are not answered: nothing was asked.
    ack_within: Some(Duration::from_secs(10)),
    // A ping every three minutes, and nothing else is promised.
    heartbeat: None,
    ping_every: None,
};
