//! How much is taken in at one time.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::limits::BODIES_BYTES_MAX;
use crate::problem::{self, Problem};

/// Room for requests and for the bytes of their bodies. Nobody waits for room: who finds none is
/// told BUSY at once.
pub(crate) struct Admission {
    requests: Arc<Semaphore>,
    body_bytes: Arc<Semaphore>,
}

impl Admission {
    pub(crate) fn new(requests_max: usize) -> Self {
        Self {
            requests: Arc::new(Semaphore::new(requests_max.min(Semaphore::MAX_PERMITS))),
            body_bytes: Arc::new(Semaphore::new(BODIES_BYTES_MAX)),
        }
    }

    /// Room for one request, until the permit is dropped.
    pub(crate) fn request(&self) -> Result<OwnedSemaphorePermit, Problem> {
        let permit = Arc::clone(&self.requests).try_acquire_owned();
        permit.map_err(|_| Problem::plain(problem::BUSY))
    }

    /// Room for some bytes of a body, until the permit is dropped.
    pub(crate) fn bytes(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Problem> {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let permit = Arc::clone(&self.body_bytes).try_acquire_many_owned(bytes);
        permit.map_err(|_| Problem::plain(problem::BUSY))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_finds_no_room_is_refused_until_someone_leaves() {
        let admission = Admission::new(1);
        let first = admission.request().expect("because there is room for one");
        assert!(admission.request().is_err());
        drop(first);
        assert!(admission.request().is_ok());

        let half = admission
            .bytes(BODIES_BYTES_MAX / 2 + 1)
            .expect("because nothing is taken");
        assert!(admission.bytes(BODIES_BYTES_MAX / 2).is_err());
        drop(half);
        assert!(admission.bytes(BODIES_BYTES_MAX).is_ok());
    }
}
