//! Between partitions and the courier: tries that are to be made, and what they have brought.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::{Report, Try};
use crate::inbox::{Bag, Envelope, Errand};
use crate::shared::{Shared, Waker};

/// Tries on their way to the courier. Nothing is bounded here: there are no more than rows of calls.
#[derive(Default)]
pub(crate) struct ToCourier {
    tries: Mutex<Vec<Try>>,
    /// Calls that were taken back when the courier had them.
    withdrawn: Mutex<Vec<u64>>,
    waker: OnceLock<Waker>,
    figures: Mutex<Vec<HostFigures>>,
}

impl ToCourier {
    pub(crate) fn push(&self, one: Try) {
        let mut tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        tries.push(one);
        drop(tries);
        if let Some(waker) = self.waker.get() {
            waker();
        }
    }

    /// A call was taken back: its try is not to be made if it was not yet.
    pub(crate) fn withdraw(&self, number: u64) {
        let mut tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        let before = tries.len();
        tries.retain(|one| one.number != number);
        if tries.len() == before {
            let mut withdrawn = self
                .withdrawn
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            withdrawn.push(number);
        }
    }

    /// What the courier has told last.
    pub(crate) fn figures(&self) -> Vec<HostFigures> {
        let figures = self.figures.lock().unwrap_or_else(PoisonError::into_inner);
        figures.clone()
    }

    pub(crate) fn wake(&self) {
        if let Some(waker) = self.waker.get() {
            waker();
        }
    }
}

/// What the courier does about a host, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostFigures {
    /// Its name and port.
    pub host: String,
    /// The state of its circuit breaker: closed, open or half_open.
    pub breaker: &'static str,
    /// Calls that are under way.
    pub in_flight: u64,
    /// Calls that wait for their turn.
    pub waiting: u64,
    /// Tries that were answered since the start.
    pub answered: u64,
    /// Tries that were not, or with an error of the host's own.
    pub failed: u64,
}

/// What a try has brought, on its way back.
pub(crate) struct Reported {
    pub(crate) number: u64,
    pub(crate) nth: u32,
    pub(crate) report: Report,
}

/// The engine as the courier sees it. What a courier does not report is tried again by the next start.
#[derive(Clone)]
pub struct Courier {
    pub(crate) shared: Arc<Shared>,
}

impl Courier {
    /// Sets what wakes the courier when there is something to take. Once only.
    pub fn set_waker(&self, waker: Waker) {
        let set = self.shared.to_courier.waker.set(waker);
        assert!(set.is_ok(), "there is one courier");
    }

    /// Everything that is to be tried and was not taken yet, in the order in which it came.
    #[must_use]
    pub fn take(&self) -> Vec<Try> {
        let tries = &self.shared.to_courier.tries;
        std::mem::take(&mut *tries.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Calls that were taken back since it was asked last: a try of one that was not made yet is not to be made.
    #[must_use]
    pub fn take_withdrawn(&self) -> Vec<u64> {
        let withdrawn = &self.shared.to_courier.withdrawn;
        std::mem::take(&mut *withdrawn.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Brings back what a try has brought.
    pub fn report(&self, tried: &Try, report: Report) {
        let to = self.shared.slots.owner(tried.slot);
        let reported = Reported {
            number: tried.number,
            nth: tried.nth,
            report,
        };
        let envelope = Envelope::mail(Errand::Report(reported), tried.slot, "a report");
        self.shared.inbox(to).push_mail(&mut Bag::from(envelope));
        self.shared.wake(to);
    }

    /// Tells what is done about hosts.
    pub fn tell(&self, figures: Vec<HostFigures>) {
        let told = &self.shared.to_courier.figures;
        *told.lock().unwrap_or_else(PoisonError::into_inner) = figures;
    }

    /// Whether the engine is stopping: nothing needs to be tried any more.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.shared.is_stopping()
    }
}
