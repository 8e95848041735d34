//! Filters: what memory knows of keys that are in no base, without asking it.
//!
//! The commonest read asks for an id that nobody has used yet. Each keyed table has one filter over
//! the keys that the base holds, shared by all partitions: a blocked Bloom filter, whose key sets
//! seven bits of one cache line (Putze, Sanders, Singler: *Cache-, Hash- and Space-Efficient Bloom
//! Filters*, 2007). It grows by layers, each for twice as many keys as the one before. A checkpoint adds its
//! keys before any partition lets them go; those of older ones are read from the base after a start,
//! and until then the filter knows nothing. Where the edge is to know a table's keys
//! ([`crate::Table::known_at_edge`]), those of rows in memory are added too, when they are put and when the
//! log is replayed.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use xxhash_rust::xxh3::xxh3_128_with_seed;

use crate::base::{Base, BaseError};
use crate::memory::Memory;
use crate::table::{Shape, TableDef};

/// Words of 64 bits in a cache line.
const LINE_WORDS: usize = 8;
/// Bits that a key sets, and the bits that name one of a line.
const BITS_SET: u32 = 7;
const BIT_NAME: u32 = 9;
/// Bits for each key of a layer, by the share that it then takes, at most, of the bytes for all filters (one part in so
/// many). With 20 bits one in some 2,000 other keys seems to be in a full layer, with 16 one in 700, with 10 one in 80. A
/// key is looked for in every layer, and most of the bits are in the last ones: those before can afford to be wrong
/// seldom, if there is room.
const BITS_PER_KEY: [(usize, usize); 2] = [(20, 16), (16, 6)];
/// The same where no such share is small enough.
const BITS_PER_KEY_LEAST: usize = 10;
/// Keys of the first layer.
const FIRST_KEYS: usize = 1 << 16;
const LAYERS: usize = 24;

/// The filters of all keyed tables, in an order that is the same in every run.
pub(crate) type Filters = BTreeMap<u16, Arc<Filter>>;

/// Keys that are read at once to complete a filter.
const KEYS_AT_ONCE: usize = 10_000;

pub(crate) struct Filter {
    layers: [OnceLock<Layer>; LAYERS],
    /// Held by the thread that makes one.
    growing: Mutex<()>,
    seed: u64,
    /// Bytes that it may take, with others.
    bytes: usize,
    /// Those that are left of them; beyond them it gives up.
    bytes_left: Arc<AtomicUsize>,
    /// What it knows: [`LEARNING`], [`COMPLETE`] or [`GIVEN_UP`]. One word, so that who completes it
    /// cannot undo that another gives it up at the same moment.
    state: AtomicU8,
}

/// Some keys of the base may be missing still.
const LEARNING: u8 = 0;
/// Every key of the base is in it.
const COMPLETE: u8 = 1;
/// There was no room for a key: it denies nothing, for good.
const GIVEN_UP: u8 = 2;

/// A layer is made segment by segment, each with the first key that falls into it: an executor that adds a key waits
/// for some tens of microseconds at most; the whole of a layer for 16 million keys took it 45 ms.
struct Layer {
    segments: Box<[OnceLock<Segment>]>,
    lines: usize,
    keys: AtomicUsize,
    keys_max: usize,
}

/// Lines of a segment: 256 KiB, so that the places of all segments stay in a processor's cache.
const SEGMENT_LINES: usize = 4_096;

/// Words of some lines.
type Segment = Box<[AtomicU64]>;

fn empty_segment() -> Segment {
    let words = std::iter::repeat_with(AtomicU64::default);
    words.take(SEGMENT_LINES * LINE_WORDS).collect()
}

/// How large a layer is.
#[derive(Clone, Copy)]
struct Size {
    keys: usize,
    bytes: usize,
}

impl Size {
    /// That of a layer, where all filters may take so many bytes.
    fn of(at: usize, bytes: usize) -> Self {
        let keys = FIRST_KEYS << at;
        let of_bits = |bits: usize| keys * bits / 8;
        let mut fitting = BITS_PER_KEY.iter();
        let fitting = fitting.find(|(bits, part)| of_bits(*bits) <= bytes / part);
        let bits = fitting.map_or(BITS_PER_KEY_LEAST, |(bits, _)| *bits);
        Self {
            keys,
            bytes: of_bits(bits),
        }
    }

    /// That of the same layer in so many bytes, if there is any use in it.
    fn within(self, bytes: usize) -> Option<Self> {
        let keys = (bytes * 8 / BITS_PER_KEY_LEAST).min(self.keys);
        let bytes = bytes.min(self.bytes);
        (keys >= FIRST_KEYS).then_some(Self { keys, bytes })
    }
}

impl Layer {
    fn new(size: Size) -> Self {
        let Size {
            keys: keys_max,
            bytes,
        } = size;
        let lines = bytes.div_ceil(LINE_WORDS * size_of::<u64>());
        let segments = std::iter::repeat_with(OnceLock::new);
        Self {
            segments: segments.take(lines.div_ceil(SEGMENT_LINES)).collect(),
            lines,
            keys: AtomicUsize::new(0),
            keys_max,
        }
    }

    /// The segment of a key, and its line there.
    fn place(&self, hash: u128) -> (&OnceLock<Segment>, usize) {
        let of_line = u128::from((hash >> 64) as u64);
        let line = ((of_line * self.lines as u128) >> 64) as usize;
        (&self.segments[line / SEGMENT_LINES], line % SEGMENT_LINES)
    }

    fn add(&self, hash: u128) {
        let (segment, line) = self.place(hash);
        let line = line_of(segment.get_or_init(empty_segment), line);
        for (word, bit) in names(hash as u64) {
            line[word].fetch_or(bit, Ordering::Relaxed);
        }
        self.keys.fetch_add(1, Ordering::Relaxed);
    }

    fn may_have(&self, hash: u128) -> bool {
        let (segment, line) = self.place(hash);
        let Some(segment) = segment.get() else {
            return false;
        };
        let line = line_of(segment, line);
        names(hash as u64).all(|(word, bit)| line[word].load(Ordering::Relaxed) & bit != 0)
    }
}

fn line_of(segment: &Segment, line: usize) -> &[AtomicU64] {
    &segment[line * LINE_WORDS..][..LINE_WORDS]
}

/// Word and bit of each of a key's bits.
fn names(bits: u64) -> impl Iterator<Item = (usize, u64)> {
    let name = move |n| (bits >> (n * BIT_NAME)) as usize % (64 * LINE_WORDS);
    (0..BITS_SET)
        .map(name)
        .map(|name| (name / 64, 1 << (name % 64)))
}

impl Filter {
    /// A filter of no keys, which takes of these bytes. Keys hash by `seed`, which outsiders cannot
    /// guess.
    pub(crate) fn new(seed: u64, bytes_left: Arc<AtomicUsize>) -> Self {
        Self {
            layers: [const { OnceLock::new() }; LAYERS],
            growing: Mutex::new(()),
            seed,
            bytes: bytes_left.load(Ordering::Relaxed),
            bytes_left,
            state: AtomicU8::new(LEARNING),
        }
    }

    /// Adds a key that the base holds, or is about to; or memory.
    pub(crate) fn add(&self, key: &[u8]) {
        let hash = xxh3_128_with_seed(key, self.seed);
        if self.state.load(Ordering::Relaxed) == GIVEN_UP || self.has(hash) {
            return;
        }
        for (at, place) in self.layers.iter().enumerate() {
            if place.get().is_none() && !self.grow(at) {
                break;
            }
            let layer = place.get().expect("because it was there, or grew");
            if layer.keys.load(Ordering::Relaxed) < layer.keys_max {
                return layer.add(hash);
            }
        }
        self.state.store(GIVEN_UP, Ordering::Release);
    }

    /// Makes a layer, or as much of one as there is room for; another thread may be about to as well.
    fn grow(&self, at: usize) -> bool {
        let _growing = self.growing.lock().unwrap_or_else(PoisonError::into_inner);
        let place = &self.layers[at];
        if place.get().is_some() {
            return true;
        }
        let wanted = Size::of(at, self.bytes);
        let relaxed = Ordering::Relaxed;
        let take = |left| Some(left - wanted.within(left)?.bytes);
        let Ok(left) = self.bytes_left.fetch_update(relaxed, relaxed, take) else {
            return false;
        };
        let size = wanted.within(left);
        let size = size.expect("because as much was taken");
        place.get_or_init(|| Layer::new(size));
        true
    }

    fn has(&self, hash: u128) -> bool {
        let layers = self.layers.iter().map_while(OnceLock::get);
        layers.into_iter().any(|layer| layer.may_have(hash))
    }

    /// Every key that the base holds was added.
    pub(crate) fn complete(&self) {
        // It fails if it was given up, or is complete already.
        let _ =
            self.state
                .compare_exchange(LEARNING, COMPLETE, Ordering::Release, Ordering::Relaxed);
    }

    /// Whether there may be a row under this key.
    pub(crate) fn may_have(&self, key: &[u8]) -> bool {
        self.state.load(Ordering::Acquire) != COMPLETE
            || self.has(xxh3_128_with_seed(key, self.seed))
    }
}

/// Filters for all keyed tables.
pub(crate) fn filters(defs: &[TableDef], seed: u64, memory: Memory) -> Filters {
    let keyed = defs.iter().filter(|def| def.shape == Shape::Keyed);
    let left = Arc::new(AtomicUsize::new(memory.filter_bytes()));
    let filter = |def: &TableDef| (def.id, Arc::new(Filter::new(seed, Arc::clone(&left))));
    keyed.map(filter).collect()
}

/// Completes filters with the keys that a base has held since before the start.
pub(crate) struct Completion {
    /// Each with the key behind which to go on.
    left: Vec<(u16, Vec<u8>)>,
}

impl Completion {
    /// Filters of tables of which the base has nothing are complete at once.
    pub(crate) fn new(filters: &Filters, base: &dyn Base) -> Self {
        let (left, empty): (Vec<_>, Vec<_>) = filters.iter().partition(|(id, _)| base.has(**id));
        empty.into_iter().for_each(|(_, filter)| filter.complete());
        let left = left.into_iter().map(|(id, _)| (*id, Vec::new()));
        Self {
            left: left.collect(),
        }
    }

    /// Adds some keys; `true` if there are more.
    pub(crate) fn step(&mut self, filters: &Filters, base: &dyn Base) -> Result<bool, BaseError> {
        let Some((table, from)) = self.left.last_mut() else {
            return Ok(false);
        };
        let filter = &filters[table];
        let snapshot = base.snapshot();
        let mut keys = 0;
        for row in snapshot.range(*table, &[], from).take(KEYS_AT_ONCE) {
            let (key, _) = row?;
            filter.add(&key);
            *from = key;
            keys += 1;
        }
        if keys < KEYS_AT_ONCE {
            filter.complete();
            self.left.pop();
        } else {
            from.push(0);
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(bytes: usize) -> Filter {
        Filter::new(7, Arc::new(AtomicUsize::new(bytes)))
    }

    fn key(n: u64) -> [u8; 8] {
        n.to_be_bytes()
    }

    #[test]
    fn no_key_that_was_added_is_denied_and_few_others_are_not() {
        let filter = filter(8 << 20);
        filter.complete();
        let (added, others) = (200_000, 100_000);
        (0..added).for_each(|n| filter.add(&key(n)));
        assert!((0..added).all(|n| filter.may_have(&key(n))));
        let wrong = (added..added + others)
            .filter(|n| filter.may_have(&key(*n)))
            .count();
        assert!(wrong < 200, "{wrong} of {others}");
    }

    #[test]
    fn in_little_room_it_knows_many_keys_and_is_wrong_more_often() {
        let filter = filter(1 << 20);
        filter.complete();
        let (added, others) = (700_000, 100_000);
        (0..added).for_each(|n| filter.add(&key(n)));
        assert!((0..added).all(|n| filter.may_have(&key(n))));
        let wrong = (added..added + others)
            .filter(|n| filter.may_have(&key(*n)))
            .count();
        assert!((2_000..6_000).contains(&wrong), "{wrong} of {others}");
    }

    #[test]
    fn until_it_is_complete_it_denies_nothing() {
        let filter = filter(1 << 20);
        assert!(filter.may_have(b"key"));
        filter.complete();
        assert!(!filter.may_have(b"key"));
    }

    #[test]
    fn beyond_its_bound_it_denies_nothing_any_more() {
        let filter = filter(200 * 1024);
        filter.complete();
        (0..200_000).for_each(|n| filter.add(&key(n)));
        assert!(filter.may_have(&key(1 << 40)));
        filter.complete();
        assert!(filter.may_have(&key(1 << 40)));
    }
}
