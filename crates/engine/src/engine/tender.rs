//! What keeps the base in order.

use std::sync::Arc;

use crate::base::{BaseError, Tend};
use crate::disk::Disk;
use crate::filter::Completion;
use crate::shared::Shared;

/// Keeps a part of the base in order, beside everything else. One thread steps it.
pub struct Tender {
    shared: Arc<Shared>,
    /// The folder is its own until it ends.
    _disk: Arc<dyn Disk>,
    what: Tend,
    /// What filters have to learn of the base, if it is this one's to do.
    completion: Option<Completion>,
}

impl Tender {
    pub(super) fn new(
        what: Tend,
        completion: Option<Completion>,
        disk: &Arc<dyn Disk>,
        shared: &Arc<Shared>,
    ) -> Self {
        Self {
            shared: Arc::clone(shared),
            _disk: Arc::clone(disk),
            what,
            completion,
        }
    }

    /// Learns some more of the keys that the base has, and puts some of its files in order; `true` if
    /// there is more to do.
    ///
    /// # Errors
    /// The base failed: the process must stop.
    pub fn step(&mut self) -> Result<bool, BaseError> {
        let Shared { base, filters, .. } = &*self.shared;
        let has_learnt = match &mut self.completion {
            Some(completion) => completion.step(filters, &**base)?,
            None => false,
        };
        match base.tend(self.what) {
            // What is out of order can still be read: it is put in order once there is room.
            Err(error) if error.is_full() => Ok(has_learnt),
            tended => Ok(tended? || has_learnt),
        }
    }

    /// Whether the engine is stopping.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.shared.is_stopping()
    }
}
