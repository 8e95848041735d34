//! How far events were dropped: whoever goes on behind an earlier one would miss some.

use std::collections::BTreeMap;

use compact_str::CompactString;
use minicbor::{Decode, Encode};

use super::EventFilter;
use crate::contract::ScanContext;
use crate::key::RowKey;
use crate::row::Row;
use crate::table::Table;

/// Of each kind, by slot, domain and name, the last event that was dropped.
pub(crate) const FLOORS: Table<FloorRow> = Table::ordered(0, 5, "engine.event_floors");

#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct FloorRow {
    #[n(0)]
    pub(crate) number: u64,
}

impl Row for FloorRow {}

/// The last event of each kind that was dropped, of a slot or of all slots of a partition.
#[derive(Clone, Debug, Default)]
pub(crate) struct Floors(BTreeMap<(CompactString, CompactString), u64>);

impl Floors {
    pub(crate) fn of<'a>(rows: impl Iterator<Item = &'a (RowKey, FloorRow)>) -> Self {
        let mut floors = Self::default();
        rows.for_each(|row| floors.raise_to(row));
        floors
    }

    pub(crate) fn raise_to(&mut self, (key, row): &(RowKey, FloorRow)) {
        let mut parts = key.parts();
        if let (Some(domain), Some(name)) = (parts.text(), parts.text()) {
            self.raise(domain, name, row.number);
        }
    }

    pub(crate) fn raise(&mut self, domain: &str, name: &str, number: u64) {
        let kind = (CompactString::new(domain), CompactString::new(name));
        let floor = self.0.entry(kind).or_default();
        *floor = number.max(*floor);
    }

    pub(crate) fn get(&self, domain: &str, name: &str) -> Option<u64> {
        let kind = (CompactString::new(domain), CompactString::new(name));
        self.0.get(&kind).copied()
    }

    /// The last one dropped of all kinds that may be wanted.
    fn highest(&self, filter: &EventFilter) -> Option<u64> {
        let wanted = self
            .0
            .iter()
            .filter(|((domain, name), _)| filter.takes_kind(domain, name));
        wanted.map(|(_, number)| *number).max()
    }
}

/// The last event that was dropped where a scan looks, of those that may be wanted.
pub(crate) fn floor_of(context: &ScanContext, filter: &EventFilter) -> Option<u64> {
    if filter.key.is_some() {
        let of_slot = context.rows(&FLOORS, (), None::<()>, usize::MAX);
        return Floors::of(of_slot.iter()).highest(filter);
    }
    context.events.floors().highest(filter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_is_frozen() {
        let row = minicbor::to_vec(FloorRow { number: 1 << 40 }).unwrap();
        assert_eq!(row, [0xa1, 0x00, 0x1b, 0, 0, 1, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn only_kinds_that_are_wanted_count() {
        let mut floors = Floors::default();
        floors.raise("stock", "stock_low", 7);
        floors.raise("stock", "stock_low", 5);
        floors.raise("order", "paid", 9);
        let highest = |domain: Option<&str>, name: Option<&str>| {
            floors.highest(&EventFilter {
                domain: domain.map(CompactString::new),
                name: name.map(CompactString::new),
                key: None,
            })
        };
        assert_eq!(highest(None, None), Some(9));
        assert_eq!(highest(Some("stock"), None), Some(7));
        assert_eq!(highest(None, Some("paid")), Some(9));
        assert_eq!(highest(Some("stock"), Some("paid")), None);
    }
}
