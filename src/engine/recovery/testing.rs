//! Two venues for tests: one that is repaired over REST, one that restarts books in the stream.

use std::time::Duration;

use crate::engine::recovery::VenueRules;
use crate::engine::time::Mono;
use crate::venue::profile::{
    ControlBudget, FirstBook, Profile, Refill, RestBudget, RestJoin, RestartCost, SequenceRule,
};

const fn refill(burst: u32, per_window: u32, seconds: u64) -> Refill {
    Refill { burst, per_window, window: Duration::from_secs(seconds) }
}

static REST: Profile = Profile {
    name: "rest",
    url: "ws://localhost",
    rest_url: "http://localhost",
    needs_key: false,
    channels: &[],
    default_channels: &[],
    sequence: SequenceRule::Range,
    first_book: FirstBook::Rest,
    rest_join: RestJoin::BySequence,
    snapshots_compare: true,
    in_band_restart: false,
    restart_cost: RestartCost::Together,
    snapshot_within: None,
    book_within: None,
    stream_depth: None,
    checksum: None,
    connection_count: None,
    quote_shares_book_sequence: false,
    crossed_is_fault: true,
    rest: RestBudget { refill: refill(4_800, 4_800, 60), daily: None, snapshot_cost: 50 },
    control: ControlBudget { refill: refill(2, 2, 1), daily: None },
    connects: refill(10, 10, 10),
    symbols_per_connection: 200,
    address: crate::venue::profile::AddressLimits::NONE,
    connection_age_max: None,
    handover: false,
    ack_within: None,
    heartbeat: None,
    ping_every: None,
};

static IN_BAND: Profile = Profile {
    name: "in_band",
    sequence: SequenceRule::Dense,
    first_book: FirstBook::InBand,
    rest_join: RestJoin::ByTime,
    snapshots_compare: true,
    in_band_restart: true,
    rest: RestBudget { refill: refill(2, 2, 1), daily: Some(1_000), snapshot_cost: 1 },
    control: ControlBudget { refill: refill(4, 4, 10), daily: Some(1_000) },
    ..REST
};

/// A venue that is asked `per_minute` cost units a minute over REST, all of it as a burst.
pub fn rest_venue(per_minute: u32, cost: u32, max_concurrent: usize) -> VenueRules {
    let rest = RestBudget { refill: refill(per_minute, per_minute, 60), daily: None, snapshot_cost: cost };
    VenueRules { rest, max_concurrent, ..rules(&REST) }
}

pub fn in_band_venue() -> VenueRules {
    rules(&IN_BAND)
}

fn rules(profile: &'static Profile) -> VenueRules {
    VenueRules {
        profile,
        rest: profile.rest,
        max_concurrent: 2,
        breaker_failures: 5,
        breaker_open: Duration::from_secs(30),
    }
}

pub fn s(n: u64) -> Mono {
    ms(n * 1_000)
}

pub fn ms(n: u64) -> Mono {
    Mono::from_nanos(n * 1_000_000)
}
