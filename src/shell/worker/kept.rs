//! One book on a worker's desk: what it is made of, its keeper, and what was said of it so far.

use crate::engine::id::Generation;
use crate::engine::keeper::{Keeper, Noted};
use crate::engine::need::Need;
use crate::engine::state::{StaleReason, State};
use crate::engine::sync::SyncRules;
use crate::engine::time::{Mono, Stamp};
use crate::shell::count::{FeedCounters, WorkerCounters};
use crate::shell::slot::{Published, Slot};
use crate::venue::Venue;
use crate::venue::profile::FirstBook;
use std::sync::Arc;

/// What one book is made of, by whoever keeps it and as often as it has to be made anew.
pub struct Recipe {
    pub slot: Arc<Slot>,
    pub feed_name: String,
    pub venue: Arc<dyn Venue>,
    pub rules: SyncRules,
    /// The feed's channels bring levels.
    pub followed: bool,
    /// The venue's quotes name the book's own sequence.
    pub audited: bool,
    /// As many liquidations are kept.
    pub trades_max: usize,
    pub counters: Arc<FeedCounters>,
}

pub(super) struct Kept {
    pub recipe: Arc<Recipe>,
    pub keeper: Keeper,
    /// The generation that carries it. A book that comes to an open connection waits until its subscription stands:
    /// what is asked for before that would be joined to a stream that begins later.
    pub opened: Option<Generation>,
    /// What the recovery thread was told last, and of which generation.
    pub told: Option<(Generation, Need)>,
    /// Why the book was last stale: a recovery from a lost connection is the reconnect's.
    pub stale: StaleReason,
    pub recoveries: u64,
    /// Changed since it was last published.
    pub dirty: bool,
    /// The last break of its stream that the book knows of.
    pub passed: u64,
    /// When the worker last came to a message that is lost for good, so that no number says what a snapshot must have.
    pub lost_at: Option<Mono>,
}

impl Kept {
    /// What would help the book, or that it may be compared with a snapshot.
    pub fn need(&self) -> Need {
        let sync = &self.keeper.sync;
        match sync.need() {
            Need::Nothing if sync.is_comparable() && self.recipe.venue.profile().snapshots_compare => {
                Need::Audit
            }
            need => need,
        }
    }
}

pub(super) fn note_recovery(kept: &mut Kept, counters: &WorkerCounters) {
    let sync = &kept.keeper.sync;
    if let State::Stale { reason, .. } = sync.state() {
        kept.stale = reason;
    }
    let recoveries = sync.counts().recoveries;
    if std::mem::replace(&mut kept.recoveries, recoveries) == recoveries {
        return;
    }
    if let Some(took) = sync.recovery_took() {
        counters.recovered(took);
    }
    let method = match (kept.recipe.venue.profile().first_book, kept.stale) {
        (FirstBook::Rest, _) => "rest",
        (FirstBook::InBand, StaleReason::Disconnected) => "reconnect",
        (FirstBook::InBand, _) => "restart",
    };
    kept.recipe.counters.recovery(method, "live");
}

pub(super) fn report(recipe: &Recipe, noted: &Noted, at: Stamp) {
    if let Some(gap) = noted.gap {
        recipe.counters.gap(gap, &recipe.slot.symbol, at);
    }
    if let Some(difference) = noted.difference {
        recipe.counters.differs(difference, &recipe.slot.symbol, at);
    }
    if let Some(mismatch) = noted.mismatch {
        recipe.counters.mismatch(mismatch, &recipe.slot.symbol, at);
    }
}

/// What a book shows.
pub fn published(keeper: &Keeper) -> Published {
    Published {
        top: keeper.top(),
        counts: *keeper.sync.counts(),
        flow: keeper.flow(),
        audit_checks: keeper.audit_checks(),
        audit_mismatches: keeper.audit_mismatches(),
        heap_bytes: keeper.sync.heap_bytes() as u64,
        recovery_took: keeper.sync.recovery_took(),
    }
}
