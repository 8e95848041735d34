//! A log goes on behind everything that anything tells of.

use std::sync::Arc;

use super::{Repair, RepairError, is_without_tables};
use crate::archive;
use crate::base::{Base, BaseError};
use crate::checkpoint::{Mark, MarkError};
use crate::engine::Replayed;
use crate::filter::Filters;
use crate::limits::CLOCK_AHEAD_MS;
use crate::log::{
    End, LogError, Lost, Lsn, Reading, begin_log, first_group_of, first_tips, scan_into,
    segments_of,
};
use crate::memtable::Rows;
use crate::random::Random;
use crate::table::TableDef;
use crate::timer::TIMERS;

impl Repair<'_> {
    /// Begins a new log if the one that is there, or the mark of the last checkpoint, is damaged.
    pub(super) fn mend_log(
        &mut self,
        base: &Arc<dyn Base>,
        is_cut_short: bool,
    ) -> Result<(), RepairError> {
        let mark = Mark::read(self.disk);
        let known = mark.as_ref().ok().and_then(Option::as_ref);
        let (applied, frozen) = match known {
            Some(mark) => (mark.applied.clone(), mark.frozen.clone()),
            // Segments go only once all before them is in the base, so it reaches as far as this.
            None => (first_tips(self.disk)?.unwrap_or_default(), Vec::new()),
        };
        let number = known.map_or(0, |mark| mark.number);
        let is_lost =
            applied.iter().any(|lsn| *lsn > Lsn(0)) && is_without_tables(&**base, &self.defs);
        if is_lost {
            let path = self.base.display();
            self.tell(format!(
                "{path}: the base is missing: all that checkpoints have put there"
            ))?;
            base.ingest(TIMERS.id(), &mut std::iter::empty())?;
        }
        let from = Mark {
            number,
            applied,
            frozen,
        };
        let filters = Filters::new();
        let floors = archive::floors(&**base, &self.defs)?;
        let of_base = (base, &floors);
        let mut replayed = Replayed::new(self.defs.clone(), 0, of_base, &filters, &from, 0);
        let mut end = End::default();
        let kept = (&*from.applied, &*from.frozen, &Reading::default());
        let scanned = scan_into(
            self.disk,
            kept,
            &mut |record| replayed.apply(record),
            &mut end,
        );
        let of_mark = what_of_mark(&mark, &from);
        let error = match scanned {
            Ok(()) if of_mark.is_none() && !is_cut_short => return Ok(()),
            Ok(()) => None,
            Err(
                error @ (LogError::Corrupt { .. }
                | LogError::Short { .. }
                | LogError::Absent { .. }
                | LogError::Replay { .. }),
            ) => Some(error),
            Err(
                error @ (LogError::Full
                | LogError::NoRoom { .. }
                | LogError::OtherVersion { .. }
                | LogError::Io { .. }),
            ) => return Err(error.into()),
        };
        if let Some(what) = of_mark {
            self.tell(what)?;
        }
        let parts = replayed.partitions.into_values();
        let rows: Vec<_> = parts.map(|mut tables| tables.freeze()).collect();
        self.begin_log_behind(base, &from, (&end, error), &rows)
    }

    fn begin_log_behind(
        &mut self,
        base: &Arc<dyn Base>,
        from: &Mark,
        (end, error): (&End, Option<LogError>),
        rows: &[Vec<(u16, Rows)>],
    ) -> Result<(), RepairError> {
        let lost = match &error {
            Some(error) => Lost::behind(self.disk, end, error)?,
            None => Lost::nothing(end),
        };
        let mut positions = lost.tips.clone();
        if positions.is_empty() {
            positions.clone_from(&from.applied);
        }
        if positions.is_empty() {
            let path = self.folder.display().to_string();
            return Err(RepairError::Hopeless { path });
        }
        for (position, known) in positions.iter_mut().zip(from.applied.iter().zip(&end.tips)) {
            *position = (*position).max(*known.0).max(*known.1);
        }
        for (position, frozen) in positions.iter_mut().zip(&from.frozen) {
            *position = (*position).max(*frozen);
        }
        let names = segments_of(self.disk)?;
        if let Some(error) = &error {
            self.tell_lost(error, &lost, (end, from), &positions)?;
        }
        let into = self.begin()?;
        take_to_base(&**base, &self.defs, rows)?;
        let mark = Mark {
            number: from.number + 1,
            applied: positions.clone(),
            frozen: positions.clone(),
        };
        let written = mark.write(self.disk);
        written.map_err(|error| self.io_error(error))?;
        let last_name = names.last().and_then(|name| first_group_of(name));
        let first_group = lost.last_group.max(last_name.unwrap_or(0)) + 1;
        let clock_up_to_ms = lost.clock_up_to_ms + CLOCK_AHEAD_MS;
        let salt = Random::new(clock_up_to_ms).next_u64();
        begin_log(self.disk, salt, first_group, (&positions, clock_up_to_ms))?;
        for name in names {
            let moved = self.disk.rename(&name, &format!("{into}/{name}"));
            moved.map_err(|error| self.io_error(error))?;
        }
        let synced = self.disk.sync_folder();
        synced.map_err(|error| self.io_error(error))
    }

    fn tell_lost(
        &mut self,
        error: &LogError,
        lost: &Lost,
        (end, from): (&End, &Mark),
        positions: &[Lsn],
    ) -> Result<(), RepairError> {
        for damage in &lost.damages {
            self.tell(format!("log: {damage}"))?;
        }
        match lost.damages.first() {
            Some(damage) => {
                let Lost {
                    bytes,
                    groups,
                    records,
                    ..
                } = lost;
                self.tell(format!(
                    "log: {} from byte {} on is dropped: {bytes} bytes, in them {groups} sound groups \
                     of {records} records; {} records before it are kept",
                    damage.path, damage.offset, end.report.records
                ))?;
            }
            None => drop(self.tell(format!("log: {}", short(error)))?),
        }
        let kept = |partition: usize| {
            let of = |tips: &[Lsn]| tips.get(partition).copied().unwrap_or_default();
            of(&end.tips).max(of(&from.applied))
        };
        let kept_up_to: Vec<_> = (0..positions.len())
            .map(|partition| format!("{partition}: {}", kept(partition).0))
            .collect();
        self.tell(format!(
            "log: what was behind these positions, by partition, is lost: {}",
            kept_up_to.join(", ")
        ))?;
        for (partition, position) in positions.iter().enumerate() {
            let kept = kept(partition);
            if *position > kept {
                self.tell(format!(
                    "log: partition {partition}: positions {} to {} were there",
                    kept.0 + 1,
                    position.0
                ))?;
            }
        }
        Ok(())
    }
}

/// What a log that ends too early, or is not there, has lost.
fn short(error: &LogError) -> String {
    match error {
        LogError::Short {
            path,
            partition,
            log,
            base,
        } => format!(
            "{path}: it ends at position {log} of partition {partition}, before what the base may \
             hold, {base}"
        ),
        error @ (LogError::Full
        | LogError::NoRoom { .. }
        | LogError::Absent { .. }
        | LogError::OtherVersion { .. }
        | LogError::Io { .. }
        | LogError::Corrupt { .. }
        | LogError::Replay { .. }) => error.to_string(),
    }
}

/// What is wrong with the mark of the last checkpoint, in words.
fn what_of_mark(mark: &Result<Option<Mark>, MarkError>, from: &Mark) -> Option<String> {
    let what = match mark {
        Err(error) => error.to_string(),
        Ok(None) if from.applied.iter().any(|lsn| *lsn > Lsn(0)) => {
            "the mark of the last checkpoint is missing".to_owned()
        }
        Ok(_) => return None,
    };
    Some(format!(
        "{what}. It is written anew: the log was applied from its first segment on, so that nothing is \
         lost with it"
    ))
}

/// Takes rows of all partitions to the base, as a checkpoint does.
fn take_to_base(
    base: &dyn Base,
    defs: &[TableDef],
    parts: &[Vec<(u16, Rows)>],
) -> Result<(), BaseError> {
    for def in defs {
        let of_table = parts.iter().flatten().filter(|(table, _)| *table == def.id);
        let mut cells: Vec<_> = of_table.flat_map(|(_, rows)| rows.sorted()).collect();
        cells.sort_unstable();
        if !cells.is_empty() {
            base.ingest(
                def.id,
                &mut cells.iter().map(|cell| (cell.key(), cell.row())),
            )?;
        }
    }
    Ok(())
}
