//! A worker's books and the generations they belong to.

use crate::engine::event::{Channel, Decoded, Snapshot};
use crate::engine::id::{BookId, ConnectionId, Generation};
use crate::engine::keeper::{Keeper, Noted};
use crate::engine::need::{Joined, Need};
use crate::engine::state::{StaleReason, State};
use crate::engine::time::Stamp;
use crate::engine::view::{BookView, TradeView};
use crate::shell::clock::Clock;
use crate::shell::count::{FeedCounters, WorkerCounters};
use crate::shell::queue::{Batch, Entry};
use crate::shell::slot::{Published, Slot};
use crate::shell::worker::Told;
use crate::venue::Venue;
use crate::venue::profile::FirstBook;
use crossbeam_channel::Sender;
use std::sync::Arc;

/// What a worker needs to keep one book.
pub struct BookPlan {
    pub slot: Arc<Slot>,
    pub feed_name: String,
    pub venue: Arc<dyn Venue>,
    pub keeper: Keeper,
    pub counters: Arc<FeedCounters>,
}

struct Kept {
    plan: BookPlan,
    /// What the recovery thread was told last, and of which generation.
    told: Option<(Generation, Need)>,
    /// Why the book was last stale: a recovery from a lost connection is the reconnect's.
    stale: StaleReason,
    recoveries: u64,
    /// Changed since it was last published.
    dirty: bool,
}

/// The books of one worker.
pub struct Desk {
    pub index: usize,
    books: Vec<Kept>,
    /// Global book number to place in `books`; `u32::MAX` for another worker's.
    places: Vec<u32>,
    /// By connection: the generation whose messages are applied.
    current: Vec<Option<Generation>>,
    /// By connection: the newest generation whose fence has passed.
    fenced: Vec<Option<Generation>>,
    dirty: Vec<u32>,
    scratch: Decoded,
    recovery: Sender<Told>,
    counters: Arc<WorkerCounters>,
    /// Receive times of the batch being applied, for the time it took.
    received: Vec<Stamp>,
}

impl Desk {
    /// `books_total` and `connections` are those of the whole process.
    pub fn new(
        index: usize,
        plans: Vec<BookPlan>,
        books_total: usize,
        connections: usize,
        recovery: Sender<Told>,
        counters: Arc<WorkerCounters>,
    ) -> Desk {
        let mut places = vec![u32::MAX; books_total];
        for (place, plan) in (0u32..).zip(&plans) {
            places[plan.slot.id.0 as usize] = place;
        }
        let books = plans
            .into_iter()
            .map(|plan| Kept {
                plan,
                told: None,
                stale: StaleReason::Disconnected,
                recoveries: 0,
                dirty: false,
            })
            .collect();
        Desk {
            index,
            books,
            places,
            current: vec![None; connections],
            fenced: vec![None; connections],
            dirty: Vec::new(),
            scratch: Decoded::default(),
            recovery,
            counters,
            received: Vec::new(),
        }
    }

    /// A connection carries its books from here on. Idempotent: the first message of a new generation opens it too.
    pub fn opened(&mut self, connection: ConnectionId, generation: Generation, at: Stamp) {
        let c = usize::from(connection.0);
        if self.fenced[c] >= Some(generation) || self.current[c] >= Some(generation) {
            return;
        }
        self.current[c] = Some(generation);
        for place in self.places_of(connection) {
            self.books[place].plan.slot.clear_lost();
            self.books[place].plan.keeper.opened(at);
            self.touch(place);
        }
        self.settle();
    }

    /// The last word of a generation: nothing of it is applied after this, and its books say that they are stale.
    pub fn fence(&mut self, connection: ConnectionId, generation: Generation, at: Stamp) {
        let c = usize::from(connection.0);
        self.fenced[c] = self.fenced[c].max(Some(generation));
        if self.current[c] == Some(generation) {
            self.current[c] = None;
            for place in self.places_of(connection) {
                self.books[place].plan.slot.clear_lost();
                self.books[place].plan.keeper.lost(at, StaleReason::Disconnected);
                self.touch(place);
            }
        }
        self.settle();
    }

    /// Queued messages of these books were dropped; what follows is newer.
    pub fn evicted(&mut self, books: &[BookId], clock: &Clock) {
        if books.is_empty() {
            return;
        }
        let now = clock.stamp();
        for book in books {
            if let Some(place) = self.place(*book) {
                self.lose(place, now);
            }
        }
    }

    /// Applies a batch in order.
    pub fn batch(&mut self, batch: &Batch) {
        self.counters.batch(batch.frames());
        let Some(first) = batch.items.first() else { return };
        let c = usize::from(batch.connection.0);
        if self.current[c] != Some(batch.generation) {
            self.opened(batch.connection, batch.generation, first.received);
        }
        // A message of a generation that was joined is never applied (I4).
        let alive = self.current[c] == Some(batch.generation);
        for item in &batch.items {
            let Some(place) = self.place(item.book) else { continue };
            match item.entry {
                Entry::Frame { .. } if !alive => self.books[place].plan.counters.late(),
                Entry::Frame { channel, start, len } => {
                    self.frame(place, channel, batch.frame(start, len), item.received);
                    self.received.push(item.received);
                }
                Entry::Lost if alive => self.lose(place, item.received),
                Entry::Withdrawn if alive => self.books[place].plan.keeper.sync.withdrawn(item.received),
                Entry::Lost | Entry::Withdrawn => {}
            }
            self.touch(place);
        }
    }

    /// Publishes what the batch changed and takes the time.
    pub fn finish(&mut self, clock: &Clock) {
        self.settle();
        let now = clock.mono();
        for received in self.received.drain(..) {
            self.counters.processed(now.since(received.mono));
        }
    }

    pub fn snapshot(&mut self, book: BookId, generation: Generation, snapshot: &Snapshot, now: Stamp) {
        let Some(place) = self.place(book) else { return };
        let connection = usize::from(self.books[place].plan.slot.connection.0);
        let joined = if self.current[connection] == Some(generation) {
            let kept = &mut self.books[place];
            let (joined, mismatch) = kept.plan.keeper.snapshot(now, snapshot);
            report(&kept.plan, &Noted { gap: None, mismatch }, now);
            let missed = match joined {
                Joined::TooOld => Some("too_old"),
                Joined::Unusable => Some("unusable"),
                Joined::Partial => Some("partial"),
                // Counted when the book itself says that it came back.
                Joined::Live | Joined::NotNeeded => None,
            };
            if joined == Joined::Unusable {
                kept.plan.counters.unusable(&kept.plan.slot.symbol, now.mono);
            }
            if let Some(outcome) = missed {
                kept.plan.counters.recovery("rest", outcome);
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
        let plan = &self.books[self.place(book)?].plan;
        Some(plan.keeper.view(&plan.feed_name, &plan.slot.symbol, depth))
    }

    pub fn trades(&self, book: BookId, limit: usize) -> Option<Vec<TradeView>> {
        Some(self.books[self.place(book)?].plan.keeper.trades(limit))
    }

    pub fn shed(&mut self) {
        for kept in &mut self.books {
            kept.plan.keeper.shed();
        }
    }

    /// Tells again what found a full inbox.
    pub fn tick(&mut self) {
        for place in 0..self.books.len() {
            self.tell(place);
        }
    }

    fn frame(&mut self, place: usize, channel: Channel, text: &str, received: Stamp) {
        let kept = &mut self.books[place];
        self.scratch.clear();
        match kept.plan.venue.decode(channel, text, &mut self.scratch) {
            Ok(()) => {
                let noted = kept.plan.keeper.decoded(received, &mut self.scratch);
                report(&kept.plan, &noted, received);
            }
            Err(e) => {
                kept.plan.keeper.undecodable(received, channel);
                kept.plan.counters.undecodable(e, &kept.plan.slot.symbol, received.mono);
            }
        }
    }

    fn lose(&mut self, place: usize, at: Stamp) {
        self.books[place].plan.slot.clear_lost();
        self.books[place].plan.keeper.lost(at, StaleReason::Overflow);
        self.touch(place);
    }

    fn place(&self, book: BookId) -> Option<usize> {
        let place = *self.places.get(book.0 as usize)?;
        (place != u32::MAX).then_some(place as usize)
    }

    fn places_of(&self, connection: ConnectionId) -> Vec<usize> {
        (0..self.books.len()).filter(|i| self.books[*i].plan.slot.connection == connection).collect()
    }

    fn touch(&mut self, place: usize) {
        if !std::mem::replace(&mut self.books[place].dirty, true) {
            self.dirty.push(place as u32);
        }
    }

    /// Publishes every touched book and tells what it needs.
    fn settle(&mut self) {
        while let Some(place) = self.dirty.pop() {
            let place = place as usize;
            let kept = &mut self.books[place];
            kept.dirty = false;
            let generation = self.current[usize::from(kept.plan.slot.connection.0)];
            note_recovery(kept, &self.counters);
            kept.plan.slot.publish(&published(&kept.plan.keeper), generation.map_or(0, |g| g.0));
            self.tell(place);
        }
    }

    fn tell(&mut self, place: usize) {
        let kept = &mut self.books[place];
        let slot = &kept.plan.slot;
        // Without a connection nothing can be repaired; the planner cancels by generation.
        let Some(generation) = self.current[usize::from(slot.connection.0)] else { return };
        let need = kept.plan.keeper.sync.need();
        let known = kept.told.filter(|(of, _)| *of == generation).map_or(Need::Nothing, |(_, need)| need);
        if need == known {
            return;
        }
        let told = Told::Need { book: slot.id, connection: slot.connection, generation, need };
        if self.recovery.try_send(told).is_ok() {
            kept.told = Some((generation, need));
        }
    }
}

fn note_recovery(kept: &mut Kept, counters: &WorkerCounters) {
    let sync = &kept.plan.keeper.sync;
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
    let method = match (kept.plan.venue.profile().first_book, kept.stale) {
        (FirstBook::Rest, _) => "rest",
        (FirstBook::InBand, StaleReason::Disconnected) => "reconnect",
        (FirstBook::InBand, _) => "restart",
    };
    kept.plan.counters.recovery(method, "live");
}

fn report(plan: &BookPlan, noted: &Noted, at: Stamp) {
    if let Some(gap) = noted.gap {
        plan.counters.gap(gap, &plan.slot.symbol, at.mono);
    }
    if let Some(mismatch) = noted.mismatch {
        plan.counters.mismatch(mismatch, &plan.slot.symbol, at.mono);
    }
}

fn published(keeper: &Keeper) -> Published {
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
