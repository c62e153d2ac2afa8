//! OKX instrument ids, such as `BTC-USDT`, `BTC-USDT-SWAP` or `BTC-USD-230224-18000-C`.
//!
//! Source: <https://www.okx.com/docs-v5/en/#public-data-rest-api-get-instruments>

use crate::venue::canonical::{Canonical, Kind};

/// Longest id accepted, bytes. Options come to about 30.
pub const BYTES_MAX: usize = 64;

/// Checks a configured id.
pub fn check(symbol: &str) -> Result<(), String> {
    let expected = "expected an id such as BTC-USDT or BTC-USDT-SWAP";
    if symbol.is_empty() || symbol.len() > BYTES_MAX {
        return Err(format!("{expected}, 1 to {BYTES_MAX} bytes"));
    }
    if symbol.chars().any(char::is_lowercase) {
        return Err(format!("{expected}, in upper case; did you mean {}?", symbol.to_uppercase()));
    }
    let has_parts = symbol.contains('-') && symbol.split('-').all(|part| !part.is_empty());
    if has_parts && symbol.chars().all(is_of_id) { Ok(()) } else { Err(expected.to_owned()) }
}

/// What an id is made of.
pub fn is_of_id(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '-' | '_')
}

/// The id of a spot market or of a perpetual.
pub fn native(market: &Canonical) -> Option<String> {
    let Canonical { base, quote, kind } = market;
    let end = match kind {
        Kind::Spot => "",
        Kind::Perpetual => "-SWAP",
    };
    Some(format!("{base}-{quote}{end}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_checked() {
        for good in
            ["BTC-USDT", "BTC-USDT-SWAP", "BTC-USD-220527", "BTC-USD-230224-18000-C", "BTC-USD_UM-SWAP"]
        {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in
            ["", "BTCUSDT", "BTC-", "-USDT", "BTC--USDT", "BTC/USDT", "BTC USDT", "BTC-USDT\"", "A-B,C"]
        {
            assert!(check(bad).is_err(), "{bad}");
        }
        assert!(check("btc-usdt").unwrap_err().contains("BTC-USDT?"));
        assert!(check(&"A-B".repeat(30)).unwrap_err().contains("64 bytes"));
    }

    /// The symbol that a canonical name leads to.
    fn named(name: &str) -> Option<String> {
        Canonical::parse(name).as_ref().and_then(native)
    }

    #[test]
    fn canonical_names_lead_to_symbols() {
        for (name, symbol) in
            [("BTC-USDT", "BTC-USDT"), ("BTC-USDT-PERP", "BTC-USDT-SWAP"), ("BTC-USD-PERP", "BTC-USD-SWAP")]
        {
            assert_eq!(named(name).as_deref(), Some(symbol), "{name}");
            assert_eq!(check(symbol), Ok(()));
        }
        for name in ["BTC-USD-220527", "BTC-USDT-SWAP"] {
            assert_eq!(named(name), None, "{name}");
        }
    }
}
