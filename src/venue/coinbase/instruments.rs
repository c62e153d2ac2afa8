//! The products of Coinbase.
//!
//! Source: <https://docs.cdp.coinbase.com/api-reference/advanced-trade-api/rest-api/public/list-public-products>
//! Source: <https://docs.cdp.coinbase.com/api-reference/exchange-api/rest-api/products/get-all-known-trading-pairs>

use super::Coinbase;
use crate::engine::event::DecodeError;
use crate::venue::RestRequest;
use crate::venue::canonical::{Canonical, Kind};
use crate::venue::instrument::{Instrument, Listed, Page, get, parse};
use crate::venue::text::percent_encoded;
use serde::Deserialize;
use std::borrow::Cow;

/// Products on a page: what other clients ask for, where the largest that is granted is not published.
const PAGE: u32 = 250;

#[derive(Deserialize)]
struct Answer<'b> {
    #[serde(borrow)]
    products: Listed<Product<'b>>,
    #[serde(default)]
    pagination: Pagination,
}

#[derive(Default, Deserialize)]
struct Pagination {
    #[serde(default)]
    has_next: bool,
    next_cursor: Option<String>,
}

/// Of either list; each leaves out some fields.
#[derive(Deserialize)]
struct Product<'b> {
    #[serde(borrow, alias = "product_id")]
    id: Cow<'b, str>,
    #[serde(default)]
    trading_disabled: bool,
    #[serde(default)]
    is_disabled: bool,
    #[serde(default)]
    cancel_only: bool,
    /// `online`, `delisted` and others; empty for some futures.
    #[serde(borrow, default)]
    status: Cow<'b, str>,
}

pub fn requests(feed: Coinbase, rest_url: &str) -> Vec<RestRequest> {
    vec![match feed {
        Coinbase::Advanced => get(rest_url, &format!("/api/v3/brokerage/market/products?limit={PAGE}")),
        Coinbase::Exchange => get(rest_url, "/products"),
    }]
}

pub fn read(feed: Coinbase, body: &[u8]) -> Result<Page, DecodeError> {
    let (products, pagination) = match feed {
        Coinbase::Advanced => {
            let answer: Answer<'_> = parse(body)?;
            (answer.products, answer.pagination)
        }
        Coinbase::Exchange => (parse(body)?, Pagination::default()),
    };
    let is_trading = |one: &Product<'_>| {
        !(one.trading_disabled || one.is_disabled || one.cancel_only) && matches!(&*one.status, "online" | "")
    };
    let trading = products.0.into_iter().filter(is_trading);
    let mut page = Page::whole(trading.filter_map(|one| Instrument::of(&feed, &one.id, market(&one.id))));
    let cursor = pagination.next_cursor.filter(|cursor| pagination.has_next && !cursor.is_empty());
    page.cursor = cursor.as_deref().map(percent_encoded);
    Ok(page)
}

/// What an id says: it is made of the assets.
fn market(id: &str) -> Option<Canonical> {
    if let Some(base) = id.strip_suffix("-PERP-INTX") {
        return Some(Canonical::new(base, "USDC", Kind::Perpetual));
    }
    id.split_once('-').map(|(base, quote)| Canonical::new(base, quote, Kind::Spot))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::venue::Venue;
    use crate::venue::instrument::{lines_of, urls_of};

    const ADVANCED: &str = r#"{"products":[
        {"product_id":"BTC-USD","price":"140.21","base_name":"Bitcoin","watched":true,"is_disabled":false,"new":true,
         "status":"online","cancel_only":false,"trading_disabled":false,"product_type":"SPOT","quote_currency_id":"USD",
         "fcm_trading_session_details":null,"alias":"","alias_to":["BTC-USDC"]},
        {"product_id":"BTC-USDC","status":"online","alias":"BTC-USD"},
        {"product_id":"OLD-USD","status":"delisted","trading_disabled":true},
        {"product_id":"GONE-USD","status":"","is_disabled":true},
        {"product_id":"BTC-PERP-INTX","status":"","product_type":"FUTURE",
         "future_product_details":{"contract_expiry_type":"PERPETUAL"}},
        {"product_id":"BIT-24APR26-CDE","status":"","product_type":"FUTURE"}],
        "num_products":6,"pagination":{"prev_cursor":"","next_cursor":"c+1","has_next":true,"has_prev":false}}"#;

    #[test]
    fn the_list_of_advanced_trade_is_asked_for_and_read() {
        let feed = Coinbase::Advanced;
        assert_eq!(urls_of(&feed), ["http://h/api/v3/brokerage/market/products?limit=250"]);
        assert_eq!(
            lines_of(&feed, ADVANCED),
            ["BTC-USD BTC-USD", "BTC-USDC BTC-USDC", "BTC-PERP-INTX BTC-USDC-PERP", "BIT-24APR26-CDE"]
        );
        let cursor = |text: &str| feed.instruments(text.as_bytes()).map(|page| page.cursor);
        assert_eq!(cursor(ADVANCED), Ok(Some("c%2B1".to_owned())));
        assert_eq!(cursor(&ADVANCED.replace("\"has_next\":true", "\"has_next\":false")), Ok(None));
        assert_eq!(cursor(&ADVANCED.replace("c+1", "")), Ok(None));
        assert_eq!(cursor(r#"{"products":[]}"#), Ok(None));
    }

    #[test]
    fn the_list_of_the_exchange_is_asked_for_and_read() {
        assert_eq!(urls_of(&Coinbase::Exchange), ["http://h/products"]);
        let body = r#"[{"id":"BTC-USD","base_currency":"BTC","quote_currency":"USD","quote_increment":"0.01",
            "display_name":"BTC/USD","post_only":false,"cancel_only":false,"status":"online","status_message":"",
            "trading_disabled":false,"auction_mode":false},
            {"id":"OLD-USD","status":"delisted","trading_disabled":true},
            {"id":"NEAR-USD","status":"online","cancel_only":true}]"#;
        assert_eq!(lines_of(&Coinbase::Exchange, body), ["BTC-USD BTC-USD"]);
    }
}
