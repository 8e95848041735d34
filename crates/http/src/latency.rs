//! How long requests took, by the name of each: what `/metrics` shows as a histogram.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds of its buckets, in microseconds: six to a decade, so that a quantile that is read off them is
/// within a quarter of the true one. What took longer is counted with the last bucket, which has none.
pub(crate) const BOUNDS_US: [u64; 31] = {
    const STEPS: [u64; 6] = [10, 15, 20, 30, 50, 70];
    let mut bounds = [0; 31];
    let (mut at, mut decade) = (0, 10);
    while at < bounds.len() {
        bounds[at] = STEPS[at % STEPS.len()] * decade;
        at += 1;
        if at % STEPS.len() == 0 {
            decade *= 10;
        }
    }
    bounds
};

/// The answers of one request.
#[derive(Default)]
pub(crate) struct Latency {
    buckets: [AtomicU64; BOUNDS_US.len() + 1],
    sum_us: AtomicU64,
}

/// What was counted of it.
pub(crate) struct Figures {
    /// Of each bound how many took no longer; and of them all.
    pub(crate) within: [u64; BOUNDS_US.len() + 1],
    pub(crate) sum_us: u64,
}

impl Latency {
    pub(crate) fn count(&self, took: Duration) {
        let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = BOUNDS_US.partition_point(|bound_us| *bound_us < took_us);
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        self.sum_us.fetch_add(took_us, Ordering::Relaxed);
    }

    /// `None` if there was no answer yet.
    pub(crate) fn figures(&self) -> Option<Figures> {
        let mut within = [0; BOUNDS_US.len() + 1];
        let mut sum = 0;
        for (within, bucket) in within.iter_mut().zip(&self.buckets) {
            sum += bucket.load(Ordering::Relaxed);
            *within = sum;
        }
        let sum_us = self.sum_us.load(Ordering::Relaxed);
        (sum > 0).then_some(Figures { within, sum_us })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_rise_from_a_tenth_of_a_millisecond_to_ten_seconds() {
        assert_eq!(BOUNDS_US[0], 100);
        assert_eq!(BOUNDS_US[BOUNDS_US.len() - 1], 10_000_000);
        assert!(BOUNDS_US.is_sorted());
    }

    #[test]
    fn an_answer_is_counted_within_every_bound_that_it_kept() {
        let latency = Latency::default();
        assert!(latency.figures().is_none());
        for took_us in [100, 101, 60_000_000] {
            latency.count(Duration::from_micros(took_us));
        }
        let figures = latency.figures().expect("it has answers");
        assert_eq!(figures.within[..2], [1, 2]);
        assert_eq!(figures.within[BOUNDS_US.len() - 1..], [2, 3]);
        assert_eq!(figures.sum_us, 60_000_201);
    }
}
