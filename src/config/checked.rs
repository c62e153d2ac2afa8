//! A configuration that has been checked: what the rest of the program may rely on.
//!
//! Shapes only. Every field is within its bounds, every name is unique, every symbol is spelled as its venue wants it
//! and every enabled feed that needs a key has one. Two configurations are equal exactly when a reload changes nothing.

use super::key::{KeySource, Secret};
use super::mistake::Mistake;
use super::units::Rate;
use crate::engine::event::Channel;
use crate::venue::profile::{Profile, Refill, RestBudget};
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Clone, PartialEq, Debug)]
pub struct Config {
    /// The file it came from, or `command line`.
    pub origin: String,
    pub http: Http,
    pub pipeline: Pipeline,
    pub recovery: RecoveryConfig,
    pub memory: Memory,
    pub log: Log,
    pub books: Books,
    pub feeds: Vec<Feed>,
    /// Legal, and probably not what was meant. To be logged once at start.
    pub warnings: Vec<Mistake>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Http {
    pub listen: Listen,
    pub max_connections: usize,
    /// Bounds the whole exchange, from accept to the last byte written.
    pub request_timeout: Duration,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Listen {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pipeline {
    /// Over all workers together.
    pub queue_messages: usize,
    /// Over all workers together.
    pub queue_bytes: usize,
    /// Most messages a worker takes at once.
    pub batch: usize,
    pub workers: usize,
    pub overflow: Overflow,
}

/// What happens to a message when its worker's queue is full. Whatever is dropped is a gap in its book.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Overflow {
    DropNewest,
    DropOldest,
    /// The reader waits, and the venue with it: its socket fills, and in the end the venue hangs up.
    Block,
}

/// Recovery as configured. `None` means what the venue publishes, with a margin.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecoveryConfig {
    /// REST calls in flight, per venue.
    pub max_concurrent: usize,
    /// Refill of the REST bucket, in the venue's cost units.
    pub rate: Option<Rate>,
    /// Size of the REST bucket, in the venue's cost units.
    pub burst: Option<u32>,
    /// Cost units in any 24 h.
    pub daily: Option<u32>,
    /// Bounds one REST call.
    pub timeout: Duration,
    pub breaker_failures: u32,
    pub breaker_open: Duration,
    pub cache_ttl: Duration,
}

#[derive(Clone, PartialEq, Debug)]
pub struct Memory {
    pub limit_bytes: u64,
    pub limit_source: LimitSource,
    /// Shares of the limit, rising.
    pub warn: f64,
    pub throttle: f64,
    pub critical: f64,
}

/// Who set the memory limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LimitSource {
    Configured,
    /// The control group's own limit.
    Cgroup,
    /// A quarter of the machine.
    Ram,
    /// The machine did not say how much it has.
    Assumed,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Log {
    pub level: log::LevelFilter,
    pub format: LogFormat,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LogFormat {
    /// `Journald` when the journal is listening, else `Text`.
    Auto,
    Journald,
    Text,
    Json,
}

/// What one book may hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Books {
    /// Levels a side; what is farther from the touch is pruned and the price window tightened.
    pub levels: usize,
    /// Bytes of stream kept per book while it waits for its snapshot.
    pub resync_buffer: usize,
    /// Trades kept per symbol, and as many liquidations.
    pub trades: usize,
}

#[derive(Clone, PartialEq, Debug)]
pub struct Feed {
    pub name: String,
    pub venue_name: String,
    pub profile: &'static Profile,
    pub enabled: bool,
    pub url: String,
    pub rest_url: String,
    pub symbols: Vec<String>,
    pub channels: Vec<Channel>,
    /// Bounds name lookup, TCP, TLS, upgrade and first frame together.
    pub connect_timeout: Duration,
    /// Bounds the time without a frame of any kind.
    pub idle_timeout: Duration,
    pub backoff: BackoffConfig,
    /// The feed's own `recovery` over the file's.
    pub recovery: RecoveryConfig,
    pub key: Option<Secret>,
    pub key_source: KeySource,
    pub api_key_file: Option<PathBuf>,
    /// Bytes of one WebSocket message.
    pub max_message: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BackoffConfig {
    pub first: Duration,
    pub max: Duration,
    /// A connection that lived this long starts from `first` again.
    pub reset_after: Duration,
}

impl Config {
    pub fn enabled(&self) -> impl Iterator<Item = &Feed> {
        self.feeds.iter().filter(|feed| feed.enabled)
    }
}

impl Feed {
    /// Sockets this feed needs, as the venue bounds the symbols on one.
    pub fn connections(&self) -> usize {
        self.symbols.len().div_ceil(self.profile.symbols_per_connection.max(1))
    }

    /// Whether any of its channels brings levels.
    pub fn carries_books(&self) -> bool {
        self.channels.iter().any(|channel| channel.is_book())
    }

    /// The budget the recovery machine is to keep.
    pub fn rest_budget(&self) -> RestBudget {
        self.recovery.rest_budget(&self.profile.rest)
    }
}

impl RecoveryConfig {
    /// The venue's budget, with what is configured in its place.
    pub fn rest_budget(&self, venue: &RestBudget) -> RestBudget {
        let Refill { burst, per_window, window } = venue.refill;
        let (per_window, window) = self.rate.map_or((per_window, window), |rate| (rate.count, rate.window));
        RestBudget {
            refill: Refill { burst: self.burst.unwrap_or(burst), per_window, window },
            daily: self.daily.or(venue.daily),
            snapshot_cost: venue.snapshot_cost,
        }
    }
}

impl Listen {
    /// True when nobody outside this machine can reach it.
    pub fn is_local(&self) -> bool {
        match self {
            Listen::Tcp(address) => address.ip().is_loopback(),
            Listen::Unix(_) => true,
        }
    }
}

/// As written in the configuration.
impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Listen::Tcp(address) => address.fmt(f),
            Listen::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl Overflow {
    pub const ALL: [Overflow; 3] = [Overflow::DropNewest, Overflow::DropOldest, Overflow::Block];

    pub const fn name(self) -> &'static str {
        match self {
            Overflow::DropNewest => "drop_newest",
            Overflow::DropOldest => "drop_oldest",
            Overflow::Block => "block",
        }
    }
}

impl LogFormat {
    pub const ALL: [LogFormat; 4] = [LogFormat::Auto, LogFormat::Journald, LogFormat::Text, LogFormat::Json];

    pub const fn name(self) -> &'static str {
        match self {
            LogFormat::Auto => "auto",
            LogFormat::Journald => "journald",
            LogFormat::Text => "text",
            LogFormat::Json => "json",
        }
    }
}

impl LimitSource {
    pub const fn describe(self) -> &'static str {
        match self {
            LimitSource::Configured => "as configured",
            LimitSource::Cgroup => "the control group's limit",
            LimitSource::Ram => "25 % of RAM",
            LimitSource::Assumed => "assumed: neither the control group nor /proc/meminfo says",
        }
    }
}
