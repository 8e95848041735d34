//! Who is admitted when: so many a second, by number.

use crate::table::Pace;

impl Pace {
    /// The last position that may be admitted by now, were there so many.
    pub(crate) fn reached(&self, rate: u64, now_ms: u64) -> u64 {
        let passed_ms = now_ms.saturating_sub(self.since_ms);
        let more = u128::from(passed_ms) * u128::from(rate) / 1_000;
        self.base
            .saturating_add(u64::try_from(more).unwrap_or(u64::MAX))
    }

    /// In how long a position is admitted; 0 if it is.
    pub(crate) fn wait_ms(&self, rate: u64, position: u64, now_ms: u64) -> u64 {
        let more = u128::from(position.saturating_sub(self.base));
        let takes_ms = u64::try_from((more * 1_000).div_ceil(u128::from(rate.max(1))));
        let at_ms = self.since_ms.saturating_add(takes_ms.unwrap_or(u64::MAX));
        at_ms.saturating_sub(now_ms)
    }

    /// One more comes, behind so many. Nobody saves up what nobody used: if all had been admitted for a
    /// while it is as if this one were admitted now, and the next one at the pace from here on.
    pub(crate) fn with_one_behind(self, rate: u64, entrants: u64, now_ms: u64) -> Self {
        if self.reached(rate, now_ms) <= entrants {
            return self;
        }
        Self {
            since_ms: now_ms,
            base: entrants + 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace = Pace {
        since_ms: 1_000,
        base: 0,
    };

    #[test]
    fn so_many_a_second_are_admitted_and_waits_say_when() {
        for (rate, position, at) in [(1, 1, 1_000), (3, 1, 334), (3, 3, 1_000), (1_000, 7, 7)] {
            let now = PACE.since_ms + at;
            assert_eq!(PACE.wait_ms(rate, position, now), 0);
            assert_eq!(PACE.reached(rate, now), position);
            assert_eq!(PACE.wait_ms(rate, position, now - 1), 1);
            assert_eq!(PACE.reached(rate, now - 1), position - 1);
        }
        assert_eq!(PACE.wait_ms(10, 5, 0), 1_500, "before it has begun");
    }

    #[test]
    fn who_comes_when_nobody_waits_is_admitted_at_once_and_the_next_at_the_pace() {
        let (rate, later) = (10, PACE.since_ms + 60_000);
        let pace = PACE.with_one_behind(rate, 5, later);
        assert_eq!(pace.wait_ms(rate, 6, later), 0);
        let pace = pace.with_one_behind(rate, 6, later);
        assert_eq!(pace.wait_ms(rate, 7, later), 100);
        let pace = pace.with_one_behind(rate, 7, later);
        assert_eq!(pace.wait_ms(rate, 8, later), 200);
    }

    #[test]
    fn who_comes_while_others_wait_changes_nothing_for_them() {
        assert_eq!(PACE.with_one_behind(10, 5, PACE.since_ms + 499), PACE);
        assert_eq!(PACE.with_one_behind(10, 5, PACE.since_ms + 500), PACE);
    }
}
