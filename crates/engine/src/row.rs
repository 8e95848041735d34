//! Rows: typed values of a table, stored as CBOR maps with explicit field numbers.

use minicbor::{Decode, Encode};

/// A row of a table. Field numbers are for ever; a field that goes leaves its number unused.
pub trait Row:
    Encode<()> + for<'b> Decode<'b, ()> + Clone + PartialEq + std::fmt::Debug + Send + Sync + 'static
{
}

/// Whether a number is none, so that a row need not say it: `#[cbor(n(…), skip_if = "tidegate_engine::is_zero")]`.
#[must_use]
pub fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// The row of an index, whose key says everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Nothing {}

impl Row for Nothing {}

/// Where a row was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// It has changed since the last checkpoint began, or is on its way to the base.
    InMemory,
    /// It is as the base has it, from which it was read now or not long ago.
    OnDisk,
}

/// How many rows were read, by where they were found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RowsRead {
    /// Those that have changed since the last checkpoint.
    pub memory: u64,
    /// Those that are as the base has them.
    pub disk: u64,
}

impl RowsRead {
    /// One more.
    pub fn note(&mut self, found: Found) {
        match found {
            Found::InMemory => self.memory += 1,
            Found::OnDisk => self.disk += 1,
        }
    }

    /// Those that were read since there were so many.
    #[must_use]
    pub fn since(self, before: Self) -> Self {
        Self {
            memory: self.memory - before.memory,
            disk: self.disk - before.disk,
        }
    }
}

impl std::ops::AddAssign for RowsRead {
    fn add_assign(&mut self, more: Self) {
        self.memory += more.memory;
        self.disk += more.disk;
    }
}
