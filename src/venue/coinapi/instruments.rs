//! The symbols of CoinAPI: hundreds of thousands, so that only those are asked for whose id holds what is looked for.
//!
//! An id names its exchange, so none has a canonical name.
//! Source: <https://docs.coinapi.io/market-data/rest-api/metadata/list-all-symbols-get>

use super::KEY_HEADER;
use crate::engine::event::DecodeError;
use crate::venue::instrument::{Instrument, Listed, Page, get, parse};
use crate::venue::text::percent_encoded;
use crate::venue::{RestRequest, Venue};
use serde::Deserialize;
use std::borrow::Cow;

#[derive(Deserialize)]
struct Symbol<'b> {
    /// May be null, which is why it is read in this way: it must be there all the same.
    #[serde(borrow, deserialize_with = "Deserialize::deserialize")]
    symbol_id: Option<Cow<'b, str>>,
}

pub fn requests(rest_url: &str, part: Option<&str>, key: Option<&str>) -> Result<Vec<RestRequest>, String> {
    let Some(part) = part.filter(|part| !part.is_empty()) else {
        return Err("it has hundreds of thousands: give a part of the id, such as KRAKEN_SPOT_BTC".to_owned());
    };
    let Some(key) = key else { return Err("it needs the key, in COINAPI_KEY".to_owned()) };
    let part = percent_encoded(&part.to_ascii_uppercase());
    let mut request = get(rest_url, &format!("/v1/symbols?filter_symbol_id={part}"));
    request.headers.push((KEY_HEADER, key.to_owned()));
    Ok(vec![request])
}

pub fn read(venue: &dyn Venue, body: &[u8]) -> Result<Page, DecodeError> {
    let symbols: Listed<Symbol<'_>> = parse(body)?;
    let ids = symbols.0.into_iter().filter_map(|one| one.symbol_id);
    Ok(Page::whole(ids.filter_map(|id| Instrument::of(venue, &id, None))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::venue::coinapi::CoinApi;
    use crate::venue::instrument::lines_of;

    #[test]
    fn a_part_of_the_list_is_asked_for_and_read() {
        let asked = requests("http://h/", Some("kraken_spot_"), Some("k")).unwrap();
        assert_eq!(asked.len(), 1);
        assert_eq!(asked[0].url, "http://h/v1/symbols?filter_symbol_id=KRAKEN_SPOT_");
        assert!(asked[0].headers.contains(&(KEY_HEADER, "k".to_owned())));
        let body = r#"[{"symbol_id":"BITSTAMP_SPOT_BTC_USD","exchange_id":"BITSTAMP","symbol_type":"SPOT",
            "asset_id_base":"BTC","asset_id_quote":"USD","price_precision":0.01},{"symbol_id":null},
            {"symbol_id":"DERIBIT_OPT_BTC_USD_261225_60000_C","option_type_is_call":true}]"#;
        assert_eq!(lines_of(&CoinApi, body), ["BITSTAMP_SPOT_BTC_USD", "DERIBIT_OPT_BTC_USD_261225_60000_C"]);
    }

    #[test]
    fn what_is_missing_is_said() {
        let refused = |part, key| requests("http://h", part, key).err().unwrap_or_default();
        assert!(refused(None, Some("k")).contains("KRAKEN_SPOT_BTC"));
        assert!(refused(Some(""), Some("k")).contains("KRAKEN_SPOT_BTC"));
        assert!(refused(Some("BTC"), None).contains("COINAPI_KEY"));
    }
}
