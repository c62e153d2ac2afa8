//! A desk's books against snapshots that none of them needs.

use super::Desk;
use crate::engine::event::Snapshot;
use crate::engine::id::{BookId, Generation};
use crate::engine::time::{Mono, Stamp};
use crate::shell::worker::kept::{Kept, report};

impl Desk {
    /// A snapshot of this book is being asked for, to be compared.
    pub fn expect_comparison(&mut self, book: BookId, generation: Generation, asked: Mono) {
        if let Some(kept) = self.audited(book, generation) {
            kept.keeper.sync.expect_comparison(asked);
        }
    }

    /// The snapshot that was asked for then.
    pub fn compare(
        &mut self,
        book: BookId,
        generation: Generation,
        asked: Mono,
        snapshot: &Snapshot,
        now: Stamp,
    ) {
        let Some(kept) = self.audited(book, generation) else { return };
        let noted = kept.keeper.compare(now, asked, snapshot);
        report(&kept.recipe, &noted, now);
        if let Some(place) = self.place(book) {
            self.touch(place);
        }
        self.settle();
    }

    /// The book, if it is still in the life that was spoken of.
    fn audited(&mut self, book: BookId, generation: Generation) -> Option<&mut Kept> {
        let place = self.place(book)?;
        let carried = self.carrier(place) == Some(generation);
        carried.then(|| &mut self.books[place])
    }
}
