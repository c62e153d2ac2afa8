//! The recovery planner under any needs, answers and losses: the venue's budget holds in every window (I8).

use crate::budgets::window_law;
use crate::input::Input;
use depthd::engine::id::{BookId, ConnectionId, Generation};
use depthd::engine::ledger::Ledger;
use depthd::engine::need::{Joined, Need};
use depthd::engine::recovery::{Action, Planner, Ticket, VenueRules};
use depthd::engine::state::StaleReason;
use depthd::engine::time::Mono;
use depthd::venue::Verdict;
use depthd::venue::binance::PROFILE as BINANCE;
use depthd::venue::coinapi::PROFILE as COINAPI;
use depthd::venue::profile::{Profile, Refill, RestBudget};
use std::collections::BTreeMap;
use std::time::Duration;

const BOOKS: u32 = 8;
const CONNECTIONS: u16 = 2;
const DAY: Duration = Duration::from_secs(86_400);

struct World {
    planner: Planner,
    ledgers: Vec<Ledger>,
    profile: &'static Profile,
    budget: RestBudget,
    in_flight_max: usize,
    now: Mono,
    lives: u64,
    generations: BTreeMap<ConnectionId, Generation>,
    needs: BTreeMap<BookId, Need>,
    calls: Vec<(Ticket, BookId, Generation)>,
    /// No call before this: the venue said so.
    quiet_until: Mono,
    spent: Vec<(Mono, u32)>,
    control: Vec<(Mono, u32)>,
}

pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let flags = input.byte();
    let profile = if flags & 1 == 0 { &BINANCE } else { &COINAPI };
    let budget = RestBudget {
        refill: Refill {
            burst: profile.rest.snapshot_cost * (u32::from(flags >> 4) + 1),
            per_window: u32::from(input.byte()) + 1,
            window: Duration::from_millis(u64::from(input.short()) + 1),
        },
        daily: (flags & 2 == 2).then(|| profile.rest.snapshot_cost * (u32::from(input.byte()) + 1)),
        snapshot_cost: profile.rest.snapshot_cost,
    };
    let mut world = World::new(profile, budget, usize::from(flags >> 2 & 3) + 1, input.long());
    for line in 0..CONNECTIONS {
        world.reconnect(ConnectionId(line));
    }
    for _ in 0..192 {
        if input.is_over() {
            break;
        }
        world.step(&mut input);
        world.act(&mut input);
    }
    world.laws();
}

impl World {
    fn new(profile: &'static Profile, budget: RestBudget, in_flight_max: usize, seed: u64) -> World {
        let rules = VenueRules {
            profile,
            rest: budget,
            max_concurrent: in_flight_max,
            breaker_failures: 3,
            breaker_open: Duration::from_secs(30),
        };
        let books = (BOOKS / u32::from(CONNECTIONS)) as usize;
        let connections = (0..CONNECTIONS).map(|c| (ConnectionId(c), 0, books)).collect();
        World {
            planner: Planner::new(vec![rules], connections, seed),
            ledgers: vec![Ledger::new(profile, Mono::ZERO)],
            profile,
            budget,
            in_flight_max,
            now: Mono::ZERO,
            lives: 0,
            generations: BTreeMap::new(),
            needs: BTreeMap::new(),
            calls: Vec::new(),
            quiet_until: Mono::ZERO,
            spent: Vec::new(),
            control: Vec::new(),
        }
    }

    fn line(book: BookId) -> ConnectionId {
        ConnectionId((book.0 % u32::from(CONNECTIONS)) as u16)
    }

    fn say(&mut self, book: BookId, need: Need) {
        let line = World::line(book);
        self.needs.insert(book, need);
        self.planner.need(self.now, book, line, self.generations[&line], need);
    }

    fn reconnect(&mut self, line: ConnectionId) {
        if let Some(&old) = self.generations.get(&line) {
            self.planner.connection_down(self.now, line, old, None);
        }
        self.lives += 1;
        self.generations.insert(line, Generation(self.lives));
        for book in (0..BOOKS).map(BookId).filter(|book| World::line(*book) == line) {
            self.say(book, Need::First);
        }
    }

    fn step(&mut self, input: &mut Input<'_>) {
        let book = BookId(u32::from(input.byte()) % BOOKS);
        match input.up_to(15) {
            0..2 => self.now = self.now.after(Duration::from_millis(u64::from(input.short()))),
            2..5 if self.planner.deadline() != Mono::NEVER => {
                self.now = self.now.max(self.planner.deadline())
            }
            2..5 => self.now = self.now.after(Duration::from_secs(u64::from(input.short()))),
            5..7 => {
                let reason =
                    [StaleReason::Gap, StaleReason::Overflow, StaleReason::Silent, StaleReason::Decode];
                self.say(book, Need::Repair(reason[usize::from(input.up_to(3))]));
            }
            7 => self.say(
                book,
                [Need::Nothing, Need::Complete, Need::Refresh, Need::Audit][usize::from(input.up_to(3))],
            ),
            8 => self.planner.interest(self.now, book),
            9 => self.reconnect(World::line(book)),
            10 => {
                // The word of a life that is over is not heard.
                let (line, old) = (World::line(book), Generation(0));
                let wanting = self.planner.wanting();
                self.planner.need(self.now, book, line, old, Need::Repair(StaleReason::Gap));
                assert_eq!(self.planner.wanting(), wanting, "I4");
            }
            _ => self.answer(input),
        }
    }

    fn answer(&mut self, input: &mut Input<'_>) {
        if self.calls.is_empty() {
            return;
        }
        let (ticket, book, generation) = self.calls.swap_remove(usize::from(input.byte()) % self.calls.len());
        let wait = input.one_in(2).then(|| Duration::from_secs(u64::from(input.byte())));
        let verdict = match input.up_to(9) {
            0 => Verdict::Throttled { wait },
            1 => Verdict::Banned { wait },
            2 => Verdict::NoData,
            3 => Verdict::Refused,
            4 => Verdict::Denied,
            5..7 => Verdict::Failed,
            _ => Verdict::Good,
        };
        if let Verdict::Throttled { .. } | Verdict::Banned { .. } = verdict {
            self.quiet_until = self.quiet_until.max(self.now.after(wait.unwrap_or_default()));
        }
        let good = verdict == Verdict::Good;
        let used = input.one_in(4).then(|| u32::from(input.short()));
        let wanted = self.planner.answered(self.now, ticket, verdict, used, good.then_some(200));
        if let Some((of, line, current)) = wanted {
            assert_eq!((of, current), (book, generation), "an answer to another question");
            assert_eq!(self.generations[&line], current, "I4: a snapshot for a life that is over");
            if good {
                let joined =
                    [Joined::Live, Joined::Partial, Joined::TooOld, Joined::Unusable, Joined::NotNeeded];
                let joined = joined[usize::from(input.up_to(4))];
                self.planner.joined(self.now, book, generation, joined);
                if joined == Joined::Live {
                    self.say(book, Need::Nothing);
                }
            }
        }
    }

    fn act(&mut self, input: &mut Input<'_>) {
        while let Some(action) = self.planner.next(self.now, &mut self.ledgers) {
            match action {
                Action::Fetch { ticket, book, connection, generation } => {
                    assert_eq!(self.generations[&connection], generation, "I4");
                    assert_ne!(self.needs[&book], Need::Nothing, "nobody wants it");
                    assert!(self.now >= self.quiet_until, "the venue asked for quiet");
                    let repairs = |t: &Ticket| !self.planner.is_audit(*t);
                    let of_book = |(t, other, _): &(Ticket, BookId, Generation)| *other == book && repairs(t);
                    assert!(!self.calls.iter().any(of_book), "two calls for one book");
                    self.calls.push((ticket, book, generation));
                    assert!(self.calls.len() <= self.in_flight_max, "I8: in flight");
                    assert_eq!(self.planner.in_flight(0), self.calls.len());
                    self.spent.push((self.now, self.budget.snapshot_cost));
                }
                Action::Audit { ticket, book, connection, generation } => {
                    assert_eq!(self.generations[&connection], generation, "I4");
                    assert_eq!(self.needs[&book], Need::Audit, "it is not live");
                    assert!(self.now >= self.quiet_until, "the venue asked for quiet");
                    assert!(self.calls.is_empty(), "beside another call");
                    self.calls.push((ticket, book, generation));
                    assert!(self.calls.len() < self.in_flight_max, "a place is left");
                    self.spent.push((self.now, self.budget.snapshot_cost));
                }
                Action::Restart { connection, generation, books } => {
                    assert_eq!(self.generations[&connection], generation, "I4");
                    assert!(self.profile.in_band_restart, "a venue that has no restarts");
                    assert!(
                        !books.is_empty() && books.len() < (BOOKS / u32::from(CONNECTIONS)) as usize,
                        "empties the scope"
                    );
                    self.control.push((self.now, 2));
                    for book in books {
                        let need = if input.one_in(2) { Need::Nothing } else { Need::Complete };
                        self.say(book, need);
                    }
                }
                Action::Reconnect { connection, generation, .. } => {
                    assert_eq!(self.generations[&connection], generation, "I4");
                    self.reconnect(connection);
                }
            }
        }
        assert!(self.planner.deadline() > self.now, "once everything due is done, the deadline is ahead");
    }

    fn laws(&self) {
        assert!(window_law(&self.spent, self.budget.refill), "I8: {:?}: {:?}", self.budget, self.spent);
        assert!(window_law(&self.control, self.profile.control.refill), "I8: {:?}", self.control);
        for (log, daily) in [(&self.spent, self.budget.daily), (&self.control, self.profile.control.daily)] {
            let Some(daily) = daily else { continue };
            for (i, (from, _)) in log.iter().enumerate() {
                let in_a_day = log[i..].iter().take_while(|(at, _)| at.since(*from) < DAY);
                assert!(in_a_day.map(|(_, n)| n).sum::<u32>() <= daily, "I8: a day");
            }
        }
    }
}
