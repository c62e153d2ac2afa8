//! OKX REST: the book call, and what answers mean.
//!
//! An error mostly comes with status 200 and its number in the body.
//! Source: <https://www.okx.com/docs-v5/en/#order-book-trading-market-data-get-order-book>
//! Source: <https://www.okx.com/docs-v5/en/#error-code-rest-api>

use super::limits::{BOOK_LEVELS, PROFILE};
use crate::venue::text::{percent_encoded, retry_after};
use crate::venue::{RestReply, RestRequest, UpgradeRefusal, Verdict, answer};
use std::time::Duration;

/// Used where a refusal by the firewall names no time; the venue publishes none.
const BAN_MIN: Duration = Duration::from_secs(120);

/// `source=0` is in the call that the venue published for seeding books (change log of 2026-02-12), the only one said to
/// answer with the stream's number. Older documents do not know it, and other calls pass over what they do not know.
pub fn snapshot_request(rest_url: &str, symbol: &str) -> RestRequest {
    let (base, symbol) = (rest_url.trim_end_matches('/'), percent_encoded(symbol));
    RestRequest {
        url: format!("{base}/api/v5/market/books?instId={symbol}&sz={BOOK_LEVELS}&source=0"),
        headers: vec![("Accept", "application/json".to_owned())],
        cost: PROFILE.rest.snapshot_cost,
    }
}

pub fn verdict(reply: &RestReply<'_>) -> Verdict {
    let (wait, code) = (retry_after(reply), answer::named(reply.body, "code"));
    match (reply.status, code) {
        (429, _) | (200..=499, Some("50011" | "50061")) => Verdict::Throttled { wait },
        (200, Some("0") | None) => Verdict::Good,
        // 51xxx: a parameter, an unknown or a suspended instrument.
        (200, Some(code)) if code.starts_with("51") => Verdict::Refused,
        // 50xxx: unavailable, timed out, busy.
        (200, Some(_)) => Verdict::Failed,
        // The firewall names no time.
        (403 | 418, _) => Verdict::Banned { wait: wait.or(Some(BAN_MIN)) },
        // 451: not served in this country.
        (401 | 451, _) => Verdict::Denied,
        (408, _) => Verdict::Failed,
        (400..=499, _) => Verdict::Refused,
        _ => Verdict::Failed,
    }
}

pub fn upgrade_refused(reply: &RestReply<'_>) -> UpgradeRefusal {
    let wait = match reply.status {
        403 | 418 => Some(retry_after(reply).unwrap_or(BAN_MIN)),
        _ => retry_after(reply),
    };
    UpgradeRefusal { wait, fatal: matches!(reply.status, 401 | 451) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(n: u64) -> Option<Duration> {
        Some(Duration::from_secs(n))
    }

    #[test]
    fn the_call_is_addressed() {
        let request = snapshot_request("https://www.okx.com/", "BTC-USDT-SWAP");
        let url = "https://www.okx.com/api/v5/market/books?instId=BTC-USDT-SWAP&sz=400&source=0";
        assert_eq!((request.url.as_str(), request.cost), (url, 1));
        assert!(snapshot_request("http://127.0.0.1:1", "A&B").url.contains("instId=A%26B&"));
    }

    #[test]
    fn answers_are_judged() {
        let after = [("retry-after".to_owned(), "7".to_owned())];
        let none = &[][..];
        let body = |code: &str| format!(r#"{{"code":"{code}","msg":"x","data":[]}}"#).into_bytes();
        for (status, headers, body, want) in [
            (200, none, body("0"), Verdict::Good),
            (200, none, b"<html>".to_vec(), Verdict::Good),
            (200, none, body("50011"), Verdict::Throttled { wait: None }),
            (429, &after[..], body("50011"), Verdict::Throttled { wait: seconds(7) }),
            (429, none, vec![], Verdict::Throttled { wait: None }),
            (200, none, body("51001"), Verdict::Refused),
            (200, none, body("50001"), Verdict::Failed),
            (400, none, body("50011"), Verdict::Throttled { wait: None }),
            (400, none, body("51000"), Verdict::Refused),
            (404, none, vec![], Verdict::Refused),
            (403, none, vec![], Verdict::Banned { wait: seconds(120) }),
            (403, &after, vec![], Verdict::Banned { wait: seconds(7) }),
            (401, none, vec![], Verdict::Denied),
            (451, none, vec![], Verdict::Denied),
            (408, none, vec![], Verdict::Failed),
            (503, none, body("50001"), Verdict::Failed),
            (301, none, vec![], Verdict::Failed),
            (0, none, vec![], Verdict::Failed),
        ] {
            assert_eq!(verdict(&RestReply { status, headers, body: &body }), want, "{status}");
        }
    }

    #[test]
    fn refused_upgrades_are_judged() {
        let judge = |status| {
            let refusal = upgrade_refused(&RestReply { status, headers: &[], body: b"" });
            (refusal.wait.map(|wait| wait.as_secs()), refusal.fatal)
        };
        assert_eq!(
            [403, 429, 451, 503].map(judge),
            [(Some(120), false), (None, false), (None, true), (None, false)]
        );
    }
}
