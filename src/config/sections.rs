//! Every section but the feeds: from raw values to checked ones.
//!
//! Each default is CONTRACT's; each bound is where less would not work or more could only be a slip of the pen.

use super::checked::{
    Books, Http, LimitSource, Listen, Log, LogFormat, Memory, Overflow, Pipeline, RecoveryConfig,
};
use super::raw::{self, Section};
use super::{machine, units};
use log::LevelFilter;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use toml::de::DeValue;

/// What the kernel takes as the path of a socket, its closing zero included.
const UNIX_PATH_BYTES_MAX: usize = 107;

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

pub(super) fn http(section: Section<'_>) -> Http {
    let default = Listen::Tcp(SocketAddr::from(([127, 0, 0, 1], 5000)));
    let http = Http {
        listen: section.read("listen", default, |v| listen(&raw::text(v)?)),
        // One slot is kept for loopback, so that one would serve nobody else; a thousand is no longer a small daemon.
        max_connections: section.read("max_connections", 64, raw::whole(2..=1024)) as usize,
        request_timeout: section.read("request_timeout", 5 * SECOND, raw::duration(100 * MS..=MINUTE)),
    };
    if !http.listen.is_local() {
        section.warning("listen", "answers to everybody who can reach this address: there is no password");
    }
    section.finish();
    http
}

pub(super) fn pipeline(section: Section<'_>) -> Pipeline {
    let pipeline = Pipeline {
        queue_messages: section.read("queue_messages", 500, raw::whole(1..=1_000_000)) as usize,
        queue_bytes: section.read("queue_bytes", 8 << 20, raw::size(64 << 10..=1 << 30)) as usize,
        batch: section.read("batch", 64, raw::whole(1..=1000)) as usize,
        // More workers than cores only take turns; no machine this runs on has more than this.
        workers: section.read("workers", 2, raw::whole(1..=64)) as usize,
        overflow: section
            .read("overflow", Overflow::DropNewest, |v| one_of(v, &Overflow::ALL, Overflow::name)),
    };
    if pipeline.queue_messages < pipeline.workers {
        section.mistake("queue_messages", "each worker needs room for one message at least");
    }
    section.finish();
    pipeline
}

/// `defaults` are the file's own `[recovery]` when a feed's table is read.
pub(super) fn recovery(section: Section<'_>, defaults: &RecoveryConfig) -> RecoveryConfig {
    let rate = section.read("rate", defaults.rate, |v| units::rate(&raw::text(v)?).map(Some));
    if rate.is_some_and(|rate| rate.count == 0) {
        section.mistake("rate", "must be at least 1: a venue that is never asked never repairs a book");
    }
    let any = || raw::whole(1..=10_000_000);
    let recovery = RecoveryConfig {
        // Each call holds a thread and a body; venues count concurrency in single digits.
        max_concurrent: section.read("max_concurrent", defaults.max_concurrent as u32, raw::whole(1..=16))
            as usize,
        rate,
        burst: section.read("burst", defaults.burst, |v| any()(v).map(Some)),
        daily: section.read("daily", defaults.daily, |v| any()(v).map(Some)),
        timeout: section.read("timeout", defaults.timeout, raw::duration(50 * MS..=MINUTE)),
        breaker_failures: section.read("breaker_failures", defaults.breaker_failures, raw::whole(1..=1000)),
        // The breaker doubles this up to ten minutes, so that it may not start above them.
        breaker_open: section.read(
            "breaker_open",
            defaults.breaker_open,
            raw::duration(100 * MS..=10 * MINUTE),
        ),
        cache_ttl: section.read("cache_ttl", defaults.cache_ttl, raw::duration(Duration::ZERO..=MINUTE)),
    };
    section.finish();
    recovery
}

pub(super) fn recovery_defaults() -> RecoveryConfig {
    RecoveryConfig {
        max_concurrent: 2,
        rate: None,
        burst: None,
        daily: None,
        timeout: 2 * SECOND,
        breaker_failures: 5,
        breaker_open: 30 * SECOND,
        cache_ttl: SECOND,
    }
}

pub(super) fn memory(section: Section<'_>) -> Memory {
    let configured = section.read("limit", None, |v| raw::size(1 << 20..=1 << 40)(v).map(Some));
    let (limit_bytes, limit_source) =
        configured.map_or_else(machine::memory_limit, |limit| (limit, LimitSource::Configured));
    let memory = Memory {
        limit_bytes,
        limit_source,
        warn: section.read("warn", 0.70, raw::share),
        throttle: section.read("throttle", 0.80, raw::share),
        critical: section.read("critical", 0.90, raw::share),
    };
    if memory.warn >= memory.throttle || memory.throttle >= memory.critical {
        section.mistake("warn", "the thresholds must rise: warn below throttle below critical");
    }
    section.finish();
    memory
}

/// `override_level` is the text of `DEPTHD_LOG`.
pub(super) fn log(section: Section<'_>, override_level: Option<String>) -> Log {
    let mut level = section.read("level", LevelFilter::Info, |v| level(&raw::text(v)?));
    let format = section.read("format", LogFormat::Auto, |v| one_of(v, &LogFormat::ALL, LogFormat::name));
    match override_level.filter(|text| !text.is_empty()).map(|text| self::level(&text)) {
        Some(Ok(wanted)) => level = wanted,
        Some(Err(why)) => section.mistake("", format!("environment DEPTHD_LOG: {why}")),
        None => {}
    }
    section.finish();
    Log { level, format }
}

pub(super) fn books(section: Section<'_>) -> Books {
    let books = Books {
        // Below ten a book is all edge; above twenty thousand no venue sends, and one book takes megabytes.
        levels: section.read("levels", 2000, raw::whole(10..=20_000)) as usize,
        // One busy symbol sends some 10 KiB a second, and a snapshot takes a second or two.
        resync_buffer: section.read("resync_buffer", 128 << 10, raw::size(4 << 10..=16 << 20)) as usize,
        trades: section.read("trades", 100, raw::whole(0..=10_000)) as usize,
    };
    section.finish();
    books
}

/// Reads `IP:PORT` or `unix:PATH`; also for `--listen`.
///
/// # Errors
/// A sentence saying what is expected.
pub fn listen(text: &str) -> Result<Listen, String> {
    if let Some(path) = text.strip_prefix("unix:") {
        if !path.starts_with('/') || path.len() > UNIX_PATH_BYTES_MAX || path.contains('\0') {
            return Err(format!(
                "a socket's path must be absolute and at most {UNIX_PATH_BYTES_MAX} bytes long"
            ));
        }
        return Ok(Listen::Unix(PathBuf::from(path)));
    }
    let expected =
        || format!("{text:?} is no address: write IP:PORT, like \"127.0.0.1:5000\", or unix:/path");
    text.parse().map(Listen::Tcp).map_err(|_| expected())
}

fn level(text: &str) -> Result<LevelFilter, String> {
    let levels =
        [LevelFilter::Error, LevelFilter::Warn, LevelFilter::Info, LevelFilter::Debug, LevelFilter::Trace];
    let found = levels.into_iter().find(|level| level.as_str().eq_ignore_ascii_case(text));
    found.ok_or_else(|| format!("{text:?} is none of error, warn, info, debug, trace"))
}

fn one_of<T: Copy>(value: &DeValue<'_>, all: &[T], name: fn(T) -> &'static str) -> Result<T, String> {
    let text = raw::text(value)?;
    let names = || all.iter().map(|one| name(*one)).collect::<Vec<_>>().join(", ");
    all.iter()
        .copied()
        .find(|one| name(*one) == text)
        .ok_or_else(|| format!("{text:?} is none of {}", names()))
}
