//! CoinAPI symbol ids, such as `BITSTAMP_SPOT_BTC_USD` or `DERIBIT_OPT_BTC_USD_240329_50000_C`.
//!
//! Source: <https://docs.coinapi.io/market-data/rest-api/metadata>

/// Longest id accepted, bytes. Option ids with a suffix come to about 60.
const BYTES_MAX: usize = 100;

/// Checks a configured id: `EXCHANGE_KIND_NAME…`, upper case.
pub fn check(symbol: &str) -> Result<(), String> {
    let expected = "expected an id such as BITSTAMP_SPOT_BTC_USD";
    if symbol.is_empty() || symbol.len() > BYTES_MAX {
        return Err(format!("{expected}, 1 to {BYTES_MAX} bytes"));
    }
    if symbol.bytes().any(|b| b.is_ascii_lowercase()) {
        return Err(format!("{expected}, in upper case; did you mean {}?", symbol.to_ascii_uppercase()));
    }
    if let Some(bare) = symbol.strip_suffix('$') {
        return Err(format!("{expected}; the $ of an exact match is added by depthd, write {bare}"));
    }
    // An empty part or a list separator would turn one symbol into a prefix of many.
    let has_parts = symbol.split('_').count() >= 3 && symbol.split('_').all(|part| !part.is_empty());
    if has_parts && symbol.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.:+".contains(&b)) {
        Ok(())
    } else {
        Err(expected.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_checked() {
        for good in [
            "BITSTAMP_SPOT_BTC_USD",
            "BINANCEFTS_PERP_BTC_USDT",
            "DERIBIT_OPT_BTC_USD_240329_50000_C",
            "X_IDX_A",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "BTCUSD",
            "BITSTAMP",
            "BITSTAMP_SPOT_",
            "BITSTAMP__BTC",
            "A_B_C,D_E_F",
            "A_B_C;D",
            "A_B_C D",
            "A_B_C\"",
            "A_B_Ç",
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
        assert!(check("bitstamp_spot_btc_usd").unwrap_err().contains("BITSTAMP_SPOT_BTC_USD"));
        assert!(check("BITSTAMP_SPOT_BTC_USD$").unwrap_err().ends_with("write BITSTAMP_SPOT_BTC_USD"));
        assert!(check(&"A_B_C".repeat(30)).is_err());
    }
}
