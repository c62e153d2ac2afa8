//! An order book: exact levels inside the price window it can vouch for.
//!
//! Prices and sizes are integers at a scale of the book's own, refined when a finer number comes and widened from
//! 64 to 128 bits when those no longer do. A number that fits neither is a [`BookFault`]: the book is then not to be
//! trusted, and says nothing wrong instead. A full side gives up its farthest levels and tightens its window.
//! Applying changes to a book of settled size and scale allocates nothing.

mod fault;
mod ladder;
mod units;

pub use fault::BookFault;

use crate::engine::decimal::Decimal;
use crate::engine::event::{Level, Side};
pub(in crate::engine) use ladder::check_signs;
use ladder::{Bound, Ladder, Scales};
use units::Units;

/// Levels that a message may put into a book that slides before it takes others out, beside a quarter of the book.
const MESSAGE_ROOM: usize = 16;

/// The prices between which a book is complete, both inclusive: bids from `low` up, asks from `high` down.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Window {
    /// `None`: every bid the venue has.
    pub low: Option<Decimal>,
    /// `None`: every ask the venue has.
    pub high: Option<Decimal>,
}

/// Both sides of one market.
pub struct Book {
    bound: Bound,
    scales: Scales,
    sides: Sides,
}

enum Sides {
    Narrow(Pair<i64>),
    Wide(Pair<i128>),
}

struct Pair<N> {
    bids: Ladder<N>,
    asks: Ladder<N>,
}

impl Book {
    /// An empty, complete book. Allocates nothing until it holds a level.
    pub fn new(levels_per_side_max: usize) -> Book {
        Book::of_stream(levels_per_side_max, None)
    }

    /// The same for a stream that carries `depth` levels a side, where it says so: a side that has them all is complete to
    /// its last level, wherever that is. Where the cap is lower the book is one like any other.
    pub fn of_stream(levels_per_side_max: usize, depth: Option<usize>) -> Book {
        // A book of no levels could vouch for nothing, and a full side always has a farthest level.
        let levels_per_side_max = levels_per_side_max.max(1);
        let stream = depth.filter(|depth| (1..=levels_per_side_max).contains(depth));
        let bound = Bound { levels_max: Book::levels_max(levels_per_side_max, depth), stream };
        Book { bound, scales: Scales { price: 0, size: 0 }, sides: Sides::Narrow(Pair::new()) }
    }

    /// The most levels a side of a book [of a stream](Book::of_stream) holds. One that slides has room for what a message puts
    /// in before it takes others out; one with more than that gives up levels like any other.
    pub const fn levels_max(levels_per_side_max: usize, depth: Option<usize>) -> usize {
        match depth {
            Some(depth) if depth <= levels_per_side_max => depth + depth / 4 + MESSAGE_ROOM,
            _ => levels_per_side_max,
        }
    }

    /// Whether what leaves this book at its far end is sent again when it comes back.
    pub fn slides(&self) -> bool {
        self.bound.stream.is_some()
    }

    /// Replaces everything. The order of the levels is not trusted, zero sizes are no levels, levels outside
    /// `window` are left out; a side deeper than the cap keeps its best levels and a tighter window.
    ///
    /// # Errors
    /// A [`BookFault`].
    pub fn load(&mut self, bids: &[Level], asks: &[Level], window: Window) -> Result<(), BookFault> {
        let mut scales = Scales { price: 0, size: 0 };
        for level in bids.iter().chain(asks) {
            ladder::check_signs(level)?;
            scales.price = scales.price.max(level.price.scale());
            scales.size = scales.size.max(level.size.scale());
        }
        for edge in [window.low, window.high].into_iter().flatten() {
            scales.price = scales.price.max(edge.scale());
        }
        self.scales = scales;
        let bound = self.bound;
        if let Sides::Wide(_) = self.sides {
            self.sides = Sides::Narrow(Pair::new()); // gives the 128-bit form back, and tries without it
        }
        if let Sides::Narrow(pair) = &mut self.sides
            && pair.load(bids, asks, window, scales, bound)?
        {
            self.trim();
            return Ok(());
        }
        let mut wide = Pair::<i128>::new();
        let fits = wide.load(bids, asks, window, scales, bound)?;
        self.sides = Sides::Wide(wide);
        self.trim();
        if fits { Ok(()) } else { Err(BookFault::DoesNotFit) }
    }

    /// Takes changes: each size is the level's new total, zero removes it. Removing an unknown level and any change
    /// outside the window do nothing. A price listed twice keeps the last of its sizes.
    ///
    /// # Errors
    /// A [`BookFault`].
    pub fn apply(&mut self, bids: &[Level], asks: &[Level]) -> Result<(), BookFault> {
        self.apply_side(Side::Bid, bids)?;
        self.apply_side(Side::Ask, asks)?;
        self.trim();
        Ok(())
    }

    fn trim(&mut self) {
        if !self.slides() {
            return;
        }
        match &mut self.sides {
            Sides::Narrow(pair) => pair.trim(self.bound),
            Sides::Wide(pair) => pair.trim(self.bound),
        }
    }

    fn apply_side(&mut self, side: Side, mut changes: &[Level]) -> Result<(), BookFault> {
        loop {
            let (scales, bound) = (self.scales, self.bound);
            let taken = match &mut self.sides {
                Sides::Narrow(pair) => pair.side_mut(side).apply(changes, scales, bound)?,
                Sides::Wide(pair) => pair.side_mut(side).apply(changes, scales, bound)?,
            };
            changes = &changes[taken..];
            let Some(next) = changes.first() else { return Ok(()) };
            self.make_fit(next)?;
        }
    }

    /// Changes the book's units so that `level` can be said in them.
    #[cold]
    fn make_fit(&mut self, level: &Level) -> Result<(), BookFault> {
        let finer = Scales {
            price: level.price.scale().saturating_sub(self.scales.price),
            size: level.size.scale().saturating_sub(self.scales.size),
        };
        let scales = Scales { price: self.scales.price + finer.price, size: self.scales.size + finer.size };
        if let Sides::Narrow(pair) = &mut self.sides {
            if pair.can_refine(finer) && says::<i64>(level, scales) {
                pair.refine(finer);
                self.scales = scales;
                return Ok(());
            }
            self.sides = Sides::Wide(Pair { bids: pair.bids.widened(), asks: pair.asks.widened() });
        }
        if let Sides::Wide(pair) = &mut self.sides
            && pair.can_refine(finer)
            && says::<i128>(level, scales)
        {
            pair.refine(finer);
            self.scales = scales;
            return Ok(());
        }
        Err(BookFault::DoesNotFit)
    }

    /// Empties the book and gives its memory back.
    pub fn clear(&mut self) {
        *self = Book {
            bound: self.bound,
            scales: Scales { price: 0, size: 0 },
            sides: Sides::Narrow(Pair::new()),
        };
    }

    pub fn best(&self, side: Side) -> Option<Level> {
        self.at(side, 0)
    }

    /// The levels of one side, best first.
    pub fn levels(&self, side: Side) -> impl Iterator<Item = Level> + '_ {
        (0..self.len(side)).map_while(move |depth| self.at(side, depth))
    }

    fn at(&self, side: Side, depth: usize) -> Option<Level> {
        let (price, size) = match &self.sides {
            Sides::Narrow(pair) => pair.side(side).at(depth),
            Sides::Wide(pair) => pair.side(side).at(depth),
        }?;
        Some(Level { price: decimal(price, self.scales.price), size: decimal(size, self.scales.size) })
    }

    pub fn len(&self, side: Side) -> usize {
        match &self.sides {
            Sides::Narrow(pair) => pair.side(side).len(),
            Sides::Wide(pair) => pair.side(side).len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len(Side::Bid) == 0 && self.len(Side::Ask) == 0
    }

    /// The size at a price; zero when the book has no such level.
    pub fn size_at(&self, side: Side, price: Decimal) -> Decimal {
        fn find<N: Units>(ladder: &Ladder<N>, price: Decimal, scale: u8) -> Option<i128> {
            ladder.size_of(N::of(price, scale)?).map(N::widened)
        }
        let size = match &self.sides {
            Sides::Narrow(pair) => find(pair.side(side), price, self.scales.price),
            Sides::Wide(pair) => find(pair.side(side), price, self.scales.price),
        };
        size.map_or(Decimal::ZERO, |size| decimal(size, self.scales.size))
    }

    /// The prices between which the book is complete.
    pub fn window(&self) -> Window {
        let (low, high) = match &self.sides {
            Sides::Narrow(pair) => (pair.bids.edge(), pair.asks.edge()),
            Sides::Wide(pair) => (pair.bids.edge(), pair.asks.edge()),
        };
        let price = |edge| decimal(edge, self.scales.price);
        Window { low: low.map(price), high: high.map(price) }
    }

    /// How many levels are left on a side that is complete only to the window's edge; `None` for a complete side.
    pub fn len_to_edge(&self, side: Side) -> Option<usize> {
        let has_edge = match &self.sides {
            Sides::Narrow(pair) => pair.side(side).is_cut_off(),
            Sides::Wide(pair) => pair.side(side).is_cut_off(),
        };
        has_edge.then(|| self.len(side))
    }

    /// True when the best bid is at or above the best ask.
    pub fn is_crossed(&self) -> bool {
        match &self.sides {
            Sides::Narrow(pair) => pair.is_crossed(),
            Sides::Wide(pair) => pair.is_crossed(),
        }
    }

    /// Heap memory held now.
    pub fn heap_bytes(&self) -> usize {
        match &self.sides {
            Sides::Narrow(pair) => pair.bids.heap_bytes() + pair.asks.heap_bytes(),
            Sides::Wide(pair) => pair.bids.heap_bytes() + pair.asks.heap_bytes(),
        }
    }

    /// The most heap memory a book of this cap ever holds: both sides full in the 128-bit form, and the 64-bit form
    /// they are being widened from. Loading a snapshot deeper than the cap takes its own size on top, for that long.
    pub const fn bytes_max(levels_per_side_max: usize) -> usize {
        let wide = size_of::<(i128, i128)>() * 2;
        let narrow = size_of::<(i64, i64)>() * 2;
        levels_per_side_max.saturating_mul(wide + narrow)
    }
}

impl<N: Units> Pair<N> {
    fn new() -> Pair<N> {
        Pair { bids: Ladder::new(Side::Bid), asks: Ladder::new(Side::Ask) }
    }

    fn side(&self, side: Side) -> &Ladder<N> {
        match side {
            Side::Bid => &self.bids,
            Side::Ask => &self.asks,
        }
    }

    fn side_mut(&mut self, side: Side) -> &mut Ladder<N> {
        match side {
            Side::Bid => &mut self.bids,
            Side::Ask => &mut self.asks,
        }
    }

    fn load(
        &mut self,
        bids: &[Level],
        asks: &[Level],
        window: Window,
        scales: Scales,
        bound: Bound,
    ) -> Result<bool, BookFault> {
        Ok(self.bids.load(bids, window.low, scales, bound)?
            && self.asks.load(asks, window.high, scales, bound)?)
    }

    fn trim(&mut self, bound: Bound) {
        self.bids.trim(bound);
        self.asks.trim(bound);
    }

    fn can_refine(&self, finer: Scales) -> bool {
        self.bids.can_refine(finer) && self.asks.can_refine(finer)
    }

    fn refine(&mut self, finer: Scales) {
        self.bids.refine(finer);
        self.asks.refine(finer);
    }

    fn is_crossed(&self) -> bool {
        matches!((self.bids.best_price(), self.asks.best_price()), (Some(bid), Some(ask)) if bid >= ask)
    }
}

/// Whether a width can say a level at these scales.
fn says<N: Units>(level: &Level, scales: Scales) -> bool {
    N::of(level.price, scales.price).is_some() && N::of(level.size, scales.size).is_some()
}

fn decimal(count: i128, scale: u8) -> Decimal {
    Decimal::new(count, scale).expect("every number in a book came from a decimal")
}

#[cfg(test)]
mod tests;
