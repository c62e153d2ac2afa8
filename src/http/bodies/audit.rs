//! `GET /api/audit`: what venues themselves contradicted, with both sides.

use super::Text;
use crate::engine::decimal::Decimal;
use crate::engine::event::Level;
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
    /// `quote` or `checksum`.
    witness: &'static str,
    sequence: Option<u64>,
    receive_time: Text<Wall>,
    /// What the book said, and what the venue says.
    here: Said,
    there: Said,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Said {
    Best { bid: Option<[Decimal; 2]>, ask: Option<[Decimal; 2]> },
    Sum { checksum: Option<u32> },
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
    };
    Piece {
        feed,
        symbol: &evidence.symbol,
        witness: evidence.witness.name(),
        sequence: evidence.sequence,
        receive_time: Text(evidence.received),
        here,
        there,
    }
}

fn best((bid, ask): (Option<Level>, Option<Level>)) -> Said {
    let pair = |level: Option<Level>| level.map(|level| [level.price, level.size]);
    Said::Best { bid: pair(bid), ask: pair(ask) }
}
