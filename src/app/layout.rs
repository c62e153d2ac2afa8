//! Who carries what: a checked configuration laid out as feeds, connections, books and workers. Pure.

use crate::config::{Config, Feed};
use crate::engine::id::{BookId, ConnectionId, FeedId};
use crate::engine::recovery::VenueRules;
use crate::engine::sync::SyncRules;
use crate::venue::profile::Profile;
use crate::venue::{Scope, Venue};
use std::sync::Arc;
use std::time::Duration;

/// Messages a resync window keeps of one book. Its bytes are the real bound; this one stops a flood of empty messages.
const WINDOW_MESSAGES_MAX: usize = 4_096;
/// A live book with fewer levels than this to the edge of what it vouches for asks for a newer snapshot. Half of the
/// default depth of an answer would ask too late for a market that moves; five times as many would ask without need.
const REFRESH_LEVELS_MIN: usize = 50;

/// One exchange or vendor, whatever number of feeds reads it: budgets are a venue's, not a feed's.
pub struct VenuePlan {
    pub profile: &'static Profile,
    pub rules: VenueRules,
    pub timeout: Duration,
}

pub struct FeedPlan {
    pub config: Feed,
    pub venue: Arc<dyn Venue>,
    /// Into [`Layout::venues`].
    pub venue_index: usize,
}

pub struct ConnectionPlan {
    pub id: ConnectionId,
    pub feed: usize,
    pub scope: Scope,
}

pub struct BookPlace {
    pub id: BookId,
    pub feed: FeedId,
    pub connection: ConnectionId,
    pub worker: usize,
    pub symbol: String,
}

pub struct Layout {
    pub venues: Vec<VenuePlan>,
    pub feeds: Vec<FeedPlan>,
    pub connections: Vec<ConnectionPlan>,
    pub books: Vec<BookPlace>,
}

/// Why a configuration cannot be laid out. Checking it lets none of these through.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TooMany(pub &'static str);

impl Layout {
    /// # Errors
    /// More feeds, connections or books than numbers for them.
    pub fn of(config: &Config, by_name: &dyn Fn(&str) -> Option<Arc<dyn Venue>>) -> Result<Layout, TooMany> {
        let mut layout =
            Layout { venues: Vec::new(), feeds: Vec::new(), connections: Vec::new(), books: Vec::new() };
        for feed in &config.feeds {
            let venue = by_name(&feed.venue_name).ok_or(TooMany("unknown venues"))?;
            let index = layout.feeds.len();
            let venue_index = layout.venue(feed);
            layout.feeds.push(FeedPlan { config: feed.clone(), venue, venue_index });
            if feed.enabled {
                layout.connections_of(index, config.pipeline.workers)?;
            }
        }
        Ok(layout)
    }

    fn venue(&mut self, feed: &Feed) -> usize {
        if let Some(known) = self.venues.iter().position(|v| v.profile.name == feed.profile.name) {
            return known;
        }
        let recovery = &feed.recovery;
        let rules = VenueRules {
            profile: feed.profile,
            rest: feed.rest_budget(),
            max_concurrent: recovery.max_concurrent,
            breaker_failures: recovery.breaker_failures,
            breaker_open: recovery.breaker_open,
        };
        self.venues.push(VenuePlan { profile: feed.profile, rules, timeout: recovery.timeout });
        self.venues.len() - 1
    }

    fn connections_of(&mut self, index: usize, workers: usize) -> Result<(), TooMany> {
        let Some(plan) = self.feeds.get(index) else { return Ok(()) };
        let feed = plan.config.clone();
        let feed_id = FeedId(u16::try_from(index).map_err(|_| TooMany("feeds"))?);
        for symbols in feed.symbols.chunks(feed.profile.symbols_per_connection.max(1)) {
            let id = ConnectionId(u16::try_from(self.connections.len()).map_err(|_| TooMany("connections"))?);
            for symbol in symbols {
                let book = BookId(u32::try_from(self.books.len()).map_err(|_| TooMany("books"))?);
                let worker = self.books.len() % workers.max(1);
                let symbol = symbol.clone();
                self.books.push(BookPlace { id: book, feed: feed_id, connection: id, worker, symbol });
            }
            let scope = Scope { symbols: symbols.to_vec(), channels: feed.channels.clone() };
            self.connections.push(ConnectionPlan { id, feed: index, scope });
        }
        Ok(())
    }
}

/// The rules of a feed's books.
pub fn sync_rules(config: &Config, profile: &Profile) -> SyncRules {
    SyncRules {
        sequence: profile.sequence,
        first_book: profile.first_book,
        rest_join: profile.rest_join,
        in_band_restart: profile.in_band_restart,
        crossed_is_fault: profile.crossed_is_fault,
        levels_per_side_max: config.books.levels,
        window_messages_max: WINDOW_MESSAGES_MAX,
        window_bytes_max: config.books.resync_buffer,
        refresh_levels_min: REFRESH_LEVELS_MIN.min(config.books.levels / 4),
    }
}
