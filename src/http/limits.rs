//! Every bound of the HTTP port in one place, with the reason for each.

use std::time::Duration;

/// Bytes of a request's head. Browsers on a shared host name may carry cookies of a few hundred bytes; nobody who
/// reads prices needs more than this. It is also all a client can make us hold before it is understood.
pub const HEAD_BYTES_MAX: usize = 4 * 1024;

/// Header lines of a request. A browser sends about fifteen.
pub const HEADER_LINES_MAX: usize = 64;

/// Bytes of a path with its query. The longest of ours is near 120.
pub const TARGET_BYTES_MAX: usize = 512;

/// From accept to a whole head. A deadline and not an idle timer: one byte a second beats every idle timer.
pub const HEAD_WITHIN: Duration = Duration::from_secs(2);

/// Connections one remote source may hold. A browser opens six.
pub const PER_SOURCE_MAX: usize = 8;

/// Slots only loopback may take, so that whoever is on the machine always gets an answer.
pub const LOOPBACK_SLOTS: usize = 1;

/// Requests with tiny_http at once. It has two handlers; two more are being read or written meanwhile.
pub const UPSTREAM_MAX: usize = 4;

/// Handler threads. One may wait for a worker while the other answers `/health`.
pub const HANDLERS: usize = 2;

/// Bytes of one answer. A book of 5,000 levels a side is 400 KiB, `/stats` of 1,000 books 500 KiB. The port may hold
/// eight of these at worst, so that twice as much would alone be a quarter of a 64 MiB limit.
pub const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// Bytes of all answers together, read from tiny_http or on their way to clients. Four of the largest.
pub const ANSWERS_BYTES_MAX: usize = UPSTREAM_MAX * ANSWER_BYTES_MAX;

/// A client that reads an answer for longer than this gives way when others wait for room.
pub const SLOW_READER_AFTER: Duration = Duration::from_millis(500);

/// Connections that got their answer and have not closed yet. Closing first would reset the connection and
/// take the answer with it. Beyond this many the oldest is closed hard.
pub const LINGERING_MAX: usize = 32;

/// How long such a connection may linger. A loopback peer needs a microsecond, a far one a round trip.
pub const LINGER: Duration = Duration::from_millis(250);

/// Bytes it may still send meanwhile: what a socket buffer holds, so that an honest client finds its answer.
pub const DISCARD_BYTES_MAX: usize = 256 * 1024;

/// Connections accepted before others get their turn. The backlog is twice that.
pub const ACCEPTS_A_TURN: usize = 64;
pub const BACKLOG: i32 = 128;

/// Pause after `accept` failed (no descriptors, say): the first, and what it grows to.
pub const ACCEPT_PAUSE_MIN: Duration = Duration::from_millis(100);
pub const ACCEPT_PAUSE_MAX: Duration = Duration::from_secs(1);

/// The gate and the handlers say that they get on at least this often, with or without clients.
pub const REPORT_EVERY: Duration = Duration::from_secs(2);

/// Later than this one is stuck. Five reports: a machine that swaps for seconds is slow, not stuck.
pub const REPORTS_WITHIN: Duration = Duration::from_secs(10);

/// Stacks. The deepest call of the gate is a head parse, of a handler one JSON body.
pub const GATE_STACK_BYTES: usize = 128 * 1024;
pub const HANDLER_STACK_BYTES: usize = 256 * 1024;

/// Worst case of the whole port without stacks: heads, answers, their copies in two handlers, bookkeeping.
pub const fn bytes_max(max_connections: usize) -> usize {
    (max_connections + LINGERING_MAX) * (HEAD_BYTES_MAX + 512)
        + ANSWERS_BYTES_MAX
        + HANDLERS * 2 * ANSWER_BYTES_MAX
}

/// Levels a side of one book answer, and what is given when nothing is asked for.
pub const DEPTH_MAX: usize = 5_000;
pub const DEPTH_DEFAULT: usize = 20;

/// Trades of one answer. The ring holds 100 by default.
pub const TRADES_MAX: usize = 1_000;
pub const TRADES_DEFAULT: usize = 100;
