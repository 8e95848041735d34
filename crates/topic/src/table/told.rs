//! What the first part of a topic has told the others.

use minicbor::{Decode, Encode};
use tidegate_engine::Row;

/// How much was told, and what of it is known.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Told {
    /// How often something was told.
    #[n(0)]
    pub(crate) times: u64,
    /// How much of that each other part knows, in their order.
    #[n(1)]
    pub(crate) known: Vec<u64>,
}

impl Row for Told {}

impl Told {
    /// Of a topic of so many parts.
    pub(crate) fn nothing(of: u16) -> Self {
        Self {
            times: 0,
            known: vec![0; usize::from(of) - 1],
        }
    }

    /// Whether all parts know all of it.
    pub(crate) fn is_known(&self) -> bool {
        self.known.iter().all(|known| *known == self.times)
    }
}

#[cfg(test)]
mod tests {
    use tidegate_engine::testing::hex;

    use super::*;

    #[test]
    fn row_is_frozen() {
        let told = Told {
            times: 3,
            known: vec![3, 2],
        };
        assert_eq!(hex(&told), "a2000301820302");
        assert!(!told.is_known());
    }
}
