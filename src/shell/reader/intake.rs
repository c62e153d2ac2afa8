//! Places frames: finds the book of each and copies it to that book's worker.

use crate::engine::event::Channel;
use crate::engine::id::BookId;
use crate::engine::state::StaleReason;
use crate::engine::time::Stamp;
use crate::shell::count::FeedCounters;
use crate::shell::queue::{Gone, Inlet, Pushed};
use crate::venue::{Route, Venue};
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
}

impl Intake {
    pub fn new(
        routes: Arc<Routes>,
        inlets: Vec<Inlet>,
        counters: Arc<FeedCounters>,
        shedding: Arc<AtomicBool>,
    ) -> Intake {
        Intake { routes, inlets, counters, shedding, uncounted: (0, 0) }
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
        self.count(text.len());
        match venue.route(text) {
            Route::Data { symbol, channel } => self.data(symbol, channel, text, at, stopped)?,
            Route::Control => {
                self.counters.controls.fetch_add(1, Relaxed);
                return Ok(true);
            }
            Route::Unknown => self.counters.refused("unknown_type", text, at.mono),
            Route::Malformed(e) => {
                self.counters.decode_errors.add(e.kind());
                self.counters.refused("malformed", text, at.mono);
                self.unplaceable(at)?;
            }
        }
        Ok(false)
    }

    /// A binary frame: no venue of ours sends one.
    ///
    /// # Errors
    /// [`Gone`] when a worker has ended.
    pub fn binary(&mut self, len: usize, at: Stamp) -> Result<(), Gone> {
        self.count(len);
        self.counters.refused("binary", "a binary frame", at.mono);
        self.unplaceable(at)
    }

    fn count(&mut self, len: usize) {
        self.uncounted.0 += 1;
        self.uncounted.1 += len as u64;
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

    /// Something came that cannot be read, and nobody can tell whose it was: no book of this connection is sure now.
    fn unplaceable(&mut self, at: Stamp) -> Result<(), Gone> {
        for (book, worker) in &self.routes.books {
            if let Some(inlet) = self.inlets.get_mut(*worker) {
                inlet.lose(*book, StaleReason::Decode, at)?;
            }
        }
        Ok(())
    }

    fn data(
        &mut self,
        symbol: &str,
        channel: Channel,
        text: &str,
        at: Stamp,
        stopped: impl Fn() -> bool,
    ) -> Result<(), Gone> {
        let Some(route) = self.routes.by_key.get(symbol) else {
            self.counters.refused("unknown_symbol", symbol, at.mono);
            return Ok(());
        };
        // The venue may send more than was asked for: a cross product of types and symbols, say.
        if !self.routes.channels.contains(&channel) {
            self.counters.refused.add("unwanted");
            return Ok(());
        }
        let Some(inlet) = self.inlets.get_mut(route.worker) else { return Ok(()) };
        if self.shedding.load(Relaxed) {
            self.counters.shed.fetch_add(1, Relaxed);
            return if channel.is_book() {
                inlet.lose(route.book, StaleReason::Overflow, at)
            } else {
                Ok(())
            };
        }
        match inlet.push(route.book, channel, text, at, stopped)? {
            // Whoever is dropped is counted by the feed it is of.
            Pushed::Queued | Pushed::Dropped => {}
            // Counted as received, and thrown away with the rest of this life.
            Pushed::Stopped => self.counters.late(),
        }
        Ok(())
    }
}
