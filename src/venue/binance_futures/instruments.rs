//! The symbols of Binance futures: lists of the same form as that of the spot market.
//!
//! Source: <https://developers.binance.com/docs/derivatives/usds-margined-futures/market-data/rest-api/Exchange-Information>
//! Source: <https://developers.binance.com/docs/derivatives/coin-margined-futures/market-data/rest-api/Exchange-Information>

use super::Market;
use crate::engine::event::DecodeError;
use crate::venue::binance::instruments;
use crate::venue::canonical::Kind;
use crate::venue::instrument::{Page, get};
use crate::venue::{RestRequest, Venue};

pub fn requests(market: Market, rest_url: &str) -> Vec<RestRequest> {
    vec![get(
        rest_url,
        match market {
            Market::Usdm => "/fapi/v1/exchangeInfo",
            Market::Coinm => "/dapi/v1/exchangeInfo",
        },
    )]
}

pub fn read(venue: &dyn Venue, body: &[u8]) -> Result<Page, DecodeError> {
    instruments::of_kind(venue, Kind::Perpetual, body)
}

#[cfg(test)]
mod tests {
    use crate::venue::binance_futures::BinanceFutures;
    use crate::venue::instrument::{lines_of, urls_of};

    #[test]
    fn the_list_in_dollars_is_asked_for_and_read() {
        assert_eq!(urls_of(&BinanceFutures::USDM), ["http://h/fapi/v1/exchangeInfo"]);
        let body = r#"{"exchangeFilters":[],"timezone":"UTC","assets":[{"asset":"USDT"}],"symbols":[
            {"symbol":"BTCUSDT","pair":"BTCUSDT","contractType":"PERPETUAL","deliveryDate":4133404800000,"status":"TRADING",
             "baseAsset":"BTC","quoteAsset":"USDT","marginAsset":"USDT","filters":[]},
            {"symbol":"BTCUSDT_261225","pair":"BTCUSDT","contractType":"CURRENT_QUARTER","status":"TRADING","baseAsset":"BTC",
             "quoteAsset":"USDT","marginAsset":"USDT"},
            {"symbol":"SRMUSDT","pair":"SRMUSDT","contractType":"PERPETUAL","status":"SETTLING","baseAsset":"SRM",
             "quoteAsset":"USDT"}]}"#;
        assert_eq!(lines_of(&BinanceFutures::USDM, body), ["BTCUSDT BTC-USDT-PERP", "BTCUSDT_261225"]);
    }

    #[test]
    fn the_list_in_coins_is_asked_for_and_read() {
        assert_eq!(urls_of(&BinanceFutures::COINM), ["http://h/dapi/v1/exchangeInfo"]);
        let body = r#"{"exchangeFilters":[],"rateLimits":[],"symbols":[
            {"filters":[],"symbol":"BTCUSD_261225","pair":"BTCUSD","contractType":"CURRENT_QUARTER","contractStatus":"TRADING",
             "contractSize":100,"quoteAsset":"USD","baseAsset":"BTC","marginAsset":"BTC"},
            {"symbol":"BTCUSD_PERP","pair":"BTCUSD","contractType":"PERPETUAL","contractStatus":"TRADING","quoteAsset":"USD",
             "baseAsset":"BTC"}]}"#;
        assert_eq!(lines_of(&BinanceFutures::COINM, body), ["BTCUSD_261225", "BTCUSD_PERP BTC-USD-PERP"]);
    }
}
