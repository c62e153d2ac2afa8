//! Snapshots that no book needs, to compare live books with: the planner's lowest concern.
//!
//! An audit goes out only while its venue is at rest: nothing is wanted that a call may help, none is in flight, the
//! breaker is closed and the bucket nearly full. So whatever breaks while it is out finds a place and most of a burst.
//! Its failure says nothing to the breaker, because a repair might have fared better, and a book that was not compared
//! waits for its next turn like one that was.

use super::{Call, Planner};
use crate::engine::id::{BookId, ConnectionId, Generation};
use crate::engine::recovery::{Action, Ticket, VenueRules};
use crate::engine::time::Mono;
use crate::venue::Verdict;
use std::time::Duration;

/// Audits of one venue are this far apart at least: 200 books are each checked within three and a half hours, and a book
/// alone once a minute. Half as long would double what is spent for the sake of differences that nobody has seen yet;
/// twice as long would leave the last of 200 books unchecked for most of a working day.
const EVERY: Duration = Duration::from_secs(60);

/// The share of a venue's rate that audits take at most is one in so many: a budget that was made small stays for repairs.
const SHARE: u32 = 20;

/// How much older a book that is read counts: it is checked three times as often, and no other waits for ever.
const READ_WEIGHT: u128 = 3;

/// The audits of one venue.
#[derive(Clone, Debug)]
pub(super) struct Audits {
    every: Duration,
    due: Mono,
}

impl Audits {
    pub fn new(rules: &VenueRules) -> Audits {
        let refill = rules.rest.refill;
        let cost = rules.rest.snapshot_cost.max(1);
        // A rate of nothing is never called on.
        let each = refill.window.saturating_mul(cost) / refill.per_window.max(1);
        // Not at once: a book that has just begun was made of a snapshot.
        let every = EVERY.max(each.saturating_mul(SHARE));
        Audits { every, due: Mono::ZERO.after(every) }
    }
}

impl Planner {
    /// True when this call was made to compare: its body is for [`crate::engine::sync::BookSync::compare`].
    pub fn is_audit(&self, ticket: Ticket) -> bool {
        self.calls.get(&ticket).is_some_and(|call| call.audit)
    }

    /// Of each venue when an audit is due, if nothing happens before.
    pub(super) fn audits_at(&self) -> Vec<Mono> {
        let mut at = vec![Mono::NEVER; self.gates.len()];
        for (_, venue, _) in self.auditable() {
            at[venue] = self.audits[venue].due.max(self.gates[venue].spare_at());
        }
        // One that the venue has nothing for would keep all others from being checked.
        for (_, _, _, line) in self.wants().filter(|(_, _, want, _)| !want.is_hopeless()) {
            at[line.venue] = Mono::NEVER;
        }
        at
    }

    /// The audit whose turn it is: of the book that was looked at longest ago, those that are read first.
    pub(super) fn next_audit(&mut self, now: Mono) -> Option<Action> {
        let venue = self.audits_at().iter().position(|at| *at <= now)?;
        let age = |id: BookId, looked: Mono| {
            let read = self.read_until.get(&id).is_some_and(|&until| now < until);
            now.since(looked).as_nanos() * if read { READ_WEIGHT } else { 1 }
        };
        let of_venue = self.auditable().filter(|(_, of, _)| *of == venue);
        let oldest_first =
            |(id, _, looked): &(BookId, usize, Mono)| (std::cmp::Reverse(age(*id, *looked)), *id);
        let (id, _, _) = of_venue.min_by_key(oldest_first)?;
        let pass = self.gates[venue].enter(now)?;
        let book = self.books.get_mut(&id)?;
        book.looked_at = Some(now);
        let (connection, generation) = (book.connection, book.generation);
        self.audits[venue].due = now.after(self.audits[venue].every);
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        let (sent, superseded, audit) = (now, false, true);
        let call = Call { book: id, connection, generation, venue, pass, sent, superseded, audit };
        self.calls.insert(ticket, call);
        self.counts.audits += 1;
        Some(Action::Audit { ticket, book: id, connection, generation })
    }

    /// An audit came back. Tells whose it is while the book is still the one that was to be compared.
    pub(super) fn audit_answered(
        &mut self,
        now: Mono,
        call: &Call,
        verdict: Verdict,
        used: Option<u32>,
        http_status: Option<u16>,
    ) -> Option<(BookId, ConnectionId, Generation)> {
        let gate = &mut self.gates[call.venue];
        gate.count(&verdict, http_status);
        let good = verdict == Verdict::Good;
        let told = if verdict == Verdict::Failed { Verdict::Refused } else { verdict };
        gate.answered(now, call.pass, call.sent, &told, used, &mut self.random);
        let book = self.books.get(&call.book)?;
        let current = !self.lines.get(&call.connection)?.is_over(call.generation);
        let same = current && book.generation == call.generation && book.looked_at == Some(call.sent);
        (good && same).then_some((call.book, call.connection, call.generation))
    }

    /// Every live book that can be compared, with its venue and when it was last looked at, or became live.
    fn auditable(&self) -> impl Iterator<Item = (BookId, usize, Mono)> {
        self.books.iter().filter_map(|(&id, book)| {
            let line = self.lines.get(&book.connection)?;
            let live = book.want.is_none() && !line.is_over(book.generation);
            book.looked_at.filter(|_| live).map(|looked| (id, line.venue, looked))
        })
    }
}
