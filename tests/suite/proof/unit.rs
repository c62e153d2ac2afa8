//! What the systemd unit grants, read from the unit itself.

const UNIT: &str = include_str!("../../../systemd/depthd.service");

/// The number behind a setting; a size is in MiB.
pub fn number(setting: &str) -> u64 {
    let value =
        UNIT.lines().find_map(|line| line.strip_prefix(setting)).unwrap_or_else(|| panic!("{setting}"));
    value.trim_end_matches('M').parse().unwrap_or_else(|_| panic!("{setting}{value}"))
}
