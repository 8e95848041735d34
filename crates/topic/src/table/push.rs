//! Which groups of a topic are pushed.

use compact_str::CompactString;
use minicbor::{Decode, Encode};
use tidegate_engine::Row;

use super::Order;

/// Groups of a topic whose messages are pushed, in the order of their names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Pushes {
    #[n(0)]
    pub(crate) groups: Vec<Push>,
}

impl Row for Pushes {}

/// How the messages of a group are pushed.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Push {
    #[cbor(n(0), with = "tidegate_engine::text")]
    pub(crate) group: CompactString,
    /// To whom, by the name that the settings have.
    #[cbor(n(1), with = "tidegate_engine::text")]
    pub(crate) receiver: CompactString,
    /// So many at once at most.
    #[n(2)]
    pub(crate) in_flight: u64,
    /// The order of the group, which never changes.
    #[n(3)]
    pub(crate) order: Order,
    /// Since when, in milliseconds since 1970.
    #[n(4)]
    pub(crate) since_ms: u64,
}

impl Pushes {
    /// Where a group is among them, or would be.
    pub(crate) fn find(&self, group: &str) -> Result<usize, usize> {
        self.groups
            .binary_search_by(|push| push.group.as_str().cmp(group))
    }
}

#[cfg(test)]
mod tests {
    use tidegate_engine::testing::hex;

    use super::*;

    #[test]
    fn rows_of_pushes_are_frozen() {
        let push = Push {
            group: "g".into(),
            receiver: "r".into(),
            in_flight: 16,
            order: Order::Key,
            since_ms: 300,
        };
        let row = Pushes { groups: vec![push] };
        assert_eq!(hex(&row), "a10081a5006167016172021003010419012c");
    }
}
