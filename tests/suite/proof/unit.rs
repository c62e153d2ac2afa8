//! What the systemd unit grants, read from the unit itself.

const UNIT: &str = include_str!("../../../systemd/depthd.service");

/// The number behind a setting; a size is in MiB.
pub fn number(setting: &str) -> u64 {
    let value =
        UNIT.lines().find_map(|line| line.strip_prefix(setting)).unwrap_or_else(|| panic!("{setting}"));
    value.trim_end_matches('M').parse().unwrap_or_else(|_| panic!("{setting}{value}"))
}

/// The allocator's settings.
pub fn allocator() -> Vec<(&'static str, &'static str)> {
    let words = UNIT.lines().filter_map(|l| l.strip_prefix("Environment=")).flat_map(str::split_whitespace);
    let settings: Vec<_> =
        words.filter_map(|w| w.split_once('=')).filter(|(name, _)| name.starts_with("MALLOC_")).collect();
    assert!(!settings.is_empty());
    settings
}
