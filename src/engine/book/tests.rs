//! Units, edges, windows, and what is refused.

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

/// A stream of the best three levels: what slides out comes back in by itself, and completeness ends at the last level.
#[test]
fn a_side_that_slides_takes_back_what_it_gave_up() {
    let mut book = Book::of_stream(10, Some(3));
    book.load(&side("5 1, 4 1, 3 1"), &side("6 1"), Window::default()).unwrap();
    assert_eq!(book.window(), Window { low: Some(decimal("3")), high: None });
    book.apply(&side("4.5 1"), &[]).unwrap();
    check(&book, "5 1, 4.5 1, 4 1", "6 1");
    book.apply(&side("4.7 1, 4.5 0"), &[]).unwrap();
    check(&book, "5 1, 4.7 1, 4 1", "6 1");
    book.apply(&side("5 0, 4.5 1, 4.7 0, 3 1"), &side("7 1, 8 1, 9 1")).unwrap();
    check(&book, "4.5 1, 4 1, 3 1", "6 1, 7 1, 8 1");
    assert_eq!(book.window(), Window { low: Some(decimal("3")), high: Some(decimal("8")) });
    book.apply(&side("4 0, 3 0"), &side("6 0")).unwrap();
    assert_eq!(book.window(), Window { low: Some(decimal("4.5")), high: Some(decimal("8")) });
    assert_eq!((book.len_to_edge(Side::Bid), book.len_to_edge(Side::Ask)), (Some(1), Some(2)));
    assert!(book.slides() && !Book::of_stream(2, Some(3)).slides(), "a lower cap is a cap");
}

/// One message can put in more levels than there is room for, before it takes the others out.
#[test]
fn a_side_that_slides_far_at_once_is_as_complete_as_before() {
    let mut book = Book::of_stream(100, Some(4));
    book.load(&side("5 1, 4 1, 3 1, 2 1"), &[], Window::default()).unwrap();
    let jump: Vec<String> = (10..30).map(|price| format!("{price} 1")).collect();
    book.apply(&side(&jump.join(",")), &[]).unwrap();
    check(&book, "29 1, 28 1, 27 1, 26 1", "");
    book.apply(&side("29 0, 28 0, 27 0, 26 0, 4 1, 3 1, 2 1, 1 1"), &[]).unwrap();
    check(&book, "4 1, 3 1, 2 1, 1 1", "");
    assert_eq!(book.window().low, Some(decimal("1")));
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
