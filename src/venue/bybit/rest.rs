//! Bybit REST: the call for a whole book, and what answers mean.
//!
//! An error mostly comes with status 200 and its number in the body.
//! Source: <https://bybit-exchange.github.io/docs/v5/market/full-ob>
//! Source: <https://bybit-exchange.github.io/docs/v5/error>

use super::Bybit;
use super::limits::FULL;
use crate::venue::text::{percent_encoded, retry_after};
use crate::venue::{RestReply, RestRequest, Verdict, answer};
use std::time::Duration;

/// An address that comes too often is to stay away for ten minutes at least. Those of some countries get the same status.
/// Source: <https://bybit-exchange.github.io/docs/v5/rate-limit>
pub const BAN_MIN: Duration = Duration::from_secs(600);

pub fn snapshot_request(rest_url: &str, symbol: &str) -> RestRequest {
    let (base, symbol) = (rest_url.trim_end_matches('/'), percent_encoded(symbol));
    let category = Bybit::Full.category();
    RestRequest {
        url: format!("{base}/v5/market/full_orderbook?category={category}&symbol={symbol}"),
        headers: vec![("Accept", "application/json".to_owned())],
        cost: FULL.rest.snapshot_cost,
    }
}

pub fn verdict(reply: &RestReply<'_>) -> Verdict {
    match (reply.status, answer::named(reply.body, "retCode")) {
        (200, Some("0") | None) => Verdict::Good,
        (200 | 429, Some(TOO_MANY_VISITS | SYSTEM_PROTECTION)) => {
            Verdict::Throttled { wait: retry_after(reply) }
        }
        (200, Some(SERVER_ERROR)) => Verdict::Failed,
        // A parameter, or an unknown symbol.
        (200, Some(_)) => Verdict::Refused,
        _ => answer::verdict(reply, Some(BAN_MIN)),
    }
}

const TOO_MANY_VISITS: &str = "10006";
const SYSTEM_PROTECTION: &str = "10429";
const SERVER_ERROR: &str = "10016";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_call_is_addressed() {
        let request = snapshot_request("https://api.bybit.com/", "BTCUSDT");
        let url = "https://api.bybit.com/v5/market/full_orderbook?category=spot&symbol=BTCUSDT";
        assert_eq!((request.url.as_str(), request.cost), (url, 1));
        let odd = snapshot_request("https://api.bybit.com", "A&B");
        assert!(odd.url.ends_with("symbol=A%26B"), "{}", odd.url);
    }

    #[test]
    fn answers_are_judged_by_their_number_first() {
        let headers = [("retry-after".to_owned(), "3".to_owned())];
        let judged = |status, body: &str| verdict(&RestReply { status, headers: &[], body: body.as_bytes() });
        let code = |code: i64| format!(r#"{{"retCode":{code},"retMsg":"x","result":{{}}}}"#);
        assert_eq!(judged(200, &code(0)), Verdict::Good);
        assert_eq!(judged(200, "<html>"), Verdict::Good, "left to who reads the book");
        for busy in [10_006, 10_429] {
            assert_eq!(judged(200, &code(busy)), Verdict::Throttled { wait: None });
            assert_eq!(judged(429, &code(busy)), Verdict::Throttled { wait: None });
        }
        assert_eq!(judged(429, ""), Verdict::Throttled { wait: None });
        assert_eq!(judged(200, &code(10_016)), Verdict::Failed);
        assert_eq!(judged(200, &code(10_001)), Verdict::Refused);
        for said in ["access too frequent", &code(10_006)] {
            assert_eq!(judged(403, said), Verdict::Banned { wait: Some(BAN_MIN) });
        }
        assert_eq!(judged(404, ""), Verdict::Refused);
        assert_eq!(judged(503, &code(0)), Verdict::Failed);
        let body = code(10_006);
        let told = RestReply { status: 200, headers: &headers, body: body.as_bytes() };
        assert_eq!(verdict(&told), Verdict::Throttled { wait: Some(Duration::from_secs(3)) });
    }
}
