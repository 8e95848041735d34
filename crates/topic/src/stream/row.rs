//! The tables of the domain and their rows: groups of streams. They know neither leases nor tries: what a consumer was given is pending until it is
//! acknowledged, or claimed by another one.

use compact_str::CompactString;
use minicbor::{Decode, Encode};
use tidegate_engine::{Row, Table};

use super::id::StreamId;

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

/// The groups of a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(super) struct GroupNames {
    /// In the order of their bytes.
    #[cbor(n(0), with = "names")]
    pub(super) names: Vec<CompactString>,
}

impl Row for GroupNames {}

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
    #[cbor(n(2), with = "tidegate_engine::text")]
    pub(super) consumer: CompactString,
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

/// The chunk of a position.
pub(super) fn chunk_of(position: u64) -> u64 {
    position / CHUNK_POSITIONS
}

/// Names as a list of texts.
mod names {
    use compact_str::CompactString;
    use minicbor::decode::Error;
    use minicbor::encode::Write;
    use minicbor::{Decoder, Encoder};

    pub(super) fn encode<C, W: Write>(
        names: &[CompactString],
        out: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        out.array(names.len() as u64)?;
        names.iter().try_for_each(|name| out.str(name).map(drop))
    }

    pub(super) fn decode<'b, C>(
        bytes: &mut Decoder<'b>,
        _: &mut C,
    ) -> Result<Vec<CompactString>, Error> {
        let names = bytes.array_iter::<&'b str>()?;
        names.map(|name| name.map(CompactString::new)).collect()
    }
}

#[cfg(test)]
mod tests {
    use tidegate_engine::testing::hex;

    use super::*;

    #[test]
    fn rows_of_streams_are_frozen() {
        let id = StreamId { ms: 1, seq: 2 };
        let groups = GroupNames {
            names: vec!["g".into(), "h".into()],
        };
        let group = Group {
            last: id,
            next: 3,
            pending: 4,
            consumers: vec![Consumer {
                name: "c".into(),
                seen_at_ms: 5,
                active_at_ms: 6,
                pending: 7,
            }],
            chunks: vec![8, 9],
        };
        let chunk = PendingChunk {
            entries: vec![Pending {
                position: 10,
                id,
                consumer: "c".into(),
                at_ms: 11,
                deliveries: 12,
            }],
        };
        let rows = [hex(&groups), hex(&group), hex(&chunk)];
        let expected = [
            "a10082616761 68",
            "a50082010201030204038184616305060704820809",
            "a10081850a82010261630b0c",
        ];
        assert_eq!(rows, expected.map(|row| row.replace(' ', "")));
    }
}
