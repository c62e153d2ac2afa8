//! Names of trading pairs: `tBTCUSD`, and with a colon where a part is longer than three letters: `tDOGE:USD`,
//! `tBTCF0:USTF0`. Case-sensitive.
//!
//! Source: <https://docs.bitfinex.com/docs/ws-general> ("Supported Pairs")

use crate::venue::canonical::{Canonical, Kind};

/// Longest name accepted, bytes. The longest known have 16.
const BYTES_MAX: usize = 40;

/// Checks a configured name.
pub fn check(symbol: &str) -> Result<(), String> {
    let expected = "expected a pair such as tBTCUSD or tDOGE:USD: t, then letters and digits in upper case";
    if symbol.is_empty() || symbol.len() > BYTES_MAX {
        return Err(format!("{expected}, 1 to {BYTES_MAX} bytes"));
    }
    let is_pair = |text: &str| match text.split_once(':') {
        Some((base, quote)) => is_name(base) && is_name(quote),
        None => is_name(text) && text.len() >= 6,
    };
    if symbol.strip_prefix('t').is_some_and(is_pair) {
        return Ok(());
    }
    if symbol.strip_prefix('f').is_some_and(is_name) {
        return Err(format!("{expected}; funding books (f…) are of another kind"));
    }
    let upper = symbol.to_ascii_uppercase();
    let likely = if symbol.starts_with('t') { &upper[1..] } else { &upper };
    if is_pair(likely) {
        Err(format!("{expected}; did you mean t{likely}?"))
    } else {
        Err(expected.to_owned())
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
}

/// What assets are called here that have longer names elsewhere.
///
/// The whole list is the venue's `pub:map:currency:sym`; these are the ones that several clients agree on.
/// Source: <https://docs.bitfinex.com/reference/rest-public-conf>
/// Source: <https://github.com/ccxt/ccxt/blob/master/ts/src/bitfinex.ts>
const SHORT_NAMES: [(&str, &str); 10] = [
    ("USDT", "UST"),
    ("USDC", "UDC"),
    ("EURT", "EUT"),
    ("TUSD", "TSD"),
    ("ALGO", "ALG"),
    ("ATOM", "ATO"),
    ("DASH", "DSH"),
    ("IOTA", "IOT"),
    ("MANA", "MNA"),
    ("QTUM", "QTM"),
];

/// How the assets of perpetuals end.
const PERPETUAL_END: &str = "F0";

/// The name of a pair or of a perpetual.
pub fn native(market: &Canonical) -> Option<String> {
    let end = match market.kind {
        Kind::Spot => "",
        Kind::Perpetual => PERPETUAL_END,
    };
    let short = |asset: &str| {
        let name = SHORT_NAMES.iter().find(|(long, _)| *long == asset).map_or(asset, |(_, short)| *short);
        format!("{name}{end}")
    };
    let (base, quote) = (short(&market.base), short(&market.quote));
    // Without a colon a pair is read as three letters and three.
    let colon = if base.len() == 3 && quote.len() == 3 { "" } else { ":" };
    Some(format!("t{base}{colon}{quote}"))
}

/// The market of a pair as lists give it, without the `t`.
pub fn market(pair: &str) -> Option<Canonical> {
    let (base, quote) = match pair.split_once(':') {
        Some(assets) => assets,
        None => pair.split_at_checked(3).filter(|(_, quote)| quote.len() == 3)?,
    };
    let perpetual = base.strip_suffix(PERPETUAL_END).zip(quote.strip_suffix(PERPETUAL_END));
    let (base, quote) = perpetual.unwrap_or((base, quote));
    let long = |asset: &str| {
        SHORT_NAMES.iter().find(|(_, short)| *short == asset).map(|(long, _)| (*long).to_owned())
    };
    let named = |asset: &str| long(asset).unwrap_or_else(|| asset.to_owned());
    let kind = if perpetual.is_some() { Kind::Perpetual } else { Kind::Spot };
    Some(Canonical { base: named(base), quote: named(quote), kind })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        for good in ["tBTCUSD", "tDOGE:USD", "tBTCF0:USTF0", "tTESTBTC:TESTUSD", "t1INCH:USD"] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in
            ["", "t", "tBTC", "tBTC/USD", "tBTC:", "t:USD", "tA:B:C", "tBTC\"USD", "tBTCUSÐ", "tBTC USD"]
        {
            assert!(check(bad).is_err(), "{bad}");
        }
        for (near, meant) in [("BTCUSD", "tBTCUSD?"), ("tbtcusd", "tBTCUSD?"), ("doge:usd", "tDOGE:USD?")] {
            assert!(check(near).unwrap_err().contains(meant), "{near}");
        }
        assert!(check("fUSD").unwrap_err().contains("funding"));
        assert!(check(&format!("t{}", "A".repeat(40))).is_err());
    }

    #[test]
    fn canonical_names_lead_to_pairs_and_back() {
        for (name, pair) in [
            ("BTC-USD", "tBTCUSD"),
            ("BTC-USDT", "tBTCUST"),
            ("DOGE-USD", "tDOGE:USD"),
            ("1INCH-USDT", "t1INCH:UST"),
            ("BTC-XAUT", "tBTC:XAUT"),
            ("IOTA-BTC", "tIOTBTC"),
            ("BTC-USDT-PERP", "tBTCF0:USTF0"),
            ("ETH-BTC-PERP", "tETHF0:BTCF0"),
        ] {
            let canonical = Canonical::parse(name).unwrap();
            assert_eq!(native(&canonical).as_deref(), Some(pair), "{name}");
            assert_eq!(market(&pair[1..]), Some(canonical), "{pair}");
            assert_eq!(check(pair), Ok(()));
        }
        for none in ["", "BTC", "BTCUS", "BTCUSDT", "B币USD"] {
            assert_eq!(market(none), None, "{none}");
        }
    }
}
