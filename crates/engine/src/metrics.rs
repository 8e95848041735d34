//! Counters of the engine.

use std::sync::atomic::{AtomicU64, Ordering};

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// The number now.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What the engine counts. Only durable things are counted as done.
#[derive(Debug, Default)]
pub struct Metrics {
    /// Requests admitted.
    pub requests_admitted: Counter,
    /// Opening commands turned away at the door.
    pub requests_busy: Counter,
    /// Timers fired.
    pub timers_fired: Counter,
    /// Groups made durable.
    pub groups_durable: Counter,
    /// Records made durable.
    pub records_durable: Counter,
    /// Seals written while idle.
    pub seals: Counter,
}
