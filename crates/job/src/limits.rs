//! What a queue lets begin: whether it is open at all, how many jobs at once, and how many in a time; and the same for
//! each group of its jobs.

use minicbor::{Decode, Encode};
use tidegate_engine::Rate;

/// What a queue does not do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub(crate) enum Halt {
    /// None of its jobs is taken.
    #[n(1)]
    Paused,
    /// No job is added to it.
    #[n(2)]
    Draining,
}

/// How many of something may begin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Limit {
    /// At once; 0 is no limit.
    #[cbor(n(0), skip_if = "tidegate_engine::is_zero")]
    pub(crate) concurrency: u64,
    /// In a time; 0 is no limit.
    #[cbor(n(1), skip_if = "tidegate_engine::is_zero")]
    pub(crate) rate: u64,
    /// That time, in milliseconds.
    #[cbor(n(2), skip_if = "tidegate_engine::is_zero")]
    pub(crate) per_ms: u64,
    /// Of which so many may begin at once.
    #[cbor(n(3), skip_if = "tidegate_engine::is_zero")]
    pub(crate) burst: u64,
}

/// What jobs of a group wait for, to be taken together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Batch {
    /// So many of them.
    #[n(0)]
    pub(crate) jobs: u64,
    /// Or so many bytes of payloads.
    #[n(1)]
    pub(crate) bytes: u64,
    /// Or that none has come for so long.
    #[n(2)]
    pub(crate) grace_ms: u64,
    /// Or that the first one has waited for so long.
    #[n(3)]
    pub(crate) delay_ms: u64,
}

/// The limits of a queue, and of each group of its jobs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Limits {
    #[n(0)]
    pub(crate) queue: Limit,
    #[n(1)]
    pub(crate) group: Limit,
    /// Then the jobs of a group are taken together, and `group` is none.
    #[n(2)]
    pub(crate) batch: Option<Batch>,
}

/// Whether one more may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum May {
    /// Then this is when the next one is expected, in µs.
    Begin { next_us: u64 },
    /// Not before one ends.
    Full,
    /// At this time at the earliest.
    At { at_ms: u64 },
}

impl Limit {
    pub(crate) fn is_none(&self) -> bool {
        self.concurrency == 0 && self.rate == 0
    }

    /// Whether one more may begin beside so many, with the next one expected then.
    pub(crate) fn may(&self, running: u64, expected_us: u64, now_ms: u64) -> May {
        if self.concurrency > 0 && running >= self.concurrency {
            return May::Full;
        }
        let Some(rate) = Rate::of(self.rate, self.per_ms, self.burst) else {
            return May::Begin { next_us: 0 };
        };
        // What a slower limit has left before holds no longer.
        let expected_us = expected_us.min(rate.latest_us(now_ms));
        match rate.arrive(Some(expected_us), now_ms) {
            Ok(next_us) => May::Begin { next_us },
            Err(wait_ms) => May::At {
                at_ms: now_ms + wait_ms,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_MS: u64 = 1_800_000_000_000;

    #[test]
    fn none_is_no_limit() {
        let none = Limit::default();
        assert!(none.is_none());
        assert_eq!(
            none.may(u64::MAX, u64::MAX, NOW_MS),
            May::Begin { next_us: 0 }
        );
    }

    #[test]
    fn so_many_begin_at_once_and_so_many_in_a_time() {
        let limit = Limit {
            concurrency: 2,
            rate: 10,
            per_ms: 1_000,
            burst: 1,
        };
        let May::Begin { next_us } = limit.may(1, 0, NOW_MS) else {
            panic!("one runs of two");
        };
        assert_eq!(next_us, (NOW_MS + 100) * 1_000);
        assert_eq!(limit.may(2, 0, NOW_MS), May::Full);
        let at_ms = NOW_MS + 100;
        for expected_us in [next_us, u64::MAX] {
            assert_eq!(limit.may(1, expected_us, NOW_MS), May::At { at_ms });
        }
    }
}
