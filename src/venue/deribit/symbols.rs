//! Deribit instrument names: `BTC-PERPETUAL`, `BTC-27DEC26`, `ETH_USDC-27DEC26-3000-C`, `BTC_USDC`.
//!
//! Source: <https://nautilustrader.io/docs/rust-api-latest/nautilus_deribit/common/parse/fn.parse_instrument_kind_currency.html>

use crate::venue::canonical::{Canonical, Kind};

/// Longest name accepted, bytes. The longest known have some thirty.
const BYTES_MAX: usize = 48;

const EXPECTED: &str = "expected an instrument such as BTC-PERPETUAL, BTC-27DEC26 or BTC-27DEC26-60000-C";

/// Checks a configured name.
pub fn check(symbol: &str) -> Result<(), String> {
    if symbol.is_empty() || symbol.len() > BYTES_MAX {
        return Err(format!("{EXPECTED}, 1 to {BYTES_MAX} bytes"));
    }
    let mut parts = symbol.split('-');
    let is_part =
        |part: &str| part.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_') && !part.is_empty();
    if !parts.clone().all(is_part) {
        return Err(format!("{EXPECTED}: letters, digits, `_` and `-`"));
    }
    let upper = upper(symbol);
    if upper != symbol {
        return Err(format!("{EXPECTED}; did you mean {upper}?"));
    }
    // What follows the currency is a date or this word; in a combination it is the kind of combination.
    match parts.nth(1) {
        Some(kind) if kind != "PERPETUAL" && !kind.starts_with(|c: char| c.is_ascii_digit()) => {
            Err(format!("{EXPECTED}; combinations have prices of zero and below, which no book here holds"))
        }
        _ => Ok(()),
    }
}

/// In upper case, but for the `d` that is the point of a strike (`0d55`).
fn upper(symbol: &str) -> String {
    let bytes = symbol.as_bytes();
    let is_digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
    let letter = |(at, c): (usize, char)| {
        let is_point = c == 'd' && is_digit(at.checked_sub(1)) && is_digit(at.checked_add(1));
        if is_point { c } else { c.to_ascii_uppercase() }
    };
    symbol.char_indices().map(letter).collect()
}

/// The name of a spot market or of a perpetual. One in dollars is settled in the coin and named by it alone; the others are
/// named by both.
pub fn native(market: &Canonical) -> Option<String> {
    let Canonical { base, quote, kind } = market;
    match kind {
        // The names of this venue itself have a date or a word after the dash: BTC-27DEC26, BTC-PERPETUAL.
        Kind::Spot => {
            let is_asset = quote.bytes().all(|c| c.is_ascii_alphabetic()) && !is_perpetual(quote);
            is_asset.then(|| format!("{base}_{quote}"))
        }
        Kind::Perpetual if quote.eq_ignore_ascii_case("USD") => Some(format!("{base}-PERPETUAL")),
        Kind::Perpetual => Some(format!("{base}_{quote}-PERPETUAL")),
    }
}

fn is_perpetual(word: &str) -> bool {
    word.eq_ignore_ascii_case("PERPETUAL")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        for good in [
            "BTC-PERPETUAL",
            "SOL_USDC-PERPETUAL",
            "BTC-27DEC26",
            "BTC-27DEC26-60000-C",
            "XRP_USDC-30JUN27-0d55-P",
            "BTC_USDC",
            "BTCDVOL_USDC-27DEC26",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in
            ["", "BTC.PERPETUAL", "BTC-", "-PERPETUAL", "BTC PERPETUAL", "BTC\"", "币-PERPETUAL", "A/B"]
        {
            assert!(check(bad).is_err(), "{bad}");
        }
        for (small, big) in [
            ("btc-perpetual", "BTC-PERPETUAL"),
            ("xrp_usdc-30jun27-0d55-p", "XRP_USDC-30JUN27-0d55-P"),
            ("BTC_USDd", "BTC_USDD"),
        ] {
            assert!(check(small).unwrap_err().contains(&format!("did you mean {big}?")), "{small}");
        }
        for combination in ["BTC-FS-27DEC26_PERP", "ETH-CS-27DEC26-3000_3200"] {
            assert!(check(combination).unwrap_err().contains("combinations"), "{combination}");
        }
        assert!(check(&"A".repeat(49)).is_err());
    }

    /// The symbol that a canonical name leads to.
    fn named(name: &str) -> Option<String> {
        Canonical::parse(name).as_ref().and_then(native)
    }

    #[test]
    fn canonical_names_lead_to_symbols() {
        for (name, symbol) in [
            ("BTC-USDC", "BTC_USDC"),
            ("BTC-USD-PERP", "BTC-PERPETUAL"),
            ("BTC-USDC-PERP", "BTC_USDC-PERPETUAL"),
            ("SOL-USDC-PERP", "SOL_USDC-PERPETUAL"),
        ] {
            assert_eq!(named(name).as_deref(), Some(symbol), "{name}");
            assert_eq!(check(symbol), Ok(()));
        }
        for name in ["BTC-PERPETUAL", "btc-perpetual", "BTC-27DEC26", "BTC-27DEC26-60000-C"] {
            assert_eq!(named(name), None, "{name}");
        }
    }
}
