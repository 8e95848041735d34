//! What whoever adds a job has said about it, beside what is to be done.

use minicbor::{Decode, Encode};
use tidegate_engine::Backoff;

/// The terms of a job. Those that nobody has named are the usual ones, and its row does not say them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Terms {
    /// Tries behind the first one.
    #[n(0)]
    pub(crate) retries: u32,
    #[n(1)]
    pub(crate) backoff_ms: u64,
    #[n(2)]
    pub(crate) backoff_max_ms: u64,
    /// How long a lease lasts.
    #[n(3)]
    pub(crate) timeout_ms: u64,
    /// How long it is kept once it has ended, unless it is dead.
    #[n(4)]
    pub(crate) keep_ms: u64,
}

/// Frozen: rows that say nothing mean these.
const USUAL: Terms = Terms {
    retries: 10,
    backoff_ms: 1_000,
    backoff_max_ms: 3_600_000,
    timeout_ms: 60_000,
    keep_ms: 600_000,
};

impl Terms {
    /// As a row has them: nothing if they are the usual ones.
    pub(crate) fn stored(self) -> Option<Box<Self>> {
        (self != USUAL).then(|| Box::new(self))
    }

    /// What a row means.
    pub(crate) fn of(stored: Option<&Self>) -> Self {
        stored.copied().unwrap_or(USUAL)
    }

    /// How long a job rests after so many tries. The number is its own.
    pub(crate) fn rest_ms(self, number: u64, tries: u32) -> u64 {
        let backoff = Backoff {
            min_ms: self.backoff_ms,
            max_ms: self.backoff_max_ms,
        };
        backoff.rest_ms(number, tries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_terms_are_not_stored_and_read_back() {
        assert_eq!(USUAL.stored(), None);
        assert_eq!(Terms::of(None), USUAL);
        let other = Terms {
            retries: 0,
            ..USUAL
        };
        assert_eq!(Terms::of(other.stored().as_deref()), other);
    }

    #[test]
    fn rests_double_up_to_the_longest() {
        for (tries, longest) in [(1, 1_000), (2, 2_000), (13, 3_600_000)] {
            let rest = USUAL.rest_ms(7, tries);
            assert!((longest / 2..=longest).contains(&rest), "{tries}: {rest}");
        }
    }
}
