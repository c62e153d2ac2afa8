//! A worker: the only thread that touches its books. Takes batches and snapshots in, publishes books, asks for repairs.
//!
//! It waits on its queue, on requests from the side, and at most half a second on nothing. It decides nothing: the books'
//! machines do.

mod desk;
mod kept;

use crate::engine::event::Snapshot;
use crate::engine::id::{BookId, ConnectionId, Generation};
use crate::engine::need::{Joined, Need};
use crate::engine::time::Mono;
use crate::engine::view::{BookView, TradeView};
use crate::shell::beat::Beat;
use crate::shell::clock::Clock;
use crate::shell::event::Event;
use crate::shell::queue::{Batch, Break, Job, Outlet};
use crate::shell::sync::channel::{Receiver, Select, Sender, TryRecvError};
use std::sync::Arc;
use std::time::Duration;

pub use desk::Desk;
pub use kept::Recipe;

/// How often an idle worker says that it lives, and retries what found a full inbox.
const TICK: Duration = Duration::from_millis(500);
/// Books at their cap and a decoder's scratch live on the heap; the stack holds a few frames.
pub const STACK_BYTES: usize = 256 * 1024;

/// Requests that need no order with the stream.
#[derive(Debug)]
pub enum Side {
    /// A book fetched over REST.
    Snapshot {
        book: BookId,
        generation: Generation,
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

/// Runs until every sender of jobs is gone. `recipes` are the books it keeps, for whoever starts it over.
pub fn run(
    mut desk: Desk,
    recipes: &mut Vec<Arc<Recipe>>,
    outlet: &Outlet,
    side: &Receiver<Side>,
    events: &Sender<Event>,
    beat: &Arc<Beat>,
    clock: &Clock,
) {
    for recipe in recipes.iter() {
        desk.adopt(recipe.clone());
    }
    let mut next_tick = Mono::ZERO;
    let mut broken = Vec::new();
    let mut inboxes = Select::new();
    let jobs = inboxes.recv(&outlet.jobs);
    inboxes.recv(side);
    loop {
        match inboxes.ready_timeout(TICK) {
            Ok(ready) if ready == jobs => {
                let job = match outlet.take(&mut broken) {
                    Ok(job) => job,
                    Err(TryRecvError::Disconnected) => return,
                    // A reader took it out again.
                    Err(TryRecvError::Empty) => continue,
                };
                match job {
                    Job::Batch(batch) => apply(&mut desk, outlet, batch, &mut broken, clock),
                    other => {
                        desk.evicted(&mut broken, clock);
                        lifecycle(&mut desk, other, recipes, events, clock);
                    }
                }
            }
            Ok(_) => {
                if let Ok(request) = side.try_recv() {
                    serve(&mut desk, request, clock);
                }
            }
            Err(_) => {}
        }
        let now = clock.mono();
        beat.mark(now);
        if now >= next_tick {
            desk.tick();
            next_tick = now.after(TICK);
        }
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
        Job::Opened { connection, generation, at } => desk.opened(connection, generation, at),
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
    desk.evicted(broken, clock);
    if let Some(batch) = &batch.batch {
        desk.batch(batch);
    }
    drop(batch);
    desk.finish(clock);
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
        Side::Snapshot { book, generation, snapshot } => {
            desk.snapshot(book, generation, &snapshot, clock.stamp())
        }
        Side::AskBook { book, depth, reply } => {
            if let Some(view) = desk.view(book, depth) {
                let _ = reply.try_send(view);
            }
        }
        Side::AskTrades { book, limit, reply } => {
            if let Some(trades) = desk.trades(book, limit) {
                let _ = reply.try_send(trades);
            }
        }
        Side::Shed => desk.shed(),
        Side::Hold(until) => {
            let _ = until.recv();
        }
    }
}
