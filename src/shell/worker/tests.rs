//! A worker turned by hand: what was lost, what it says of that, and what may repair it.

mod overlap;

use super::{Place, Ready, Recipe, STACK_BYTES, Side, Station, Worker};
use crate::config::Overflow;
use crate::engine::decimal::Decimal;
use crate::engine::event::{Channel, Level, Snapshot};
use crate::engine::id::{BookId, ConnectionId, FeedId, Generation};
use crate::engine::need::Need;
use crate::engine::random::Random;
use crate::engine::state::{StaleReason, State};
use crate::engine::sync::SyncRules;
use crate::engine::time::{Mono, Stamp, Wall};
use crate::shell::beat::Beat;
use crate::shell::clock::Clock;
use crate::shell::count::{FeedCounters, WorkerCounters};
use crate::shell::event::Event;
use crate::shell::queue::{Entrance, Inlet, Job, LossBoard, Pushed, queue};
use crate::shell::slot::Slot;
use crate::shell::sync::channel::{Receiver, Sender, bounded};
use crate::shell::thread;
use crate::shell::worker::Told;
use crate::venue::catalog;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

const LINE: ConnectionId = ConnectionId(0);
const BOOK: BookId = BookId(0);
const QUEUE_MESSAGES: usize = 2;

/// The only book's own slot, as the registry would find it.
struct Board(Arc<Slot>);

impl LossBoard for Board {
    fn dropped(&self, _: ConnectionId, _: BookId, _: Stamp) {}

    fn broken(&self, _: BookId, why: StaleReason, at: Stamp) -> u64 {
        self.0.break_at(at.mono, why)
    }

    fn is_passed(&self, _: BookId, number: u64) -> bool {
        self.0.is_passed(number)
    }
}

struct Bench {
    place: Place,
    worker: Worker,
    slot: Arc<Slot>,
    way: Entrance,
    side: Sender<Side>,
    clock: Clock,
    events: Receiver<Event>,
    _told: Receiver<Told>,
}

impl Bench {
    fn new() -> Bench {
        Bench::of_bytes(100_000)
    }

    fn of_bytes(queue_bytes: usize) -> Bench {
        let clock = Clock::by_hand(Wall::from_nanos(0)).0;
        let venue = catalog::by_name("binance").unwrap();
        let profile = venue.profile();
        let slot = Arc::new(Slot::new(BOOK, FeedId(0), LINE, 0, "AAAUSDT".to_owned()));
        let recipe = Recipe {
            slot: slot.clone(),
            feed_name: "feed".to_owned(),
            rules: SyncRules {
                sequence: profile.sequence,
                first_book: profile.first_book,
                rest_join: profile.rest_join,
                in_band_restart: profile.in_band_restart,
                crossed_is_fault: profile.crossed_is_fault,
                stream_depth: None,
                checksum: None,
                levels_per_side_max: 100,
                window_messages_max: 100,
                window_bytes_max: 100_000,
                refresh_levels_min: 0,
            },
            venue,
            followed: true,
            audited: false,
            trades_max: 0,
            counters: Arc::new(FeedCounters::new("feed", None)),
        };
        let (way, outlet) = queue(QUEUE_MESSAGES, queue_bytes, 1, 8);
        let (side, side_out) = bounded(8);
        let (recovery, told) = bounded(64);
        let (events_in, events) = bounded(8);
        let place = Place {
            index: 0,
            outlet,
            side: side_out,
            recovery,
            counters: Arc::new(WorkerCounters::default()),
            events: events_in,
            beat: Arc::new(Beat::new("worker".to_owned(), Duration::from_secs(10), Mono::ZERO)),
            clock: clock.clone(),
            recipes: vec![Arc::new(recipe)],
        };
        let worker = Worker::new(&place);
        Bench { place, worker, slot, way, side, clock, events, _told: told }
    }

    fn inlet(&self, life: u64) -> Inlet {
        inlet(&self.way, &self.slot, &self.clock, life)
    }

    /// Of a life that is to take over from life 1, and has yet to subscribe.
    fn successor(&self, life: u64) -> Inlet {
        let board = Arc::new(Board(self.slot.clone()));
        self.way.inlet(LINE, Generation(life), Some(Generation(1)), 1, Overflow::DropNewest, board)
    }

    fn push(&self, inlet: &mut Inlet, number: u64) -> Pushed {
        push(&self.clock, inlet, number)
    }
}

fn inlet(way: &Entrance, slot: &Arc<Slot>, clock: &Clock, life: u64) -> Inlet {
    let mut inlet =
        way.inlet(LINE, Generation(life), None, 1, Overflow::DropNewest, Arc::new(Board(slot.clone())));
    inlet.opened(clock.stamp()).unwrap();
    inlet
}

/// `zeros` make its size longer, not larger.
fn frame(number: u64, zeros: &str) -> String {
    format!(
        r#"{{"stream":"aaausdt@depth@100ms","data":{{"e":"depthUpdate","E":1,"s":"AAAUSDT","U":{number},"u":{number},"b":[["1","{zeros}{number}"]],"a":[]}}}}"#
    )
}

fn push(clock: &Clock, inlet: &mut Inlet, number: u64) -> Pushed {
    inlet.push(BOOK, Channel::Book, &frame(number, ""), clock.stamp(), || false).unwrap()
}

impl Bench {
    /// One job; false when none is there.
    fn job(&mut self) -> bool {
        let some = !self.place.outlet.jobs.is_empty();
        self.worker.turn(&mut self.place, Ready::Job).unwrap();
        some
    }

    fn snapshot(&mut self, life: u64, number: u64, asked: Mono) -> State {
        let level = |price: &[u8]| Level {
            price: Decimal::parse(price).unwrap(),
            size: Decimal::new(i128::from(number), 0).unwrap(),
        };
        let snapshot = Snapshot {
            sequence: Some(number),
            bids: vec![level(b"1")],
            asks: vec![level(b"2")],
            ..Snapshot::default()
        };
        let generation = Generation(life);
        let snapshot = Box::new(snapshot);
        self.side.try_send(Side::Snapshot { book: BOOK, generation, asked, snapshot }).unwrap();
        self.worker.turn(&mut self.place, Ready::Side).unwrap();
        self.slot.read().top.state
    }
}

/// What the recovery thread was told since it was asked last.
fn told(bench: &Bench) -> impl Iterator<Item = Told> {
    std::iter::from_fn(|| bench._told.try_recv().ok())
}

/// A worker behind its queue came to the beginning of a life when messages further on had been dropped already, and
/// took those drops for ones of the life before: until it came to their mark the book could pass as live (I6).
#[test]
fn a_break_of_a_life_stands_though_the_worker_only_comes_to_its_beginning() {
    let mut bench = Bench::new();
    let mut inlet = bench.inlet(1);
    assert_eq!(
        [1, 2, 3].map(|n| bench.push(&mut inlet, n)),
        [Pushed::Queued, Pushed::Queued, Pushed::Dropped]
    );
    for what in ["the opening", "the first message", "the second message"] {
        assert!(bench.job());
        assert!(bench.slot.broken().is_some(), "{what} knows nothing of the third");
    }
    assert!(bench.job());
    assert_eq!(bench.slot.broken(), None, "the mark does");
}

/// A call made for one loss was on its way when messages after it were dropped. Nothing said which, so its answer, from
/// before they happened, joined: live, and without them (I6).
#[test]
fn a_snapshot_asked_for_before_a_loss_does_not_repair_it() {
    let mut bench = Bench::new();
    let mut inlet = bench.inlet(1);
    bench.job();
    let early = bench.clock.mono();
    assert_eq!(bench.snapshot(1, 10, early), State::Live);
    let asked = bench.clock.mono();
    inlet.lose(BOOK, StaleReason::Overflow, bench.clock.stamp()).unwrap();
    bench.job();
    assert!(!bench.snapshot(1, 11, asked).is_live(), "the call is older than the loss");
    let later = bench.clock.mono();
    assert_eq!(bench.snapshot(1, 12, later), State::Live);
}

/// A level far from the touch is wrong, and no number, sum or quote says so: the snapshot that nobody needed does.
#[test]
fn a_wrong_level_is_found_by_a_snapshot_that_was_asked_for_to_compare() {
    let mut bench = Bench::new();
    let mut inlet = bench.inlet(1);
    bench.job();
    let asked = bench.clock.mono();
    assert_eq!(bench.snapshot(1, 10, asked), State::Live);
    let audited = |bench: &mut Bench, size: u64, generation: u64| {
        let (asked, generation) = (bench.clock.mono(), Generation(generation));
        bench.side.try_send(Side::Expect { book: BOOK, generation, asked }).unwrap();
        bench.worker.turn(&mut bench.place, Ready::Side).unwrap();
        let level = |price: i128, size: u64| Level {
            price: Decimal::new(price, 0).unwrap(),
            size: Decimal::new(i128::from(size), 0).unwrap(),
        };
        let (bids, asks) = (vec![level(1, size)], vec![level(2, 10)]);
        let snapshot = Box::new(Snapshot { sequence: Some(11), bids, asks, ..Snapshot::default() });
        bench.side.try_send(Side::Compare { book: BOOK, generation, asked, snapshot }).unwrap();
        bench.worker.turn(&mut bench.place, Ready::Side).unwrap();
        let shown = bench.slot.read();
        (shown.audit_checks, shown.audit_mismatches, shown.top.state.is_live())
    };
    bench.push(&mut inlet, 11);
    bench.job();
    assert_eq!(audited(&mut bench, 11, 1), (1, 0, true));
    assert_eq!(audited(&mut bench, 12, 2), (1, 0, true), "not of this life");
    let live = Told::Need { book: BOOK, connection: LINE, generation: Generation(1), need: Need::Audit };
    assert_eq!(told(&bench).filter(|told| matches!(told, Told::Need { .. })).last(), Some(live));
    assert_eq!(audited(&mut bench, 12, 1), (2, 1, false));
    let need = Need::Repair(StaleReason::Checksum);
    let broken = Told::Need { book: BOOK, connection: LINE, generation: Generation(1), need };
    assert_eq!(told(&bench).last(), Some(broken));
    let evidence = bench.place.recipes[0].counters.evidence();
    let kept: Vec<_> = evidence.iter().map(|e| (e.witness.name(), e.sequence)).collect();
    assert_eq!(kept, [("snapshot", Some(11))]);
}

/// The end of a life ends all its breaks, even when the worker knows nothing of that life: it panicked and started over.
#[test]
fn a_fence_passes_what_a_worker_that_started_over_never_heard_of() {
    let mut bench = Bench::new();
    let mut inlet = bench.inlet(1);
    bench.push(&mut inlet, 1);
    inlet.lose(BOOK, StaleReason::Overflow, bench.clock.stamp()).unwrap();
    while bench.place.outlet.take(&mut Vec::new()).is_ok() {}
    bench.worker = Worker::new(&bench.place);
    bench.way.send(Job::Fence { connection: LINE, generation: Generation(1) }).unwrap();
    bench.job();
    assert_eq!(bench.slot.broken(), None);
}

/// What a reader brings is applied before it goes on, as long as nobody else is at it; what it finds somebody at, it leaves.
#[test]
fn a_reader_applies_what_it_brings_where_the_seat_is_free() {
    let Bench { place, slot, way, side: _side, clock, .. } = Bench::new();
    let (outlet_jobs, rung) = (place.outlet.jobs.clone(), place.outlet.rung.clone());
    way.seat().give_back(Box::new(Station::new(place)));
    let mut inlet = inlet(&way, &slot, &clock, 1);
    rung.try_recv().expect("the opening was rung for");
    push(&clock, &mut inlet, 1);
    assert_eq!((slot.read().counts.received, outlet_jobs.len(), rung.len()), (1, 0, 0));

    let taken = way.seat().take().expect("it was given back");
    push(&clock, &mut inlet, 2);
    assert_eq!((slot.read().counts.received, outlet_jobs.len(), rung.len()), (1, 1, 1));
    way.seat().give_back(taken);
    push(&clock, &mut inlet, 3);
    assert_eq!((slot.read().counts.received, outlet_jobs.len()), (3, 0), "and what was left, in its order");
}

/// A frame larger than a worker's share of the queue was dropped whatever the queue held, so its book never came live.
#[test]
fn a_message_larger_than_the_queue_is_applied_in_its_place() {
    let bench = Bench::of_bytes(2_000);
    let Bench { place, slot, way, side: _side, clock, .. } = bench;
    let gauge = way.gauge();
    way.seat().give_back(Box::new(Station::new(place)));
    let mut inlet =
        way.inlet(LINE, Generation(1), None, 10, Overflow::DropOldest, Arc::new(Board(slot.clone())));
    let received = || slot.read().counts.received;
    let large = |inlet: &mut Inlet, number, stops| {
        let text = frame(number, &"0".repeat(3_000));
        inlet.push(BOOK, Channel::Book, &text, clock.stamp(), || stops).unwrap()
    };
    // What this reader gathered comes before it.
    push(&clock, &mut inlet, 1);
    assert_eq!((large(&mut inlet, 2, false), received()), (Pushed::Queued, 2));
    assert!(slot.broken().is_none());

    let taken = way.seat().take().expect("it was given back");
    push(&clock, &mut inlet, 3);
    assert_eq!(large(&mut inlet, 4, true), Pushed::Stopped);
    assert_eq!((large(&mut inlet, 4, false), received()), (Pushed::Dropped, 2));
    assert!(slot.broken().is_some(), "a drop like any other, told at once");
    assert!(gauge.bytes_high.load(Relaxed) <= 2_000);

    // Somebody stands up while a reader waits.
    let (seat, free) = (way.seat(), taken.place.outlet.seat_free());
    let waits = thread::spawn("reader", STACK_BYTES, move || {
        let text = frame(5, &"0".repeat(3_000));
        inlet.push(BOOK, Channel::Book, &text, Stamp::ZERO, || false).unwrap()
    });
    seat.give_back(taken);
    free.tell();
    assert_eq!(waits.unwrap().join(), thread::Ended::Returned(Pushed::Queued));
    assert_eq!((received(), slot.broken()), (4, None), "3, the mark of 4, and 5");
}

/// A venue's decimals found no room: the books that are proved by them waited a minute and a half for another connection.
#[test]
fn what_is_said_once_waits_for_the_seat_where_there_is_no_room() {
    let Bench { place, slot, way, side: _side, clock, .. } = Bench::new();
    way.seat().give_back(Box::new(Station::new(place)));
    let mut inlet = inlet(&way, &slot, &clock, 1);
    let taken = way.seat().take().expect("it was given back");
    assert_eq!(
        [1, 2, 3].map(|n| push(&clock, &mut inlet, n)),
        [Pushed::Queued, Pushed::Queued, Pushed::Dropped]
    );
    let (seat, free) = (way.seat(), taken.place.outlet.seat_free());
    let waits = thread::spawn("reader", STACK_BYTES, move || {
        inlet.push(BOOK, Channel::Instrument, "{}", Stamp::ZERO, || false).unwrap()
    });
    seat.give_back(taken);
    free.tell();
    assert_eq!(waits.unwrap().join(), thread::Ended::Returned(Pushed::Queued));
    assert_eq!(slot.read().flow.undecodable, 1, "this venue has none, but it was asked");
}

/// In whatever order messages that fit the queue and messages that do not come, and whoever sits there: each is applied in
/// its place, or its book says that it is not.
#[test]
fn no_message_is_missing_without_a_word_though_some_are_larger_than_the_queue() {
    for seed in 0..200 {
        let mut bench = Bench::of_bytes(600);
        let mut random = Random::new(seed);
        let mut inlet = bench.inlet(1);
        bench.job();
        assert_eq!(bench.snapshot(1, 10, bench.clock.mono()), State::Live);
        let Bench { place, worker, slot, way, side: _side, clock, events: _events, _told } = bench;
        let outlet = place.outlet.jobs.clone();
        let seat = way.seat();
        seat.give_back(Box::new(Station::with(place, worker)));
        let (mut held, mut pushed, mut dropped) = (None, 0, 0);
        for _ in 0..40 {
            match random.up_to(7) {
                0 => held = held.or_else(|| seat.take()),
                1 | 2 => {
                    if let Some(station) = held.take() {
                        seat.give_back(station);
                    }
                }
                kind => {
                    let zeros = "0".repeat(if kind == 3 { 700 } else { 0 });
                    let text = frame(11 + pushed, &zeros);
                    let stops = held.is_some();
                    match inlet.push(BOOK, Channel::Book, &text, clock.stamp(), || stops).unwrap() {
                        Pushed::Queued => pushed += 1,
                        Pushed::Dropped => (pushed, dropped) = (pushed + 1, dropped + 1),
                        Pushed::Stopped => {}
                    }
                }
            }
        }
        let mut station = held.or_else(|| seat.take()).expect("nobody else is there");
        while !outlet.is_empty() {
            station.turn(Ready::Job).unwrap();
        }
        let shown = slot.read();
        assert_eq!(shown.counts.received, pushed - dropped, "seed {seed}");
        let (live, whole) = (shown.top.state.is_live() && slot.broken().is_none(), dropped == 0);
        assert_eq!((live, !whole || shown.top.sequence == Some(10 + pushed)), (whole, true), "seed {seed}");
    }
}
