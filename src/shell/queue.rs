//! The bounded road from a reader to a worker.
//!
//! What crosses is a batch: frames copied into one recycled buffer. The bound is on messages and on bytes, and is
//! reserved before a frame is copied, so neither is ever exceeded. When it is reached nothing grows: the policy decides
//! what is dropped, and every drop becomes a mark in the stream at the place of the lost message.
//!
//! The channel's own capacity can never be the limit: each batch holds a counted message or the one outstanding mark of
//! a book, and the lifecycle sends at most two jobs a connection and generation.

use crate::config::Overflow;
use crate::engine::event::Channel;
use crate::engine::id::{BookId, ConnectionId, Generation};
use crate::engine::time::Stamp;
use crate::shell::worker::Recipe;
use crossbeam_channel::{Receiver, Sender, bounded};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Emptied batches kept for reuse, a worker: enough that a steady feed allocates nothing, few enough to be forgotten.
const POOL_BATCHES: usize = 8;
/// A buffer that grew past this is given back to the allocator instead of kept.
pub const POOLED_BYTES_MAX: usize = 64 * 1024;
/// How long a blocked reader waits before it looks for a stop.
const BLOCK_TICK: Duration = Duration::from_millis(50);

/// What one entry of a batch is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Entry {
    /// A data frame; its text is in the batch's buffer.
    Frame { channel: Channel, start: usize, len: usize },
    /// Messages of this book were dropped here.
    Lost,
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
    pub text: String,
    pub items: Vec<Item>,
    frames: usize,
}

/// What travels in order between a connection and a worker.
pub enum Job {
    Batch(Batch),
    /// The connection of this generation carries its books from here on.
    Opened {
        connection: ConnectionId,
        generation: Generation,
        at: Stamp,
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

/// The gauges of one queue, read by anyone.
#[derive(Debug)]
pub struct QueueGauge {
    pub messages: AtomicUsize,
    pub bytes: AtomicUsize,
    pub messages_high: AtomicUsize,
    pub bytes_high: AtomicUsize,
    pub messages_max: usize,
    pub bytes_max: usize,
}

impl QueueGauge {
    fn reserve(&self, len: usize) -> bool {
        let fits = |now: usize, more: usize, max: usize| now.checked_add(more).filter(|sum| *sum <= max);
        let Ok(before) = self
            .messages
            .fetch_update(Ordering::AcqRel, Ordering::Relaxed, |n| fits(n, 1, self.messages_max))
        else {
            return false;
        };
        let Ok(bytes) =
            self.bytes.fetch_update(Ordering::AcqRel, Ordering::Relaxed, |n| fits(n, len, self.bytes_max))
        else {
            self.messages.fetch_sub(1, Ordering::AcqRel);
            return false;
        };
        self.messages_high.fetch_max(before + 1, Ordering::Relaxed);
        self.bytes_high.fetch_max(bytes + len, Ordering::Relaxed);
        true
    }

    fn release(&self, messages: usize, bytes: usize) {
        let had = self.messages.fetch_sub(messages, Ordering::AcqRel);
        assert!(had >= messages, "a queue never gives back more than it took");
        self.bytes.fetch_sub(bytes, Ordering::AcqRel);
    }
}

#[derive(Debug)]
struct Shared {
    gauge: Arc<QueueGauge>,
    pool_in: Sender<Batch>,
    pool_out: Receiver<Batch>,
    /// Books whose messages `drop_oldest` took out, to be marked before anything newer of theirs is applied.
    evicted: Mutex<Vec<BookId>>,
    evictions: AtomicU64,
    room: Receiver<()>,
    room_made: Sender<()>,
    room_wanted: AtomicBool,
}

/// The books' outstanding marks: set when a message is dropped, cleared when the worker has seen it.
pub trait LossBoard: Send + Sync {
    fn set(&self, book: BookId) -> bool;
}

/// What became of a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pushed {
    Queued,
    /// Dropped, and marked in the stream.
    Dropped,
    /// Queued, and so many older messages were dropped for it.
    Evicted(usize),
    /// The owner was told to stop while waiting for room.
    Stopped,
}

/// The worker has ended or takes nothing any more; what was sent is lost.
#[derive(Debug, PartialEq, Eq)]
pub struct Gone;

/// A reader's end of one worker's queue.
pub struct Inlet {
    way: Entrance,
    connection: ConnectionId,
    generation: Generation,
    batch_max: usize,
    overflow: Overflow,
    losses: Arc<dyn LossBoard>,
    filling: Option<Batch>,
}

/// The way in. Makes inlets; held by the supervisor. The worker ends when the last way in is dropped.
#[derive(Clone, Debug)]
pub struct Entrance {
    shared: Arc<Shared>,
    jobs: Sender<Job>,
    /// For `drop_oldest`: a reader takes the oldest batch out again.
    oldest: Receiver<Job>,
}

/// A worker's end.
#[derive(Debug)]
pub struct Outlet {
    pub jobs: Receiver<Job>,
    shared: Arc<Shared>,
    evictions_seen: u64,
}

/// A queue of at most `messages` and `bytes`; `marks` is the number of books, `control` of lifecycle jobs at once.
pub fn queue(messages: usize, bytes: usize, marks: usize, control: usize) -> (Entrance, Outlet) {
    let gauge = Arc::new(QueueGauge {
        messages: AtomicUsize::new(0),
        bytes: AtomicUsize::new(0),
        messages_high: AtomicUsize::new(0),
        bytes_high: AtomicUsize::new(0),
        messages_max: messages,
        bytes_max: bytes,
    });
    let (jobs, oldest) = bounded(messages + 2 * marks + control);
    let (pool_in, pool_out) = bounded(POOL_BATCHES);
    let (room_made, room) = bounded(1);
    let shared = Arc::new(Shared {
        gauge,
        pool_in,
        pool_out,
        evicted: Mutex::new(Vec::new()),
        evictions: AtomicU64::new(0),
        room,
        room_made,
        room_wanted: AtomicBool::new(false),
    });
    let way = Entrance { shared: shared.clone(), jobs, oldest: oldest.clone() };
    (way, Outlet { jobs: oldest, shared, evictions_seen: 0 })
}

impl Entrance {
    pub fn gauge(&self) -> Arc<QueueGauge> {
        self.shared.gauge.clone()
    }

    /// # Errors
    /// [`Gone`] when the worker has ended.
    pub fn send(&self, job: Job) -> Result<(), Gone> {
        // Full means a worker that takes nothing while the lifecycle goes on: lost to us like one that ended.
        self.jobs.try_send(job).map_err(|_| Gone)
    }

    pub fn inlet(
        &self,
        connection: ConnectionId,
        generation: Generation,
        batch_max: usize,
        overflow: Overflow,
        losses: Arc<dyn LossBoard>,
    ) -> Inlet {
        Inlet { way: self.clone(), connection, generation, batch_max, overflow, losses, filling: None }
    }
}

impl Inlet {
    /// Takes a frame: copies it into the batch being filled, or lets the overflow policy decide.
    ///
    /// # Errors
    /// [`Gone`] when the worker has ended.
    pub fn push(
        &mut self,
        book: BookId,
        channel: Channel,
        text: &str,
        received: Stamp,
        stopped: impl Fn() -> bool,
    ) -> Result<Pushed, Gone> {
        let mut evicted = 0;
        while !self.way.shared.gauge.reserve(text.len()) {
            match self.overflow {
                Overflow::DropNewest => return self.drop_newest(book, channel, received),
                Overflow::DropOldest => match self.evict()? {
                    None => return self.drop_newest(book, channel, received),
                    Some(messages) => evicted += messages,
                },
                Overflow::Block => {
                    if text.len() > self.way.shared.gauge.bytes_max {
                        return self.drop_newest(book, channel, received);
                    }
                    if stopped() {
                        return Ok(Pushed::Stopped);
                    }
                    self.flush()?;
                    self.wait_for_room();
                }
            }
        }
        let batch = self.batch();
        let start = batch.text.len();
        batch.text.push_str(text);
        batch.frames += 1;
        batch.items.push(Item { book, entry: Entry::Frame { channel, start, len: text.len() }, received });
        self.flush_if_full()?;
        Ok(if evicted > 0 { Pushed::Evicted(evicted) } else { Pushed::Queued })
    }

    /// Notes in the stream that `book` was taken out of the subscription.
    ///
    /// # Errors
    /// [`Gone`] when the worker has ended.
    pub fn withdrawn(&mut self, book: BookId, at: Stamp) -> Result<(), Gone> {
        self.batch().items.push(Item { book, entry: Entry::Withdrawn, received: at });
        self.flush_if_full()
    }

    /// A message of `book` is dropped at this place of the stream.
    ///
    /// # Errors
    /// [`Gone`] when the worker has ended.
    pub fn lose(&mut self, book: BookId, at: Stamp) -> Result<(), Gone> {
        // One mark says it all until the worker has come to it.
        if !self.losses.set(book) {
            self.batch().items.push(Item { book, entry: Entry::Lost, received: at });
            self.flush_if_full()?;
        }
        Ok(())
    }

    /// Hands over what is filled so far.
    ///
    /// # Errors
    /// [`Gone`] when the worker has ended.
    pub fn flush(&mut self) -> Result<(), Gone> {
        match self.filling.take() {
            Some(batch) => self.way.send(Job::Batch(batch)),
            None => Ok(()),
        }
    }

    /// Says that the connection carries its books from here on.
    ///
    /// # Errors
    /// [`Gone`] when the worker has ended.
    pub fn opened(&mut self, at: Stamp) -> Result<(), Gone> {
        self.flush()?;
        self.way.send(Job::Opened { connection: self.connection, generation: self.generation, at })
    }

    /// A lost trade or quote takes nothing from the book.
    fn drop_newest(&mut self, book: BookId, channel: Channel, at: Stamp) -> Result<Pushed, Gone> {
        if channel.is_book() {
            self.lose(book, at)?;
        }
        Ok(Pushed::Dropped)
    }

    fn flush_if_full(&mut self) -> Result<(), Gone> {
        if self.filling.as_ref().is_some_and(|b| b.items.len() >= self.batch_max) {
            self.flush()
        } else {
            Ok(())
        }
    }

    fn batch(&mut self) -> &mut Batch {
        let (connection, generation) = (self.connection, self.generation);
        self.filling.get_or_insert_with(|| {
            let empty =
                || Batch { connection, generation, text: String::new(), items: Vec::new(), frames: 0 };
            let mut batch = self.way.shared.pool_out.try_recv().unwrap_or_else(|_| empty());
            batch.connection = connection;
            batch.generation = generation;
            batch
        })
    }

    /// Takes the oldest queued batch out and marks its books. Returns how many messages went with it; `None` when
    /// there was no batch to take.
    fn evict(&mut self) -> Result<Option<usize>, Gone> {
        // The lock spans taking and noting: a worker that meets a newer batch first waits here, and then knows.
        let mut evicted = self.way.shared.evicted.lock().unwrap_or_else(PoisonError::into_inner);
        self.way.shared.evictions.fetch_add(1, Ordering::AcqRel);
        match self.way.oldest.try_recv() {
            Ok(Job::Batch(batch)) => {
                for item in &batch.items {
                    if item.breaks_the_book() && !evicted.contains(&item.book) {
                        evicted.push(item.book);
                    }
                }
                drop(evicted);
                let frames = batch.frames;
                recycle(&self.way.shared, batch);
                Ok(Some(frames))
            }
            // A lifecycle job may go later, never missing.
            Ok(job) => {
                drop(evicted);
                self.way.send(job)?;
                Ok(None)
            }
            Err(_) => Ok(None),
        }
    }

    fn wait_for_room(&self) {
        self.way.shared.room_wanted.store(true, Ordering::Release);
        let _ = self.way.shared.room.recv_timeout(BLOCK_TICK);
    }
}

impl Drop for Inlet {
    /// A batch not handed over gives its reservation back.
    fn drop(&mut self) {
        if let Some(batch) = self.filling.take() {
            recycle(&self.way.shared, batch);
        }
    }
}

impl Outlet {
    /// Books whose queued messages were evicted since the last call. Call before applying each batch.
    pub fn evicted(&mut self, into: &mut Vec<BookId>) {
        let now = self.shared.evictions.load(Ordering::Acquire);
        if now != self.evictions_seen {
            self.evictions_seen = now;
            into.append(&mut self.shared.evicted.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }

    /// Gives a batch's room back once it is applied.
    pub fn done(&self, batch: Batch) {
        recycle(&self.shared, batch);
    }
}

impl Batch {
    /// Counted messages in it.
    pub fn frames(&self) -> usize {
        self.frames
    }

    pub fn frame(&self, start: usize, len: usize) -> &str {
        self.text.get(start..start + len).unwrap_or_default()
    }
}

fn recycle(shared: &Shared, mut batch: Batch) {
    shared.gauge.release(batch.frames, batch.items.iter().map(Item::bytes).sum());
    if shared.room_wanted.swap(false, Ordering::AcqRel) {
        let _ = shared.room_made.try_send(());
    }
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
            Entry::Lost | Entry::Withdrawn => true,
        }
    }

    fn bytes(&self) -> usize {
        match self.entry {
            Entry::Frame { len, .. } => len,
            Entry::Lost | Entry::Withdrawn => 0,
        }
    }
}
