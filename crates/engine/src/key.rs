//! Slots, and the bytes of row keys.
//!
//! A row key is `slot (2 bytes, big endian) ‖ parts`. A text part is its UTF-8 bytes and a zero
//! byte (texts carry no control characters, so the zero sorts first and ends the part); a number
//! is 8 bytes, big endian. Keys therefore sort by their bytes as their parts sort.

use compact_str::{CompactString, format_compact};
use xxhash_rust::xxh3::xxh3_64;

use crate::archive::Slice;
use crate::limits::SLOTS;

/// One of [`SLOTS`] sets of keys; the unit that a partition owns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(pub u16);

impl Slot {
    /// The slot of a key, or of a shard of one. Frozen for ever: rows are stored under it.
    #[must_use]
    pub fn of(key: &[u8]) -> Self {
        let Some((key, shard)) = Shard::split(key) else {
            return Self::of_whole(key);
        };
        let ahead = u32::from(shard.at) * u32::from(SLOTS) / u32::from(shard.of);
        let slot = (u32::from(Self::of_whole(key).0) + ahead) % u32::from(SLOTS);
        Self(u16::try_from(slot).expect("because a remainder of 4096 fits 16 bits"))
    }

    fn of_whole(key: &[u8]) -> Self {
        let slot = xxh3_64(key) % u64::from(SLOTS);
        Self(u16::try_from(slot).expect("because a remainder of 4096 fits 16 bits"))
    }
}

/// One of the shards of a key that is split: each lies in a slot of its own, as far from each other as can be,
/// so that several partitions share the work. The first one is the key itself, where it lies without shards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shard {
    /// Which, from 0 on.
    pub at: u16,
    /// Of how many.
    pub of: u16,
}

/// What stands between a key and its shard: control characters are in no caller's key.
const SHARD: u8 = 2;

impl Shard {
    /// All of so many.
    pub fn all(of: u16) -> impl Iterator<Item = Self> {
        (0..of).map(move |at| Self { at, of })
    }

    /// That of so many to which somebody belongs. Frozen for ever: what they have lies there.
    #[must_use]
    pub fn of_whom(who: &str, of: u16) -> Self {
        let at = xxh3_64(who.as_bytes()) % u64::from(of.max(1));
        let at = u16::try_from(at).expect("because a remainder is smaller than what divides");
        Self { at, of }
    }

    /// The key of this shard: that of the whole for the first one.
    #[must_use]
    pub fn key_of(self, whole: &str) -> CompactString {
        if self.at == 0 {
            return CompactString::new(whole);
        }
        let mark = char::from(SHARD);
        format_compact!("{whole}{mark}{}.{}", self.at, self.of)
    }

    /// The key of the whole and the shard, if this is the key of one that is not the first.
    fn split(key: &[u8]) -> Option<(&[u8], Self)> {
        let end = key.iter().rposition(|byte| *byte == SHARD)?;
        let shard = std::str::from_utf8(&key[end + 1..]).ok()?;
        let (at, of) = shard.split_once('.')?;
        let shard = Self {
            at: at.parse().ok()?,
            of: of.parse().ok()?,
        };
        (shard.at < shard.of).then_some((&key[..end], shard))
    }

    /// The shard of which this is the key, if it is not the first.
    #[must_use]
    pub fn named(key: &str) -> Option<Self> {
        Self::split(key.as_bytes()).map(|(_, shard)| shard)
    }

    /// The key of the whole, of which this is the key of a shard, or of itself.
    #[must_use]
    pub fn whole_of(key: &str) -> &str {
        let end = Self::split(key.as_bytes()).map_or(key.len(), |(whole, _)| whole.len());
        &key[..end]
    }
}

/// Which of the process's partitions; also the 10 bits of an id that name its maker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartitionId(pub u16);

impl PartitionId {
    /// As an index into a list of partitions.
    #[must_use]
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// Slot → partition, as data.
#[derive(Clone, Debug)]
pub struct SlotMap {
    partitions: u16,
    owners: Vec<PartitionId>,
}

impl SlotMap {
    /// Slots spread evenly, in runs, over `partitions`.
    #[must_use]
    pub fn even(partitions: u16) -> Self {
        let owner = |slot: u16| {
            let owner = u32::from(slot) * u32::from(partitions) / u32::from(SLOTS);
            PartitionId(u16::try_from(owner).expect("because it is below the partition count"))
        };
        Self {
            partitions,
            owners: (0..SLOTS).map(owner).collect(),
        }
    }

    /// The partition that owns a slot.
    #[must_use]
    pub fn owner(&self, slot: Slot) -> PartitionId {
        self.owners[usize::from(slot.0)]
    }

    /// The slots of one partition, ascending.
    pub fn slots(&self, partition: PartitionId) -> impl Iterator<Item = Slot> + '_ {
        (0..SLOTS)
            .map(Slot)
            .filter(move |slot| self.owner(*slot) == partition)
    }

    /// How many partitions there are.
    #[must_use]
    pub fn partitions(&self) -> u16 {
        self.partitions
    }

    /// Which of so many executors runs a partition. Each has a run of neighbours, and so of slots: the shards of a key
    /// lie at equal steps, and partitions taken in turns would give every second step to one executor alone.
    #[must_use]
    pub fn executor_of(&self, partition: PartitionId, executors: usize) -> usize {
        partition.index() * executors / usize::from(self.partitions)
    }
}

/// The bytes of a row's key, slot first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RowKey(Box<[u8]>);

impl RowKey {
    pub(crate) fn from_bytes(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    /// All bytes, slot first.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The slot in front.
    #[must_use]
    pub fn slot(&self) -> Slot {
        let slot = self
            .0
            .first_chunk()
            .expect("because every row key begins with its slot");
        Slot(u16::from_be_bytes(*slot))
    }

    /// A reader of the parts behind the slot.
    #[must_use]
    pub fn parts(&self) -> KeyReader<'_> {
        KeyReader::new(&self.0[2..])
    }
}

/// What can be written as parts of a key: texts, numbers, and tuples of them.
pub trait KeyParts {
    /// Appends the parts.
    fn write(&self, out: &mut Vec<u8>);
}

impl KeyParts for () {
    fn write(&self, _out: &mut Vec<u8>) {}
}

impl KeyParts for &str {
    fn write(&self, out: &mut Vec<u8>) {
        debug_assert!(
            !self.as_bytes().contains(&0),
            "a text part of a key holds no zero byte"
        );
        out.extend_from_slice(self.as_bytes());
        out.push(0);
    }
}

impl KeyParts for u64 {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_be_bytes());
    }
}

impl KeyParts for u8 {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(*self);
    }
}

macro_rules! tuple_parts {
    ($($name:ident)+) => {
        impl<$($name: KeyParts),+> KeyParts for ($($name,)+) {
            #[allow(non_snake_case, reason = "the parts carry the names of their types")]
            fn write(&self, out: &mut Vec<u8>) {
                let ($($name,)+) = self;
                $($name.write(out);)+
            }
        }
    };
}

tuple_parts!(A B);
tuple_parts!(A B C);
tuple_parts!(A B C D);

/// Writes `slot ‖ parts` into `out`, which is cleared first.
pub(crate) fn write_key(out: &mut Vec<u8>, slot: Slot, parts: &impl KeyParts) {
    out.clear();
    out.extend_from_slice(&slot.0.to_be_bytes());
    parts.write(out);
}

/// Takes the parts of a key apart again, in the order in which they were written.
#[derive(Clone, Debug)]
pub struct KeyReader<'a> {
    rest: &'a [u8],
}

impl<'a> KeyReader<'a> {
    /// A reader of encoded parts without their slot.
    #[must_use]
    pub fn new(parts: &'a [u8]) -> Self {
        Self { rest: parts }
    }

    /// The next part as a text; `None` if the bytes do not hold one.
    pub fn text(&mut self) -> Option<&'a str> {
        let end = self.rest.iter().position(|byte| *byte == 0)?;
        let text = std::str::from_utf8(&self.rest[..end]).ok()?;
        self.rest = &self.rest[end + 1..];
        Some(text)
    }

    /// The next part as a number; `None` if the bytes do not hold one.
    pub fn number(&mut self) -> Option<u64> {
        let (number, rest) = self.rest.split_first_chunk::<8>()?;
        self.rest = rest;
        Some(u64::from_be_bytes(*number))
    }

    /// The next part as a slice of an archive; `None` if the bytes do not hold one.
    pub fn slice(&mut self) -> Option<Slice> {
        let (slice, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(Slice(u32::from_be_bytes(*slice)))
    }

    /// The next part as a byte; `None` at the end.
    pub fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*byte)
    }

    /// What has not been read.
    #[must_use]
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(parts: &impl KeyParts) -> Vec<u8> {
        let mut out = Vec::new();
        write_key(&mut out, Slot(7), parts);
        out
    }

    #[test]
    fn keys_sort_as_their_parts_sort() {
        let ordered = [("a", "b"), ("a", "ba"), ("a!", "a"), ("ab", "a"), ("b", "")];
        let keys: Vec<_> = ordered.iter().map(encoded).collect();
        assert!(keys.is_sorted());
    }

    #[test]
    fn parts_read_back_as_they_were_written() {
        let key = encoded(&("sku", 3u8, 900u64));
        let key = RowKey::from_bytes(&key);
        let mut parts = key.parts();
        assert_eq!(parts.text(), Some("sku"));
        assert_eq!(parts.byte(), Some(3));
        assert_eq!(parts.number(), Some(900));
        assert_eq!(parts.rest(), b"");
        assert_eq!(parts.text(), None);
    }

    /// Rows are stored under these slots: a change of the hash would lose them all.
    #[test]
    fn slots_are_frozen() {
        let slots = ["", "a", "85123A", "order-1", "värdet"].map(|key| Slot::of(key.as_bytes()).0);
        assert_eq!(slots, [1218, 3615, 2929, 2166, 1950]);
    }

    /// So would another way to their shards.
    #[test]
    fn slots_of_shards_are_frozen_and_lie_apart() {
        let slots = |of| Shard::all(of).map(|shard| Slot::of(shard.key_of("a").as_bytes()).0);
        assert_eq!(slots(1).collect::<Vec<_>>(), [3615]);
        assert_eq!(slots(2).collect::<Vec<_>>(), [3615, 1567]);
        assert_eq!(slots(3).collect::<Vec<_>>(), [3615, 884, 2249]);
        let whose = ["mia", "tom", "ann"].map(|who| Shard::of_whom(who, 4).at);
        assert_eq!(whose, [1, 3, 0]);
        let mut many: Vec<_> = slots(64).collect();
        many.sort_unstable();
        assert!(many.windows(2).all(|two| two[1] - two[0] == 64));
    }

    #[test]
    fn executors_share_the_shards_of_a_key_evenly() {
        for (partitions, executors) in [(16, 2), (16, 4), (12, 2)] {
            let slots = SlotMap::even(partitions);
            for of in [2, 4, 8, 16, 64].into_iter().filter(|of| *of >= executors) {
                for key in ["a", "b", "views", "85123A"] {
                    let mut shares = vec![0; executors];
                    for shard in Shard::all(of as u16) {
                        let slot = Slot::of(shard.key_of(key).as_bytes());
                        shares[slots.executor_of(slots.owner(slot), executors)] += 1;
                    }
                    let (least, most) = (shares.iter().min(), shares.iter().max());
                    assert_eq!(least, most, "{key} in {of} shards: {shares:?}");
                }
            }
        }
    }

    #[test]
    fn shard_is_known_by_its_key_and_no_callers_key_is_one() {
        let last = Shard { at: 3, of: 4 }.key_of("b");
        assert_eq!(last, "b\u{2}3.4");
        assert_eq!(Shard::whole_of(&last), "b");
        assert_eq!(Shard::named(&last), Some(Shard { at: 3, of: 4 }));
        for key in ["b", "b3.4", "", "b\u{2}4.4", "b\u{2}x.4", "b\u{2}3"] {
            assert_eq!(Shard::whole_of(key), key);
        }
    }

    #[test]
    fn every_slot_has_one_owner_and_no_partition_is_idle() {
        for partitions in [1, 3, 16, 1024] {
            let map = SlotMap::even(partitions);
            let counts: Vec<_> = (0..partitions)
                .map(|p| map.slots(PartitionId(p)).count())
                .collect();
            assert_eq!(counts.iter().sum::<usize>(), usize::from(SLOTS));
            assert!(counts.iter().all(|count| *count > 0));
        }
    }
}
