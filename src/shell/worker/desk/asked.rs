//! The desk's answers, and what came of what it asked for.

use super::Desk;
use crate::engine::event::Snapshot;
use crate::engine::id::{BookId, Generation};
use crate::engine::keeper::Noted;
use crate::engine::need::Joined;
use crate::engine::time::{Mono, Stamp};
use crate::engine::view::{BookView, LiquidationView, TradeView};
use crate::shell::worker::Told;
use crate::shell::worker::kept::{Kept, report};

impl Desk {
    /// A snapshot that was asked for at this time.
    pub fn snapshot(
        &mut self,
        book: BookId,
        generation: Generation,
        asked: Mono,
        snapshot: &Snapshot,
        now: Stamp,
    ) {
        let Some(place) = self.place(book) else { return };
        let joined = if self.carrier(place) == Some(generation) {
            let kept = &mut self.books[place];
            // A call made before a loss may have been answered before the lost message happened.
            let (joined, mismatch) = if kept.lost_at.is_some_and(|lost| asked < lost) {
                (Joined::TooOld, None)
            } else {
                kept.keeper.snapshot(now, snapshot)
            };
            report(&kept.recipe, &Noted { mismatch, ..Noted::default() }, now);
            let missed = match joined {
                Joined::TooOld => Some("too_old"),
                Joined::Unusable => Some("unusable"),
                Joined::Partial => Some("partial"),
                // Counted when the book itself says that it came back.
                Joined::Live | Joined::NotNeeded => None,
            };
            if joined == Joined::Unusable {
                kept.recipe.counters.unusable(&kept.recipe.slot.symbol, now.mono);
            }
            if let Some(outcome) = missed {
                kept.recipe.counters.recovery("rest", outcome);
            }
            joined
        } else {
            Joined::NotNeeded
        };
        // A full inbox is no loss: the need itself is told again.
        let _ = self.recovery.try_send(Told::Joined { book, generation, joined });
        self.touch(place);
        self.settle();
    }

    pub fn view(&self, book: BookId, depth: usize) -> Option<BookView> {
        let Kept { recipe, keeper, .. } = &self.books[self.place(book)?];
        Some(keeper.view(&recipe.feed_name, &recipe.slot.symbol, depth))
    }

    pub fn trades(&self, book: BookId, limit: usize) -> Option<Vec<TradeView>> {
        Some(self.books[self.place(book)?].keeper.trades(limit))
    }

    pub fn liquidations(&self, book: BookId, limit: usize) -> Option<Vec<LiquidationView>> {
        Some(self.books[self.place(book)?].keeper.liquidations(limit))
    }

    pub fn shed(&mut self) {
        for kept in &mut self.books {
            kept.keeper.shed();
        }
    }
}
