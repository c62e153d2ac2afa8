//! A simulated venue: one true market behind real loopback sockets, wearing the face of CoinAPI or of Binance spot.
//!
//! One thread owns every socket and the market. Whoever started it can ask for the true book of any recent moment, for what
//! the venue saw of its clients, and for any fault. It is part of the program (`depthd demo`, `depthd sim`) and of the tests, and
//! must never share code with what it judges: it decodes nothing of the daemon's, and keeps books of its own.

mod binance;
pub mod capture;
mod coinapi;
pub mod config;
mod exchange;
pub mod fault;
pub mod log;
mod market;
mod meter;
mod net;
mod random;
pub mod truth;

pub use capture::{CaptureServer, Pace, Progress};
pub use config::{Allowance, Face, FaultLevel, SimConfig, SimLimits};
pub use fault::{Extra, Fault, LinkFault, Malformed, MarketFault, RestFault, StreamFault, UpgradeFault};
pub use log::{Counters, VenueLog, Violation, ViolationKind};
pub use truth::{Difference, Shown, TrueBook};

use crate::engine::time::{Mono, Wall};
use crate::shell::thread::{self, Handle};
use crossbeam_channel::Sender;
use exchange::{Command, Exchange, Shared};
use rustix::event::{EventfdFlags, eventfd};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Commands waiting for the venue's thread. It takes them every turn; a test that gets further ahead is wrong.
const COMMANDS_MAX: usize = 4_096;
/// The thread's deepest call is a JSON parse of a client's message.
const STACK_BYTES: usize = 512 * 1024;

/// A running venue. Dropping it closes every socket and joins its thread.
#[derive(Debug)]
pub struct Sim {
    addr: SocketAddr,
    face: Face,
    symbols: Vec<String>,
    key: String,
    shared: Arc<Shared>,
    commands: Sender<Command>,
    waker: Arc<OwnedFd>,
    started: Instant,
    /// Joined on drop, after `stop` was set and the waker fired.
    thread: Option<Handle<()>>,
}

impl Sim {
    /// Starts a venue.
    ///
    /// # Errors
    /// The address cannot be listened on, or the system gives no thread or descriptor.
    pub fn start(config: SimConfig) -> io::Result<Sim> {
        let listener = TcpListener::bind(config.listen)?;
        let addr = listener.local_addr()?;
        let mut net = net::Net::new(listener)?;
        let waker = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
        let started = Instant::now();
        let epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let epoch = Wall::from_nanos(i64::try_from(epoch.as_nanos()).unwrap_or(0));
        let market = market::Market::with_levels(config.symbols, config.levels, config.seed, epoch);
        let symbols = market.instruments.iter().map(|i| exchange::name(config.face, i.spec())).collect();
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
        let thread = {
            let (shared, waker) = (shared.clone(), waker.clone());
            thread::spawn("sim-venue", STACK_BYTES, move || {
                let mut exchange = Exchange::new(config, shared.clone(), inbox);
                let now = || since(started);
                net.serve(&mut exchange, &waker, &now, &|| shared.stop.load(Ordering::Relaxed));
            })?
        };
        Ok(Sim { addr, face, symbols, key, shared, commands, waker, started, thread: Some(thread) })
    }

    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// A feed's `url`.
    pub fn url(&self) -> String {
        match self.face {
            Face::CoinApi => format!("ws://{}/v1/", self.addr),
            Face::Binance => format!("ws://{}", self.addr),
        }
    }

    /// A feed's `rest_url`.
    pub fn rest_url(&self) -> String {
        format!("http://{}", self.addr)
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
    /// On Binance the sequence names it. On CoinAPI sequences belong to a connection, and the time names it: no two versions
    /// of a symbol have the same. `None` when there never was such a version, or it is too long ago.
    pub fn truth(&self, symbol: &str, sequence: u64, exchange_time: Option<Wall>) -> Option<TrueBook> {
        let index = self.symbols.iter().position(|s| s == symbol)?;
        let market = self.shared.market();
        let ladder = &market.instruments[index].ladder;
        let id = match self.face {
            Face::Binance => sequence,
            Face::CoinApi => ladder.id_at(exchange_time?)?,
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

    /// Time since the start, on the clock of the log.
    pub fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    /// Makes a fault happen at the next opportunity.
    pub fn inject(&self, fault: Fault) {
        self.command(Command::Inject(fault));
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

    fn wake(&self) {
        // A full counter means that it is awake already.
        let _ = rustix::io::write(&*self.waker, &1u64.to_ne_bytes());
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        self.wake();
        drop(self.thread.take());
    }
}

fn since(started: Instant) -> Mono {
    Mono::from_nanos(u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX))
}
