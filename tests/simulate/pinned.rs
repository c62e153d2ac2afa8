//! Every seed that ever failed, with its story: run first, always.

use crate::setup::Draw::{self, First, Second};

/// What the seed is drawn by, the seed, the scenario where there was one, and what it found.
pub const PINNED: &[(Draw, u64, Option<&str>, &str)] = &[
    (
        First,
        4,
        None,
        "a reader without a thread was taken for one that panicked: three of them ended the daemon",
    ),
    (
        First,
        32,
        None,
        "one connection was told to wait before it came again, and the others of its venue dialed on",
    ),
    (
        First,
        89,
        None,
        "no fault of the daemon's: a whole book in the stream closes a gap that nobody has seen yet",
    ),
    (
        First,
        1071,
        None,
        "no fault of the daemon's: a book put back into its subscription counts from one again",
    ),
    (
        First,
        1428,
        None,
        "a process that was stopped in the middle of a teardown took its threads for stuck, and ended",
    ),
    (
        First,
        2032,
        None,
        "no fault of the daemon's: the venue counted more than we had paid, and no book wanted a call just then",
    ),
    (
        First,
        100_376,
        None,
        "no fault of the daemon's: a book asked for once more comes twice, each counting from one",
    ),
    (First, 100_196, None, "the same"),
    (
        First,
        1_000_248,
        None,
        "no fault of the daemon's: the last call of the time of faults failed long after, and the breaker waits doubled",
    ),
    (
        First,
        2_000_181,
        None,
        "a worker asked for a book that a reload had taken away, and the breaker opened for all of its venue",
    ),
    (
        Second,
        228,
        None,
        "no fault of the daemon's: a venue cut its reader off for the whole books that it had itself begun with",
    ),
    (
        Second,
        2_000_301,
        None,
        "the decimals that sums need were dropped, and a book was proved only after three restarts and a new connection",
    ),
    (Second, 2_000_322, None, "the same"),
    (Second, 2_000_512, None, "the same"),
    (Second, 2_000_796, None, "the same"),
    (
        Second,
        66_787_114,
        None,
        "restarts of Bitfinex's books came to more messages in ten seconds than the venue there takes: ten a second behind a burst",
    ),
    (Second, 1, Some("a_third_lost"), "the same, all along"),
];
