//! The newest of what a symbol's stream brought, up to a bound.

use std::collections::VecDeque;

/// A ring that takes its room when the first entry comes, and no more of it ever.
#[derive(Debug)]
pub struct Tape<T> {
    ring: VecDeque<T>,
    max: usize,
}

impl<T: Copy> Tape<T> {
    /// One of so many entries; none of them is kept where that is 0.
    pub const fn new(max: usize) -> Tape<T> {
        Tape { ring: VecDeque::new(), max }
    }

    /// Takes an entry, and forgets the oldest where there is no room.
    pub fn push(&mut self, entry: T) {
        if self.max == 0 {
            return;
        }
        if self.ring.len() == self.max {
            self.ring.pop_front();
        }
        if self.ring.capacity() == 0 {
            self.ring.reserve_exact(self.max);
        }
        self.ring.push_back(entry);
    }

    /// Newest last, at most `limit`.
    pub fn newest(&self, limit: usize) -> Vec<T> {
        self.ring.iter().skip(self.ring.len().saturating_sub(limit)).copied().collect()
    }

    pub fn newest_first(&self) -> impl Iterator<Item = &T> {
        self.ring.iter().rev()
    }

    /// Forgets everything and gives its memory back.
    pub fn shed(&mut self) {
        self.ring = VecDeque::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_are_kept_in_the_room_that_was_asked_for() {
        let mut tape = Tape::new(3);
        assert_eq!(tape.ring.capacity(), 0, "nothing before the first");
        (1..=5).for_each(|n| tape.push(n));
        assert_eq!((tape.newest(9), tape.newest(2), tape.newest(0)), (vec![3, 4, 5], vec![4, 5], vec![]));
        assert_eq!(tape.ring.capacity(), 3);
        tape.shed();
        assert_eq!((tape.newest(9), tape.ring.capacity()), (vec![], 0));
        let mut none = Tape::new(0);
        none.push(1);
        assert_eq!((none.newest(9), none.ring.capacity()), (vec![], 0));
    }
}
