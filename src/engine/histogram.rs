//! A histogram of fixed size that any thread may write and any reader may copy, without a lock.
//!
//! Log-linear: eight buckets to a power of two, so a quantile is at most 12.5 % too high and never too low.
//! Every `u64` has its bucket; nothing is clipped. A copy taken while others write may miss their last records.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Buckets to a power of two. Four would be 25 % off; sixteen would pass 4 KiB.
const STEPS: usize = 8;
const STEPS_LOG2: u32 = 3;
/// Values below `STEPS` one by one, then `STEPS` for each of the 61 powers of two from 8 up.
const BUCKETS: usize = STEPS + (u64::BITS - STEPS_LOG2) as usize * STEPS;

/// The writable histogram: 4 KiB, whatever is recorded.
pub struct Histogram {
    buckets: [AtomicU64; BUCKETS],
    sum: AtomicU64,
    max: AtomicU64,
}

const _: () = assert!(size_of::<Histogram>() <= 4096);

impl Default for Histogram {
    fn default() -> Histogram {
        Histogram {
            buckets: [const { AtomicU64::new(0) }; BUCKETS],
            sum: AtomicU64::new(0),
            max: AtomicU64::new(0),
        }
    }
}

impl Histogram {
    pub fn new() -> Histogram {
        Histogram::default()
    }

    /// Counts one value: nanoseconds for times, a plain number for sizes.
    pub fn record(&self, value: u64) {
        self.record_many(value, 1);
    }

    /// Counts one value so many times.
    pub fn record_many(&self, value: u64, times: u64) {
        self.buckets[index(value)].fetch_add(times, Relaxed);
        // 2^64 ns are 584 years of summed time: wrapping is no concern of this process.
        self.sum.fetch_add(value.wrapping_mul(times), Relaxed);
        if self.max.load(Relaxed) < value {
            self.max.fetch_max(value, Relaxed);
        }
    }

    /// A copy for readers.
    pub fn view(&self) -> HistogramView {
        let counts: Vec<u64> = self.buckets.iter().map(|b| b.load(Relaxed)).collect();
        // The count is the sum of what was copied, so that quantiles and totals agree.
        let count = counts.iter().fold(0u64, |n, c| n.saturating_add(*c));
        HistogramView { counts, count, sum: self.sum.load(Relaxed), max: self.max.load(Relaxed) }
    }
}

/// A copy of a [`Histogram`].
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct HistogramView {
    counts: Vec<u64>,
    count: u64,
    sum: u64,
    max: u64,
}

impl HistogramView {
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Of all recorded values, in their own unit.
    pub fn sum(&self) -> u64 {
        self.sum
    }

    /// The largest value ever recorded; exact.
    pub fn max(&self) -> u64 {
        self.max
    }

    /// The value that the part `q` (0 to 1) of all records does not exceed; `None` without records.
    /// At most 12.5 % too high, never too low.
    pub fn quantile(&self, q: f64) -> Option<u64> {
        if self.count == 0 {
            return None;
        }
        let rank = ((q.clamp(0.0, 1.0) * self.count as f64).ceil() as u64).clamp(1, self.count);
        let mut seen = 0u64;
        let at = self.counts.iter().position(|c| {
            seen = seen.saturating_add(*c);
            seen >= rank
        });
        Some(at.map_or(self.max, |i| upper(i).min(self.max)))
    }

    /// How many records are at most `value`. Exact for values below 16 and for any power of two minus one;
    /// otherwise the bucket `value` lies in is left out.
    pub fn count_at_most(&self, value: u64) -> u64 {
        let whole = self.counts.iter().enumerate().take_while(|(i, _)| upper(*i) <= value);
        whole.fold(0, |n, (_, c)| n.saturating_add(*c))
    }
}

/// The bucket of a value.
fn index(value: u64) -> usize {
    if value < STEPS as u64 {
        return value as usize;
    }
    let power = value.ilog2();
    let step = (value >> (power - STEPS_LOG2)) as usize & (STEPS - 1);
    (power - STEPS_LOG2 + 1) as usize * STEPS + step
}

/// The largest value of a bucket.
fn upper(index: usize) -> u64 {
    if index < STEPS {
        return index as u64;
    }
    let shift = (index / STEPS - 1) as u32;
    let first = (STEPS + index % STEPS) as u64;
    // The very last bucket ends at the largest number there is.
    (first << shift) + ((1u64 << shift) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_lies_in_its_bucket_and_buckets_touch() {
        for value in
            (0..4096).chain((0..64).flat_map(|p| [1u64 << p, (1 << p) - 1, (1 << p) | (1 << p >> 1)]))
        {
            let i = index(value);
            assert!(value <= upper(i), "{value}");
            assert!(i == 0 || value > upper(i - 1), "{value}");
        }
        assert_eq!(index(u64::MAX), BUCKETS - 1);
        assert_eq!(upper(BUCKETS - 1), u64::MAX);
    }

    #[test]
    fn quantiles_are_never_too_low_and_hardly_too_high() {
        let h = Histogram::new();
        let mut values: Vec<u64> = (0..10_000u64).map(|i| i * i * 37 % 5_000_000).collect();
        values.iter().for_each(|v| h.record(*v));
        values.sort_unstable();
        let view = h.view();
        for q in [0.0, 0.5, 0.9, 0.99, 0.999, 1.0] {
            let exact = values[((q * 10_000f64).ceil() as usize).clamp(1, 10_000) - 1];
            let got = view.quantile(q).unwrap();
            assert!(got >= exact && got as f64 <= exact as f64 * 1.125 + 1.0, "{q}: {exact} {got}");
        }
        assert_eq!(view.count(), 10_000);
        assert_eq!(view.sum(), values.iter().sum::<u64>());
        assert_eq!(view.max(), *values.last().unwrap());
        assert_eq!(view.count_at_most((1 << 20) - 1), values.iter().filter(|v| **v < 1 << 20).count() as u64);
        assert_eq!(Histogram::new().view().quantile(0.99), None);
    }
}
