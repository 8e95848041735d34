//! Rows, their field numbers, and the tables they lie in.
//!
//! All keys begin with the name of the counter; what is of a shard lies in the shard's slot.

mod facts;
mod sources;

pub(crate) use facts::{FACT_LISTS, FACT_PAGES, FACTS, KeyFacts, Listed, MOVES, Move};
pub(crate) use sources::{SOURCES, Source, Sources};

use compact_str::CompactString;
use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};
use smallvec::SmallVec;
use tidegate_engine::{Nothing, Row, Table};

use crate::counts::{Counts, push_varint, varint};
use crate::levels::Level;
use crate::sketches::{SketchChunk, SketchHead};

/// The domain's number in stored formats.
pub(crate) const DOMAIN: u8 = 7;

/// By the key of the shard: what was declared, in each of them.
pub(crate) const COUNTERS: Table<Counter> = Table::ordered(DOMAIN, 0, "counter.counters");
/// By counter and key: what was counted of a key in the newest block of each level.
pub(crate) const OPEN: Table<OpenBlocks> = Table::keyed(DOMAIN, 19, "counter.open");
/// By counter, level, block and key: what was counted of a key in a block before that.
pub(crate) const BLOCKS: Table<Block> = Table::keyed(DOMAIN, 1, "counter.blocks");
/// By counter, level and block: all keys of the shard together.
pub(crate) const HEADS: Table<Head> = Table::keyed(DOMAIN, 2, "counter.heads");
/// By counter, level, block and page: which keys a block has.
pub(crate) const KEYS: Table<Texts> = Table::keyed(DOMAIN, 3, "counter.keys");
/// By counter, level and bucket: its leading keys.
pub(crate) const LEADERS: Table<Leaders> = Table::keyed(DOMAIN, 4, "counter.leaders");
/// By counter, generation and hash: events that were taken in.
pub(crate) const IDS: Table<Seen> = Table::keyed(DOMAIN, 5, "counter.ids");
/// By counter, generation and page: the hashes of its ids.
pub(crate) const ID_PAGES: Table<Hashes> = Table::keyed(DOMAIN, 6, "counter.id_pages");
/// By counter and generation: how many ids it has.
pub(crate) const GENERATIONS: Table<Generation> = Table::keyed(DOMAIN, 7, "counter.generations");
/// By counter: its late events.
pub(crate) const LATE: Table<LateEvents> = Table::keyed(DOMAIN, 8, "counter.late");
/// By counter and number: one of them.
pub(crate) const LATE_EVENTS: Table<LateEvent> = Table::ordered(DOMAIN, 9, "counter.late_events");
/// By counter, dimension and value: those that are counted.
pub(crate) const VALUES: Table<Nothing> = Table::keyed(DOMAIN, 10, "counter.values");
/// By counter and dimension: the list of them.
pub(crate) const DIMENSIONS: Table<Dimension> = Table::keyed(DOMAIN, 11, "counter.dimensions");
/// By counter, level, bucket and key: who came, the first part of each sketch.
pub(crate) const SKETCHES: Table<SketchHead> = Table::keyed(DOMAIN, 12, "counter.sketches");
/// By counter, level, bucket, key and chunk: its other parts.
pub(crate) const SKETCH_CHUNKS: Table<SketchChunk> =
    Table::keyed(DOMAIN, 13, "counter.sketch_chunks");
/// By counter, level and bucket: how many keys have a sketch.
pub(crate) const SKETCHED: Table<Sketched> = Table::keyed(DOMAIN, 14, "counter.sketched");
/// By counter, level, bucket and page: which ones.
pub(crate) const SKETCH_PAGES: Table<Texts> = Table::keyed(DOMAIN, 15, "counter.sketch_pages");

/// By counter: what was sent to the topic that keeps its events; of a counter that has one.
pub(crate) const RAW: Table<Sent> = Table::keyed(DOMAIN, 16, "counter.raw");

/// By counter: its corrections.
pub(crate) const CORRECTED: Table<Corrected> = Table::keyed(DOMAIN, 17, "counter.corrected");
/// By counter and number: one of them.
pub(crate) const CORRECTIONS: Table<Correction> = Table::ordered(DOMAIN, 18, "counter.corrections");

/// By the key of the shard: how far it has come with a counter that is dropped.
pub(crate) const EMPTYING: Table<Emptying> = Table::keyed(DOMAIN, 20, "counter.emptying");

/// A counter as it was declared.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Counter {
    #[n(0)]
    pub(crate) shards: u16,
    #[n(1)]
    pub(crate) levels: Vec<Level>,
    /// Keys of a list of the leading ones; 0 for none.
    #[n(2)]
    pub(crate) top: u64,
    /// By how much an event may be late.
    #[n(3)]
    pub(crate) late_ms: u64,
    /// How long ids are remembered.
    #[n(4)]
    pub(crate) dedupe_ms: u64,
    #[n(5)]
    pub(crate) created_at_ms: u64,
    /// In the first shard: of how many others it is known that they have this row.
    #[cbor(n(6), skip_if = "tidegate_engine::is_zero")]
    pub(crate) told: u64,
    /// Its dimensions.
    #[n(7)]
    pub(crate) dims: Texts,
    /// How many values of each a shard counts.
    #[n(8)]
    pub(crate) values: u64,
    /// Answers to recordings do not wait for what they write.
    #[cbor(n(9), skip_if = "std::ops::Not::not")]
    pub(crate) is_relaxed: bool,
    /// It has sketches of who came.
    #[cbor(n(10), skip_if = "std::ops::Not::not")]
    pub(crate) unique: bool,
    /// The topic that keeps what it has counted; empty for none.
    #[cbor(
        n(11),
        with = "tidegate_engine::text",
        skip_if = "CompactString::is_empty"
    )]
    pub(crate) raw: CompactString,
    /// It is dropped: to those who record and ask it is not there. If it has several shards the row stays so, since the
    /// key stays split and who comes is to be told.
    #[cbor(n(13), skip_if = "std::ops::Not::not")]
    pub(crate) is_dropped: bool,
    /// Those of its dimensions that are facts about the key.
    #[cbor(n(14), skip_if = "Texts::is_empty")]
    #[cbor(default)]
    pub(crate) facts: Texts,
}

impl Row for Counter {}

impl Counter {
    /// What answers to recordings wait for.
    pub(crate) fn class(&self) -> &'static str {
        if self.is_relaxed { "relaxed" } else { "synced" }
    }
}

/// How far a shard has come with the rows of a counter that is dropped. Of its kinds of rows one goes after the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Emptying {
    /// The kind that goes now, as [`crate::emptying`] numbers them.
    #[n(0)]
    pub(crate) kind: u64,
    /// All of this kind are gone that have lower numbers; 0 if none was looked at.
    #[n(1)]
    pub(crate) from: u64,
    /// In the first shard: how many others know that it is dropped.
    #[cbor(n(2), skip_if = "tidegate_engine::is_zero")]
    pub(crate) told: u64,
    /// In the first shard: how many others have no row of it any more.
    #[cbor(n(3), skip_if = "tidegate_engine::is_zero")]
    pub(crate) empty: u64,
}

impl Row for Emptying {}

/// What was counted of a key in the buckets of a block.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Block {
    #[n(0)]
    pub(crate) counts: Counts,
}

impl Row for Block {}

/// What was counted of a key in the newest block of each level in which something was. Of each level there is one at most,
/// in the order of their numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct OpenBlocks {
    #[cbor(n(0), with = "crate::blocks::stored")]
    pub(crate) blocks: SmallVec<[OpenBlock; 3]>,
}

impl Row for OpenBlocks {}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub(crate) struct OpenBlock {
    /// The number of the level.
    #[n(0)]
    pub(crate) level: u8,
    #[n(1)]
    pub(crate) block: u64,
    #[n(2)]
    pub(crate) counts: Counts,
}

/// What was counted of all keys of a shard in the buckets of a block.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Head {
    #[n(0)]
    pub(crate) totals: Counts,
    /// Of each bucket whose list of leading keys is full: no key that does not stand there has a greater count, and
    /// none that does a smaller one.
    #[n(1)]
    pub(crate) leasts: Counts,
    /// Keys that have a row in this block.
    #[n(2)]
    pub(crate) keys: u64,
    /// Pages of them that are gone, with the rows of their keys, the first ones: only once no bucket is kept any more.
    #[cbor(n(3), skip_if = "tidegate_engine::is_zero")]
    pub(crate) pages_gone: u64,
}

impl Row for Head {}

impl Head {
    pub(crate) const NONE: Self = Self {
        totals: Counts::NONE,
        leasts: Counts::NONE,
        keys: 0,
        pages_gone: 0,
    };
}

/// Texts, each ended by a zero, as in keys of rows.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Texts {
    #[n(0)]
    bytes: ByteVec,
}

impl Row for Texts {}

impl Default for Texts {
    fn default() -> Self {
        let bytes = Vec::new().into();
        Self { bytes }
    }
}

impl Texts {
    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        texts_of(&self.bytes)
    }

    pub(crate) fn push(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
        self.bytes.push(0);
    }
}

fn texts_of(bytes: &[u8]) -> impl Iterator<Item = &str> {
    let ended = bytes.strip_suffix(&[0]);
    let all = ended.and_then(|all| std::str::from_utf8(all).ok());
    all.into_iter().flat_map(|all| all.split('\0'))
}

impl<'a> FromIterator<&'a str> for Texts {
    fn from_iter<T: IntoIterator<Item = &'a str>>(texts: T) -> Self {
        let mut all = Self::default();
        texts.into_iter().for_each(|text| all.push(text));
        all
    }
}

/// The leading keys of a bucket.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Leaders {
    /// As in [`Texts`].
    #[n(0)]
    keys: ByteVec,
    /// What each of them had when that was last looked at, as varints: no more than it has.
    #[n(1)]
    had: ByteVec,
}

impl Row for Leaders {}

impl Default for Leaders {
    fn default() -> Self {
        Self {
            keys: Vec::new().into(),
            had: Vec::new().into(),
        }
    }
}

impl Leaders {
    /// Keys, each ended by a zero, and what each had.
    pub(crate) fn new(keys: Vec<u8>, had: &[u64]) -> Self {
        let mut varints = Vec::with_capacity(2 * had.len());
        for had in had {
            push_varint(*had, |byte| varints.push(byte));
        }
        Self {
            keys: keys.into(),
            had: varints.into(),
        }
    }

    pub(crate) fn into_keys(self) -> Vec<u8> {
        self.keys.into()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        texts_of(&self.keys)
    }

    pub(crate) fn had(&self) -> impl Iterator<Item = u64> {
        let mut rest = self.had.as_slice();
        std::iter::from_fn(move || {
            let (number, behind) = varint(rest)?;
            rest = behind;
            Some(number)
        })
    }
}

/// The values of a dimension that a shard counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Dimension {
    #[n(0)]
    pub(crate) many: u64,
    #[n(1)]
    pub(crate) values: Texts,
}

impl Row for Dimension {}

/// An event that was taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Seen {
    /// When it came, since its generation began.
    #[n(0)]
    pub(crate) since_ms: u64,
    /// The hash of all that it said.
    #[n(1)]
    pub(crate) content: u64,
    /// It was late, and not counted.
    #[cbor(n(2), skip_if = "std::ops::Not::not")]
    pub(crate) is_late: bool,
}

impl Row for Seen {}

/// Hashes of ids, 16 bytes each, big endian.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Hashes {
    #[n(0)]
    bytes: ByteVec,
}

impl Row for Hashes {}

impl Default for Hashes {
    fn default() -> Self {
        let bytes = Vec::new().into();
        Self { bytes }
    }
}

impl Hashes {
    pub(crate) fn push(&mut self, hash: u128) {
        self.bytes.extend_from_slice(&hash.to_be_bytes());
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = u128> {
        let (whole, _) = self.bytes.as_chunks();
        whole.iter().map(|bytes| u128::from_be_bytes(*bytes))
    }
}

/// The two halves of a hash, as parts of a key.
pub(crate) fn halves(hash: u128) -> (u64, u64) {
    ((hash >> 64) as u64, hash as u64)
}

/// The ids that came while one generation was the present one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Generation {
    #[n(0)]
    pub(crate) ids: u64,
    /// Pages of them that are gone, the first ones.
    #[cbor(n(1), skip_if = "tidegate_engine::is_zero")]
    pub(crate) pages_gone: u64,
}

impl Row for Generation {}

/// The keys that have a sketch in a bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Sketched {
    #[n(0)]
    pub(crate) keys: u64,
    /// Pages of them that are gone, with the sketches, the first ones.
    #[cbor(n(1), skip_if = "tidegate_engine::is_zero")]
    pub(crate) pages_gone: u64,
}

impl Row for Sketched {}

/// What a shard has sent to the topic that keeps events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Sent {
    /// How many letters: the number of the last one.
    #[n(0)]
    pub(crate) letters: u64,
    /// How many events.
    #[n(1)]
    pub(crate) events: u64,
}

impl Row for Sent {}

/// The corrections of a shard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Corrected {
    /// How many there were: the number of the last one.
    #[n(0)]
    pub(crate) last: u64,
}

impl Row for Corrected {}

/// What was counted of a key in a bucket, as somebody has corrected it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Correction {
    #[cbor(n(0), with = "tidegate_engine::text")]
    pub(crate) key: CompactString,
    /// When the bucket begins.
    #[n(1)]
    pub(crate) bucket_ms: u64,
    #[n(2)]
    pub(crate) width_ms: u64,
    #[n(3)]
    pub(crate) from: u64,
    #[n(4)]
    pub(crate) to: u64,
    #[cbor(n(5), with = "tidegate_engine::text")]
    pub(crate) by: CompactString,
    /// When it was corrected.
    #[n(6)]
    pub(crate) at_ms: u64,
}

impl Row for Correction {}

/// The late events of a shard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct LateEvents {
    /// How many there were: the number of the last one.
    #[n(0)]
    pub(crate) last: u64,
}

impl Row for LateEvents {}

/// An event that came too late to be counted.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct LateEvent {
    #[cbor(n(0), with = "tidegate_engine::text")]
    pub(crate) key: CompactString,
    #[n(1)]
    pub(crate) amount: u64,
    /// When it happened, as it said.
    #[n(2)]
    pub(crate) at_ms: u64,
    /// When it came.
    #[n(3)]
    pub(crate) came_at_ms: u64,
    /// Its id; empty if it had none.
    #[cbor(n(4), with = "tidegate_engine::text")]
    pub(crate) id: CompactString,
}

impl Row for LateEvent {}

#[cfg(test)]
mod tests {
    use tidegate_engine::testing::hex;

    use super::*;
    use crate::apply::{Declare, Declared, Emptied, Undeclare, Undeclared};

    #[test]
    fn stored_rows_are_frozen() {
        let level = Level {
            width_ms: 60_000,
            keep_ms: 3_600_000,
        };
        let counter = Counter {
            shards: 16,
            levels: vec![level],
            top: 100,
            late_ms: 300,
            dedupe_ms: 400,
            created_at_ms: 500,
            told: 0,
            dims: Texts::default(),
            values: 9,
            is_relaxed: false,
            unique: false,
            is_dropped: false,
            facts: Texts::default(),
            raw: CompactString::default(),
        };
        let of_facts = Counter {
            facts: ["a"].into_iter().collect(),
            ..counter.clone()
        };
        let key_facts = KeyFacts::default().with("a", "x").with("b", "y");
        let key_facts = key_facts.with("a", "z");
        assert_eq!(
            (key_facts.value("a"), key_facts.value("c")),
            (Some("z"), None)
        );
        let moved = Move {
            value: "x".into(),
            level: 1,
            from: 9,
        };
        let dropped = Counter {
            is_dropped: true,
            ..counter.clone()
        };
        let emptying = Emptying {
            kind: 7,
            from: 8,
            ..Emptying::default()
        };
        let emptying_first = Emptying {
            told: 3,
            empty: 2,
            ..emptying
        };
        let unique = Counter {
            unique: true,
            ..counter.clone()
        };
        let told = Counter {
            told: 15,
            is_relaxed: true,
            ..counter.clone()
        };
        let mut counts = Counts::NONE;
        counts.add(3, 300);
        let head = Head {
            totals: counts.clone(),
            leasts: Counts::NONE,
            keys: 40,
            pages_gone: 0,
        };
        let going = Head {
            pages_gone: 1,
            ..head.clone()
        };
        let leaders = Leaders::new(b"a\0bc\0".to_vec(), &[1, 300]);
        let seen = Seen {
            since_ms: 7,
            content: 8,
            is_late: false,
        };
        let seen_late = Seen {
            is_late: true,
            ..seen
        };
        let mut hashes = Hashes::default();
        hashes.push(0x0102_0304_0506_0708_090a_0b0c_0d0e_0f10);
        let generation = Generation {
            ids: 33,
            pages_gone: 0,
        };
        let forgetting = Generation {
            pages_gone: 1,
            ..generation
        };
        let late = LateEvent {
            key: "a".into(),
            amount: 2,
            at_ms: 3,
            came_at_ms: 4,
            id: "e1".into(),
        };
        let correction = Correction {
            key: "a".into(),
            bucket_ms: 7,
            width_ms: 8,
            from: 9,
            to: 100,
            by: "in".into(),
            at_ms: 300,
        };
        let texts: Texts = ["a", "bc"].into_iter().collect();
        assert_eq!(texts.iter().collect::<Vec<_>>(), ["a", "bc"]);
        let dimension = Dimension {
            many: 2,
            values: texts.clone(),
        };
        let rows = [
            hex(&counter),
            hex(&told),
            hex(&unique),
            hex(&Block { counts }),
            hex(&head),
            hex(&going),
            hex(&texts),
            hex(&leaders),
            hex(&Texts::default()),
            hex(&dimension),
            hex(&seen),
            hex(&seen_late),
            hex(&hashes),
            hex(&generation),
            hex(&forgetting),
            hex(&Sketched {
                keys: 33,
                pages_gone: 1,
            }),
            hex(&LateEvents { last: 9 }),
            hex(&Corrected { last: 9 }),
            hex(&correction),
            hex(&late),
            hex(&Declare(counter)),
            hex(&Declared {}),
            hex(&of_facts),
            hex(&key_facts),
            hex(&Listed { keys: 3 }),
            hex(&moved),
            hex(&dropped),
            hex(&emptying),
            hex(&emptying_first),
            hex(&Undeclare {}),
            hex(&Undeclared {}),
            hex(&Emptied {}),
        ];
        let declared = "00100181a20019ea60011a0036ee800218640319012c04190190051901f4";
        let undimensioned = "07a100400809";
        let expected = [
            &format!("a8{declared}{undimensioned}"),
            &format!("aa{declared}060f{undimensioned}09f5"),
            &format!("a9{declared}{undimensioned}0af5"),
            "a1004303ac02",
            "a3004303ac020140021828",
            "a4004303ac0201400218280301",
            "a100456100626300",
            "a200456100626300014301ac02",
            "a10040",
            "a2000201a100456100626300",
            "a200070108",
            "a30007010802f5",
            "a100500102030405060708090a0b0c0d0e0f10",
            "a1001821",
            "a20018210101",
            "a20018210101",
            "a10009",
            "a10009",
            "a70061610107020803090418640562696e0619012c",
            "a500616101020203030404626531",
            &format!("a8{declared}{undimensioned}"),
            "a0",
            &format!("a9{declared}{undimensioned}0ea100426100"),
            "a100a100486200790061007a00",
            "a10003",
            "a300617801010209",
            &format!("a9{declared}{undimensioned}0df5"),
            "a200070108",
            "a40007010802030302",
            "a0",
            "a0",
            "a0",
        ];
        assert_eq!(rows, expected);
    }

    /// Rows lie under these hashes, and events are told apart by them.
    #[test]
    fn hashes_of_ids_are_frozen() {
        let hash = crate::once::hash_of("a", "e1");
        assert_eq!(format!("{hash:032x}"), "7a80f2882d6748b56ad9029286d4ae49");
        assert_ne!(hash, crate::once::hash_of("ae", "1"));
        assert_eq!(halves(1 << 64 | 2), (1, 2));
    }
}
