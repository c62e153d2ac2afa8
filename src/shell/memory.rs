//! What the kernel says of this process: memory, threads, descriptors. Read from `/proc/self`, which even a sandbox
//! that hides every other process shows.

use std::fs;

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ProcessMemory {
    pub rss_bytes: u64,
    /// The anonymous part: heap and stacks, without the binary's own pages.
    pub anonymous_bytes: u64,
    pub threads: u64,
    pub open_fds: u64,
}

/// Reads it now; a field that cannot be read is 0.
pub fn observe() -> ProcessMemory {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kib = |name| field(&status, name).saturating_mul(1024);
    // The listing itself holds one descriptor open while it counts.
    let open_fds = fs::read_dir("/proc/self/fd").map_or(0, |dir| dir.count().saturating_sub(1) as u64);
    ProcessMemory {
        rss_bytes: kib("VmRSS:"),
        anonymous_bytes: kib("RssAnon:"),
        threads: field(&status, "Threads:"),
        open_fds,
    }
}

fn field(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|rest| rest.split_whitespace().next()).and_then(|n| n.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_answers() {
        let seen = observe();
        assert!(seen.rss_bytes >= seen.anonymous_bytes && seen.anonymous_bytes > 0, "{seen:?}");
        assert!(seen.threads > 0 && seen.open_fds >= 3, "{seen:?}");
    }

    #[test]
    fn fields_are_found_by_name() {
        let status = "Name:\tdepthd\nVmRSS:\t    1234 kB\nThreads:\t7\n";
        assert_eq!(
            (field(status, "VmRSS:"), field(status, "Threads:"), field(status, "None:")),
            (1234, 7, 0)
        );
    }
}
