//! The hash of keyed tables: XXH3 in one go, from a seed that outsiders cannot guess.
//!
//! The library's own `Hasher` sets up a state of half a kilobyte for every key; keys here are a few
//! dozen bytes and hashed whole.

use std::hash::{BuildHasher, Hasher};

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Makes hashers of one seed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seeded(u64);

impl Seeded {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }
}

impl BuildHasher for Seeded {
    type Hasher = OneShot;

    fn build_hasher(&self) -> OneShot {
        OneShot(self.0)
    }
}

/// The hash of what was written so far.
#[derive(Debug)]
pub(crate) struct OneShot(u64);

impl Hasher for OneShot {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = xxh3_64_with_seed(bytes, self.0);
    }

    /// The length in front of a slice, which its bytes tell as well.
    fn write_usize(&mut self, _length: usize) {}

    fn finish(&self) -> u64 {
        self.0
    }
}
