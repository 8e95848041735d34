//! Secrets that everybody can guess, so that a run can be repeated.

use std::sync::{Mutex, PoisonError};

use crate::random::{Entropy, Random};

/// Gives the same bytes for the same seed.
#[derive(Debug)]
pub(super) struct SeededEntropy(Mutex<Random>);

impl SeededEntropy {
    pub(super) fn new(seed: u64) -> Self {
        Self(Mutex::new(Random::new(seed)))
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        let mut random = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for chunk in bytes.chunks_mut(8) {
            let fresh = random.next_u64().to_le_bytes();
            chunk.copy_from_slice(&fresh[..chunk.len()]);
        }
    }
}
