//! Sketches as they lie in rows: the bytes that they write of themselves.

use minicbor::decode::Error;
use minicbor::encode::Write;
use minicbor::{Decode, Decoder, Encode, Encoder};
use tidegate_engine::Row;
use tidegate_sketch::{Chunk, Head};

/// The part that every sketch has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SketchHead(pub(crate) Head);

/// One of the parts of a sketch that is split.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SketchChunk(pub(crate) Chunk);

impl Row for SketchHead {}

impl Row for SketchChunk {}

/// A map of one field, which is the part's bytes.
macro_rules! row_of {
    ($row:ident, $part:ident) => {
        impl<C> Encode<C> for $row {
            fn encode<W: Write>(
                &self,
                out: &mut Encoder<W>,
                _: &mut C,
            ) -> Result<(), minicbor::encode::Error<W::Error>> {
                out.map(1)?.u8(0)?.bytes(&self.0.to_bytes())?.ok()
            }
        }

        impl<'b, C> Decode<'b, C> for $row {
            fn decode(from: &mut Decoder<'b>, _: &mut C) -> Result<Self, Error> {
                if (from.map()?, from.u8()?) != (Some(1), 0) {
                    return Err(Error::message("no part of a sketch"));
                }
                let part = $part::from_bytes(from.bytes()?);
                part.map(Self).map_err(Error::custom)
            }
        }
    };
}

row_of!(SketchHead, Head);
row_of!(SketchChunk, Chunk);

#[cfg(test)]
mod tests {
    use tidegate_engine::testing::hex;
    use tidegate_sketch::{Coupon, Sketch};

    use super::*;

    #[test]
    fn stored_sketches_are_frozen() {
        assert_eq!(hex(&SketchHead::default()), "a1004101");
        let sketch: Sketch = (0..65_u32)
            .map(|who| Coupon::of(who.to_string().as_bytes()))
            .collect();
        let (number, chunk) = sketch.chunks().first_key_value().expect("it is split");
        assert_eq!(hex(&SketchHead(sketch.head().clone())), "a1004103");
        assert_eq!(
            (*number, hex(&SketchChunk(chunk.clone()))),
            (0, "a1004901810849010126cf03".to_owned())
        );
    }
}
