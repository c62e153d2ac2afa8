//! What the owner of a simulated venue may know and do, whatever carries its messages: ask for the truth and for what it
//! saw of its clients, set its pace, make faults happen.

use super::config::{Face, FaultLevel, SimConfig};
use super::exchange::{Command, Exchange, Shared};
use super::face::Identity;
use super::fault::Fault;
use super::log::{Counters, VenueLog};
use super::market::{self, number};
use super::truth::TrueBook;
use crate::engine::event::{Level, Side};
use crate::engine::time::Wall;
use crossbeam_channel::Sender;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Commands waiting for the venue. It takes them every turn; a test that gets further ahead is wrong.
const COMMANDS_MAX: usize = 4_096;

/// See the module page.
#[derive(Debug)]
pub struct Owner {
    face: Face,
    symbols: Vec<String>,
    key: String,
    pub(super) shared: Arc<Shared>,
    commands: Sender<Command>,
    /// Interrupts the venue's wait, where it waits.
    pub(super) waker: Option<Arc<OwnedFd>>,
}

/// The best levels of one version of a symbol's book, in whole units of its price and size.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Top {
    pub version: u64,
    pub time: Wall,
    pub bid: Option<(i64, i64)>,
    pub ask: Option<(i64, i64)>,
}

/// A venue without sockets or thread: whoever has it turns it (see [`super::net::Host`]). `epoch` is its wall time at
/// [`crate::engine::time::Mono::ZERO`].
pub fn venue(config: SimConfig, epoch: Wall) -> (Owner, Exchange) {
    let mut market = market::Market::with_levels(config.symbols, config.levels, config.seed, epoch);
    market.set_step(config.face.time_step_nanos());
    let symbols = market.instruments.iter().map(|i| config.face.spelled(i.spec())).collect();
    let shared = Arc::new(Shared {
        market: Mutex::new(market),
        log: Mutex::default(),
        rate: AtomicU32::new(config.rate),
        quiet: AtomicBool::new(false),
        stop: AtomicBool::new(false),
        epoch,
    });
    let (commands, inbox) = crossbeam_channel::bounded(COMMANDS_MAX);
    let (face, key) = (config.face, config.key.clone());
    let exchange = Exchange::new(config, shared.clone(), inbox);
    (Owner { face, symbols, key, shared, commands, waker: None }, exchange)
}

impl Owner {
    /// The `url` of a feed, for a venue at this `host:port`.
    pub fn url(&self, authority: &str) -> String {
        format!("ws://{authority}{}", self.face.path())
    }

    /// Gives the best levels of every symbol that has moved since `known`, which holds a version for each symbol.
    pub fn tops(&self, known: &mut [u64], mut each: impl FnMut(usize, Top)) {
        let market = self.shared.market();
        for (index, (instrument, known)) in market.instruments.iter().zip(known).enumerate() {
            let ladder = &instrument.ladder;
            if std::mem::replace(known, ladder.id()) != ladder.id() {
                let (bid, ask) = (ladder.best(Side::Bid), ladder.best(Side::Ask));
                each(index, Top { version: ladder.id(), time: ladder.time(), bid, ask });
            }
        }
    }

    /// A level in whole units, as readers see it.
    pub fn level(&self, symbol: usize, (price, size): (i64, i64)) -> Option<Level> {
        let market = self.shared.market();
        let spec = market.instruments.get(symbol)?.spec();
        let price = number::decimal(price, spec.price_scale)?;
        Some(Level { price, size: number::decimal(size, spec.size_scale)? })
    }

    /// Reads the log without copying it.
    pub fn read_log<T>(&self, read: impl FnOnce(&VenueLog) -> T) -> T {
        read(&self.shared.log())
    }

    pub fn face(&self) -> Face {
        self.face
    }

    /// The good key, where the face wants one.
    pub fn key(&self) -> Option<&str> {
        (self.face == Face::CoinApi).then_some(&self.key)
    }

    /// In the face's spelling, busiest first.
    pub fn symbols(&self) -> Vec<String> {
        self.symbols.clone()
    }

    /// The venue's book at one moment of its recent past.
    ///
    /// Its number names it, or its time: see [`Identity`]. `None` when there never was such a version, or it is too long ago.
    pub fn truth(
        &self,
        symbol: &str,
        sequence: Option<u64>,
        exchange_time: Option<Wall>,
    ) -> Option<TrueBook> {
        let index = self.symbols.iter().position(|s| s == symbol)?;
        let market = self.shared.market();
        let ladder = &market.instruments[index].ladder;
        let id = match self.face.identity() {
            Identity::Sequence(times) => sequence? / times,
            Identity::Time => ladder.id_at(exchange_time?)?,
        };
        let (frozen, newest) = (ladder.at_id(id)?, ladder.id());
        // The levels are turned into decimals without the lock: the venue goes on meanwhile.
        let spec = ladder.spec().clone();
        drop(market);
        Some(TrueBook::new(&spec, &frozen, newest))
    }

    /// The venue's book now.
    pub fn newest(&self, symbol: &str) -> Option<TrueBook> {
        let index = self.symbols.iter().position(|s| s == symbol)?;
        let market = self.shared.market();
        let ladder = &market.instruments[index].ladder;
        Some(TrueBook::new(ladder.spec(), &ladder.at_id(ladder.id())?, ladder.id()))
    }

    /// A copy of what the venue saw.
    pub fn log(&self) -> VenueLog {
        self.shared.log().clone()
    }

    /// The log's counters alone: cheap enough for every second.
    pub fn counters(&self) -> Counters {
        self.shared.log().counters
    }

    /// Faults that really happened so far.
    pub fn faults_injected(&self) -> u64 {
        self.shared.log().faults_total()
    }

    /// Makes a fault happen at the next opportunity.
    pub fn inject(&self, fault: Fault) {
        self.command(Command::Inject(fault));
    }

    /// Makes a fault happen to one of those it can happen to.
    pub fn strike(&self, fault: Fault) {
        self.command(Command::Strike(fault));
    }

    /// Calls off what was asked for and has not happened yet.
    pub fn calm(&self) {
        self.command(Command::Calm);
    }

    pub fn set_faults(&self, level: FaultLevel) {
        self.command(Command::Faults(level));
    }

    /// Messages a second from now on; ends a quiet time.
    pub fn set_rate(&self, rate: u32) {
        self.shared.rate.store(rate, Ordering::Relaxed);
        self.shared.quiet.store(false, Ordering::Relaxed);
        self.wake();
    }

    /// Stops the market and drawn faults. Sockets stay, heartbeats and REST go on, and what was gathered is still sent.
    pub fn quiesce(&self) {
        self.shared.quiet.store(true, Ordering::Relaxed);
        self.wake();
    }

    /// Sends about this many messages as fast as it can, in addition to the rate.
    pub fn burst(&self, messages: u32) {
        self.command(Command::Burst(messages));
    }

    /// Makes one change of a symbol, even in a quiet time.
    pub fn step(&self, symbol: &str) {
        if let Some(index) = self.symbols.iter().position(|s| s == symbol) {
            self.command(Command::Step(index));
        }
    }

    fn command(&self, command: Command) {
        // The thread takes commands every turn. It is gone only when it panicked, which the joiner reports.
        let _ = self.commands.send_timeout(command, Duration::from_secs(5));
        self.wake();
    }

    pub(super) fn wake(&self) {
        // A full counter means that it is awake already.
        if let Some(waker) = &self.waker {
            let _ = rustix::io::write(&**waker, &1u64.to_ne_bytes());
        }
    }
}
