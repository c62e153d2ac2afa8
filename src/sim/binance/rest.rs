//! Binance's REST depth: its cost, its answer, its refusals.

use super::message;
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

/// Reads `/api/v3/depth?symbol=S&limit=N`; `None` for any other path.
pub fn call(head: &Head) -> Option<Call> {
    if head.path != "/api/v3/depth" {
        return None;
    }
    let levels = head.param("limit").map_or(Some(100), |n| n.parse().ok()).unwrap_or(0).min(5_000);
    // Source: https://github.com/binance/binance-spot-api-docs rest-api.md, commit a5e0bc3.
    let weight = match levels {
        0..=100 => 5,
        101..=500 => 25,
        501..=1_000 => 50,
        _ => 250,
    };
    Some(Call { symbol: head.param("symbol").unwrap_or("").to_owned(), levels, weight })
}

/// The book of one version; `crossed` puts a bid above the best ask.
pub fn body(ladder: &Ladder, frozen: &Frozen, levels: usize, crossed: bool) -> String {
    let mut out = format!("{{\"lastUpdateId\":{},\"bids\":", frozen.id);
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
    use crate::sim::net::http::{self, Parsed};

    #[test]
    fn weights_follow_the_limit() {
        let call = |target: &str| {
            let text = format!("GET {target} HTTP/1.1\r\n\r\n");
            let Parsed::Whole(head, _) = http::parse(text.as_bytes()) else { panic!("{target}") };
            super::call(&head)
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
