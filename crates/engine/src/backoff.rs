//! When something that has failed is tried again.

use xxhash_rust::xxh3::xxh3_64;

/// Rests between tries: twice as long each time, up to a cap, and somewhat less by chance, so that what has failed
/// at once is not tried again at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The longest that the first rest takes, in milliseconds.
    pub min_ms: u64,
    /// The longest that any rest takes, in milliseconds.
    pub max_ms: u64,
}

impl Backoff {
    /// How long to rest after so many tries, from 1 on: between half of the time and all of it. The chance is that of
    /// the number, which names what is tried, and the try, so it comes out the same when it is computed again.
    #[must_use]
    pub fn rest_ms(self, number: u64, tries: u32) -> u64 {
        let doubled = self
            .min_ms
            .saturating_mul(1 << tries.saturating_sub(1).min(16));
        let longest = doubled.min(self.max_ms);
        let chance = xxh3_64(&[number.to_le_bytes(), u64::from(tries).to_le_bytes()].concat());
        longest - chance % (longest / 2).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BACKOFF: Backoff = Backoff {
        min_ms: 500,
        max_ms: 60_000,
    };

    #[test]
    fn rests_grow_to_a_cap_and_differ_from_thing_to_thing() {
        let rests: Vec<_> = (1..20).map(|tries| BACKOFF.rest_ms(7, tries)).collect();
        for (tries, rest) in rests.iter().enumerate() {
            let longest = (BACKOFF.min_ms << tries).min(BACKOFF.max_ms);
            assert!((longest / 2..=longest).contains(rest), "{tries}: {rest}");
        }
        assert_ne!(BACKOFF.rest_ms(7, 5), BACKOFF.rest_ms(8, 5));
        assert_eq!(BACKOFF.rest_ms(7, 5), BACKOFF.rest_ms(7, 5));
    }

    #[test]
    fn the_shortest_and_the_longest_rests_are_rests_too() {
        let least = Backoff {
            min_ms: 1,
            max_ms: 1,
        };
        assert_eq!(least.rest_ms(7, 1), 1);
        let most = Backoff {
            min_ms: u64::MAX,
            max_ms: u64::MAX,
        };
        assert!(most.rest_ms(7, u32::MAX) >= u64::MAX / 2);
    }
}
