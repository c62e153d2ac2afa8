//! The queue, case by case; its laws under any order of events are in `laws`.

mod laws;

use super::{Break, Entrance, Entry, Gone, Job, LossBoard, Outlet, Pushed, queue};
use crate::config::Overflow;
use crate::engine::event::Channel;
use crate::engine::id::{BookId, ConnectionId, Generation};
use crate::engine::state::StaleReason;
use crate::engine::time::Stamp;
use crate::shell::clock::Clock;
use crate::shell::queue::{Batch, Inlet};
use crate::shell::sync::channel::TryRecvError;
use crate::shell::thread;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const LIFE: Generation = Generation(1);
const CONTROL: usize = 16;
/// Longer than any healthy wait on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// Breaks and passes of each book, and all drops.
#[derive(Default)]
struct Board {
    books: Mutex<HashMap<BookId, (u64, u64)>>,
    dropped: AtomicU64,
}

impl Board {
    fn pass(&self, book: BookId, number: u64) {
        let mut books = self.books.lock().unwrap();
        let (breaks, passed) = books.get_mut(&book).expect("nothing is passed that was not broken");
        assert!(number <= *breaks);
        *passed = number.max(*passed);
    }

    fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::SeqCst)
    }

    fn all_passed(&self) -> bool {
        self.books.lock().unwrap().values().all(|(breaks, passed)| breaks == passed)
    }
}

impl LossBoard for Board {
    fn dropped(&self, _: ConnectionId, _: BookId, _: Stamp) {
        self.dropped.fetch_add(1, Ordering::SeqCst);
    }

    fn broken(&self, book: BookId, _: StaleReason, _: Stamp) -> u64 {
        let mut books = self.books.lock().unwrap();
        let (breaks, _) = books.entry(book).or_default();
        *breaks += 1;
        *breaks
    }

    fn is_passed(&self, book: BookId, number: u64) -> bool {
        self.books.lock().unwrap().get(&book).is_none_or(|(_, passed)| *passed >= number)
    }
}

/// A worker that checks instead of applying. A frame's text is its number in its book, then padding.
struct Checker {
    board: Arc<Board>,
    books: HashMap<BookId, Seen>,
    frames: u64,
    others: u64,
}

#[derive(Clone, Copy, Default)]
struct Seen {
    last: u64,
    broken: bool,
}

impl Checker {
    fn new(board: &Arc<Board>) -> Checker {
        Checker { board: board.clone(), books: HashMap::new(), frames: 0, others: 0 }
    }

    fn broken(&mut self, breaks: &mut Vec<Break>) {
        for one in breaks.drain(..) {
            self.books.entry(one.book).or_default().broken = true;
            self.board.pass(one.book, one.number);
        }
    }

    fn batch(&mut self, batch: &Batch) {
        for item in &batch.items {
            let seen = self.books.entry(item.book).or_default();
            match item.entry {
                Entry::Frame { channel, .. } if !channel.is_book() => self.others += 1,
                Entry::Frame { start, len, .. } => {
                    let text = batch.frame(start, len);
                    let number: u64 = text.trim_end_matches('.').parse().expect("a number");
                    assert!(number > seen.last, "{:?}: {number} after {}", item.book, seen.last);
                    assert!(
                        number == seen.last + 1 || seen.broken,
                        "{:?}: {number} after {} without a word",
                        item.book,
                        seen.last
                    );
                    *seen = Seen { last: number, broken: false };
                    self.frames += 1;
                }
                Entry::Lost { number, .. } => {
                    seen.broken = true;
                    self.board.pass(item.book, number);
                }
                Entry::Withdrawn => {}
            }
        }
    }

    /// Takes one job, if there is one.
    fn step(&mut self, outlet: &Outlet) -> bool {
        let mut breaks = Vec::new();
        let job = outlet.take(&mut breaks);
        self.broken(&mut breaks);
        match job {
            Ok(Job::Batch(batch)) => {
                self.batch(&batch);
                outlet.done(batch);
                true
            }
            Ok(_) => true,
            Err(_) => false,
        }
    }
}

fn inlet(way: &Entrance, batch: usize, overflow: Overflow, board: &Arc<Board>) -> Inlet {
    way.inlet(ConnectionId(0), LIFE, None, batch, overflow, board.clone())
}

fn push(inlet: &mut Inlet, book: u32, text: &str) -> Pushed {
    inlet.push(BookId(book), Channel::Book, text, Stamp::ZERO, || false).expect("the worker is there")
}

/// What a job holds, in short: `3` a frame, `L` a mark, `W` a withdrawal.
fn shown(job: Result<Job, TryRecvError>) -> String {
    match job {
        Ok(Job::Batch(batch)) => {
            let word = |entry| match entry {
                Entry::Frame { start, len, .. } => batch.frame(start, len).to_owned(),
                Entry::Lost { .. } => "L".to_owned(),
                Entry::Withdrawn => "W".to_owned(),
            };
            batch.items.iter().map(|item| word(item.entry)).collect::<Vec<_>>().join(" ")
        }
        Ok(Job::Opened { .. }) => "opened".to_owned(),
        Ok(Job::Fence { .. }) => "fence".to_owned(),
        Ok(Job::Adopt(_) | Job::Dismiss(_)) => "books".to_owned(),
        Ok(Job::Move { .. }) => "move".to_owned(),
        Err(e) => e.to_string(),
    }
}

fn take(outlet: &Outlet) -> (String, Vec<u32>) {
    let mut breaks = Vec::new();
    let job = shown(outlet.take(&mut breaks));
    (job, breaks.iter().map(|b| b.book.0).collect())
}

#[test]
fn room_is_bounded_in_messages_and_in_bytes_and_given_back() {
    let board = Arc::new(Board::default());
    for (messages, bytes, fits) in [(3, 1_000, 3), (1_000, 8, 4)] {
        let (way, outlet) = queue(messages, bytes, 1, CONTROL);
        let mut inlet = inlet(&way, 10, Overflow::DropNewest, &board);
        let taken = (0..10).filter(|_| push(&mut inlet, 0, "ab") == Pushed::Queued).count();
        assert_eq!(taken, fits);
        let gauge = way.gauge();
        let now = || (gauge.messages.load(Ordering::SeqCst), gauge.bytes.load(Ordering::SeqCst));
        assert_eq!(now(), (fits, 2 * fits));
        inlet.settle().unwrap();
        let Ok(Job::Batch(batch)) = outlet.take(&mut Vec::new()) else { panic!("a batch") };
        assert_eq!(now(), (fits, 2 * fits), "a batch in hand still has its room");
        outlet.done(batch);
        assert_eq!(now(), (0, 0));
        assert_eq!(push(&mut inlet, 0, "ab"), Pushed::Queued);
        drop(inlet);
        assert_eq!(now(), (0, 0), "what was not handed over gives its room back");
        assert_eq!(gauge.messages_high.load(Ordering::SeqCst), fits);
        assert_eq!(gauge.bytes_high.load(Ordering::SeqCst), 2 * fits);
    }
}

#[test]
fn a_mark_stands_where_the_message_was_lost() {
    let board = Arc::new(Board::default());
    let (way, outlet) = queue(2, 1_000, 2, CONTROL);
    let mut inlet = inlet(&way, 1, Overflow::DropNewest, &board);
    for text in ["1", "2", "3", "4"] {
        push(&mut inlet, 0, text);
    }
    assert_eq!(board.dropped(), 2);
    // Room for one, while the mark is still on its way; then none again.
    let Ok(Job::Batch(first)) = outlet.take(&mut Vec::new()) else { panic!("a batch") };
    outlet.done(first);
    assert_eq!(push(&mut inlet, 0, "5"), Pushed::Queued);
    assert_eq!(push(&mut inlet, 0, "6"), Pushed::Dropped);
    let rest: Vec<String> = std::iter::from_fn(|| Some(take(&outlet).0).filter(|s| s.len() < 6)).collect();
    assert_eq!(
        rest,
        ["2", "L", "5", "L"],
        "the second loss lies behind a message that the first mark does not cover"
    );
}

#[test]
fn a_mark_the_worker_has_passed_speaks_for_nothing_new() {
    let board = Arc::new(Board::default());
    let (way, outlet) = queue(1, 1_000, 1, CONTROL);
    let mut inlet = inlet(&way, 1, Overflow::DropNewest, &board);
    push(&mut inlet, 0, "1");
    push(&mut inlet, 0, "2");
    let mut breaks = Vec::new();
    let held = outlet.take(&mut breaks).unwrap();
    assert_eq!(take(&outlet).0, "L");
    board.pass(BookId(0), 1);
    assert_eq!(push(&mut inlet, 0, "3"), Pushed::Dropped);
    assert_eq!(take(&outlet).0, "L");
    drop(held);
}

#[test]
fn a_lost_trade_breaks_no_book() {
    let board = Arc::new(Board::default());
    let (way, outlet) = queue(1, 1_000, 1, CONTROL);
    let mut inlet = inlet(&way, 1, Overflow::DropNewest, &board);
    push(&mut inlet, 0, "1");
    let lost = inlet.push(BookId(0), Channel::Trade, "t", Stamp::ZERO, || false);
    assert_eq!(lost, Ok(Pushed::Dropped));
    assert_eq!((board.dropped(), board.all_passed()), (1, true));
    assert_eq!(take(&outlet), ("1".to_owned(), Vec::new()));
    assert_eq!(take(&outlet).0, TryRecvError::Empty.to_string());
}

/// A venue's decimals come once in a connection's life, and sums cannot be made without them.
#[test]
fn what_is_said_once_is_not_taken_out_for_a_newer_message() {
    let board = Arc::new(Board::default());
    let (way, outlet) = queue(2, 1_000, 2, CONTROL);
    let mut inlet = inlet(&way, 1, Overflow::DropOldest, &board);
    inlet.push(BookId(0), Channel::Instrument, "i", Stamp::ZERO, || false).expect("the worker is there");
    assert_eq!([1, 2, 3].map(|n| push(&mut inlet, 0, &n.to_string())), [Pushed::Queued; 3]);
    assert_eq!(board.dropped(), 2);
    let taken = [take(&outlet), take(&outlet)];
    assert_eq!(taken, [("i".to_owned(), vec![]), ("3".to_owned(), vec![0])]);
}

#[test]
fn the_oldest_goes_first_and_the_worker_hears_of_it_before_anything_newer() {
    let board = Arc::new(Board::default());
    let (way, outlet) = queue(3, 1_000, 2, CONTROL);
    let mut inlet = inlet(&way, 1, Overflow::DropOldest, &board);
    for (book, text) in [(0, "1"), (1, "a"), (0, "2")] {
        push(&mut inlet, book, text);
    }
    let mut breaks = Vec::new();
    // The worker holds the oldest; what is taken out now is newer than that, and must not be told before it.
    let held = outlet.take(&mut breaks);
    assert_eq!((shown(held), breaks.len()), ("1".to_owned(), 0));
    assert_eq!(push(&mut inlet, 0, "3"), Pushed::Queued);
    assert_eq!(board.dropped(), 1);
    assert_eq!(take(&outlet), ("2".to_owned(), vec![1]));
    assert_eq!(take(&outlet), ("3".to_owned(), vec![]));
}

#[test]
fn what_this_reader_gathered_is_evicted_too_and_nothing_else_is_when_it_cannot_help() {
    let board = Arc::new(Board::default());
    let (way, outlet) = queue(3, 10, 1, CONTROL);
    let mut inlet = inlet(&way, 10, Overflow::DropOldest, &board);
    for text in ["1", "2", "3", "4"] {
        assert_eq!(push(&mut inlet, 0, text), Pushed::Queued);
    }
    assert_eq!(board.dropped(), 3);
    // Nobody is at the worker's seat who could apply it in its place.
    assert_eq!(push(&mut inlet, 0, "5 is longer than the queue"), Pushed::Dropped);
    assert_eq!(board.dropped(), 4, "4 stays");
    inlet.settle().unwrap();
    // It was handed over before that one's place.
    assert_eq!(take(&outlet), ("4".to_owned(), vec![0]));
    assert_eq!(take(&outlet), ("L".to_owned(), vec![]));
}

#[test]
fn lifecycle_and_withdrawals_survive_eviction() {
    let board = Arc::new(Board::default());
    let (way, outlet) = queue(1, 1_000, 1, CONTROL);
    let mut inlet = inlet(&way, 1, Overflow::DropOldest, &board);
    inlet.opened(Stamp::ZERO).unwrap();
    inlet.withdrawn(BookId(0), Stamp::ZERO).unwrap();
    push(&mut inlet, 0, "1");
    push(&mut inlet, 0, "2");
    way.send(Job::Fence { connection: ConnectionId(0), generation: LIFE }).unwrap();
    assert_eq!(take(&outlet), ("opened".to_owned(), vec![]));
    let mut breaks = Vec::new();
    assert_eq!(shown(outlet.take(&mut breaks)), "2");
    assert_eq!(
        breaks,
        [Break { book: BookId(0), generation: LIFE, beside: None, number: 2, withdrawn: true }]
    );
    assert_eq!(take(&outlet).0, "fence");
}

/// A new book's job was put behind what was queued after it, when messages before it made room. The book's first
/// messages then came to a worker that did not know it: counted nowhere (I7), and the note of its drop went astray.
#[test]
fn a_book_is_adopted_before_its_first_message_whatever_is_evicted() {
    let board = Arc::new(Board::default());
    let (way, outlet) = queue(2, 1_000, 1, CONTROL);
    way.send(Job::Adopt(Vec::new())).unwrap();
    let mut inlet = inlet(&way, 1, Overflow::DropOldest, &board);
    for text in ["1", "2", "3"] {
        assert_eq!(push(&mut inlet, 0, text), Pushed::Queued);
    }
    assert_eq!(take(&outlet), ("books".to_owned(), vec![]));
    assert_eq!(take(&outlet), ("2".to_owned(), vec![0]));
    assert_eq!(take(&outlet), ("3".to_owned(), vec![]));
}

#[test]
fn a_blocked_reader_wakes_when_room_is_made_and_when_it_is_told_to_stop() {
    let board = Arc::new(Board::default());
    let (way, outlet) = queue(1, 1_000, 1, CONTROL);
    let readers: Vec<_> = (0..3)
        .map(|reader| {
            let mut inlet = inlet(&way, 1, Overflow::Block, &board);
            thread::spawn("reader", 64 * 1024, move || {
                (1..=200).all(|i| push(&mut inlet, reader, &i.to_string()) == Pushed::Queued)
            })
            .unwrap()
        })
        .collect();
    let (mut checker, clock) = (Checker::new(&board), Clock::start());
    let started = clock.mono();
    let elapsed = || clock.mono().since(started);
    while checker.frames < 600 {
        assert!(elapsed() < PATIENCE, "{} came", checker.frames);
        if !checker.step(&outlet) {
            std::thread::yield_now();
        }
    }
    // By ticks alone, one message each 50 ms a reader, this would take ten seconds.
    assert!(elapsed() < Duration::from_secs(5), "{:?}", elapsed());
    assert!(readers.into_iter().all(|r| r.join() == thread::Ended::Returned(true)));
    assert_eq!(board.dropped(), 0);
    let mut inlet = inlet(&way, 1, Overflow::Block, &board);
    push(&mut inlet, 0, "201");
    assert_eq!(inlet.push(BookId(0), Channel::Book, "202", Stamp::ZERO, || true), Ok(Pushed::Stopped));
}

/// A reload's books once vanished without a word when the queue was full at that moment.
#[test]
fn a_lifecycle_job_that_finds_no_room_is_said_to_be_lost() {
    let (way, outlet) = queue(1, 1_000, 0, 0);
    let job = || Job::Dismiss(Vec::new());
    while way.send(job()).is_ok() {}
    let wait = Duration::from_millis(10);
    assert_eq!(way.send_within(job(), wait), Err(Gone));
    assert!(outlet.take(&mut Vec::new()).is_ok());
    assert_eq!(way.send_within(job(), wait), Ok(()));
}
