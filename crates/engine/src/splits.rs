//! Keys that are split: what is about one of them lies in several slots, so that several partitions share the
//! work.
//!
//! Whether a key is split decides where its commands run, so every thread knows all such keys. A domain splits a
//! key by a transaction in the key's own slot ([`crate::Tx::split`]), while nothing of it lies in any other; from
//! then on the key is split for ever. A command that was on its way meanwhile may come to a slot in which it does
//! not run any more: it is told BUSY.

use std::hash::BuildHasher;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use compact_str::CompactString;
use minicbor::{Decode, Encode};

use crate::hash::Seeded;
use crate::key::{Shard, Slot};
use crate::limits::SPLIT_KEYS_MAX;
use crate::row::Row;
use crate::table::Table;

/// By domain and key.
pub(crate) const SPLITS: Table<Split> = Table::keyed(0, 9, "engine.splits");

/// Into how many shards a key is split.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Split {
    #[n(0)]
    pub(crate) of: u16,
}

impl Row for Split {}

/// A key that is split.
#[derive(Debug)]
struct Known {
    domain: u8,
    key: CompactString,
    of: u16,
}

/// All keys that are split: a hash table with open addressing, from which nothing goes. Every request looks into
/// it on its front's thread and on its executor's, so whoever looks writes nothing.
#[derive(Debug)]
pub struct Splits {
    places: Box<[OnceLock<Known>]>,
    /// How many: mostly none.
    many: AtomicUsize,
    seed: Seeded,
}

impl Splits {
    pub(crate) fn new(seed: u64) -> Self {
        // Half of them are in use at most.
        let places = (0..2 * SPLIT_KEYS_MAX).map(|_| OnceLock::new());
        Self {
            places: places.collect(),
            many: AtomicUsize::new(0),
            seed: Seeded::new(seed),
        }
    }

    /// Into how many shards a key is split, if it is.
    #[must_use]
    pub fn of(&self, domain: u8, key: &str) -> Option<u16> {
        if self.many.load(Ordering::Acquire) == 0 {
            return None;
        }
        let known = self.from(domain, key).map_while(OnceLock::get);
        let mut same = known.filter(|known| known.domain == domain && known.key == key);
        same.next().map(|known| known.of)
    }

    /// The slots in which lies what is about a key.
    #[must_use]
    pub fn slots(&self, domain: u8, key: &str) -> Vec<Slot> {
        let shards = Shard::all(self.of(domain, key).unwrap_or(1));
        let slots = shards.map(|shard| Slot::of(shard.key_of(key).as_bytes()));
        slots.collect()
    }

    pub(crate) fn add(&self, domain: u8, key: CompactString, of: u16) {
        let mut known = Known { domain, key, of };
        for place in self.from(known.domain, &known.key.clone()) {
            match place.set(known) {
                Ok(()) => {
                    self.many.fetch_add(1, Ordering::Release);
                    return;
                }
                Err(back) => known = back,
            }
            let is_same = |other: &Known| (other.domain, &other.key) == (known.domain, &known.key);
            if place.get().is_some_and(is_same) {
                return;
            }
        }
    }

    /// The places where a key may stand, the likeliest first.
    fn from(&self, domain: u8, key: &str) -> impl Iterator<Item = &OnceLock<Known>> {
        let hash = self.seed.hash_one((domain, key));
        let places = self.places.len();
        let first = usize::try_from(hash % places as u64).unwrap_or_default();
        let (before, behind) = self.places.split_at(first);
        behind.iter().chain(before)
    }

    pub(crate) fn has_room(&self) -> bool {
        self.many.load(Ordering::Acquire) < SPLIT_KEYS_MAX
    }
}

#[cfg(test)]
mod tests {
    use compact_str::format_compact;

    use super::*;

    #[test]
    fn rows_are_frozen() {
        let bytes = minicbor::to_vec(Split { of: 300 }).unwrap();
        assert_eq!(bytes, [0xa1, 0, 0x19, 1, 44]);
    }

    #[test]
    fn key_that_is_split_is_so_in_its_domain_only() {
        let splits = Splits::new(1);
        assert_eq!(splits.of(1, "a"), None);
        splits.add(1, "a".into(), 4);
        assert_eq!(splits.of(1, "a"), Some(4));
        assert_eq!((splits.of(2, "a"), splits.of(1, "b")), (None, None));
        assert_eq!(splits.slots(1, "a").len(), 4);
        assert_eq!(splits.slots(1, "b"), [Slot::of(b"b")]);
    }

    #[test]
    fn as_many_keys_as_may_be_split_are_all_known() {
        let splits = Splits::new(1);
        let key = |n: usize| format_compact!("key-{n}");
        let of = |n: usize| u16::try_from(n % 60 + 2).unwrap();
        for n in 0..SPLIT_KEYS_MAX {
            assert!(splits.has_room());
            splits.add(1, key(n), of(n));
            splits.add(1, key(n), of(n));
        }
        assert!(!splits.has_room());
        for n in 0..SPLIT_KEYS_MAX {
            assert_eq!(splits.of(1, &key(n)), Some(of(n)));
            assert_eq!(splits.of(2, &key(n)), None);
        }
    }
}
