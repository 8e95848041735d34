//! Counters of the engine.

use std::sync::atomic::{AtomicU64, Ordering};

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// Adds one; gives what the number was.
    pub(crate) fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }

    /// The number now.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What the engine counts.
#[derive(Debug, Default)]
pub struct Metrics {
    /// Requests let in at the door.
    pub requests_admitted: Counter,
    /// Requests answered at the edge, without their partition.
    pub requests_at_edge: Counter,
    /// Requests turned away at the door: BUSY, a full disk, or stopping.
    pub requests_busy: Counter,
    /// Timers fired, perhaps not durably yet.
    pub timers_fired: Counter,
    /// Groups made durable.
    pub groups_durable: Counter,
    /// Records made durable.
    pub records_durable: Counter,
    /// Checkpoints that have ended.
    pub checkpoints: Counter,
    /// Times that a checkpoint found no room on the disk; it is tried again.
    pub checkpoints_failed: Counter,
    /// Rows that were fetched from the base, whether there were any or not.
    pub rows_fetched: Counter,
    /// Seals written while idle.
    pub seals: Counter,
}

/// What is counted for each domain.
#[derive(Debug, Default)]
pub(crate) struct DomainMetrics {
    pub(crate) commands: Counter,
    pub(crate) busy: Counter,
    pub(crate) log_bytes: Counter,
}

/// What a domain has done and has, now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainFigures {
    /// Its name.
    pub name: &'static str,
    /// Commands and queries that have run, perhaps not durably yet.
    pub commands: u64,
    /// Requests turned away.
    pub busy: u64,
    /// Bytes of rows handed to the log.
    pub log_bytes: u64,
    /// About how many bytes of memory its rows take that are not known to be in the base.
    pub row_bytes: u64,
    /// Commands and queries that wait to run.
    pub waiting: u64,
    /// How often it has refused, by the code of the refusal. What a scan refuses is not counted.
    pub refusals: Vec<(&'static str, u64)>,
    /// What it counts itself, by name.
    pub counts: Vec<(&'static str, u64)>,
}
