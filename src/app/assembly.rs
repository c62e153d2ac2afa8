//! Puts the daemon's parts together, each knowing whom it has to, without starting a thread: whoever has the parts gives
//! them threads, or turns them one by one as the simulator does.

use crate::app::layout::Layout;
use crate::app::plant::Plant;
use crate::app::workers::{self, Room, Ways};
use crate::config::Config;
use crate::config::memory::HANDOVERS_MAX;
use crate::engine::ledger::Ledger;
use crate::engine::recovery::Planner;
use crate::shell::beat::Beat;
use crate::shell::clock::Clock;
use crate::shell::count::{RecoveryCounters, Timings};
use crate::shell::event::Event;
use crate::shell::journal::Journal;
use crate::shell::notify::Notify;
use crate::shell::port::Ports;
use crate::shell::recovery::callers::Answered;
use crate::shell::recovery::{Notice, Recovery, StartCallers};
use crate::shell::registry::{Observed, Registry, Tables};
use crate::shell::resolver::Asker;
use crate::shell::supervisor::{Common, Observer, Parts, Pulse, Readers, Reload, Reporter, Supervisor};
use crate::shell::sync::channel::{Receiver, Sender, bounded};
use crate::shell::sync::{Arc, Mutex, PoisonError, RwLock};
use crate::shell::worker::{Post, Told};
use crate::venue::Venue;
use rustls::ClientConfig;
use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// A thread that waits at most two seconds between two signs of life is suspect after eight. The watchdog, fed a moment before
/// that, gives it twenty more, and a start takes one: whatever is stuck is running again within thirty seconds.
pub const BEAT_WITHIN: Duration = Duration::from_secs(8);
/// Events per connection that may be on their way: four of one life, and the two answers of every worker.
const EVENTS_PER_CONNECTION: usize = 16;

/// Reads the configuration again.
pub type ReadConfig = Box<dyn FnMut() -> Result<Config, String> + Send>;

/// What everything hangs on.
pub struct Frame {
    pub layout: Layout,
    pub registry: Arc<Registry>,
    by_name: fn(&str) -> Option<Arc<dyn Venue>>,
    seed: u64,
    clock: Clock,
    ways: Vec<Ways>,
    posts: Vec<Post>,
    told: Receiver<Told>,
    events: Sender<Event>,
    inbox: Receiver<Event>,
    notices: Sender<Notice>,
    notices_out: Receiver<Notice>,
    ledgers: Arc<Mutex<Vec<Ledger>>>,
    ports: Arc<Ports>,
    recovery_beat: Arc<Beat>,
    room: Room,
}

/// How the parts reach the world.
pub struct Hands {
    pub notify: Notify,
    pub names: Asker,
    pub tls: Arc<ClientConfig>,
    pub readers: Box<dyn Readers>,
    pub answers: Receiver<Answered>,
    pub start_callers: StartCallers,
    pub memory: Observer,
    pub http: Reporter,
    pub journal: Arc<Journal>,
    /// `None` where there is no file to read again.
    pub reload: Option<ReadConfig>,
}

/// All of it, ready to run.
pub struct Assembly {
    pub supervisor: Supervisor,
    pub recovery: Recovery,
    pub posts: Vec<Post>,
    pub notices: Sender<Notice>,
    pub events: Sender<Event>,
}

impl Frame {
    /// `venues` are all names that `by_name` answers to.
    pub fn new(
        config: &Config,
        by_name: fn(&str) -> Option<Arc<dyn Venue>>,
        venues: &[&str],
        clock: &Clock,
        seed: u64,
        log_dropped: Arc<dyn Fn() -> u64 + Send + Sync>,
    ) -> Frame {
        let now = clock.stamp();
        let venues: Vec<_> = venues.iter().filter_map(|name| by_name(name)).collect();
        let layout = Layout::empty(config, &venues);
        let room = Room::of(config).with_more();
        let (events, inbox) = bounded(
            (room.connections + HANDOVERS_MAX) * (EVENTS_PER_CONNECTION + 2 * config.pipeline.workers),
        );
        let (notices, notices_out) = bounded(room.connections + room.books);
        let timings = Arc::new(Timings::default());
        let (ways, posts, told) = workers::lay_out(&config.pipeline, room, &timings, &events, clock);
        let recovery_beat = Arc::new(Beat::new("recovery".to_owned(), BEAT_WITHIN, now.mono));
        let beats = ways.iter().map(|w| w.beat.clone()).chain([recovery_beat.clone()]).collect();
        let ledgers = layout.venues.iter().map(|v| Ledger::new(v.profile, now.mono)).collect();
        let registry = Arc::new(Registry {
            clock: clock.clone(),
            started: now,
            tables: RwLock::new(Arc::new(Tables::default())),
            workers: workers::entries(&ways),
            recovery: Arc::new(RecoveryCounters::default()),
            notices: notices.clone(),
            beats,
            memory_limit_bytes: config.memory.limit_bytes,
            log_dropped,
            observed: Mutex::new(Observed::default()),
            timings,
        });
        Frame {
            layout,
            registry,
            by_name,
            seed,
            clock: clock.clone(),
            ways,
            posts,
            told,
            events,
            inbox,
            notices,
            notices_out,
            ledgers: Arc::new(Mutex::new(ledgers)),
            ports: Arc::default(),
            room,
            recovery_beat,
        }
    }

    /// Puts in what the configuration asks for.
    ///
    /// # Errors
    /// A sentence saying what the configuration has too much of.
    pub fn complete(self, config: &Config, hands: Hands) -> Result<Assembly, String> {
        let Frame { layout, registry, clock, seed, events, notices, .. } = self;
        let sides: Vec<_> = self.ways.iter().map(|w| w.side.clone()).collect();
        let entrances: Vec<_> = self.ways.into_iter().map(|w| w.entrance).collect();
        let mut planner = Planner::new(layout.venues.iter().map(|v| v.rules).collect(), Vec::new(), seed);
        if let Some((before, elapsed)) = hands.journal.before() {
            let now = clock.mono();
            planner.resume(now, before, *elapsed);
            let mut ledgers = self.ledgers.lock().unwrap_or_else(PoisonError::into_inner);
            for ledger in ledgers.iter_mut() {
                if let Some(was) = before.get(ledger.venue) {
                    ledger.resume(now, was, *elapsed);
                }
            }
        }
        let recovery = Recovery {
            planner,
            ledgers: self.ledgers.clone(),
            journal: hands.journal.clone(),
            books: BTreeMap::new(),
            callers: layout.venues.iter().map(|_| None).collect(),
            start_callers: hands.start_callers,
            workers: sides.clone(),
            ports: self.ports.clone(),
            told: self.told,
            answers: hands.answers,
            notices: self.notices_out,
            events: events.clone(),
            counters: registry.recovery.clone(),
            beat: self.recovery_beat,
            clock: clock.clone(),
        };
        let mut plant = Plant {
            layout,
            by_name: self.by_name,
            registry: registry.clone(),
            entrances: entrances.clone(),
            notices: notices.clone(),
            ledgers: self.ledgers,
            journal: hands.journal,
            beat_within: BEAT_WITHIN,
            seed,
            clock: clock.clone(),
            room: self.room,
        };
        let lines = plant.follow(config)?;
        if let Some(thread) = &lines.untold {
            return Err(format!("{thread} takes nothing"));
        }
        let shedding = Arc::new(AtomicBool::new(false));
        let memory = config.memory.clone();
        let pulse = Pulse::new(hands.notify, memory, shedding.clone(), sides, hands.http, hands.memory);
        let common = Common {
            batch: config.pipeline.batch,
            overflow: config.pipeline.overflow,
            seed,
            events: events.clone(),
            ports: self.ports,
            shedding,
            tls: hands.tls,
            clock,
            readers: hands.readers,
        };
        let parts = Parts {
            common,
            inbox: self.inbox,
            entrances,
            losses: registry.clone(),
            names: hands.names,
            notices: notices.clone(),
            registry,
            pulse,
            reload: hands.reload.map(|read| reloading(plant, config.clone(), read)),
        };
        let supervisor = Supervisor::new(parts, lines);
        Ok(Assembly { supervisor, recovery, posts: self.posts, notices, events })
    }
}

/// Reads, checks and follows a changed configuration. What only a start can change is said and left.
fn reloading(mut plant: Plant, mut known: Config, mut read: ReadConfig) -> Reload {
    Box::new(move || {
        let config = read()?;
        for (section, same) in [
            ("http", config.http == known.http),
            ("pipeline", config.pipeline == known.pipeline),
            ("recovery", config.recovery == known.recovery),
            ("memory", config.memory == known.memory),
            ("log", config.log == known.log),
            ("books", config.books == known.books),
        ] {
            if !same {
                log::warn!("[{section}] has changed: that takes effect at the next start");
            }
        }
        let mut next = known.clone();
        next.feeds = config.feeds;
        let lines = plant.follow(&next)?;
        known = next;
        Ok(lines)
    })
}

#[cfg(test)]
mod tests;
