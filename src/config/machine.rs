//! How much memory this machine, or this control group, gives us.
//!
//! The only part of the configuration that looks at the machine. Every file it reads may be absent or hidden
//! (`ProcSubset=pid` hides `/proc/meminfo`), and every answer is then one step more modest.

use super::checked::LimitSource;
use std::fs;
use std::path::{Path, PathBuf};

/// Where nobody says: enough for the default configuration and little enough for the smallest board.
const ASSUMED_BYTES: u64 = 128 << 20;

/// Values above this are how version 1 of control groups says "no limit".
const UNLIMITED_BYTES: u64 = 1 << 50;

/// The limit that applies when none is configured.
pub(super) fn memory_limit() -> (u64, LimitSource) {
    memory_limit_under(Path::new("/"))
}

fn memory_limit_under(root: &Path) -> (u64, LimitSource) {
    let ram = ram_bytes(root);
    match cgroup_limit(root) {
        Some(limit) if ram.is_none_or(|ram| limit < ram) => (limit, LimitSource::Cgroup),
        _ => ram.map_or((ASSUMED_BYTES, LimitSource::Assumed), |ram| (ram / 4, LimitSource::Ram)),
    }
}

/// The smallest limit of our control group and of those above it, in both versions' spelling.
fn cgroup_limit(root: &Path) -> Option<u64> {
    let groups = fs::read_to_string(root.join("proc/self/cgroup")).ok()?;
    let mut smallest: Option<u64> = None;
    for line in groups.lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else { continue };
        let (mount, file) = match controllers {
            "" => ("sys/fs/cgroup", "memory.max"),
            "memory" => ("sys/fs/cgroup/memory", "memory.limit_in_bytes"),
            _ => continue,
        };
        let mount = root.join(mount);
        let own: PathBuf = mount.join(path.trim_start_matches('/'));
        for folder in own.ancestors().take_while(|folder| folder.starts_with(&mount)) {
            let read = fs::read_to_string(folder.join(file)).ok().and_then(|text| text.trim().parse().ok());
            if let Some(limit) = read.filter(|limit| *limit < UNLIMITED_BYTES) {
                smallest = Some(smallest.map_or(limit, |s| s.min(limit)));
            }
        }
    }
    smallest
}

fn ram_bytes(root: &Path) -> Option<u64> {
    let text = fs::read_to_string(root.join("proc/meminfo")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024).filter(|bytes| *bytes > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder of its own that goes away with the test.
    struct Root(PathBuf);

    impl Root {
        fn with(name: &str, files: &[(&str, &str)]) -> Root {
            let root = std::env::temp_dir().join(format!("depthd-machine-{name}-{}", std::process::id()));
            for (path, text) in files {
                let path = root.join(path);
                fs::create_dir_all(path.parent().expect("a folder")).expect("made");
                fs::write(path, text).expect("written");
            }
            Root(root)
        }
    }

    impl Drop for Root {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    const MEMINFO: (&str, &str) = ("proc/meminfo", "MemTotal:        4194304 kB\nMemFree: 1 kB\n");

    #[test]
    fn the_smallest_group_above_us_counts() {
        let root = Root::with(
            "v2",
            &[
                MEMINFO,
                ("proc/self/cgroup", "0::/system.slice/depthd.service\n"),
                ("sys/fs/cgroup/system.slice/depthd.service/memory.max", "max\n"),
                ("sys/fs/cgroup/system.slice/memory.max", "134217728\n"),
            ],
        );
        assert_eq!(memory_limit_under(&root.0), (128 << 20, LimitSource::Cgroup));
    }

    #[test]
    fn version_one_says_no_limit_with_a_huge_number() {
        let root = Root::with(
            "v1",
            &[
                MEMINFO,
                ("proc/self/cgroup", "5:cpu,cpuacct:/x\n4:memory:/x\n"),
                ("sys/fs/cgroup/memory/x/memory.limit_in_bytes", "9223372036854771712\n"),
            ],
        );
        assert_eq!(memory_limit_under(&root.0), (1 << 30, LimitSource::Ram));
    }

    #[test]
    fn nothing_readable_is_no_failure() {
        let root = Root::with("none", &[("empty", "")]);
        assert_eq!(memory_limit_under(&root.0), (ASSUMED_BYTES, LimitSource::Assumed));
    }
}
