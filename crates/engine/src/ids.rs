//! Ids: 64 bits, unique for ever, ascending within a partition.
//!
//! From the top: one zero bit, 41 bits of milliseconds since 2025-01-01, 10 bits of partition,
//! 12 bits of sequence. The milliseconds are engine time, so a clock that steps back cannot
//! repeat one: a start begins after the last moment that was promised durably.

use crate::key::PartitionId;

/// 2025-01-01T00:00:00Z in milliseconds since 1970.
pub(crate) const EPOCH_MS: u64 = 1_735_689_600_000;

const SEQUENCE_BITS: u32 = 12;
const PARTITION_BITS: u32 = 10;
const MS_MAX: u64 = (1 << 41) - 1;

/// The first id that can be minted at this time; those of earlier times are below it.
pub(crate) fn first_of(ms: u64) -> u64 {
    ms.saturating_sub(EPOCH_MS).min(MS_MAX) << (PARTITION_BITS + SEQUENCE_BITS)
}

/// The partition that minted an id.
pub(crate) fn partition_of(id: u64) -> PartitionId {
    let partition = id >> SEQUENCE_BITS & ((1 << PARTITION_BITS) - 1);
    PartitionId(u16::try_from(partition).expect("because it has 10 bits"))
}

/// The millisecond for which an id was minted, since 1970; none of what is no id.
pub(crate) fn ms_of(id: u64) -> Option<u64> {
    let is_id = id >> 63 == 0;
    is_id.then_some((id >> (PARTITION_BITS + SEQUENCE_BITS)) + EPOCH_MS)
}

/// Makes the ids of one partition.
#[derive(Debug, Default)]
pub(crate) struct Minter {
    ms: u64,
    sequence: u64,
}

impl Minter {
    /// The last id that was minted; that of the beginning of time if there was none.
    pub(crate) fn last(&self, partition: PartitionId) -> u64 {
        self.ms << (PARTITION_BITS + SEQUENCE_BITS)
            | u64::from(partition.0) << SEQUENCE_BITS
            | self.sequence
    }

    pub(crate) fn mint(&mut self, partition: PartitionId, now_ms: u64) -> u64 {
        let ms = now_ms.saturating_sub(EPOCH_MS).min(MS_MAX);
        if ms > self.ms {
            (self.ms, self.sequence) = (ms, 0);
        } else if self.sequence + 1 < 1 << SEQUENCE_BITS {
            self.sequence += 1;
        } else {
            // Spent: borrow the next millisecond. A batch mints a few thousand ids, for commands,
            // timers and events, so the loan stays far below the promise of the durable clock.
            (self.ms, self.sequence) = (self.ms + 1, 0);
        }
        self.last(partition)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_ascend_though_the_clock_steps_back_or_stands() {
        let mut minter = Minter::default();
        let start = EPOCH_MS + 1_000;
        let times = [0, 5, 3, 5]
            .into_iter()
            .chain(std::iter::repeat_n(5, 10_000));
        let ids: Vec<_> = times
            .map(|ms| minter.mint(PartitionId(3), start + ms))
            .collect();
        assert!(ids.is_sorted_by(|a, b| a < b));
        assert!(ids.iter().all(|id| id >> 12 & 1023 == 3 && id >> 63 == 0));
    }

    #[test]
    fn layout_is_frozen() {
        let id = Minter::default().mint(PartitionId(5), EPOCH_MS + 1);
        assert_eq!(id, 1 << 22 | 5 << 12);
        assert_eq!(partition_of(id), PartitionId(5));
        assert_eq!(ms_of(id), Some(EPOCH_MS + 1));
        assert_eq!(ms_of(id | 1 << 63), None);
    }
}
