//! What is left to chance, drawn from the seed: for each person and thing by itself, so that a crowd does the
//! same again whatever the server answers in between.

use tidegate_engine::Random;
use xxhash_rust::xxh3::Xxh3;

/// The numbers that decide about this of somebody.
pub(super) fn dice(seed: u64, about: &str, number: u32) -> Random {
    let mut hash = Xxh3::with_seed(seed);
    hash.update(about.as_bytes());
    hash.update(&number.to_le_bytes());
    Random::new(hash.digest())
}

/// A number from 0 to just below 1.
pub(super) fn fraction(random: &mut Random) -> f64 {
    // As many bits as the fraction of a double has.
    (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
}

/// A time from `min_ms` to `max_ms`.
pub(super) fn between(random: &mut Random, min_ms: u64, max_ms: u64) -> u64 {
    min_ms + random.below(max_ms.saturating_sub(min_ms) + 1)
}
