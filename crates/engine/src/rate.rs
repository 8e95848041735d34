//! At most so many a minute, of which some may come at once: the generic cell rate algorithm.
//!
//! One number says it all: when the next arrival is expected at the latest if all come at the pace (the
//! theoretical arrival time). One that comes earlier by no more than is tolerated conforms, and moves that time
//! by an interval; another one moves nothing, so that a refusal has nothing to write. A time that has passed is
//! as good as none.
//!
//! Source: ITU-T Recommendation I.371, and ATM Forum, Traffic Management Specification 4.0 (af-tm-0056.000):
//! GCRA(I, L) as the virtual scheduling algorithm, with the interval I and the tolerance L.

const MINUTE_MS: u64 = 60_000;

/// A pace, and by how much what comes may be ahead of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    interval_us: u64,
    tolerance_us: u64,
}

impl Rate {
    /// So many a minute, of which `burst` may come at once; none if it is 0, which is no limit.
    #[must_use]
    pub fn per_minute(count: u64, burst: u64) -> Option<Self> {
        Self::of(count, MINUTE_MS, burst)
    }

    /// The same in so many milliseconds: at most one in a microsecond.
    #[must_use]
    pub fn of(count: u64, per_ms: u64, burst: u64) -> Option<Self> {
        let interval_us = (per_ms * 1_000).checked_div(count)?.max(1);
        Some(Self {
            interval_us,
            tolerance_us: interval_us * burst.saturating_sub(1),
        })
    }

    /// One comes now. Gives when the next is expected, in µs; or in how many ms this one would conform.
    ///
    /// # Errors
    /// It does not conform.
    pub fn arrive(self, expected_us: Option<u64>, now_ms: u64) -> Result<u64, u64> {
        let now_us = now_ms * 1_000;
        let expected_us = expected_us.unwrap_or_default().max(now_us);
        let early_us = expected_us - now_us;
        match early_us.checked_sub(self.tolerance_us) {
            None | Some(0) => Ok(expected_us + self.interval_us),
            Some(too_early_us) => Err(too_early_us.div_ceil(1_000)),
        }
    }

    /// The latest moment at which, by now, the next one may be expected.
    #[must_use]
    pub fn latest_us(self, now_ms: u64) -> u64 {
        now_ms
            .saturating_mul(1_000)
            .saturating_add(self.tolerance_us + self.interval_us)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_MS: u64 = 1_800_000_000_000;

    /// Lets arrivals come at these times, in ms; gives how long each that does not conform is told to wait.
    fn waits(rate: Rate, at_ms: impl IntoIterator<Item = u64>) -> Vec<u64> {
        let mut expected_us = None;
        let come = |at_ms| match rate.arrive(expected_us, NOW_MS + at_ms) {
            Ok(next_us) => {
                assert!(next_us <= rate.latest_us(NOW_MS + at_ms));
                expected_us = Some(next_us);
                0
            }
            Err(wait_ms) => wait_ms,
        };
        at_ms.into_iter().map(come).collect()
    }

    fn rate(count: u64, burst: u64) -> Rate {
        Rate::per_minute(count, burst).expect("it is one")
    }

    #[test]
    fn so_many_come_at_once_and_then_one_each_interval() {
        let waits = waits(
            rate(60, 3),
            [0, 0, 0, 0, 999, 1_000, 1_000, 5_000, 5_000, 5_000, 5_000],
        );
        assert_eq!(waits, [0, 0, 0, 1_000, 1, 0, 1_000, 0, 0, 0, 1_000]);
    }

    #[test]
    fn without_a_burst_each_waits_for_its_interval() {
        assert_eq!(
            waits(rate(7, 1), [0, 1, 8_571, 8_572, 17_143]),
            [0, 8_571, 1, 0, 1]
        );
    }

    #[test]
    fn who_waits_as_long_as_told_comes_in() {
        let rate = rate(17, 4);
        let (mut expected_us, mut now_ms) = (None, NOW_MS);
        for _ in 0..100 {
            match rate.arrive(expected_us, now_ms) {
                Ok(next_us) => expected_us = Some(next_us),
                Err(wait_ms) => {
                    now_ms += wait_ms;
                    let next_us = rate.arrive(expected_us, now_ms);
                    expected_us = Some(next_us.expect("it was told when"));
                }
            }
        }
        // 4 at once, and 96 more.
        let took_ms = now_ms - NOW_MS;
        assert!(
            (96 * 60_000 / 17..=96 * 60_000 / 17 + 96).contains(&took_ms),
            "{took_ms}"
        );
    }

    #[test]
    fn what_does_not_conform_moves_nothing() {
        let flood = (0..60_000).map(|at_ms| at_ms + 1);
        let came = waits(rate(60, 10), flood);
        assert_eq!(came.iter().filter(|wait| **wait == 0).count(), 10 + 59);
    }

    #[test]
    fn time_that_has_passed_is_as_good_as_none() {
        let rate = rate(60, 2);
        let passed = Some(NOW_MS * 1_000 - 1);
        assert_eq!(rate.arrive(passed, NOW_MS), rate.arrive(None, NOW_MS));
    }

    #[test]
    fn none_a_minute_is_no_limit() {
        assert_eq!(Rate::per_minute(0, 5), None);
    }
}
