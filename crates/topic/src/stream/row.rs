//! The tables of the domain and their rows: groups of streams. They know neither leases nor tries: what a consumer was given is pending until it is
//! acknowledged, or claimed by another one.

use compact_str::CompactString;
use minicbor::{Decode, Encode};
use tidegate_engine::limits::{NAME_BYTES_MAX, RECORD_BYTES_MAX};
use tidegate_engine::{Row, Table};

use super::id::StreamId;
use crate::table::GroupNames;
use crate::{CONSUMERS_MAX, PENDING_CHUNKS_MAX, PENDING_MAX};

/// The domain's number in stored formats.
pub(super) const DOMAIN: u8 = 6;

/// By stream, of those that have groups: their names.
pub(super) const NAMES: Table<GroupNames> = Table::keyed(DOMAIN, 0, "stream.names");
/// By stream and group.
pub(super) const GROUPS: Table<Group> = Table::keyed(DOMAIN, 1, "stream.groups");
/// By stream, group and chunk of positions.
pub(super) const PENDING: Table<PendingChunk> = Table::keyed(DOMAIN, 2, "stream.pending");

/// Positions whose pending entries lie in one row.
pub(super) const CHUNK_POSITIONS: u64 = 64;

/// A group of a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(super) struct Group {
    /// Entries up to this id were given to it.
    #[n(0)]
    pub(super) last: StreamId,
    /// The position at which it goes on.
    #[n(1)]
    pub(super) next: u64,
    /// How many entries are pending.
    #[n(2)]
    pub(super) pending: u64,
    /// In the order of the bytes of their names.
    #[n(3)]
    pub(super) consumers: Vec<Consumer>,
    /// The chunks of positions in which entries are pending, ascending.
    #[n(4)]
    pub(super) chunks: Vec<u64>,
}

impl Row for Group {}

/// A consumer of a group.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub(super) struct Consumer {
    #[cbor(n(0), with = "tidegate_engine::text")]
    pub(super) name: CompactString,
    /// When it was created, or something was done in its name.
    #[n(1)]
    pub(super) seen_at_ms: u64,
    /// When it was given something; 0 for never.
    #[n(2)]
    pub(super) active_at_ms: u64,
    #[n(3)]
    pub(super) pending: u64,
    /// No other one of the group has it: by this its pending entries name it, in a few bytes.
    #[n(4)]
    pub(super) number: u8,
}

/// The entries of [`CHUNK_POSITIONS`] positions that are pending: a row as long as there are some.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(super) struct PendingChunk {
    /// By their positions.
    #[n(0)]
    pub(super) entries: Vec<Pending>,
}

impl Row for PendingChunk {}

/// An entry that was given to a consumer, and is not acknowledged.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub(super) struct Pending {
    #[n(0)]
    pub(super) position: u64,
    #[n(1)]
    pub(super) id: StreamId,
    /// The number of the consumer.
    #[n(2)]
    pub(super) consumer: u8,
    /// When it was given to that.
    #[n(3)]
    pub(super) at_ms: u64,
    /// How often it was given to somebody.
    #[n(4)]
    pub(super) deliveries: u64,
}

impl Pending {
    pub(super) fn idle_ms(&self, now_ms: u64) -> u64 {
        now_ms.saturating_sub(self.at_ms)
    }
}

/// Bytes of a key of two names and a number, with what the log has beside it.
const KEY_BYTES_MAX: usize = 2 + 2 * (NAME_BYTES_MAX + 1) + 8 + 9;
/// Bytes of a number in a row.
const NUMBER_BYTES_MAX: usize = 9;
/// Bytes of a pending entry in its row: five numbers, the consumer's, and the heads of two arrays.
const PENDING_BYTES_MAX: usize = 5 * NUMBER_BYTES_MAX + 4;
/// Bytes of a consumer in the row of its group: a name, three numbers, its own, and heads.
const CONSUMER_BYTES_MAX: usize = NAME_BYTES_MAX + 3 * NUMBER_BYTES_MAX + 5;
/// Bytes of the row of a group.
const GROUP_BYTES_MAX: usize = CONSUMERS_MAX * CONSUMER_BYTES_MAX
    + PENDING_CHUNKS_MAX * NUMBER_BYTES_MAX
    + 8 * NUMBER_BYTES_MAX;
/// Bytes of all rows of a group, but for the entries that are pending.
const ROWS_BYTES_MAX: usize =
    KEY_BYTES_MAX + GROUP_BYTES_MAX + PENDING_CHUNKS_MAX * (KEY_BYTES_MAX + NUMBER_BYTES_MAX);
/// Bytes of the entries that are pending.
const ENTRIES_BYTES_MAX: u64 = PENDING_MAX * PENDING_BYTES_MAX as u64;

// One command may change all rows of a group, whatever their names are: that is one record.
const _: () = assert!(ROWS_BYTES_MAX as u64 + ENTRIES_BYTES_MAX < RECORD_BYTES_MAX as u64);
const _: () = assert!(CONSUMERS_MAX <= 1 << u8::BITS);

/// The chunk of a position.
pub(super) fn chunk_of(position: u64) -> u64 {
    position / CHUNK_POSITIONS
}

#[cfg(test)]
mod tests {
    use tidegate_engine::testing::hex;

    use super::*;

    #[test]
    fn rows_of_streams_are_frozen() {
        let id = StreamId { ms: 1, seq: 2 };
        let group = Group {
            last: id,
            next: 3,
            pending: 4,
            consumers: vec![Consumer {
                name: "c".into(),
                seen_at_ms: 5,
                active_at_ms: 6,
                pending: 7,
                number: 24,
            }],
            chunks: vec![8, 9],
        };
        let chunk = PendingChunk {
            entries: vec![Pending {
                position: 10,
                id,
                consumer: 24,
                at_ms: 11,
                deliveries: 12,
            }],
        };
        let rows = [hex(&group), hex(&chunk)];
        let expected = [
            "a500820102010302040381856163050607181804820809",
            "a10081850a82010218180b0c",
        ];
        assert_eq!(rows, expected);
    }

    #[test]
    fn the_largest_rows_have_no_more_bytes_than_they_are_taken_to_have() {
        let id = StreamId::GREATEST;
        let pending = Pending {
            position: u64::MAX,
            id,
            consumer: u8::MAX,
            at_ms: u64::MAX,
            deliveries: u64::MAX,
        };
        let consumer = Consumer {
            name: "c".repeat(NAME_BYTES_MAX).into(),
            seen_at_ms: u64::MAX,
            active_at_ms: u64::MAX,
            pending: u64::MAX,
            number: u8::MAX,
        };
        let group = Group {
            last: id,
            next: u64::MAX,
            pending: u64::MAX,
            consumers: vec![consumer; CONSUMERS_MAX],
            chunks: vec![u64::MAX; PENDING_CHUNKS_MAX],
        };
        let chunk = |count| PendingChunk {
            entries: vec![pending.clone(); count],
        };
        let bytes = |hex: String| hex.len() / 2;
        assert!(bytes(hex(&group)) <= GROUP_BYTES_MAX);
        assert!(bytes(hex(&chunk(64))) <= NUMBER_BYTES_MAX + 64 * PENDING_BYTES_MAX);
    }
}
