//! The bounded road from a reader to a worker.
//!
//! What crosses is a batch: frames copied into one recycled buffer. The bound is on messages and on bytes, and is
//! reserved before a frame is copied, so neither is ever exceeded. When it is reached nothing grows: the policy decides
//! what is dropped, and every drop breaks its book at the place of the lost message: by a mark in the stream where the
//! newest went, by a note that the worker gets with the next job where the oldest went.
//! A message that is larger than the whole queue never enters it: its reader applies it where it stands, behind all that
//! is queued, so that a book may be as large as its connection's `max_message` and costs no memory beside that.
//!
//! The channel's own capacity can never be the limit, because every job in it is accounted for: a batch holds a counted
//! message, a mark or a withdrawal. A book's second mark in the queue has one of the other two of that book before it,
//! so there are at most as many marks as those and one a book; withdrawals and what the lifecycle sends are few.

mod gauge;
mod inlet;
mod outlet;
mod room;
#[cfg(test)]
mod tests;

/// For the model checker, which takes the parts one by one.
#[cfg(all(test, loom))]
pub(in crate::shell) mod modelled {
    pub(in crate::shell) use super::gauge::QueueGauge as Gauge;
    pub(in crate::shell) use super::room::Room;
}

pub use gauge::QueueGauge;
pub use inlet::Inlet;
pub use outlet::{Outlet, SeatFree};

use crate::config::Overflow;
use crate::engine::event::Channel;
use crate::engine::id::{BookId, ConnectionId, Generation};
use crate::engine::state::StaleReason;
use crate::engine::time::Stamp;
use crate::shell::sync::channel::{Receiver, Sender, bounded};
use crate::shell::sync::{Arc, Mutex, PoisonError};
use crate::shell::worker::{Ready, Recipe, Seat, Station};
use room::Room;
use std::cell::Cell;
use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

/// Emptied batches kept for reuse, a worker: enough that a steady feed allocates nothing, few enough to be forgotten.
pub const POOL_BATCHES: usize = 8;
/// A buffer that grew past this is given back to the allocator instead of kept.
pub const POOLED_BYTES_MAX: usize = 64 * 1024;
/// Jobs a reader applies before it goes back to its socket: its own few batches, and what others left meanwhile. More are
/// the worker's own thread's.
const HELP_JOBS_MAX: usize = 8;
/// Withdrawals of one book that may wait at once: the planner asks for three restarts before it has the connection
/// made anew, and a first one may still be there.
const WITHDRAWALS_MAX: usize = 4;

/// What one entry of a batch is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Entry {
    /// A data frame; its text is in the batch's buffer.
    Frame { channel: Channel, start: usize, len: usize },
    /// Messages of this book are missing here. Breaks of a book are numbered.
    Lost { number: u64, why: StaleReason },
    /// This book was taken out of the subscription here.
    Withdrawn,
}

#[derive(Clone, Copy, Debug)]
pub struct Item {
    pub book: BookId,
    pub entry: Entry,
    pub received: Stamp,
}

/// Frames of one connection for one worker, in order.
#[derive(Debug)]
pub struct Batch {
    pub connection: ConnectionId,
    pub generation: Generation,
    /// The life that this one is to take over from.
    pub beside: Option<Generation>,
    pub text: String,
    pub items: Vec<Item>,
    frames: usize,
}

/// Frames to be applied in order, whoever keeps their text.
#[derive(Clone, Copy, Debug)]
pub struct Frames<'t> {
    pub connection: ConnectionId,
    pub generation: Generation,
    /// The life that this one is to take over from.
    pub beside: Option<Generation>,
    pub text: &'t str,
    pub items: &'t [Item],
    /// How many of the items are frames.
    pub count: usize,
}

/// What travels in order between a connection and a worker.
pub enum Job {
    Batch(Batch),
    /// The connection of this generation carries its books from here on.
    Opened {
        connection: ConnectionId,
        generation: Generation,
        /// The life that it is to take over from.
        beside: Option<Generation>,
        at: Stamp,
    },
    /// Let this successor carry the books that can go over without its word.
    Move {
        connection: ConnectionId,
        generation: Generation,
    },
    /// The last word of a generation: its books are stale after it.
    Fence {
        connection: ConnectionId,
        generation: Generation,
    },
    /// Keep these books too.
    Adopt(Vec<Arc<Recipe>>),
    /// Forget these books.
    Dismiss(Vec<BookId>),
}

/// Messages of a book were taken out of the queue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Break {
    pub book: BookId,
    /// The life of its connection that they belonged to, and the life that one is to take over from.
    pub generation: Generation,
    pub beside: Option<Generation>,
    pub number: u64,
    /// A withdrawal was among them.
    pub withdrawn: bool,
}

/// Who must know of a dropped message at once, long before the worker comes to its place.
pub trait LossBoard: Send + Sync {
    /// A message of `book` found no room, or was taken out again for a newer one. The book may be dismissed already.
    fn dropped(&self, connection: ConnectionId, book: BookId, at: Stamp);
    /// `book` is broken from here on. Gives the break's number, each greater than the one before.
    fn broken(&self, book: BookId, why: StaleReason, at: Stamp) -> u64;
    /// Whether the worker has come to this break.
    fn is_passed(&self, book: BookId, number: u64) -> bool;
}

/// What became of a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pushed {
    Queued,
    /// No room: dropped, and marked in the stream.
    Dropped,
    /// The owner was told to stop while waiting for room.
    Stopped,
}

/// The worker takes nothing any more; what was sent is lost.
#[derive(Debug, PartialEq, Eq)]
pub struct Gone;

/// The way in. Makes inlets; held by the supervisor. The worker ends when the last way in is dropped.
#[derive(Clone, Debug)]
pub struct Entrance {
    shared: Arc<Shared>,
    seat: Arc<Seat>,
    jobs: Sender<Job>,
    /// Rings for the worker's own thread; one ring that waits is enough.
    bell: Sender<()>,
    /// For `drop_oldest`: a reader takes the oldest batch out again.
    oldest: Receiver<Job>,
}

#[derive(Debug)]
struct Shared {
    gauge: Arc<QueueGauge>,
    pool_in: Sender<Batch>,
    pool_out: Receiver<Batch>,
    evicted: Mutex<Evicted>,
    room: Room,
}

/// What `drop_oldest` took out of the queue and the worker has yet to hear of.
#[derive(Default)]
struct Evicted {
    /// Lifecycle jobs, and batches that are not to be lost, that stood before an evicted batch, in order: they come before
    /// everything that is queued. As many as were in the queue at most.
    jobs: VecDeque<Job>,
    /// Books of which messages were dropped, one entry each a life: told after those jobs, and before anything newer.
    breaks: Vec<Break>,
}

/// A queue of at most `messages` and `bytes`, for so many books; `control` is how many lifecycle jobs may wait.
pub fn queue(messages: usize, bytes: usize, books: usize, control: usize) -> (Entrance, Outlet) {
    let withdrawals = WITHDRAWALS_MAX * books;
    let marks = messages + withdrawals + books;
    let (jobs, oldest) = bounded(messages + marks + withdrawals + control);
    let (bell, rung) = bounded(1);
    let (pool_in, pool_out) = bounded(POOL_BATCHES);
    let shared = Arc::new(Shared {
        gauge: Arc::new(QueueGauge::new(messages, bytes)),
        pool_in,
        pool_out,
        evicted: Mutex::default(),
        room: Room::new(),
    });
    let seat = Arc::default();
    let way = Entrance { shared: shared.clone(), seat, jobs, bell, oldest: oldest.clone() };
    (way, Outlet { jobs: oldest, rung, shared })
}

impl Entrance {
    pub fn gauge(&self) -> Arc<QueueGauge> {
        self.shared.gauge.clone()
    }

    /// Where the worker at the other end is to sit.
    pub fn seat(&self) -> Arc<Seat> {
        self.seat.clone()
    }

    /// Queues a job and rings for the worker.
    ///
    /// # Errors
    /// [`Gone`] when the worker takes nothing any more.
    pub fn send(&self, job: Job) -> Result<(), Gone> {
        self.put(job)?;
        self.ring();
        Ok(())
    }

    /// Queues a job. Whoever does is to ring or to help.
    fn put(&self, job: Job) -> Result<(), Gone> {
        // Full means a worker that takes nothing while the lifecycle goes on: lost to us like one that ended.
        self.jobs.try_send(job).map_err(|_| Gone)
    }

    fn ring(&self) {
        // Full: it is about to look anyway. Gone: the next job says so.
        let _ = self.bell.try_send(());
    }

    /// Does what is queued, if the worker's seat is free; rings if it is not, or if there is more than a little.
    fn help(&self) {
        // It cannot find itself closed while we hold a way in.
        let turn = |station: &mut Box<Station>| {
            let _ = station.turn(Ready::Job);
        };
        self.seat.help(HELP_JOBS_MAX, || !self.oldest.is_empty(), turn, || self.ring());
        // A reader with a message larger than the queue waits for the seat.
        self.shared.room.made();
    }

    /// Takes the worker's seat, does what is queued, and applies these frames behind it. False when it gave up before the
    /// seat was free.
    fn apply_in_place(&self, frames: &Frames<'_>, tick: Duration, give_up: impl Fn() -> bool) -> bool {
        let taken = Cell::new(None);
        let sit = || {
            let station = self.seat.take();
            let sits = station.is_some();
            taken.set(station);
            sits
        };
        self.shared.room.wait(tick, sit, give_up);
        let Some(mut station) = taken.take() else { return false };
        // All jobs queued so far, those of this reader among them; what comes meanwhile is of others and may wait.
        let queued = {
            let evicted = self.shared.evicted.lock().unwrap_or_else(PoisonError::into_inner);
            evicted.jobs.len() + self.oldest.len()
        };
        for _ in 0..queued {
            let _ = station.turn(Ready::Job);
        }
        station.apply(frames);
        if self.seat.give_back(station) || !self.oldest.is_empty() {
            self.ring();
        }
        self.shared.room.made();
        true
    }

    /// Waits for a place, but not for ever.
    ///
    /// # Errors
    /// [`Gone`] when the worker has ended or took nothing for so long.
    pub fn send_within(&self, job: Job, wait: Duration) -> Result<(), Gone> {
        self.jobs.send_timeout(job, wait).map_err(|_| Gone)?;
        self.ring();
        Ok(())
    }

    pub fn inlet(
        &self,
        connection: ConnectionId,
        generation: Generation,
        beside: Option<Generation>,
        batch_max: usize,
        overflow: Overflow,
        losses: Arc<dyn LossBoard>,
    ) -> Inlet {
        Inlet::new(self.clone(), connection, (generation, beside), batch_max, overflow, losses)
    }
}

impl Batch {
    pub fn frame(&self, start: usize, len: usize) -> &str {
        self.all().frame(start, len)
    }

    pub fn all(&self) -> Frames<'_> {
        let Batch { connection, generation, beside, text, items, frames } = self;
        let (connection, generation, beside, count) = (*connection, *generation, *beside, *frames);
        Frames { connection, generation, beside, text, items, count }
    }
}

impl<'t> Frames<'t> {
    pub fn frame(&self, start: usize, len: usize) -> &'t str {
        self.text.get(start..start + len).unwrap_or_default()
    }
}

impl fmt::Debug for Evicted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} jobs, {:?}", self.jobs.len(), self.breaks)
    }
}

fn recycle(shared: &Shared, mut batch: Batch) {
    shared.gauge.release(batch.frames, batch.items.iter().map(Item::bytes).sum());
    shared.room.made();
    if batch.text.capacity() <= POOLED_BYTES_MAX {
        batch.text.clear();
        batch.items.clear();
        batch.frames = 0;
        let _ = shared.pool_in.try_send(batch);
    }
}

impl Item {
    /// Whether the book is no longer exact without this entry.
    fn breaks_the_book(&self) -> bool {
        match self.entry {
            Entry::Frame { channel, .. } => channel.is_book(),
            Entry::Lost { .. } | Entry::Withdrawn => true,
        }
    }

    /// Whether the venue says it once in a connection's life, so that it is not to be lost.
    fn is_said_once(&self) -> bool {
        matches!(self.entry, Entry::Frame { channel: Channel::Instrument, .. })
    }

    fn bytes(&self) -> usize {
        match self.entry {
            Entry::Frame { len, .. } => len,
            Entry::Lost { .. } | Entry::Withdrawn => 0,
        }
    }
}
