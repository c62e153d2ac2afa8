//! What a feed's venue said against its books.

use super::FeedCounters;
use crate::engine::audit::Mismatch;
use crate::engine::evidence::{Difference, Evidence, Ring, Witness};
use crate::engine::time::{Stamp, Wall};
use crate::shell::voice::About;
use log::Level;
use std::sync::PoisonError;
use std::sync::atomic::Ordering::Relaxed;

impl FeedCounters {
    /// The newest books that the venue contradicted.
    pub fn evidence(&self) -> Ring {
        self.evidence.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn contradicted(&self, symbol: &str, sequence: Option<u64>, received: Wall, witness: Witness) {
        let evidence = Evidence { symbol: symbol.to_owned(), sequence, received, witness };
        self.evidence.lock().unwrap_or_else(PoisonError::into_inner).push(evidence);
    }

    /// A snapshot of the venue showed another book.
    pub fn differs(&self, difference: Difference, symbol: &str, at: Stamp) {
        self.contradicted(symbol, difference.sequence, at.wall, Witness::Snapshot(difference));
        let text =
            format_args!("{symbol} differs from the venue's own snapshot: {difference}; the book is stale");
        self.voice.say(About::Wrong, "snapshot", Level::Error, at.mono, text);
    }

    pub fn mismatch(&self, mismatch: Mismatch, symbol: &str, at: Stamp) {
        self.mismatches.fetch_add(1, Relaxed);
        let Mismatch { sequence, book, quote, .. } = mismatch;
        let witness = Witness::Quote { here: book, there: quote };
        self.contradicted(symbol, Some(sequence), at.wall, witness);
        let text = format_args!(
            "{symbol} differs from the venue's own best bid and offer at {sequence}: {book:?} here, {quote:?} there; the book is stale"
        );
        self.voice.say(About::Wrong, "mismatch", Level::Error, at.mono, text);
    }
}
