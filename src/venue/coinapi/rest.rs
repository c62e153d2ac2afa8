//! CoinAPI REST: the book call, and what answers mean.
//!
//! Source: <https://docs.coinapi.io/market-data/rest-api/>, .../api-limits-and-billing-metrics and
//! <https://docs.coinapi.io/general/throttling>

use super::KEY_HEADER;
use super::limits::{PROFILE, REST_LEVELS};
use crate::venue::text::{percent_encoded, retry_after, wait_header};
use crate::venue::{RestReply, RestRequest, UpgradeRefusal, Verdict};
use std::time::Duration;

/// How long a used-up quota is left alone. It frees up over a rolling day and is enforced about once a minute:
/// asking sooner is pointless, asking much later leaves a topped-up account unused.
/// Source: <https://docs.coinapi.io/general/usage-credits>
const QUOTA_WAIT: Duration = Duration::from_secs(600);

/// How much of an error's body is looked at, bytes. The longest known is under 1 KiB.
const ERROR_BYTES_MAX: usize = 4_096;

pub fn snapshot_request(rest_url: &str, symbol: &str, key: Option<&str>) -> RestRequest {
    let (base, symbol) = (rest_url.trim_end_matches('/'), percent_encoded(symbol));
    let mut headers = vec![("Accept", "application/json".to_owned())];
    headers.extend(key.map(|key| (KEY_HEADER, key.to_owned())));
    RestRequest {
        url: format!("{base}/v1/orderbooks/{symbol}/current?limit_levels={REST_LEVELS}"),
        headers,
        cost: PROFILE.rest.snapshot_cost,
    }
}

pub fn verdict(reply: &RestReply<'_>) -> Verdict {
    let wait = retry_after(reply);
    match reply.status {
        // Only 200 is success.
        200 => Verdict::Good,
        401 => Verdict::Denied,
        // No privilege, or a used-up quota: one status for both.
        403 if mentions(reply, &["quota", "credit"]) => Verdict::Banned { wait: wait.or(Some(QUOTA_WAIT)) },
        403 => Verdict::Denied,
        // Too many at once, too many in a while, or too many today: again one status.
        429 if wait.is_some() || mentions(reply, &["concurren"]) => Verdict::Throttled { wait },
        429 if mentions(reply, &["quota", "credit", "daily"]) => Verdict::Banned { wait: Some(QUOTA_WAIT) },
        429 => Verdict::Throttled { wait: None },
        408 => Verdict::Failed,
        400..=499 => Verdict::Refused,
        // No data for this one symbol; in the range of server errors, yet no outage.
        550 => Verdict::NoData,
        _ => Verdict::Failed,
    }
}

/// Over-limit upgrades name a wait in milliseconds, for connections or for hellos; the longer one holds.
pub fn upgrade_refused(reply: &RestReply<'_>) -> UpgradeRefusal {
    let millis = ["x-wsrequestsperiplimit-retryafterms", "x-wshelloperiplimit-retryafterms"]
        .into_iter()
        .filter_map(|name| wait_header(reply, name, Duration::from_millis(1)))
        .max();
    UpgradeRefusal { wait: millis.or_else(|| retry_after(reply)), fatal: matches!(reply.status, 401 | 403) }
}

/// True when the error's text has one of `words`, in any case.
fn mentions(reply: &RestReply<'_>, words: &[&str]) -> bool {
    let shown = &reply.body[..reply.body.len().min(ERROR_BYTES_MAX)];
    let text = String::from_utf8_lossy(shown).to_ascii_lowercase();
    words.iter().any(|word| text.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUOTA: &[u8] = br#"{"title":"Forbidden","status":403,"detail":"Quota exceeded: Insufficient Usage Credits or Subscription.","error":"Forbidden (Quota exceeded: ...)","QuotaKey":"BA","QuotaName":"Insufficient Usage Credits or Subscription","QuotaType":"Organization Limit","QuotaValueCurrentUsage":0,"QuotaValue":0,"QuotaValueUnit":"$","QuotaValueAdjustable":"..."}"#;
    const CONCURRENCY: &[u8] = br#"{"error":"Too many concurrent requests, see X-ConcurrencyLimit-Limit and your quota; make fewer parallel calls."}"#;

    fn seconds(n: u64) -> Option<Duration> {
        Some(Duration::from_secs(n))
    }

    fn headers(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(n, v)| ((*n).into(), (*v).into())).collect()
    }

    #[test]
    fn the_call_is_addressed_and_keeps_its_key_in_a_header() {
        let request = snapshot_request("https://rest.coinapi.io/", "BITSTAMP_SPOT_BTC_USD", Some("sesame"));
        assert_eq!(
            request.url,
            "https://rest.coinapi.io/v1/orderbooks/BITSTAMP_SPOT_BTC_USD/current?limit_levels=20"
        );
        assert!(request.headers.contains(&("X-CoinAPI-Key", "sesame".to_owned())));
        assert!(request.headers.contains(&("Accept", "application/json".to_owned())));
        assert_eq!(request.cost, 1);
        assert_eq!(snapshot_request("http://x", "A_B_C", None).headers.len(), 1);
    }

    #[test]
    fn answers_are_judged() {
        let none = headers(&[("x-ratelimit-remaining", "-66181")]);
        let after = headers(&[("retry-after", "7")]);
        for (status, headers, body, want) in [
            (200, &none, &b"{}"[..], Verdict::Good),
            (204, &none, b"", Verdict::Failed),
            (302, &none, b"", Verdict::Failed),
            (400, &none, br#"{"error":"bad"}"#, Verdict::Refused),
            (401, &none, br#"{"error":"Invalid API key"}"#, Verdict::Denied),
            (403, &none, QUOTA, Verdict::Banned { wait: seconds(600) }),
            (403, &after, QUOTA, Verdict::Banned { wait: seconds(7) }),
            (403, &none, br#"{"error":"no privilege"}"#, Verdict::Denied),
            (403, &none, b"", Verdict::Denied),
            (404, &none, b"", Verdict::Refused),
            (408, &none, b"", Verdict::Failed),
            (429, &after, QUOTA, Verdict::Throttled { wait: seconds(7) }),
            (429, &none, b"", Verdict::Throttled { wait: None }),
            (429, &none, CONCURRENCY, Verdict::Throttled { wait: None }),
            (429, &none, QUOTA, Verdict::Banned { wait: seconds(600) }),
            (429, &none, &[0xff; 10_000], Verdict::Throttled { wait: None }),
            (500, &none, b"", Verdict::Failed),
            (503, &after, b"", Verdict::Failed),
            (550, &none, b"", Verdict::NoData),
        ] {
            assert_eq!(verdict(&RestReply { status, headers, body }), want, "{status}");
        }
    }

    #[test]
    fn refused_upgrades_are_judged() {
        let judge = |status, pairs: &[(&str, &str)]| {
            let refusal = upgrade_refused(&RestReply { status, headers: &headers(pairs), body: b"" });
            (refusal.wait, refusal.fatal)
        };
        let millis = |n| Some(Duration::from_millis(n));
        let requests = ("x-wsrequestsperiplimit-retryafterms", "2500");
        let hellos = ("x-wshelloperiplimit-retryafterms", "9000");
        assert_eq!(judge(429, &[requests, ("retry-after", "60")]), (millis(2_500), false));
        assert_eq!(judge(429, &[requests, hellos]), (millis(9_000), false));
        assert_eq!(judge(429, &[("retry-after", "3")]), (seconds(3), false));
        assert_eq!(judge(503, &[]), (None, false));
        assert_eq!(judge(401, &[]), (None, true));
        assert_eq!(judge(403, &[]), (None, true));
    }
}
