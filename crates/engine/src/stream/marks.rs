//! Up to which event each partition had come when something was read there.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crate::key::PartitionId;

/// Of each partition, the last number that was minted before it was read. What is emitted there
/// afterwards has a higher one, and what was before a lower one or this.
#[derive(Debug)]
pub(crate) struct Marks {
    last: Vec<AtomicU64>,
    missing: AtomicUsize,
}

impl Marks {
    /// For so many partitions, and so many reads there.
    pub(crate) fn new(partitions: usize, read: usize) -> Self {
        Self {
            last: std::iter::repeat_with(AtomicU64::default)
                .take(partitions)
                .collect(),
            missing: AtomicUsize::new(read),
        }
    }

    /// So many reads more than it was made for, before any was made.
    pub(crate) fn expect_more(&self, reads: usize) {
        self.missing.fetch_add(reads, Ordering::AcqRel);
    }

    /// A partition has been read; of several reads the first one counts.
    pub(crate) fn set(&self, partition: PartitionId, last: u64) {
        let of_partition = &self.last[partition.index()];
        let _ = of_partition.compare_exchange(0, last, Ordering::Release, Ordering::Relaxed);
        self.missing.fetch_sub(1, Ordering::AcqRel);
    }

    pub(crate) fn are_complete(&self) -> bool {
        self.missing.load(Ordering::Acquire) == 0
    }

    /// Whether an event came after its partition was read.
    pub(crate) fn is_behind(&self, partition: PartitionId, number: u64) -> bool {
        number > self.last[partition.index()].load(Ordering::Acquire)
    }
}
