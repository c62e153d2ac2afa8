//! Binance REST: the depth call, and what answers mean.
//!
//! Source: rest-api.md, "IP Limits" and "Order book"; errors.md.

use super::limits::REST_LEVELS;
use crate::venue::text::{percent_encoded, retry_after};
use crate::venue::{RestReply, RestRequest, UpgradeRefusal, Verdict, answer};
use std::time::Duration;

/// The shortest ban there is; used where a refusal names no time.
const BAN_MIN: Duration = Duration::from_secs(120);

/// Too many requests; also sent with other statuses than 429.
const TOO_MANY_REQUESTS: &str = "-1003";

/// The depth call of a market, at its own path and cost.
pub fn depth_request(rest_url: &str, path: &str, symbol: &str, cost: u32) -> RestRequest {
    let (base, symbol) = (rest_url.trim_end_matches('/'), percent_encoded(symbol));
    RestRequest {
        url: format!("{base}{path}?symbol={symbol}&limit={REST_LEVELS}"),
        headers: vec![("Accept", "application/json".to_owned())],
        cost,
    }
}

pub fn verdict(reply: &RestReply<'_>) -> Verdict {
    let wait = retry_after(reply);
    match reply.status {
        200 => Verdict::Good,
        429 => Verdict::Throttled { wait },
        418 => Verdict::Banned { wait },
        // The firewall: it also speaks up about rates, and names no time.
        403 => Verdict::Banned { wait: wait.or(Some(BAN_MIN)) },
        // 451: not served in this country.
        401 | 451 => Verdict::Denied,
        408 => Verdict::Failed,
        400..=499 if answer::named(reply.body, "code") == Some(TOO_MANY_REQUESTS) => {
            Verdict::Throttled { wait }
        }
        400..=499 => Verdict::Refused,
        _ => Verdict::Failed,
    }
}

/// Weight this address used in the running clock minute.
pub fn used_weight(reply: &RestReply<'_>) -> Option<u32> {
    reply.header("x-mbx-used-weight-1m")?.parse().ok()
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
    use crate::engine::bucket::Bucket;
    use crate::engine::time::Mono;

    fn seconds(n: u64) -> Option<Duration> {
        Some(Duration::from_secs(n))
    }

    fn headers(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(n, v)| ((*n).into(), (*v).into())).collect()
    }

    #[test]
    fn the_call_is_addressed() {
        let path = "/api/v3/depth";
        let request = depth_request("https://api.binance.com/", path, "BTCUSDT", 50);
        assert_eq!(request.url, "https://api.binance.com/api/v3/depth?symbol=BTCUSDT&limit=1000");
        assert_eq!(request.cost, 50);
        let request = depth_request("http://127.0.0.1:8080", path, "币USDT", 50);
        assert_eq!(request.url, "http://127.0.0.1:8080/api/v3/depth?symbol=%E5%B8%81USDT&limit=1000");
    }

    #[test]
    fn answers_are_judged() {
        let after = |s: &str| headers(&[("retry-after", s)]);
        let none = headers(&[]);
        let banned = br#"{"code":-1003,"msg":"Way too much request weight used; IP banned until 1"}"#;
        let unknown = br#"{"code":-1121,"msg":"Invalid symbol."}"#;
        for (status, headers, body, want) in [
            (200, &none, &b"{}"[..], Verdict::Good),
            (429, &after("7"), b"", Verdict::Throttled { wait: seconds(7) }),
            (429, &none, banned, Verdict::Throttled { wait: None }),
            (418, &after("120"), banned, Verdict::Banned { wait: seconds(120) }),
            (418, &none, b"", Verdict::Banned { wait: None }),
            (400, &none, unknown, Verdict::Refused),
            (400, &none, banned, Verdict::Throttled { wait: None }),
            (404, &none, b"<html>", Verdict::Refused),
            (403, &none, b"", Verdict::Banned { wait: seconds(120) }),
            (401, &none, b"", Verdict::Denied),
            (451, &none, b"", Verdict::Denied),
            (408, &none, b"", Verdict::Failed),
            (500, &none, b"", Verdict::Failed),
            (503, &none, br#"{"code":-1008,"msg":"Server is currently overloaded"}"#, Verdict::Failed),
            (301, &none, b"", Verdict::Failed),
            (204, &none, b"", Verdict::Failed),
            (0, &none, b"", Verdict::Failed),
        ] {
            assert_eq!(verdict(&RestReply { status, headers, body }), want, "{status}");
        }
    }

    #[test]
    fn used_weight_is_read() {
        let used = |value: &str| {
            let headers = headers(&[("x-mbx-used-weight", "3"), ("x-mbx-used-weight-1m", value)]);
            used_weight(&RestReply { status: 200, headers: &headers, body: b"" })
        };
        assert_eq!(used("5990"), Some(5_990));
        assert_eq!(used("-1"), None);
        assert_eq!(used_weight(&RestReply { status: 200, headers: &[], body: b"" }), None);
    }

    /// Vector V5 of the dossier; what its refusals mean is among the answers above.
    #[test]
    fn the_published_budget_is_spent_as_the_venue_counts_it() {
        const MINUTE: Duration = Duration::from_secs(60);
        let (now, budget) = (Mono::ZERO, 6_000);
        // 5,000 levels cost 250.
        let mut bucket = Bucket::new(budget, budget, MINUTE, now);
        assert_eq!((0..100).take_while(|_| bucket.take(now, 250).is_ok()).count(), 24);

        let headers = headers(&[("x-mbx-used-weight-1m", "5990")]);
        let used = used_weight(&RestReply { status: 200, headers: &headers, body: b"" }).expect("it is said");
        let mut bucket = Bucket::new(budget, budget, MINUTE, now);
        bucket.agree(now, i64::from(budget) - i64::from(used));
        let at = bucket.take(now, 25).expect_err("ten are left of the 25 it costs");
        // A hundred a second come back.
        assert_eq!(at.since(now), Duration::from_millis(150));
        assert_eq!(bucket.take(at, 25), Ok(()));
    }

    #[test]
    fn refused_upgrades_are_judged() {
        let judge = |status, headers: &[(String, String)]| {
            let refusal = upgrade_refused(&RestReply { status, headers, body: b"" });
            (refusal.wait, refusal.fatal)
        };
        assert_eq!(judge(429, &headers(&[("retry-after", "3")])), (seconds(3), false));
        assert_eq!(judge(503, &[]), (None, false));
        assert_eq!(judge(418, &[]), (seconds(120), false));
        assert_eq!(judge(403, &[]), (seconds(120), false));
        assert_eq!(judge(451, &[]), (None, true));
    }
}
