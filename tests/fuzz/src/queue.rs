//! The queue between readers and a worker, one event at a time: within its bounds, in order, and no message is lost
//! without its book being told in time.

use crate::input::Input;
use board::Losses;
use depthd::config::Overflow;
use depthd::engine::event::Channel;
use depthd::engine::id::{BookId, ConnectionId, Generation};
use depthd::engine::time::Stamp;
use depthd::shell::queue::{Entry, Inlet, Job, LossBoard, Outlet, Pushed, queue};
use std::sync::Arc;

const BOOKS: usize = 6;
const READERS: u8 = 2;
/// Withdrawals of a book that may wait, and lifecycle jobs: what depthd's own owners keep to.
const WITHDRAWALS_MAX: usize = 4;
const CONTROL_MAX: usize = 8;

/// What the readers and the worker tell one another about losses.
mod board {
    use super::BOOKS;
    use depthd::engine::id::{BookId, ConnectionId};
    use depthd::engine::state::StaleReason;
    use depthd::engine::time::Stamp;
    use depthd::shell::queue::LossBoard;
    use std::sync::Mutex;

    #[derive(Default)]
    pub struct Losses(pub Mutex<[Row; BOOKS]>);

    #[derive(Default, Clone, Copy)]
    pub struct Row {
        pub dropped: u64,
        pub broken: u64,
        pub passed: u64,
    }

    impl LossBoard for Losses {
        fn dropped(&self, connection: ConnectionId, book: BookId, _at: Stamp) {
            assert_eq!(connection, super::reader_of(book), "a drop of another connection");
            self.0.lock().expect("one thread")[book.0 as usize].dropped += 1;
        }

        fn broken(&self, book: BookId, _why: StaleReason, _at: Stamp) -> u64 {
            let row = &mut self.0.lock().expect("one thread")[book.0 as usize];
            row.broken += 1;
            row.broken
        }

        fn is_passed(&self, book: BookId, number: u64) -> bool {
            self.0.lock().expect("one thread")[book.0 as usize].passed >= number
        }
    }
}

fn reader_of(book: BookId) -> ConnectionId {
    ConnectionId((book.0 % u32::from(READERS)) as u16)
}

/// One book, as its worker has to see it.
#[derive(Default, Clone, Copy)]
struct Book {
    /// Frames of the book's own channel and of others pushed so far.
    pushed: [u64; 2],
    /// The next of each that the worker may expect.
    expected: [u64; 2],
    received: u64,
    /// A break was told since the last frame of the book.
    told: bool,
    withdrawals: usize,
}

struct World {
    inlets: Vec<Inlet>,
    outlet: Outlet,
    losses: Arc<Losses>,
    books: [Book; BOOKS],
    control: usize,
}

pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let messages = usize::from(input.up_to(15)) + 1;
    let bytes = usize::from(input.byte()) + 1;
    let batch = usize::from(input.up_to(5)) + 1;
    let overflow = Overflow::ALL[usize::from(input.up_to(2))];
    let (way, outlet) = queue(messages, bytes, BOOKS, CONTROL_MAX);
    let losses = Arc::new(Losses::default());
    let board: Arc<dyn LossBoard> = losses.clone();
    let inlet = |reader| {
        way.inlet(ConnectionId(u16::from(reader)), Generation(1), None, batch, overflow, board.clone())
    };
    let inlets = (0..READERS).map(inlet).collect();
    let mut world = World { inlets, outlet, losses, books: Default::default(), control: 0 };
    while !input.is_over() {
        world.step(&mut input);
        let gauge = &way.gauge();
        let load = std::sync::atomic::Ordering::Relaxed;
        assert!(gauge.messages.load(load) <= messages && gauge.bytes.load(load) <= bytes, "I9");
    }
    for inlet in &mut world.inlets {
        assert!(inlet.settle().is_ok(), "the channel is never the limit");
    }
    while world.take() {}
    let gauge = way.gauge();
    let load = std::sync::atomic::Ordering::Relaxed;
    assert_eq!((gauge.messages.load(load), gauge.bytes.load(load)), (0, 0), "something was not given back");
    for (at, book) in world.books.iter().enumerate() {
        let dropped = world.losses.0.lock().expect("one thread")[at].dropped;
        assert_eq!(
            book.pushed[0] + book.pushed[1],
            book.received + dropped,
            "I7: neither received nor dropped"
        );
        assert!(
            book.told || book.expected[0] == book.pushed[0],
            "the last messages are gone and nobody was told"
        );
    }
}

impl World {
    fn step(&mut self, input: &mut Input<'_>) {
        let id = BookId(u32::from(input.byte()) % BOOKS as u32);
        let reader = usize::from(reader_of(id).0);
        let (book, inlet) = (&mut self.books[id.0 as usize], &mut self.inlets[reader]);
        match input.up_to(15) {
            0..9 => {
                let is_book = !input.one_in(4);
                let channel = if is_book { Channel::Book } else { Channel::Trade };
                let count = &mut book.pushed[usize::from(!is_book)];
                let text = format!("{count} {}", "x".repeat(usize::from(input.byte() / 4)));
                match inlet
                    .push(id, channel, &text, Stamp::ZERO, || true)
                    .expect("the channel is never the limit")
                {
                    Pushed::Queued | Pushed::Dropped => *count += 1,
                    // Not taken, and not said to be lost: its reader ends. So it is with each message larger than the
                    // queue: nobody is at the worker's seat, where its reader would apply it.
                    Pushed::Stopped => {}
                }
            }
            9 => assert!(inlet.settle().is_ok(), "the channel is never the limit"),
            10 if book.withdrawals < WITHDRAWALS_MAX => {
                book.withdrawals += 1;
                assert!(inlet.withdrawn(id, Stamp::ZERO).is_ok(), "the channel is never the limit");
            }
            11 if self.control < CONTROL_MAX => {
                self.control += 1;
                assert!(inlet.opened(Stamp::ZERO).is_ok(), "the channel is never the limit");
            }
            _ => drop(self.take()),
        }
    }

    /// The worker takes one job; false when there is none.
    fn take(&mut self) -> bool {
        let mut broken = Vec::new();
        let job = self.outlet.take(&mut broken);
        for told in broken {
            self.broken(told.book, told.number);
            // Withdrawals that were taken out do not wait any more.
            if told.withdrawn {
                self.books[told.book.0 as usize].withdrawals = 0;
            }
        }
        match job {
            Err(_) => false,
            Ok(Job::Batch(batch)) => {
                for item in &batch.items {
                    let book = &mut self.books[item.book.0 as usize];
                    match item.entry {
                        Entry::Frame { channel, start, len } => {
                            let kind = usize::from(!channel.is_book());
                            let text = batch.frame(start, len);
                            let number: u64 =
                                text.split(' ').next().and_then(|n| n.parse().ok()).expect("its number");
                            assert!(number >= book.expected[kind], "out of order, or twice");
                            let gap = kind == 0 && number > book.expected[0];
                            assert!(!gap || book.told, "I6: {} follows {}", number, book.expected[0]);
                            book.expected[kind] = number + 1;
                            book.received += 1;
                            book.told &= kind == 1;
                        }
                        Entry::Lost { number, .. } => self.broken(item.book, number),
                        Entry::Withdrawn => {
                            book.withdrawals = book.withdrawals.saturating_sub(1);
                            book.told = true;
                        }
                    }
                }
                self.outlet.done(batch);
                true
            }
            Ok(Job::Opened { .. }) => {
                self.control -= 1;
                true
            }
            Ok(_) => true,
        }
    }

    fn broken(&mut self, book: BookId, number: u64) {
        let row = &mut self.losses.0.lock().expect("one thread")[book.0 as usize];
        assert!(number <= row.broken, "a break that nobody noted");
        row.passed = row.passed.max(number);
        self.books[book.0 as usize].told = true;
    }
}
