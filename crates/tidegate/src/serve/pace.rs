//! How long the disk takes to make a group durable, as of late.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tidegate_engine::{Did, LogError};

/// Up to here an executor writes for a client that is alone: half of the time that the log waits for others to ask.
const QUICK_MAX: Duration = Duration::from_micros(500);

/// A group that took longer counts as this long: one stall is not remembered for ever.
const TOOK_MAX: Duration = Duration::from_millis(100);

/// Of how many groups the time is averaged.
const GROUPS: u64 = 8;

/// The moving average of the time that groups took, in microseconds.
#[derive(Default)]
pub(super) struct Pace(AtomicU64);

impl Pace {
    /// Whether an executor may wait for the disk.
    pub(super) fn is_quick(&self) -> bool {
        u128::from(self.0.load(Ordering::Relaxed)) <= QUICK_MAX.as_micros()
    }

    /// Takes the time of a write, if it is one.
    pub(super) fn take(
        &self,
        write: impl FnOnce() -> Result<Option<Did>, LogError>,
    ) -> Result<Option<Did>, LogError> {
        let began = Instant::now();
        let did = write()?;
        if did == Some(Did::Wrote) {
            self.took(began.elapsed());
        }
        Ok(did)
    }

    fn took(&self, took: Duration) {
        let took = u64::try_from(took.min(TOOK_MAX).as_micros()).unwrap_or(u64::MAX);
        let before = self.0.load(Ordering::Relaxed);
        let average = (before * (GROUPS - 1) + took) / GROUPS;
        self.0.store(average, Ordering::Relaxed); // Of two at once one is lost, which is none the worse.
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_that_has_become_slow_is_not_waited_for_until_it_is_quick_again() {
        let pace = Pace::default();
        pace.took(Duration::from_micros(150));
        assert!(pace.is_quick());
        pace.took(Duration::from_secs(60));
        assert!(!pace.is_quick());
        let quick = (0..100).position(|_| {
            pace.took(Duration::from_micros(150));
            pace.is_quick()
        });
        assert!(quick.is_some_and(|groups| groups > 8), "{quick:?}");
    }
}
