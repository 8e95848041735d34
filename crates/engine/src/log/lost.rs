//! What a log holds behind its first damage, counted: it cannot be applied, for something before it
//! is missing.

use std::fmt::{self, Display};

use super::scan::{End, Segment, io_error, open, segments_of};
use super::{Group, LogError, Lsn};
use crate::disk::Disk;

/// Bytes of a log that are not what was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogDamage {
    /// The file.
    pub path: String,
    /// Where in it.
    pub offset: u64,
    /// What is wrong there.
    pub what: String,
}

impl Display for LogDamage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, offset, what } = self;
        write!(f, "{path}: corrupt at byte {offset}: {what}")
    }
}

/// What lies behind the first damage of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lost {
    /// Every damage, the first one first.
    pub damages: Vec<LogDamage>,
    /// Bytes from the first one on, as far as there is something.
    pub bytes: u64,
    /// Sound groups among them.
    pub groups: u64,
    /// Records in these.
    pub records: u64,
    /// The last position of each partition that is told there.
    pub tips: Vec<Lsn>,
    /// Engine time may have been used up to here.
    pub clock_up_to_ms: u64,
    /// The number of the last group that is told.
    pub last_group: u64,
}

/// The positions before the first group of the oldest segment whose header can be read.
pub(crate) fn first_tips(disk: &dyn Disk) -> Result<Option<Vec<Lsn>>, LogError> {
    for name in segments_of(disk)? {
        match open(disk, &name) {
            Ok(segment) => return Ok(Some(segment.header.tips)),
            Err(LogError::Corrupt { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

impl Lost {
    /// Nothing is lost of a log that ends here.
    pub(crate) fn nothing(end: &End) -> Self {
        Self {
            tips: end.tips.clone(),
            clock_up_to_ms: end.report.clock_up_to_ms,
            last_group: end.next_group.saturating_sub(1),
            ..Self::default()
        }
    }

    /// Looks at everything behind the place at which a scan has failed, which came as far as `end`.
    ///
    /// # Errors
    /// A file cannot be read.
    pub(crate) fn behind(disk: &dyn Disk, end: &End, error: &LogError) -> Result<Self, LogError> {
        let mut lost = Self::nothing(end);
        let (path, offset, what) = match error {
            LogError::Corrupt { path, offset, what } => (path, offset, what.clone()),
            LogError::Replay {
                path,
                offset,
                error,
            } => (
                path,
                offset,
                format!("a record cannot be replayed: {error}"),
            ),
            LogError::Full
            | LogError::NoRoom { .. }
            | LogError::Absent { .. }
            | LogError::OtherVersion { .. }
            | LogError::Io { .. }
            | LogError::Short { .. } => return Ok(lost),
        };
        lost.damages.push(LogDamage {
            path: path.clone(),
            offset: *offset,
            what,
        });
        let names = segments_of(disk)?;
        let is_there = |name: &&String| disk.path(name) == *path;
        let from = names.iter().position(|name| is_there(&name)).unwrap_or(0);
        for (at, name) in names[from..].iter().enumerate() {
            let first = (at == 0).then(|| usize::try_from(*offset).unwrap_or(usize::MAX));
            lost.add_segment(disk, name, first)?;
        }
        Ok(lost)
    }

    /// Counts what a segment holds: all of it, or from the damage at `first` on.
    fn add_segment(
        &mut self,
        disk: &dyn Disk,
        name: &str,
        first: Option<usize>,
    ) -> Result<(), LogError> {
        let mut segment = match open(disk, name) {
            Ok(segment) => segment,
            Err(LogError::Corrupt { path, offset, what }) => {
                let size = disk.open(name).and_then(|file| file.size());
                self.bytes += size.map_err(|error| io_error(disk, name, error))?;
                if first.is_none() {
                    self.damages.push(LogDamage { path, offset, what });
                }
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let Self { tips, .. } = self;
        raise(tips, &segment.header.tips);
        self.clock_up_to_ms = self.clock_up_to_ms.max(segment.header.clock_up_to_ms);
        self.last_group = self.last_group.max(segment.header.first_group - 1);
        let header_bytes = segment.header.bytes();
        // The damage may be what the header says, or a group; the group itself is not sound.
        let from = first.unwrap_or(header_bytes).max(header_bytes);
        let count = self.add_groups(disk, name, &mut segment, from, first.is_some());
        count.map_err(|error| io_error(disk, name, error))
    }

    fn add_groups(
        &mut self,
        disk: &dyn Disk,
        name: &str,
        segment: &mut Segment,
        from: usize,
        mut is_known: bool,
    ) -> std::io::Result<()> {
        let mut end = from;
        while let Some(at) = segment.next_group_from(end)? {
            if at > end && !is_known {
                self.damages.push(LogDamage {
                    path: disk.path(name),
                    offset: end as u64,
                    what: "a group is damaged, and a later one is not".to_owned(),
                });
            }
            is_known = false;
            let Some(found) = segment.group(at)? else {
                break;
            };
            self.groups += 1;
            self.last_group = self.last_group.max(found.number);
            self.clock_up_to_ms = self.clock_up_to_ms.max(found.clock_up_to_ms);
            for record in Group::read(found.records).flatten() {
                self.records += 1;
                if let Some(tip) = self.tips.get_mut(record.partition.index()) {
                    *tip = (*tip).max(record.lsn);
                }
            }
            end = at + found.span;
        }
        let rest = segment.bytes(end, segment.size)?;
        let used = rest
            .iter()
            .rposition(|byte| *byte != 0)
            .map_or(0, |last| last + 1);
        self.bytes += (end - from + used) as u64;
        Ok(())
    }
}

/// Raises positions to others where these are higher.
fn raise(tips: &mut Vec<Lsn>, others: &[Lsn]) {
    if tips.is_empty() {
        tips.extend_from_slice(others);
    }
    for (tip, other) in tips.iter_mut().zip(others) {
        *tip = (*tip).max(*other);
    }
}
