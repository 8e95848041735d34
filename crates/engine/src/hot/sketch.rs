//! Space-Saving (Metwally, Agrawal, El Abbadi: Efficient Computation of Frequent and Top-k Elements in Data Streams,
//! ICDT 2005), with weights: a fixed number of counters, of which a key that none is about takes over the smallest,
//! with what that has counted as its error. So a key with more than one in [`HOT_KEYS`] of all work has a counter,
//! and what a counter says is too much by its error at most, and never too little.

use compact_str::CompactString;
use xxhash_rust::xxh3::xxh3_64;

use crate::limits::{HOT_HALVE_MS, HOT_KEYS};

/// The keys of a partition that make most work.
#[derive(Debug, Default)]
pub(crate) struct Sketch {
    /// The hash of each counter's key, in the same order: what a search goes through.
    hashes: Vec<u64>,
    counters: Vec<Counted>,
    all_work: u64,
    /// Since when what is counted here is counted, in effect: halving counters halves that time too.
    since_ms: u64,
    halved_at_ms: u64,
}

/// What is counted of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Counted {
    /// The place of the domain.
    pub(crate) domain: usize,
    pub(crate) key: CompactString,
    /// At most so much work.
    pub(crate) work: u64,
    /// By how much that may be too much.
    pub(crate) error: u64,
    /// Requests since the key has this counter.
    pub(crate) requests: u64,
}

/// What a sketch says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Of which keys, most work first.
    pub(crate) keys: Vec<Counted>,
    /// All work, about whatever key.
    pub(crate) all_work: u64,
    /// In so many milliseconds.
    pub(crate) span_ms: u64,
}

impl Sketch {
    pub(crate) fn new(now_ms: u64) -> Self {
        Self {
            since_ms: now_ms,
            halved_at_ms: now_ms,
            ..Self::default()
        }
    }

    /// A request about a key makes so much work.
    pub(crate) fn count(&mut self, (domain, key): (usize, &str), work: u64, now_ms: u64) {
        self.age(now_ms);
        let hash = xxh3_64(key.as_bytes());
        self.all_work += work;
        let at = self.find(domain, key, hash).unwrap_or_else(|| {
            let fresh = Counted {
                domain,
                key: CompactString::new(key),
                work: 0,
                error: 0,
                requests: 0,
            };
            self.take_counter(fresh, hash)
        });
        let counter = &mut self.counters[at];
        counter.work += work;
        counter.requests += 1;
    }

    fn find(&self, domain: usize, key: &str, hash: u64) -> Option<usize> {
        let mut hashes = self.hashes.iter().enumerate();
        hashes.find_map(|(at, found)| {
            let counter = &self.counters[at];
            (*found == hash && counter.domain == domain && counter.key == key).then_some(at)
        })
    }

    /// Gives a key a counter, the smallest if all are taken.
    fn take_counter(&mut self, fresh: Counted, hash: u64) -> usize {
        if self.counters.len() < HOT_KEYS {
            self.counters.push(fresh);
            self.hashes.push(hash);
            return self.counters.len() - 1;
        }
        let counters = self.counters.iter().enumerate();
        let smallest = counters.min_by_key(|(_, counter)| counter.work);
        let (at, smallest) = smallest.expect("because there are as many as may be");
        let error = smallest.work;
        self.hashes[at] = hash;
        self.counters[at] = Counted {
            work: error,
            error,
            ..fresh
        };
        at
    }

    /// Halves everything for each period that is over.
    fn age(&mut self, now_ms: u64) {
        let periods = now_ms.saturating_sub(self.halved_at_ms) / HOT_HALVE_MS;
        let halvings = periods.min(u64::BITS.into()); // Nothing is left then.
        (0..halvings).for_each(|_| self.halve());
        let rest_ms = (periods - halvings) * HOT_HALVE_MS;
        self.halved_at_ms += rest_ms;
        self.since_ms += rest_ms;
    }

    fn halve(&mut self) {
        for counter in &mut self.counters {
            counter.work /= 2;
            counter.error /= 2;
            counter.requests /= 2;
        }
        self.all_work /= 2;
        self.halved_at_ms += HOT_HALVE_MS;
        let span_ms = self.halved_at_ms - self.since_ms;
        self.since_ms = self.halved_at_ms - span_ms / 2;
        self.forget_nothing();
    }

    /// Drops counters that say nothing any more.
    fn forget_nothing(&mut self) {
        let says_something = self.counters.iter().map(|counter| counter.work > 0);
        let mut kept = says_something.collect::<Vec<_>>().into_iter();
        self.hashes.retain(|_| kept.next().unwrap_or_default());
        self.counters.retain(|counter| counter.work > 0);
    }

    pub(crate) fn counts(&mut self, now_ms: u64) -> Counts {
        self.age(now_ms);
        let mut keys = self.counters.clone();
        keys.sort_by_key(|counter| std::cmp::Reverse(counter.work));
        Counts {
            keys,
            all_work: self.all_work,
            span_ms: now_ms.saturating_sub(self.since_ms),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::random::Random;

    fn count(sketch: &mut Sketch, key: &str, work: u64, now_ms: u64) {
        sketch.count((1, key), work, now_ms);
    }

    /// A stream of which some keys make much; what each has really made, beside the sketch.
    fn counted(seed: u64) -> (Sketch, BTreeMap<String, u64>) {
        let mut random = Random::new(seed);
        let (mut sketch, mut made) = (Sketch::new(0), BTreeMap::new());
        for _ in 0..20_000 {
            let hot = random.below(4) == 0;
            let key = format!("k{}", random.below(if hot { 5 } else { 3_000 }));
            let work = 1 + random.below(100);
            count(&mut sketch, &key, work, 0);
            *made.entry(key).or_default() += work;
        }
        (sketch, made)
    }

    #[test]
    fn counter_is_too_much_by_its_error_at_most_and_never_too_little() {
        for seed in 0..20 {
            let (mut sketch, made) = counted(seed);
            let counts = sketch.counts(0);
            assert_eq!(counts.keys.len(), HOT_KEYS);
            assert_eq!(counts.all_work, made.values().sum::<u64>());
            for Counted {
                key, work, error, ..
            } in counts.keys
            {
                let made = made[key.as_str()];
                assert!(
                    (made..=made + error).contains(&work),
                    "{key}: {work} of {made}"
                );
            }
        }
    }

    #[test]
    fn every_key_that_makes_more_than_its_part_of_all_work_has_a_counter() {
        for seed in 0..20 {
            let (mut sketch, made) = counted(seed);
            let counts = sketch.counts(0);
            let many = counts.all_work / HOT_KEYS as u64;
            let hot: Vec<_> = made.iter().filter(|(_, work)| **work > many).collect();
            assert_eq!(hot.len(), 5, "the stream has hot keys");
            for (key, _) in hot {
                assert!(counts.keys.iter().any(|of| of.key == key), "{key}");
            }
        }
    }

    #[test]
    fn what_is_long_past_counts_less_and_then_nothing_and_the_span_with_it() {
        let mut sketch = Sketch::new(0);
        (0..1_000).for_each(|_| count(&mut sketch, "a", 8, 10));
        let counts = sketch.counts(HOT_HALVE_MS);
        assert_eq!((counts.all_work, counts.keys[0].requests), (4_000, 500));
        assert_eq!(
            counts.span_ms,
            HOT_HALVE_MS / 2,
            "as many a second as before"
        );
        (0..500).for_each(|_| count(&mut sketch, "a", 8, HOT_HALVE_MS + 10));
        let counts = sketch.counts(2 * HOT_HALVE_MS);
        assert_eq!(
            (counts.keys[0].requests, counts.span_ms),
            (500, HOT_HALVE_MS * 3 / 4)
        );
        let counts = sketch.counts(100 * HOT_HALVE_MS);
        assert_eq!((counts.keys, counts.all_work), (Vec::new(), 0));
    }
}
