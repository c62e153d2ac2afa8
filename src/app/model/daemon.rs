//! One schedule: the daemon is put together, lives through a rough time and a calm one, and is stopped.

use super::checks::Witness;
use super::readers::ModelReaders;
use super::venue::{self, Face, Venue};
use crate::app::assembly::{Assembly, Frame, Hands};
use crate::app::workers::Workers;
use crate::config::{Config, Overflow, Surroundings, Venues};
use crate::engine::connection::step::Phase;
use crate::engine::time::Wall;
use crate::shell::clock::{Clock, Hand};
use crate::shell::event::Event;
use crate::shell::link;
use crate::shell::memory::ProcessMemory;
use crate::shell::notify::Notify;
use crate::shell::recovery::Notice;
use crate::shell::recovery::callers::{Answered, Call, Callers, judge};
use crate::shell::registry::Registry;
use crate::shell::resolver;
use crate::shell::supervisor::Exit;
use crate::shell::sync::channel::{Receiver, Sender, bounded};
use crate::shell::thread::{self, Ended, Handle};
use crate::venue::catalog;
use shuttle::rand::Rng;
use std::sync::Arc;
use std::time::Duration;

/// Few enough that a drawn burst fills it.
const QUEUE_MESSAGES: usize = 4;
/// Looks in the rough time, frames and faults drawn in it.
const ROUGH_LOOKS: u32 = 24;
const FRAMES: u32 = 16;
const FAULTS: u32 = 3;
/// The clock's steps: in a rough time all of them together are less than what a teardown may take, so that a thread
/// which the checker does not run is not taken for one that is stuck.
const ROUGH_STEP_MS: u64 = 60;
const CALM_STEP_MS: u64 = 250;
const TEARDOWN_STEP_MS: u64 = 5;
/// The others' turns between two steps of a calm time.
const CALM_YIELDS: u32 = 12;
/// Longest backoff, budgets and graces together, with the planner's doubts: far more than any book here needs (I12).
const CALM_MAX: Duration = Duration::from_secs(600);

#[derive(Clone, Copy)]
pub struct Scenario {
    pub face: Face,
    pub overflow: Overflow,
    pub workers: usize,
}

fn config(scenario: Scenario) -> Config {
    let Scenario { face, overflow, workers } = scenario;
    let overflow = match overflow {
        Overflow::DropNewest => "drop_newest",
        Overflow::DropOldest => "drop_oldest",
        Overflow::Block => "block",
    };
    let text = format!(
        "[pipeline]\nworkers = {workers}\nqueue_messages = {QUEUE_MESSAGES}\nbatch = 2\noverflow = \"{overflow}\"\n\
         [[feed]]\nname = \"{0}\"\nvenue = \"{0}\"\nurl = \"ws://127.0.0.1:9\"\nrest_url = \"http://127.0.0.1:9\"\n\
         channels = [\"book\"]\nsymbols = {1:?}\n\
         backoff = {{ first = \"10ms\", max = \"100ms\", reset_after = \"60s\" }}\n",
        face.name(),
        face.symbols()
    );
    let env = |name: &str| (name == "COINAPI_KEY").then(|| "a-key-of-the-model".to_owned());
    let venues = Venues { by_name: &catalog::by_name, names: &catalog::NAMES };
    Config::from_toml(&text, "model", &Surroundings { env: &env, venues }).expect("a good configuration")
}

/// What all schedules of a scenario share; made outside of them, where stacks are large.
pub struct Ground {
    scenario: Scenario,
    config: Config,
    tls: Arc<rustls::ClientConfig>,
}

impl Ground {
    pub fn of(scenario: Scenario) -> Ground {
        Ground { scenario, config: config(scenario), tls: link::tls_config() }
    }
}

/// The whole of it, once.
pub fn run(ground: &Ground) {
    let Ground { scenario, config, tls } = ground;
    let (clock, hand) = Clock::by_hand(Wall::from_nanos(1_767_225_600_000_000_000));
    let hand = Arc::new(hand);
    let witness = Arc::new(Witness::new(Venue::new(scenario.face, FRAMES, FAULTS), scenario.overflow));
    let frame = Frame::new(config, catalog::by_name, &catalog::NAMES, &clock, 1, Arc::new(|| 0));
    let registry = frame.registry.clone();
    let concurrent: Vec<usize> = frame.layout.venues.iter().map(|v| v.rules.max_concurrent).collect();
    let (answers, answers_out) = bounded(concurrent.iter().sum());
    let (calls_in, calls): (Vec<Sender<Call>>, Vec<Receiver<Call>>) =
        concurrent.iter().map(|n| bounded(*n)).unzip();
    let (names, _questions) = resolver::questions(clock.clone());
    let hands = Hands {
        notify: Notify::from_env(&|_: &str| None, 1),
        names,
        tls: tls.clone(),
        readers: Box::new(ModelReaders { witness: witness.clone(), hand: hand.clone() }),
        answers: answers_out,
        start_callers: Box::new(move |venue| Ok(Callers::elsewhere(calls_in[venue].clone()))),
        memory: Box::new(ProcessMemory::default),
        http: Box::new(|_| Vec::new()),
        journal: Arc::default(),
        reload: None,
    };
    let Assembly { supervisor, recovery, posts, notices, events } =
        frame.complete(config, hands).expect("a small configuration");
    witness.watches(registry.tables().feeds.first().expect("one feed").counters.clone());

    let (workers, started) = Workers::start(posts);
    started.expect("threads are to be had");
    let recovering = spawn("recovery", move || recovery.run());
    let calling: Vec<_> = calls
        .into_iter()
        .map(|inbox| {
            let (witness, answers) = (witness.clone(), answers.clone());
            spawn("caller", move || call(&inbox, &answers, &witness))
        })
        .collect();
    let supervising = spawn("supervisor", move || supervisor.run());

    rough(&witness, &registry, &hand);
    calm(&witness, &registry, &hand);

    events.send(Event::Stop).expect("the supervisor listens");
    assert_eq!(ended(supervising), Exit::Stopped);
    // It may have ended by itself: the workers ended with the supervisor.
    let _ = notices.send(Notice::Stop);
    ended(recovering);
    calling.into_iter().for_each(ended);
    workers.stop();
    witness.at_rest(&registry);
}

fn spawn<T: Send + 'static>(name: &str, body: impl FnOnce() -> T + Send + 'static) -> Handle<T> {
    thread::spawn(name, super::STACK_BYTES, body).expect("threads are to be had")
}

fn ended<T>(handle: Handle<T>) -> T {
    match handle.join() {
        Ended::Returned(value) => value,
        Ended::Panicked(why) => panic!("a thread panicked: {why}"),
    }
}

/// REST: an answer each, now and then none, or one that is older than the stream.
fn call(inbox: &Receiver<Call>, answers: &Sender<Answered>, witness: &Witness) {
    for call in inbox {
        let result = {
            let mut venue = witness.venue();
            let book = venue.face.symbols().iter().position(|s| *s == call.symbol).expect("a known symbol");
            let mut market = venue.books[book];
            // Where losses are held against looks the answer is never older than the stream: nobody can know better.
            if !venue.calm && witness.overflow() != Overflow::DropNewest {
                market.n -= shuttle::rand::thread_rng().gen_range(0..3).min(market.n);
            }
            let broken = venue.draws_fault(6);
            if broken { Err("the call broke".to_owned()) } else { Ok(venue::answer(venue.face, market)) }
        };
        shuttle::thread::yield_now();
        assert!(answers.try_send(judge(result, call)).is_ok(), "I9: more answers than calls in flight");
    }
}

fn step(hand: &Hand, ms: u64) {
    hand.set(hand.now().after(Duration::from_millis(ms)));
}

fn rough(witness: &Witness, registry: &Registry, hand: &Hand) {
    for _ in 0..ROUGH_LOOKS {
        let draw = shuttle::rand::thread_rng().gen_range(0..8);
        match draw {
            0 | 1 => step(hand, ROUGH_STEP_MS),
            2 | 3 => witness.ask(registry, draw % 2),
            _ => shuttle::thread::yield_now(),
        }
        witness.look(registry);
    }
}

/// I12: when faults stop, every book becomes live again by itself.
fn calm(witness: &Witness, registry: &Registry, hand: &Hand) {
    witness.venue().calm = true;
    let until = hand.now().after(CALM_MAX);
    while !witness.look(registry) {
        for _ in 0..CALM_YIELDS {
            shuttle::thread::yield_now();
        }
        let tables = registry.tables();
        let phase = tables.connections.first().expect("one connection").status.told().phase;
        let tearing_down = phase == Phase::TearingDown.name();
        step(hand, if tearing_down { TEARDOWN_STEP_MS } else { CALM_STEP_MS });
        if hand.now() >= until {
            use crate::http::Source;
            let status = &tables.connections.first().expect("one connection").status;
            let tops: Vec<_> =
                registry.books().into_iter().map(|(_, s, top)| (s, top.state, top.sequence)).collect();
            panic!("I12: not live again: {tops:?}, {:?}, {:?}", status.told(), registry.recovery.stats());
        }
    }
    (0..2).for_each(|book| witness.ask(registry, book));
}
