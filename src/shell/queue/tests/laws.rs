//! The queue's laws: never over its bound, in order, and no message missing without its book being told at that place.

use super::{Board, CONTROL, Checker, inlet};
use crate::config::Overflow;
use crate::engine::event::Channel;
use crate::engine::id::BookId;
use crate::engine::random::Random;
use crate::engine::time::Stamp;
use crate::shell::queue::{Entrance, Inlet, Job, Pushed, queue};
use crate::shell::thread;
use crossbeam_channel::{TryRecvError, bounded};
use proptest::prelude::*;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Pushes what it is told to, and knows how much that was.
struct Feeder {
    inlet: Inlet,
    first_book: u32,
    next: Vec<u64>,
    pushed: u64,
    /// It is told to stop when there is no room: nobody would make any while it waits.
    stops: bool,
    /// The same for a message of more bytes: nobody is at the worker's seat who would apply it in its place.
    queue_bytes: usize,
}

impl Feeder {
    fn new(inlet: Inlet, first_book: u32, books: usize) -> Feeder {
        Feeder { inlet, first_book, next: vec![0; books], pushed: 0, stops: false, queue_bytes: usize::MAX }
    }

    fn push(&mut self, book: usize, padding: usize, is_book: bool) {
        let id = BookId(self.first_book + book as u32);
        let (channel, text) = if is_book {
            self.next[book] += 1;
            (Channel::Book, format!("{}{}", self.next[book], ".".repeat(padding)))
        } else {
            (Channel::Trade, "t".to_owned())
        };
        self.pushed += 1;
        let stops = self.stops || text.len() > self.queue_bytes;
        let pushed = self.inlet.push(id, channel, &text, Stamp::ZERO, || stops).expect("room for jobs");
        if pushed == Pushed::Stopped {
            assert!(stops, "nobody told it to stop");
            // What its reader counts as late; nothing after it is of the same life.
            self.pushed -= 1;
            self.next[book] -= u64::from(is_book);
        }
    }
}

fn assert_at_rest(way: &Entrance, board: &Board, checker: &Checker, pushed: u64) {
    let gauge = way.gauge();
    assert_eq!(gauge.messages.load(Ordering::SeqCst), 0);
    assert_eq!(gauge.bytes.load(Ordering::SeqCst), 0);
    assert!(gauge.messages_high.load(Ordering::SeqCst) <= gauge.messages_max);
    assert!(gauge.bytes_high.load(Ordering::SeqCst) <= gauge.bytes_max);
    assert_eq!(
        pushed,
        checker.frames + checker.others + board.dropped(),
        "every message is applied or counted"
    );
    assert!(board.all_passed(), "the worker has heard of every break");
}

fn below(random: &mut Random, bound: u64) -> u64 {
    random.up_to(bound - 1)
}

/// Three readers against one worker that stops now and then, all as fast as they can.
fn stress(overflow: Overflow, seed: u64) -> u64 {
    const READERS: u32 = 3;
    const BOOKS: usize = 4;
    const MESSAGES: u64 = 20_000;
    let board = Arc::new(Board::default());
    let (way, outlet) = queue(40, 400, READERS as usize * BOOKS, CONTROL);
    let (done, over) = bounded::<()>(0);
    let readers: Vec<_> = (0..READERS)
        .map(|reader| {
            let feeder =
                Feeder::new(inlet(&way, 1 + reader as usize * 4, overflow, &board), reader * 100, BOOKS);
            let (mut feeder, done) = (feeder, done.clone());
            let mut random = Random::new(seed ^ u64::from(reader));
            thread::spawn("reader", 128 * 1024, move || {
                let _until_the_end = done;
                for i in 0..MESSAGES {
                    let (book, padding) =
                        (below(&mut random, BOOKS as u64) as usize, below(&mut random, 30) as usize);
                    feeder.push(book, padding, below(&mut random, 8) > 0);
                    if below(&mut random, 16) == 0 {
                        feeder.inlet.settle().expect("room for jobs");
                    }
                    if i % 64 == 0 {
                        std::thread::yield_now();
                    }
                }
                feeder.inlet.settle().expect("room for jobs");
                feeder.pushed
            })
            .expect("a thread")
        })
        .collect();
    drop(done);
    let (mut checker, mut random) = (Checker::new(&board), Random::new(seed));
    loop {
        let ended = matches!(over.try_recv(), Err(TryRecvError::Disconnected));
        let mut idle = true;
        for _ in 0..below(&mut random, 64) {
            idle &= !checker.step(&outlet);
        }
        if ended && idle && !checker.step(&outlet) {
            break;
        }
        std::thread::yield_now();
    }
    let pushed: u64 = readers
        .into_iter()
        .map(|r| match r.join() {
            thread::Ended::Returned(pushed) => pushed,
            thread::Ended::Panicked(why) => panic!("{why}"),
        })
        .sum();
    while checker.step(&outlet) {}
    assert_eq!(pushed, u64::from(READERS) * MESSAGES);
    assert_at_rest(&way, &board, &checker, pushed);
    board.dropped()
}

#[test]
fn under_threads_no_message_is_missing_without_a_word() {
    for seed in 1..=4 {
        assert!(stress(Overflow::DropNewest, seed) > 0);
        assert!(stress(Overflow::DropOldest, seed) > 0);
        assert_eq!(stress(Overflow::Block, seed), 0);
    }
}

#[derive(Clone, Debug)]
enum Op {
    Push {
        reader: usize,
        book: usize,
        padding: usize,
        is_book: bool,
    },
    Flush {
        reader: usize,
    },
    /// The worker takes a job into its hand, or lays it down.
    Take,
    Done,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => (0..2usize, 0..2usize, 0..12usize, prop::bool::weighted(0.8))
            .prop_map(|(reader, book, padding, is_book)| Op::Push { reader, book, padding, is_book }),
        1 => (0..2usize).prop_map(|reader| Op::Flush { reader }),
        2 => Just(Op::Take),
        2 => Just(Op::Done),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_message_is_missing_without_a_word(
        ops in prop::collection::vec(op(), 1..200),
        policy in 0..3usize,
        messages in 1..8usize,
        bytes in 4..40usize,
        batch in 1..5usize,
    ) {
        let overflow = [Overflow::DropNewest, Overflow::DropOldest, Overflow::Block][policy];
        let board = Arc::new(Board::default());
        let (way, outlet) = queue(messages, bytes, 4, CONTROL);
        let mut feeders: Vec<Feeder> = [0, 100]
            .map(|first| Feeder::new(inlet(&way, batch, overflow, &board), first, 2))
            .into_iter()
            .collect();
        feeders.iter_mut().for_each(|f| (f.stops, f.queue_bytes) = (overflow == Overflow::Block, bytes));
        let gauge = way.gauge();
        let (mut checker, mut hand) = (Checker::new(&board), None);
        for op in ops {
            match op {
                Op::Push { reader, book, padding, is_book } => feeders[reader].push(book, padding, is_book),
                Op::Flush { reader } => feeders[reader].inlet.settle().expect("room for jobs"),
                Op::Take if hand.is_none() => {
                    let mut breaks = Vec::new();
                    if let Ok(Job::Batch(batch)) = outlet.take(&mut breaks) {
                        checker.broken(&mut breaks);
                        hand = Some(batch);
                    }
                    prop_assert!(breaks.is_empty(), "a note without a job");
                }
                Op::Take => {}
                Op::Done => {
                    if let Some(batch) = hand.take() {
                        checker.batch(&batch);
                        outlet.done(batch);
                    }
                }
            }
            let now = (gauge.messages.load(Ordering::SeqCst), gauge.bytes.load(Ordering::SeqCst));
            prop_assert!(now.0 <= messages && now.1 <= bytes, "{now:?} of {messages}, {bytes}");
        }
        if let Some(batch) = hand.take() {
            checker.batch(&batch);
            outlet.done(batch);
        }
        feeders.iter_mut().for_each(|f| f.inlet.settle().expect("room for jobs"));
        while checker.step(&outlet) {}
        // A note waits for the next job; here that is a last message of each book, as in a stream that goes on.
        for feeder in &mut feeders {
            for book in 0..2 {
                feeder.push(book, 0, true);
                feeder.inlet.settle().expect("room for jobs");
                while checker.step(&outlet) {}
            }
        }
        let pushed = feeders.iter().map(|f| f.pushed).sum();
        assert_at_rest(&way, &board, &checker, pushed);
    }
}
