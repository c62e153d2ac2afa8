//! The daemon itself, in this process so that its threads and allocations can be told apart, over real sockets.

use crate::frames::{Ring, price, size};
use crate::venue::{Client, Venue, flat_out};
use depthd::app::{App, Environment};
use depthd::config::{Config, Surroundings, Venues};
use depthd::engine::decimal::Decimal;
use depthd::engine::event::Level;
use depthd::http::Source;
use depthd::shell::clock::Clock;
use depthd::shell::event::Event;
use depthd::shell::notify::Notify;
use depthd::shell::registry::Registry;
use depthd::shell::supervisor::Exit;
use depthd::venue::catalog;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Longest wait for what takes milliseconds when all is well.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Daemon {
    pub registry: Arc<Registry>,
    pub http: String,
    events: depthd::shell::sync::channel::Sender<Event>,
    running: JoinHandle<Exit>,
}

/// A configuration of a feed for each venue. `pipeline` are further keys of that section.
pub fn configuration(venues: &[Venue], pipeline: &str) -> String {
    let mut text =
        format!("[http]\nlisten = \"127.0.0.1:0\"\n[memory]\nlimit = \"4GiB\"\n[pipeline]\n{pipeline}\n");
    for (at, venue) in venues.iter().enumerate() {
        let (name, port, symbols) = (feed(at), venue.port, venue.symbols());
        text += &format!(
            "[[feed]]\nname = \"{name}\"\nvenue = \"binance\"\nurl = \"ws://127.0.0.1:{port}\"\n\
             rest_url = \"http://127.0.0.1:{port}\"\nsymbols = {symbols:?}\nchannels = [\"book\"]\nidle_timeout = \"60s\"\n\
             recovery = {{ rate = \"1000000/s\", burst = 1000000, max_concurrent = 4 }}\n"
        );
    }
    text
}

/// The name of the feed that follows the venue of this number.
pub fn feed(venue: usize) -> String {
    format!("bench{venue}")
}

impl Daemon {
    pub fn start(config: &str) -> Daemon {
        let env = |_: &str| None;
        let around = Surroundings { env: &env, venues: Venues::known() };
        let config = Config::from_toml(config, "bench", &around).unwrap_or_else(|e| panic!("{e:?}"));
        let environment = Environment {
            clock: Clock::start(),
            notify: Notify::from_env(&|_: &str| None, std::process::id()),
            by_name: catalog::by_name,
            venues: &catalog::NAMES,
            reload: None,
            log_dropped: Arc::new(|| 0),
            runtime_dir: std::env::temp_dir(),
            state_dir: None,
        };
        let app = App::start(&config, environment).unwrap_or_else(|e| panic!("{e}"));
        let (registry, events) = (app.registry(), app.events());
        let http = match app.http_address() {
            depthd::http::Listen::Tcp(address) => address.to_string(),
            depthd::http::Listen::Unix(path) => panic!("a socket at {}", path.display()),
        };
        // By name, so that what it uses counts as the daemon's.
        let running =
            thread::Builder::new().name("supervisor".to_owned()).spawn(move || app.run()).expect("a thread");
        Daemon { registry, http, events, running }
    }

    /// Sends each connection's first frame, which makes it count, and waits until every book is live.
    pub fn live(&self, clients: &mut [Client<'_>]) {
        flat_out(clients, clients.len() as u64);
        self.until("not every book is live", |registry| {
            registry.books().iter().all(|(_, _, top)| top.state.is_live())
        });
    }

    /// Waits until every book shows the last update there is.
    pub fn caught_up(&self, venues: &[Venue]) {
        let mut last = BTreeMap::new();
        for (at, venue) in venues.iter().enumerate() {
            let ring = venue.ring();
            last.extend(ring.symbols.iter().enumerate().map(|(n, s)| ((feed(at), s.clone()), ring.id(n))));
        }
        self.until("the books stand behind", |registry| {
            let books = registry.books();
            books.into_iter().all(|(feed, symbol, top)| {
                top.sequence == last.get(&(feed.to_owned(), symbol.to_owned())).copied()
            })
        });
    }

    /// # Panics
    /// A book differs from what was sent, anything was dropped, or there was a gap.
    pub fn check(&self, venues: &[Venue]) {
        venues.iter().enumerate().for_each(|(at, venue)| self.check_feed(&feed(at), &venue.ring()));
        let dropped: u64 = self.registry.stats().feeds.iter().map(|f| f.messages.discarded.total()).sum();
        assert_eq!(dropped, 0, "messages were dropped");
    }

    fn check_feed(&self, feed: &str, ring: &Ring) {
        for (at, symbol) in ring.symbols.iter().enumerate() {
            let view = self.registry.book(feed, symbol, 5_000).unwrap_or_else(|e| panic!("{symbol}: {e:?}"));
            assert!(view.top.state.is_live(), "{symbol} is {:?}", view.top.state);
            assert_eq!((view.top.sequence, view.top.gaps), (Some(ring.id(at)), 0), "{symbol}");
            let [bids, asks] = ring.truth(at);
            let shown = |levels: &[Level]| levels.iter().map(|l| (l.price, l.size)).collect::<Vec<_>>();
            let true_levels = |side: &crate::frames::Side, sign| {
                side.iter().map(|(d, s)| (decimal(&price(*d, sign)), decimal(&size(*s)))).collect::<Vec<_>>()
            };
            assert_eq!(shown(&view.bids), true_levels(&bids, -1), "{symbol}: bids");
            assert_eq!(shown(&view.asks), true_levels(&asks, 1), "{symbol}: asks");
        }
    }

    pub fn stop(self) {
        self.events.send(Event::Stop).expect("the supervisor listens");
        assert_eq!(self.running.join().expect("no panic"), Exit::Stopped);
    }

    fn until(&self, what: &str, done: impl Fn(&Registry) -> bool) {
        let started = Instant::now();
        while !done(&self.registry) {
            assert!(started.elapsed() < PATIENCE, "{what}: {}", self.registry.summary());
            thread::sleep(Duration::from_millis(1));
        }
    }
}

fn decimal(text: &str) -> Decimal {
    Decimal::parse(text.as_bytes()).expect("a number")
}
