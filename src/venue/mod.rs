//! Venues: pure code that turns a venue's bytes into engine types and back.
//!
//! A venue knows its messages, its addresses and its limits. It opens no socket, reads no clock and keeps no state
//! between calls: everything it learns goes back to the caller as a value. One folder a venue; each cites its source.

pub mod binance;
pub mod catalog;
pub mod coinapi;
mod field;
mod json;
pub mod profile;
pub mod text;

use crate::engine::event::{Channel, DecodeError, Decoded, Snapshot};
use crate::engine::time::Wall;
use profile::Profile;
use std::time::Duration;

/// What one connection is asked to carry.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Scope {
    /// The venue's own spelling, as configured.
    pub symbols: Vec<String>,
    pub channels: Vec<Channel>,
}

/// How to open a connection.
#[derive(Clone, PartialEq, Eq)]
pub struct Dial {
    /// `ws://` or `wss://`, with path and query. Never holds a key: addresses are logged.
    pub url: String,
    /// Upgrade headers. Values may be secret and are never logged.
    pub headers: Vec<(&'static str, String)>,
}

/// A REST call to make: `GET`, always.
#[derive(Clone, PartialEq, Eq)]
pub struct RestRequest {
    /// `http://` or `https://`, with path and query. Never holds a key.
    pub url: String,
    /// Values may be secret and are never logged.
    pub headers: Vec<(&'static str, String)>,
    /// What the call costs, in units of [`profile::RestBudget`].
    pub cost: u32,
}

/// What a REST call brought back. The body is bounded by the caller.
#[derive(Clone, Copy, Debug)]
pub struct RestReply<'a> {
    pub status: u16,
    /// Header names in lower case.
    pub headers: &'a [(String, String)],
    pub body: &'a [u8],
}

impl RestReply<'_> {
    /// The value of a header; `name` in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.trim())
    }
}

/// What a REST answer means for the calls after it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// The body is the answer.
    Good,
    /// Slow down: no call to this venue before `wait` is over (`None`: the venue named no time).
    Throttled { wait: Option<Duration> },
    /// Banned, or the day's quota is gone: no call before `wait` is over, and say so loudly.
    Banned { wait: Option<Duration> },
    /// This symbol has no answer; others may.
    NoData,
    /// The request itself is wrong (an unknown symbol, say): asking again brings the same.
    Refused,
    /// The key is bad or lacks the right. Retried slowly, said loudly.
    Denied,
    /// The venue failed; a later call may work.
    Failed,
}

/// Where a frame belongs, found without parsing it whole.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Route<'f> {
    /// Data of one symbol; the text is the frame's own, in the venue's spelling or `symbol_key` form.
    Data { symbol: &'f str, channel: Channel },
    /// For the session: heartbeats, acknowledgements, errors, notices. Read with [`Venue::control`].
    Control,
    /// A well-formed message of a kind depthd does not use.
    Unknown,
    /// Not something this venue sends.
    Malformed(DecodeError),
}

/// A message about the connection itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Control {
    Heartbeat,
    /// The venue took a request. `id` is the one it was sent with.
    Ack {
        id: Option<i64>,
    },
    /// The venue will close soon: reconnect, at the latest `within`.
    Reconnect {
        within: Option<Duration>,
    },
    /// The venue refuses for good (bad key, no subscription, quota): come back slowly. Text is the venue's, cut to 200 bytes.
    Fatal {
        message: String,
    },
    /// The venue reports an error after which another connection may work.
    Error {
        message: String,
    },
    /// Something new that needs no answer.
    Other,
}

/// Why a connection could not be upgraded, from the HTTP answer alone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UpgradeRefusal {
    /// No attempt before this is over.
    pub wait: Option<Duration>,
    /// True when a retry cannot help until a person acts (401, 403).
    pub fatal: bool,
}

/// One exchange or data vendor. One value a feed; shared by its threads.
pub trait Venue: Send + Sync {
    /// Its limits and rules, as data.
    fn profile(&self) -> &'static Profile;

    /// Checks a configured symbol's spelling; the error says what is expected.
    fn check_symbol(&self, symbol: &str) -> Result<(), String>;

    /// The form of a symbol that [`Route::Data`] carries (Binance streams are lower case, say).
    fn symbol_key(&self, symbol: &str) -> String;

    /// How to connect for this scope. `url` is the feed's own, as configured or the profile's.
    fn dial(&self, url: &str, scope: &Scope, key: Option<&str>) -> Dial;

    /// Control messages to send once connected, in order. Empty when the address already says it all.
    /// `id` is the number of the first; each next one takes the next number.
    fn opening(&self, scope: &Scope, id: i64) -> Vec<String>;

    /// Control messages that take `symbols` out of the scope. Sent before [`Venue::restore`] of the same symbols.
    /// Empty where the venue cannot ([`profile::Profile::in_band_restart`] is then false).
    fn withdraw(&self, scope: &Scope, symbols: &[&str], id: i64) -> Vec<String>;

    /// Control messages that put `symbols` back.
    fn restore(&self, scope: &Scope, symbols: &[&str], id: i64) -> Vec<String>;

    /// Control messages that add `symbols` to a scope that is subscribed, all its channels.
    fn subscribe(&self, scope: &Scope, symbols: &[&str], id: i64) -> Vec<String>;

    /// Control messages that take `symbols` out of it, all its channels. Never empties the scope: that is a closed socket.
    fn unsubscribe(&self, scope: &Scope, symbols: &[&str], id: i64) -> Vec<String>;

    /// Finds a text frame's symbol and channel cheaply. Never fails: what it cannot place is `Unknown` or `Malformed`.
    fn route<'f>(&self, text: &'f str) -> Route<'f>;

    /// Reads a frame that [`Venue::route`] placed as control.
    fn control(&self, text: &str) -> Control;

    /// Decodes a data frame into `out`, which the caller has cleared.
    ///
    /// # Errors
    /// A [`DecodeError`]; `out` then holds nothing of use.
    fn decode(&self, channel: Channel, text: &str, out: &mut Decoded) -> Result<(), DecodeError>;

    /// The REST call for a book. `rest_url` is the feed's own, as configured or the profile's.
    fn snapshot_request(&self, rest_url: &str, symbol: &str, key: Option<&str>) -> RestRequest;

    /// Judges any REST answer by status and headers, before its body is read as a book.
    fn verdict(&self, reply: &RestReply<'_>) -> Verdict;

    /// What the venue says was used of its budget so far, in the profile's cost units, when it says so.
    fn used_budget(&self, reply: &RestReply<'_>) -> Option<u32>;

    /// Reads the body of a [`Verdict::Good`] answer.
    ///
    /// # Errors
    /// A [`DecodeError`]; an answer for another symbol is [`DecodeError::WrongSymbol`].
    fn snapshot(&self, symbol: &str, body: &[u8]) -> Result<Snapshot, DecodeError>;

    /// Judges a refused upgrade.
    fn upgrade_refused(&self, reply: &RestReply<'_>, now: Wall) -> UpgradeRefusal;
}
