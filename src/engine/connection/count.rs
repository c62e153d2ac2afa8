//! The count over all frames of one connection, where a venue has one: a hole in it is everybody's.

/// Where a frame stands in the count.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    Next,
    /// It came before.
    Old,
    /// Frames from `expected` on are missing.
    Missing {
        expected: u64,
    },
}

/// See the module page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Count {
    next: u64,
}

impl Count {
    /// A count whose first number is `first`.
    pub const fn from(first: u64) -> Count {
        Count { next: first }
    }

    /// Takes a frame's number. After a hole the count goes on from there.
    pub fn take(&mut self, number: u64) -> Place {
        let expected = self.next;
        if number < expected {
            return Place::Old;
        }
        self.next = number.saturating_add(1);
        if number == expected { Place::Next } else { Place::Missing { expected } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors of the Bitfinex dossier (V3) and the Coinbase dossier (V5).
    #[test]
    fn a_hole_shows_and_the_count_goes_on_behind_it() {
        let mut count = Count::from(18);
        assert_eq!([18, 19, 20, 21].map(|n| count.take(n)), [Place::Next; 4]);
        let mut count = Count::from(18);
        assert_eq!([18, 19].map(|n| count.take(n)), [Place::Next; 2]);
        assert_eq!(count.take(21), Place::Missing { expected: 20 });
        assert_eq!((count.take(20), count.take(22)), (Place::Old, Place::Next));
        let mut count = Count::from(0);
        assert_eq!([0, 1, 2].map(|n| count.take(n)), [Place::Next; 3]);
        let mut count = Count::from(0);
        assert_eq!((count.take(0), count.take(2)), (Place::Next, Place::Missing { expected: 1 }));
        assert_eq!(count.take(u64::MAX), Place::Missing { expected: 3 });
        assert_eq!(count.take(u64::MAX), Place::Next, "there are no more numbers, and nothing breaks");
    }
}
