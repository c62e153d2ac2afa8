//! Names of contracts: `BTCUSDT` and `BTCUSDT_261225` in dollars, `BTCUSD_PERP` and `BTCUSD_261225` in the coin.
//!
//! REST and payloads write them in upper case, stream names in lower case.
//! Source: <https://developers.binance.com/docs/derivatives/coin-margined-futures/market-data/rest-api/Exchange-Information>

use super::Market;
use crate::venue::binance::symbols;
use crate::venue::canonical::{Canonical, Kind};

pub use crate::venue::binance::symbols::key;

/// Checks a configured name.
pub fn check(market: Market, symbol: &str) -> Result<(), String> {
    match market {
        Market::Usdm => symbols::check(symbol, "BTCUSDT"),
        Market::Coinm => {
            symbols::check(symbol, "BTCUSD_PERP")?;
            // A wrong name is acknowledged and stays silent, so the likely mistake is caught here.
            if symbol.contains('_') {
                Ok(())
            } else {
                Err(format!(
                    "expected a name such as BTCUSD_PERP or BTCUSD_261225; did you mean {symbol}_PERP?"
                ))
            }
        }
    }
}

/// The name of a perpetual. Those margined in the coin, and no others, are priced in dollars themselves.
pub fn native(market: Market, perpetual: &Canonical) -> Option<String> {
    let (base, quote) = perpetual.of_kind(Kind::Perpetual)?;
    match market {
        Market::Usdm => (quote != "USD").then(|| format!("{base}{quote}")),
        Market::Coinm => (quote == "USD").then(|| format!("{base}USD_PERP")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        for good in ["BTCUSDT", "BTCUSDC", "BTCUSDT_261225", "1000SHIBUSDT", "币安人生USDT"] {
            assert_eq!(check(Market::Usdm, good), Ok(()), "{good}");
        }
        for good in ["BTCUSD_PERP", "ETHUSD_261225"] {
            assert_eq!(check(Market::Coinm, good), Ok(()), "{good}");
        }
        for market in [Market::Usdm, Market::Coinm] {
            for bad in ["", "BTC/USD_PERP", "BTCUSD_PERP@depth", "btcusd_perp", "A\"_B", "A B_PERP"] {
                assert!(check(market, bad).is_err(), "{bad}");
            }
        }
        assert!(check(Market::Coinm, "BTCUSD").unwrap_err().contains("BTCUSD_PERP?"));
        assert!(check(Market::Coinm, "btcusd_perp").unwrap_err().contains("did you mean BTCUSD_PERP?"));
        assert_eq!(key("BTCUSD_PERP"), "btcusd_perp");
    }

    #[test]
    fn canonical_names_lead_to_perpetuals() {
        let named = |market, name: &str| native(market, &Canonical::parse(name).unwrap());
        assert_eq!(named(Market::Usdm, "BTC-USDT-PERP").as_deref(), Some("BTCUSDT"));
        assert_eq!(named(Market::Usdm, "1000PEPE-USDC-PERP").as_deref(), Some("1000PEPEUSDC"));
        assert_eq!(named(Market::Coinm, "BTC-USD-PERP").as_deref(), Some("BTCUSD_PERP"));
        assert_eq!(named(Market::Coinm, "BTC-USDT-PERP"), None);
        assert_eq!(named(Market::Usdm, "BTC-USD-PERP"), None);
        assert_eq!(named(Market::Usdm, "BTC-USDT"), None, "spot is another venue");
        assert_eq!(named(Market::Coinm, "BTC-USD"), None);
    }
}
