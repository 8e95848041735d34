//! What makes records durable.

use std::sync::Arc;
use std::time::Duration;

use crate::log::{Did, LogError, LogWriter, Room};
use crate::shared::Shared;

/// Makes records durable. One thread steps it.
pub struct Writer {
    inner: LogWriter,
    shared: Arc<Shared>,
}

impl Writer {
    /// One that writes a log, and wakes those who share this.
    pub(crate) fn over(inner: LogWriter, shared: Arc<Shared>) -> Self {
        Self { inner, shared }
    }

    /// Writes what waits as one group, and wakes the executors whose answers rested on it.
    ///
    /// # Errors
    /// The log failed: whether the group is durable is unknown, and the process must stop.
    pub fn step(&mut self) -> Result<Did, LogError> {
        let Self { inner, shared } = self;
        let mut records = 0;
        let did = inner.step(&mut |partition, lsn| {
            shared.set_durable(partition, lsn);
            shared.wake(partition);
            records += 1;
        })?;
        let has = inner.room()?; // Also when it is full: this is what tries to make more.
        let room = match did {
            Did::Full => Room::Short {
                finishes: false,
                is_full: true,
            },
            Did::Wrote | Did::Nothing => has,
        };
        shared.set_room(room);
        shared.set_log_bytes(inner.bytes());
        let is_full = matches!(has, Room::Short { is_full: true, .. });
        shared.set_stuck(did == Did::Full && is_full);
        // Some wait for more than their own records: for the clock's promise, or for room.
        if did != Did::Full && inner.was_for_all() {
            shared.wake_all();
        }
        if did == Did::Wrote {
            shared.metrics.groups_durable.add(1);
            shared.metrics.records_durable.add(records);
            if records > 0 {
                shared.checkpoints.told_durable();
            }
        }
        Ok(did)
    }

    /// Whether the engine is stopping, and a full disk keeps what waits from being written.
    #[must_use]
    pub fn may_give_up(&self) -> bool {
        self.shared.is_stuck() && self.shared.is_stopping()
    }

    /// Covers the last group with a mark, if it is not covered.
    ///
    /// # Errors
    /// As for [`Writer::step`].
    pub fn seal(&mut self) -> Result<(), LogError> {
        if !self.inner.is_sealed() {
            let sealed = self.inner.seal()?;
            self.shared.metrics.seals.add(u64::from(sealed));
        }
        Ok(())
    }

    /// Whether the last group is covered by a mark.
    #[must_use]
    pub fn is_sealed(&self) -> bool {
        self.inner.is_sealed()
    }

    /// Waits for something to write; `false` once the engine has finished.
    #[must_use]
    pub fn wait(&self, at_most: Duration) -> bool {
        self.inner.wait(at_most)
    }

    /// Gives those who were just answered a moment to send more, so that one sync serves many.
    pub fn linger(&self, at_most: Duration) {
        self.inner.linger(at_most);
    }
}
