//! A small seeded generator for jitter: the same seed gives the same waits, in the daemon and in the simulator.
//!
//! SplitMix64: one word of state, good enough to spread retries, and nothing else is asked of it. Never for secrets.

use std::time::Duration;

/// A stream of numbers that its seed decides.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    pub const fn new(seed: u64) -> Random {
        Random(seed)
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number in `0..=most`.
    pub fn up_to(&mut self, most: u64) -> u64 {
        // The high word of a product spreads evenly enough: the bias is below `most / 2^64`.
        ((u128::from(self.bits()) * (u128::from(most) + 1)) >> 64) as u64
    }

    /// A wait in `0..=most`, to the nanosecond.
    pub fn wait_up_to(&mut self, most: Duration) -> Duration {
        Duration::from_nanos(self.up_to(u64::try_from(most.as_nanos()).unwrap_or(u64::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_decides_the_stream_and_bounds_hold() {
        let (mut a, mut b, mut c) = (Random::new(7), Random::new(7), Random::new(8));
        let stream: Vec<u64> = (0..50).map(|_| a.bits()).collect();
        assert_eq!(stream, (0..50).map(|_| b.bits()).collect::<Vec<_>>());
        assert_ne!(stream, (0..50).map(|_| c.bits()).collect::<Vec<_>>());
        let mut seen = [0u32; 4];
        for _ in 0..4_000 {
            seen[a.up_to(3) as usize] += 1;
        }
        assert!(seen.iter().all(|&n| (850..1_150).contains(&n)), "{seen:?}");
        assert_eq!(a.up_to(0), 0);
        a.up_to(u64::MAX);
        assert_eq!(a.wait_up_to(Duration::ZERO), Duration::ZERO);
        assert!(a.wait_up_to(Duration::from_secs(1)) <= Duration::from_secs(1));
    }
}
