//! Binance symbol names.
//!
//! REST and payloads write them in upper case, stream names in lower case. They need not be ASCII.
//! Source: <https://github.com/binance/binance-spot-api-docs/blob/master/CHANGELOG.md> (2025-12, UTF-8 symbols)

/// Longest name accepted, bytes. Names are up to 20 characters; a UTF-8 character is at most four bytes.
const BYTES_MAX: usize = 80;

/// Checks a configured name; `example` is one of the market's own.
pub fn check(symbol: &str, example: &str) -> Result<(), String> {
    let expected = format!("expected a name such as {example}: letters and digits in upper case");
    if symbol.is_empty() || symbol.len() > BYTES_MAX {
        return Err(format!("{expected}, 1 to {BYTES_MAX} bytes"));
    }
    if symbol.chars().any(|c| c.is_lowercase()) {
        return Err(format!("{expected}; did you mean {}?", symbol.to_uppercase()));
    }
    if symbol.chars().all(|c| c.is_alphanumeric() || "-_.".contains(c)) { Ok(()) } else { Err(expected) }
}

/// The form stream names carry.
pub fn key(symbol: &str) -> String {
    symbol.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        let check = |symbol| check(symbol, "BTCUSDT");
        for good in ["BTCUSDT", "1000SATSUSDT", "币安人生USDT", "A_B-C.D"] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in ["", "BTC/USDT", "BTC USDT", "BTC@USDT", "BTC\"", "A?B", "A&B", "A\n"] {
            assert!(check(bad).is_err(), "{bad}");
        }
        assert!(check("btcusdt").unwrap_err().contains("BTCUSDT"));
        assert!(check(&"A".repeat(81)).is_err());
        assert_eq!(key("BTCUSDT"), "btcusdt");
        assert_eq!(key("币安人生USDT"), "币安人生usdt");
    }
}
