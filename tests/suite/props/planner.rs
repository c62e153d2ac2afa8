//! The planner under random needs, answers and losses: budgets hold in every window, and once all is well all is served.

use std::collections::BTreeMap;
use std::time::Duration;

use depthd::engine::id::{BookId, ConnectionId, Generation};
use depthd::engine::ledger::Ledger;
use depthd::engine::need::{Joined, Need};
use depthd::engine::random::Random;
use depthd::engine::recovery::{Action, Planner, Ticket, VenueRules};
use depthd::engine::state::StaleReason;
use depthd::engine::time::Mono;
use depthd::venue::Verdict;
use depthd::venue::profile::{
    ControlBudget, FirstBook, Profile, Refill, RestBudget, RestJoin, RestartCost, SequenceRule,
};
use proptest::prelude::*;

use super::budgets::window_law_holds;

const BOOKS: u32 = 24;
const CONNECTIONS: u16 = 4;
const GAP: Need = Need::Repair(StaleReason::Gap);

const fn refill(burst: u32, per_window: u32, seconds: u64) -> Refill {
    Refill { burst, per_window, window: Duration::from_secs(seconds) }
}

static BY_REST: Profile = Profile {
    name: "by_rest",
    url: "ws://localhost",
    rest_url: "http://localhost",
    needs_key: false,
    channels: &[],
    default_channels: &[],
    sequence: SequenceRule::Range,
    first_book: FirstBook::Rest,
    rest_join: RestJoin::BySequence,
    snapshots_compare: false,
    in_band_restart: false,
    restart_cost: RestartCost::Together,
    snapshot_within: None,
    book_within: None,
    stream_depth: None,
    checksum: None,
    connection_count: None,
    quote_shares_book_sequence: false,
    crossed_is_fault: true,
    rest: RestBudget { refill: refill(600, 600, 60), daily: None, snapshot_cost: 50 },
    control: ControlBudget { refill: refill(2, 2, 1), daily: None },
    connects: refill(10, 10, 10),
    symbols_per_connection: 200,
    address: depthd::venue::profile::AddressLimits::NONE,
    connection_age_max: None,
    handover: false,
    ack_within: None,
    heartbeat: None,
    ping_every: None,
};

static IN_BAND: Profile = Profile {
    name: "in_band",
    sequence: SequenceRule::Dense,
    first_book: FirstBook::InBand,
    rest_join: RestJoin::ByTime,
    snapshots_compare: false,
    in_band_restart: true,
    rest: RestBudget { refill: refill(2, 2, 1), daily: Some(1_000), snapshot_cost: 1 },
    control: ControlBudget { refill: refill(4, 4, 10), daily: Some(1_000) },
    ..BY_REST
};

/// Books, connections and a REST venue, as simple as they can be.
struct World {
    planner: Planner,
    ledgers: Vec<Ledger>,
    profile: &'static Profile,
    random: Random,
    now: Mono,
    lives: u64,
    generations: BTreeMap<ConnectionId, Generation>,
    needs: BTreeMap<BookId, Need>,
    calls: BTreeMap<Ticket, (Mono, BookId)>,
    rest_log: Vec<(Mono, u32)>,
    control_log: Vec<(Mono, u32)>,
    audits: u64,
    /// Faults still happen.
    rough: bool,
}

fn line_of(book: BookId) -> ConnectionId {
    ConnectionId((book.0 % u32::from(CONNECTIONS)) as u16)
}

impl World {
    fn new(profile: &'static Profile, seed: u64) -> World {
        let rules = VenueRules {
            profile,
            rest: profile.rest,
            max_concurrent: 2,
            breaker_failures: 5,
            breaker_open: Duration::from_secs(30),
        };
        let books = (BOOKS / u32::from(CONNECTIONS)) as usize;
        let connections = (0..CONNECTIONS).map(|c| (ConnectionId(c), 0, books)).collect();
        let mut world = World {
            planner: Planner::new(vec![rules], connections, seed),
            ledgers: vec![Ledger::new(profile, Mono::ZERO)],
            profile,
            random: Random::new(seed ^ 1),
            now: Mono::ZERO,
            lives: 0,
            generations: BTreeMap::new(),
            needs: BTreeMap::new(),
            calls: BTreeMap::new(),
            rest_log: Vec::new(),
            control_log: Vec::new(),
            audits: 0,
            rough: true,
        };
        for c in 0..CONNECTIONS {
            world.reconnect(ConnectionId(c));
        }
        world
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.random.up_to(99) < percent
    }

    fn say(&mut self, book: BookId, need: Need) {
        self.needs.insert(book, need);
        let line = line_of(book);
        self.planner.need(self.now, book, line, self.generations[&line], need);
    }

    fn reconnect(&mut self, line: ConnectionId) {
        if let Some(&old) = self.generations.get(&line) {
            self.planner.connection_down(self.now, line, old, None);
        }
        self.lives += 1;
        self.generations.insert(line, Generation(self.lives));
        for book in (0..BOOKS).map(BookId).filter(|&b| line_of(b) == line) {
            // In-band, the first snapshot comes by itself; here it is there at once.
            let need = if self.profile.first_book == FirstBook::Rest { Need::First } else { Need::Nothing };
            self.say(book, need);
        }
    }

    /// Something happens to a book or a connection.
    fn fault(&mut self) {
        let book = BookId(self.random.up_to(u64::from(BOOKS) - 1) as u32);
        match self.random.up_to(19) {
            0 => self.reconnect(line_of(book)),
            1..=3 => self.planner.interest(self.now, book),
            _ => self.say(book, GAP),
        }
    }

    fn answer_due(&mut self) {
        let due: Vec<Ticket> =
            self.calls.iter().filter(|(_, (at, _))| *at <= self.now).map(|(&ticket, _)| ticket).collect();
        for ticket in due {
            let (_, book) = self.calls.remove(&ticket).expect("just listed");
            let verdict = match self.random.up_to(99) {
                0..30 if self.rough => Verdict::Failed,
                30..34 if self.rough => Verdict::Throttled { wait: Some(Duration::from_secs(3)) },
                34..36 if self.rough => Verdict::NoData,
                _ => Verdict::Good,
            };
            let good = verdict == Verdict::Good;
            let audit = self.planner.is_audit(ticket);
            let wanted = self.planner.answered(self.now, ticket, verdict, None, good.then_some(200));
            let Some((of, line, generation)) = wanted.filter(|_| good) else { continue };
            assert_eq!(
                (of, generation),
                (book, self.generations[&line]),
                "an answer of a dead life is refused"
            );
            if audit {
                assert_eq!(self.needs[&book], Need::Audit, "a book that broke is not compared");
                continue;
            }
            if self.rough && self.chance(20) {
                self.planner.joined(self.now, book, generation, Joined::TooOld);
                continue;
            }
            let by_time = self.profile.rest_join == RestJoin::ByTime;
            let joined = if by_time { Joined::Partial } else { Joined::Live };
            self.planner.joined(self.now, book, generation, joined);
            self.say(book, if by_time { Need::Complete } else { Need::Audit });
        }
    }

    fn act(&mut self) {
        while let Some(action) = self.planner.next(self.now, &mut self.ledgers) {
            match action {
                Action::Fetch { ticket, book, connection, generation } => {
                    assert_eq!(self.generations[&connection], generation);
                    assert_ne!(self.needs[&book], Need::Nothing, "nobody wants it");
                    assert!(!matches!(self.needs[&book], Need::Audit), "nobody wants it");
                    let of_book = |t: &Ticket| self.calls[t].1 == book && !self.planner.is_audit(*t);
                    assert!(!self.calls.keys().any(of_book), "one call a book");
                    self.rest_log.push((self.now, self.profile.rest.snapshot_cost));
                    let took = Duration::from_millis(20 + self.random.up_to(1_500));
                    self.calls.insert(ticket, (self.now.after(took), book));
                    assert!(self.calls.len() <= 2, "places in flight");
                    assert_eq!(self.planner.in_flight(0), self.calls.len());
                }
                Action::Audit { ticket, book, connection, generation } => {
                    self.audit(ticket, book, connection, generation)
                }
                Action::Restart { connection, generation, books } => {
                    assert_eq!(self.generations[&connection], generation);
                    assert!(
                        books.len() < (BOOKS / u32::from(CONNECTIONS)) as usize,
                        "the scope is not emptied"
                    );
                    self.control_log.push((self.now, 2));
                    for book in books {
                        let lost = self.rough && self.chance(30);
                        self.say(book, if lost { GAP } else { Need::Nothing });
                    }
                }
                Action::Reconnect { connection, generation, .. } => {
                    assert_eq!(self.generations[&connection], generation);
                    self.reconnect(connection);
                }
            }
        }
        assert!(self.planner.deadline() > self.now, "once everything due is done, the deadline is ahead");
    }

    /// One that nobody needs goes out while nothing else does, and leaves half of a burst and a place.
    fn audit(&mut self, ticket: Ticket, book: BookId, connection: ConnectionId, generation: Generation) {
        assert_eq!(self.generations[&connection], generation);
        assert_eq!(self.needs[&book], Need::Audit);
        assert!(self.calls.is_empty(), "beside another call");
        let patient = |need: &Need| matches!(need, Need::Audit | Need::Nothing);
        assert!(self.rough || self.needs.values().all(patient), "before a repair: {:?}", self.needs);
        let burst_left = self.profile.rest.refill.burst - self.profile.rest.snapshot_cost;
        let mut after = self.planner.clone();
        let fetched = std::iter::from_fn(|| {
            // Every other book breaks in this instant: one goes at once.
            for (&other, _) in self.needs.iter().filter(|(other, _)| **other != book) {
                let line = line_of(other);
                after.need(self.now, other, line, self.generations[&line], GAP);
            }
            after.next(self.now, &mut self.ledgers.clone())
        });
        assert!(fetched.take(1).all(|action| matches!(action, Action::Fetch { .. })), "a repair waits");
        assert!(burst_left >= self.profile.rest.refill.burst / 2);
        self.audits += 1;
        self.rest_log.push((self.now, self.profile.rest.snapshot_cost));
        let took = Duration::from_millis(20 + self.random.up_to(1_500));
        self.calls.insert(ticket, (self.now.after(took), book));
    }

    /// The next instant at which anything happens by itself.
    fn next_instant(&self) -> Mono {
        self.calls.values().map(|(at, _)| *at).fold(self.planner.deadline(), Mono::min)
    }
}

fn run(profile: &'static Profile, seed: u64) {
    let mut w = World::new(profile, seed);
    let calm_at = Mono::ZERO.after(Duration::from_secs(120));
    while w.now < calm_at {
        w.fault();
        w.act();
        let pause = Duration::from_millis(w.random.up_to(1_000));
        w.now = w.next_instant().min(w.now.after(pause)).max(w.now);
        w.answer_due();
        w.act();
    }
    w.rough = false;
    // A breaker that reopened, a slow retry and a doubled suspicion may all still run: half an hour covers them.
    let patience = w.now.after(Duration::from_secs(1_800));
    while w.needs.values().any(|need| !matches!(need, Need::Nothing | Need::Audit)) {
        let next = w.next_instant();
        assert!(
            next != Mono::NEVER,
            "seed {seed}: something is wanted and nothing will happen: {:?}",
            w.needs
        );
        w.now = w.now.max(next);
        assert!(w.now < patience, "seed {seed}: not served in half an hour: {:?}", w.needs);
        w.answer_due();
        w.act();
    }
    assert_eq!(w.planner.wanting(), 0);
    let law = |log: &[(Mono, u32)], r: Refill| window_law_holds(log, r.burst, r.per_window, r.window);
    assert!(law(&w.rest_log, profile.rest.refill), "seed {seed}: REST");
    assert!(law(&w.control_log, profile.control.refill), "seed {seed}: control");
    assert!(!w.rest_log.is_empty(), "something was fetched");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn budgets_hold_and_everything_is_served_over_rest(seed in any::<u64>()) {
        run(&BY_REST, seed);
    }

    #[test]
    fn budgets_hold_and_everything_is_served_in_band(seed in any::<u64>()) {
        run(&IN_BAND, seed);
    }
}
