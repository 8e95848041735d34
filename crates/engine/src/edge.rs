//! The edge: what is known outside of partitions, so that a request need not be asked there.
//!
//! A transaction raises a [`Flag`]. It goes up once the record that it rests on is durable, before
//! any answer of the same batch leaves, and comes down by itself after a while. A request that finds
//! what it asks for ([`crate::contract::Apply::glance`]) is answered on the thread of its front; one
//! that does not goes to its partition as any other. So a flag saves work and never decides whether
//! an answer is right: there may be none at any time, as after a start.
//!
//! What a command finds here is as of a moment while it was under way, as long as its connection waits for
//! nothing that it has sent before: [`Edge::get`] shows it no flag otherwise.

use std::any::Any;
use std::cell::OnceCell;
use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::{Arc, PoisonError, RwLock};

use crate::clock::EngineClock;
use crate::filter::Filters;
use crate::hash::Seeded;
use crate::key::{KeyParts, PartitionId, Slot, SlotMap, write_key};
use crate::limits::{FLAGS_BYTES_MAX, FLAGS_MAX};
use crate::row::Row;
use crate::splits::Splits;
use crate::table::Table;

/// A kind of flag: what it says, by key.
#[derive(Debug)]
pub struct Flag<T> {
    id: u16,
    says: PhantomData<fn() -> T>,
}

/// What a flag says.
pub trait Told: Any + Send + Sync {
    /// About how many bytes it takes.
    fn bytes(&self) -> usize;
}

impl<T: Told> Flag<T> {
    /// A kind of flag of a domain, numbered within it.
    #[must_use]
    pub const fn new(domain: u8, number: u8) -> Self {
        Self {
            id: (domain as u16) << 8 | number as u16,
            says: PhantomData,
        }
    }
}

/// A flag on its way up.
pub(crate) struct Raised {
    key: Box<[u8]>,
    /// What is to stand there; nothing any more.
    up: Option<Up>,
    /// Also if the transaction is refused.
    is_sure: bool,
}

/// A flag that is up.
#[derive(Clone)]
struct Up {
    says: Arc<dyn Any + Send + Sync>,
    bytes: usize,
    until_ms: u64,
}

/// What a flag takes beside what it says.
const HEAD_BYTES: usize = size_of::<Raised>() + 2 * size_of::<usize>();

impl Raised {
    pub(crate) fn new<T: Told>(
        flag: &Flag<T>,
        slot: Slot,
        parts: &impl KeyParts,
        (says, until_ms): (Arc<T>, u64),
    ) -> Self {
        let key = flag_key(flag.id, slot, parts);
        let bytes = HEAD_BYTES + key.len() + says.bytes();
        let up = Up {
            says,
            bytes,
            until_ms,
        };
        Self {
            key,
            up: Some(up),
            is_sure: false,
        }
    }

    /// The same, though its transaction be refused.
    pub(crate) fn surely(self) -> Self {
        Self {
            is_sure: true,
            ..self
        }
    }

    pub(crate) fn is_sure(&self) -> bool {
        self.is_sure
    }

    /// Whether the other one takes its place.
    pub(crate) fn is_of(&self, other: &Self) -> bool {
        self.key == other.key
    }

    pub(crate) fn lowered<T>(flag: &Flag<T>, slot: Slot, parts: &impl KeyParts) -> Self {
        Self {
            key: flag_key(flag.id, slot, parts),
            up: None,
            is_sure: false,
        }
    }

    /// What it takes at the gate.
    pub(crate) fn bytes(&self) -> usize {
        self.up.as_ref().map_or(HEAD_BYTES, |up| up.bytes)
    }
}

/// `slot ‖ parts ‖ flag`: what follows the parts makes no two kinds alike, as all have the same length.
fn flag_key(id: u16, slot: Slot, parts: &impl KeyParts) -> Box<[u8]> {
    let mut key = Vec::new();
    write_key(&mut key, slot, parts);
    key.extend_from_slice(&id.to_be_bytes());
    key.into()
}

/// The flags of all partitions.
pub(crate) struct Flags {
    slots: SlotMap,
    boards: Vec<RwLock<Board>>,
}

/// The flags of one partition.
struct Board {
    ups: HashMap<Box<[u8]>, Up, Seeded>,
    bytes: usize,
}

impl Board {
    /// Puts a flag up in the place of the one before. If there is no room, not even once those are taken down whose
    /// time is over, it stays down.
    fn put_up(&mut self, Raised { key, up, .. }: Raised, now_ms: u64) {
        self.take_down(&key);
        let Some(up) = up else {
            return;
        };
        if !self.has_room_for(&up) {
            self.ups.retain(|_, up| up.until_ms > now_ms);
            self.bytes = self.ups.values().map(|up| up.bytes).sum();
        }
        if up.until_ms > now_ms && self.has_room_for(&up) {
            self.bytes += up.bytes;
            self.ups.insert(key, up);
        }
    }

    fn take_down(&mut self, key: &[u8]) {
        self.bytes -= self.ups.remove(key).map_or(0, |up| up.bytes);
    }

    fn has_room_for(&self, up: &Up) -> bool {
        self.ups.len() < FLAGS_MAX && self.bytes + up.bytes <= FLAGS_BYTES_MAX
    }
}

impl Flags {
    pub(crate) fn new(slots: SlotMap, seed: u64) -> Self {
        let board = || {
            RwLock::new(Board {
                ups: HashMap::with_hasher(Seeded::new(seed)),
                bytes: 0,
            })
        };
        let partitions = usize::from(slots.partitions());
        Self {
            boards: std::iter::repeat_with(board).take(partitions).collect(),
            slots,
        }
    }

    /// Puts flags of a partition up.
    pub(crate) fn put_up(&self, of: PartitionId, raised: &mut Vec<Raised>, now_ms: u64) {
        if raised.is_empty() {
            return;
        }
        let board = self.boards[of.index()].write();
        let mut board = board.unwrap_or_else(PoisonError::into_inner);
        for raised in raised.drain(..) {
            board.put_up(raised, now_ms);
        }
    }

    fn get(&self, slot: Slot, key: &[u8]) -> Option<Up> {
        let board = self.boards[self.slots.owner(slot).index()].read();
        let board = board.unwrap_or_else(PoisonError::into_inner);
        board.ups.get(key).cloned()
    }
}

/// What a request sees that is not at its partition, all at one moment.
pub struct Edge<'a> {
    flags: &'a Flags,
    filters: &'a Filters,
    splits: &'a Splits,
    clock: &'a EngineClock,
    /// Whether flags of a partition may be shown to this request.
    may_see: &'a dyn Fn(PartitionId) -> bool,
    /// When it was first asked for: most requests ask for nothing.
    moment_ms: OnceCell<u64>,
}

impl<'a> Edge<'a> {
    pub(crate) fn new(
        (flags, filters, splits): (&'a Flags, &'a Filters, &'a Splits),
        clock: &'a EngineClock,
        may_see: &'a dyn Fn(PartitionId) -> bool,
    ) -> Self {
        Self {
            flags,
            filters,
            splits,
            clock,
            may_see,
            moment_ms: OnceCell::new(),
        }
    }

    fn moment_ms(&self) -> u64 {
        *self.moment_ms.get_or_init(|| self.clock.moment_ms())
    }

    /// Engine time in milliseconds since 1970, for an answer that rests on it. `None` if the log has not
    /// promised it, as after a pause: then the partition is to be asked, which has it promised.
    #[must_use]
    pub fn now_ms(&self) -> Option<u64> {
        self.clock.used(self.moment_ms())
    }

    /// The same, for a look that nothing rests on.
    #[must_use]
    pub fn look_ms(&self) -> u64 {
        self.clock.seen(self.moment_ms())
    }

    /// All keys that are split.
    #[must_use]
    pub fn splits(&self) -> &'a Splits {
        self.splits
    }

    /// Whether there may be a row of a table that is [`crate::Table::known_at_edge`], under `parts` in the slot
    /// of `key`. Who asks for a flag first is told of every row that was put before that flag was raised, and of
    /// every row on which an answer rests that has left before.
    #[must_use]
    pub fn may_have<R: Row>(&self, table: &Table<R>, key: &str, parts: impl KeyParts) -> bool {
        debug_assert!(table.is_known_at_edge(), "{}", table.def().name());
        let mut bytes = Vec::new();
        write_key(&mut bytes, Slot::of(key.as_bytes()), &parts);
        let filter = self.filters.get(&table.id());
        filter.is_none_or(|filter| filter.may_have(&bytes))
    }

    /// What a flag of the slot of `key` says, if it is up. None is shown to a command whose connection waits
    /// for what it has sent before: they would not run in the order sent.
    #[must_use]
    pub fn get<T: Told>(&self, flag: &Flag<T>, key: &str, parts: impl KeyParts) -> Option<Arc<T>> {
        let slot = Slot::of(key.as_bytes());
        if !(self.may_see)(self.flags.slots.owner(slot)) {
            return None;
        }
        let up = self.flags.get(slot, &flag_key(flag.id, slot, &parts))?;
        let says = (up.until_ms > self.look_ms()).then_some(up.says)?;
        says.downcast().ok()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;
    use crate::clock::Clock;

    const TEXT: Flag<Text> = Flag::new(250, 1);
    const OTHER: Flag<Text> = Flag::new(250, 2);

    #[derive(Debug, PartialEq)]
    struct Text(&'static str, usize);

    impl Told for Text {
        fn bytes(&self) -> usize {
            self.1
        }
    }

    fn said(flags: &Flags, flag: &Flag<Text>, key: &str) -> Option<&'static str> {
        let up = flags.get(Slot(0), &flag_key(flag.id, Slot(0), &key))?;
        Some(up.says.downcast::<Text>().ok()?.0)
    }

    fn raise(flags: &Flags, flag: &Flag<Text>, key: &str, text: Text, (now, until): (u64, u64)) {
        let raised = Raised::new(flag, Slot(0), &key, (Arc::new(text), until));
        flags.put_up(PartitionId(0), &mut vec![raised], now);
    }

    /// A clock that is a second later with each look.
    #[derive(Default)]
    struct Hasty(AtomicU64);

    impl Clock for Hasty {
        fn monotonic_us(&self) -> u64 {
            self.0.fetch_add(1_000, Ordering::Relaxed) * 1_000
        }

        fn wall_ms(&self) -> u64 {
            self.0.load(Ordering::Relaxed)
        }
    }

    #[test]
    fn all_that_an_answer_rests_on_is_judged_by_one_moment() {
        let flags = Flags::new(SlotMap::even(1), 1);
        let clock = EngineClock::start(Arc::new(Hasty::default()), None, false).unwrap();
        clock.promised(1_000_000);
        let (filters, splits) = (Filters::new(), Splits::new(1));
        let edge = Edge::new((&flags, &filters, &splits), &clock, &|_| true);
        let now_ms = edge.now_ms().unwrap();
        let raised = Raised::new(
            &TEXT,
            Slot::of(b"a"),
            &"a",
            (Arc::new(Text("up", 1)), now_ms + 1),
        );
        flags.put_up(PartitionId(0), &mut vec![raised], now_ms);
        assert!(edge.get(&TEXT, "a", "a").is_some());
        assert_eq!((edge.now_ms(), edge.look_ms()), (Some(now_ms), now_ms));
        let later = Edge::new((&flags, &filters, &splits), &clock, &|_| true);
        assert!(later.look_ms() > now_ms);
        assert_eq!(later.get(&TEXT, "a", "a"), None);
    }

    #[test]
    fn flags_of_two_kinds_or_keys_are_two_and_a_later_one_takes_the_place() {
        let flags = Flags::new(SlotMap::even(1), 1);
        raise(&flags, &TEXT, "a", Text("first", 1), (5, 10));
        raise(&flags, &TEXT, "b", Text("of b", 1), (5, 10));
        raise(&flags, &OTHER, "a", Text("other", 1), (5, 10));
        raise(&flags, &TEXT, "a", Text("second", 1), (5, 10));
        assert_eq!(said(&flags, &TEXT, "a"), Some("second"));
        assert_eq!(said(&flags, &TEXT, "b"), Some("of b"));
        assert_eq!(said(&flags, &OTHER, "a"), Some("other"));
    }

    #[test]
    fn one_without_room_stays_down_and_takes_the_one_before_with_it_until_others_are_over() {
        let flags = Flags::new(SlotMap::even(1), 1);
        raise(&flags, &TEXT, "a", Text("small", 1), (5, 20));
        raise(
            &flags,
            &TEXT,
            "b",
            Text("large", FLAGS_BYTES_MAX / 2),
            (5, 10),
        );
        raise(
            &flags,
            &TEXT,
            "a",
            Text("larger", FLAGS_BYTES_MAX / 2),
            (5, 20),
        );
        assert_eq!(said(&flags, &TEXT, "a"), None, "what it said is old");
        raise(
            &flags,
            &TEXT,
            "a",
            Text("larger", FLAGS_BYTES_MAX / 2),
            (10, 20),
        );
        assert_eq!(said(&flags, &TEXT, "a"), Some("larger"));
        assert_eq!(said(&flags, &TEXT, "b"), None, "its time is over");
    }

    #[test]
    fn one_whose_time_is_over_when_it_would_go_up_takes_the_one_before_down_as_lowering_does() {
        let flags = Flags::new(SlotMap::even(1), 1);
        raise(&flags, &TEXT, "a", Text("first", 1), (5, 20));
        raise(&flags, &TEXT, "a", Text("too late", 1), (7, 6));
        assert_eq!(said(&flags, &TEXT, "a"), None);
        raise(&flags, &TEXT, "a", Text("again", 1), (8, 20));
        let lowered = Raised::lowered(&TEXT, Slot(0), &"a");
        flags.put_up(PartitionId(0), &mut vec![lowered], 9);
        assert_eq!(said(&flags, &TEXT, "a"), None);
    }
}
