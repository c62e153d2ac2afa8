//! The parts as they are put together, before any of them has a thread.

use super::{Assembly, Frame, Hands, ReadConfig};
use crate::config::{Config, Surroundings, Venues};
use crate::engine::id::{BookId, ConnectionId, Generation};
use crate::engine::need::Need;
use crate::engine::time::Wall;
use crate::http::Source;
use crate::shell::clock::Clock;
use crate::shell::event::Event;
use crate::shell::link;
use crate::shell::memory::ProcessMemory;
use crate::shell::notify::Notify;
use crate::shell::recovery::{Input, Notice};
use crate::shell::registry::Registry;
use crate::shell::resolver;
use crate::shell::supervisor::Threads;
use crate::shell::sync::channel::bounded;
use crate::shell::worker::Told;
use crate::venue::catalog;
use std::sync::Arc;

fn config(symbols: &[String]) -> Config {
    let text = format!(
        "[[feed]]\nname = \"f\"\nvenue = \"binance\"\nurl = \"ws://127.0.0.1:9\"\n\
         rest_url = \"http://127.0.0.1:9\"\nsymbols = {symbols:?}\n"
    );
    let venues = Venues { by_name: &catalog::by_name, names: &catalog::NAMES };
    Config::from_toml(&text, "test", &Surroundings { env: &|_| None, venues }).unwrap()
}

fn assembly() -> Assembly {
    assembly_with(None).0
}

fn assembly_with(reload: Option<ReadConfig>) -> (Assembly, Arc<Registry>) {
    let config = config(&["AAAUSDT".to_owned()]);
    let clock = Clock::by_hand(Wall::from_nanos(0)).0;
    let frame = Frame::new(&config, catalog::by_name, &catalog::NAMES, &clock, 1, Arc::new(|| 0));
    let hands = Hands {
        notify: Notify::from_env(&|_: &str| None, 1),
        names: resolver::questions(clock).0,
        tls: link::tls_config(),
        readers: Box::new(Threads),
        answers: bounded(1).1,
        start_callers: Box::new(|_| Err(std::io::ErrorKind::OutOfMemory.into())),
        memory: Box::new(ProcessMemory::default),
        http: Box::new(|_| Vec::new()),
        journal: Arc::default(),
        reload,
    };
    let registry = frame.registry.clone();
    (frame.complete(&config, hands).unwrap(), registry)
}

/// How many books recovery wants once it has heard that the first one needs a first state.
fn wanting_after_a_need(Assembly { mut recovery, posts, .. }: Assembly) -> usize {
    let (book, connection, generation) = (BookId(0), ConnectionId(0), Generation(1));
    posts[0].place.recovery.try_send(Told::Need { book, connection, generation, need: Need::First }).unwrap();
    let told = recovery.told.try_recv().unwrap();
    assert!(recovery.turn(Some(Input::Told(told))), "nobody said to stop");
    recovery.planner.wanting()
}

/// That there is a connection, and what a book of it needs, come by two inboxes. A recovery thread that was late and
/// looked into the second first forgot the need: the book stayed stale until its connection was made anew (I12).
#[test]
fn a_need_is_kept_though_its_connection_is_still_to_be_heard_of() {
    assert_eq!(wanting_after_a_need(assembly()), 1);
}

/// A worker behind its queue asked for a book that a reload had taken away. Nobody knew how to fetch it, so every try of it
/// failed at once, and the breaker of its venue stayed open for all the others (I12).
#[test]
fn a_need_of_a_dismissed_book_is_nobodys() {
    let assembly = assembly();
    let change = Notice::Change {
        connections_removed: Vec::new(),
        books_removed: vec![BookId(0)],
        books_added: Vec::new(),
        connections: Vec::new(),
    };
    assembly.notices.try_send(change).unwrap();
    assert_eq!(wanting_after_a_need(assembly), 0);
}

/// Channels have the capacity that the configuration of the start asked for. One with thousands more was followed, and the
/// first crowded moment would have taken a full queue for a worker that had ended.
#[test]
fn a_reload_with_more_than_there_is_room_for_changes_nothing() {
    // One book at the start, and 256 more.
    for (wanted, then) in [(258, 1), (257, 257)] {
        let symbols: Vec<String> = (0..wanted).map(|n| format!("COIN{n}USDT")).collect();
        let (mut assembly, registry) = assembly_with(Some(Box::new(move || Ok(config(&symbols)))));
        assembly.supervisor.event(Event::Reload);
        assert_eq!(registry.books().len(), then);
    }
}
