//! A worker: takes batches and snapshots in, publishes books, asks for repairs. One thread at a time does its work: see
//! [`seat`]. It decides nothing: the books' machines do.
//!
//! Its own thread waits until it is rung for, for requests from the side, and at most half a second for nothing.

mod desk;
mod kept;
mod line;
pub mod seat;
#[cfg(test)]
mod tests;

use crate::engine::event::Snapshot;
use crate::engine::id::{BookId, ConnectionId, Generation};
use crate::engine::need::{Joined, Need};
use crate::engine::time::Mono;
use crate::engine::view::{BookView, LiquidationView, TradeView};
use crate::shell::beat::Beat;
use crate::shell::clock::Clock;
use crate::shell::count::WorkerCounters;
use crate::shell::event::Event;
use crate::shell::queue::{Batch, Break, Frames, Job, Outlet};
use crate::shell::sync::channel::{Receiver, Select, Sender, TryRecvError};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

pub use desk::Desk;
pub use kept::{Recipe, published};
use line::Standing;
pub use seat::{Seat, Station};

/// How often an idle worker says that it lives, and retries what found a full inbox. Each wake of an idle daemon costs
/// some 50 us, and those of all its threads are what it uses when nothing comes.
const TICK: Duration = Duration::from_secs(1);
/// Books at their cap and a decoder's scratch live on the heap; the stack holds a few frames.
pub const STACK_BYTES: usize = 256 * 1024;

/// Requests that need no order with the stream.
#[derive(Debug)]
pub enum Side {
    /// A book fetched over REST.
    Snapshot {
        book: BookId,
        generation: Generation,
        /// When the call was decided on.
        asked: Mono,
        snapshot: Box<Snapshot>,
    },
    /// This book is being fetched over REST to be compared: what comes from here on is kept for that.
    Expect {
        book: BookId,
        generation: Generation,
        asked: Mono,
    },
    /// The book that was fetched to be compared.
    Compare {
        book: BookId,
        generation: Generation,
        asked: Mono,
        snapshot: Box<Snapshot>,
    },
    /// A reader wants a book. A reply that nobody waits for any more is dropped.
    AskBook {
        book: BookId,
        depth: usize,
        reply: Sender<BookView>,
    },
    AskTrades {
        book: BookId,
        limit: usize,
        reply: Sender<Vec<TradeView>>,
    },
    AskLiquidations {
        book: BookId,
        limit: usize,
        reply: Sender<Vec<LiquidationView>>,
    },
    /// Give back what is not needed: memory is short.
    Shed,
    /// For tests of backpressure: hold still until the sender is dropped.
    Hold(Receiver<()>),
}

/// What a worker tells the recovery thread.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Told {
    Need { book: BookId, connection: ConnectionId, generation: Generation, need: Need },
    Joined { book: BookId, generation: Generation, joined: Joined },
}

/// Where a worker works: what outlives a panic of it.
pub struct Place {
    pub index: usize,
    pub outlet: Outlet,
    pub side: Receiver<Side>,
    pub recovery: Sender<Told>,
    pub counters: Arc<WorkerCounters>,
    pub events: Sender<Event>,
    pub beat: Arc<Beat>,
    pub clock: Clock,
    /// The books it keeps, for whoever starts it over.
    pub recipes: Vec<Arc<Recipe>>,
}

/// A place and the seat at it that others may take too.
pub struct Post {
    pub seat: Arc<Seat>,
    pub place: Place,
}

/// What a worker is to look at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ready {
    Job,
    Side,
    /// Neither, for a while.
    Idle,
}

/// What knows the books; gone with a panic.
pub struct Worker {
    desk: Desk,
    next_tick: Mono,
    broken: Vec<Break>,
}

/// Every way in is gone, and nothing is left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Closed;

/// The worker's own thread: runs until every way in is gone.
pub fn run(Post { seat, place }: Post) {
    let (beat, clock, counters) = (place.beat.clone(), place.clock.clone(), place.counters.clone());
    let (rung, side, free) = (place.outlet.rung.clone(), place.side.clone(), place.outlet.seat_free());
    seat.give_back(Box::new(Station::new(place)));
    let mut inboxes = Select::new();
    inboxes.recv(&rung);
    inboxes.recv(&side);
    let mut open = true;
    loop {
        beat.mark(clock.mono());
        let Some(mut station) = seat.want() else {
            // Whoever is there rings when it stands up.
            let _ = rung.recv_timeout(TICK);
            continue;
        };
        let mut ready = Ready::Idle;
        loop {
            if station.turn(ready).is_err() {
                return;
            }
            beat.mark(clock.mono());
            // Once every way in is gone, the turn that finds nothing more says so.
            let (job, request) = (!station.place.outlet.jobs.is_empty() || !open, !side.is_empty());
            ready = match (job, request) {
                (false, false) => break,
                // By turns, so that neither waits for the other to have nothing.
                (true, true) if ready == Ready::Job => Ready::Side,
                (true, _) => Ready::Job,
                (false, true) => Ready::Side,
            };
        }
        seat.give_back(station);
        free.tell();
        // While readers do the work nothing is left to do at the tick, and to sit in their way could cost a message.
        let mut batches = counters.batches.load(Relaxed);
        while inboxes.ready_timeout(TICK).is_err() {
            beat.mark(clock.mono());
            let now = counters.batches.load(Relaxed);
            if std::mem::replace(&mut batches, now) == now {
                break;
            }
        }
        open = rung.try_recv() != Err(TryRecvError::Disconnected);
    }
}

impl Worker {
    /// One that keeps the place's books.
    pub fn new(place: &Place) -> Worker {
        let mut desk = Desk::new(place.index, place.recovery.clone(), place.counters.clone());
        for recipe in &place.recipes {
            desk.adopt(recipe.clone());
        }
        Worker { desk, next_tick: Mono::ZERO, broken: Vec::new() }
    }

    /// Takes one job or one request, if it is there, and does what is due. Never waits.
    ///
    /// # Errors
    /// [`Closed`]: it will never be needed again.
    pub fn turn(&mut self, place: &mut Place, ready: Ready) -> Result<(), Closed> {
        match ready {
            Ready::Job => self.job(place)?,
            Ready::Side => {
                if let Ok(request) = place.side.try_recv() {
                    serve(&mut self.desk, request, &place.clock);
                }
            }
            Ready::Idle => {}
        }
        let now = place.clock.mono();
        if now >= self.next_tick {
            self.desk.tick(place.clock.stamp());
            self.next_tick = now.after(TICK);
        }
        Ok(())
    }

    /// Applies frames that were never queued, behind everything that was before them.
    pub fn apply(&mut self, place: &Place, frames: &Frames<'_>) {
        let taken = place.clock.mono();
        place.outlet.take_broken(&mut self.broken);
        self.desk.evicted(&mut self.broken, &place.clock);
        self.desk.apply(frames, &place.clock);
        self.desk.finish(taken, &place.clock);
        self.tell_carried(place);
    }

    fn tell_carried(&mut self, place: &Place) {
        if let Some((connection, generation)) = self.desk.take_carried() {
            // Without a place for it the supervisor waits no longer than it would have.
            let event = Event::Carried { worker: self.desk.index, connection, generation };
            let _ = place.events.try_send(event);
        }
    }

    /// When a turn is due though nothing comes.
    pub fn deadline(&self) -> Mono {
        self.next_tick
    }

    pub fn desk(&self) -> &Desk {
        &self.desk
    }

    fn job(&mut self, place: &mut Place) -> Result<(), Closed> {
        let (desk, broken) = (&mut self.desk, &mut self.broken);
        match place.outlet.take(broken) {
            Ok(job) => {
                match job {
                    Job::Batch(batch) => apply(desk, &place.outlet, batch, broken, &place.clock),
                    other => {
                        desk.evicted(broken, &place.clock);
                        lifecycle(desk, other, &mut place.recipes, &place.events, &place.clock);
                    }
                }
                self.tell_carried(place);
            }
            Err(TryRecvError::Disconnected) => return Err(Closed),
            // A reader took it out again.
            Err(TryRecvError::Empty) => {}
        }
        Ok(())
    }
}

fn lifecycle(
    desk: &mut Desk,
    job: Job,
    recipes: &mut Vec<Arc<Recipe>>,
    events: &Sender<Event>,
    clock: &Clock,
) {
    match job {
        Job::Batch(_) => {}
        Job::Opened { connection, generation, beside, at } => {
            if desk.opened(connection, generation, beside, at) == Standing::Successor {
                desk.settling(connection, generation, at);
            }
        }
        Job::Move { connection, generation } => desk.move_over(connection, generation),
        Job::Fence { connection, generation } => {
            desk.fence(connection, generation, clock.stamp());
            // The supervisor's inbox has a place for every worker's answer to its one fence a connection.
            let _ = events.try_send(Event::Fenced { worker: desk.index, connection, generation });
        }
        Job::Adopt(more) => {
            for recipe in more {
                recipes.push(recipe.clone());
                desk.adopt(recipe);
            }
        }
        Job::Dismiss(books) => {
            recipes.retain(|recipe| !books.contains(&recipe.slot.id));
            books.iter().for_each(|book| desk.dismiss(*book));
        }
    }
}

fn apply(desk: &mut Desk, outlet: &Outlet, batch: Batch, broken: &mut Vec<Break>, clock: &Clock) {
    // The batch's room is given back even when applying it panics.
    let batch = Taken { outlet, batch: Some(batch) };
    let taken = clock.mono();
    desk.evicted(broken, clock);
    if let Some(batch) = &batch.batch {
        desk.apply(&batch.all(), clock);
    }
    drop(batch);
    desk.finish(taken, clock);
}

struct Taken<'a> {
    outlet: &'a Outlet,
    batch: Option<Batch>,
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        if let Some(batch) = self.batch.take() {
            self.outlet.done(batch);
        }
    }
}

fn serve(desk: &mut Desk, request: Side, clock: &Clock) {
    match request {
        Side::Snapshot { book, generation, asked, snapshot } => {
            desk.snapshot(book, generation, asked, &snapshot, clock.stamp())
        }
        Side::Expect { book, generation, asked } => desk.expect_comparison(book, generation, asked),
        Side::Compare { book, generation, asked, snapshot } => {
            desk.compare(book, generation, asked, &snapshot, clock.stamp())
        }
        Side::AskBook { book, depth, reply } => answer(&reply, desk.view(book, depth)),
        Side::AskTrades { book, limit, reply } => answer(&reply, desk.trades(book, limit)),
        Side::AskLiquidations { book, limit, reply } => answer(&reply, desk.liquidations(book, limit)),
        Side::Shed => desk.shed(),
        Side::Hold(until) => {
            let _ = until.recv();
        }
    }
}

/// What a reader asked for, where there is such a book.
fn answer<T>(reply: &Sender<T>, found: Option<T>) {
    if let Some(found) = found {
        let _ = reply.try_send(found);
    }
}
