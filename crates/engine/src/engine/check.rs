//! A folder whose server is stopped, read as a whole.

use std::sync::Arc;

use super::replayed::Replayed;
use super::{OpenError, all_tables, with_own};
use crate::archive;
use crate::backup::check_finished;
use crate::base::Base;
use crate::checkpoint::Mark;
use crate::contract::{Audit, Domain, Known};
use crate::disk::Disk;
use crate::filter::Filters;
use crate::key::{PartitionId, Slot, SlotMap};
use crate::log::{LogError, LogReport, Reading, scan_to_end};
use crate::partition;

/// What a folder whose server is stopped holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// What the log holds.
    pub log: LogReport,
    /// How many checkpoints there have been.
    pub checkpoints: u64,
    /// What the rows add up to, and each law that is broken.
    pub audit: Audit,
}

/// Reads everything that a log and a base hold, without changing anything.
///
/// # Errors
/// Something is corrupt or cannot be read.
pub fn check(
    disk: &dyn Disk,
    base: &Arc<dyn Base>,
    domains: &[Domain],
) -> Result<Checked, OpenError> {
    check_finished(disk)?;
    let domains = &with_own(domains);
    let mark = Mark::read(disk)?.unwrap_or_default();
    let no_filters = Filters::new();
    let defs = all_tables(domains);
    let floors = archive::floors(&**base, &defs)?;
    let mut replayed = Replayed::new(defs, 0, (base, &floors), &no_filters, &mark, 0);
    let kept = (&*mark.applied, &*mark.frozen, &Reading::default());
    let end = scan_to_end(disk, kept, &mut |record| replayed.apply(record))?;
    if end.report.segments == 0 {
        let path = disk.path("").trim_end_matches('/').to_owned();
        return Err(LogError::Absent { path }.into());
    }
    if let Some(damage) = base.damages()?.into_iter().next() {
        return Err(damage.into());
    }
    let slots = SlotMap::even(end.report.partitions);
    let mut audit = Audit::default();
    for def in &replayed.defs {
        audit.add(def.name, 0);
    }
    for id in (0..end.report.partitions).map(PartitionId) {
        let own: Vec<Slot> = slots.slots(id).collect();
        let known = Known {
            domains,
            partition: id,
            partitions: end.report.partitions,
            clock_up_to_ms: end.report.clock_up_to_ms,
        };
        audit.absorb(partition::audit(&replayed.take(id), &own, &known)?);
    }
    Ok(Checked {
        log: end.report,
        checkpoints: mark.number,
        audit,
    })
}
