//! `GET /api/audit`: what venues themselves contradicted, with both sides.

use super::Text;
use crate::engine::decimal::Decimal;
use crate::engine::event::{Level, Side};
use crate::engine::evidence::{Evidence, Witness};
use crate::engine::stats::Stats;
use crate::engine::time::Wall;
use serde::Serialize;

#[derive(Serialize)]
struct Audit<'a> {
    checks: u64,
    mismatches: u64,
    /// Newest last within a feed; a bounded number of each.
    evidence: Vec<Piece<'a>>,
}

#[derive(Serialize)]
struct Piece<'a> {
    feed: &'a str,
    symbol: &'a str,
    /// `quote`, `checksum` or `snapshot`.
    witness: &'static str,
    sequence: Option<u64>,
    receive_time: Text<Wall>,
    /// The snapshot's own number and the venue's time of it, where one contradicts.
    #[serde(skip_serializing_if = "Option::is_none")]
    snapshot_sequence: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    snapshot_time: Option<Text<Wall>>,
    /// What the book said, and what the venue says.
    here: Said,
    there: Said,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Said {
    Best {
        bid: Option<[Decimal; 2]>,
        ask: Option<[Decimal; 2]>,
    },
    Sum {
        checksum: Option<u32>,
    },
    /// The first level of a side that differs; none where the other has more.
    Next {
        side: &'static str,
        level: Option<[Decimal; 2]>,
    },
}

pub fn audit<'a>(stats: &Stats, evidence: &'a [(String, Evidence)]) -> impl Serialize + 'a {
    let total = |of: fn(&crate::engine::stats::FeedStats) -> u64| stats.feeds.iter().map(of).sum();
    Audit {
        checks: total(|feed| feed.audit_checks),
        mismatches: total(|feed| feed.audit_mismatches),
        evidence: evidence.iter().map(piece).collect(),
    }
}

fn piece((feed, evidence): &(String, Evidence)) -> Piece<'_> {
    let (here, there) = match evidence.witness {
        Witness::Quote { here, there } => (best(here), best(there)),
        Witness::Checksum { here, there } => {
            (Said::Sum { checksum: here }, Said::Sum { checksum: Some(there) })
        }
        Witness::Snapshot(of) => (next(of.side, of.ours), next(of.side, of.theirs)),
    };
    let snapshot = match evidence.witness {
        Witness::Snapshot(difference) => Some(difference),
        Witness::Quote { .. } | Witness::Checksum { .. } => None,
    };
    Piece {
        snapshot_sequence: snapshot.map(|of| of.snapshot),
        snapshot_time: snapshot.and_then(|of| of.time).map(Text),
        feed,
        symbol: &evidence.symbol,
        witness: evidence.witness.name(),
        sequence: evidence.sequence,
        receive_time: Text(evidence.received),
        here,
        there,
    }
}

fn pair(level: Option<Level>) -> Option<[Decimal; 2]> {
    level.map(|level| [level.price, level.size])
}

fn next(side: Side, level: Option<Level>) -> Said {
    Said::Next { side: if side == Side::Bid { "bid" } else { "ask" }, level: pair(level) }
}

fn best((bid, ask): (Option<Level>, Option<Level>)) -> Said {
    Said::Best { bid: pair(bid), ask: pair(ask) }
}
