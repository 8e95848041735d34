//! The memory that the buffers of all connections take together.
//!
//! Each connection is bounded by itself, and ten thousand of them are not bounded by that. Over the
//! budget small requests go on as before; what would take much more is told BUSY.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::limits::BUDGET_STEP_BYTES;

/// What all connections take, and may take.
#[derive(Debug)]
pub(crate) struct Budget {
    bytes_max: usize,
    taken: AtomicUsize,
}

impl Budget {
    pub(crate) fn new(bytes_max: usize) -> Arc<Self> {
        let taken = AtomicUsize::new(0);
        Arc::new(Self { bytes_max, taken })
    }

    /// Bytes that the buffers of all connections take, in whole steps of each.
    pub(crate) fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }
}

/// What one connection takes of it; given back with the connection.
#[derive(Debug)]
pub(crate) struct Share {
    budget: Arc<Budget>,
    /// In whole steps, so that a connection which takes a little costs nothing to count.
    held: usize,
}

impl Share {
    pub(crate) fn new(budget: &Arc<Budget>) -> Self {
        let budget = Arc::clone(budget);
        Self { budget, held: 0 }
    }

    /// Takes note of what the connection takes now.
    pub(crate) fn set(&mut self, bytes: usize) {
        let held = bytes - bytes % BUDGET_STEP_BYTES;
        if held > self.held {
            let more = held - self.held;
            self.budget.taken.fetch_add(more, Ordering::Relaxed);
        } else if held < self.held {
            let less = self.held - held;
            self.budget.taken.fetch_sub(less, Ordering::Relaxed);
        }
        self.held = held;
    }

    /// Takes so much more, at once.
    pub(crate) fn add(&mut self, bytes: usize) {
        self.set(self.held + bytes);
    }

    /// Whether so much more may be taken.
    pub(crate) fn has_room_for(&self, bytes: usize) -> bool {
        self.budget.taken().saturating_add(bytes) <= self.budget.bytes_max
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.set(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_add_up_and_are_given_back() {
        let budget = Budget::new(10 * BUDGET_STEP_BYTES);
        let (mut one, mut other) = (Share::new(&budget), Share::new(&budget));
        one.set(4 * BUDGET_STEP_BYTES + 1);
        other.set(5 * BUDGET_STEP_BYTES);
        assert_eq!(budget.taken(), 9 * BUDGET_STEP_BYTES);
        assert!(one.has_room_for(BUDGET_STEP_BYTES));
        assert!(!one.has_room_for(BUDGET_STEP_BYTES + 1));
        one.set(BUDGET_STEP_BYTES - 1);
        assert_eq!(budget.taken(), 5 * BUDGET_STEP_BYTES);
        drop(other);
        assert_eq!(budget.taken(), 0);
    }
}
