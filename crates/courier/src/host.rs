//! What may be sent to a host now: by the places that it has, its budget of retries and its breaker. Pure:
//! time is told.

use std::collections::{HashSet, VecDeque};

use tidegate_engine::Try;

use crate::WAIT_MS_MAX;
use crate::breaker::{Breaker, Leave};
use crate::budget::Budget;
use crate::service::Limits;

/// What is sent to a host.
pub(crate) trait Sent {
    /// Whether it was tried before, in vain.
    fn is_retry(&self) -> bool;
    /// Its number, if it may be taken back by that.
    fn number(&self) -> Option<u64>;
    /// Whether nobody waits for what comes of it any more.
    fn is_gone(&self) -> bool;
    /// How long it waits for its turn at most.
    fn wait_ms_max(&self) -> u64;
}

impl Sent for Try {
    fn is_retry(&self) -> bool {
        self.nth > 1
    }

    fn number(&self) -> Option<u64> {
        Some(self.number)
    }

    /// The engine always does.
    fn is_gone(&self) -> bool {
        false
    }

    fn wait_ms_max(&self) -> u64 {
        WAIT_MS_MAX
    }
}

/// Tries that wait for a host, and what it bears.
pub(crate) struct Host<T> {
    pub(crate) limits: Limits,
    /// First tries, and further ones.
    firsts: VecDeque<Waiting<T>>,
    retries: VecDeque<Waiting<T>>,
    in_flight: usize,
    breaker: Breaker,
    budget: Budget,
    pub(crate) answered: u64,
    pub(crate) failed: u64,
}

struct Waiting<T> {
    /// When it has waited for too long.
    over_ms: u64,
    one: T,
}

/// What is to be done about a host.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next<T> {
    /// Send this; on a probe it depends what comes next.
    Send { one: T, is_probe: bool },
    /// This has waited too long.
    TooLong(T),
    /// Nothing before this time, or before something ends.
    Nothing { until_ms: Option<u64> },
}

impl<T: Sent> Host<T> {
    pub(crate) fn new(limits: Limits, now_ms: u64) -> Self {
        Self {
            limits,
            firsts: VecDeque::new(),
            retries: VecDeque::new(),
            in_flight: 0,
            breaker: Breaker::default(),
            budget: Budget::new(now_ms),
            answered: 0,
            failed: 0,
        }
    }

    pub(crate) fn push(&mut self, one: T, now_ms: u64) {
        let over_ms = now_ms + one.wait_ms_max();
        let queue = if one.is_retry() {
            &mut self.retries
        } else {
            &mut self.firsts
        };
        queue.push_back(Waiting { over_ms, one });
    }

    /// What was taken back, by its numbers.
    pub(crate) fn leave_out(&mut self, numbers: &HashSet<u64>) {
        for queue in [&mut self.firsts, &mut self.retries] {
            let stays = |waiting: &Waiting<T>| {
                let number = waiting.one.number();
                number.is_none_or(|number| !numbers.contains(&number))
            };
            queue.retain(stays);
        }
    }

    /// What is to be done next; asked again until it is nothing.
    pub(crate) fn next(&mut self, now_ms: u64) -> Next<T> {
        for queue in [&mut self.firsts, &mut self.retries] {
            while queue.front().is_some_and(|first| first.one.is_gone()) {
                queue.pop_front();
            }
            let over_ms = queue.front().map(|first| first.over_ms);
            if over_ms.is_some_and(|over_ms| now_ms >= over_ms)
                && let Some(Waiting { one, .. }) = queue.pop_front()
            {
                return Next::TooLong(one);
            }
        }
        if self.waiting() == 0 {
            return Next::Nothing { until_ms: None };
        }
        let over_ms = self.first_over_ms();
        if self.in_flight >= self.limits.concurrency {
            return Next::Nothing { until_ms: over_ms };
        }
        let leave = self.breaker.leave(now_ms);
        if let Leave::No { until_ms } = leave {
            let until_ms = until_ms.into_iter().chain(over_ms).min();
            return Next::Nothing { until_ms };
        }
        let one = match self.take(now_ms) {
            Ok(one) => one,
            Err(budget_ms) => {
                let until_ms = over_ms.into_iter().chain([budget_ms]).min();
                return Next::Nothing { until_ms };
            }
        };
        let is_probe = leave == Leave::Probe;
        if is_probe {
            self.breaker.begin_probe();
        }
        self.in_flight += 1;
        Next::Send { one, is_probe }
    }

    /// The first that may go: a retry while the budget has one, which is never for long.
    fn take(&mut self, now_ms: u64) -> Result<T, u64> {
        let mut budget_ms = u64::MAX;
        if !self.retries.is_empty() {
            match self.budget.withdraw(now_ms) {
                Ok(()) => {
                    let retry = self.retries.pop_front();
                    return retry.map(|waiting| waiting.one).ok_or(now_ms);
                }
                Err(until_ms) => budget_ms = until_ms,
            }
        }
        let first = self.firsts.pop_front().ok_or(budget_ms)?;
        self.budget.deposit();
        Ok(first.one)
    }

    fn first_over_ms(&self) -> Option<u64> {
        let fronts = [self.firsts.front(), self.retries.front()];
        let over = fronts.into_iter().flatten();
        over.map(|first| first.over_ms).min()
    }

    /// What was sent has ended: with an answer, or as the host is to blame for.
    pub(crate) fn ended(&mut self, is_probe: bool, is_success: bool, now_ms: u64) {
        self.in_flight -= 1;
        self.breaker.ended(is_probe, is_success, now_ms);
        if is_success {
            self.answered += 1;
        } else {
            self.failed += 1;
        }
    }

    /// What was sent was not waited for any more before the host's own time to answer was over, which says nothing
    /// of the host.
    pub(crate) fn was_cut_off(&mut self) {
        self.in_flight -= 1;
    }

    /// Why something waits, for people.
    pub(crate) fn why(&self) -> String {
        let (breaker, calls) = (self.breaker.word(), self.in_flight);
        format!(
            "waited {WAIT_MS_MAX} ms for its turn: the circuit is {breaker}, {calls} calls are under way"
        )
    }

    pub(crate) fn waiting(&self) -> usize {
        self.firsts.len() + self.retries.len()
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight
    }

    pub(crate) fn breaker(&self) -> &'static str {
        self.breaker.word()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use super::*;
    use crate::breaker::{FAILURES_MAX, OPEN_MIN_MS};

    fn host(concurrency: usize) -> Host<Try> {
        let limits = Limits {
            concurrency,
            ..Limits::default()
        };
        Host::new(limits, 0)
    }

    fn push(host: &mut Host<Try>, number: u64, nth: u32, now_ms: u64) {
        let mut one = Try::of_test(number, b"");
        one.nth = nth;
        host.push(one, now_ms);
    }

    /// The numbers of what may be sent now, in order.
    fn sent(host: &mut Host<Try>, now_ms: u64) -> Vec<u64> {
        std::iter::from_fn(|| match host.next(now_ms) {
            Next::Send { one, .. } => Some(one.number),
            Next::TooLong(one) => panic!("{} has waited too long", one.number),
            Next::Nothing { .. } => None,
        })
        .collect()
    }

    #[test]
    fn so_many_calls_are_under_way_at_once_and_the_rest_waits_in_order() {
        let mut host = host(2);
        (1..=4).for_each(|number| push(&mut host, number, 1, 0));
        assert_eq!(sent(&mut host, 0), [1, 2]);
        host.ended(false, true, 0);
        assert_eq!(sent(&mut host, 0), [3]);
    }

    /// Something that may be wanted no more while it waits.
    struct Letter(Rc<Cell<bool>>);

    impl Sent for Letter {
        fn is_retry(&self) -> bool {
            false
        }

        fn number(&self) -> Option<u64> {
            None
        }

        fn is_gone(&self) -> bool {
            self.0.get()
        }

        fn wait_ms_max(&self) -> u64 {
            10
        }
    }

    #[test]
    fn what_nobody_waits_for_any_more_is_not_sent() {
        let mut host = Host::new(Limits::default(), 0);
        let gone = Rc::new(Cell::new(false));
        host.push(Letter(Rc::clone(&gone)), 0);
        host.push(Letter(Rc::default()), 0);
        gone.set(true);
        host.leave_out(&HashSet::from([0, 1]));
        assert_eq!(host.waiting(), 2, "they have no number");
        assert!(matches!(host.next(0), Next::Send { one, .. } if !one.is_gone()));
        assert!(matches!(host.next(0), Next::Nothing { until_ms: None }));
    }

    #[test]
    fn what_waits_for_less_is_given_back_sooner() {
        let mut host = Host::new(Limits::default(), 0);
        host.push(Letter(Rc::default()), 0);
        assert!(matches!(host.next(10), Next::TooLong(_)));
    }

    #[test]
    fn what_was_taken_back_while_it_waited_is_not_sent() {
        let mut host = host(1);
        (1..=3).for_each(|number| push(&mut host, number, 1, 0));
        assert_eq!(sent(&mut host, 0), [1]);
        host.leave_out(&HashSet::from([1, 2]));
        host.ended(false, true, 0);
        assert_eq!(sent(&mut host, 0), [3]);
    }

    #[test]
    fn what_waits_too_long_for_its_turn_is_given_back() {
        let mut host = host(1);
        push(&mut host, 1, 1, 0);
        push(&mut host, 2, 1, 5);
        assert_eq!(sent(&mut host, 5), [1]);
        let until_ms = Some(5 + WAIT_MS_MAX);
        assert_eq!(host.next(5), Next::Nothing { until_ms });
        assert_eq!(host.next(4 + WAIT_MS_MAX), Next::Nothing { until_ms });
        assert!(matches!(host.next(5 + WAIT_MS_MAX), Next::TooLong(one) if one.number == 2));
        assert!(host.why().contains("1 calls are under way"));
    }

    #[test]
    fn retries_beyond_their_budget_wait_and_hold_up_nothing_new() {
        let mut host = host(10_000);
        for number in 0..1_000 {
            push(&mut host, number, 2, 0);
        }
        let retries = sent(&mut host, 0).len();
        assert!(retries < 200, "{retries}");
        push(&mut host, 5_000, 1, 0);
        assert_eq!(sent(&mut host, 0), [5_000]);
        let Next::Nothing {
            until_ms: Some(at_ms),
        } = host.next(0)
        else {
            panic!("there is nothing to send");
        };
        assert_eq!(sent(&mut host, at_ms).len(), 1);
    }

    #[test]
    fn host_that_was_not_given_its_time_is_not_to_blame() {
        let mut host = host(64);
        for number in 0..2 * u64::from(FAILURES_MAX) {
            push(&mut host, number, 1, 0);
            assert_eq!(sent(&mut host, 0), [number]);
            host.was_cut_off();
        }
        assert_eq!((host.in_flight(), host.breaker()), (0, "closed"));
    }

    #[test]
    fn host_that_fails_is_left_alone_and_then_asked_once() {
        let mut host = host(64);
        let all = u64::from(FAILURES_MAX);
        (0..all).for_each(|number| push(&mut host, number, 1, 0));
        assert_eq!(sent(&mut host, 0).len(), FAILURES_MAX as usize);
        (0..all).for_each(|_| host.ended(false, false, 0));
        push(&mut host, 100, 1, 0);
        push(&mut host, 101, 1, 0);
        let until_ms = Some(OPEN_MIN_MS);
        assert_eq!(host.next(0), Next::Nothing { until_ms });
        assert!(
            matches!(host.next(OPEN_MIN_MS), Next::Send { is_probe: true, one } if one.number == 100)
        );
        assert_eq!(sent(&mut host, OPEN_MIN_MS), [] as [u64; 0]);
        host.ended(true, true, OPEN_MIN_MS);
        assert_eq!(sent(&mut host, OPEN_MIN_MS), [101]);
    }
}
