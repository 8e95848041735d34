//! Tables as domains declare them, and the rows that only the base has.

use std::marker::PhantomData;

use crate::archive::{Retention, Slice};
use crate::key::RowKey;
use crate::limits::SLOTS;
use crate::row::Row;

/// How a table's rows can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// By their whole key only; the faster one.
    Keyed,
    /// By their whole key and in the order of their keys.
    Ordered,
}

/// A table as a domain declares it, in a constant.
pub struct Table<R> {
    def: TableDef,
    row: PhantomData<fn() -> R>,
}

impl<R: Row> Table<R> {
    /// A table whose rows are looked up by key. `number` is the table's number within its domain
    /// (0–31), stored and for ever.
    #[must_use]
    pub const fn keyed(domain: u8, number: u8, name: &'static str) -> Self {
        Self::new(table_id(domain, number), name, Shape::Keyed, None)
    }

    /// A table whose rows can also be read in the order of their keys.
    #[must_use]
    pub const fn ordered(domain: u8, number: u8, name: &'static str) -> Self {
        Self::new(table_id(domain, number), name, Shape::Ordered, None)
    }

    /// A table for what is finished: the first part of its keys is a [`crate::Slice`], and slices
    /// are dropped when their time has come.
    #[must_use]
    pub const fn archive(domain: u8, number: u8, name: &'static str, retention: Retention) -> Self {
        let retention = Some(retention.checked());
        Self::new(table_id(domain, number), name, Shape::Ordered, retention)
    }

    /// The keyed table, whose keys the edge is to know: those of rows in memory as well as in the base, also
    /// of rows that were removed. See [`crate::Edge::may_have`].
    #[must_use]
    pub const fn known_at_edge(mut self) -> Self {
        assert!(
            matches!(self.def.shape, Shape::Keyed),
            "ordered tables have no filter"
        );
        self.def.is_known_at_edge = true;
        self
    }

    const fn new(id: u16, name: &'static str, shape: Shape, retention: Option<Retention>) -> Self {
        let def = TableDef {
            id,
            name,
            shape,
            retention,
            is_known_at_edge: false,
            verify: verify::<R>,
        };
        let row = PhantomData;
        Self { def, row }
    }

    /// The table without its row type, for lists of tables.
    #[must_use]
    pub const fn def(&self) -> TableDef {
        self.def
    }

    /// The number under which rows are stored.
    #[must_use]
    pub const fn id(&self) -> u16 {
        self.def.id
    }

    /// Whether the edge knows its keys.
    pub(crate) const fn is_known_at_edge(&self) -> bool {
        self.def.is_known_at_edge
    }

    /// Whether it is an archive.
    pub(crate) const fn is_archive(&self) -> bool {
        self.def.retention.is_some()
    }

    /// A row from its stored bytes, which were verified when they came in.
    pub(crate) fn decode(&self, bytes: &[u8]) -> R {
        let row = minicbor::decode(bytes);
        row.expect("because a row is in memory only as it was encoded, or once it was verified")
    }
}

/// Domains are numbered 0–255 (0 is the engine), tables within them 0–31.
/// The number of a table in stored formats: four bits of its own, eight of its domain, and a fifth bit of its own.
const fn table_id(domain: u8, number: u8) -> u16 {
    assert!(number < 32, "a domain has at most 32 tables");
    let number = number as u16;
    (number & 0x10) << 8 | (domain as u16) << 4 | number & 0x0f
}

/// Numbers of tables in stored formats are less than this.
pub(crate) const TABLE_IDS: usize = 1 << 13;

/// The domain whose table has this number.
pub(crate) const fn domain_of(table: u16) -> u16 {
    table >> 4 & 0xff
}

/// A table without its row type.
#[derive(Clone, Copy)]
pub struct TableDef {
    pub(crate) id: u16,
    pub(crate) name: &'static str,
    pub(crate) shape: Shape,
    /// Of an archive.
    pub(crate) retention: Option<Retention>,
    /// Its filter has the keys of rows in memory too.
    pub(crate) is_known_at_edge: bool,
    verify: fn(&[u8]) -> Result<(), minicbor::decode::Error>,
}

impl TableDef {
    /// The number under which its rows are stored.
    #[must_use]
    pub const fn id(&self) -> u16 {
        self.id
    }

    /// Its name: the domain's, a dot, and its own.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// What is wrong with a stored key and row of the table, if anything.
    pub(crate) fn verify_stored(&self, key: &[u8], row: &[u8]) -> Result<(), String> {
        let slot = key.first_chunk().map(|slot| u16::from_be_bytes(*slot));
        if slot.is_none_or(|slot| slot >= SLOTS) {
            return Err(format!("a key of table {} names no slot", self.name));
        }
        if self.retention.is_some() && Slice::of_key(key).is_none() {
            return Err(format!("a key of archive {} names no slice", self.name));
        }
        self.verify(row).map_err(|error| error.to_string())
    }

    /// Whether these bytes are a row of the table.
    pub(crate) fn verify(&self, row: &[u8]) -> Result<(), DecodeError> {
        (self.verify)(row).map_err(|cause| DecodeError {
            table: self.name,
            cause,
        })
    }
}

fn verify<R: Row>(row: &[u8]) -> Result<(), minicbor::decode::Error> {
    minicbor::decode::<R>(row).map(drop)
}

/// A row is not in memory: it is fetched from the base, and the command runs again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Missing {
    pub(crate) table: u16,
    pub(crate) key: RowKey,
}

impl Missing {
    /// The row of this table under a key.
    pub(crate) fn of(table: u16, key: &[u8]) -> Self {
        let key = RowKey::from_bytes(key);
        Self { table, key }
    }
}

/// A row could not be read from its stored bytes.
#[derive(Debug, thiserror::Error)]
#[error("row of table {table} cannot be decoded: {cause}")]
pub struct DecodeError {
    table: &'static str,
    cause: minicbor::decode::Error,
}

/// The log names a row that this program cannot hold.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The table's number is not known: the log was written by a newer version.
    #[error("table {0:#x} is not known to this version; was the log written by a newer one?")]
    UnknownTable(u16),
    /// The row's bytes do not decode.
    #[error(transparent)]
    Row(#[from] DecodeError),
    /// The effect's frame does not decode.
    #[error("effects of a record are cut short")]
    Cut,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_tables_are_frozen_and_tell_their_domains() {
        for (domain, number, id) in [
            (0, 8, 0x0008),
            (4, 15, 0x004f),
            (4, 16, 0x1040),
            (255, 31, 0x1fff),
        ] {
            assert_eq!(table_id(domain, number), id);
            assert_eq!(domain_of(id), u16::from(domain));
        }
    }
}
