//! The laws of all domains, recomputed from the rows of one partition.

use std::cell::OnceCell;

use crate::base::BaseError;
use crate::contract::{Audit, Books, Known};
use crate::key::Slot;
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
        audit((&self.state.tables, &self.slots), &known, tell)
    }
}

/// Recomputes the laws of all domains from the rows of one partition, and tells what each finds in a slot.
pub(crate) fn audit(
    (tables, slots): (&Tables, &[Slot]),
    known: &Known<'_>,
    tell: &mut dyn FnMut(Audit),
) -> Result<(), BaseError> {
    let rows = tables.books(known.clock_up_to_ms);
    let mut from = Slot(0);
    while let Some(found) = rows.slot_from(from)
        && let Some(slot) = slots.iter().copied().find(|slot| *slot >= found)
    {
        from = slot;
        if slot == found {
            let mut sizes = Audit::default();
            for (name, count) in rows.sizes(slot) {
                sizes.add(name, i64::try_from(count).unwrap_or(i64::MAX));
            }
            tell(sizes);
            let books = Books {
                rows: &rows,
                slot,
                known,
                letters: OnceCell::new(),
            };
            for domain in known.domains {
                tell((domain.audit)(&books));
            }
            from = Slot(slot.0 + 1);
        }
    }
    rows.failure().map_or(Ok(()), Err)
}
