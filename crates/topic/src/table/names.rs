//! The names of the groups of a topic, or of a stream.

use compact_str::CompactString;
use minicbor::{Decode, Encode};
use tidegate_engine::Row;

/// Names of groups.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct GroupNames {
    /// In the order of their bytes.
    #[cbor(n(0), with = "texts")]
    pub(crate) names: Vec<CompactString>,
}

impl Row for GroupNames {}

impl GroupNames {
    /// Adds one; `false` if it is among them.
    pub(crate) fn add(&mut self, name: &str) -> bool {
        let place = self.names.binary_search_by(|one| one.as_str().cmp(name));
        if let Err(at) = place {
            self.names.insert(at, CompactString::new(name));
        }
        place.is_err()
    }
}

/// Names as a list of texts.
mod texts {
    use compact_str::CompactString;
    use minicbor::decode::Error;
    use minicbor::encode::Write;
    use minicbor::{Decoder, Encoder};

    pub(super) fn encode<C, W: Write>(
        names: &[CompactString],
        out: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        out.array(names.len() as u64)?;
        names.iter().try_for_each(|name| out.str(name).map(drop))
    }

    pub(super) fn decode<'b, C>(
        bytes: &mut Decoder<'b>,
        _: &mut C,
    ) -> Result<Vec<CompactString>, Error> {
        let names = bytes.array_iter::<&'b str>()?;
        names.map(|name| name.map(CompactString::new)).collect()
    }
}

#[cfg(test)]
mod tests {
    use tidegate_engine::testing::hex;

    use super::*;

    #[test]
    fn names_stand_once_and_in_order_and_their_row_is_frozen() {
        let mut groups = GroupNames::default();
        for (name, is_new) in [("h", true), ("g", true), ("h", false)] {
            assert_eq!(groups.add(name), is_new);
        }
        assert_eq!(hex(&groups), "a1008261676168");
    }
}
