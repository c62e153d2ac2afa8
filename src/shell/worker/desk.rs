//! A worker's books and the generations they belong to.

mod asked;
mod audit;
mod overlap;

use crate::engine::event::{BookEvent, Channel, Decoded, Event};
use crate::engine::id::{BookId, ConnectionId, Generation};
use crate::engine::keeper::Keeper;
use crate::engine::need::Need;
use crate::engine::state::StaleReason;
use crate::engine::sync::Gap;
use crate::engine::time::{Mono, Stamp, Wall};
use crate::shell::clock::Clock;
use crate::shell::count::WorkerCounters;
use crate::shell::queue::{Break, Entry, Frames};
use crate::shell::sync::channel::Sender;
use crate::shell::worker::Told;
use crate::shell::worker::kept::{Kept, Recipe, note_recovery, published, report};
use crate::shell::worker::line::{Ended, Line, Standing};
use overlap::Share;
use std::sync::Arc;

/// The books of one worker.
pub struct Desk {
    pub index: usize,
    books: Vec<Kept>,
    /// Book number to place in `books`; `u32::MAX` where the book is not ours.
    places: Vec<u32>,
    lines: Vec<Line>,
    dirty: Vec<u32>,
    scratch: Decoded,
    recovery: Sender<Told>,
    counters: Arc<WorkerCounters>,
    /// Receive times of the batch being applied, for the time it took, and how many messages share each: a reader stamps
    /// what it reads in one go once.
    received: Vec<(Mono, u64)>,
    /// When the last message of the batch that said when it happened did so, and when it was received.
    delay: Option<(Wall, Wall)>,
    /// A successor carries all that is here of its connection, which nobody was told yet.
    carried: Option<(ConnectionId, Generation)>,
}

impl Desk {
    pub fn new(index: usize, recovery: Sender<Told>, counters: Arc<WorkerCounters>) -> Desk {
        Desk {
            index,
            books: Vec::new(),
            places: Vec::new(),
            lines: Vec::new(),
            dirty: Vec::new(),
            scratch: Decoded::default(),
            recovery,
            counters,
            received: Vec::new(),
            delay: None,
            carried: None,
        }
    }

    /// Keeps a book from here on.
    pub fn adopt(&mut self, recipe: Arc<Recipe>) {
        let (book, connection) = (recipe.slot.id.0 as usize, recipe.slot.connection);
        if self.places.len() <= book {
            self.places.resize(book + 1, u32::MAX);
        }
        let place = self.books.len();
        // Fewer books than book numbers, which are 32 bits.
        self.places[book] = place as u32;
        let keeper = match recipe.followed {
            true => Keeper::new(recipe.rules, recipe.audited, recipe.trades_max),
            false => Keeper::without_book(recipe.rules, recipe.trades_max),
        };
        self.line(connection).counters = Some(recipe.counters.clone());
        let stale = StaleReason::Disconnected;
        self.books.push(Kept {
            recipe,
            keeper,
            opened: None,
            told: None,
            stale,
            recoveries: 0,
            dirty: false,
            passed: 0,
            lost_at: None,
        });
        self.touch(place);
        self.settle();
    }

    /// Forgets a book; what it counted goes to its feed.
    pub fn dismiss(&mut self, book: BookId) {
        let Some(place) = self.place(book) else { return };
        let kept = self.books.swap_remove(place);
        kept.recipe.counters.retire(&published(&kept.keeper));
        self.places[book.0 as usize] = u32::MAX;
        if let Some(moved) = self.books.get(place) {
            self.places[moved.recipe.slot.id.0 as usize] = place as u32;
        }
    }

    /// A connection carries its books from here on; where it was opened beside another, those that the other has not.
    /// Idempotent: the first message of a new generation opens it too.
    pub(super) fn opened(
        &mut self,
        connection: ConnectionId,
        generation: Generation,
        beside: Option<Generation>,
        at: Stamp,
    ) -> Standing {
        let line = self.line(connection);
        let standing = line.hear(generation, beside);
        let successor = line.successor();
        if standing == Standing::Current {
            for place in self.places_of(connection) {
                if successor.is_none() || self.books[place].opened != successor {
                    self.open(place, generation, at);
                }
            }
            self.settle();
        }
        standing
    }

    /// The last word of a generation: nothing of it is applied after this. Its books go over to the other life that there
    /// is, or say that they are stale.
    pub fn fence(&mut self, connection: ConnectionId, generation: Generation, at: Stamp) {
        let line = self.line(connection);
        let ended = line.fence(generation);
        let alone = line.current().is_none();
        for place in self.places_of(connection) {
            let kept = &mut self.books[place];
            let breaks = kept.recipe.slot.breaks();
            match ended {
                Ended::To(Some(heir)) if kept.opened == Some(generation) => self.go_over(place, heir, at),
                Ended::To(None) => kept.keeper.lost(at, StaleReason::Disconnected),
                Ended::To(Some(_)) | Ended::Unheard => {}
            }
            let kept = &mut self.books[place];
            if alone {
                // Its reader was joined and no other is there: every break so far is of this life or of one before.
                kept.passed = breaks;
            } else if kept.passed < breaks {
                // Whose it was cannot be told: the entry that would say so may have gone with the reader.
                self.lose(place, breaks, StaleReason::Overflow, at, at.mono);
            }
            self.touch(place);
        }
        self.settle();
    }

    /// Queued messages of these books were dropped; what follows is newer.
    pub fn evicted(&mut self, breaks: &mut Vec<Break>, clock: &Clock) {
        if breaks.is_empty() {
            return;
        }
        let now = clock.stamp();
        for broken in breaks.drain(..) {
            let Some(place) = self.place(broken.book) else { continue };
            // What was dropped may have been the first words of its generation, and its book's first.
            let connection = self.books[place].recipe.slot.connection;
            let standing = self.opened(connection, broken.generation, broken.beside, now);
            match self.share(place, broken.generation, standing, now) {
                Share::Its | Share::Gone => {
                    self.lose(place, broken.number, StaleReason::Overflow, now, now.mono)
                }
                Share::Beside => {
                    self.lose_beside(place, broken.number, StaleReason::Overflow, now, now.mono);
                    continue;
                }
            }
            if broken.withdrawn {
                self.books[place].keeper.sync.withdrawn(now);
            }
        }
        self.settle();
    }

    /// Applies frames in order.
    pub fn apply(&mut self, batch: &Frames<'_>, clock: &Clock) {
        self.counters.batch(batch.count);
        let Some(first) = batch.items.first() else { return };
        // A message of a generation that was joined is never applied (I4).
        let standing = match self.line(batch.connection).current() == Some(batch.generation) {
            true => Standing::Current,
            false => self.opened(batch.connection, batch.generation, batch.beside, first.received),
        };
        for item in batch.items {
            let Some(place) = self.place(item.book) else {
                self.orphan(batch.connection, item.entry);
                continue;
            };
            let share = self.share(place, batch.generation, standing, item.received);
            match item.entry {
                Entry::Frame { .. } if share == Share::Gone => self.books[place].recipe.counters.late(),
                Entry::Frame { channel, start, len } => {
                    let text = batch.frame(start, len);
                    match share {
                        Share::Its | Share::Gone => self.frame(place, channel, text, item.received, clock),
                        Share::Beside => {
                            self.frame_beside(place, channel, text, batch.generation, item.received)
                        }
                    }
                    match self.received.last_mut() {
                        Some((at, messages)) if *at == item.received.mono => *messages += 1,
                        _ => self.received.push((item.received.mono, 1)),
                    }
                }
                Entry::Lost { number, why } => match share {
                    Share::Its => self.lose(place, number, why, item.received, clock.mono()),
                    Share::Beside => self.lose_beside(place, number, why, item.received, clock.mono()),
                    Share::Gone => {}
                },
                Entry::Withdrawn if share == Share::Its => {
                    self.books[place].keeper.sync.withdrawn(item.received)
                }
                Entry::Withdrawn => {}
            }
            self.touch(place);
        }
        if let (Some((received, exchange)), Some(counters)) =
            (self.delay.take(), &self.line(batch.connection).counters)
        {
            counters.delayed(received, exchange);
        }
        if standing == Standing::Successor {
            self.look_whether_carried(batch.connection, batch.generation);
        }
    }

    /// Publishes what the batch changed, and takes the time since it was taken and since each message was received.
    pub fn finish(&mut self, taken: Mono, clock: &Clock) {
        self.settle();
        let now = clock.mono();
        self.counters.worked(now.since(taken));
        for (received, messages) in self.received.drain(..) {
            self.counters.processed(now.since(received), messages);
        }
    }

    /// Tells again what found a full inbox, and looks for streams that have died without a word.
    pub fn tick(&mut self, now: Stamp) {
        for place in 0..self.books.len() {
            let kept = &mut self.books[place];
            kept.keeper.sync.heed_comparison(now.mono);
            if kept.keeper.heed_silence(now, kept.recipe.venue.profile().book_within) {
                kept.lost_at = Some(now.mono);
                kept.recipe.counters.silent(&kept.recipe.slot.symbol, now.mono);
                self.touch(place);
            }
            self.tell(place);
        }
        self.settle();
    }

    fn frame(&mut self, place: usize, channel: Channel, text: &str, received: Stamp, clock: &Clock) {
        let kept = &mut self.books[place];
        self.scratch.clear();
        match kept.recipe.venue.decode(channel, text, &mut self.scratch) {
            Ok(()) => {
                if let Some(Event::Book(BookEvent { exchange_time: Some(exchange), .. })) = self.scratch.event
                {
                    self.delay = Some((received.wall, exchange));
                }
                let noted = kept.keeper.decoded(received, &mut self.scratch);
                report(&kept.recipe, &noted, received);
                if matches!(noted.gap, Some(Gap::Unnumbered | Gap::BadSpan)) {
                    kept.lost_at = Some(clock.mono());
                }
            }
            Err(e) => {
                if channel.is_book() {
                    kept.lost_at = Some(clock.mono());
                }
                kept.keeper.undecodable(received, channel);
                kept.recipe.counters.undecodable(e, &kept.recipe.slot.symbol, received.mono);
            }
        }
    }

    /// The generation carries this book from here on.
    fn open(&mut self, place: usize, generation: Generation, at: Stamp) {
        let kept = &mut self.books[place];
        if kept.opened != Some(generation) {
            kept.opened = Some(generation);
            // Breaks of the life before were passed at its fence; one there is now may be of this life, further on.
            kept.keeper.opened(at);
            self.touch(place);
        }
    }

    fn lose(&mut self, place: usize, number: u64, why: StaleReason, at: Stamp, now: Mono) {
        let kept = &mut self.books[place];
        kept.lost_at = Some(now);
        kept.passed = kept.passed.max(number);
        kept.keeper.lost(at, why);
        self.touch(place);
    }

    fn line(&mut self, connection: ConnectionId) -> &mut Line {
        let at = usize::from(connection.0);
        if self.lines.len() <= at {
            self.lines.resize_with(at + 1, Line::default);
        }
        &mut self.lines[at]
    }

    /// A frame of a book that was dismissed meanwhile.
    fn orphan(&mut self, connection: ConnectionId, entry: Entry) {
        if let (Entry::Frame { .. }, Some(counters)) = (entry, &self.line(connection).counters) {
            counters.late();
        }
    }

    /// The life that carries this book.
    fn carrier(&self, place: usize) -> Option<Generation> {
        let kept = &self.books[place];
        self.lines.get(usize::from(kept.recipe.slot.connection.0))?.of(kept.opened)
    }

    fn place(&self, book: BookId) -> Option<usize> {
        let place = *self.places.get(book.0 as usize)?;
        (place != u32::MAX).then_some(place as usize)
    }

    fn places_of(&self, connection: ConnectionId) -> Vec<usize> {
        (0..self.books.len()).filter(|i| self.books[*i].recipe.slot.connection == connection).collect()
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
            let generation = self.carrier(place);
            let kept = &mut self.books[place];
            kept.dirty = false;
            note_recovery(kept, &self.counters);
            kept.recipe.slot.publish(&published(&kept.keeper), generation.map_or(0, |g| g.0));
            // After the state that knows of it, and before a repair is asked for: a call made for one loss must not
            // answer for a later one.
            kept.recipe.slot.pass(kept.passed);
            self.tell(place);
        }
    }

    fn tell(&mut self, place: usize) {
        // Without a connection nothing can be repaired; the planner cancels by generation.
        let Some(generation) = self.carrier(place) else { return };
        let kept = &mut self.books[place];
        let slot = &kept.recipe.slot;
        let need = kept.need();
        // What it needed of another life it needs of that one no more.
        let known = match kept.told {
            Some((of, need)) if of == generation => Some(need),
            Some((_, Need::Nothing)) | None => Some(Need::Nothing),
            Some(_) => None,
        };
        if known == Some(need) {
            return;
        }
        let told = Told::Need { book: slot.id, connection: slot.connection, generation, need };
        if self.recovery.try_send(told).is_ok() {
            kept.told = Some((generation, need));
        }
    }
}
