//! The book equals the naive one after every input, whatever the numbers, and stays inside its memory.

use crate::naive::{Naive, levels_of};
use depthd::engine::book::{Book, Window};
use depthd::engine::decimal::Decimal;
use depthd::engine::event::{Level, Side};
use proptest::collection::vec;
use proptest::prelude::*;

/// Few enough distinct prices to collide often, at scales that force refining and, now and then, 128 bits.
fn price() -> impl Strategy<Value = Decimal> {
    let number = |(mantissa, scale): (i128, u8)| Decimal::new(mantissa, scale).unwrap();
    prop_oneof![
        20 => (1i128..60, 0u8..2).prop_map(number),
        2 => (1i128..60, 2u8..9).prop_map(number),
        1 => (1i128..1_000_000_000_000, 9u8..19).prop_map(number),
    ]
}

fn size() -> impl Strategy<Value = Decimal> {
    let number = |(mantissa, scale): (i128, u8)| Decimal::new(mantissa, scale).unwrap();
    prop_oneof![
        6 => Just(Decimal::ZERO),
        12 => (1i128..1_000, 0u8..5).prop_map(number),
        1 => (1i128..1_000_000_000_000_000, 0u8..19).prop_map(number),
    ]
}

fn levels(count: usize) -> impl Strategy<Value = Vec<Level>> {
    vec((price(), size()).prop_map(|(price, size)| Level { price, size }), 0..count)
}

#[derive(Clone, Debug)]
enum Step {
    Apply(Vec<Level>, Vec<Level>),
    Load(Vec<Level>, Vec<Level>, Option<Decimal>, Option<Decimal>),
    Clear,
}

fn step() -> impl Strategy<Value = Step> {
    let edge = || proptest::option::of(price());
    prop_oneof![
        12 => (levels(8), levels(8)).prop_map(|(bids, asks)| Step::Apply(bids, asks)),
        2 => (levels(24), levels(24), edge(), edge()).prop_map(|(b, a, low, high)| Step::Load(b, a, low, high)),
        1 => Just(Step::Clear),
    ]
}

/// A load holds each price once.
fn unique(mut levels: Vec<Level>) -> Vec<Level> {
    let mut seen = std::collections::HashSet::new();
    levels.retain(|level| seen.insert(level.price));
    levels
}

fn check(book: &Book, naive: &Naive, max: usize) -> Result<(), TestCaseError> {
    for side in [Side::Bid, Side::Ask] {
        let expected = naive.levels(side);
        prop_assert_eq!(&levels_of(book, side), &expected);
        prop_assert_eq!(book.best(side), expected.first().copied());
        prop_assert_eq!(book.len(side), expected.len());
        for level in expected {
            prop_assert_eq!(book.size_at(side, level.price), level.size);
        }
    }
    prop_assert_eq!(book.window(), naive.window);
    prop_assert_eq!(book.is_crossed(), naive.is_crossed());
    prop_assert!(book.heap_bytes() <= Book::bytes_max(max));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn the_book_equals_the_naive_one(max in 1usize..20, steps in vec(step(), 1..40)) {
        let (mut book, mut naive) = (Book::new(max), Naive::default());
        for step in steps {
            match step {
                Step::Apply(bids, asks) => {
                    prop_assert_eq!(book.apply(&bids, &asks), Ok(()));
                    naive.apply(&bids, &asks, max);
                }
                Step::Load(bids, asks, low, high) => {
                    let (bids, asks, window) = (unique(bids), unique(asks), Window { low, high });
                    prop_assert_eq!(book.load(&bids, &asks, window), Ok(()));
                    naive = Naive { window, ..Naive::default() };
                    naive.apply(&bids, &asks, max);
                }
                Step::Clear => {
                    book.clear();
                    naive = Naive::default();
                }
            }
            check(&book, &naive, max)?;
        }
    }
}
