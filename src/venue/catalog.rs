//! The venues depthd knows, by the name a configuration uses.

use crate::venue::Venue;
use crate::venue::binance::Binance;
use crate::venue::binance_futures::BinanceFutures;
use crate::venue::bitfinex::Bitfinex;
use crate::venue::bybit::Bybit;
use crate::venue::coinapi::CoinApi;
use crate::venue::coinbase::Coinbase;
use crate::venue::deribit::Deribit;
use crate::venue::hyperliquid::Hyperliquid;
use crate::venue::kraken::Kraken;
use crate::venue::okx::Okx;
use std::sync::Arc;

/// Every name [`by_name`] answers to, in the order a person should read them.
pub const NAMES: [&str; 15] = [
    "coinapi",
    "binance",
    "binance-usdm",
    "binance-coinm",
    "kraken",
    "coinbase",
    "coinbase-exchange",
    "bybit",
    "bybit-full",
    "bybit-linear",
    "bybit-inverse",
    "okx",
    "bitfinex",
    "deribit",
    "hyperliquid",
];

/// The venue that `venue = "…"` names.
pub fn by_name(name: &str) -> Option<Arc<dyn Venue>> {
    Some(match name {
        "coinapi" => Arc::new(CoinApi),
        "binance" => Arc::new(Binance),
        "binance-usdm" => Arc::new(BinanceFutures::USDM),
        "binance-coinm" => Arc::new(BinanceFutures::COINM),
        "kraken" => Arc::new(Kraken),
        "coinbase" => Arc::new(Coinbase::Advanced),
        "coinbase-exchange" => Arc::new(Coinbase::Exchange),
        "bybit" => Arc::new(Bybit::Spot),
        "bybit-full" => Arc::new(Bybit::Full),
        "bybit-linear" => Arc::new(Bybit::Linear),
        "bybit-inverse" => Arc::new(Bybit::Inverse),
        "okx" => Arc::new(Okx),
        "bitfinex" => Arc::new(Bitfinex),
        "deribit" => Arc::new(Deribit),
        "hyperliquid" => Arc::new(Hyperliquid),
        _ => return None,
    })
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
