//! Reading a log back: which groups count, where the tail is torn, and what is corrupt.
//!
//! A group is written only after the one before it is durable, and says so: *synced through k*.
//! So a bad group at or below the highest mark was durable once and is damaged; above it, nobody
//! was answered on its account, and everything from the first bad group on is cut.

use super::segment::{ALIGN, GROUP_MAGIC, HEADER_BYTES, Header, VERSION, decode, first_group_of};
use super::{Group, LogError, Record};
use crate::disk::Disk;
use crate::table::ReplayError;

/// What a scan found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogReport {
    /// Segment files.
    pub segments: usize,
    /// Sound groups that count.
    pub groups: u64,
    /// Records in them.
    pub records: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Groups with records that count though no mark covers them yet.
    pub unsealed: u64,
    /// Engine time may have been used up to here.
    pub clock_up_to_ms: u64,
    /// How many partitions the log was made for; 0 if there is no log.
    pub partitions: u16,
}

/// Where the log goes on, and what a start has to carry over.
pub(crate) struct End {
    pub(crate) report: LogReport,
    /// The number of the next group.
    pub(crate) next_group: u64,
    /// The highest mark.
    pub(crate) synced_through: u64,
    /// Groups beyond the mark, oldest first.
    pub(crate) beyond: Vec<Group>,
    /// The last segment's name and where its sound groups end.
    pub(crate) tail: Option<(String, u64)>,
    /// The last segment's name and where in it the group behind the mark begins.
    pub(crate) cut: Option<(String, u64)>,
}

struct Segment {
    name: String,
    header: Header,
    bytes: Vec<u8>,
}

/// Reads every record of a log, in order, without changing anything.
///
/// # Errors
/// The log is corrupt, cannot be read, or `visit` refused a record.
pub fn scan(
    disk: &dyn Disk,
    visit: &mut dyn FnMut(Record<'_>) -> Result<(), ReplayError>,
) -> Result<LogReport, LogError> {
    scan_to_end(disk, visit).map(|end| end.report)
}

pub(crate) fn scan_to_end(
    disk: &dyn Disk,
    visit: &mut dyn FnMut(Record<'_>) -> Result<(), ReplayError>,
) -> Result<End, LogError> {
    let mut names = disk.list().map_err(|error| io_error(disk, "", error))?;
    names.retain(|name| first_group_of(name).is_some());
    let mut end = End {
        report: LogReport {
            segments: names.len(),
            ..LogReport::default()
        },
        next_group: 1,
        synced_through: 0,
        beyond: Vec::new(),
        tail: None,
        cut: None,
    };
    for (index, name) in names.iter().enumerate() {
        let segment = load(disk, name)?;
        if index == 0 && segment.header.first_group != 1 {
            let first = segment.header.first_group;
            let what =
                format!("the log begins with group {first}: the segments before are missing");
            return Err(corrupt(disk, name, 24, what));
        }
        let until = names.get(index + 1).and_then(|next| first_group_of(next));
        if index == 0 {
            end.report.partitions = segment.header.partitions;
        }
        read_segment(disk, &segment, until, &mut end, visit)?;
    }
    end.report.unsealed = end.beyond.iter().filter(|group| !group.is_empty()).count() as u64;
    Ok(end)
}

fn io_error(disk: &dyn Disk, name: &str, error: std::io::Error) -> LogError {
    LogError::Io {
        path: disk.path(name),
        error,
    }
}

fn corrupt(disk: &dyn Disk, name: &str, offset: usize, what: String) -> LogError {
    LogError::Corrupt {
        path: disk.path(name),
        offset: offset as u64,
        what,
    }
}

fn load(disk: &dyn Disk, name: &str) -> Result<Segment, LogError> {
    let read = || {
        let file = disk.open(name)?;
        let size = usize::try_from(file.size()?).unwrap_or(usize::MAX);
        let mut bytes = vec![0; size];
        file.read_at(0, &mut bytes)?;
        Ok(bytes)
    };
    let bytes = read().map_err(|error| io_error(disk, name, error))?;
    let header = Header::decode(&bytes)
        .ok_or_else(|| corrupt(disk, name, 0, "the segment's header is damaged".to_owned()))?;
    if header.version != VERSION {
        let what = format!(
            "format {} is not known, this version reads {VERSION}",
            header.version
        );
        return Err(corrupt(disk, name, 8, what));
    }
    Ok(Segment {
        name: name.to_owned(),
        header,
        bytes,
    })
}

/// Reads the groups of one segment that come before group `until`, where the next one begins.
fn read_segment(
    disk: &dyn Disk,
    segment: &Segment,
    until: Option<u64>,
    end: &mut End,
    visit: &mut dyn FnMut(Record<'_>) -> Result<(), ReplayError>,
) -> Result<(), LogError> {
    let Segment {
        name,
        header,
        bytes,
    } = segment;
    if header.first_group != end.next_group {
        let what = format!(
            "the segment begins with group {}, but group {} comes next: a segment is missing",
            header.first_group, end.next_group
        );
        return Err(corrupt(disk, name, 24, what));
    }
    let mut at = HEADER_BYTES;
    end.cut = Some((name.clone(), at as u64));
    while until.is_none_or(|until| end.next_group < until) {
        let found = decode(&bytes[at.min(bytes.len())..], header.salt);
        let Some(found) = found.filter(|found| found.number == end.next_group) else {
            // The next segment is made only once everything before it is durable.
            let mark = until.map_or_else(
                || highest_mark(&bytes[at.min(bytes.len())..], header.salt),
                |u| u - 1,
            );
            if mark >= end.next_group {
                let missing = end.next_group;
                let what = match until {
                    Some(until) if bytes.get(at).is_none_or(|byte| *byte == 0) => format!(
                        "it ends before group {missing}, and the next segment begins with group \
                         {until}: a segment between them is missing, or the end of this one"
                    ),
                    Some(_) | None => format!(
                        "group {missing} is damaged, and a later one says that it was durable"
                    ),
                };
                return Err(corrupt(disk, name, at, what));
            }
            break;
        };
        end.next_group += 1;
        mark(end, found.synced_through, name, at);
        end.beyond.push(Group {
            records: found.records.to_vec(),
            clock_up_to_ms: found.clock_up_to_ms,
        });
        end.report.groups += 1;
        end.report.bytes += found.span as u64;
        end.report.clock_up_to_ms = end.report.clock_up_to_ms.max(found.clock_up_to_ms);
        for record in Group::read(found.records) {
            let record = record
                .ok_or_else(|| corrupt(disk, name, at, "a record is cut short".to_owned()))?;
            end.report.records += 1;
            visit(record).map_err(|error| LogError::Replay {
                path: disk.path(name),
                offset: at as u64,
                error,
            })?;
        }
        at += found.span;
    }
    if let Some(until) = until {
        mark(end, until - 1, name, at);
    }
    end.tail = Some((name.clone(), at as u64));
    Ok(())
}

/// Groups up to `through` are known to be durable; the next one is at `at`.
fn mark(end: &mut End, through: u64, name: &str, at: usize) {
    if through <= end.synced_through {
        return;
    }
    let covered = usize::try_from(through - end.synced_through).unwrap_or(usize::MAX);
    end.beyond.drain(..covered.min(end.beyond.len()));
    end.synced_through = through;
    end.cut = Some((name.to_owned(), at as u64));
}

/// The highest mark of any sound group in `bytes`, wherever it begins.
fn highest_mark(bytes: &[u8], salt: u64) -> u64 {
    let starts = (0..bytes.len()).step_by(ALIGN);
    let sound = starts
        .filter(|at| bytes[*at..].starts_with(GROUP_MAGIC))
        .filter_map(|at| decode(&bytes[at..], salt));
    sound.map(|found| found.synced_through).max().unwrap_or(0)
}
