//! Bybit symbol names, such as `BTCUSDT`, `BTCPERP`, `BTC-26DEC25` or `BTCUSDH25`.
//!
//! Source: <https://bybit-exchange.github.io/docs/v5/enum#symbol>

use super::Bybit;
use crate::venue::canonical::{Canonical, Kind};

/// Longest name accepted, bytes; the longest seen has 19. The length of a connection's topics depends on it, see
/// [`super::limits`].
pub const BYTES_MAX: usize = 32;

/// Checks a configured name.
pub fn check(symbol: &str) -> Result<(), String> {
    let expected = "expected a name such as BTCUSDT: letters and digits in upper case";
    if symbol.is_empty() || symbol.len() > BYTES_MAX {
        return Err(format!("{expected}, 1 to {BYTES_MAX} bytes"));
    }
    if symbol.chars().any(char::is_lowercase) {
        return Err(format!("{expected}; did you mean {}?", symbol.to_uppercase()));
    }
    // A topic's parts are separated by points, so no name has one.
    if symbol.chars().all(|c| c.is_alphanumeric() || c == '-') { Ok(()) } else { Err(expected.to_owned()) }
}

/// The name of a market of this class. A perpetual in USDC is named by its coin.
/// Source: <https://bybit-exchange.github.io/docs/v5/enum#symbol>
pub fn native(class: Bybit, market: &Canonical) -> Option<String> {
    let Canonical { base, quote, kind } = market;
    match (class, kind, quote.as_str()) {
        (Bybit::Linear, Kind::Perpetual, "USDC") => Some(format!("{base}PERP")),
        (Bybit::Spot | Bybit::Full, Kind::Spot, _)
        | (Bybit::Linear, Kind::Perpetual, "USDT")
        | (Bybit::Inverse, Kind::Perpetual, "USD") => Some(format!("{base}{quote}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        for good in
            ["BTCUSDT", "1000000BABYDOGEUSDT", "BTCPERP", "BTC-26DEC25", "BTCUSDT-26DEC25", "BTCUSDH25"]
        {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in ["", "BTC/USDT", "BTC USDT", "BTC.USDT", "BTC\"", "BTC_USDT", "A,B", "A\n"] {
            assert!(check(bad).is_err(), "{bad}");
        }
        assert!(check("btcusdt").unwrap_err().contains("BTCUSDT"));
        assert!(check(&"A".repeat(33)).unwrap_err().contains("32 bytes"));
    }

    #[test]
    fn canonical_names_lead_to_symbols_of_their_class() {
        for (name, spot, linear, inverse) in [
            ("BTC-USDT", Some("BTCUSDT"), None, None),
            ("BTC-USDT-PERP", None, Some("BTCUSDT"), None),
            ("BTC-USDC-PERP", None, Some("BTCPERP"), None),
            ("BTC-USD-PERP", None, None, Some("BTCUSD")),
        ] {
            let market = Canonical::parse(name).unwrap();
            for (class, symbol) in [(Bybit::Spot, spot), (Bybit::Linear, linear), (Bybit::Inverse, inverse)] {
                assert_eq!(native(class, &market).as_deref(), symbol, "{name}");
            }
        }
    }
}
