//! A reader's end of one worker's queue: fills batches, and decides with the policy what is dropped when there is no room.

use super::{Batch, Break, Entrance, Entry, Frames, Gone, Item, Job, LossBoard, Pushed, recycle};
use crate::config::Overflow;
use crate::engine::event::Channel;
use crate::engine::id::{BookId, ConnectionId, Generation};
use crate::engine::state::StaleReason;
use crate::engine::time::Stamp;
use crate::shell::sync::{Arc, PoisonError};
use std::cell::Cell;
use std::time::Duration;

/// How long a blocked reader waits before it looks for a stop.
const BLOCK_TICK: Duration = Duration::from_millis(50);
/// How long a reader with a message larger than the queue waits before it looks for the worker's seat again, where nobody
/// tells it to.
const SEAT_TICK: Duration = Duration::from_millis(10);
/// How often it looks: a second by ticks alone, or so many batches of others meanwhile. Where the seat is never free for that
/// long, its worker has more than it can do, and the message is dropped like any other; twice as long would keep what waits
/// in the socket twice as long too.
const SEAT_LOOKS_MAX: u32 = 100;

/// One reader's, for one life of its connection. Dropping it gives back what was not handed over.
pub struct Inlet {
    way: Entrance,
    connection: ConnectionId,
    generation: Generation,
    /// The life that this one is to take over from.
    beside: Option<Generation>,
    batch_max: usize,
    overflow: Overflow,
    losses: Arc<dyn LossBoard>,
    filling: Option<Batch>,
    /// Books whose last entry in the stream is a mark: until the worker has come to it, it speaks for later losses too.
    marked: Vec<(BookId, u64)>,
}

impl Inlet {
    pub(super) fn new(
        way: Entrance,
        connection: ConnectionId,
        (generation, beside): (Generation, Option<Generation>),
        batch_max: usize,
        overflow: Overflow,
        losses: Arc<dyn LossBoard>,
    ) -> Inlet {
        Inlet {
            way,
            connection,
            generation,
            beside,
            batch_max,
            overflow,
            losses,
            filling: None,
            marked: Vec::new(),
        }
    }

    /// Takes a frame: copies it into the batch being filled, or lets the overflow policy decide.
    ///
    /// # Errors
    /// [`Gone`] when the worker takes nothing any more.
    pub fn push(
        &mut self,
        book: BookId,
        channel: Channel,
        text: &str,
        received: Stamp,
        stopped: impl Fn() -> bool,
    ) -> Result<Pushed, Gone> {
        let len = text.len();
        if len > self.way.shared.gauge.bytes_max {
            return self.apply_in_place(book, channel, text, received, stopped);
        }
        let has_room = if self.way.shared.gauge.reserve(len) {
            true
        } else if self.help_for(len)? {
            // Nothing had to be lost: the worker only had not got its turn yet.
            true
        } else {
            match self.overflow {
                Overflow::DropNewest => false,
                Overflow::DropOldest => self.evict_for(len, received),
                Overflow::Block => {
                    let shared = &self.way.shared;
                    if !shared.room.wait(BLOCK_TICK, || shared.gauge.reserve(len), &stopped) {
                        return Ok(Pushed::Stopped);
                    }
                    true
                }
            }
        };
        if !has_room && channel == Channel::Instrument {
            // Said once in a connection's life: nothing but another connection would bring it again.
            return self.apply_in_place(book, channel, text, received, stopped);
        }
        if !has_room {
            return self.drop_newest(book, channel, received);
        }
        if channel.is_book() {
            self.unmark(book);
        }
        let batch = self.batch();
        let start = batch.text.len();
        batch.text.push_str(text);
        batch.frames += 1;
        batch.items.push(Item { book, entry: Entry::Frame { channel, start, len }, received });
        self.settle_if_full()?;
        Ok(Pushed::Queued)
    }

    /// Applies a message that is larger than the queue, or must not be lost, where it stands, behind all that is queued: no room is needed for it
    /// and no copy is made, so the only one there is is the connection's own. For that the worker's seat has to be free.
    fn apply_in_place(
        &mut self,
        book: BookId,
        channel: Channel,
        text: &str,
        received: Stamp,
        stopped: impl Fn() -> bool,
    ) -> Result<Pushed, Gone> {
        self.queue()?;
        let looks = Cell::new(0);
        let give_up = || {
            looks.set(looks.get() + 1);
            // Under `block` nothing is dropped, whatever it takes.
            stopped() || (self.overflow != Overflow::Block && looks.get() > SEAT_LOOKS_MAX)
        };
        let items = [Item { book, entry: Entry::Frame { channel, start: 0, len: text.len() }, received }];
        let (connection, generation, beside) = (self.connection, self.generation, self.beside);
        let frames = Frames { connection, generation, beside, text, items: &items, count: 1 };
        if self.way.apply_in_place(&frames, SEAT_TICK, give_up) {
            self.unmark(book);
            Ok(Pushed::Queued)
        } else if stopped() {
            Ok(Pushed::Stopped)
        } else {
            // What was queued above waits for whoever is at it now.
            self.way.ring();
            self.drop_newest(book, channel, received)
        }
    }

    fn drop_newest(&mut self, book: BookId, channel: Channel, received: Stamp) -> Result<Pushed, Gone> {
        self.losses.dropped(self.connection, book, received);
        // A lost trade or quote takes nothing from the book.
        if channel.is_book() {
            self.lose(book, StaleReason::Overflow, received)?;
        }
        Ok(Pushed::Dropped)
    }

    /// Notes in the stream that `book` was taken out of the subscription.
    ///
    /// # Errors
    /// [`Gone`] when the worker takes nothing any more.
    pub fn withdrawn(&mut self, book: BookId, at: Stamp) -> Result<(), Gone> {
        self.unmark(book);
        self.batch().items.push(Item { book, entry: Entry::Withdrawn, received: at });
        self.settle_if_full()
    }

    /// A message of `book` is missing at this place of the stream.
    ///
    /// # Errors
    /// [`Gone`] when the worker takes nothing any more.
    pub fn lose(&mut self, book: BookId, why: StaleReason, at: Stamp) -> Result<(), Gone> {
        let mark = self.marked.iter().find(|(marked, _)| *marked == book);
        if mark.is_some_and(|(_, number)| !self.losses.is_passed(book, *number)) {
            return Ok(());
        }
        self.unmark(book);
        let number = self.losses.broken(book, why, at);
        self.marked.push((book, number));
        self.batch().items.push(Item { book, entry: Entry::Lost { number, why }, received: at });
        self.settle_if_full()
    }

    /// Hands over what is filled so far, and does the worker's work on it where it can.
    ///
    /// # Errors
    /// [`Gone`] when the worker takes nothing any more.
    pub fn settle(&mut self) -> Result<(), Gone> {
        if self.queue()? {
            self.way.help();
        }
        Ok(())
    }

    /// Queues what is filled so far, if anything is, and tells nobody yet.
    fn queue(&mut self) -> Result<bool, Gone> {
        match self.filling.take() {
            Some(batch) => self.way.put(Job::Batch(batch)).map(|()| true),
            None => Ok(false),
        }
    }

    /// Makes room by doing what is queued. False when somebody else is at it.
    fn help_for(&mut self, len: usize) -> Result<bool, Gone> {
        // What this reader gathered is queued too.
        self.queue()?;
        self.way.help();
        Ok(self.way.shared.gauge.reserve(len))
    }

    /// Says that the connection carries its books from here on.
    ///
    /// # Errors
    /// [`Gone`] when the worker takes nothing any more.
    pub fn opened(&mut self, at: Stamp) -> Result<(), Gone> {
        self.queue()?;
        let (connection, generation, beside) = (self.connection, self.generation, self.beside);
        self.way.send(Job::Opened { connection, generation, beside, at })
    }

    fn unmark(&mut self, book: BookId) {
        self.marked.retain(|(marked, _)| *marked != book);
    }

    fn settle_if_full(&mut self) -> Result<(), Gone> {
        if self.filling.as_ref().is_some_and(|b| b.items.len() >= self.batch_max) {
            self.settle()
        } else {
            Ok(())
        }
    }

    fn batch(&mut self) -> &mut Batch {
        let (connection, generation, beside) = (self.connection, self.generation, self.beside);
        self.filling.get_or_insert_with(|| {
            let empty = || {
                let (text, items) = (String::new(), Vec::new());
                Batch { connection, generation, beside, text, items, frames: 0 }
            };
            let mut batch = self.way.shared.pool_out.try_recv().unwrap_or_else(|_| empty());
            batch.connection = connection;
            batch.generation = generation;
            batch.beside = beside;
            batch
        })
    }

    /// Takes the oldest messages out until one of this length has room. False when nothing is left to take out: the
    /// worker holds it all.
    fn evict_for(&self, len: usize, at: Stamp) -> bool {
        while self.evict(at) {
            if self.way.shared.gauge.reserve(len) {
                return true;
            }
        }
        false
    }

    /// Takes the oldest queued batch out and notes its books. False when there was none.
    fn evict(&self, at: Stamp) -> bool {
        let shared = &self.way.shared;
        // The lock spans taking and noting: a worker takes no newer batch in between.
        let mut evicted = shared.evicted.lock().unwrap_or_else(PoisonError::into_inner);
        for _ in 0..self.way.oldest.len() {
            match self.way.oldest.try_recv() {
                Ok(Job::Batch(batch)) if !batch.items.iter().any(Item::is_said_once) => {
                    for item in &batch.items {
                        self.note_evicted(&batch, item, at, &mut evicted.breaks);
                    }
                    drop(evicted);
                    recycle(shared, batch);
                    return true;
                }
                // The worker gets it next: nothing that was queued after it may overtake it.
                Ok(job) => evicted.jobs.push_back(job),
                Err(_) => break,
            }
        }
        false
    }

    fn note_evicted(&self, batch: &Batch, item: &Item, at: Stamp, evicted: &mut Vec<Break>) {
        let (book, generation, beside) = (item.book, batch.generation, batch.beside);
        if matches!(item.entry, Entry::Frame { .. }) {
            self.losses.dropped(batch.connection, book, at);
        }
        if item.breaks_the_book() {
            let number = self.losses.broken(book, StaleReason::Overflow, at);
            let withdrawn = item.entry == Entry::Withdrawn;
            match evicted.iter_mut().find(|b| (b.book, b.generation) == (book, generation)) {
                Some(known) => {
                    let withdrawn = known.withdrawn || withdrawn;
                    *known = Break { book, generation, beside, number, withdrawn };
                }
                None => evicted.push(Break { book, generation, beside, number, withdrawn }),
            }
        }
    }
}

impl Drop for Inlet {
    fn drop(&mut self) {
        if let Some(batch) = self.filling.take() {
            recycle(&self.way.shared, batch);
        }
    }
}
