//! What makes records durable.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use crate::log::{Did, LogError, LogWriter, Room};
use crate::shared::Shared;

/// Makes records durable. One thread steps it; an executor may step it for a client that is alone.
#[derive(Clone)]
pub struct Writer {
    pub(super) inner: Arc<Mutex<LogWriter>>,
    pub(super) shared: Arc<Shared>,
}

impl Writer {
    fn lock(&self) -> MutexGuard<'_, LogWriter> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what waits as one group, and wakes the executors whose answers rested on it.
    ///
    /// # Errors
    /// The log failed: whether the group is durable is unknown, and the process must stop.
    pub fn step(&self) -> Result<Did, LogError> {
        self.write(&mut self.lock())
    }

    /// Whether one client alone waits for what there is to write, and nobody else is soon to ask.
    #[must_use]
    pub fn is_for_one(&self) -> bool {
        self.shared.log.is_for_one()
    }

    /// Does as [`Writer::step`] where [`Writer::is_for_one`], unless something is being written: `None` then. To hand
    /// this to another thread and back takes about as long as a quick disk.
    ///
    /// # Errors
    /// As for [`Writer::step`].
    pub fn step_for_one(&self) -> Result<Option<Did>, LogError> {
        let mut inner = match self.inner.try_lock() {
            Ok(inner) => inner,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return Ok(None),
        };
        self.write(&mut inner).map(Some)
    }

    /// Wakes the thread that steps it if what the executors have handed over is urgent. To be called after each step of
    /// an executor.
    pub fn rouse(&self) {
        self.shared.log.rouse();
    }

    fn write(&self, inner: &mut LogWriter) -> Result<Did, LogError> {
        let shared = &*self.shared;
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

    /// How many groups were written since the start.
    #[must_use]
    pub fn groups(&self) -> u64 {
        self.shared.metrics.groups_durable.get()
    }

    /// Covers the last group with a mark, if it is not covered.
    ///
    /// # Errors
    /// As for [`Writer::step`].
    pub fn seal(&self) -> Result<(), LogError> {
        let mut inner = self.lock();
        if !inner.is_sealed() {
            let sealed = inner.seal()?;
            self.shared.metrics.seals.add(u64::from(sealed));
        }
        Ok(())
    }

    /// Waits for something to write; `false` once the engine has finished.
    #[must_use]
    pub fn wait(&self, at_most: Duration) -> bool {
        self.shared.log.wait(at_most)
    }

    /// Gives those who were just answered a moment to send more, so that one sync serves many.
    pub fn linger(&self, at_most: Duration) {
        self.shared.log.linger(at_most);
    }
}
