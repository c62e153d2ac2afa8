//! Venues: pure code that turns a venue's bytes into engine types and back.
//!
//! A venue knows its messages, its addresses and its limits. It opens no socket, reads no clock and keeps no state
//! between calls: everything it learns goes back to the caller as a value. One folder a venue; each cites its source.

mod answer;
pub mod binance;
pub mod binance_futures;
pub mod bitfinex;
pub mod bybit;
pub mod canonical;
pub mod catalog;
pub mod coinapi;
pub mod coinbase;
pub mod deribit;
mod field;
pub mod handles;
pub mod hyperliquid;
pub mod instrument;
mod json;
pub mod kraken;
pub mod okx;
pub mod profile;
mod side;
pub mod text;

use crate::engine::event::{Channel, DecodeError, Decoded, Snapshot};
use crate::engine::time::Wall;
use canonical::Canonical;
use handles::Handles;
use instrument::Page;
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

/// A control message of ours.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Request {
    pub text: String,
    /// How many answers the venue gives to it, refusals included: one, or one for each thing it asks for.
    pub answers: u16,
}

impl From<String> for Request {
    /// One that is answered once.
    fn from(text: String) -> Request {
        Request { text, answers: 1 }
    }
}

/// The messages alone, for tests of what a venue sends.
#[cfg(test)]
fn texts(requests: &[Request]) -> Vec<&str> {
    requests.iter().map(|request| request.text.as_str()).collect()
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
    /// Data of several symbols, or several events of one: [`Venue::parts`] takes them apart.
    Parts,
    /// For the session: heartbeats, acknowledgements, errors, notices. Read with [`Venue::control`].
    Control,
    /// A message that is known and says nothing of use: what another one has said already, say.
    Unused,
    /// A well-formed message of a kind that is not known.
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
        /// How many of the things asked for the venue granted, where it says so: what is missing, [`Venue::left_out`] tells.
        granted: Option<u16>,
    },
    /// The venue took a subscription and gave it a number for the life of this connection. Also an answer.
    Bound {
        number: u64,
        /// As frames of this venue name it.
        symbol: String,
        channel: Channel,
    },
    /// A number is no longer in use. Also an answer.
    Released {
        number: u64,
    },
    /// The venue refuses one subscription and serves the others. Also an answer.
    Refused {
        /// Where the venue says whose it was.
        symbol: Option<String>,
        message: String,
    },
    /// The venue asks for a sign of life, and this is it: to be sent at once.
    Asked {
        answer: String,
    },
    /// The venue will close soon: reconnect, at the latest `within`. Nothing more of this connection is to be believed where
    /// that is nothing.
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

/// Takes each part of a frame: its symbol, its channel, its text.
pub type Parts<'p, 'f> = dyn FnMut(&'f str, Channel, &'f str) + 'p;

/// One exchange or data vendor. One value a feed; shared by its threads.
pub trait Venue: Send + Sync {
    /// Its limits and rules, as data.
    fn profile(&self) -> &'static Profile;

    /// Checks a configured symbol's spelling; the error says what is expected.
    fn check_symbol(&self, symbol: &str) -> Result<(), String>;

    /// Checks which of its channels a feed wants together; the error is a sentence that says what to do instead.
    fn check_channels(&self, _channels: &[Channel]) -> Result<(), String> {
        Ok(())
    }

    /// How this venue spells a market, where its name says enough. Whether the market exists is another question.
    fn native(&self, _market: &Canonical) -> Option<String> {
        None
    }

    /// The form of a symbol that [`Route::Data`] carries (Binance streams are lower case, say).
    fn symbol_key(&self, symbol: &str) -> String;

    /// How to connect for this scope. `url` is the feed's own, as configured or the profile's.
    fn dial(&self, url: &str, scope: &Scope, key: Option<&str>) -> Dial;

    /// Control messages to send once connected, in order. Empty when the address already says it all.
    /// `id` is the number of the first; each next one takes the next number.
    fn opening(&self, scope: &Scope, id: i64) -> Vec<Request>;

    /// Control messages that take `symbols` out of the scope. Sent before [`Venue::restore`] of the same symbols.
    /// Empty where the venue cannot ([`profile::Profile::in_band_restart`] is then false).
    fn withdraw(&self, scope: &Scope, symbols: &[&str], handles: &Handles, id: i64) -> Vec<Request>;

    /// Control messages that put `symbols` back.
    fn restore(&self, scope: &Scope, symbols: &[&str], id: i64) -> Vec<Request>;

    /// Control messages that add `symbols` to a scope that is subscribed, all its channels.
    fn subscribe(&self, scope: &Scope, symbols: &[&str], id: i64) -> Vec<Request>;

    /// Control messages that take `symbols` out of it, all its channels. Never empties the scope: that is a closed socket.
    fn unsubscribe(&self, scope: &Scope, symbols: &[&str], handles: &Handles, id: i64) -> Vec<Request>;

    /// The message that keeps the connection up, where the venue wants a text and not a ping frame
    /// ([`profile::Profile::ping_every`]).
    fn ping(&self, _id: i64) -> Option<String> {
        None
    }

    /// Finds a text frame's symbol and channel cheaply. Never fails: what it cannot place is `Unknown` or `Malformed`.
    fn route<'f>(&self, text: &'f str, handles: &'f Handles) -> Route<'f>;

    /// The number of a frame in the count over all frames of its connection ([`profile::Profile::connection_count`]);
    /// `None` for a frame that has none.
    fn connection_number(&self, _text: &str) -> Option<u64> {
        None
    }

    /// Takes apart a frame that [`Venue::route`] placed as [`Route::Parts`], in order: each part with its symbol and channel,
    /// in a form that [`Venue::decode`] reads.
    ///
    /// # Errors
    /// A [`DecodeError`]; parts may have been handed out before it was met.
    fn parts<'f>(&self, _text: &'f str, _part: &mut Parts<'_, 'f>) -> Result<(), DecodeError> {
        Err(DecodeError::Json)
    }

    /// Reads a frame that [`Venue::route`] placed as control.
    fn control(&self, text: &str) -> Control;

    /// Whether an answer lists what it grants and says nothing of the rest: [`Venue::left_out`] then finds that.
    fn lists_granted(&self) -> bool {
        false
    }

    /// What of our request its answer left out without a word, each as [`Control::Refused`]. `None`: not the answer to it.
    fn left_out(&self, _request: &str, _answer: &str) -> Option<Vec<Control>> {
        None
    }

    /// Decodes a data frame into `out`, which the caller has cleared.
    ///
    /// # Errors
    /// A [`DecodeError`]; `out` then holds nothing of use.
    fn decode(&self, channel: Channel, text: &str, out: &mut Decoded) -> Result<(), DecodeError>;

    /// The REST call for a book. `rest_url` is the feed's own, as configured or the profile's. `None` where no book of REST
    /// joins the stream ([`profile::RestJoin::Never`]).
    fn snapshot_request(&self, _rest_url: &str, _symbol: &str, _key: Option<&str>) -> Option<RestRequest> {
        None
    }

    /// Judges any REST answer by status and headers, before its body is read as a book.
    fn verdict(&self, reply: &RestReply<'_>) -> Verdict {
        answer::verdict(reply, None)
    }

    /// What the venue says was used of its budget so far, in the profile's cost units, when it says so.
    fn used_budget(&self, _reply: &RestReply<'_>) -> Option<u32> {
        None
    }

    /// Reads the body of a [`Verdict::Good`] answer.
    ///
    /// # Errors
    /// A [`DecodeError`]; an answer for another symbol is [`DecodeError::WrongSymbol`].
    fn snapshot(&self, _symbol: &str, _body: &[u8]) -> Result<Snapshot, DecodeError> {
        Err(DecodeError::Json)
    }

    /// The REST calls that list what can be subscribed, for a person who looks for a symbol. `part` is what its name or its
    /// canonical name holds, for venues with more of them than anybody would fetch.
    ///
    /// # Errors
    /// Why there is no such list, or what is needed for it: a sentence for people.
    fn instruments_requests(
        &self,
        _rest_url: &str,
        _part: Option<&str>,
        _key: Option<&str>,
    ) -> Result<Vec<RestRequest>, String> {
        Err("it publishes no list that depthd reads".to_owned())
    }

    /// Whether it lists what it has, to whoever asks for something and has its key.
    fn has_list(&self) -> bool {
        self.instruments_requests("", Some("A"), Some("key")).is_ok()
    }

    /// Reads the body of a [`Verdict::Good`] answer to one of these calls: what is trading of it, in the venue's order.
    ///
    /// # Errors
    /// A [`DecodeError`]: not such a list.
    fn instruments(&self, _body: &[u8]) -> Result<Page, DecodeError> {
        Err(DecodeError::Json)
    }

    /// Judges a refused upgrade.
    fn upgrade_refused(&self, reply: &RestReply<'_>, now: Wall) -> UpgradeRefusal;
}
