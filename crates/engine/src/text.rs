//! CBOR for [`CompactString`], named by `#[cbor(with = "…")]` in rows.

use compact_str::CompactString;
use minicbor::decode::{Decoder, Error};
use minicbor::encode::{self, Encoder, Write};

/// Writes a text.
///
/// # Errors
/// The writer failed.
pub fn encode<C, W: Write>(
    text: &CompactString,
    out: &mut Encoder<W>,
    _context: &mut C,
) -> Result<(), encode::Error<W::Error>> {
    out.str(text)?.ok()
}

/// Reads a text.
///
/// # Errors
/// The bytes hold none.
pub fn decode<C>(from: &mut Decoder<'_>, _context: &mut C) -> Result<CompactString, Error> {
    from.str().map(CompactString::new)
}
