//! The rules of a venue's books.

use super::SyncRules;
use crate::venue::profile::Profile;

/// Messages a resync window keeps of one book. Its bytes are the real bound; this one stops a flood of empty messages.
const WINDOW_MESSAGES_MAX: usize = 4_096;
/// A live book with fewer levels than this to the edge of what it vouches for asks for a newer snapshot. Half as many
/// would ask too late for a market that moves; several times as many would ask without need.
const REFRESH_LEVELS_MIN: usize = 50;

impl SyncRules {
    /// Those of books of so many levels a side, with so many bytes of what waits for a snapshot.
    pub fn of(profile: &Profile, levels_per_side_max: usize, window_bytes_max: usize) -> SyncRules {
        SyncRules {
            sequence: profile.sequence,
            first_book: profile.first_book,
            rest_join: profile.rest_join,
            in_band_restart: profile.in_band_restart,
            crossed_is_fault: profile.crossed_is_fault,
            stream_depth: profile.stream_depth,
            checksum: profile.checksum,
            levels_per_side_max,
            window_messages_max: WINDOW_MESSAGES_MAX,
            window_bytes_max,
            refresh_levels_min: REFRESH_LEVELS_MIN.min(levels_per_side_max / 4),
        }
    }
}
