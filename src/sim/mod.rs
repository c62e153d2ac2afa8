//! A simulated venue: one true market behind real loopback sockets, wearing the face of CoinAPI or of Binance spot.
//!
//! One thread owns every socket and the market. Whoever started it can ask for the true book of any recent moment, for what
//! the venue saw of its clients, and for any fault. It is part of the program (`depthd demo`, `depthd sim`) and of the tests, and
//! must never share code with what it judges: it decodes nothing of the daemon's, and keeps books of its own.

mod binance;
mod bitfinex;
mod bybit;
pub mod capture;
mod coinapi;
mod coinbase;
pub mod config;
mod deribit;
mod exchange;
pub mod face;
pub mod fault;
#[cfg(test)]
mod follow;
mod hyperliquid;
mod kraken;
pub mod log;
mod market;
mod meter;
pub mod net;
mod okx;
pub mod owner;
mod random;
mod tongue;
pub mod truth;

pub use capture::{CaptureServer, Pace, Progress};
pub use config::{Allowance, Face, FaultLevel, SimConfig, SimLimits};
pub use exchange::Exchange;
pub use fault::{Extra, Fault, LinkFault, Malformed, MarketFault, RestFault, StreamFault, UpgradeFault};
pub use log::{Counters, VenueLog, Violation, ViolationKind};
pub use owner::Owner;
pub use random::Random;
pub use truth::{Difference, Shown, TrueBook};

use crate::engine::time::{Mono, Wall};
use crate::shell::thread::{self, Handle};
use rustix::event::{EventfdFlags, eventfd};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The thread's deepest call is a JSON parse of a client's message.
const STACK_BYTES: usize = 512 * 1024;

/// A running venue. Dropping it closes every socket and joins its thread. What else it can do is its [`Owner`]'s.
#[derive(Debug)]
pub struct Sim {
    owner: Owner,
    addr: SocketAddr,
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
        let mut net = net::Sockets::new(listener)?;
        let waker = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
        let started = Instant::now();
        let epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let epoch = Wall::from_nanos(i64::try_from(epoch.as_nanos()).unwrap_or(0));
        let (mut owner, mut exchange) = owner::venue(config, epoch);
        owner.waker = Some(waker.clone());
        let shared = owner.shared.clone();
        let thread = thread::spawn("sim-venue", STACK_BYTES, move || {
            let now = || since(started);
            net.serve(&mut exchange, &waker, &now, &|| shared.stop.load(Ordering::Relaxed));
        })?;
        Ok(Sim { owner, addr, started, thread: Some(thread) })
    }

    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// A feed's `url`.
    pub fn url(&self) -> String {
        self.owner.url(&self.addr.to_string())
    }

    /// A feed's `rest_url`.
    pub fn rest_url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Time since the start, on the clock of the log.
    pub fn uptime(&self) -> Duration {
        self.started.elapsed()
    }
}

impl std::ops::Deref for Sim {
    type Target = Owner;

    fn deref(&self) -> &Owner {
        &self.owner
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        self.owner.shared.stop.store(true, Ordering::Relaxed);
        self.owner.wake();
        drop(self.thread.take());
    }
}

fn since(started: Instant) -> Mono {
    Mono::from_nanos(u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX))
}
