//! The recovery thread: does what the planner says, and tells it what came of it.
//!
//! It owns the planner and waits on what workers need, on answers, and on the planner's next deadline. Calls are made by
//! its [`callers`]; restarts go to the readers; reconnects to the supervisor.

pub mod callers;

use crate::config::Secret;
use crate::engine::id::{BookId, ConnectionId, Generation};
use crate::engine::ledger::Ledger;
use crate::engine::need::Joined;
use crate::engine::recovery::{Action, Planner, Ticket};
use crate::engine::time::Mono;
use crate::shell::beat::Beat;
use crate::shell::clock::Clock;
use crate::shell::count::{FeedCounters, RecoveryCounters};
use crate::shell::event::Event;
use crate::shell::journal::Journal;
use crate::shell::port::{Command, Ports};
use crate::shell::sync::channel::{Receiver, Sender, select};
use crate::shell::sync::{Arc, Mutex, PoisonError};
use crate::shell::worker::{Side, Told};
use crate::venue::{Venue, Verdict};
use callers::{Answered, Call, Callers};
use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

pub const STACK_BYTES: usize = 256 * 1024;
/// The longest wait, and so how often an idle recovery thread says that it lives.
const BEAT_EVERY: Duration = Duration::from_secs(2);

/// What the supervisor and readers of books say.
pub enum Notice {
    /// A life of a connection is over: nothing of it is repaired any more. `survivor`: the older life that goes on.
    Down {
        connection: ConnectionId,
        generation: Generation,
        survivor: Option<Generation>,
    },
    /// Somebody reads this book.
    Interest {
        book: BookId,
    },
    /// The configuration changed. `connections` are all there are: each with its venue and how many books it carries.
    Change {
        connections_removed: Vec<ConnectionId>,
        books_removed: Vec<BookId>,
        books_added: Vec<BookFacts>,
        connections: Vec<(ConnectionId, usize, usize)>,
    },
    Stop,
}

/// One book, as far as repairing goes.
pub struct BookFacts {
    pub id: BookId,
    pub venue: Arc<dyn Venue>,
    pub venue_index: usize,
    pub counters: Arc<FeedCounters>,
    pub rest_url: String,
    pub symbol: String,
    pub key: Option<Secret>,
    pub worker: usize,
}

/// Starts the callers of a venue.
pub type StartCallers = Box<dyn Fn(usize) -> io::Result<Callers> + Send>;

pub struct Recovery {
    pub planner: Planner,
    pub ledgers: Arc<Mutex<Vec<Ledger>>>,
    pub journal: Arc<Journal>,
    pub books: BTreeMap<BookId, BookFacts>,
    /// By venue; started when the first call is made.
    pub callers: Vec<Option<Callers>>,
    pub start_callers: StartCallers,
    pub workers: Vec<Sender<Side>>,
    pub ports: Arc<Ports>,
    pub told: Receiver<Told>,
    pub answers: Receiver<Answered>,
    pub notices: Receiver<Notice>,
    pub events: Sender<Event>,
    pub counters: Arc<RecoveryCounters>,
    pub beat: Arc<Beat>,
    pub clock: Clock,
}

/// What the recovery thread waits for.
pub enum Input {
    Notice(Notice),
    Answer(Answered),
    Told(Told),
}

impl Recovery {
    /// Runs until told to stop, or until the supervisor or every worker has dropped its end.
    pub fn run(mut self) {
        loop {
            let wait = self.deadline().since(self.clock.mono());
            let input = select! {
                recv(self.notices) -> notice => match notice {
                    Err(_) | Ok(Notice::Stop) => return,
                    Ok(notice) => Some(Input::Notice(notice)),
                },
                recv(self.answers) -> answer => answer.ok().map(Input::Answer),
                recv(self.told) -> told => match told {
                    // Every worker is gone, and with them whatever could be repaired: no wait would wait any more.
                    Err(_) => return,
                    Ok(told) => Some(Input::Told(told)),
                },
                default(wait) => None,
            };
            if !self.turn(input) {
                return;
            }
        }
    }

    /// Takes what came, if anything did, and does what is due. False once it was told to stop.
    pub fn turn(&mut self, input: Option<Input>) -> bool {
        let mut goes_on = true;
        let mut told = Vec::new();
        match input {
            None => {}
            Some(Input::Notice(notice)) => goes_on = self.notice(notice),
            Some(Input::Answer(answer)) => self.answered(answer),
            Some(Input::Told(first)) => told.push(first),
        }
        // Everything that is there before acting once: a burst of gaps is one decision.
        while let Ok(more) = self.told.try_recv() {
            told.push(more);
        }
        // Taken after what workers told and heeded before it: a need of a connection that nobody has spoken of yet
        // would be forgotten, and its worker does not say it twice.
        while let Ok(notice) = self.notices.try_recv() {
            goes_on &= self.notice(notice);
        }
        told.into_iter().for_each(|told| self.told(told));
        self.act();
        let now = self.clock.mono();
        self.beat.mark(now);
        self.counters.observe(&self.planner, self.callers.len());
        goes_on
    }

    /// When the next turn is due though nothing comes.
    pub fn deadline(&self) -> Mono {
        self.planner.deadline().min(self.clock.mono().after(BEAT_EVERY))
    }

    /// False when it says to stop.
    fn notice(&mut self, notice: Notice) -> bool {
        let now = self.clock.mono();
        match notice {
            Notice::Down { connection, generation, survivor } => {
                self.planner.connection_down(now, connection, generation, survivor)
            }
            Notice::Interest { book } => self.planner.interest(now, book),
            Notice::Change { connections_removed, books_removed, books_added, connections } => {
                connections_removed.iter().for_each(|c| self.planner.remove_connection(*c));
                for book in books_removed {
                    self.planner.forget(book);
                    self.books.remove(&book);
                }
                self.books.extend(books_added.into_iter().map(|facts| (facts.id, facts)));
                connections.into_iter().for_each(|(c, venue, books)| self.planner.carry(c, venue, books));
            }
            Notice::Stop => return false,
        }
        true
    }

    fn told(&mut self, told: Told) {
        let now = self.clock.mono();
        match told {
            Told::Need { book, connection, generation, need } => {
                // Its worker has yet to hear that it was dismissed: nobody could be asked for it, and each try would
                // count as the venue's failure. A book that is new is known before its stream begins.
                if self.books.contains_key(&book) {
                    self.planner.need(now, book, connection, generation, need);
                }
            }
            Told::Joined { book, generation, joined } => {
                self.planner.joined(now, book, generation, joined);
            }
        }
    }

    fn answered(&mut self, answer: Answered) {
        let now = self.clock.mono();
        let audit = self.planner.is_audit(answer.ticket);
        let asked = self.planner.answered(now, answer.ticket, answer.verdict, answer.used, answer.status);
        // A cancelled call was counted against its budget all the same; its body is nobody's.
        let Some((book, _, generation)) = asked else { return };
        let Some(facts) = self.books.get(&book) else { return };
        self.counters.answered();
        facts.counters.rest.add(answer.status);
        if let Some(trouble) = &answer.trouble {
            facts.counters.no_snapshot(&answer.symbol, trouble, now);
        }
        let Some(snapshot) = answer.snapshot else { return };
        let worker = self.workers.get(facts.worker);
        let (asked, snapshot) = (answer.asked, Box::new(snapshot));
        if audit {
            // A full inbox is no loss: there will be another one.
            let _ = worker.map(|w| w.try_send(Side::Compare { book, generation, asked, snapshot }));
            return;
        }
        let request = Side::Snapshot { book, generation, asked, snapshot };
        if worker.is_none_or(|w| w.try_send(request).is_err()) {
            self.planner.joined(now, book, generation, Joined::Unusable);
        }
    }

    fn act(&mut self) {
        loop {
            let now = self.clock.mono();
            let action = {
                let mut ledgers = self.ledgers.lock().unwrap_or_else(PoisonError::into_inner);
                self.planner.next(now, &mut ledgers)
            };
            match action {
                None => return,
                Some(Action::Fetch { ticket, book, .. }) => self.fetch(now, ticket, book),
                Some(Action::Audit { ticket, book, generation, .. }) => {
                    // Before the call, so that nothing the answer may lack is missing from what is kept.
                    let worker = self.books.get(&book).and_then(|facts| self.workers.get(facts.worker));
                    let _ = worker.map(|w| w.try_send(Side::Expect { book, generation, asked: now }));
                    self.fetch(now, ticket, book)
                }
                Some(Action::Restart { generation, books, .. }) => {
                    self.counters.restarts.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    // A connection that is gone meanwhile cancels its repairs by itself.
                    if let Some(port) = self.ports.get(generation) {
                        port.command(Command::Restart { books });
                    }
                }
                Some(Action::Reconnect { connection, generation, .. }) => {
                    let _ = self.events.try_send(Event::Reconnect { connection, generation });
                }
            }
        }
    }

    fn fetch(&mut self, now: Mono, ticket: Ticket, book: BookId) {
        self.note();
        let call = self.books.get(&book).and_then(|facts| {
            let key = facts.key.as_ref().map(|key| key.reveal());
            Some(Call {
                ticket,
                asked: now,
                venue: facts.venue.clone(),
                symbol: facts.symbol.clone(),
                request: facts.venue.snapshot_request(&facts.rest_url, &facts.symbol, key)?,
            })
        });
        let venue = self.books.get(&book).map(|facts| facts.venue_index);
        let sent = match (call, venue) {
            (Some(call), Some(venue)) => {
                self.callers(venue).is_some_and(|callers| callers.call(call).is_ok())
            }
            _ => false,
        };
        if !sent {
            // The planner's count of calls in flight keeps callers from being busy; a call that cannot be made failed.
            self.planner.answered(now, ticket, Verdict::Failed, None, None);
        }
    }

    /// Writes down what is left of REST everywhere.
    fn note(&mut self) {
        let (now, planner) = (self.clock.stamp(), &mut self.planner);
        self.journal.change(now.wall, |budgets| planner.state(now.mono, budgets));
    }

    fn callers(&mut self, venue: usize) -> Option<&Callers> {
        let place = self.callers.get_mut(venue)?;
        if place.is_none() {
            match (self.start_callers)(venue) {
                Ok(callers) => *place = Some(callers),
                Err(e) => log::error!("cannot start REST callers: {e}"),
            }
        }
        place.as_ref()
    }
}
