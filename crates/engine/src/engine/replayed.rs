//! Tables as base and log left them.

use std::collections::HashMap;
use std::sync::Arc;

use crate::archive::Floors;
use crate::base::Base;
use crate::checkpoint::Mark;
use crate::effect;
use crate::filter::Filters;
use crate::key::PartitionId;
use crate::log::Record;
use crate::table::{ReplayError, TableDef};
use crate::tables::Tables;

/// Tables as base and log left them.
pub(crate) struct Replayed<'a> {
    pub(crate) defs: Vec<TableDef>,
    pub(crate) seed: u64,
    pub(crate) base: &'a Arc<dyn Base>,
    pub(crate) floors: &'a Floors,
    pub(crate) filters: &'a Filters,
    pub(crate) mark: &'a Mark,
    /// For rows of one partition that were read from the base.
    pub(crate) cache_bytes: usize,
    pub(crate) partitions: HashMap<PartitionId, Tables>,
}

impl<'a> Replayed<'a> {
    pub(crate) fn new(
        defs: Vec<TableDef>,
        seed: u64,
        (base, floors): (&'a Arc<dyn Base>, &'a Floors),
        filters: &'a Filters,
        mark: &'a Mark,
        cache_bytes: usize,
    ) -> Self {
        Self {
            defs,
            cache_bytes,
            seed,
            base,
            floors,
            filters,
            mark,
            partitions: HashMap::new(),
        }
    }

    pub(crate) fn tables(&mut self, id: PartitionId) -> &mut Tables {
        let base = Arc::clone(self.base);
        let new = || {
            let base = (base, self.floors);
            Tables::new(&self.defs, self.seed, base, self.filters, self.cache_bytes)
        };
        self.partitions.entry(id).or_insert_with(new)
    }

    pub(crate) fn apply(&mut self, record: Record<'_>) -> Result<(), ReplayError> {
        let applied = self.mark.applied.get(record.partition.index());
        if applied.is_some_and(|applied| record.lsn <= *applied) {
            return Ok(());
        }
        effect::replay(self.tables(record.partition), record.effects)
    }

    pub(crate) fn take(&mut self, id: PartitionId) -> Tables {
        self.tables(id);
        let tables = self.partitions.remove(&id);
        tables.expect("because it was made just now")
    }
}
