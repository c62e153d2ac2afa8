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
use ladder::{Ladder, Scales};
use units::Units;

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
    levels_per_side_max: usize,
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
        // A book of no levels could vouch for nothing, and a full side always has a farthest level.
        let levels_per_side_max = levels_per_side_max.max(1);
        Book { levels_per_side_max, scales: Scales { price: 0, size: 0 }, sides: Sides::Narrow(Pair::new()) }
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
        let max = self.levels_per_side_max;
        if let Sides::Wide(_) = self.sides {
            self.sides = Sides::Narrow(Pair::new()); // gives the 128-bit form back, and tries without it
        }
        if let Sides::Narrow(pair) = &mut self.sides
            && pair.load(bids, asks, window, scales, max)?
        {
            return Ok(());
        }
        let mut wide = Pair::<i128>::new();
        let fits = wide.load(bids, asks, window, scales, max)?;
        self.sides = Sides::Wide(wide);
        if fits { Ok(()) } else { Err(BookFault::DoesNotFit) }
    }

    /// Takes changes: each size is the level's new total, zero removes it. Removing an unknown level and any change
    /// outside the window do nothing. A price listed twice keeps the last of its sizes.
    ///
    /// # Errors
    /// A [`BookFault`].
    pub fn apply(&mut self, bids: &[Level], asks: &[Level]) -> Result<(), BookFault> {
        self.apply_side(Side::Bid, bids)?;
        self.apply_side(Side::Ask, asks)
    }

    fn apply_side(&mut self, side: Side, mut changes: &[Level]) -> Result<(), BookFault> {
        loop {
            let (scales, max) = (self.scales, self.levels_per_side_max);
            let taken = match &mut self.sides {
                Sides::Narrow(pair) => pair.side_mut(side).apply(changes, scales, max)?,
                Sides::Wide(pair) => pair.side_mut(side).apply(changes, scales, max)?,
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
        *self = Book::new(self.levels_per_side_max);
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
            Sides::Narrow(pair) => pair.side(side).edge().is_some(),
            Sides::Wide(pair) => pair.side(side).edge().is_some(),
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
        max: usize,
    ) -> Result<bool, BookFault> {
        Ok(self.bids.load(bids, window.low, scales, max)?
            && self.asks.load(asks, window.high, scales, max)?)
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
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        Decimal::parse(text.as_bytes()).unwrap()
    }

    /// `"price size"` pairs, separated by commas.
    fn side(text: &str) -> Vec<Level> {
        let level = |pair: &str| {
            let (price, size) = pair.trim().split_once(' ').unwrap();
            Level { price: decimal(price), size: decimal(size) }
        };
        text.split(',').filter(|pair| !pair.is_empty()).map(level).collect()
    }

    fn shown(book: &Book, side: Side) -> String {
        let texts: Vec<String> = book.levels(side).map(|l| format!("{} {}", l.price, l.size)).collect();
        texts.join(", ")
    }

    fn loaded(bids: &str, asks: &str, max: usize) -> Book {
        let mut book = Book::new(max);
        book.load(&side(bids), &side(asks), Window::default()).unwrap();
        book
    }

    fn check(book: &Book, bids: &str, asks: &str) {
        assert_eq!((shown(book, Side::Bid).as_str(), shown(book, Side::Ask).as_str()), (bids, asks));
    }

    #[test]
    fn one_price_spelled_twice_is_one_level() {
        let mut book = loaded("456.09 5, 456.10 42", "456.35 123", 10);
        book.apply(&side("456.1 7, 455 0, 456.09 0"), &side("456.350 0, 457 1, 456.5 2")).unwrap();
        check(&book, "456.1 7", "456.5 2, 457 1");
        assert_eq!(book.best(Side::Ask), side("456.5 2").pop());
        assert_eq!(book.size_at(Side::Ask, decimal("457.0")), decimal("1"));
        assert_eq!(book.size_at(Side::Bid, decimal("457")), Decimal::ZERO);
        assert!(!book.is_crossed());
        book.apply(&side("456.5 1"), &[]).unwrap();
        assert!(book.is_crossed(), "a locked book counts as crossed");
    }

    #[test]
    fn finer_and_wider_numbers_change_the_units_and_not_the_levels() {
        let mut book = loaded("100 1", "200 1000000000000000", 10);
        book.apply(&side("0.000000000000000001 1, 99.5 0.5"), &side("200.25 0.00000001")).unwrap();
        check(&book, "100 1, 99.5 0.5, 0.000000000000000001 1", "200 1000000000000000, 200.25 0.00000001");
        assert!(matches!(book.sides, Sides::Wide(_)));
        book.load(&side("1 1"), &side("2 1"), Window::default()).unwrap();
        assert!(matches!(book.sides, Sides::Narrow(_)), "a new book starts small again");
        assert_eq!(book.apply(&side("1e28 1, 1e-28 1"), &[]), Err(BookFault::DoesNotFit));
        let far = Book::new(10).load(&side("1e28 1, 1e-28 1"), &[], Window::default());
        assert_eq!(far, Err(BookFault::DoesNotFit));
    }

    #[test]
    fn a_full_side_gives_up_its_farthest_level_and_vouches_for_less() {
        let mut book = loaded("5 1, 4 1, 3 1", "6 1", 3);
        assert_eq!(book.window(), Window::default(), "full, and nothing lost yet");
        book.apply(&side("2 1"), &[]).unwrap();
        check(&book, "5 1, 4 1, 3 1", "6 1");
        assert_eq!(book.window(), Window { low: Some(decimal("3")), high: None });
        book.apply(&side("4.5 1, 3.5 2"), &[]).unwrap();
        check(&book, "5 1, 4.5 1, 4 1", "6 1");
        assert_eq!(book.window().low, Some(decimal("4")));
        book.apply(&side("5 0, 3.5 1, 4 0"), &[]).unwrap();
        check(&book, "4.5 1", "6 1");
        assert_eq!((book.len_to_edge(Side::Bid), book.len_to_edge(Side::Ask)), (Some(1), None));
    }

    #[test]
    fn a_load_keeps_the_best_levels_inside_the_window() {
        let mut book = loaded("3 1, 1 1, 2 1, 4 0", "7 1, 6 1, 9 1, 8 1", 2);
        check(&book, "3 1, 2 1", "6 1, 7 1");
        assert_eq!(book.window(), Window { low: Some(decimal("2")), high: Some(decimal("7")) });
        let window = Window { low: Some(decimal("2.5")), high: Some(decimal("8")) };
        book.load(&side("3 1, 2 1"), &side("8 1, 8.1 1"), window).unwrap();
        check(&book, "3 1", "8 1");
        assert_eq!(book.window(), window);
        book.apply(&side("2.4 1, 2.5 1"), &side("8.01 1, 0.1 1")).unwrap();
        check(&book, "3 1, 2.5 1", "0.1 1, 8 1");
    }

    #[test]
    fn nonsense_is_a_fault() {
        let mut book = loaded("5 1", "6 1", 3);
        for (bids, fault) in
            [("0 1", BookFault::BadPrice), ("-1 0", BookFault::BadPrice), ("4 -1", BookFault::NegativeSize)]
        {
            assert_eq!(book.apply(&side(bids), &[]), Err(fault), "{bids}");
            assert_eq!(book.load(&[], &side(bids), Window::default()), Err(fault), "{bids}");
        }
        let twice = side("5 1, 4 1, 5.0 2");
        assert_eq!(book.load(&twice, &[], Window::default()), Err(BookFault::DuplicatePrice));
    }

    #[test]
    fn memory_follows_the_cap_and_comes_back() {
        let mut book = Book::new(100);
        assert_eq!(book.heap_bytes(), 0);
        let mut most = 0;
        for n in 1..1_000u32 {
            book.apply(&side(&format!("{n} 1e15, {n}.5 1e-9")), &[]).unwrap();
            assert!(book.heap_bytes() <= Book::bytes_max(100));
            most = most.max(book.heap_bytes());
        }
        // One side of a hundred levels, two numbers of 128 bits each; the bound is for two, and for the narrow form.
        assert_eq!((most, Book::bytes_max(100)), (100 * 32, 100 * 96));
        assert_eq!(book.len(Side::Bid), 100);
        book.clear();
        assert_eq!((book.heap_bytes(), book.window()), (0, Window::default()));
    }
}
