//! Events: facts that transactions emit, kept as rows for a window of their kind's.

mod facts;
mod filter;
mod floor;
mod kept;
mod list;
mod window;

use compact_str::CompactString;
use minicbor::{Decode, Encode};

pub(crate) use facts::{Fact, Facts, facts_of};
pub use filter::EventFilter;
pub(crate) use floor::{FLOORS, FloorRow, Floors, floor_of};
pub(crate) use kept::{Kept, Place};
pub use list::{Cursor, FellBehind};
pub(crate) use list::{EventInfo, FELL_BEHIND, List, page};
pub(crate) use window::{Dropped, Windows};

use crate::contract::EventDef;
use crate::effect;
use crate::row::Row;
use crate::table::Table;

/// Events by slot and number, which is an id: numbers ascend within a partition, and all of them in
/// the order of time.
pub(crate) const EVENTS: Table<EventRow> = Table::ordered(0, 1, "engine.events");

/// A stored event.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct EventRow {
    #[n(0)]
    pub(crate) at_ms: u64,
    #[cbor(n(1), with = "crate::text")]
    pub(crate) name: CompactString,
    #[cbor(n(2), with = "crate::text")]
    pub(crate) key: CompactString,
    #[n(3)]
    pub(crate) facts: Vec<Fact>,
    /// The name of the domain that emitted it. Empty in rows of before there was such a field.
    #[cbor(n(4), with = "crate::text", default)]
    pub(crate) domain: CompactString,
}

impl Row for EventRow {}

/// Bytes in the log of an event of this kind that is dropped: its row goes, and the floor of its kind
/// rises. Beside heads and names that is a slot and a number twice, and what holds them.
pub(crate) fn drop_bytes(def: &EventDef) -> usize {
    2 * effect::HEAD + def.domain.len() + def.name.len() + 32
}

#[cfg(test)]
mod tests {
    use super::facts::FactValue;
    use super::*;

    fn row(domain: &str) -> EventRow {
        let fact = |name: &str, value| Fact {
            name: name.into(),
            value,
        };
        EventRow {
            at_ms: 5,
            name: "low".into(),
            key: "k".into(),
            facts: vec![
                fact("a", FactValue::Text("b".into())),
                fact("c", FactValue::Integer(-1)),
                fact("d", FactValue::Boolean(true)),
                fact("e", FactValue::Null),
            ],
            domain: domain.into(),
        }
    }

    const GOLDEN: &[u8] = b"\xa5\x00\x05\x01\x63low\x02\x61k\x03\x84\
        \xa2\x00\x61a\x01\x82\x00\x81\x61b\
        \xa2\x00\x61c\x01\x82\x01\x81\x20\
        \xa2\x00\x61d\x01\x82\x02\x81\xf5\
        \xa2\x00\x61e\x01\x82\x03\x80\
        \x04\x61s";

    #[test]
    fn row_is_frozen() {
        let bytes = minicbor::to_vec(row("s")).unwrap();
        assert_eq!(
            bytes.escape_ascii().to_string(),
            GOLDEN.escape_ascii().to_string()
        );
    }

    #[test]
    fn row_of_before_domains_were_told_is_read() {
        let (before, _domain) = GOLDEN.split_at(GOLDEN.len() - 3);
        let before = [b"\xa4", &before[1..]].concat();
        assert_eq!(minicbor::decode::<EventRow>(&before).unwrap(), row(""));
    }
}
