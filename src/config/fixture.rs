//! Two venues that exist only in the tests of this folder: one with a key and every channel, one without.

use super::{Surroundings, Venues};
use crate::engine::event::{Channel, DecodeError, Decoded};
use crate::engine::time::Wall;
use crate::venue::handles::Handles;
use crate::venue::profile::{
    ControlBudget, FirstBook, Profile, Refill, RestBudget, RestJoin, RestartCost, SequenceRule,
};
use crate::venue::{Control, Dial, Request, RestReply, Route, Scope, UpgradeRefusal, Venue};
use std::sync::Arc;
use std::time::Duration;

const MINUTELY: Refill = Refill { burst: 4800, per_window: 4800, window: Duration::from_secs(60) };

static KEYLESS: Profile = Profile {
    name: "binance",
    url: "wss://stream.example:9443",
    rest_url: "https://api.example",
    needs_key: false,
    channels: &[Channel::Book, Channel::Trade, Channel::Quote],
    default_channels: &[Channel::Book, Channel::Trade],
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
    quote_shares_book_sequence: true,
    crossed_is_fault: true,
    rest: RestBudget { refill: MINUTELY, daily: None, snapshot_cost: 50 },
    control: ControlBudget { refill: MINUTELY, daily: None },
    connects: MINUTELY,
    symbols_per_connection: 2,
    address: crate::venue::profile::AddressLimits::NONE,
    connection_age_max: None,
    handover: false,
    ack_within: None,
    heartbeat: None,
    ping_every: None,
};

static KEYED: Profile = Profile {
    name: "coinapi",
    needs_key: true,
    snapshots_compare: false,
    channels: &Channel::ALL,
    symbols_per_connection: 100,
    address: crate::venue::profile::AddressLimits::NONE,
    ..KEYLESS
};

/// Checks what these are for with nothing in the environment but `env`.
pub(super) fn with_env<T>(env: &[(&str, &str)], run: impl FnOnce(&Surroundings<'_>) -> T) -> T {
    let env = |name: &str| env.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
    let by_name = |name: &str| -> Option<Arc<dyn Venue>> {
        let profile = [&KEYED, &KEYLESS].into_iter().find(|profile| profile.name == name)?;
        Some(Arc::new(Fixture(profile)))
    };
    run(&Surroundings { env: &env, venues: Venues { by_name: &by_name, names: &["coinapi", "binance"] } })
}

struct Fixture(&'static Profile);

/// Upper case letters only; everything about the wire is out of reach of a configuration.
impl Venue for Fixture {
    fn profile(&self) -> &'static Profile {
        self.0
    }
    fn check_symbol(&self, symbol: &str) -> Result<(), String> {
        let good = !symbol.is_empty() && symbol.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
        if good { Ok(()) } else { Err("expected upper case letters".to_owned()) }
    }
    fn symbol_key(&self, symbol: &str) -> String {
        symbol.to_ascii_lowercase()
    }
    fn dial(&self, _: &str, _: &Scope, _: Option<&str>) -> Dial {
        unreachable!("no wire here")
    }
    fn opening(&self, _: &Scope, _: i64) -> Vec<Request> {
        unreachable!("no wire here")
    }
    fn withdraw(&self, _: &Scope, _: &[&str], _: &Handles, _: i64) -> Vec<Request> {
        unreachable!("no wire here")
    }
    fn restore(&self, _: &Scope, _: &[&str], _: i64) -> Vec<Request> {
        unreachable!("no wire here")
    }
    fn subscribe(&self, _: &Scope, _: &[&str], _: i64) -> Vec<Request> {
        Vec::new()
    }

    fn unsubscribe(&self, _: &Scope, _: &[&str], _: &Handles, _: i64) -> Vec<Request> {
        Vec::new()
    }

    fn route<'f>(&self, _: &'f str, _: &'f Handles) -> Route<'f> {
        unreachable!("no wire here")
    }
    fn control(&self, _: &str) -> Control {
        unreachable!("no wire here")
    }
    fn decode(&self, _: Channel, _: &str, _: &mut Decoded) -> Result<(), DecodeError> {
        unreachable!("no wire here")
    }
    fn upgrade_refused(&self, _: &RestReply<'_>, _: Wall) -> UpgradeRefusal {
        unreachable!("no wire here")
    }
}
