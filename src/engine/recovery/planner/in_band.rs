//! The planner's half that goes through the stream: restarts of books, and of whole connections.

use super::{COALESCE, Planner};
use crate::engine::id::{BookId, ConnectionId, Generation};
use crate::engine::ledger::Ledger;
use crate::engine::recovery::want::Want;
use crate::engine::recovery::{Action, RESTART_MESSAGES, Why};
use crate::engine::time::Mono;
use crate::venue::profile::{Profile, RestartCost};
use std::collections::BTreeMap;
use std::time::Duration;

/// A connection is replaced for the sake of books that restarts do not help at most this often: it disturbs the others.
pub(super) const RECONNECT_EVERY: Duration = Duration::from_secs(300);

/// Books that one restart of single messages takes: half of what a session has room for.
const RESTARTS_AT_ONCE_MAX: u32 = 16;

impl Planner {
    /// A restart or a reconnect, of the first connection for which one is due.
    pub(super) fn next_in_band(&mut self, now: Mono, ledgers: &mut [Ledger]) -> Option<Action> {
        let mut due: BTreeMap<(ConnectionId, Generation), Vec<BookId>> = BTreeMap::new();
        for (id, book, want, _) in self.wants() {
            if want.restart_at().is_some_and(|at| at <= now) {
                due.entry((book.connection, book.generation)).or_default().push(id);
            }
        }
        due.into_iter().find_map(|(of, books)| self.restart(now, of, books, ledgers))
    }

    /// Decides for one life of a connection, `books` of which are due for a restart.
    fn restart(
        &mut self,
        now: Mono,
        (connection, generation): (ConnectionId, Generation),
        books: Vec<BookId>,
        ledgers: &mut [Ledger],
    ) -> Option<Action> {
        let line = self.lines.get_mut(&connection).expect("wants() gives books of known connections");
        let profile = self.gates[line.venue].rules().profile;
        let in_band = profile.in_band_restart;
        let wants = || books.iter().filter_map(|id| self.books.get(id)?.want.as_ref());
        let last_resort = !in_band || wants().any(Want::restarts_fail);
        // Where snapshots are promised and one burst pays for all of them nothing is cheaper, and the connection stays.
        let affordable = profile.restart_cost == RestartCost::Together
            || books.len() as u64 <= u64::from(most_at_once(profile));
        let in_stream = in_band && !last_resort && profile.snapshot_within.is_some() && affordable;
        let why = if in_stream {
            None
        } else if books.len() >= line.books {
            Some(Why::AllBooks)
        } else if books.len() >= 2 && books.len() > line.books / 2 {
            Some(Why::MostBooks)
        } else if last_resort && now >= line.reconnect_at {
            line.reconnect_at = now.after(RECONNECT_EVERY);
            Some(Why::NoOtherWay)
        } else {
            None
        };
        if let Some(why) = why {
            line.ending = Some(generation);
            self.counts.reconnects += 1;
            return Some(Action::Reconnect { connection, generation, why });
        }
        let first_due = wants().filter_map(Want::restart_at).min()?;
        if !in_band || now < first_due.after(COALESCE) {
            return None;
        }
        let (books, messages) = match profile.restart_cost {
            RestartCost::Together => (books, RESTART_MESSAGES),
            // As many as one burst pays for; the others are next.
            RestartCost::Each => {
                let mut books = books;
                // Who has waited longest goes first: one whose restart is suspected to have failed is due again later.
                books.sort_by_key(|id| self.books.get(id).and_then(|book| book.want.as_ref()?.restart_at()));
                books.truncate(most_at_once(profile) as usize);
                let messages = RESTART_MESSAGES * books.len() as u32;
                (books, messages)
            }
        };
        if let Err(at) = ledgers[line.venue].take_repair(now, messages) {
            line.control_at = at;
            return None;
        }
        for id in &books {
            let Some(book) = self.books.get_mut(id) else { continue };
            if let Some(want) = &mut book.want {
                want.restarted(now, &mut self.random);
            }
            if let Some(call) = book.call.and_then(|ticket| self.calls.get_mut(&ticket)) {
                call.superseded = true;
            }
        }
        self.counts.restarts += 1;
        self.counts.restarted_books += books.len() as u64;
        Some(Action::Restart { connection, generation, books })
    }
}

/// Books that one burst of control messages pays for, where each takes messages of its own.
fn most_at_once(profile: &Profile) -> u32 {
    (profile.control.refill.burst / RESTART_MESSAGES).clamp(1, RESTARTS_AT_ONCE_MAX)
}
