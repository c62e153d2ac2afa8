//! The venues depthd knows, by the name a configuration uses.

use crate::venue::Venue;
use crate::venue::binance::Binance;
use crate::venue::coinapi::CoinApi;
use std::sync::Arc;

/// Every name [`by_name`] answers to, in the order a person should read them.
pub const NAMES: [&str; 2] = ["coinapi", "binance"];

/// The venue that `venue = "…"` names.
pub fn by_name(name: &str) -> Option<Arc<dyn Venue>> {
    match name {
        "coinapi" => Some(Arc::new(CoinApi)),
        "binance" => Some(Arc::new(Binance)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::event::Channel;
    use crate::venue::profile::FirstBook;

    #[test]
    fn every_name_has_its_venue_and_no_other() {
        for name in NAMES {
            assert_eq!(by_name(name).map(|v| v.profile().name), Some(name));
        }
        assert!(by_name("Binance").is_none());
        assert!(by_name("").is_none());
    }

    #[test]
    fn profiles_hold_together() {
        for venue in NAMES.map(|name| by_name(name).unwrap()) {
            let p = venue.profile();
            assert!(p.default_channels.iter().all(|c| p.channels.contains(c)), "{}", p.name);
            assert_eq!(p.default_channels.iter().filter(|c| c.is_book()).count(), 1, "{}", p.name);
            assert!(p.channels.contains(&Channel::Book), "{}", p.name);
            for refill in [p.rest.refill, p.control.refill, p.connects] {
                assert!(refill.burst > 0 && refill.per_window > 0 && !refill.window.is_zero(), "{}", p.name);
            }
            assert!(p.rest.snapshot_cost <= p.rest.refill.burst, "{}: a book must fit the bucket", p.name);
            if p.in_band_restart {
                assert!(p.control.refill.burst >= 2, "{}: a restart is two messages", p.name);
            }
            assert!(p.in_band_restart || p.first_book == FirstBook::Rest, "{}: some way to repair", p.name);
        }
    }
}
