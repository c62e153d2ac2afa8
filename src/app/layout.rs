//! Who carries what: a checked configuration laid out as feeds, connections, books and workers. Pure.
//!
//! A layout changes only by [`Layout::follow`]: from nothing at the start, and from one configuration to the next at a
//! reload. What did not change keeps its numbers, and so its threads, sockets and books. No number is used twice.

use crate::config::{Config, Feed, RecoveryConfig};
use crate::engine::id::{BookId, ConnectionId, FeedId};
use crate::engine::recovery::VenueRules;
use crate::engine::sync::SyncRules;
use crate::venue::profile::Profile;
use crate::venue::{Scope, Venue};
use std::sync::Arc;
use std::time::Duration;

/// One exchange or vendor, whatever number of feeds reads it: budgets are a venue's, not a feed's.
pub struct VenuePlan {
    pub profile: &'static Profile,
    pub rules: VenueRules,
    pub timeout: Duration,
}

pub struct FeedPlan {
    pub id: FeedId,
    pub config: Feed,
    pub venue: Arc<dyn Venue>,
    /// Into [`Layout::venues`].
    pub venue_index: usize,
}

pub struct ConnectionPlan {
    pub id: ConnectionId,
    pub feed: FeedId,
    pub scope: Scope,
}

#[derive(Clone, PartialEq, Eq, Debug)]
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
    workers: usize,
    next_feed: u16,
    next_connection: u16,
    next_book: u32,
}

/// What following a configuration changed. Numbers that were removed are no longer in the layout.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Change {
    pub feeds_added: Vec<FeedId>,
    pub feeds_removed: Vec<FeedId>,
    pub connections_added: Vec<ConnectionId>,
    pub connections_removed: Vec<ConnectionId>,
    pub rescoped: Vec<Rescoped>,
    pub books_added: Vec<BookId>,
    pub books_removed: Vec<BookPlace>,
}

/// A connection that goes on with other symbols.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rescoped {
    pub connection: ConnectionId,
    pub added: Vec<String>,
    pub removed: Vec<String>,
}

/// There are not enough numbers: after tens of thousands of reloads, a restart is due.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TooMany(pub &'static str);

impl Layout {
    /// Nothing yet, but every venue there is: a reload may add any of them.
    pub fn empty(config: &Config, venues: &[Arc<dyn Venue>]) -> Layout {
        let plan = |venue: &Arc<dyn Venue>| {
            let profile = venue.profile();
            let feed = config.feeds.iter().find(|f| f.profile.name == profile.name);
            venue_plan(profile, feed.map_or(&config.recovery, |f| &f.recovery))
        };
        Layout {
            venues: venues.iter().map(plan).collect(),
            feeds: Vec::new(),
            connections: Vec::new(),
            books: Vec::new(),
            workers: config.pipeline.workers.max(1),
            next_feed: 0,
            next_connection: 0,
            next_book: 0,
        }
    }

    /// Becomes what this configuration says.
    ///
    /// # Errors
    /// [`TooMany`]; the layout is then half way and of no use.
    pub fn follow(
        &mut self,
        config: &Config,
        by_name: &dyn Fn(&str) -> Option<Arc<dyn Venue>>,
    ) -> Result<Change, TooMany> {
        let mut change = Change::default();
        // A feed that goes, or comes back as another: its settings are those of its connections.
        let stays = |plan: &FeedPlan| config.feeds.iter().any(|feed| same_but_symbols(&plan.config, feed));
        let gone: Vec<FeedId> = self.feeds.iter().filter(|plan| !stays(plan)).map(|plan| plan.id).collect();
        gone.iter().for_each(|id| self.remove_feed(*id, &mut change));
        for feed in &config.feeds {
            match self.feeds.iter().position(|plan| plan.config.name == feed.name) {
                Some(at) => {
                    let id = self.feeds[at].id;
                    self.feeds[at].config = feed.clone();
                    if feed.enabled {
                        self.resymbol(id, feed, &mut change)?;
                    }
                }
                None => self.add_feed(feed, by_name, &mut change)?,
            }
        }
        Ok(change)
    }

    pub fn feed(&self, id: FeedId) -> Option<&FeedPlan> {
        self.feeds.iter().find(|plan| plan.id == id)
    }

    pub fn connection(&self, id: ConnectionId) -> Option<&ConnectionPlan> {
        self.connections.iter().find(|plan| plan.id == id)
    }

    pub fn book(&self, id: BookId) -> Option<&BookPlace> {
        self.books.iter().find(|place| place.id == id)
    }

    pub fn books_of(&self, connection: ConnectionId) -> impl Iterator<Item = &BookPlace> {
        self.books.iter().filter(move |place| place.connection == connection)
    }

    fn add_feed(
        &mut self,
        feed: &Feed,
        by_name: &dyn Fn(&str) -> Option<Arc<dyn Venue>>,
        change: &mut Change,
    ) -> Result<(), TooMany> {
        let venue = by_name(&feed.venue_name).ok_or(TooMany("venues"))?;
        let known = self.venues.iter().position(|v| v.profile.name == feed.profile.name);
        let venue_index = known.ok_or(TooMany("venues"))?;
        let id = FeedId(self.next_feed);
        self.next_feed = self.next_feed.checked_add(1).ok_or(TooMany("feeds"))?;
        self.feeds.push(FeedPlan { id, config: feed.clone(), venue, venue_index });
        change.feeds_added.push(id);
        if feed.enabled { self.add_symbols(id, feed, &feed.symbols, change) } else { Ok(()) }
    }

    fn remove_feed(&mut self, id: FeedId, change: &mut Change) {
        self.feeds.retain(|plan| plan.id != id);
        change.feeds_removed.push(id);
        change.connections_removed.extend(self.connections.iter().filter(|c| c.feed == id).map(|c| c.id));
        self.connections.retain(|c| c.feed != id);
        change.books_removed.extend(self.books.iter().filter(|b| b.feed == id).cloned());
        self.books.retain(|b| b.feed != id);
    }

    /// Takes out what the feed no longer has, and finds places for what is new.
    fn resymbol(&mut self, id: FeedId, feed: &Feed, change: &mut Change) -> Result<(), TooMany> {
        for connection in self.connections.iter_mut().filter(|c| c.feed == id) {
            let (stay, removed): (Vec<String>, Vec<String>) =
                connection.scope.symbols.drain(..).partition(|symbol| feed.symbols.contains(symbol));
            connection.scope.symbols = stay;
            if !removed.is_empty() {
                change.rescoped.push(Rescoped { connection: connection.id, added: Vec::new(), removed });
            }
        }
        let gone = |b: &BookPlace| b.feed == id && !feed.symbols.contains(&b.symbol);
        change.books_removed.extend(self.books.iter().filter(|b| gone(b)).cloned());
        self.books.retain(|b| !gone(b));
        let carried: Vec<&String> = self.books.iter().filter(|b| b.feed == id).map(|b| &b.symbol).collect();
        let new: Vec<String> = feed.symbols.iter().filter(|s| !carried.contains(s)).cloned().collect();
        self.add_symbols(id, feed, &new, change)?;
        // An empty scope would mean everything to some venues: such a connection is closed instead.
        let empty: Vec<ConnectionId> =
            self.connections.iter().filter(|c| c.scope.symbols.is_empty()).map(|c| c.id).collect();
        self.connections.retain(|c| !empty.contains(&c.id));
        change.rescoped.retain(|r| !empty.contains(&r.connection));
        change.connections_removed.extend(empty);
        Ok(())
    }

    /// Fills the feed's connections up, then opens more.
    fn add_symbols(
        &mut self,
        id: FeedId,
        feed: &Feed,
        symbols: &[String],
        change: &mut Change,
    ) -> Result<(), TooMany> {
        let room_each = feed.profile.symbols_per_connection.max(1);
        for symbol in symbols {
            let open =
                self.connections.iter_mut().find(|c| c.feed == id && c.scope.symbols.len() < room_each);
            let connection = match open {
                Some(connection) => connection.id,
                None => {
                    let new = ConnectionId(self.next_connection);
                    self.next_connection =
                        self.next_connection.checked_add(1).ok_or(TooMany("connections"))?;
                    let scope = Scope { symbols: Vec::new(), channels: feed.channels.clone() };
                    self.connections.push(ConnectionPlan { id: new, feed: id, scope });
                    change.connections_added.push(new);
                    new
                }
            };
            let book = BookId(self.next_book);
            self.next_book = self.next_book.checked_add(1).ok_or(TooMany("books"))?;
            let worker = book.0 as usize % self.workers;
            self.books.push(BookPlace { id: book, feed: id, connection, worker, symbol: symbol.clone() });
            change.books_added.push(book);
            if let Some(plan) = self.connections.iter_mut().find(|c| c.id == connection) {
                plan.scope.symbols.push(symbol.clone());
            }
            if change.connections_added.contains(&connection) {
                continue;
            }
            match change.rescoped.iter_mut().find(|r| r.connection == connection) {
                Some(rescoped) => rescoped.added.push(symbol.clone()),
                None => {
                    let added = vec![symbol.clone()];
                    change.rescoped.push(Rescoped { connection, added, removed: Vec::new() });
                }
            }
        }
        Ok(())
    }
}

/// The rules of a feed's books.
pub fn sync_rules(config: &Config, profile: &Profile) -> SyncRules {
    SyncRules::of(profile, config.books.levels, config.books.resync_buffer)
}

fn venue_plan(profile: &'static Profile, recovery: &RecoveryConfig) -> VenuePlan {
    let rules = VenueRules {
        profile,
        rest: recovery.rest_budget(&profile.rest),
        max_concurrent: recovery.max_concurrent,
        breaker_failures: recovery.breaker_failures,
        breaker_open: recovery.breaker_open,
    };
    VenuePlan { profile, rules, timeout: recovery.timeout }
}

/// Whether a feed can go on with other symbols.
fn same_but_symbols(old: &Feed, new: &Feed) -> bool {
    let with_symbols = Feed { symbols: old.symbols.clone(), ..new.clone() };
    *old == with_symbols
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Surroundings, Venues};
    use crate::venue::catalog;

    fn config(feeds: &[(&str, &[&str])]) -> Config {
        let mut text = String::new();
        for (name, symbols) in feeds {
            text.push_str(&format!(
                "[[feed]]\nname = \"{name}\"\nvenue = \"binance\"\nsymbols = {symbols:?}\n"
            ));
        }
        let venues = Venues { by_name: &catalog::by_name, names: &catalog::NAMES };
        Config::from_toml(&text, "test", &Surroundings { env: &|_| None, venues }).expect("a configuration")
    }

    fn laid_out(config: &Config) -> Layout {
        let venues: Vec<_> = catalog::NAMES.iter().filter_map(|name| catalog::by_name(name)).collect();
        let mut layout = Layout::empty(config, &venues);
        layout.follow(config, &catalog::by_name).expect("few");
        layout
    }

    #[test]
    fn what_did_not_change_keeps_its_numbers() {
        let mut layout = laid_out(&config(&[("a", &["BTCUSDT", "ETHUSDT"]), ("b", &["SOLUSDT"])]));
        assert_eq!(layout.connections.len(), 2);
        let kept = layout.books[1].clone();
        let next = config(&[("a", &["ETHUSDT", "XRPUSDT"]), ("b", &["SOLUSDT"])]);
        let change = layout.follow(&next, &catalog::by_name).expect("few");
        let rescoped = Rescoped {
            connection: ConnectionId(0),
            added: vec!["XRPUSDT".to_owned()],
            removed: vec!["BTCUSDT".to_owned()],
        };
        assert_eq!(change.rescoped, [rescoped]);
        assert_eq!(change.books_added, [BookId(3)]);
        assert_eq!(change.books_removed.iter().map(|b| b.id).collect::<Vec<_>>(), [BookId(0)]);
        assert!(change.connections_added.is_empty() && change.connections_removed.is_empty());
        assert_eq!(layout.book(BookId(1)), Some(&kept));
        assert_eq!(layout.follow(&next, &catalog::by_name), Ok(Change::default()), "nothing changed");
    }

    #[test]
    fn feeds_come_and_go_and_no_scope_becomes_empty() {
        let mut layout = laid_out(&config(&[("a", &["BTCUSDT"]), ("b", &["SOLUSDT"])]));
        let next = config(&[("b", &["XRPUSDT"]), ("c", &["ETHUSDT"])]);
        let change = layout.follow(&next, &catalog::by_name).expect("few");
        assert_eq!(change.feeds_removed, [FeedId(0)]);
        assert_eq!(change.feeds_added, [FeedId(2)]);
        assert_eq!(change.connections_removed, [ConnectionId(0)]);
        assert_eq!(change.connections_added, [ConnectionId(2)]);
        assert_eq!(change.rescoped.len(), 1);
        assert!(layout.connections.iter().all(|c| !c.scope.symbols.is_empty()));
    }

    #[test]
    fn more_symbols_than_fit_open_more_connections() {
        let symbols: Vec<String> = (0..450).map(|n| format!("C{n}USDT")).collect();
        let names: Vec<&str> = symbols.iter().map(String::as_str).collect();
        let layout = laid_out(&config(&[("a", &names)]));
        assert_eq!(
            layout.connections.iter().map(|c| c.scope.symbols.len()).collect::<Vec<_>>(),
            [200, 200, 50]
        );
    }
}
