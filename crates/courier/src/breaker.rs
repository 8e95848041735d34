//! A circuit breaker: what fails again and again is left alone for a while.
//!
//! ```text
//! closed ──failures in a row──▶ open ──time──▶ half open ──probe succeeds──▶ closed
//!                                ▲                 └──────probe fails──────────┘ (open, for longer)
//! ```

/// Failures in a row that open it.
pub(crate) const FAILURES_MAX: u32 = 10;

/// How long it stays open at first.
pub(crate) const OPEN_MIN_MS: u64 = 1_000;

/// And at most: twice as long after each probe that fails.
pub(crate) const OPEN_MAX_MS: u64 = 30_000;

#[derive(Debug)]
pub(crate) struct Breaker {
    state: State,
    /// How long it was open last.
    open_ms: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed { failures: u32 },
    Open { until_ms: u64 },
    HalfOpen,
}

/// Whether something may be sent now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leave {
    /// As much as the other bounds let.
    Free,
    /// One call, on which it depends what comes next: to be told by [`Breaker::begin_probe`].
    Probe,
    /// Not before this time; or not before the probe has ended.
    No { until_ms: Option<u64> },
}

impl Default for Breaker {
    fn default() -> Self {
        Self {
            state: State::Closed { failures: 0 },
            open_ms: 0,
        }
    }
}

impl Breaker {
    pub(crate) fn leave(&self, now_ms: u64) -> Leave {
        match self.state {
            State::Closed { .. } => Leave::Free,
            State::Open { until_ms } if now_ms >= until_ms => Leave::Probe,
            State::Open { until_ms } => Leave::No {
                until_ms: Some(until_ms),
            },
            State::HalfOpen => Leave::No { until_ms: None },
        }
    }

    pub(crate) fn begin_probe(&mut self) {
        self.state = State::HalfOpen;
    }

    /// A call has ended. What was sent before it opened decides nothing any more.
    pub(crate) fn ended(&mut self, is_probe: bool, is_success: bool, now_ms: u64) {
        match (self.state, is_success) {
            (State::Closed { .. }, true) => self.state = State::Closed { failures: 0 },
            (State::Closed { failures }, false) if failures + 1 < FAILURES_MAX => {
                let failures = failures + 1;
                self.state = State::Closed { failures };
            }
            (State::Closed { .. }, false) => self.open(OPEN_MIN_MS, now_ms),
            (State::HalfOpen, true) if is_probe => self.state = State::Closed { failures: 0 },
            (State::HalfOpen, false) if is_probe => {
                self.open((self.open_ms * 2).min(OPEN_MAX_MS), now_ms);
            }
            (State::HalfOpen | State::Open { .. }, _) => {}
        }
    }

    fn open(&mut self, for_ms: u64, now_ms: u64) {
        self.open_ms = for_ms;
        self.state = State::Open {
            until_ms: now_ms + for_ms,
        };
    }

    /// Its state in a word.
    pub(crate) fn word(&self) -> &'static str {
        match self.state {
            State::Closed { .. } => "closed",
            State::Open { .. } => "open",
            State::HalfOpen => "half_open",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(times: u32) -> Breaker {
        let mut breaker = Breaker::default();
        for _ in 0..times {
            breaker.ended(false, false, 0);
        }
        breaker
    }

    #[test]
    fn it_opens_after_failures_in_a_row_only() {
        let mut breaker = failed(FAILURES_MAX - 1);
        breaker.ended(false, true, 0);
        for _ in 1..FAILURES_MAX {
            breaker.ended(false, false, 0);
        }
        assert_eq!(breaker.leave(0), Leave::Free);
        breaker.ended(false, false, 0);
        let until_ms = Some(OPEN_MIN_MS);
        assert_eq!(breaker.leave(0), Leave::No { until_ms });
    }

    #[test]
    fn one_probe_decides_and_what_was_sent_before_does_not() {
        let mut breaker = failed(FAILURES_MAX);
        assert_eq!(breaker.leave(OPEN_MIN_MS), Leave::Probe);
        breaker.begin_probe();
        assert_eq!(breaker.leave(OPEN_MIN_MS), Leave::No { until_ms: None });
        breaker.ended(false, true, OPEN_MIN_MS);
        assert_eq!(breaker.leave(OPEN_MIN_MS), Leave::No { until_ms: None });
        breaker.ended(true, true, OPEN_MIN_MS);
        assert_eq!(breaker.leave(OPEN_MIN_MS), Leave::Free);
    }

    #[test]
    fn it_stays_open_for_longer_after_each_probe_that_fails_up_to_a_bound() {
        let (mut breaker, mut now_ms, mut open_ms) = (failed(FAILURES_MAX), 0, OPEN_MIN_MS);
        for _ in 0..10 {
            let until_ms = now_ms + open_ms;
            let no = Leave::No {
                until_ms: Some(until_ms),
            };
            assert_eq!(breaker.leave(until_ms - 1), no);
            now_ms = until_ms;
            breaker.begin_probe();
            breaker.ended(true, false, now_ms);
            open_ms = (open_ms * 2).min(OPEN_MAX_MS);
        }
        assert_eq!(open_ms, OPEN_MAX_MS);
    }
}
