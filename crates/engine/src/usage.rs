//! What each domain uses of what all share, as all threads see it.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use crate::limits::SHARING_MS;
use crate::metrics::DomainMetrics;
use crate::share::Part;
use crate::tally::Tally;

/// What one domain uses.
pub(crate) struct Usage {
    pub(crate) part: Part,
    /// About how many bytes of memory its rows take that are not known to be in the base. What a start
    /// has found counts for nobody, so it may sink below zero.
    row_bytes: AtomicI64,
    /// Engine time at which it last had work.
    worked_ms: AtomicU64,
    pub(crate) metrics: DomainMetrics,
    pub(crate) tally: Tally,
}

impl Usage {
    pub(crate) fn new(part: Part, tally: Tally) -> Self {
        Self {
            part,
            tally,
            row_bytes: AtomicI64::new(0),
            worked_ms: AtomicU64::new(0),
            metrics: DomainMetrics::default(),
        }
    }

    pub(crate) fn add_row_bytes(&self, more: i64) {
        if more != 0 {
            self.row_bytes.fetch_add(more, Ordering::Relaxed);
        }
    }

    pub(crate) fn row_bytes(&self) -> usize {
        usize::try_from(self.row_bytes.load(Ordering::Relaxed)).unwrap_or(0)
    }

    /// It has work at this time.
    pub(crate) fn works(&self, now_ms: u64) {
        // Read first: all executors look at it in every batch, and few change it.
        if self.worked_ms.load(Ordering::Relaxed) < now_ms {
            self.worked_ms.store(now_ms, Ordering::Relaxed);
        }
    }

    /// Whether it had work not long before this time.
    pub(crate) fn worked_lately(&self, now_ms: u64) -> bool {
        now_ms < self.worked_ms.load(Ordering::Relaxed) + SHARING_MS
    }
}
