//! The planner: puts the wants of all books in order and pays for them one by one.

use std::collections::BTreeMap;
use std::time::Duration;

use self::audits::Audits;
use crate::engine::breaker::{BreakerState, Pass};
use crate::engine::id::{BookId, ConnectionId, Generation};
use crate::engine::ledger::Ledger;
use crate::engine::need::{Joined, Need};
use crate::engine::random::Random;
use crate::engine::recovery::gate::Gate;
use crate::engine::recovery::means::means;
use crate::engine::recovery::want::{Book, Want};
use crate::engine::recovery::{Action, Counts, RESTART_MESSAGES, RestCounts, Ticket, VenueRules};
use crate::engine::resume::Budgets;
use crate::engine::time::Mono;
use crate::venue::Verdict;

/// A restart waits so long for other books of its connection: two messages then serve them all.
const COALESCE: Duration = Duration::from_millis(200);

/// A book counts as read for so long after it was; pages poll every few seconds.
const INTEREST: Duration = Duration::from_secs(60);

/// How much longer others wait than one that asked at the same time: an order of urgency in which nobody starves,
/// because whoever waits long enough comes before any newcomer.
const UNREAD_HANDICAP: Duration = Duration::from_secs(60);
const SERVED_HANDICAP: Duration = Duration::from_secs(10);

/// A connection of the configuration.
#[derive(Clone, Debug)]
struct Line {
    venue: usize,
    books: usize,
    /// This life and those before it are over.
    over: Option<Generation>,
    /// But for this one, whose successor it was.
    survivor: Option<Generation>,
    /// This one is about to be: a reconnect was ordered.
    ending: Option<Generation>,
    /// The ledger has no control messages for it before this.
    control_at: Mono,
    /// No further [`crate::engine::recovery::Why::NoOtherWay`] before this.
    reconnect_at: Mono,
}

#[derive(Clone, Debug)]
struct Call {
    book: BookId,
    connection: ConnectionId,
    generation: Generation,
    venue: usize,
    pass: Pass,
    sent: Mono,
    /// A restart made its answer worthless.
    superseded: bool,
    /// Made to compare, and not to repair.
    audit: bool,
}

/// See the module page.
#[derive(Clone, Debug)]
pub struct Planner {
    gates: Vec<Gate>,
    lines: BTreeMap<ConnectionId, Line>,
    books: BTreeMap<BookId, Book>,
    read_until: BTreeMap<BookId, Mono>,
    calls: BTreeMap<Ticket, Call>,
    tickets: u64,
    random: Random,
    counts: Counts,
    audits: Vec<Audits>,
}

impl Planner {
    /// `connections`: each with the index of its venue and the number of books it carries.
    ///
    /// # Panics
    /// When a venue restarts books in-band but its control budget never allows the two messages of one.
    pub fn new(
        venues: Vec<VenueRules>,
        connections: Vec<(ConnectionId, usize, usize)>,
        seed: u64,
    ) -> Planner {
        for rules in &venues {
            let enough = rules.profile.control.refill.burst >= RESTART_MESSAGES;
            assert!(
                enough || !rules.profile.in_band_restart,
                "{}: no budget for a restart",
                rules.profile.name
            );
        }
        let mut planner = Planner {
            audits: venues.iter().map(Audits::new).collect(),
            gates: venues.into_iter().map(Gate::new).collect(),
            lines: BTreeMap::new(),
            books: BTreeMap::new(),
            read_until: BTreeMap::new(),
            calls: BTreeMap::new(),
            tickets: 0,
            random: Random::new(seed),
            counts: Counts::default(),
        };
        for (connection, venue, books) in connections {
            planner.carry(connection, venue, books);
        }
        planner
    }

    /// What is left of each venue's REST, to be gone on with after a restart.
    pub fn state(&mut self, now: Mono, into: &mut Budgets) {
        for gate in &mut self.gates {
            let name = gate.rules().profile.name;
            gate.state(now, into.entry(name.to_owned()).or_default());
        }
    }

    /// Goes on with what was left so long ago.
    pub fn resume(&mut self, now: Mono, was: &Budgets, elapsed: Duration) {
        for gate in &mut self.gates {
            if let Some(was) = was.get(gate.rules().profile.name) {
                gate.resume(now, was, elapsed);
            }
        }
    }

    /// A connection that the configuration adds later, or that carries another number of books from here on. `venue` is
    /// an index into the venues given at the start.
    pub fn carry(&mut self, connection: ConnectionId, venue: usize, books: usize) {
        assert!(venue < self.gates.len(), "a connection belongs to a known venue");
        let (control_at, reconnect_at) = (Mono::ZERO, Mono::ZERO);
        let (over, survivor, ending) = (None, None, None);
        let new = Line { venue, books, over, survivor, ending, control_at, reconnect_at };
        self.lines.entry(connection).and_modify(|line| line.books = books).or_insert(new);
    }

    /// A book that the configuration no longer has. A call of its in flight is still to be answered.
    pub fn forget(&mut self, book: BookId) {
        self.books.remove(&book);
        self.read_until.remove(&book);
    }

    /// A connection that the configuration no longer has. Its calls in flight are still to be answered.
    pub fn remove_connection(&mut self, connection: ConnectionId) {
        self.lines.remove(&connection);
        let gone = |book: &Book| book.connection == connection;
        self.read_until.retain(|id, _| !self.books.get(id).is_some_and(gone));
        self.books.retain(|_, book| !gone(book));
    }

    /// A book says what it needs. Level-triggered and idempotent; what a dead life still says is not heard.
    pub fn need(
        &mut self,
        now: Mono,
        book: BookId,
        connection: ConnectionId,
        generation: Generation,
        need: Need,
    ) {
        let Some(line) = self.lines.get(&connection) else { return };
        if line.is_over(generation) {
            return;
        }
        let rules = self.gates[line.venue].rules();
        let book = self.books.entry(book).or_insert_with(|| Book::new(connection, generation));
        if generation < book.generation && !line.is_over(book.generation) {
            return;
        }
        if (book.connection, book.generation) != (connection, generation) {
            (book.connection, book.generation, book.want) = (connection, generation, None);
        }
        book.needs(now, need, means(rules.profile, need), metered(rules));
    }

    /// Somebody reads this book: it goes first for a while.
    pub fn interest(&mut self, now: Mono, book: BookId) {
        self.read_until.insert(book, now.after(INTEREST));
    }

    /// A life of a connection is over, and all that its books wanted. Calls in flight count until they are answered.
    /// `survivor`: an older life that goes on, where it was to be that one's successor.
    pub fn connection_down(
        &mut self,
        _now: Mono,
        connection: ConnectionId,
        generation: Generation,
        survivor: Option<Generation>,
    ) {
        if let Some(line) = self.lines.get_mut(&connection) {
            line.over = line.over.max(Some(generation));
            line.survivor = survivor.or(line.survivor).filter(|survivor| *survivor != generation);
        }
    }

    /// A call came back. A timeout and a body that cannot be read are [`Verdict::Failed`].
    ///
    /// Tells whose book it is, or `None` when nobody wants it any more: the body is then dropped.
    pub fn answered(
        &mut self,
        now: Mono,
        ticket: Ticket,
        verdict: Verdict,
        used: Option<u32>,
        http_status: Option<u16>,
    ) -> Option<(BookId, ConnectionId, Generation)> {
        let call = self.calls.remove(&ticket)?;
        if call.audit {
            return self.audit_answered(now, &call, verdict, used, http_status);
        }
        let gate = &mut self.gates[call.venue];
        gate.answered(now, call.pass, call.sent, &verdict, used, &mut self.random);
        gate.count(&verdict, http_status);
        let metered = metered(gate.rules());
        let book = self.books.get_mut(&call.book)?;
        if book.call == Some(ticket) {
            book.call = None;
        }
        let runs = self.lines.get(&call.connection).is_some_and(|line| !line.is_over(call.generation));
        if !runs || book.generation != call.generation {
            return None;
        }
        let want = book.want.as_mut()?;
        want.answered(now, &verdict, metered, &mut self.random);
        (want.fetches() && !call.superseded).then_some((call.book, call.connection, call.generation))
    }

    /// What became of the snapshot in its book.
    pub fn joined(&mut self, now: Mono, book: BookId, generation: Generation, joined: Joined) {
        match joined {
            Joined::Live => self.counts.joined_live += 1,
            Joined::Partial => self.counts.joined_partial += 1,
            Joined::TooOld => self.counts.joined_too_old += 1,
            Joined::Unusable => self.counts.joined_unusable += 1,
            Joined::NotNeeded => {}
        }
        let Some(book) = self.books.get_mut(&book).filter(|book| book.generation == generation) else {
            return;
        };
        let Some(line) = self.lines.get(&book.connection) else { return };
        book.joined(now, joined, metered(self.gates[line.venue].rules()), &mut self.random);
    }

    /// The next thing to do, already paid for. Call until `None`. One ledger a venue, in the order of the venues.
    pub fn next(&mut self, now: Mono, ledgers: &mut [Ledger]) -> Option<Action> {
        assert_eq!(ledgers.len(), self.gates.len(), "one ledger a venue");
        // First the stream: a reconnect makes fetches pointless, and a restart brings more than they do.
        self.next_in_band(now, ledgers).or_else(|| self.next_fetch(now)).or_else(|| self.next_audit(now))
    }

    /// When [`Planner::next`] will have something at the latest, if nothing happens before.
    pub fn deadline(&self) -> Mono {
        let ready: Vec<Mono> = self.gates.iter().map(Gate::ready_at).collect();
        let mut deadline = self.audits_at().into_iter().fold(Mono::NEVER, Mono::min);
        for (_, book, want, line) in self.wants() {
            if let Some(due) = want.fetch_at().filter(|_| book.call.is_none()) {
                deadline = deadline.min(due.max(ready[line.venue]));
            }
            if let Some(due) = want.restart_at() {
                let at = match self.gates[line.venue].rules().profile.in_band_restart {
                    true => due.after(COALESCE).max(line.control_at),
                    false => due.max(line.reconnect_at),
                };
                deadline = deadline.min(at);
            }
        }
        deadline
    }

    /// When each want there is will have been tried once more, and one that comes now at the earliest, if nothing happens
    /// before. How long a recovery may take depends on it.
    pub fn tried_by(&self) -> Mono {
        let ready = |venue: usize| Some(self.gates[venue].ready_at()).filter(|at| *at != Mono::NEVER);
        // What a venue says of our use may empty a bucket for longer than our own calls did.
        let paid = (0..self.gates.len()).filter_map(ready).fold(Mono::ZERO, Mono::max);
        self.wants().fold(paid, |latest, (_, _, want, line)| {
            let fetch = want.fetch_at().map(|due| due.max(ready(line.venue).unwrap_or(Mono::ZERO)));
            let restart = want.restart_at().map(|due| due.after(COALESCE).max(line.control_at));
            latest.max(fetch.unwrap_or(Mono::ZERO)).max(restart.unwrap_or(Mono::ZERO))
        })
    }

    pub fn breaker_state(&self, venue: usize) -> BreakerState {
        self.gates[venue].breaker_state()
    }

    /// How long the breaker will be open if the call that is out fails.
    pub fn breaker_opens_for(&self, venue: usize) -> Duration {
        self.gates[venue].breaker_opens_for()
    }

    pub fn in_flight(&self, venue: usize) -> usize {
        self.gates[venue].in_flight()
    }

    pub fn in_flight_peak(&self, venue: usize) -> usize {
        self.gates[venue].in_flight_peak()
    }

    /// No call to this venue before this, because it said so.
    pub fn pause_until(&self, venue: usize) -> Mono {
        self.gates[venue].pause_until()
    }

    pub fn rest_counts(&self, venue: usize) -> &RestCounts {
        self.gates[venue].counts()
    }

    pub const fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Books that want something at present.
    pub fn wanting(&self) -> usize {
        self.wants().count()
    }

    /// Every want of a life that is not over.
    fn wants(&self) -> impl Iterator<Item = (BookId, &Book, &Want, &Line)> {
        self.books.iter().filter_map(|(&id, book)| {
            let line = self.lines.get(&book.connection)?;
            let want = book.want.as_ref()?;
            (!line.is_over(book.generation)).then_some((id, book, want, line))
        })
    }

    /// The fetch whose turn it is, at a venue that may be called now.
    fn next_fetch(&mut self, now: Mono) -> Option<Action> {
        let ready: Vec<bool> = self.gates.iter().map(|gate| gate.ready_at() <= now).collect();
        let (_, id) = self
            .wants()
            .filter(|(_, book, want, line)| {
                ready[line.venue] && book.call.is_none() && want.fetch_at().is_some_and(|at| at <= now)
            })
            .map(|(id, _, want, _)| (self.turn(now, id, want), id))
            .min()?;
        let book = self.books.get_mut(&id)?;
        let (connection, generation) = (book.connection, book.generation);
        let venue = self.lines.get(&connection)?.venue;
        let pass = self.gates[venue].enter(now)?;
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        book.call = Some(ticket);
        let call = Call {
            book: id,
            connection,
            generation,
            venue,
            pass,
            sent: now,
            superseded: false,
            audit: false,
        };
        self.calls.insert(ticket, call);
        self.counts.fetches += 1;
        Some(Action::Fetch { ticket, book: id, connection, generation })
    }

    /// Whoever has the smallest goes first.
    fn turn(&self, now: Mono, id: BookId, want: &Want) -> Mono {
        let read = self.read_until.get(&id).is_some_and(|&until| now < until);
        let served = matches!(want.need, Need::Complete | Need::Refresh);
        let unread = if read { Duration::ZERO } else { UNREAD_HANDICAP };
        want.since.after(unread).after(if served { SERVED_HANDICAP } else { Duration::ZERO })
    }
}

impl Line {
    /// Nothing of this life is repaired any more. Two may run at once: one, and the one that takes over from it.
    fn is_over(&self, generation: Generation) -> bool {
        self.ending == Some(generation)
            || (self.over >= Some(generation) && self.survivor != Some(generation))
    }
}

/// The venue counts calls or messages by the day: patience pays.
fn metered(rules: &VenueRules) -> bool {
    rules.rest.daily.is_some() || rules.profile.control.daily.is_some()
}

mod audits;
mod in_band;
#[cfg(test)]
mod tests;
