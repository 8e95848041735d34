//! What runs the partitions.

use std::sync::Arc;

#[cfg(feature = "testing")]
use crate::base::BaseError;
#[cfg(feature = "testing")]
use crate::contract::{Audit, Domain};
use crate::limits::{LET_GO_STEPS, SHED_LOOK_STEPS, TELL_AFTER_MS};
use crate::partition::Partition;
use crate::shared::{Shared, Waker};
#[cfg(feature = "testing")]
use crate::testing::Canary;

/// When an executor wants to be stepped again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// At once: there is more to do.
    Now,
    /// After so many milliseconds, or when woken.
    After(u64),
    /// When woken.
    Woken,
}

/// For the thread that steps an executor, and those who have something for it.
pub struct ExecutorHandle {
    index: usize,
    shared: Arc<Shared>,
}

impl ExecutorHandle {
    /// Has it stepped soon, unless that is to be anyway.
    pub fn wake(&self) {
        self.shared.wake_executor(self.index);
    }

    /// Its thread sleeps from here on: nothing that it would run goes into the next group of the log.
    pub fn parked(&self) {
        self.shared.log.rest(self.index, true);
    }

    /// Its thread is awake again.
    pub fn unparked(&self) {
        self.shared.log.rest(self.index, false);
    }
}

/// Runs some of the partitions. One thread steps it.
pub struct Executor {
    pub(super) steps: u64,
    pub(super) index: usize,
    pub(super) partitions: Vec<Partition>,
    pub(super) shared: Arc<Shared>,
}

impl Executor {
    /// Sets what wakes the thread that steps this executor. Once only.
    pub fn set_waker(&self, waker: Waker) {
        self.shared.set_waker(self.index, waker);
    }

    /// A handle to it.
    #[must_use]
    pub fn handle(&self) -> ExecutorHandle {
        ExecutorHandle {
            index: self.index,
            shared: Arc::clone(&self.shared),
        }
    }

    /// Lets answers out and runs at most one batch of each partition.
    pub fn step(&mut self) -> Next {
        self.shared.looks(self.index);
        if self.steps.is_multiple_of(SHED_LOOK_STEPS) {
            self.shared.look_at_load();
        }
        // What a group was for leaves at once, or a connection whose commands have run in several partitions would send a
        // part of it, and then the rest.
        for partition in &mut self.partitions {
            partition.open(&self.shared);
        }
        let mut more = false;
        for partition in &mut self.partitions {
            more |= partition.step(&self.shared);
        }
        if !more || self.steps.is_multiple_of(LET_GO_STEPS) {
            more |= self.partitions.iter_mut().any(|p| p.let_go(&self.shared));
        }
        self.steps = self.steps.wrapping_add(1);
        if more {
            return Next::Now;
        }
        let partitions = self.partitions.iter();
        let due = partitions.filter_map(|partition| partition.next_timer_ms(&self.shared));
        let due = due.min().map(|due_ms| self.shared.clock.until_ms(due_ms));
        match due.into_iter().chain(self.tells_after_ms()).min() {
            Some(ms) => Next::After(ms),
            None => Next::Woken,
        }
    }

    /// When to say again how late it is here, if subscribers wait for that.
    fn tells_after_ms(&self) -> Option<u64> {
        let mut partitions = self.partitions.iter();
        let is_awaited = partitions.any(|partition| partition.waits_for_time(&self.shared));
        is_awaited.then_some(TELL_AFTER_MS)
    }

    /// Whether nothing waits, neither to run nor to be answered; or nothing that could be.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.shared.is_stuck() || self.partitions.iter().all(|p| p.is_quiet(&self.shared))
    }

    /// Whether the engine is stopping, and nothing keeps this executor.
    #[must_use]
    pub fn may_end(&self) -> bool {
        self.is_stopping() && self.is_quiet() && self.shared.checkpoints.is_over()
    }

    /// Whether the engine is stopping.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.shared.is_stopping()
    }

    /// Breaks a rule from now on.
    #[cfg(feature = "testing")]
    pub(crate) fn break_rule(&mut self, canary: Canary) {
        for partition in &mut self.partitions {
            partition.break_rule(canary);
        }
    }

    /// From now on (or no more) timers do not fire, as if a backlog kept them waiting.
    #[cfg(feature = "testing")]
    pub(crate) fn suspend_timers(&mut self, suspended: bool) {
        for partition in &mut self.partitions {
            partition.suspend_timers(suspended);
        }
    }

    /// Whether the command with this token was taken from its inbox and has not run.
    #[cfg(feature = "testing")]
    pub(crate) fn is_waiting(&self, token: u64) -> bool {
        self.partitions.iter().any(|p| p.is_waiting(token))
    }

    /// Recomputes the laws of all domains from the rows of these partitions.
    #[cfg(feature = "testing")]
    pub(crate) fn audit(
        &self,
        domains: &[Domain],
        tell: &mut dyn FnMut(Audit),
    ) -> Result<(), BaseError> {
        let mut partitions = self.partitions.iter();
        partitions.try_for_each(|partition| partition.audit(domains, &self.shared, tell))
    }
}
