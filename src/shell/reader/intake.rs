//! Places frames: finds the book of each and copies it to that book's worker.

use crate::engine::connection::count::{Count, Place};
use crate::engine::event::Channel;
use crate::engine::id::BookId;
use crate::engine::state::StaleReason;
use crate::engine::time::Stamp;
use crate::shell::count::FeedCounters;
use crate::shell::queue::{Gone, Inlet, Pushed};
use crate::venue::handles::Handles;
use crate::venue::{Control, Route, Venue};
use rustc_hash::FxHashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Where the frames of one symbol go.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BookRoute {
    pub book: BookId,
    pub worker: usize,
    /// As configured.
    pub symbol: String,
}

/// The symbols of one connection.
#[derive(Debug, Default)]
pub struct Routes {
    /// By the form of the symbol that frames carry.
    by_key: FxHashMap<String, BookRoute>,
    /// Every book with its worker, where books are carried; in one order for every run.
    books: Vec<(BookId, usize)>,
    channels: Vec<Channel>,
}

impl Routes {
    pub fn new(routes: impl IntoIterator<Item = (String, BookRoute)>, channels: Vec<Channel>) -> Routes {
        let by_key: FxHashMap<String, BookRoute> = routes.into_iter().collect();
        let mut books = Vec::new();
        if channels.iter().any(|channel| channel.is_book()) {
            books.extend(by_key.values().map(|route| (route.book, route.worker)));
            books.sort();
        }
        Routes { by_key, books, channels }
    }

    pub fn symbol(&self, book: BookId) -> Option<&str> {
        self.by_key.values().find(|r| r.book == book).map(|r| r.symbol.as_str())
    }
}

pub struct Intake {
    routes: Arc<Routes>,
    inlets: Vec<Inlet>,
    counters: Arc<FeedCounters>,
    /// Memory is critical: book messages are dropped, and say so, instead of queued.
    shedding: Arc<AtomicBool>,
    /// Messages and bytes that the counters have yet to hear of.
    uncounted: (u64, u64),
    /// What the venue's numbers for its streams stand for, in this life.
    handles: Handles,
    /// Over all frames of this life, where the venue counts them.
    count: Option<Count>,
}

impl Intake {
    pub fn new(
        routes: Arc<Routes>,
        inlets: Vec<Inlet>,
        counters: Arc<FeedCounters>,
        shedding: Arc<AtomicBool>,
        count: Option<Count>,
    ) -> Intake {
        let handles = Handles::default();
        Intake { routes, inlets, counters, shedding, uncounted: (0, 0), handles, count }
    }

    pub fn handles(&self) -> &Handles {
        &self.handles
    }

    /// Takes note of what the venue says its numbers stand for.
    pub fn bind(&mut self, control: &Control) {
        match control {
            Control::Bound { number, symbol, channel } => {
                // More than there can be is the venue's mistake; the streams beyond stay unknown.
                self.handles.bind(*number, symbol, *channel);
            }
            Control::Released { number } => self.handles.release(*number),
            _ => {}
        }
    }

    /// Takes a text frame. True when it is a control message, which the caller reads.
    ///
    /// # Errors
    /// [`Gone`] when a worker has ended.
    pub fn text(
        &mut self,
        venue: &dyn Venue,
        text: &str,
        at: Stamp,
        stopped: impl Fn() -> bool,
    ) -> Result<bool, Gone> {
        self.tally(text.len());
        if !self.follows(venue, text, at)? {
            self.counters.refused.add("repeated");
            return Ok(false);
        }
        let Intake { routes, inlets, counters, shedding, .. } = self;
        let mut placing = Placing { routes, inlets, counters, shedding, at, stopped: &stopped };
        match venue.route(text, &self.handles) {
            Route::Data { symbol, channel } => placing.data(symbol, channel, text)?,
            Route::Parts => return self.parts(venue, text, at, &stopped),
            Route::Control => {
                self.counters.controls.fetch_add(1, Relaxed);
                return Ok(true);
            }
            Route::Unused => self.counters.refused.add("unused"),
            Route::Unknown => self.counters.refused("unknown_type", text, at.mono),
            Route::Malformed(e) => {
                self.counters.decode_errors.add(e.kind());
                self.counters.refused("malformed", text, at.mono);
                self.unsure(StaleReason::Decode, at)?;
            }
        }
        Ok(false)
    }

    /// A binary frame: no venue of ours sends one.
    ///
    /// # Errors
    /// [`Gone`] when a worker has ended.
    pub fn binary(&mut self, len: usize, at: Stamp) -> Result<(), Gone> {
        self.tally(len);
        self.counters.refused("binary", "a binary frame", at.mono);
        self.unsure(StaleReason::Decode, at)
    }

    fn tally(&mut self, len: usize) {
        self.uncounted.0 += 1;
        self.uncounted.1 += len as u64;
    }

    /// Whether a frame is to be taken: not when the connection's count says that it came before. Where frames are missing
    /// nobody can tell whose they were, and no book of this connection is sure from here on.
    fn follows(&mut self, venue: &dyn Venue, text: &str, at: Stamp) -> Result<bool, Gone> {
        let Some(count) = &mut self.count else { return Ok(true) };
        let Some(number) = venue.connection_number(text) else { return Ok(true) };
        match count.take(number) {
            Place::Next => Ok(true),
            Place::Old => Ok(false),
            Place::Missing { expected } => {
                self.counters.count_jumped(expected, number, at.mono);
                self.unsure(StaleReason::Gap, at)?;
                Ok(true)
            }
        }
    }

    /// A frame of several parts: itself it is counted as control, and each part that is ours as a message.
    fn parts(
        &mut self,
        venue: &dyn Venue,
        text: &str,
        at: Stamp,
        stopped: &dyn Fn() -> bool,
    ) -> Result<bool, Gone> {
        self.counters.controls.fetch_add(1, Relaxed);
        let Intake { routes, inlets, counters, shedding, uncounted, .. } = self;
        let mut placing = Placing { routes, inlets, counters, shedding, at, stopped };
        let mut gone = Ok(());
        let read = venue.parts(text, &mut |symbol, channel, part| {
            // What a venue lists of symbols that nobody asked for is no message to us.
            if gone.is_ok() && placing.routes.by_key.contains_key(symbol) {
                uncounted.0 += 1;
                gone = placing.data(symbol, channel, part);
            }
        });
        gone?;
        if let Err(e) = read {
            self.counters.decode_errors.add(e.kind());
            self.counters.refused("malformed", text, at.mono);
            self.unsure(StaleReason::Decode, at)?;
            // The frame was counted as control, and now once more.
            self.uncounted.0 += 1;
        }
        Ok(false)
    }

    /// Tells the feed's counters what was taken: once a round of reading, because others write beside them.
    pub fn tell(&mut self) {
        let (messages, bytes) = std::mem::take(&mut self.uncounted);
        if messages > 0 {
            self.counters.received.fetch_add(messages, Relaxed);
            self.counters.bytes.fetch_add(bytes, Relaxed);
        }
    }

    /// From here on frames go by these routes.
    pub fn reroute(&mut self, routes: Arc<Routes>) {
        self.routes = routes;
    }

    /// The connection carries its books from here on.
    ///
    /// # Errors
    /// [`Gone`] when a worker has ended.
    pub fn opened(&mut self, at: Stamp) -> Result<(), Gone> {
        self.inlets.iter_mut().try_for_each(|inlet| inlet.opened(at))
    }

    /// A book was taken out of the subscription here.
    ///
    /// # Errors
    /// [`Gone`] when a worker has ended.
    pub fn withdrawn(&mut self, book: BookId, at: Stamp) -> Result<(), Gone> {
        let worker = self.routes.by_key.values().find(|r| r.book == book).map(|r| r.worker);
        match worker.and_then(|w| self.inlets.get_mut(w)) {
            Some(inlet) => inlet.withdrawn(book, at),
            None => Ok(()),
        }
    }

    /// Hands over what is filled so far, or applies it where its worker lets us: the socket has nothing more.
    ///
    /// # Errors
    /// [`Gone`] when a worker has ended.
    pub fn settle(&mut self) -> Result<(), Gone> {
        self.inlets.iter_mut().try_for_each(Inlet::settle)
    }

    /// Something was lost, and nobody can tell whose it was: no book of this connection is sure now.
    fn unsure(&mut self, why: StaleReason, at: Stamp) -> Result<(), Gone> {
        for (book, worker) in &self.routes.books {
            if let Some(inlet) = self.inlets.get_mut(*worker) {
                inlet.lose(*book, why, at)?;
            }
        }
        Ok(())
    }
}

/// What it takes to place one message.
struct Placing<'i> {
    routes: &'i Routes,
    inlets: &'i mut [Inlet],
    counters: &'i FeedCounters,
    shedding: &'i AtomicBool,
    at: Stamp,
    stopped: &'i dyn Fn() -> bool,
}

impl Placing<'_> {
    fn data(&mut self, symbol: &str, channel: Channel, text: &str) -> Result<(), Gone> {
        let Placing { routes, counters, at, .. } = *self;
        let Some(route) = routes.by_key.get(symbol) else {
            counters.refused("unknown_symbol", symbol, at.mono);
            return Ok(());
        };
        // The venue may send more than was asked for: a cross product of types and symbols, say.
        if channel != Channel::Instrument && !routes.channels.contains(&channel) {
            counters.refused.add("unwanted");
            return Ok(());
        }
        let Some(inlet) = self.inlets.get_mut(route.worker) else { return Ok(()) };
        // What is said once is little, and no book could be proved without it.
        if channel != Channel::Instrument && self.shedding.load(Relaxed) {
            counters.shed.fetch_add(1, Relaxed);
            return if channel.is_book() {
                inlet.lose(route.book, StaleReason::Overflow, at)
            } else {
                Ok(())
            };
        }
        match inlet.push(route.book, channel, text, at, self.stopped)? {
            // Whoever is dropped is counted by the feed it is of.
            Pushed::Queued | Pushed::Dropped => {}
            // Counted as received, and thrown away with the rest of this life.
            Pushed::Stopped => counters.late(),
        }
        Ok(())
    }
}
