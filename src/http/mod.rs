//! The HTTP port: what people, scripts and monitors read. It cannot disturb the feed, whatever is sent to it.
//!
//! A gate of ours owns the public socket and speaks to clients; tiny_http sits behind it on a private socket,
//! and sees only requests the gate wrote itself. Bodies are made from copies that a [`Source`] hands out.

use crate::engine::stats::Stats;
use crate::engine::view::{BookTop, BookView, TradeView};

/// Where answers come from. Called from handler threads, several at once.
///
/// No call may wait for a worker longer than a moment: `Busy` is an answer.
pub trait Source: Send + Sync {
    /// Everything counted, now. [`Stats::http`] is left as it is; the server fills it.
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
}

/// Why a question has no answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ask {
    UnknownFeed,
    UnknownBook,
    /// The worker did not answer in time; asking again may help.
    Busy,
}
