//! A budget of retries: so many for each hundred calls that are new, and a few a second beyond, so that a
//! service which has trouble is not asked several times for everything at once. The idea is Finagle's
//! (`RetryBudget`), the figures are its defaults.

/// Thousandths of a retry that each new call brings.
const PER_CALL: u64 = 200;

/// Retries a second that there always are.
pub(crate) const PER_SECOND: u64 = 10;

/// Seconds over which they gather.
const SECONDS: u64 = 10;

/// Thousandths that may gather: those of ten seconds of ten thousand calls.
const MOST: u64 = (PER_SECOND * 1_000 + 10_000 * PER_CALL) * SECONDS;

/// In thousandths of a retry.
#[derive(Debug)]
pub(crate) struct Budget {
    left: u64,
    as_of_ms: u64,
}

impl Budget {
    pub(crate) fn new(now_ms: u64) -> Self {
        Self {
            left: PER_SECOND * SECONDS * 1_000,
            as_of_ms: now_ms,
        }
    }

    /// A new call begins.
    pub(crate) fn deposit(&mut self) {
        self.left = (self.left + PER_CALL).min(MOST);
    }

    /// Takes a retry out; or says when there is one.
    pub(crate) fn withdraw(&mut self, now_ms: u64) -> Result<(), u64> {
        let passed_ms = now_ms.saturating_sub(self.as_of_ms);
        let gathered = passed_ms * PER_SECOND;
        // What gathers by time alone is that of some seconds, however long nothing has happened.
        if self.left < PER_SECOND * SECONDS * 1_000 {
            self.left = (self.left + gathered).min(PER_SECOND * SECONDS * 1_000);
        }
        self.as_of_ms = now_ms;
        if self.left >= 1_000 {
            self.left -= 1_000;
            return Ok(());
        }
        Err(now_ms + (1_000 - self.left).div_ceil(PER_SECOND))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(budget: &mut Budget, now_ms: u64) -> u64 {
        std::iter::from_fn(|| budget.withdraw(now_ms).ok()).count() as u64
    }

    #[test]
    fn a_fifth_of_what_is_new_and_ten_a_second_may_be_retries() {
        let mut budget = Budget::new(0);
        assert_eq!(drawn(&mut budget, 0), PER_SECOND * SECONDS);
        for _ in 0..100 {
            budget.deposit();
        }
        assert_eq!(drawn(&mut budget, 0), 20);
        assert_eq!(drawn(&mut budget, 2_000), 2 * PER_SECOND);
        assert_eq!(drawn(&mut budget, 3_600_000), PER_SECOND * SECONDS);
    }

    #[test]
    fn an_empty_budget_says_when_there_is_a_retry() {
        let mut budget = Budget::new(0);
        drawn(&mut budget, 0);
        let at_ms = budget.withdraw(0).expect_err("it is empty");
        assert!(budget.withdraw(at_ms - 1).is_err());
        assert_eq!(budget.withdraw(at_ms), Ok(()));
    }
}
