//! Keys that are split: what is about one of them lies in several slots, so that several partitions share the
//! work.
//!
//! Whether a key is split decides where its commands run, so every thread knows all such keys. A domain splits a
//! key by a transaction in the key's own slot ([`crate::Tx::split`]), while nothing of it lies in any other; from
//! then on the key is split for ever. A command that was on its way meanwhile may come to a slot in which it does
//! not run any more: it is told BUSY.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{PoisonError, RwLock};

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

/// The keys of one domain.
type OfDomain = HashMap<CompactString, u16, Seeded>;

/// All keys that are split.
#[derive(Debug)]
pub struct Splits {
    /// By the number of the domain.
    domains: RwLock<HashMap<u8, OfDomain>>,
    /// How many: mostly none, which is seen without the lock.
    many: AtomicUsize,
    seed: Seeded,
}

impl Splits {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            domains: RwLock::default(),
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
        let domains = self.domains.read().unwrap_or_else(PoisonError::into_inner);
        domains.get(&domain)?.get(key).copied()
    }

    /// The slots in which lies what is about a key.
    #[must_use]
    pub fn slots(&self, domain: u8, key: &str) -> Vec<Slot> {
        let shards = Shard::all(self.of(domain, key).unwrap_or(1));
        let slots = shards.map(|shard| Slot::of(shard.key_of(key).as_bytes()));
        slots.collect()
    }

    pub(crate) fn add(&self, domain: u8, key: CompactString, of: u16) {
        let mut domains = self.domains.write().unwrap_or_else(PoisonError::into_inner);
        let keys = domains.entry(domain);
        let keys = keys.or_insert_with(|| HashMap::with_hasher(self.seed));
        if keys.insert(key, of).is_none() {
            self.many.fetch_add(1, Ordering::Release);
        }
    }

    pub(crate) fn has_room(&self) -> bool {
        self.many.load(Ordering::Acquire) < SPLIT_KEYS_MAX
    }
}

#[cfg(test)]
mod tests {
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
}
