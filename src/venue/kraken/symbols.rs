//! Kraken symbol names: two assets with a slash between, as WebSocket v2 writes them.
//!
//! Bitcoin is BTC there and Dogecoin DOGE, not XBT and XDG as in REST and v1.
//! Source: <https://docs.kraken.com/exchange/api-reference/spot-websocket>

use crate::venue::canonical::{Canonical, Kind};

/// Longest name accepted, bytes. The longest known have some twenty.
const BYTES_MAX: usize = 40;

/// Names that v1 and REST use, and what they are here.
const OLD_NAMES: [(&str, &str); 2] = [("XBT", "BTC"), ("XDG", "DOGE")];

/// Checks a configured name.
pub fn check(symbol: &str) -> Result<(), String> {
    let expected = "expected a name such as BTC/USD: two assets with a slash between";
    let Some((base, quote)) = symbol.split_once('/').filter(|_| symbol.len() <= BYTES_MAX) else {
        return Err(format!("{expected}, up to {BYTES_MAX} bytes"));
    };
    if ![base, quote].into_iter().all(is_asset) {
        return Err(format!("{expected}, of letters, digits and dots"));
    }
    let meant = format!("{}/{}", meant(base), meant(quote));
    if meant == symbol { Ok(()) } else { Err(format!("{expected}; did you mean {meant}?")) }
}

fn is_asset(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'.')
}

/// The asset that a name stands for. Some have a small letter at their end, none has only small ones.
fn meant(asset: &str) -> String {
    let has = |kind: fn(&u8) -> bool| asset.as_bytes().iter().any(kind);
    let all_small = has(u8::is_ascii_lowercase) && !has(u8::is_ascii_uppercase);
    let name = if all_small { asset.to_uppercase() } else { asset.to_owned() };
    OLD_NAMES.iter().find(|(old, _)| *old == name).map_or(name, |(_, new)| (*new).to_owned())
}

/// The pair of a spot market; this venue's futures are on another feed.
pub fn native(market: &Canonical) -> Option<String> {
    let (base, quote) = market.of_kind(Kind::Spot)?;
    Some(format!("{}/{}", meant(base), meant(quote)))
}

/// What a name of REST's lists is on this feed: `XBT/USD` is `BTC/USD`.
pub fn renamed(name: &str) -> Option<(String, String)> {
    let (base, quote) = name.split_once('/')?;
    Some((meant(base), meant(quote)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        for good in ["BTC/USD", "ETH/BTC", "1INCH/EUR", "AAPLx/USD", "ETH2.S/ETH"] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in
            ["", "/", "BTCUSD", "BTC/", "/USD", "BTC/USD/EUR", "BTC-USD", "BTC/US D", "BTC/\"", "币/USD"]
        {
            assert!(check(bad).is_err(), "{bad}");
        }
        for (old, new) in [("btc/usd", "BTC/USD"), ("XBT/USD", "BTC/USD"), ("xdg/xbt", "DOGE/BTC")] {
            assert!(check(old).unwrap_err().contains(&format!("did you mean {new}?")), "{old}");
        }
        assert!(check(&format!("{}/USD", "A".repeat(40))).is_err());
    }

    /// The symbol that a canonical name leads to.
    fn named(name: &str) -> Option<String> {
        Canonical::parse(name).as_ref().and_then(native)
    }

    #[test]
    fn canonical_names_lead_to_symbols() {
        for (name, symbol) in [
            ("BTC-USD", "BTC/USD"),
            ("BTC-USDT", "BTC/USDT"),
            ("AAPLx-USD", "AAPLx/USD"),
            ("XBT-USD", "BTC/USD"),
            ("btc-usd", "BTC/USD"),
        ] {
            assert_eq!(named(name).as_deref(), Some(symbol), "{name}");
            assert_eq!(check(symbol), Ok(()));
        }
        assert_eq!(named("BTC-USD-PERP"), None);
    }
}
