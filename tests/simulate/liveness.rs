//! Figure D6: how long every book may take to come back once the last fault is over.
//!
//! T = noticing + coming back + asking + proving + waits in force + 2 x REST deadline + 1 s, where
//! - noticing: the longest of the idle, connect and answer timeouts, for links that died without a word;
//! - coming back: the longest backoff that may still be drawn, or a wait in force, and a connect token for each connection;
//! - asking: the control messages due over their rate, and the snapshots due over theirs;
//! - proving: where sums need the decimals that a connection is told once, and they were lost, the promised first book is waited
//!   for, three restarts are tried, and then the connection is replaced;
//! - waits in force: the planner's next try of everything it wants, at the latest, and the breaker's.

use crate::daemon::VENUES;
use crate::world::World;
use depthd::engine::checksum::ChecksumRule;
use depthd::engine::time::Mono;
use depthd::venue::profile::{FirstBook, Refill};
use std::sync::PoisonError;
use std::time::Duration;

/// Control messages of a connection that comes back and has its books restarted in two parts.
const MESSAGES_PER_CONNECTION: u64 = 5;
/// The planner's longest wait after a failed try of a book, with its jitter.
const AGAIN_MAX: Duration = Duration::from_millis(37_500);

/// Three restarts of a book that do not help, each suspected after twice as long as the one before, with their jitter.
const RESTARTS_IN_VAIN: Duration = Duration::from_millis(87_500);

fn over(count: u64, refill: Refill) -> Duration {
    refill.window.mul_f64(count as f64 / f64::from(refill.per_window.max(1)))
}

pub fn allowed(world: &World) -> Duration {
    let config = world.daemon.file.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let now = world.now;
    let ahead = |at: Mono| if at == Mono::NEVER { Duration::ZERO } else { at.since(now) };
    let in_force =
        world.daemon.supervisor.lifecycles().map(|(_, l)| ahead(l.deadline())).max().unwrap_or_default();
    let tried = ahead(world.daemon.recovery.planner.tried_by());
    let mut longest = Duration::ZERO;
    for site in &world.sites {
        let face = site.owner.face().to_string();
        let feeds: Vec<_> = config.feeds.iter().filter(|f| f.venue_name == face).collect();
        let Some(first) = feeds.first() else { continue };
        let profile = first.profile;
        let connections = feeds.iter().map(|f| f.connections() as u64).sum();
        let books: u64 = feeds.iter().map(|f| f.symbols.len() as u64).sum();
        let ack = profile.ack_within.unwrap_or_default();
        let noticing =
            feeds.iter().map(|f| f.idle_timeout.max(f.connect_timeout).max(ack)).max().unwrap_or_default();
        let backoff = feeds.iter().map(|f| f.backoff.max).max().unwrap_or_default();
        let coming = backoff.max(in_force) + over(connections, profile.connects);
        let budget = first.rest_budget();
        let snapshots = match profile.first_book {
            FirstBook::Rest => over(books * u64::from(budget.snapshot_cost), budget.refill),
            FirstBook::InBand => Duration::ZERO,
        };
        let control = over(connections * MESSAGES_PER_CONNECTION, profile.control.refill);
        let proving = match profile.checksum.is_some_and(ChecksumRule::needs_precision) {
            true => profile.snapshot_within.unwrap_or_default() + RESTARTS_IN_VAIN,
            false => Duration::ZERO,
        };
        // A call of the time of faults may be out still, and its failure opens the breaker for once more as long.
        let breaker = VENUES
            .iter()
            .position(|name| *name == face)
            .map_or(Duration::ZERO, |venue| world.daemon.recovery.planner.breaker_opens_for(venue));
        let waits = tried.max(AGAIN_MAX).max(first.recovery.breaker_open * 8).max(breaker);
        let rest = first.recovery.timeout * 2 + Duration::from_secs(1);
        longest = longest.max(noticing + coming + control + snapshots + proving + waits + rest);
    }
    longest
}
