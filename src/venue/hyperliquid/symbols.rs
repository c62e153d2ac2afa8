//! Hyperliquid coins: `BTC` and `kPEPE` (perpetuals), `xyz:NVDA` (a builder's), `@142` or `PURR/USDC` (spot). Case matters.
//!
//! Source: <https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/asset-ids>

use crate::venue::canonical::{Canonical, Kind};

/// Longest coin accepted, bytes. Names have up to some ten letters.
const BYTES_MAX: usize = 40;

/// Checks a configured coin.
pub fn check(coin: &str) -> Result<(), String> {
    let expected = "expected a coin such as BTC, kPEPE, xyz:NVDA, @142 or PURR/USDC";
    if coin.is_empty() || coin.len() > BYTES_MAX {
        return Err(format!("{expected}, 1 to {BYTES_MAX} bytes"));
    }
    if let Some(index) = coin.strip_prefix('@') {
        let is_index = !index.is_empty() && index.bytes().all(|c| c.is_ascii_digit());
        return if is_index { Ok(()) } else { Err(expected.to_owned()) };
    }
    let is_good = match coin.split_once([':', '/']) {
        Some((before, after)) => is_name(before) && is_name(after),
        None => is_name(coin),
    };
    if !is_good {
        return Err(expected.to_owned());
    }
    // The market itself is never all in lower case; a builder's name is.
    let market = coin.split_once(':').map_or(coin, |(_, market)| market);
    if market.bytes().all(|c| c.is_ascii_lowercase() || c == b'/') {
        let dex = &coin[..coin.len() - market.len()];
        return Err(format!("{expected}; did you mean {dex}{}?", market.to_ascii_uppercase()));
    }
    Ok(())
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'_')
}

/// The coin of a perpetual: all are priced in dollars and settled in USDC, so that either names them. Spot markets are known by
/// numbers that follow from nothing, but for the first of them.
pub fn native(market: &Canonical) -> Option<String> {
    let Canonical { base, quote, kind } = market;
    match (kind, quote.as_str()) {
        (Kind::Perpetual, "USD" | "USDC") => Some(base.clone()),
        (Kind::Spot, "USDC") if base == "PURR" => Some("PURR/USDC".to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coins_are_checked() {
        for good in ["BTC", "kPEPE", "kBONK", "0G", "xyz:NVDA", "xyz:XYZ100", "@142", "PURR/USDC", "flx:GOLD"]
        {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in [
            "", "@", "@x", "@1 ", "BTC USD", "BTC/", "/USDC", "xyz:", ":NVDA", "A/B/C", "A:B:C", "\"",
            "BTC\n", "É",
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
        assert!(check("btc").unwrap_err().ends_with("did you mean BTC?"));
        assert!(check("xyz:nvda").unwrap_err().ends_with("did you mean xyz:NVDA?"));
        assert!(check(&"A".repeat(41)).is_err());
    }

    /// The symbol that a canonical name leads to.
    fn named(name: &str) -> Option<String> {
        Canonical::parse(name).as_ref().and_then(native)
    }

    #[test]
    fn canonical_names_lead_to_symbols() {
        for (name, symbol) in [
            ("BTC-USD-PERP", "BTC"),
            ("BTC-USDC-PERP", "BTC"),
            ("kPEPE-USD-PERP", "kPEPE"),
            ("PURR-USDC", "PURR/USDC"),
        ] {
            assert_eq!(named(name).as_deref(), Some(symbol), "{name}");
            assert_eq!(check(symbol), Ok(()));
        }
        for name in ["BTC-USDC", "BTC-USDT-PERP"] {
            assert_eq!(named(name), None, "{name}");
        }
    }
}
