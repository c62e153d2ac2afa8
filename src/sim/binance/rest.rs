//! Binance's REST depth: its cost, its answer, its refusals.

use super::{Product, message};
use crate::engine::event::Side;
use crate::sim::market::ladder::{Frozen, Ladder};
use crate::sim::net::http::Head;

/// What a call asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Call {
    pub symbol: String,
    pub levels: usize,
    pub weight: u32,
}

/// Reads `/api/v3/depth?symbol=S&limit=N`, or its kin of the other products; `None` for any other path.
pub fn call(head: &Head, product: Product) -> Option<Call> {
    let (path, levels_max) = match product {
        Product::Spot => ("/api/v3/depth", 5_000),
        Product::Usdm => ("/fapi/v1/depth", 1_000),
        Product::Coinm => ("/dapi/v1/depth", 1_000),
    };
    if head.path != path {
        return None;
    }
    let levels = head.param("limit").map_or(Some(100), |n| n.parse().ok()).unwrap_or(0).min(levels_max);
    // Source: https://github.com/binance/binance-spot-api-docs rest-api.md, commit a5e0bc3.
    // Source: https://developers.binance.com/docs/derivatives/usds-margined-futures/market-data/rest-api/Order-Book
    let weight = match (product, levels) {
        (Product::Spot, 0..=100) => 5,
        (Product::Spot, 101..=500) => 25,
        (Product::Spot, 501..=1_000) => 50,
        (Product::Spot, _) => 250,
        (_, 0..=50) => 2,
        (_, 51..=100) => 5,
        (_, 101..=500) => 10,
        _ => 20,
    };
    Some(Call { symbol: head.param("symbol").unwrap_or("").to_owned(), levels, weight })
}

/// The book of one version; `crossed` puts a bid above the best ask.
pub fn body(ladder: &Ladder, frozen: &Frozen, levels: usize, crossed: bool, product: Product) -> String {
    // A number may lie between those of two events: one that another symbol has used up.
    let between = if product == Product::Spot { 0 } else { frozen.id % 3 };
    let mut out = format!("{{\"lastUpdateId\":{},\"bids\":", product.ids(frozen.id).1 + between);
    let above = frozen.levels(Side::Ask).next().filter(|_| crossed).map(|(p, s)| (p + ladder.spec().tick, s));
    message::levels(&mut out, ladder, above.into_iter().chain(frozen.levels(Side::Bid)).take(levels));
    out.push_str(",\"asks\":");
    message::levels(&mut out, ladder, frozen.levels(Side::Ask).take(levels));
    out.push('}');
    out
}

pub fn error(code: i32, message: &str) -> String {
    format!("{{\"code\":{code},\"msg\":\"{message}\"}}")
}

#[cfg(test)]
mod tests {
    use crate::sim::binance::Product;
    use crate::sim::net::http::{self, Parsed};

    #[test]
    fn weights_follow_the_limit() {
        let call = |target: &str| {
            let text = format!("GET {target} HTTP/1.1\r\n\r\n");
            let Parsed::Whole(head, _) = http::parse(text.as_bytes()) else { panic!("{target}") };
            super::call(&head, Product::Spot)
        };
        let cost =
            |limit: &str| call(&format!("/api/v3/depth?symbol=A{limit}")).map(|c| (c.levels, c.weight));
        assert_eq!(cost(""), Some((100, 5)));
        assert_eq!(cost("&limit=500"), Some((500, 25)));
        assert_eq!(cost("&limit=1000"), Some((1_000, 50)));
        assert_eq!(cost("&limit=9999"), Some((5_000, 250)));
        assert_eq!(call("/api/v3/time"), None);
    }
}
