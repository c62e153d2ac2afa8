//! The HTTP port: what people, scripts and monitors read. It cannot disturb the feed, whatever is sent to it.
//!
//! A [`gate`] of ours owns the public socket and speaks to clients; tiny_http sits behind it on a private socket
//! ([`backend`]), and sees only requests the gate wrote itself. Bodies are made from copies that a [`Source`] hands out.

pub mod backend;
pub mod bodies;
pub mod connection;
pub mod counters;
pub mod door;
pub mod exposition;
pub mod gate;
pub mod head;
pub mod limits;
pub mod listener;
pub mod metrics;
pub mod query;
pub mod refusal;
pub mod routes;

pub use gate::Clock;
pub use listener::Listen;

use crate::engine::evidence::Evidence;
use crate::engine::health::Thresholds;
use crate::engine::stats::{HttpStats, Stats, ThreadStats};
use crate::engine::time::Stamp;
use crate::engine::view::{BookTop, BookView, LiquidationView, TradeView};
use crate::shell::thread::{Handle, spawn};
use backend::{Backend, Handlers};
use counters::Counters;
use gate::Gate;
use listener::Listener;
use routes::Router;
use rustix::event::{EventfdFlags, eventfd};
use std::io;
use std::os::fd::OwnedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// Where answers come from. Called from handler threads, several at once.
///
/// No call may wait for a worker longer than a moment: `Busy` is an answer.
pub trait Source: Send + Sync {
    /// Everything counted, now. [`Stats::http`] is left as it is; the server fills it, and adds its own threads.
    fn stats(&self) -> Stats;

    /// Every book's top, in configured order: feed, symbol, top.
    fn books(&self) -> Vec<(String, String, BookTop)>;

    /// One book with at most `depth` levels a side.
    ///
    /// # Errors
    /// [`Ask`] says why there is none.
    fn book(&self, feed: &str, symbol: &str, depth: usize) -> Result<BookView, Ask>;

    /// The newest `limit` trades of one book, newest last.
    ///
    /// # Errors
    /// [`Ask`] says why there are none.
    fn trades(&self, feed: &str, symbol: &str, limit: usize) -> Result<Vec<TradeView>, Ask>;

    /// The newest `limit` liquidated orders of one symbol, newest last.
    ///
    /// # Errors
    /// [`Ask`] says why there are none.
    fn liquidations(&self, feed: &str, symbol: &str, limit: usize) -> Result<Vec<LiquidationView>, Ask>;

    /// Books that their own venue contradicted, with their feeds; the newest of each feed, newest last.
    fn evidence(&self) -> Vec<(String, Evidence)>;
}

/// Why a question has no answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ask {
    UnknownFeed,
    UnknownBook,
    /// The feed has the symbol, and no channel that brings levels.
    NoBook,
    /// The worker did not answer in time; asking again may help.
    Busy,
}

#[derive(Clone, PartialEq, Debug)]
pub struct HttpConfig {
    pub listen: Listen,
    /// Connections at once, at least two: one of them is kept for loopback.
    pub max_connections: usize,
    /// From accept to the last byte of the answer.
    pub request_timeout: Duration,
    /// An existing directory, in which the socket to tiny_http is for the moment of its making. See [`runtime_dir`].
    pub runtime_dir: PathBuf,
    pub thresholds: Thresholds,
}

/// A running port. Dropping it stops it.
pub struct HttpServer {
    // In the order of shutdown: no new requests, then no handlers.
    gate: Option<Handle<()>>,
    handlers: Option<Handlers>,
    stop: Arc<OwnedFd>,
    counters: Arc<Counters>,
    address: Listen,
    connections_max: usize,
}

impl HttpServer {
    /// Listens and serves. When it returns, connections are taken.
    ///
    /// # Errors
    /// The address or the private socket cannot be had, or the system refuses a thread; the message says which.
    pub fn start(config: HttpConfig, source: Arc<dyn Source>, clock: Clock) -> io::Result<HttpServer> {
        let listener = Listener::bind(&config.listen)?;
        let address = listener.address.clone();
        let connections_max = config.max_connections.max(limits::LOOPBACK_SLOTS + 1);
        let counters = Arc::new(Counters::default());
        let now = clock().mono;
        counters.gate_reports(now);
        (0..limits::HANDLERS).for_each(|i| counters.handler_reports(i, now));
        let backend = Backend::start(&config.runtime_dir, Arc::clone(&counters))?;
        let router = Router {
            source,
            counters: Arc::clone(&counters),
            clock: Arc::clone(&clock),
            thresholds: config.thresholds,
            connections_max,
        };
        let handlers = Handlers::start(Arc::clone(&backend), Arc::new(router), &clock)?;
        let stop = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
        let mut gate = Gate::new(
            listener,
            backend,
            Arc::clone(&counters),
            clock,
            Arc::clone(&stop),
            connections_max,
            config.request_timeout,
        );
        let gate = spawn("http-gate", limits::GATE_STACK_BYTES, move || guard(&mut gate))?;
        Ok(HttpServer {
            gate: Some(gate),
            handlers: Some(handlers),
            stop,
            counters,
            address,
            connections_max,
        })
    }

    /// Where it listens, with the port the kernel chose where 0 was asked.
    pub fn local_addr(&self) -> &Listen {
        &self.address
    }

    pub fn counters(&self) -> HttpStats {
        self.counters.stats(self.connections_max)
    }

    /// Its own threads and when they last got on, for the watchdog.
    pub fn threads(&self, now: Stamp) -> Vec<ThreadStats> {
        self.counters.threads(now)
    }

    /// The same for whoever outlives this value.
    pub fn reporter(&self) -> impl Fn(Stamp) -> Vec<ThreadStats> + Send + Sync + 'static {
        let counters = Arc::clone(&self.counters);
        move |now| counters.threads(now)
    }

    /// Closes every connection, joins every thread of ours. Under a second, unless
    /// a [`Source`] call does not return. What a client was being sent is cut.
    pub fn stop(self) {}
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        // An eventfd that is already counted up takes no more and is readable all the same.
        let _ = rustix::io::write(&*self.stop, &1u64.to_ne_bytes());
        self.gate.take();
        self.handlers.take();
    }
}

/// Runs the gate until it is told to stop. A panic costs the connections of that moment and a second's pause, so that
/// one which comes back at once does not spin.
fn guard(gate: &mut Gate) {
    while catch_unwind(AssertUnwindSafe(|| gate.run())).is_err() {
        gate.counters.gate_panics.fetch_add(1, Relaxed);
        gate.drop_all();
        let pause = rustix::event::Timespec { tv_sec: 1, tv_nsec: 0 };
        let stop = rustix::event::PollFd::new(&*gate.stop, rustix::event::PollFlags::IN);
        // Told to stop meanwhile: the next run ends at once.
        let _ = rustix::event::poll(&mut [stop], Some(&pause));
    }
}

/// Where the private socket is made: systemd's, else the temporary one.
pub fn runtime_dir() -> PathBuf {
    let systemd = std::env::var_os("RUNTIME_DIRECTORY").filter(|v| !v.is_empty());
    // systemd joins several with colons; the first is ours.
    let first = systemd.and_then(|all| std::env::split_paths(&all).next());
    first.unwrap_or_else(std::env::temp_dir)
}
