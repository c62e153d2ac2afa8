//! Heap allocations of each part of a message's way once it is warm: none.

use crate::meter;
use crate::paths;

/// Enough for every buffer to have its size.
const WARM: usize = 4_096;
const TIMES: usize = 10_000;

pub fn run() {
    let mut all = 0;
    for mut path in paths::all() {
        (0..WARM).for_each(|_| (path.once)());
        let before = meter::this_thread_allocated();
        (0..TIMES).for_each(|_| (path.once)());
        let allocated = meter::this_thread_allocated() - before;
        println!("{:<28} {allocated} allocations in {TIMES} times", path.name);
        all += allocated;
    }
    assert_eq!(all, 0, "a steady feed allocates");
}
