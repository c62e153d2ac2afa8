//! The pairs of Kraken. Those of tokenized shares are no part of this list.
//!
//! Source: <https://docs.kraken.com/api/docs/rest-api/get-tradable-asset-pairs>

use super::symbols;
use crate::engine::event::DecodeError;
use crate::venue::canonical::{Canonical, Kind};
use crate::venue::instrument::{Instrument, Page, Values, get, parse};
use crate::venue::{RestRequest, Venue};
use serde::Deserialize;
use std::borrow::Cow;

#[derive(Deserialize)]
struct Answer<'b> {
    #[serde(borrow)]
    result: Values<Pair<'b>>,
}

#[derive(Deserialize)]
struct Pair<'b> {
    /// Pairs that are on no stream have none.
    #[serde(borrow)]
    wsname: Option<Cow<'b, str>>,
    #[serde(borrow)]
    status: Option<Cow<'b, str>>,
}

/// States in which orders meet: in `post_only` and `cancel_only` none do.
const TRADING: [&str; 3] = ["online", "limit_only", "reduce_only"];

pub fn requests(rest_url: &str) -> Vec<RestRequest> {
    vec![get(rest_url, "/0/public/AssetPairs")]
}

pub fn read(venue: &dyn Venue, body: &[u8]) -> Result<Page, DecodeError> {
    let answer: Answer<'_> = parse(body)?;
    let is_trading = |pair: &Pair<'_>| pair.status.as_deref().is_none_or(|state| TRADING.contains(&state));
    Ok(Page::whole(answer.result.0.into_iter().filter(is_trading).filter_map(|pair| {
        // Written as v1 of the stream does, where Bitcoin is XBT.
        let (base, quote) = symbols::renamed(pair.wsname.as_deref()?)?;
        let symbol = format!("{base}/{quote}");
        Instrument::of(venue, &symbol, Some(Canonical::new(&base, &quote, Kind::Spot)))
    })))
}

#[cfg(test)]
mod tests {
    use crate::venue::instrument::{lines_of, urls_of};
    use crate::venue::kraken::Kraken;

    #[test]
    fn the_list_is_asked_for_and_read() {
        assert_eq!(urls_of(&Kraken), ["http://h/0/public/AssetPairs"]);
        let body = r#"{"error":[],"result":{
            "XETHXXBT":{"altname":"ETHXBT","wsname":"ETH/XBT","aclass_base":"currency","base":"XETH","quote":"XXBT",
                "leverage_buy":[2,3],"fees":[[0,0.26]],"ordermin":"0.01","status":"online"},
            "XXDGZUSD":{"altname":"XDGUSD","wsname":"XDG/USD","status":"limit_only"},
            "BTCGBP":{"altname":"BTCGBP","wsname":"BTC/GBP","status":"online"},
            "ETH2.SETH":{"altname":"ETH2.SETH","wsname":"ETH2.S/ETH","status":"online"},
            "OLDUSD":{"altname":"OLDUSD","wsname":"OLD/USD","status":"cancel_only"},
            "XXBTZEUR.d":{"altname":"XBTEUR.d"}}}"#;
        assert_eq!(
            lines_of(&Kraken, body),
            ["ETH/BTC ETH-BTC", "DOGE/USD DOGE-USD", "BTC/GBP BTC-GBP", "ETH2.S/ETH"]
        );
    }
}
