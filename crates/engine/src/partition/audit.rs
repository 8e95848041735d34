//! The laws of all domains, recomputed from the rows of one partition.

use std::cell::OnceCell;

use super::Partition;
use crate::base::BaseError;
use crate::contract::{Audit, Books, Domain, Known};
use crate::key::Slot;
use crate::shared::Shared;
use crate::tables::Tables;

impl Partition {
    /// Recomputes the laws of all domains from the rows.
    pub(crate) fn audit(&self, domains: &[Domain], shared: &Shared) -> Result<Audit, BaseError> {
        let known = Known {
            domains,
            partition: self.id,
            partitions: shared.slots.partitions(),
            clock_up_to_ms: shared.clock.promised_ms(),
        };
        audit(&self.state.tables, &self.slots, &known)
    }
}

/// Recomputes the laws of all domains from the rows of one partition.
pub(crate) fn audit(
    tables: &Tables,
    slots: &[Slot],
    known: &Known<'_>,
) -> Result<Audit, BaseError> {
    let mut sum = Audit::default();
    let rows = tables.books(known.clock_up_to_ms);
    let mut from = Slot(0);
    while let Some(found) = rows.slot_from(from)
        && let Some(slot) = slots.iter().copied().find(|slot| *slot >= found)
    {
        from = slot;
        if slot == found {
            for (name, count) in rows.sizes(slot) {
                sum.add(name, i64::try_from(count).unwrap_or(i64::MAX));
            }
            let books = Books {
                rows: &rows,
                slot,
                known,
                letters: OnceCell::new(),
            };
            for domain in known.domains {
                sum.absorb((domain.audit)(&books));
            }
            from = Slot(slot.0 + 1);
        }
    }
    rows.failure().map_or(Ok(sum), Err)
}
