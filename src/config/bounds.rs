//! How many threads and descriptors a configuration can come to need, beside the bytes that [`super::memory`] counts.
//!
//! Pure arithmetic again: each row is what one part holds at most, and whoever changes a part changes its row, or the
//! proof that measures the running daemon against these numbers fails.

use super::checked::Config;
use super::memory::{self, HELPER_THREADS, HTTP_LINGERING_MAX, HTTP_UPSTREAM_MAX, TINY_HTTP_THREADS};
use std::fmt;

/// Standard input, output and error.
const STANDARD: u64 = 3;
/// A reader's socket, the clone its owner shuts it by, and its bell.
const OF_A_CONNECTION: u64 = 3;
/// A call's socket, and an idle one to another host that it could not use.
const OF_A_CALLER: u64 = 2;
/// What an exchange with tiny_http takes behind the gate: our end, and its own two.
const OF_AN_EXCHANGE: u64 = 3;
/// The public socket, the gate's bell, and tiny_http's socket with the inode it is reached by; the last two twice while
/// tiny_http is started again.
const OF_THE_PORT: u64 = 6;
/// The signals' pair, the way to systemd, the bell of all REST calls.
const OF_THE_PROCESS: u64 = 4;
/// For a moment: a name lookup's sockets and files, a file of `/proc`, a configuration read again.
const PASSING: u64 = 6;

/// The most there can be at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bounds {
    pub threads: u64,
    pub descriptors: u64,
}

/// Adds up a configuration.
pub fn of(config: &Config) -> Bounds {
    let connections = config.enabled().map(|feed| feed.connections() as u64).sum::<u64>()
        + memory::handovers(config).count() as u64;
    let callers = memory::rest_callers(config);
    let main = 1;
    let clients = config.http.max_connections as u64 + HTTP_LINGERING_MAX;
    Bounds {
        threads: main
            + HELPER_THREADS
            + config.pipeline.workers as u64
            + connections
            + callers
            + TINY_HTTP_THREADS,
        descriptors: STANDARD
            + OF_THE_PROCESS
            + PASSING
            + OF_A_CONNECTION * connections
            + OF_A_CALLER * callers
            + OF_THE_PORT
            + clients
            + OF_AN_EXCHANGE * HTTP_UPSTREAM_MAX,
    }
}

impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<54}  {:>12}", "threads, at most", self.threads)?;
        write!(f, "{:<54}  {:>12}", "descriptors, at most", self.descriptors)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::fixture;

    fn bounds(text: &str) -> Bounds {
        let config =
            fixture::with_env(&[("COINAPI_KEY", "k")], |around| Config::from_toml(text, "t", around));
        of(&config.expect("a good configuration"))
    }

    const FEED: &str = "[[feed]]\nname = \"a\"\nvenue = \"coinapi\"\nsymbols = [\"AB\"]\n";

    #[test]
    fn every_part_counts() {
        let base = bounds(FEED);
        let with = |extra: &str| bounds(&format!("{extra}\n{FEED}"));
        let more = |threads, descriptors| Bounds {
            threads: base.threads + threads,
            descriptors: base.descriptors + descriptors,
        };
        assert_eq!(with("[pipeline]\nworkers = 3"), more(1, 0));
        assert_eq!(with("[recovery]\nmax_concurrent = 3"), more(1, OF_A_CALLER));
        assert_eq!(with("[http]\nmax_connections = 70"), more(0, 6));
        let second = FEED.replace("\"a\"", "\"b\"");
        assert_eq!(with(&second), more(1, OF_A_CONNECTION), "one more connection, the same callers");
        let off = format!("{FEED}enabled = false");
        assert_eq!(
            bounds(&off).threads,
            base.threads - 3,
            "a feed that is not enabled has no connection and no caller"
        );
    }

    #[test]
    fn the_defaults_fit_the_unit_file() {
        let base = bounds(FEED);
        let unit = include_str!("../../systemd/depthd.service");
        let limit = |name: &str| -> u64 {
            let value = unit.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
            value.and_then(|v| v.parse().ok()).expect("a number")
        };
        assert!(
            base.descriptors <= limit("LimitNOFILE") && 2 * base.threads <= limit("TasksMax"),
            "{base:?}"
        );
    }
}
