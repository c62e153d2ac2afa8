//! Makes the daemon follow a configuration: at the start from nothing, at a reload from the one before. One path for both.

use crate::app::layout::{
    BookPlace, Change, ConnectionPlan, FeedPlan, Layout, Rescoped, TooMany, sync_rules,
};
use crate::app::workers::Room;
use crate::config::Config;
use crate::engine::backoff::BackoffRules;
use crate::engine::connection::lifecycle::Lifecycle;
use crate::engine::connection::session::SessionRules;
use crate::engine::id::{BookId, ConnectionId};
use crate::engine::ledger::Ledger;
use crate::engine::time::Stamp;
use crate::shell::beat::Beat;
use crate::shell::clock::Clock;
use crate::shell::count::FeedCounters;
use crate::shell::dial;
use crate::shell::journal::Journal;
use crate::shell::purse::Purse;
use crate::shell::queue::{Entrance, Job};
use crate::shell::reader::{BookRoute, Routes};
use crate::shell::recovery::{BookFacts, Notice};
use crate::shell::registry::{ConnectionEntry, FeedEntry, Registry};
use crate::shell::slot::Slot;
use crate::shell::status::ConnectionStatus;
use crate::shell::supervisor::{Facts, Lines, NewScope};
use crate::shell::sync::channel::Sender;
use crate::shell::sync::{Arc, Mutex};
use crate::shell::worker::Recipe;
use crate::venue::Venue;
use std::time::Duration;

/// How long a thread may take to have room for what has changed. Each is woken by what comes: a slow machine takes that long.
const TOLD_WITHIN: Duration = Duration::from_secs(2);

/// Everything that knows who carries what.
pub struct Plant {
    pub layout: Layout,
    pub by_name: fn(&str) -> Option<Arc<dyn Venue>>,
    pub registry: Arc<Registry>,
    pub entrances: Vec<Entrance>,
    pub notices: Sender<Notice>,
    pub ledgers: Arc<Mutex<Vec<Ledger>>>,
    pub journal: Arc<Journal>,
    pub beat_within: Duration,
    pub seed: u64,
    pub clock: Clock,
    pub room: Room,
}

impl Plant {
    /// Tells registry, workers and recovery what changed, and says what the supervisor has to do.
    ///
    /// # Errors
    /// There is no room for so much, there are not enough numbers, or an address is none.
    pub fn follow(&mut self, config: &Config) -> Result<Lines, String> {
        let (room, wanted) = (self.room, Room::of(config));
        if !room.holds(wanted) {
            return Err(format!(
                "{} books over {} connections, and the daemon was started with room for {} over {}: restart it to have them",
                wanted.books, wanted.connections, room.books, room.connections
            ));
        }
        let change =
            self.layout.follow(config, &self.by_name).map_err(|TooMany(what)| format!("too many {what}"))?;
        let now = self.clock.stamp();
        self.publish(&change, now);
        let untold = self.adopt(config, &change);
        let added = change.connections_added.iter().filter_map(|id| self.layout.connection(*id));
        let start = added.map(|plan| self.line(plan)).collect::<Result<Vec<_>, String>>()?;
        let rescope = change.rescoped.iter().filter_map(|r| self.rescope(r)).collect();
        Ok(Lines { start, rescope, stop: change.connections_removed, untold })
    }

    fn publish(&self, change: &Change, now: Stamp) {
        let removed: Vec<BookId> = change.books_removed.iter().map(|b| b.id).collect();
        self.registry.change(|tables| {
            tables.feeds.retain(|feed| !change.feeds_removed.contains(&feed.id));
            tables.connections.retain(|c| !change.connections_removed.contains(&c.status.id));
            tables.slots.retain(|slot| !removed.contains(&slot.id));
            for plan in change.feeds_added.iter().filter_map(|id| self.layout.feed(*id)) {
                tables.feeds.push(feed_entry(plan));
            }
            for plan in change.connections_added.iter().filter_map(|id| self.layout.connection(*id)) {
                let status = ConnectionStatus::new(plan.id, plan.feed, plan.scope.symbols.len(), now);
                let beat = Beat::new(format!("reader-{}", plan.id.0), self.beat_within, now.mono);
                tables.connections.push(ConnectionEntry { status: Arc::new(status), beat: Arc::new(beat) });
            }
            tables.slots.extend(change.books_added.iter().filter_map(|id| self.layout.book(*id)).map(slot));
            tables.slots.sort_by_key(|slot| (slot.feed, slot.id));
        });
    }

    /// Books to their workers and to the recovery thread, before any frame of theirs can come. Gives the thread that
    /// could not be told.
    fn adopt(&self, config: &Config, change: &Change) -> Option<String> {
        let tables = self.registry.tables();
        let mut untold = None;
        for (worker, entrance) in self.entrances.iter().enumerate() {
            let mine = |id: &&BookId| self.layout.book(**id).is_some_and(|b| b.worker == worker);
            let recipe = |id: &BookId| {
                let slot = tables.slots.iter().find(|slot| slot.id == *id)?.clone();
                let feed = self.layout.feed(slot.feed)?;
                let counters = tables.feeds.iter().find(|f| f.id == slot.feed)?.counters.clone();
                Some(Arc::new(Recipe {
                    feed_name: feed.config.name.clone(),
                    venue: feed.venue.clone(),
                    rules: sync_rules(config, feed.config.profile),
                    followed: feed.config.carries_books(),
                    audited: feed.config.profile.quote_shares_book_sequence,
                    trades_max: config.books.trades,
                    counters,
                    slot,
                }))
            };
            let recipes: Vec<Arc<Recipe>> =
                change.books_added.iter().filter(mine).filter_map(recipe).collect();
            let gone = |b: &&BookPlace| b.worker == worker;
            let dismissed: Vec<BookId> = change.books_removed.iter().filter(gone).map(|b| b.id).collect();
            let jobs = [
                (!dismissed.is_empty()).then_some(Job::Dismiss(dismissed)),
                (!recipes.is_empty()).then_some(Job::Adopt(recipes)),
            ];
            for job in jobs.into_iter().flatten() {
                if entrance.send_within(job, TOLD_WITHIN).is_err() {
                    untold = Some(format!("worker {worker}"));
                }
            }
        }
        let removed = change.books_removed.iter().map(|b| b.id).collect();
        let facts = change
            .books_added
            .iter()
            .filter_map(|id| self.layout.book(*id))
            .filter_map(|b| self.book_facts(b));
        let notice = Notice::Change {
            connections_removed: change.connections_removed.clone(),
            books_removed: removed,
            books_added: facts.collect(),
            connections: self.layout.connections.iter().map(|c| self.census(c)).collect(),
        };
        if self.notices.send_timeout(notice, TOLD_WITHIN).is_err() {
            untold = Some("recovery".to_owned());
        }
        untold
    }

    /// A connection's venue and how many books it carries.
    fn census(&self, plan: &ConnectionPlan) -> (ConnectionId, usize, usize) {
        let venue = self.layout.feed(plan.feed).map_or(0, |feed| feed.venue_index);
        (plan.id, venue, plan.scope.symbols.len())
    }

    fn book_facts(&self, place: &BookPlace) -> Option<BookFacts> {
        let feed = self.layout.feed(place.feed)?;
        let counters = self.registry.tables().feeds.iter().find(|f| f.id == place.feed)?.counters.clone();
        Some(BookFacts {
            id: place.id,
            venue: feed.venue.clone(),
            venue_index: feed.venue_index,
            counters,
            rest_url: feed.config.rest_url.clone(),
            symbol: place.symbol.clone(),
            key: feed.config.key.clone(),
            worker: place.worker,
        })
    }

    fn rescope(&self, rescoped: &Rescoped) -> Option<NewScope> {
        let plan = self.layout.connection(rescoped.connection)?;
        let feed = self.layout.feed(plan.feed)?;
        let key = feed.config.key.as_ref().map(|k| k.reveal());
        Some(NewScope {
            connection: plan.id,
            dial: feed.venue.dial(&feed.config.url, &plan.scope, key),
            scope: plan.scope.clone(),
            routes: self.routes(plan, feed),
            added: rescoped.added.clone(),
            removed: rescoped.removed.clone(),
        })
    }

    fn routes(&self, plan: &ConnectionPlan, feed: &FeedPlan) -> Arc<Routes> {
        let route = |b: &BookPlace| {
            let route = BookRoute { book: b.id, worker: b.worker, symbol: b.symbol.clone() };
            (feed.venue.symbol_key(&b.symbol), route)
        };
        Arc::new(Routes::new(self.layout.books_of(plan.id).map(route), feed.config.channels.clone()))
    }

    fn line(&self, plan: &ConnectionPlan) -> Result<(Facts, Lifecycle), String> {
        let feed = self.layout.feed(plan.feed).ok_or("a connection without its feed")?;
        let tables = self.registry.tables();
        let entry =
            tables.connections.iter().find(|c| c.status.id == plan.id).ok_or("an unpublished connection")?;
        let counters =
            tables.feeds.iter().find(|f| f.id == plan.feed).ok_or("an unpublished feed")?.counters.clone();
        let config = &feed.config;
        let key = config.key.as_ref().map(|k| k.reveal());
        let dial = feed.venue.dial(&config.url, &plan.scope, key);
        let target = dial::target(&dial.url)
            .ok_or_else(|| format!("feed {}: {} is no address", config.name, config.url))?;
        let facts = Facts {
            id: plan.id,
            venue: feed.venue.clone(),
            dial,
            target,
            scope: plan.scope.clone(),
            rules: SessionRules {
                connect_timeout: config.connect_timeout,
                idle_timeout: config.idle_timeout,
                connection_age_max: config.profile.connection_age_max,
                handover: config.profile.handover,
                ack_within: config.profile.ack_within,
                heartbeat: config.profile.heartbeat,
                ping_every: config.profile.ping_every,
                scope_messages_max: config.profile.scope_messages_max(config.channels.len()),
            },
            routes: self.routes(plan, feed),
            message_bytes_max: config.max_message,
            purse: Purse {
                ledgers: self.ledgers.clone(),
                venue: feed.venue_index,
                journal: self.journal.clone(),
            },
            counters,
            status: entry.status.clone(),
            beat: entry.beat.clone(),
        };
        let backoff = BackoffRules {
            first: config.backoff.first,
            max: config.backoff.max,
            reset_after: config.backoff.reset_after,
        };
        let lifecycle = Lifecycle::new(plan.id, backoff, self.seed ^ u64::from(plan.id.0).rotate_left(32))
            .with_connect_timeout(config.connect_timeout);
        Ok((facts, lifecycle))
    }
}

fn slot(place: &BookPlace) -> Arc<Slot> {
    Arc::new(Slot::new(place.id, place.feed, place.connection, place.worker, place.symbol.clone()))
}

fn feed_entry(plan: &FeedPlan) -> FeedEntry {
    FeedEntry {
        id: plan.id,
        name: plan.config.name.clone(),
        venue: plan.config.profile.name,
        enabled: plan.config.enabled,
        carries_books: plan.config.carries_books(),
        venue_index: plan.venue_index,
        counters: Arc::new(FeedCounters::new(&plan.config.name, plan.config.key.clone())),
    }
}
