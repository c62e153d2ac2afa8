//! The book against the naive one, and against itself inside its memory, whatever the numbers.

use crate::input::Input;
use crate::naive::{Naive, levels_of};
use depthd::engine::book::{Book, BookFault, Window};
use depthd::engine::decimal::Decimal;
use depthd::engine::event::{Level, Side};
use std::collections::HashSet;

/// Steps of one input; more would only be slower.
const STEPS_MAX: usize = 64;

pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let max = usize::from(input.up_to(19)) + 1;
    let (mut book, mut naive) = (Book::new(max), Naive::default());
    for _ in 0..STEPS_MAX {
        if input.is_over() {
            return;
        }
        let kind = input.up_to(15);
        let edge = |input: &mut Input<'_>| input.one_in(3).then(|| price(input));
        let outcome = match kind {
            0..12 => {
                let (bids, asks) = (input.list(7, level), input.list(7, level));
                naive.apply(&bids, &asks, max);
                book.apply(&bids, &asks)
            }
            12..14 => {
                let (mut bids, mut asks) = (input.list(23, level), input.list(23, level));
                let window = Window { low: edge(&mut input), high: edge(&mut input) };
                let loaded = book.load(&bids, &asks, window);
                // A level of no size is none, also beside one of the same price.
                bids.retain(|level| !level.size.is_zero() && window.low.is_none_or(|low| level.price >= low));
                asks.retain(|level| {
                    !level.size.is_zero() && window.high.is_none_or(|high| level.price <= high)
                });
                if !is_unique(&bids) || !is_unique(&asks) {
                    assert!(loaded.is_err(), "a price twice in a load");
                    return;
                }
                naive = Naive { window, ..Naive::default() };
                naive.apply(&bids, &asks, max);
                loaded
            }
            14 => {
                book.clear();
                naive = Naive::default();
                Ok(())
            }
            _ => {
                let mut bad = level(&mut input);
                let fault = if input.one_in(2) { BookFault::BadPrice } else { BookFault::NegativeSize };
                match fault {
                    BookFault::BadPrice => bad.price = Decimal::ZERO,
                    _ => bad.size = Decimal::new(-1, input.up_to(9)).expect("fits"),
                }
                assert_eq!(book.apply(&[bad], &[]), Err(fault));
                Ok(())
            }
        };
        if let Err(fault) = outcome {
            // The only excuse of a sound input: numbers so far apart that no 128 bits hold them in one unit.
            return assert_eq!(fault, BookFault::DoesNotFit);
        }
        check(&book, &naive, max);
    }
}

fn check(book: &Book, naive: &Naive, max: usize) {
    for side in [Side::Bid, Side::Ask] {
        let expected = naive.levels(side);
        assert_eq!(levels_of(book, side), expected);
        assert_eq!((book.best(side), book.len(side)), (expected.first().copied(), expected.len()));
        for level in expected {
            assert_eq!(book.size_at(side, level.price), level.size);
        }
    }
    assert_eq!((book.window(), book.is_crossed()), (naive.window, naive.is_crossed()));
    assert!(book.heap_bytes() <= Book::bytes_max(max));
}

fn is_unique(levels: &[Level]) -> bool {
    let mut seen = HashSet::new();
    levels.iter().all(|level| seen.insert(level.price))
}

fn level(input: &mut Input<'_>) -> Level {
    let price = price(input);
    let size = match input.byte() {
        0..80 => Decimal::ZERO,
        mantissa @ 80..250 => Decimal::new(i128::from(mantissa), mantissa % 5).expect("fits"),
        _ => Decimal::new(i128::from(input.long() >> 14), input.up_to(18)).expect("fits"),
    };
    Level { price, size }
}

/// Few enough to collide often; now and then a scale or a width that forces another unit.
fn price(input: &mut Input<'_>) -> Decimal {
    let (mantissa, scale) = match input.byte() {
        mantissa @ 0..240 => (i128::from(mantissa % 60) + 1, mantissa / 120),
        240..250 => (i128::from(input.up_to(59)) + 1, input.up_to(7)),
        _ => (i128::from(input.long() >> 20) + 1, input.up_to(27)),
    };
    Decimal::new(mantissa, scale).expect("fits")
}
