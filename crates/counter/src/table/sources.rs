//! Which topics are sources of a counter.

use compact_str::CompactString;
use minicbor::{Decode, Encode};
use tidegate_engine::{Row, Table};

use super::DOMAIN;

/// By counter, in its first shard: its sources; of a counter that has some.
pub(crate) const SOURCES: Table<Sources> = Table::ordered(DOMAIN, 25, "counter.sources");

/// Sources of a counter, in the order of their topics.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Sources {
    #[n(0)]
    pub(crate) topics: Vec<Source>,
}

impl Row for Sources {}

/// A topic whose messages are counted.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Source {
    #[cbor(n(0), with = "tidegate_engine::text")]
    pub(crate) topic: CompactString,
    /// The group of the topic that is given them.
    #[cbor(n(1), with = "tidegate_engine::text")]
    pub(crate) group: CompactString,
    /// So many at once at most.
    #[n(2)]
    pub(crate) in_flight: u64,
    /// Since when, in milliseconds since 1970.
    #[n(3)]
    pub(crate) since_ms: u64,
}

impl Sources {
    /// Where a topic is among them, or would be.
    pub(crate) fn find(&self, topic: &str) -> Result<usize, usize> {
        self.topics
            .binary_search_by(|source| source.topic.as_str().cmp(topic))
    }
}

#[cfg(test)]
mod tests {
    use tidegate_engine::testing::hex;

    use super::*;

    #[test]
    fn rows_of_sources_are_frozen() {
        let source = Source {
            topic: "t".into(),
            group: "g".into(),
            in_flight: 16,
            since_ms: 300,
        };
        let topics = vec![source];
        assert_eq!(hex(&Sources { topics }), "a10081a400617401616702100319012c");
    }
}
