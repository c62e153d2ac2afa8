//! A symbol's pace, learned, and what its silence means.
//!
//! A quiet market says nothing, and a dead stream says nothing either. What tells them apart is the symbol itself: trades and
//! quotes that come change its book, so a book stream that brings nothing meanwhile, for many times longer than it ever
//! rests, is dead. Without such witnesses only a very long silence counts, and what a venue promises.

use crate::engine::time::Mono;
use std::time::Duration;

/// Messages seen before the pace is one: fewer say nothing about the longest rest.
const LEARNED_AFTER: u32 = 64;
/// With witnesses: so many times the longest rest of late, and not less than this. Venues gather changes for up to a second,
/// and a trade outside the book (a block, an auction) must not take a book down.
const WITNESSED_TIMES: u32 = 20;
const WITNESSED_MIN: Duration = Duration::from_secs(5);
const WITNESSES_MIN: u32 = 3;
/// Without: markets do halt for minutes.
const ALONE_TIMES: u32 = 100;
const ALONE_MIN: Duration = Duration::from_secs(600);
/// The longest rest is forgotten by a sixty-fourth with each message: an hour's busy market takes a night's rest over.
const FORGET: u32 = 64;
/// Silences in a row that double the patience: a book whose repair brings no stream is not repaired for ever.
const DOUBLINGS_MAX: u32 = 6;

/// See the module page.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Pace {
    last: Option<Mono>,
    longest: Duration,
    seen: u32,
    /// Trades and quotes since the last book message.
    witnesses: u32,
    /// Silences since the stream last brought something.
    silences: u32,
}

impl Pace {
    /// A message of the book's own stream came.
    pub fn book(&mut self, now: Mono) {
        if let Some(last) = self.last.replace(now) {
            let rest = now.since(last);
            self.longest = rest.max(self.longest - self.longest / FORGET);
            self.seen = self.seen.saturating_add(1);
        }
        (self.witnesses, self.silences) = (0, 0);
    }

    /// A trade or a quote of the symbol came.
    pub fn witness(&mut self) {
        self.witnesses = self.witnesses.saturating_add(1);
    }

    /// The stream broke off: time until the next message is no rest.
    pub fn broken(&mut self) {
        (self.last, self.witnesses) = (None, 0);
    }

    /// Whether a live book has been silent for too long; asked again, not before twice as long. `within`: the venue
    /// promises a message at least so often.
    pub fn is_silent(&mut self, now: Mono, within: Option<Duration>) -> bool {
        let Some(last) = self.last else {
            // Live by a snapshot alone: from here on the stream has to show itself.
            self.last = Some(now);
            return false;
        };
        let limit = self.limit(within).saturating_mul(1 << self.silences.min(DOUBLINGS_MAX));
        let silent = now.since(last) >= limit;
        if silent {
            self.silences = self.silences.saturating_add(1);
            self.broken();
        }
        silent
    }

    fn limit(&self, within: Option<Duration>) -> Duration {
        let learned = match self.seen {
            LEARNED_AFTER.. if self.witnesses >= WITNESSES_MIN => {
                (self.longest * WITNESSED_TIMES).max(WITNESSED_MIN)
            }
            LEARNED_AFTER.. => (self.longest * ALONE_TIMES).max(ALONE_MIN),
            _ => Duration::MAX,
        };
        within.map_or(learned, |within| within.min(learned))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(n: u64) -> Mono {
        Mono::from_nanos(n * 1_000_000)
    }

    /// A book with a message every 100 ms until second 100.
    fn busy() -> Pace {
        let mut pace = Pace::default();
        (0..=1_000).for_each(|n| pace.book(ms(n * 100)));
        pace
    }

    #[test]
    fn a_book_that_rests_while_its_trades_go_on_is_dead() {
        let mut pace = busy();
        (0..3).for_each(|_| pace.witness());
        assert!(!pace.is_silent(ms(104_900), None));
        assert!(pace.is_silent(ms(105_000), None));
        assert!(!pace.is_silent(ms(105_001), None), "said once");
        let mut pace = busy();
        (0..2).for_each(|_| pace.witness());
        assert!(!pace.is_silent(ms(300_000), None), "two trades prove nothing");
    }

    #[test]
    fn a_quiet_market_is_left_alone() {
        let mut pace = busy();
        assert!(!pace.is_silent(ms(699_000), None), "ten minutes without a word of anybody");
        assert!(pace.is_silent(ms(700_000), None));
        let mut slow = Pace::default();
        (0..100).for_each(|n| slow.book(ms(n * 60_000)));
        assert!(!slow.is_silent(ms(100 * 60_000 + 5_000_000), None), "a symbol of one message a minute");
        let mut new = Pace::default();
        new.book(ms(0));
        (0..100).for_each(|_| new.witness());
        assert!(!new.is_silent(ms(10_000_000), None), "nothing is known of its pace yet");
    }

    #[test]
    fn what_a_venue_promises_counts_from_the_start() {
        let within = Some(Duration::from_secs(12));
        let mut pace = Pace::default();
        assert!(!pace.is_silent(ms(0), within), "live by a snapshot, and the clock runs from here");
        assert!(!pace.is_silent(ms(11_999), within));
        assert!(pace.is_silent(ms(12_000), within));
        assert!(!pace.is_silent(ms(12_000), within));
        assert!(!pace.is_silent(ms(35_999), within), "the second time it waits twice as long");
        assert!(pace.is_silent(ms(36_000), within));
        pace.book(ms(40_000));
        assert!(pace.is_silent(ms(52_000), within), "a message ends the doubling");
    }

    #[test]
    fn a_long_rest_is_forgotten_and_a_break_is_none() {
        let mut pace = busy();
        pace.book(ms(200_000));
        (0..1_000).for_each(|n| pace.book(ms(200_100 + n * 100)));
        assert!(pace.longest < Duration::from_millis(200), "{:?}", pace.longest);
        pace.broken();
        pace.book(ms(900_000));
        assert!(pace.longest < Duration::from_millis(200), "the time without a connection is no rest");
    }
}
