//! Binance's REST answers: the verdict by a table of its own, the book by the slow reader.

use crate::binance_frame::levels;
use crate::reply::Reply;
use crate::slow::{self, Members};
use depthd::venue::binance::Binance;
use depthd::venue::{Venue, Verdict};
use std::time::Duration;

pub fn run(data: &[u8]) {
    let reply = Reply::read(data);
    let (verdict, used, refusal) = reply.judge(&Binance);
    judge(&reply, &verdict);
    let weight = reply.headers.iter().find(|(name, _)| name == "x-mbx-used-weight-1m");
    assert_eq!(used, weight.and_then(|(_, value)| value.trim().parse().ok()));
    let least = [403, 418].contains(&reply.status).then_some(Duration::from_secs(120));
    assert_eq!(refusal.wait, reply.retry_after().or(least));
    assert_eq!(refusal.fatal, [401, 451].contains(&reply.status));

    let Ok(snapshot) = Binance.snapshot("BNBBTC", reply.body) else { return };
    let text = std::str::from_utf8(reply.body).expect("accepted, so it is text");
    let members = Members::of(text).expect("accepted, so it is an object");
    let id = slow::scalar(members.get("lastUpdateId")).expect("accepted without a number");
    assert_eq!(snapshot.sequence, Some(id.parse().expect("a whole number")));
    assert_eq!(
        (snapshot.exchange_time, snapshot.venue_time, snapshot.depth_limit),
        (None, None, Some(1_000))
    );
    for (name, read) in [("bids", &snapshot.bids), ("asks", &snapshot.asks)] {
        let side = members.get(name).expect("accepted without a side");
        assert!(side.starts_with('['), "what is no list would pass for a side without orders");
        levels(Some(side), read);
    }
}

pub fn work(data: &[u8]) {
    let reply = Reply::read(data);
    let verdict = Binance.verdict(&reply.as_rest());
    if verdict == Verdict::Good {
        drop(Binance.snapshot("BNBBTC", reply.body));
    }
}

fn judge(reply: &Reply<'_>, verdict: &Verdict) {
    let wait = reply.retry_after();
    let expected = match reply.status {
        200 => Verdict::Good,
        403 => Verdict::Banned { wait: wait.or(Some(Duration::from_secs(120))) },
        418 => Verdict::Banned { wait },
        429 => Verdict::Throttled { wait },
        401 | 451 => Verdict::Denied,
        400..=407 | 409..=499 => {
            // Half a body may have said it before it broke off.
            let text = std::str::from_utf8(reply.body).ok();
            let Some(members) =
                text.and_then(Members::of).filter(|_| slow::nesting(text.unwrap_or_default()) <= 64)
            else {
                let throttled = *verdict == Verdict::Throttled { wait };
                return assert!(throttled || *verdict == Verdict::Refused);
            };
            let is_bare = |raw: &&(String, String)| {
                raw.0 == "code" && raw.1.starts_with(['-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9'])
            };
            let code = members.0.iter().rfind(is_bare);
            match code.and_then(|(_, code)| code.parse::<i64>().ok()) {
                Some(-1003) => Verdict::Throttled { wait },
                _ => Verdict::Refused,
            }
        }
        _ => Verdict::Failed,
    };
    assert_eq!(*verdict, expected, "status {}", reply.status);
}
