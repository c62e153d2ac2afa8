//! The JSON bodies. Borrowed structs that serialize straight from the copies they show; no tree in between.

mod audit;
mod book;
mod health;
mod stats;
mod tape;

pub use audit::audit;
pub use book::{book, books, state_sentence};
pub use health::{health, probe_failed, probe_ok};
pub use stats::{memory, stats};
pub use tape::{liquidations, trades};

use crate::engine::time::{Mono, Stamp, Wall};
use serde::{Serialize, Serializer};
use std::fmt::Display;

/// Anything that prints, as a JSON string.
struct Text<T>(T);

impl<T: Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// The wall time of a stamp; `None` where there was never one.
fn wall(at: Stamp) -> Option<Text<Wall>> {
    (at != Stamp::ZERO).then_some(Text(at.wall))
}

/// Whole milliseconds since a stamp; `None` where there was never one. By our own clock, so it can be trusted.
fn age_ms(at: Stamp, now: Mono) -> Option<u64> {
    (at != Stamp::ZERO).then(|| u64::try_from(now.since(at.mono).as_millis()).unwrap_or(u64::MAX))
}
