//! Rows of topics and of their messages.

use compact_str::CompactString;
use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};
use tidegate_engine::Row;

use super::Group;
use crate::READ_BYTES_MAX;
use crate::stream::StreamId;

/// A topic, as it was declared.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Topic {
    #[n(0)]
    pub(crate) version: u64,
    #[n(1)]
    pub(crate) created_at_ms: u64,
    #[cbor(n(2), with = "tidegate_engine::text")]
    pub(crate) owner: CompactString,
    #[cbor(n(3), with = "tidegate_engine::text")]
    pub(crate) description: CompactString,
    /// How many groups it has.
    #[n(4)]
    pub(crate) groups: u64,
}

impl Row for Topic {}

impl Topic {
    /// One of which nothing is said.
    pub(crate) fn unsaid(now_ms: u64) -> Self {
        Self {
            version: 1,
            created_at_ms: now_ms,
            owner: CompactString::default(),
            description: CompactString::default(),
            groups: 0,
        }
    }
}

/// What the messages of a topic add up to, and how many of them are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Part {
    /// The position of the last message; 0 before the first one.
    #[n(0)]
    pub(crate) last: u64,
    /// Bytes of payloads and headers.
    #[n(1)]
    pub(crate) bytes: u64,
    /// Messages whose time has not come.
    #[n(2)]
    pub(crate) delayed: u64,
    /// When the last message was published.
    #[n(3)]
    pub(crate) last_at_ms: u64,
    /// The position of the first message that is kept; that behind the last one if none is.
    #[n(4)]
    pub(crate) first: u64,
    /// When that was published; 0 if none is kept.
    #[n(5)]
    pub(crate) first_at_ms: u64,
    /// How long messages are kept; 0 for ever.
    #[cbor(n(6), skip_if = "tidegate_engine::is_zero")]
    pub(crate) retain_ms: u64,
    /// How many bytes are kept; 0 for all.
    #[cbor(n(7), skip_if = "tidegate_engine::is_zero")]
    pub(crate) retain_bytes: u64,
    /// How many messages are kept; 0 for all.
    #[cbor(n(8), skip_if = "tidegate_engine::is_zero")]
    pub(crate) retain_count: u64,
    /// When it is looked at what need not be kept; 0 for never.
    #[cbor(n(9), skip_if = "tidegate_engine::is_zero")]
    pub(crate) retains_at_ms: u64,
    /// Positions that are pinned.
    #[cbor(n(10), skip_if = "tidegate_engine::is_zero")]
    pub(crate) pins: u64,
    /// Payloads are to be as the topic's schema says.
    #[cbor(n(11), skip_if = "std::ops::Not::not")]
    pub(crate) has_schema: bool,
    /// The id of the last message as an entry of a stream, if that is kept with it: see [`Message::id`].
    #[cbor(n(16), skip_if = "StreamId::is_none")]
    pub(crate) id: StreamId,
    /// How many of the messages that are kept were deleted.
    #[cbor(n(17), skip_if = "tidegate_engine::is_zero")]
    pub(crate) deleted: u64,
    /// Groups of the stream.
    #[cbor(n(18), skip_if = "tidegate_engine::is_zero")]
    pub(crate) stream_groups: u64,
    /// The number of the last message that was delayed.
    #[cbor(n(19), skip_if = "tidegate_engine::is_zero")]
    pub(crate) delays: u64,
    /// With so many moves its groups begin: those of topics that had the name before had fewer.
    #[cbor(n(20), skip_if = "tidegate_engine::is_zero")]
    pub(crate) moves_from: u64,
}

impl Row for Part {}

impl Part {
    /// Of a topic without messages.
    pub(crate) fn fresh() -> Self {
        Self {
            last: 0,
            bytes: 0,
            delayed: 0,
            last_at_ms: 0,
            first: 1,
            first_at_ms: 0,
            retain_ms: 0,
            retain_bytes: 0,
            retain_count: 0,
            retains_at_ms: 0,
            pins: 0,
            has_schema: false,
            id: StreamId::NONE,
            deleted: 0,
            stream_groups: 0,
            delays: 0,
            moves_from: 0,
        }
    }

    /// The id of the last message as an entry of a stream, whether that is kept or not; none before the first one.
    pub(crate) fn last_id(&self) -> StreamId {
        match self.last {
            0 => StreamId::NONE,
            last => id_of(self.id, self.last_at_ms, last),
        }
    }

    /// Messages that are kept, but for those that were deleted.
    pub(crate) fn live(&self) -> u64 {
        self.count() - self.deleted
    }

    /// Messages that are kept.
    pub(crate) fn count(&self) -> u64 {
        self.last + 1 - self.first
    }

    /// How many of its messages, and `most` at most, have as many bytes as one read answers with, by their size on average:
    /// so many are worth to be read at once.
    pub(crate) fn at_once(&self, most: u64) -> u64 {
        let average = self.bytes / self.count().max(1);
        (READ_BYTES_MAX as u64 / average.max(1)).clamp(1, most)
    }

    /// Messages that a group has not settled.
    pub(crate) fn lag(&self, group: &Group) -> u64 {
        (self.last + 1).saturating_sub(group.next.max(self.first)) + group.open
    }

    /// From when on the first message need not be kept, if ever.
    pub(crate) fn drops_at_ms(&self, now_ms: u64) -> Option<u64> {
        let is_over = |kept: u64, most: u64| most > 0 && kept > most;
        if self.count() == 0 {
            None
        } else if is_over(self.count(), self.retain_count) || is_over(self.bytes, self.retain_bytes)
        {
            Some(now_ms)
        } else {
            (self.retain_ms > 0).then(|| self.first_at_ms.saturating_add(self.retain_ms))
        }
    }
}

/// How the payloads of a topic are to be.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct SchemaRow {
    /// The text of the schema, as it was sent.
    #[cbor(n(0), with = "tidegate_engine::text")]
    pub(crate) text: CompactString,
}

impl Row for SchemaRow {}

/// A message that is kept though it need not be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Pin {
    /// How many groups have it as a dead letter, or as one that is replayed and not settled.
    #[n(0)]
    pub(crate) groups: u64,
}

impl Row for Pin {}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Message {
    /// The id that its publisher has chosen; empty if it was minted.
    #[cbor(
        n(0),
        with = "tidegate_engine::text",
        skip_if = "CompactString::is_empty"
    )]
    pub(crate) chosen: CompactString,
    /// The id that was minted; 0 if it was chosen.
    #[cbor(n(1), skip_if = "tidegate_engine::is_zero")]
    pub(crate) minted: u64,
    /// Empty if it has none.
    #[cbor(
        n(2),
        with = "tidegate_engine::text",
        skip_if = "CompactString::is_empty"
    )]
    pub(crate) key: CompactString,
    /// When it was published; of a delayed one, when it is going to be.
    #[n(3)]
    pub(crate) at_ms: u64,
    /// From when on no group is given it; 0 for never.
    #[cbor(n(4), skip_if = "tidegate_engine::is_zero")]
    pub(crate) expires_at_ms: u64,
    /// The position of the message before it of the same key; 0 if there is none.
    #[cbor(n(5), skip_if = "tidegate_engine::is_zero")]
    pub(crate) before: u64,
    /// A JSON object of texts; empty for none.
    #[cbor(
        n(6),
        with = "tidegate_engine::text",
        skip_if = "CompactString::is_empty"
    )]
    pub(crate) headers: CompactString,
    #[n(7)]
    pub(crate) payload: ByteVec,
    /// Its id as an entry of a stream, if that was chosen, or comes behind one that was chosen beyond the clock. Else it
    /// is when it was published, and its position.
    #[cbor(n(16), skip_if = "StreamId::is_none")]
    pub(crate) id: StreamId,
    /// It was deleted: it has expired, and only its place is kept.
    #[cbor(n(17), skip_if = "std::ops::Not::not")]
    pub(crate) is_deleted: bool,
}

impl Row for Message {}

impl Message {
    /// Bytes that count towards those of its topic.
    pub(crate) fn bytes(&self) -> usize {
        self.payload.len() + self.headers.len()
    }

    /// Its id as an entry of a stream.
    pub(crate) fn id_at(&self, position: u64) -> StreamId {
        id_of(self.id, self.at_ms, position)
    }

    /// Whether no group is given it any more.
    pub(crate) fn is_expired(&self, now_ms: u64) -> bool {
        self.expires_at_ms > 0 && self.expires_at_ms <= now_ms
    }
}

fn id_of(kept: StreamId, at_ms: u64, position: u64) -> StreamId {
    if kept.is_none() {
        StreamId {
            ms: at_ms,
            seq: position,
        }
    } else {
        kept
    }
}

/// What became of a message whose id was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Published {
    #[n(0)]
    pub(crate) content: u64,
    /// Its position; 0 while its time has not come.
    #[n(1)]
    pub(crate) position: u64,
    /// When it was published, or is going to be.
    #[n(2)]
    pub(crate) at_ms: u64,
}

impl Row for Published {}

/// The last message of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct LastOfKey {
    #[n(0)]
    pub(crate) position: u64,
}

impl Row for LastOfKey {}

#[cfg(test)]
mod tests {
    use tidegate_engine::testing::hex;

    use super::*;

    fn message() -> Message {
        Message {
            chosen: "i".into(),
            minted: 0,
            key: "k".into(),
            at_ms: 1_000,
            expires_at_ms: 2_000,
            before: 3,
            headers: "{}".into(),
            payload: b"\xff".to_vec().into(),
            id: StreamId::NONE,
            is_deleted: false,
        }
    }

    #[test]
    fn rows_of_messages_are_frozen() {
        let minted = Message {
            chosen: CompactString::default(),
            minted: 7,
            key: CompactString::default(),
            expires_at_ms: 0,
            before: 0,
            headers: CompactString::default(),
            ..message()
        };
        let entry = Message {
            id: StreamId { ms: 1, seq: 2 },
            is_deleted: true,
            ..minted.clone()
        };
        let topic = Topic {
            version: 1,
            created_at_ms: 2,
            owner: "o".into(),
            description: "d".into(),
            groups: 3,
        };
        let part = Part {
            last: 1,
            bytes: 2,
            delayed: 3,
            last_at_ms: 4,
            first: 5,
            first_at_ms: 6,
            ..Part::fresh()
        };
        let retaining = Part {
            retain_ms: 7,
            retain_bytes: 8,
            retain_count: 9,
            retains_at_ms: 10,
            pins: 11,
            has_schema: true,
            ..part
        };
        let stream = Part {
            id: StreamId { ms: 1, seq: 2 },
            deleted: 3,
            stream_groups: 4,
            delays: 5,
            moves_from: 6,
            ..part
        };
        let published = Published {
            content: 1,
            position: 2,
            at_ms: 3,
        };
        let last = LastOfKey { position: 1 };
        let rows = [
            hex(&message()),
            hex(&minted),
            hex(&entry),
            hex(&topic),
            hex(&part),
            hex(&retaining),
            hex(&stream),
            hex(&Pin { groups: 1 }),
            hex(&SchemaRow { text: "{}".into() }),
            hex(&published),
            hex(&last),
        ];
        let expected = [
            "a700616902616b031903e8041907d0050306627b7d0741ff",
            "a30107031903e80741ff",
            "a50107031903e80741ff1082010211f5",
            "a50001010202616f0361640403",
            "a6000101020203030404050506",
            "ac000101020203030404050506060707080809090a0a0b0bf5",
            "ab000101020203030404050506108201021103120413051406",
            "a10001",
            "a100627b7d",
            "a3000101020203",
            "a10001",
        ];
        assert_eq!(rows, expected);
    }
}
