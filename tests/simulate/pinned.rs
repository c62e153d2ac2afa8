//! Every seed that ever failed, with its story: run first, always.

/// The seed, the scenario where there was one, and what it found.
pub const PINNED: &[(u64, Option<&str>, &str)] = &[];
