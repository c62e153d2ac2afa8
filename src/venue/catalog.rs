//! The venues depthd knows, by the name a configuration uses.

use crate::venue::profile::Profile;
use crate::venue::{binance, coinapi};

/// Every name `profile` answers to, in the order a person should read them.
pub const NAMES: [&str; 2] = ["coinapi", "binance"];

/// The rules and limits of the venue `venue = "…"` names.
pub fn profile(name: &str) -> Option<&'static Profile> {
    [&coinapi::PROFILE, &binance::PROFILE].into_iter().find(|p| p.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_its_profile_and_no_other() {
        for name in NAMES {
            assert_eq!(profile(name).map(|p| p.name), Some(name));
        }
        assert!(profile("Binance").is_none());
        assert!(profile("").is_none());
    }
}
