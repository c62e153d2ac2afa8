//! What the machine did for whom: processor time of each thread, and what each allocated.

use std::alloc::{GlobalAlloc, Layout};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;
use std::sync::atomic::{AtomicI32, AtomicU64, AtomicUsize, Ordering::Relaxed};
use tikv_jemallocator::Jemalloc;

/// Threads that ever allocate in one run; those beyond are counted together.
const THREADS: usize = 1_024;

/// The daemon's allocator, counting.
pub struct Counting;

static COUNTS: [AtomicU64; THREADS] = [const { AtomicU64::new(0) }; THREADS];
static TIDS: [AtomicI32; THREADS] = [const { AtomicI32::new(0) }; THREADS];
static NEXT: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static PLACE: Cell<usize> = const { Cell::new(usize::MAX) };
}

fn count() {
    let place = PLACE.with(|place| {
        if place.get() == usize::MAX {
            let new = NEXT.fetch_add(1, Relaxed).min(THREADS - 1);
            TIDS[new].store(rustix::thread::gettid().as_raw_nonzero().get(), Relaxed);
            place.set(new);
        }
        place.get()
    });
    COUNTS[place].fetch_add(1, Relaxed);
}

// SAFETY: every call goes to jemalloc as it came; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        unsafe { Jemalloc.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        unsafe { Jemalloc.dealloc(ptr, layout) }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        unsafe { Jemalloc.realloc(ptr, layout, size) }
    }
}

#[derive(Clone, Copy, Default, Debug)]
pub struct Used {
    pub cpu_nanos: u64,
    pub allocations: u64,
}

/// Every thread of this process by its name, numbers of a thread's instances taken together.
pub fn threads() -> BTreeMap<String, Used> {
    let mut all: BTreeMap<String, Used> = BTreeMap::new();
    for task in fs::read_dir("/proc/self/task").expect("/proc").flatten() {
        let read = |name: &str| fs::read_to_string(task.path().join(name)).unwrap_or_default();
        let name = read("comm").trim().trim_end_matches(|c: char| c.is_ascii_digit() || c == '-').to_owned();
        let cpu_nanos = read("schedstat").split(' ').next().and_then(|n| n.parse().ok()).unwrap_or(0u64);
        let tid = task.file_name().to_str().and_then(|n| n.parse().ok()).unwrap_or(0i32);
        let place = TIDS.iter().position(|t| t.load(Relaxed) == tid);
        let used = all.entry(name).or_default();
        used.cpu_nanos += cpu_nanos;
        used.allocations += place.map_or(0, |at| COUNTS[at].load(Relaxed));
    }
    all
}

/// What was used since; threads that ended meanwhile are not in it.
pub fn since(before: &BTreeMap<String, Used>) -> BTreeMap<String, Used> {
    let mut now = threads();
    for (name, used) in &mut now {
        let was = before.get(name).copied().unwrap_or_default();
        used.cpu_nanos = used.cpu_nanos.saturating_sub(was.cpu_nanos);
        used.allocations = used.allocations.saturating_sub(was.allocations);
    }
    now
}

/// Nanoseconds of processor that the calling thread has had.
pub fn this_thread() -> u64 {
    let text = fs::read_to_string("/proc/thread-self/schedstat").expect("/proc");
    text.split(' ').next().and_then(|n| n.parse().ok()).expect("a number")
}

/// How often the calling thread has allocated.
pub fn this_thread_allocated() -> u64 {
    let tid = rustix::thread::gettid().as_raw_nonzero().get();
    TIDS.iter().position(|t| t.load(Relaxed) == tid).map_or(0, |at| COUNTS[at].load(Relaxed))
}

/// Whether a thread of this name is the bench's own: the sender, and the venue's threads, which share its name.
pub fn is_ours(name: &str) -> bool {
    name.starts_with(OURS)
}

/// The kernel calls the first thread by the program, and so every thread without a name of its own.
const OURS: &str = "e2e";
