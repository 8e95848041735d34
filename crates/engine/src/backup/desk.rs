//! Where a backup and the checkpointer meet.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::BackupError;
use crate::base::BaseSnapshot;
use crate::log::Lsn;

/// What the checkpointer hands over.
pub(crate) struct Ready {
    pub(crate) checkpoint: u64,
    /// Up to where each partition's rows are in the snapshot.
    pub(crate) positions: Vec<Lsn>,
    /// No row rests on a later moment of engine time.
    pub(crate) clock_up_to_ms: u64,
    /// Engine time.
    pub(crate) taken_at_ms: u64,
    pub(crate) snapshot: Box<dyn BaseSnapshot>,
}

/// Has place for one backup.
#[derive(Default)]
pub(crate) struct Desk {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
enum State {
    #[default]
    Free,
    /// For the next checkpoint that begins: one under way may have begun too early.
    Asked,
    /// The checkpoint has begun.
    Begun,
    Ready(Ready),
    Taken,
    /// No further checkpoint comes.
    Over,
}

impl Desk {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn ask(&self) -> Result<(), BackupError> {
        let mut state = self.lock();
        match *state {
            State::Free => *state = State::Asked,
            State::Over => return Err(BackupError::Stopping),
            State::Asked | State::Begun | State::Ready(_) | State::Taken => {
                return Err(BackupError::Busy);
            }
        }
        Ok(())
    }

    /// Whoever has asked needs the place no more.
    pub(super) fn leave(&self) {
        let mut state = self.lock();
        if !matches!(*state, State::Over) {
            *state = State::Free;
        }
    }

    /// What was asked for, if it comes in time.
    pub(super) fn wait(&self, at_most: Duration) -> Result<Option<Ready>, BackupError> {
        let comes = |state: &mut State| matches!(state, State::Asked | State::Begun);
        let waited = self
            .changed
            .wait_timeout_while(self.lock(), at_most, comes)
            .unwrap_or_else(PoisonError::into_inner);
        let (mut state, _) = waited;
        match std::mem::replace(&mut *state, State::Taken) {
            State::Ready(ready) => Ok(Some(ready)),
            State::Over => {
                *state = State::Over;
                Err(BackupError::Stopping)
            }
            before @ (State::Free | State::Asked | State::Begun | State::Taken) => {
                *state = before;
                Ok(None)
            }
        }
    }

    /// A checkpoint begins.
    pub(crate) fn begin(&self) {
        let mut state = self.lock();
        if matches!(*state, State::Asked) {
            *state = State::Begun;
        }
    }

    /// A checkpoint has ended; `ready` tells what the base holds now.
    pub(crate) fn end(&self, ready: impl FnOnce() -> Ready) {
        let mut state = self.lock();
        if matches!(*state, State::Begun) {
            *state = State::Ready(ready());
            self.changed.notify_all();
        }
    }

    /// No further checkpoint comes.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        if !matches!(*state, State::Ready(_)) {
            *state = State::Over;
        }
        self.changed.notify_all();
    }
}
