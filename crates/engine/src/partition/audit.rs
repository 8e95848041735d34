//! The laws of all domains, recomputed from the rows of one partition.

use std::cell::OnceCell;

use crate::base::BaseError;
use crate::contract::{Audit, Books, Known};
use crate::key::Slot;
#[cfg(feature = "testing")]
use crate::mail::RECEIVED;
#[cfg(feature = "testing")]
use crate::partition::mail::Received;
use crate::tables::Tables;

#[cfg(feature = "testing")]
impl super::Partition {
    /// Recomputes the laws of all domains from the rows.
    pub(crate) fn audit(
        &self,
        domains: &[crate::contract::Domain],
        shared: &crate::shared::Shared,
        tell: &mut dyn FnMut(Audit),
    ) -> Result<(), BaseError> {
        let known = Known {
            domains,
            partition: self.id,
            partitions: shared.slots.partitions(),
            clock_up_to_ms: shared.clock.promised_ms(),
        };
        self.check_received()?;
        audit((&self.state.tables, &self.slots), &known, tell)
    }

    /// Asserts that memory says of received letters what the rows say.
    fn check_received(&self) -> Result<(), BaseError> {
        let rows = self.state.tables.books_of(&[RECEIVED.id()]);
        let rows = super::of_slots(&rows, &RECEIVED, &self.slots)?;
        let received = Received::of(rows, self.state.tables.seed());
        assert!(received == self.received, "memory and rows differ");
        Ok(())
    }
}

/// Recomputes the laws of all domains from the rows of one partition, and tells what each finds in a slot.
pub(crate) fn audit(
    (tables, slots): (&Tables, &[Slot]),
    known: &Known<'_>,
    tell: &mut dyn FnMut(Audit),
) -> Result<(), BaseError> {
    let rows = tables.books(known.clock_up_to_ms);
    let sizes = rows.sizes(slots);
    let mut figures = Audit::default();
    rows.defs().for_each(|table| figures.add(table.name(), 0));
    for (table, count) in sizes.values().flatten() {
        figures.add(table.name(), i64::try_from(*count).unwrap_or(i64::MAX));
    }
    tell(figures);
    for (slot, sizes) in &sizes {
        let books = Books {
            rows: &rows,
            slot: *slot,
            filled: sizes.iter().map(|(table, _)| table.id()).collect(),
            known,
            letters: OnceCell::new(),
        };
        for domain in known.domains {
            tell((domain.audit)(&books));
        }
    }
    rows.failure().map_or(Ok(()), Err)
}
