//! The symbols of Binance, of the spot market and of both kinds of futures.
//!
//! Source: <https://developers.binance.com/docs/binance-spot-api-docs/rest-api/general-endpoints#exchange-information>
//! Source: <https://developers.binance.com/docs/derivatives/usds-margined-futures/market-data/rest-api/Exchange-Information>
//! Source: <https://developers.binance.com/docs/derivatives/coin-margined-futures/market-data/rest-api/Exchange-Information>

use crate::engine::event::DecodeError;
use crate::venue::canonical::{Canonical, Kind};
use crate::venue::instrument::{Instrument, Listed, Page, get, parse};
use crate::venue::{RestRequest, Venue};
use serde::Deserialize;
use std::borrow::Cow;

#[derive(Deserialize)]
struct Answer<'b> {
    #[serde(borrow)]
    symbols: Listed<Symbol<'b>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Symbol<'b> {
    #[serde(borrow)]
    symbol: Cow<'b, str>,
    /// Contracts margined in the coin call it the contract's.
    #[serde(borrow, alias = "contractStatus")]
    status: Cow<'b, str>,
    #[serde(borrow)]
    base_asset: Cow<'b, str>,
    #[serde(borrow)]
    quote_asset: Cow<'b, str>,
}

pub fn requests(rest_url: &str) -> Vec<RestRequest> {
    vec![get(rest_url, "/api/v3/exchangeInfo")]
}

pub fn read(venue: &dyn Venue, body: &[u8]) -> Result<Page, DecodeError> {
    of_kind(venue, Kind::Spot, body)
}

/// The list of a market of this kind. A dated future has no canonical name: that of its pair leads to the perpetual.
pub fn of_kind(venue: &dyn Venue, kind: Kind, body: &[u8]) -> Result<Page, DecodeError> {
    let answer: Answer<'_> = parse(body)?;
    let trading = answer.symbols.0.into_iter().filter(|one| one.status == "TRADING");
    Ok(Page::whole(trading.filter_map(|one| {
        let market = Canonical::new(&one.base_asset, &one.quote_asset, kind);
        Instrument::of(venue, &one.symbol, Some(market))
    })))
}

#[cfg(test)]
mod tests {
    use crate::venue::binance::Binance;
    use crate::venue::instrument::{lines_of, urls_of};

    #[test]
    fn the_list_is_asked_for_and_read() {
        assert_eq!(urls_of(&Binance), ["http://h/api/v3/exchangeInfo"]);
        let body = r#"{"timezone":"UTC","serverTime":1565246363776,"rateLimits":[{}],"exchangeFilters":[],"symbols":[
            {"symbol":"ETHBTC","status":"TRADING","baseAsset":"ETH","baseAssetPrecision":8,"quoteAsset":"BTC",
             "orderTypes":["LIMIT"],"filters":[{"filterType":"PRICE_FILTER"}],"permissionSets":[["SPOT","MARGIN"]]},
            {"symbol":"BCCBTC","status":"BREAK","baseAsset":"BCC","quoteAsset":"BTC"},
            {"symbol":"币安人生USDT","status":"TRADING","baseAsset":"币安人生","quoteAsset":"USDT"},
            {"symbol":"BTC\u0055SDT","status":"TRADING","baseAsset":"BTC","quoteAsset":"USDT"}]}"#;
        assert_eq!(lines_of(&Binance, body), ["ETHBTC ETH-BTC", "币安人生USDT", "BTCUSDT BTC-USDT"]);
    }
}
