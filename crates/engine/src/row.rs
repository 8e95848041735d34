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
