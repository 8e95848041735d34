//! Between partitions and the courier: tries that are to be made, and what they have brought.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::{Report, Try};
use crate::inbox::{Envelope, Errand};
use crate::shared::{Shared, Waker};

/// Tries on their way to the courier. Nothing is bounded here: there are no more than rows of calls.
#[derive(Default)]
pub(crate) struct ToCourier {
    tries: Mutex<Vec<Try>>,
    waker: OnceLock<Waker>,
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

    pub(crate) fn wake(&self) {
        if let Some(waker) = self.waker.get() {
            waker();
        }
    }
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

    /// Brings back what a try has brought.
    pub fn report(&self, tried: &Try, report: Report) {
        let to = self.shared.slots.owner(tried.slot);
        let reported = Reported {
            number: tried.number,
            nth: tried.nth,
            report,
        };
        let envelope = Envelope::mail(Errand::Report(reported), tried.slot, "a report");
        self.shared.inbox(to).push_mail(envelope);
        self.shared.wake(to);
    }

    /// Whether the engine is stopping: nothing needs to be tried any more.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.shared.is_stopping()
    }
}
