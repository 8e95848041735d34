//! When people come: some before the start, a burst at it, and a tail.

use tidegate_engine::Random;

use super::dice::fraction;

/// Of 100 people so many come before the start, and so many within the burst at it.
const EARLY: u64 = 45;
const BURST: u64 = 30;

/// How long the burst is: as long as people take to see that a page has changed.
const BURST_MS: u64 = 2_000;

/// The times between which people come, in milliseconds of the server's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Arrivals {
    /// From now on.
    pub(super) from_ms: u64,
    pub(super) starts_ms: u64,
    /// The last ones come so long after the start.
    pub(super) tail_ms: u64,
}

impl Arrivals {
    /// When somebody comes.
    pub(super) fn draw(self, random: &mut Random) -> u64 {
        let start_ms = self.starts_ms.max(self.from_ms);
        let lead_ms = start_ms - self.from_ms;
        let tail_ms = self.tail_ms.max(1);
        let (roll, within) = (random.below(100), fraction(random));
        if roll < EARLY && lead_ms > 0 {
            // Ever more of them towards the start.
            self.from_ms + part(lead_ms, within.sqrt())
        } else if roll < EARLY + BURST {
            start_ms + part(BURST_MS.min(tail_ms), within * within)
        } else {
            start_ms + part(tail_ms, 1.0 - (1.0 - within).sqrt())
        }
    }
}

fn part(of_ms: u64, share: f64) -> u64 {
    (of_ms as f64 * share) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crowd::dice::dice;

    fn drawn(arrivals: Arrivals) -> Vec<u64> {
        let of = |number| arrivals.draw(&mut dice(7, "arrival", number));
        (0..10_000).map(of).collect()
    }

    fn between(times: &[u64], from: u64, to: u64) -> usize {
        let within = |time: &&u64| (from..to).contains(*time);
        times.iter().filter(within).count()
    }

    #[test]
    fn people_come_more_and_more_until_the_start_then_at_once_then_fewer_and_fewer() {
        let times = drawn(Arrivals {
            from_ms: 1_000,
            starts_ms: 11_000,
            tail_ms: 20_000,
        });
        let (quiet, busy) = (
            between(&times, 1_000, 6_000),
            between(&times, 6_000, 11_000),
        );
        assert!((4_300..4_700).contains(&(quiet + busy)), "{quiet} + {busy}");
        assert!(busy > 2 * quiet, "{quiet}, {busy}");
        let burst = between(&times, 11_000, 13_000);
        assert!(burst > 3_000, "{burst}");
        let (soon, late) = (
            between(&times, 13_000, 22_000),
            between(&times, 22_000, 31_001),
        );
        assert!(soon > 2 * late && late > 0, "{soon}, {late}");
        assert_eq!(quiet + busy + burst + soon + late, times.len());
    }

    #[test]
    fn nobody_comes_early_to_a_sale_that_has_started() {
        let times = drawn(Arrivals {
            from_ms: 5_000,
            starts_ms: 1_000,
            tail_ms: 3_000,
        });
        assert_eq!(between(&times, 5_000, 8_001), times.len());
        assert!(between(&times, 5_000, 7_000) > 7_000);
    }
}
