//! By which means a venue can meet a need.

use crate::engine::need::Need;
use crate::engine::state::StaleReason;
use crate::venue::profile::{FirstBook, Profile};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Means {
    /// A REST snapshot, joined with the stream.
    pub fetch: bool,
    /// Leaving and re-entering the scope; a reconnect where the venue has no such thing.
    pub restart: bool,
}

impl Means {
    pub const fn none(self) -> bool {
        !self.fetch && !self.restart
    }
}

/// Decides by the venue's rules alone; never by its name.
pub(super) const fn means(profile: &Profile, need: Need) -> Means {
    let in_band = matches!(profile.first_book, FirstBook::InBand);
    match need {
        Need::Nothing => Means { fetch: false, restart: false },
        // A fresh connection brings the first snapshot by itself; asking for more would be paid for nothing.
        Need::First | Need::Repair(StaleReason::Disconnected) => Means { fetch: !in_band, restart: false },
        // REST bridges the time until the restart's snapshot, which supersedes it.
        Need::Repair(_) => Means { fetch: true, restart: in_band },
        Need::Complete => Means { fetch: false, restart: true },
        // Where books come in-band, a refresh would cost the very outage that it is to avoid.
        Need::Refresh => Means { fetch: !in_band, restart: false },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::recovery::testing::{in_band_venue, rest_venue};

    #[test]
    fn each_need_has_its_means() {
        let repair = Need::Repair(StaleReason::Gap);
        let lost = Need::Repair(StaleReason::Disconnected);
        let table = [
            (Need::Nothing, [false, false], [false, false]),
            (Need::First, [true, false], [false, false]),
            (repair, [true, false], [true, true]),
            (lost, [true, false], [false, false]),
            (Need::Complete, [false, true], [false, true]),
            (Need::Refresh, [true, false], [false, false]),
        ];
        let (rest, in_band) = (rest_venue(4_800, 50, 2), in_band_venue());
        for (need, by_rest, by_stream) in table {
            for (rules, want) in [(rest, by_rest), (in_band, by_stream)] {
                let got = means(rules.profile, need);
                assert_eq!([got.fetch, got.restart], want, "{need:?} at {}", rules.profile.name);
            }
        }
    }
}
