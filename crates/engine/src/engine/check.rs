//! A folder whose server is stopped, read as a whole.

use std::fmt::{self, Display};
use std::sync::Arc;

use super::{OpenError, Replayed, all_tables, check_base, refuse_newer, with_own};
use crate::archive::{self, Floors};
use crate::backup::check_finished;
use crate::base::{Base, BaseDamage, BaseError};
use crate::checkpoint::{Mark, MarkError};
use crate::contract::{Audit, Domain, Known, balance};
use crate::damage::{self, Damaged};
use crate::disk::Disk;
use crate::filter::Filters;
use crate::key::{PartitionId, Slot, SlotMap};
use crate::log::{
    End, LogDamage, LogError, LogReport, Lost, Reading, Record, first_tips, scan_into,
};
use crate::partition;
use crate::table::{ReplayError, TableDef};

/// What a folder whose server is stopped holds.
#[derive(Debug)]
pub struct Checked {
    /// What the log holds, up to its first damage.
    pub log: LogReport,
    /// How many checkpoints there have been.
    pub checkpoints: u64,
    /// Every damage. Only a repair goes on from there.
    pub damages: Vec<Damage>,
    /// What the rows add up to, and each law that is broken. Of a damaged folder nothing.
    pub audit: Audit,
}

/// Bytes of a folder that are not what was written.
#[derive(Debug)]
pub enum Damage {
    /// Of the log.
    Log(LogDamage),
    /// The end of the log is missing.
    Short(LogError),
    /// A file of the base.
    Base(BaseDamage),
    /// A row of the base, or the base as a whole.
    Row(BaseError),
    /// The mark of the last checkpoint.
    Mark(MarkError),
    /// It was noted when it was found, or a repair has not come to its end.
    Noted(Damaged),
}

impl Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Log(damage) => damage.fmt(f),
            Self::Short(error) => error.fmt(f),
            Self::Base(damage) => damage.fmt(f),
            Self::Row(error) => error.fmt(f),
            Self::Mark(error) => error.fmt(f),
            Self::Noted(damaged) => damaged.fmt(f),
        }
    }
}

/// Reads everything that a log and a base hold, without changing anything.
///
/// # Errors
/// Something cannot be read, or it is no data folder.
pub fn check(
    disk: &dyn Disk,
    base: &Arc<dyn Base>,
    domains: &[Domain],
) -> Result<Checked, OpenError> {
    let domains = &with_own(domains);
    let defs = archive::all_kept(all_tables(domains));
    let mut look = Look::at(disk)?;
    let damages = base.damages()?;
    look.damages.extend(damages.into_iter().map(Damage::Base));
    let missing = check_base(disk, &**base, &defs, &look.mark);
    look.damages.extend(missing.err().map(Damage::Row));
    let (mark, no_filters) = (look.mark.clone(), Filters::new());
    let floors = look.floors(&**base, &defs)?;
    let mut replayed = Replayed::new(defs, 0, (base, &floors), &no_filters, &mark, 0);
    let end = look.log(&mut |record| replayed.apply(record))?;
    let mut audit = Audit::default();
    for def in &replayed.defs {
        audit.add(def.name, 0);
    }
    if look.damages.is_empty() {
        match recompute(&mut replayed, &end.report, domains) {
            Ok(found) => audit.absorb(found),
            Err(error) if error.is_corrupt() => look.damages.push(Damage::Row(error)),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(look.found(end.report, audit))
}

/// As [`check`], of a folder whose base cannot be opened for these damages.
///
/// # Errors
/// The same.
pub fn check_without_base(disk: &dyn Disk, damages: Vec<BaseDamage>) -> Result<Checked, OpenError> {
    let mut look = Look::at(disk)?;
    look.damages.extend(damages.into_iter().map(Damage::Base));
    let end = look.log(&mut |_| Ok(()))?;
    Ok(look.found(end.report, Audit::default()))
}

fn recompute(
    replayed: &mut Replayed<'_>,
    log: &LogReport,
    domains: &[Domain],
) -> Result<Audit, BaseError> {
    let slots = SlotMap::even(log.partitions);
    balance(|tell: &mut dyn FnMut(Audit)| {
        for id in (0..log.partitions).map(PartitionId) {
            let own: Vec<Slot> = slots.slots(id).collect();
            let known = Known {
                domains,
                partition: id,
                partitions: log.partitions,
                clock_up_to_ms: log.clock_up_to_ms,
            };
            partition::audit((replayed.tables(id), &own), &known, tell)?;
        }
        Ok(())
    })
}

/// What is seen of a folder beside its rows.
struct Look<'a> {
    disk: &'a dyn Disk,
    mark: Mark,
    damages: Vec<Damage>,
}

impl<'a> Look<'a> {
    fn at(disk: &'a dyn Disk) -> Result<Self, OpenError> {
        refuse_newer::<OpenError>(disk)?;
        check_finished(disk)?;
        let mut damages = Vec::new();
        damages.extend(damage::read(disk).map(Damage::Noted));
        let mark = match Mark::read(disk) {
            Ok(mark) => mark.unwrap_or_default(),
            Err(error) => {
                damages.push(Damage::Mark(error));
                // So far the base reaches at least, or the log would hold more.
                let applied = first_tips(disk)?.unwrap_or_default();
                let frozen = Vec::new();
                Mark {
                    number: 0,
                    applied,
                    frozen,
                }
            }
        };
        Ok(Self {
            disk,
            mark,
            damages,
        })
    }

    /// What of the archives was dropped, if the base can tell.
    fn floors(&mut self, base: &dyn Base, defs: &[TableDef]) -> Result<Floors, OpenError> {
        match archive::floors(base, defs) {
            Ok(floors) => Ok(floors),
            Err(error) if error.is_corrupt() => {
                self.damages.push(Damage::Row(error));
                Ok(Floors::new())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Reads the log as far as it can be applied, and looks at what lies behind a damage.
    fn log(
        &mut self,
        visit: &mut dyn FnMut(Record<'_>) -> Result<(), ReplayError>,
    ) -> Result<End, OpenError> {
        let mut end = End::default();
        let Mark {
            applied, frozen, ..
        } = &self.mark;
        let kept = (&**applied, &**frozen, &Reading::default());
        match scan_into(self.disk, kept, visit, &mut end) {
            Ok(()) if end.report.segments == 0 => {
                let path = self.disk.folder();
                return Err(LogError::Absent { path }.into());
            }
            Ok(()) => {}
            Err(error @ (LogError::Corrupt { .. } | LogError::Replay { .. })) => {
                let lost = Lost::behind(self.disk, &end, &error)?;
                self.damages
                    .extend(lost.damages.into_iter().map(Damage::Log));
            }
            Err(error @ LogError::Short { .. }) => self.damages.push(Damage::Short(error)),
            Err(error) => return Err(error.into()),
        }
        Ok(end)
    }

    fn found(self, log: LogReport, audit: Audit) -> Checked {
        Checked {
            log,
            checkpoints: self.mark.number,
            damages: self.damages,
            audit,
        }
    }
}
