//! Rows of facts about keys.

use compact_str::CompactString;
use minicbor::{Decode, Encode};
use tidegate_engine::{Row, Table};

use super::{DOMAIN, Texts};

/// By counter and key: what is known of a key.
pub(crate) const FACTS: Table<KeyFacts> = Table::keyed(DOMAIN, 21, "counter.facts");
/// By counter: of how many keys something is known.
pub(crate) const FACT_LISTS: Table<Listed> = Table::keyed(DOMAIN, 22, "counter.fact_lists");
/// By counter and page: which keys they are.
pub(crate) const FACT_PAGES: Table<Texts> = Table::keyed(DOMAIN, 23, "counter.fact_pages");
/// By counter, key and dimension: what was counted while nothing was known, and is being moved.
pub(crate) const MOVES: Table<Move> = Table::keyed(DOMAIN, 24, "counter.moves");

/// What is known of a key: dimensions and their values, one behind the other.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct KeyFacts {
    #[n(0)]
    of: Texts,
}

impl Row for KeyFacts {}

impl KeyFacts {
    /// Dimensions with their values.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut texts = self.of.iter();
        std::iter::from_fn(move || texts.next().zip(texts.next()))
    }

    /// The value of a dimension, if it is known.
    pub(crate) fn value(&self, dim: &str) -> Option<&str> {
        self.iter()
            .find_map(|(own, value)| (own == dim).then_some(value))
    }

    /// With another value of a dimension.
    pub(crate) fn with(&self, dim: &str, value: &str) -> Self {
        let others = self.iter().filter(|(own, _)| *own != dim);
        let all = others.chain([(dim, value)]);
        Self {
            of: all.flat_map(|(dim, value)| [dim, value]).collect(),
        }
    }
}

/// Keys of which something is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Listed {
    #[n(0)]
    pub(crate) keys: u64,
}

impl Row for Listed {}

/// How far what was counted while nothing was known has been moved.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Move {
    /// The value that was told first.
    #[cbor(n(0), with = "tidegate_engine::text")]
    pub(crate) value: CompactString,
    /// The level of which blocks are moved now.
    #[n(1)]
    pub(crate) level: u8,
    /// All of this level are moved that have lower numbers.
    #[n(2)]
    pub(crate) from: u64,
}

impl Row for Move {}
