//! Seeded random numbers: the same seed gives the same market and the same faults, on every machine.
//!
//! The generator is splitmix64: eight bytes of state, every seed is a good seed, and nothing here needs more.

/// A seeded generator. Never seeded from a clock.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    /// Another generator that shares nothing with this one's later numbers.
    pub fn fork(&mut self, label: u64) -> Random {
        Random(self.next() ^ label.wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    /// 64 fresh bits.
    #[expect(clippy::should_implement_trait, reason = "it never ends, so it is no iterator")]
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number in `0..bound`; 0 when `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    /// A number in `low..=high`.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        let width = high.saturating_sub(low).max(0).unsigned_abs().saturating_add(1);
        low.saturating_add_unsigned(self.below(width))
    }

    /// True in `percent` of 100 draws.
    pub fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// A wait whose mean is 1, as between independent events.
    pub fn exponential(&mut self) -> f64 {
        let uniform = ((self.next() >> 11) + 1) as f64 / (1u64 << 53) as f64;
        -uniform.ln()
    }

    /// An item of a non-empty slice.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        items.get(self.below(items.len() as u64) as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::Random;

    #[test]
    fn draws_repeat_with_the_seed_and_stay_in_range() {
        let (mut a, mut b) = (Random::new(7), Random::new(7));
        let mut sum = 0.0;
        for _ in 0..10_000 {
            assert_eq!(a.next(), b.next());
            assert!((-3..=4).contains(&a.between(-3, 4)));
            let _ = b.between(-3, 4);
            let wait = a.exponential();
            assert!((0.0..50.0).contains(&wait));
            sum += wait;
            let _ = b.exponential();
        }
        assert!((0.95..1.05).contains(&(sum / 10_000.0)), "mean {sum}");
        assert_eq!(Random::new(1).below(0), 0);
        assert_ne!(Random::new(1).fork(1).next(), Random::new(1).fork(2).next());
    }
}
