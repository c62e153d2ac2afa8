//! Coinbase product ids: `BTC-USD`, `ETH-BTC`, `BIT-24APR26-CDE`.
//!
//! On Advanced Trade a pair in USDC is another name of the pair in USD: its market data comes under the latter, whichever
//! was asked for. USDT-USDC and EURC-USDC are pairs of their own.
//! Source: <https://docs.cdp.coinbase.com/coinbase-app/advanced-trade-apis/websocket/websocket-channels>

use super::Coinbase;
use crate::venue::canonical::{Canonical, Kind};
use std::borrow::Cow;

/// Longest id accepted, bytes. The longest seen are some twenty.
const BYTES_MAX: usize = 40;

/// Pairs in USDC that are no aliases.
const OWN_BOOKS: [&str; 2] = ["USDT-USDC", "EURC-USDC"];

/// Checks a configured id.
pub fn check(symbol: &str) -> Result<(), String> {
    let expected =
        "expected a product id such as BTC-USD: letters and digits in upper case, joined by dashes";
    if symbol.is_empty() || symbol.len() > BYTES_MAX {
        return Err(format!("{expected}, 1 to {BYTES_MAX} bytes"));
    }
    if symbol.contains(['/', '_']) || symbol.bytes().any(|c| c.is_ascii_lowercase()) {
        let meant = symbol.replace(['/', '_'], "-").to_ascii_uppercase();
        if is_id(&meant) {
            return Err(format!("{expected}; did you mean {meant}?"));
        }
    }
    if is_id(symbol) { Ok(()) } else { Err(expected.to_owned()) }
}

fn is_id(symbol: &str) -> bool {
    let is_part =
        |part: &str| !part.is_empty() && part.bytes().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
    symbol.contains('-') && symbol.split('-').all(is_part)
}

/// The id that a product is asked for by and that its frames carry.
pub fn served_as(feed: Coinbase, symbol: &str) -> Cow<'_, str> {
    match symbol.strip_suffix("-USDC") {
        Some(base) if feed == Coinbase::Advanced && !OWN_BOOKS.contains(&symbol) => {
            Cow::Owned(format!("{base}-USD"))
        }
        _ => Cow::Borrowed(symbol),
    }
}

/// The id of a spot market; on Advanced Trade also of an international perpetual, all of which are in USDC.
pub fn native(feed: Coinbase, market: &Canonical) -> Option<String> {
    let Canonical { base, quote, kind } = market;
    match kind {
        Kind::Spot => Some(format!("{base}-{quote}")),
        Kind::Perpetual if feed == Coinbase::Advanced && quote == "USDC" => Some(format!("{base}-PERP-INTX")),
        Kind::Perpetual => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_checked() {
        for good in ["BTC-USD", "00-USD", "1INCH-BTC", "BIT-24APR26-CDE", "BTC-PERP-INTX"] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in ["", "BTCUSD", "BTC-", "-USD", "BTC--USD", "BTC USD", "BTC-\"", "É-USD", "BTC-USD\n"] {
            assert!(check(bad).is_err(), "{bad}");
        }
        for near in ["btc-usd", "BTC/USD", "BTC_usd"] {
            assert!(check(near).unwrap_err().ends_with("did you mean BTC-USD?"), "{near}");
        }
        assert!(check("btcusd").unwrap_err().ends_with("dashes"));
        assert!(check(&format!("{}-USD", "A".repeat(37))).is_err());
    }

    #[test]
    fn pairs_in_usdc_are_aliases_on_one_feed() {
        for (symbol, advanced) in [
            ("BTC-USD", "BTC-USD"),
            ("BTC-USDC", "BTC-USD"),
            ("USDT-USDC", "USDT-USDC"),
            ("EURC-USDC", "EURC-USDC"),
            ("USDC-EUR", "USDC-EUR"),
            ("BTC-PERP-INTX", "BTC-PERP-INTX"),
        ] {
            assert_eq!(served_as(Coinbase::Advanced, symbol), advanced);
            assert_eq!(served_as(Coinbase::Exchange, symbol), symbol);
        }
    }

    #[test]
    fn canonical_names_lead_to_ids() {
        for (name, advanced, exchange) in [
            ("BTC-USD", Some("BTC-USD"), Some("BTC-USD")),
            ("BTC-USDT", Some("BTC-USDT"), Some("BTC-USDT")),
            ("BTC-USDC-PERP", Some("BTC-PERP-INTX"), None),
            ("BTC-USD-PERP", None, None),
        ] {
            let market = Canonical::parse(name).unwrap();
            assert_eq!(native(Coinbase::Advanced, &market).as_deref(), advanced, "{name}");
            assert_eq!(native(Coinbase::Exchange, &market).as_deref(), exchange, "{name}");
        }
    }
}
