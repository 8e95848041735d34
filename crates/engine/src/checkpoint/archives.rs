//! What a checkpoint does about archives: it says which slices are dropped, and then drops them.

use crate::archive::{DROPPED, Floors, Retention, dropped_rows};
use crate::base::{Base, BaseError};
use crate::table::TableDef;

/// The archives, and what is dropped of them.
pub(crate) struct Archives {
    archives: Vec<(u16, Retention)>,
    floors: Floors,
    /// The base does not say so yet.
    is_new: bool,
}

impl Archives {
    pub(crate) fn new(defs: &[TableDef], floors: Floors) -> Self {
        let archives = defs
            .iter()
            .filter_map(|def| def.retention.map(|of| (def.id, of)));
        Self {
            archives: archives.collect(),
            floors,
            is_new: false,
        }
    }

    /// A checkpoint begins at this time: no later batch has an earlier one.
    pub(super) fn pass(&mut self, base: &dyn Base, now_ms: u64) {
        for (table, retention) in &self.archives {
            let below = retention.first_kept(now_ms);
            let floor = self.floors.get(table).copied().unwrap_or_default();
            if below > floor && base.has(*table) {
                self.floors.insert(*table, below);
                self.is_new = true;
            }
        }
    }

    /// Has the base say what is dropped.
    pub(super) fn tell(&mut self, base: &dyn Base) -> Result<(), BaseError> {
        if self.is_new {
            let rows = dropped_rows(&self.floors);
            let rows = rows
                .iter()
                .map(|(key, row)| (key.as_bytes(), Some(&row[..])));
            base.ingest(DROPPED.id(), &mut { rows })?;
            self.is_new = false;
        }
        Ok(())
    }

    /// Drops what the base says is dropped.
    pub(super) fn drop_slices(&self, base: &dyn Base) -> Result<(), BaseError> {
        for (table, below) in &self.floors {
            base.drop_slices(*table, *below)?;
        }
        Ok(())
    }
}
