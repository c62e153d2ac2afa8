//! A connection as its books see it: which of its lives are heard. Two at most, the second to take over from the first.

use crate::engine::id::Generation;
use crate::shell::count::FeedCounters;
use std::sync::Arc;

/// What a life's messages are worth.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Standing {
    Current,
    /// It is to take over from the current life.
    Successor,
    /// It was fenced, or there has been a later one.
    Over,
}

#[derive(Clone, Default)]
pub(super) struct Line {
    current: Option<Generation>,
    successor: Option<Generation>,
    /// The newest generation whose fence has passed.
    fenced: Option<Generation>,
    /// The successor is subscribed: what it has not brought yet may take a while.
    pub settling: bool,
    /// It was said that the successor carries all there is to carry.
    pub carried: bool,
    pub counters: Option<Arc<FeedCounters>>,
}

impl Line {
    /// Where a life stands; a new one begins here. `beside`: the life it was opened beside.
    pub fn hear(&mut self, generation: Generation, beside: Option<Generation>) -> Standing {
        let known = Some(generation);
        if self.current == known {
            return Standing::Current;
        }
        if self.successor == known {
            return Standing::Successor;
        }
        if self.fenced >= known || self.current > known {
            return Standing::Over;
        }
        (self.settling, self.carried) = (false, false);
        if self.current.is_some() && beside == self.current {
            self.successor = known;
            return Standing::Successor;
        }
        (self.current, self.successor) = (known, None);
        Standing::Current
    }

    /// A life is over. Gives the one that goes on with its books, if it had any of them and there is one.
    pub fn fence(&mut self, generation: Generation) -> Ended {
        self.fenced = self.fenced.max(Some(generation));
        if self.successor == Some(generation) {
            self.successor = None;
            return Ended::To(self.current);
        }
        if self.current == Some(generation) {
            self.current = self.successor.take();
            return Ended::To(self.current);
        }
        Ended::Unheard
    }

    pub fn current(&self) -> Option<Generation> {
        self.current
    }

    pub fn successor(&self) -> Option<Generation> {
        self.successor
    }

    /// The life whose books one is that was opened by `opened`.
    pub fn of(&self, opened: Option<Generation>) -> Option<Generation> {
        opened.filter(|_| opened == self.current || opened == self.successor).or(self.current)
    }
}

/// What a fence means to the books.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Ended {
    /// Nothing of that life was heard here.
    Unheard,
    /// Its books are this life's from here on; nobody's, if there is none.
    To(Option<Generation>),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn g(n: u64) -> Generation {
        Generation(n)
    }

    #[test]
    fn one_life_follows_another() {
        let mut line = Line::default();
        assert_eq!(line.hear(g(1), None), Standing::Current);
        assert_eq!(line.fence(g(1)), Ended::To(None));
        assert_eq!((line.hear(g(1), None), line.of(Some(g(1)))), (Standing::Over, None));
        assert_eq!(line.fence(g(2)), Ended::Unheard, "a life that never spoke");
        assert_eq!(line.hear(g(2), None), Standing::Over);
        assert_eq!(line.hear(g(3), Some(g(1))), Standing::Current, "the other is gone already");
        assert_eq!(line.hear(g(4), None), Standing::Current, "a fence that got lost");
        assert_eq!(line.hear(g(3), None), Standing::Over);
    }

    #[test]
    fn a_successor_is_heard_beside_the_current_life_and_either_may_end_first() {
        let mut line = Line::default();
        line.hear(g(1), None);
        assert_eq!(line.hear(g(2), Some(g(1))), Standing::Successor);
        assert_eq!(line.hear(g(1), None), Standing::Current);
        let mut failed = line.clone();
        assert_eq!(line.fence(g(1)), Ended::To(Some(g(2))));
        assert_eq!((line.hear(g(2), Some(g(1))), line.hear(g(1), None)), (Standing::Current, Standing::Over));
        assert_eq!(failed.fence(g(2)), Ended::To(Some(g(1))));
        assert_eq!(
            (failed.hear(g(2), Some(g(1))), failed.hear(g(1), None)),
            (Standing::Over, Standing::Current)
        );
        assert_eq!(failed.hear(g(3), Some(g(1))), Standing::Successor);
        assert_eq!(
            (failed.of(Some(g(3))), failed.of(Some(g(2))), failed.of(None)),
            (Some(g(3)), Some(g(1)), Some(g(1)))
        );
    }
}
