//! Every seed that ever failed, with its story: run first, always.

/// The seed, the scenario where there was one, and what it found.
pub const PINNED: &[(u64, Option<&str>, &str)] = &[
    (4, None, "a reader without a thread was taken for one that panicked: three of them ended the daemon"),
    (32, None, "one connection was told to wait before it came again, and the others of its venue dialed on"),
    (89, None, "no fault of the daemon's: a whole book in the stream closes a gap that nobody has seen yet"),
    (1071, None, "no fault of the daemon's: a book put back into its subscription counts from one again"),
    (
        1428,
        None,
        "a process that was stopped in the middle of a teardown took its threads for stuck, and ended",
    ),
    (
        2032,
        None,
        "no fault of the daemon's: the venue counted more than we had paid, and no book wanted a call just then",
    ),
    (
        100_376,
        None,
        "no fault of the daemon's: a book asked for once more comes twice, each counting from one",
    ),
    (100_196, None, "the same"),
    (
        1_000_248,
        None,
        "no fault of the daemon's: the last call of the time of faults failed long after, and the breaker waits doubled",
    ),
    (
        2_000_181,
        None,
        "a worker asked for a book that a reload had taken away, and the breaker opened for all of its venue",
    ),
];
