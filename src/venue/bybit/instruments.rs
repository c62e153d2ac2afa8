//! The symbols of Bybit, by class. The list of the spot market comes whole, those of contracts in pages.
//!
//! Source: <https://bybit-exchange.github.io/docs/v5/market/instrument>

use super::Bybit;
use crate::engine::event::DecodeError;
use crate::venue::RestRequest;
use crate::venue::canonical::{Canonical, Kind};
use crate::venue::instrument::{Instrument, Listed, Page, get, parse};
use serde::Deserialize;
use std::borrow::Cow;

/// The largest page there is: twice the default, and most lists in one.
const PAGE: u32 = 1_000;

#[derive(Deserialize)]
struct Answer<'b> {
    #[serde(borrow)]
    result: Answered<'b>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answered<'b> {
    #[serde(borrow)]
    list: Listed<Symbol<'b>>,
    #[serde(default)]
    next_page_cursor: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Symbol<'b> {
    #[serde(borrow)]
    symbol: Cow<'b, str>,
    #[serde(borrow)]
    status: Cow<'b, str>,
    #[serde(borrow)]
    base_coin: Cow<'b, str>,
    #[serde(borrow)]
    quote_coin: Cow<'b, str>,
}

pub fn requests(class: Bybit, rest_url: &str) -> Vec<RestRequest> {
    let category = class.category();
    vec![get(rest_url, &format!("/v5/market/instruments-info?category={category}&limit={PAGE}"))]
}

pub fn read(class: Bybit, body: &[u8]) -> Result<Page, DecodeError> {
    let Answered { list, next_page_cursor } = parse::<Answer<'_>>(body)?.result;
    let kind = match class {
        Bybit::Spot | Bybit::Full => Kind::Spot,
        Bybit::Linear | Bybit::Inverse => Kind::Perpetual,
    };
    let trading = list.0.into_iter().filter(|one| one.status == "Trading");
    let mut page = Page::whole(trading.filter_map(|one| {
        Instrument::of(&class, &one.symbol, Some(Canonical::new(&one.base_coin, &one.quote_coin, kind)))
    }));
    // The venue has it percent-encoded already.
    if !next_page_cursor.bytes().all(|c| c.is_ascii_alphanumeric() || b"%-._~".contains(&c)) {
        return Err(DecodeError::BadField("nextPageCursor"));
    }
    page.cursor = Some(next_page_cursor).filter(|cursor| !cursor.is_empty());
    Ok(page)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::venue::Venue;
    use crate::venue::instrument::{lines_of, urls_of};

    #[test]
    fn the_list_of_spot_is_asked_for_and_read() {
        assert_eq!(urls_of(&Bybit::Spot), ["http://h/v5/market/instruments-info?category=spot&limit=1000"]);
        let body = r#"{"retCode":0,"retMsg":"OK","result":{"category":"spot","list":[
            {"symbol":"BTCUSDT","baseCoin":"BTC","quoteCoin":"USDT","innovation":"0","status":"Trading","marginTrading":"both",
             "lotSizeFilter":{"basePrecision":"0.000001"}}]},"retExtInfo":{},"time":1672712468011}"#;
        assert_eq!(lines_of(&Bybit::Spot, body), ["BTCUSDT BTC-USDT"]);
        let refused = br#"{"retCode":10001,"retMsg":"params error","result":{},"retExtInfo":{},"time":1}"#;
        assert!(Bybit::Spot.instruments(refused).is_err());
    }

    #[test]
    fn the_lists_of_contracts_are_asked_for_and_read() {
        let url = |class: &str| format!("http://h/v5/market/instruments-info?category={class}&limit=1000");
        assert_eq!(urls_of(&Bybit::Linear), [url("linear")]);
        assert_eq!(urls_of(&Bybit::Inverse), [url("inverse")]);
        let body = r#"{"retCode":0,"retMsg":"OK","result":{"category":"linear","list":[
            {"symbol":"BTCUSDT","contractType":"LinearPerpetual","status":"Trading","baseCoin":"BTC","quoteCoin":"USDT",
             "launchTime":"1584230400000","preListingInfo":null},
            {"symbol":"BTCPERP","contractType":"LinearPerpetual","status":"Trading","baseCoin":"BTC","quoteCoin":"USDC"},
            {"symbol":"BTC-26DEC25","contractType":"LinearFutures","status":"Trading","baseCoin":"BTC","quoteCoin":"USDC"},
            {"symbol":"NEWUSDT","contractType":"LinearPerpetual","status":"PreLaunch","baseCoin":"NEW","quoteCoin":"USDT"}],
            "nextPageCursor":"first%3DBTC"},"time":1}"#;
        assert_eq!(
            lines_of(&Bybit::Linear, body),
            ["BTCUSDT BTC-USDT-PERP", "BTCPERP BTC-USDC-PERP", "BTC-26DEC25"]
        );
        let cursor = |body: &str| Bybit::Linear.instruments(body.as_bytes()).map(|page| page.cursor);
        assert_eq!(cursor(body), Ok(Some("first%3DBTC".to_owned())));
        assert_eq!(cursor(&body.replace("first%3DBTC", "")), Ok(None));
        assert!(cursor(&body.replace("first%3DBTC", "a&category=spot")).is_err());
    }
}
