//! By which means a venue can meet a need.

use crate::engine::need::Need;
use crate::engine::state::StaleReason;
use crate::venue::profile::{FirstBook, Profile, RestJoin};
use std::time::Duration;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Means {
    /// A REST snapshot, joined with the stream.
    pub fetch: bool,
    /// Leaving and re-entering the scope; a reconnect where the venue has no such thing.
    pub restart: bool,
    /// How long the restart may wait for the venue to do it by itself.
    pub patience: Duration,
}

impl Means {
    pub const fn none(self) -> bool {
        !self.fetch && !self.restart
    }
}

/// Decides by the venue's rules alone; never by its name.
pub(super) const fn means(profile: &Profile, need: Need) -> Means {
    let in_band = matches!(profile.first_book, FirstBook::InBand);
    let rest = !matches!(profile.rest_join, RestJoin::Never);
    match need {
        Need::Nothing | Need::Audit => Means { fetch: false, restart: false, patience: Duration::ZERO },
        // A fresh connection brings the first snapshot by itself; asking for more would be paid for nothing. Where the venue
        // promises it in time and it does not come, an acknowledged subscription may be one that nobody serves.
        Need::First | Need::Repair(StaleReason::Disconnected) => match profile.snapshot_within {
            Some(patience) => Means { fetch: !in_band && rest, restart: in_band, patience },
            None => Means { fetch: !in_band && rest, restart: false, patience: Duration::ZERO },
        },
        // REST bridges the time until the restart's snapshot, which supersedes it.
        Need::Repair(_) => Means { fetch: rest, restart: in_band, patience: Duration::ZERO },
        Need::Complete => Means { fetch: false, restart: true, patience: Duration::ZERO },
        // Where books come in-band, a refresh would cost the very outage that it is to avoid.
        Need::Refresh => Means { fetch: !in_band && rest, restart: false, patience: Duration::ZERO },
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
            (Need::Audit, [false, false], [false, false]),
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

    #[test]
    fn a_promised_snapshot_is_waited_for_and_then_asked_for() {
        let patience = Duration::from_secs(30);
        let profile = Profile {
            rest_join: RestJoin::Never,
            snapshot_within: Some(patience),
            ..*in_band_venue().profile
        };
        assert_eq!(means(&profile, Need::First), Means { fetch: false, restart: true, patience });
        let now = Means { fetch: false, restart: true, patience: Duration::ZERO };
        assert_eq!(means(&profile, Need::Repair(StaleReason::Gap)), now);
    }
}
