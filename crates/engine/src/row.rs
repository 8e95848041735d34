//! Rows: typed values of a table, stored as CBOR maps with explicit field numbers.

use minicbor::{Decode, Encode};

/// A row of a table. Field numbers are for ever; a field that goes leaves its number unused.
pub trait Row:
    Encode<()> + for<'b> Decode<'b, ()> + Clone + PartialEq + std::fmt::Debug + Send + Sync + 'static
{
}

/// The row of an index, whose key says everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Nothing {}

impl Row for Nothing {}
