//! CoinAPI's REST answers: the verdict by a table of its own, the book by the slow reader.

use crate::coinapi_frame::levels;
use crate::reply::Reply;
use crate::slow::{self, Members};
use depthd::venue::coinapi::CoinApi;
use depthd::venue::{Venue, Verdict};
use std::time::Duration;

/// What every request of this target asks for.
pub const SYMBOL: &str = "A_SPOT_B_C";

pub fn run(data: &[u8]) {
    let reply = Reply::read(data);
    let (verdict, used, refusal) = reply.judge(&CoinApi);
    judge(&reply, &verdict);
    assert_eq!(used, None);
    let millis = ["x-wsrequestsperiplimit-retryafterms", "x-wshelloperiplimit-retryafterms"]
        .map(|name| reply.wait(name, Duration::from_millis(1)));
    assert_eq!(refusal.wait, millis[0].max(millis[1]).or(reply.retry_after()));
    assert_eq!(refusal.fatal, [401, 403].contains(&reply.status));

    let Ok(snapshot) = CoinApi.snapshot(SYMBOL, reply.body) else { return };
    let text = std::str::from_utf8(reply.body).expect("accepted, so it is text");
    let members = Members::of(text).expect("accepted, so it is an object");
    let time = |name| slow::scalar(members.get(name)).and_then(slow::time);
    assert_eq!(members.get("symbol_id").and_then(slow::text), Some(SYMBOL), "a book of another symbol");
    assert_eq!((snapshot.sequence, snapshot.depth_limit), (None, Some(20)));
    assert_eq!(snapshot.exchange_time, time("time_exchange"));
    assert_eq!(snapshot.venue_time, time("time_coinapi"));
    levels(Some(members.get("bids").expect("accepted without bids")), &snapshot.bids);
    levels(Some(members.get("asks").expect("accepted without asks")), &snapshot.asks);
}

pub fn work(data: &[u8]) {
    let reply = Reply::read(data);
    let verdict = CoinApi.verdict(&reply.as_rest());
    if verdict == Verdict::Good {
        drop(CoinApi.snapshot(SYMBOL, reply.body));
    }
}

/// One status says several things; the text and the headers tell which.
fn judge(reply: &Reply<'_>, verdict: &Verdict) {
    let start = String::from_utf8_lossy(&reply.body[..reply.body.len().min(4_096)]).to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| start.contains(word));
    let (wait, ten_minutes) = (reply.retry_after(), Some(Duration::from_secs(600)));
    let expected = match reply.status {
        200 => Verdict::Good,
        401 => Verdict::Denied,
        403 if !says(&["quota", "credit"]) => Verdict::Denied,
        403 => Verdict::Banned { wait: wait.or(ten_minutes) },
        429 if wait.is_none() && !says(&["concurren"]) && says(&["quota", "credit", "daily"]) => {
            Verdict::Banned { wait: ten_minutes }
        }
        429 => Verdict::Throttled { wait },
        550 => Verdict::NoData,
        400..=407 | 409..=499 => Verdict::Refused,
        _ => Verdict::Failed,
    };
    assert_eq!(*verdict, expected, "status {}", reply.status);
}
