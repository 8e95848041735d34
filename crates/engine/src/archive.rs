//! Archives: tables for what is finished, sliced by time.
//!
//! The key of a row is `slot ‖ slice (4 bytes, big endian) ‖ parts`, where the slice is the time at
//! which the row was archived, divided by the length of a slice. In the base each slice is a keyspace
//! of its own: once its time is over only removals touch it, and it leaves as a whole. A slice is
//! dropped as soon as its end lies further back than it is kept, whether or not its files are still
//! there: like an expiry, that is judged from the time.

use std::collections::BTreeMap;

use minicbor::{Decode, Encode};

use crate::base::{Base, BaseError};
use crate::key::{KeyParts, RowKey, Slot, write_key};
use crate::limits::SLICES_MAX;
use crate::row::Row;
use crate::table::{Table, TableDef};

/// When what is finished leaves for an archive, and for how long it stays there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// It stays for so long where it was.
    pub after_ms: u64,
    /// The length of a slice; stored in keys, so it never changes for a data folder.
    pub slice_ms: u64,
    /// A slice is dropped so long after its end.
    pub keep_ms: u64,
}

impl Retention {
    /// Asserts that pages need not look into too many slices.
    pub(crate) const fn checked(self) -> Self {
        assert!(
            self.slice_ms >= 1_000,
            "a slice takes a second at least: its number has 4 bytes"
        );
        assert!(
            self.keep_ms / self.slice_ms < SLICES_MAX,
            "a page looks into every slice that is kept: take longer ones"
        );
        self
    }

    /// The slice of what is archived at this time.
    pub(crate) fn slice_at(self, now_ms: u64) -> Slice {
        Slice::from_number(now_ms / self.slice_ms)
    }

    /// The first slice that is not dropped yet.
    pub(crate) fn first_kept(self, now_ms: u64) -> Slice {
        Slice::from_number(now_ms.saturating_sub(self.keep_ms) / self.slice_ms)
    }
}

/// Tables whose archives lose nothing to time: only what a checkpoint has dropped is not there. Whoever
/// does not know how a server keeps its archives reads all that it has left.
pub(crate) fn all_kept(mut defs: Vec<TableDef>) -> Vec<TableDef> {
    let retentions = defs.iter_mut().filter_map(|def| def.retention.as_mut());
    retentions.for_each(|retention| retention.keep_ms = u64::MAX);
    defs
}

/// A slice of an archive; as a part of a key, 4 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(transparent)]
pub struct Slice(#[n(0)] pub(crate) u32);

impl Slice {
    /// The slice of this number.
    #[must_use]
    pub const fn of(number: u32) -> Self {
        Self(number)
    }

    fn from_number(number: u64) -> Self {
        let number = u32::try_from(number);
        Self(number.expect("because 4 bytes of seconds last until 2106"))
    }

    /// That of a row's key, if the key goes so far.
    pub(crate) fn of_key(key: &[u8]) -> Option<Self> {
        let slice = key.get(2..)?.first_chunk()?;
        Some(Self(u32::from_be_bytes(*slice)))
    }
}

impl KeyParts for Slice {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0.to_be_bytes());
    }
}

/// What is dropped of each archive, under slot 0 and the archive's number. It is about all slots, and no
/// partition reads or writes it: a checkpoint does, in the base, before the first slice goes; so a longer
/// retention that is set later does not have what was dropped expected again.
pub(crate) const DROPPED: Table<Dropped> = Table::ordered(0, 6, "engine.dropped");

/// Slices before this one are dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Dropped {
    #[n(0)]
    pub(crate) below: Slice,
}

impl Row for Dropped {}

/// By archive: the first slice that was never dropped.
pub(crate) type Floors = BTreeMap<u16, Slice>;

/// What of each archive a base says is dropped.
pub(crate) fn floors(base: &dyn Base, defs: &[TableDef]) -> Result<Floors, BaseError> {
    let mut floors = Floors::new();
    for def in defs.iter().filter(|def| def.retention.is_some()) {
        let key = dropped_key(def.id);
        let Some(row) = base.get(DROPPED.id(), key.as_bytes())? else {
            continue;
        };
        let verified = DROPPED.def().verify_stored(key.as_bytes(), &row);
        verified.map_err(|what| BaseError::no_row(&DROPPED.def(), key.as_bytes(), what))?;
        floors.insert(def.id, DROPPED.decode(&row).below);
    }
    Ok(floors)
}

/// The rows that say so much, by key.
pub(crate) fn dropped_rows(floors: &Floors) -> Vec<(RowKey, Vec<u8>)> {
    let row = |below: &Slice| minicbor::to_vec(Dropped { below: *below });
    let rows = floors.iter().map(|(table, below)| {
        let row = row(below).expect("because writing to memory does not fail");
        (dropped_key(*table), row)
    });
    rows.collect()
}

/// The key under which it is said of an archive.
pub(crate) fn dropped_key(table: u16) -> RowKey {
    let mut key = Vec::new();
    write_key(&mut key, Slot(0), &u64::from(table));
    RowKey::from_bytes(&key)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEPT: Retention = Retention {
        after_ms: 0,
        slice_ms: 1_000,
        keep_ms: 5_000,
    };

    #[test]
    fn bytes_are_frozen() {
        let rows = dropped_rows(&Floors::from([(0x17, Slice(0x5168))]));
        let [(key, row)] = &rows[..] else {
            panic!("{rows:?}");
        };
        assert_eq!(key.as_bytes(), b"\0\0\0\0\0\0\0\0\0\x17");
        assert_eq!(row[..], *b"\xa1\x00\x19\x51\x68");
        let mut key = Vec::new();
        write_key(&mut key, Slot(0x0e1f), &(Slice(0x5168), "a"));
        assert_eq!(key, b"\x0e\x1f\0\0\x51\x68a\0");
        assert_eq!(Slice::of_key(&key), Some(Slice(0x5168)));
        assert_eq!(Slice::of_key(&key[..5]), None);
    }

    #[test]
    fn slice_is_kept_until_so_long_after_its_end() {
        assert_eq!(KEPT.slice_at(1_999), Slice(1));
        assert_eq!(KEPT.first_kept(6_999), Slice(1));
        assert_eq!(KEPT.first_kept(7_000), Slice(2));
        assert_eq!(KEPT.first_kept(4_999), Slice(0));
    }

    #[test]
    #[should_panic = "a slice takes a second at least"]
    fn slices_shorter_than_a_second_are_no_retention() {
        let slice_ms = 999;
        let _ = Retention { slice_ms, ..KEPT }.checked();
    }

    #[test]
    #[should_panic = "a page looks into every slice that is kept"]
    fn more_slices_than_a_page_may_look_into_are_no_retention() {
        let keep_ms = SLICES_MAX * KEPT.slice_ms;
        let _ = Retention { keep_ms, ..KEPT }.checked();
    }
}
