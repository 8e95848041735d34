//! Reading a log back: which groups count, where the tail is torn, and what is corrupt.
//!
//! A group is written only after the one before it is durable, and says so: *synced through k*.
//! So a bad group at or below the highest mark was durable once and is damaged; above it, nobody
//! was answered on its account, and everything from the first bad group on is cut.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use super::segment::{
    ALIGN, Found, GROUP_HEADER_BYTES, GROUP_MAGIC, Header, VERSION, decode, first_group_of,
    header_bytes, span_at,
};
use super::{Group, LogError, Lsn, Record};
use crate::disk::{Disk, File};
use crate::limits::PARTITIONS_MAX;
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

/// How far a log has been read, in bytes.
#[derive(Debug, Default)]
pub struct Reading {
    read: AtomicU64,
    total: AtomicU64,
}

impl Reading {
    /// Bytes that were read, and bytes in all; none before that is known.
    #[must_use]
    pub fn bytes(&self) -> (u64, u64) {
        let load = |bytes: &AtomicU64| bytes.load(Ordering::Relaxed);
        (load(&self.read), load(&self.total))
    }
}

/// Where the log goes on, and what a start has to carry over.
#[derive(Default)]
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
    /// The last position of each partition.
    pub(crate) tips: Vec<Lsn>,
    /// Those of the groups up to the mark, and the promise of time that they carry.
    pub(crate) marked: (Vec<Lsn>, u64),
    /// Segments that are needed, oldest first, with the positions before each; and those that are
    /// not, because what they hold was applied.
    pub(crate) needed: Vec<(String, Vec<Lsn>)>,
    pub(crate) done: Vec<String>,
}

/// A segment that is read piece by piece: a start must not take as much memory as a segment does.
pub(super) struct Segment {
    name: String,
    pub(super) header: Header,
    file: Box<dyn File>,
    pub(super) size: usize,
    /// Some of its bytes, and where they begin.
    piece: Vec<u8>,
    from: usize,
}

/// Bytes that are read at once.
const PIECE_BYTES: usize = 1024 * 1024;

impl Segment {
    /// Up to `length` bytes at `at`: fewer at its end.
    pub(super) fn bytes(&mut self, at: usize, length: usize) -> io::Result<&[u8]> {
        let end = at.saturating_add(length).min(self.size);
        let at = at.min(end);
        if at < self.from || end > self.from + self.piece.len() {
            let piece = PIECE_BYTES.max(end - at).min(self.size - at);
            self.piece.resize(piece, 0);
            self.from = at;
            self.file.read_at(at as u64, &mut self.piece)?;
        }
        Ok(&self.piece[at - self.from..end - self.from])
    }

    /// The group at `at`, if a sound one of this segment is there.
    pub(super) fn group(&mut self, at: usize) -> io::Result<Option<Found<'_>>> {
        let salt = self.header.salt;
        let Some(span) = span_at(self.bytes(at, GROUP_HEADER_BYTES)?, salt) else {
            return Ok(None);
        };
        Ok(decode(self.bytes(at, span)?, salt))
    }

    /// The highest mark of any sound group from `at` on, wherever it begins.
    fn highest_mark(&mut self, at: usize) -> io::Result<u64> {
        let mut highest = 0;
        let mut from = at;
        while let Some(at) = self.next_group_from(from)? {
            let found = self.group(at)?;
            highest = highest.max(found.map_or(0, |found| found.synced_through));
            from = at + ALIGN;
        }
        Ok(highest)
    }

    /// Where the first sound group from `at` on begins.
    pub(super) fn next_group_from(&mut self, at: usize) -> io::Result<Option<usize>> {
        for at in (at..self.size).step_by(ALIGN) {
            if self.bytes(at, GROUP_MAGIC.len())? == GROUP_MAGIC && self.group(at)?.is_some() {
                return Ok(Some(at));
            }
        }
        Ok(None)
    }
}

/// Reads every record of a log behind `applied` that still is in it, in order, without changing
/// anything. Records up to `applied` may be among them. Where it fails, `end` tells how far it has
/// come.
///
/// # Errors
/// The log is corrupt, begins behind `applied` or ends before `reach`, cannot be read, or `visit`
/// refused a record.
pub(crate) fn scan_into(
    disk: &dyn Disk,
    (applied, reach, progress): (&[Lsn], &[Lsn], &Reading),
    visit: &mut dyn FnMut(Record<'_>) -> Result<(), ReplayError>,
    end: &mut End,
) -> Result<(), LogError> {
    end.next_group = 1;
    let names = segments_of(disk)?;
    let mut first = None;
    let mut segments = Vec::new();
    let mut unreadable = None;
    for name in &names {
        let segment = match open(disk, name) {
            Ok(segment) => segment,
            Err(error) => {
                unreadable = Some((first_group_of(name), error));
                break;
            }
        };
        let header = &segment.header;
        if reaches(applied, &header.tips) {
            end.done.extend(end.needed.drain(..).map(|(name, _)| name));
            segments.clear();
            first = Some(header.clone());
        }
        end.needed.push((name.clone(), header.tips.clone()));
        segments.push(segment);
    }
    end.report.segments = end.needed.len();
    let (behind, unreadable) = unreadable.unzip();
    if first.is_none()
        && let Some(error) = unreadable
    {
        return Err(error);
    }
    match (first, end.needed.first()) {
        (Some(header), _) => end.begin(&header),
        (None, Some((name, tips))) => {
            let first = first_group_of(name).unwrap_or_default();
            let what = match (tips.len(), applied.len()) {
                (ours, theirs) if theirs > 0 && ours != theirs => {
                    format!("it is of {ours} partitions, the checkpoint of {theirs}")
                }
                _ => format!(
                    "the log begins with group {first}, behind what the last checkpoint holds: the \
                     segments before are missing"
                ),
            };
            return Err(corrupt(disk, name, 24, what));
        }
        (None, None) if applied.is_empty() => return Ok(()),
        (None, None) => {
            let path = disk.folder();
            return Err(LogError::Absent { path });
        }
    }
    let total = segments.iter().map(|segment| segment.size as u64).sum();
    progress.total.store(total, Ordering::Relaxed);
    let mut segments = segments.into_iter().peekable();
    while let Some(mut segment) = segments.next() {
        let next = segments.peek();
        let until = next.and_then(|next| first_group_of(&next.name));
        let until = until.or(behind.flatten());
        read_segment(disk, &mut segment, until, end, visit)?;
        let read = segment.size as u64;
        progress.read.fetch_add(read, Ordering::Relaxed);
    }
    if let Some(error) = unreadable {
        return Err(error);
    }
    let mut short = end.tips.iter().zip(reach).enumerate();
    if let Some((partition, (tip, reach))) = short.find(|(_, (tip, reach))| tip < reach) {
        return Err(LogError::Short {
            path: disk.folder(),
            partition: u16::try_from(partition).unwrap_or(u16::MAX),
            log: tip.0,
            base: reach.0,
        });
    }
    end.report.unsealed = end.beyond.iter().filter(|group| !group.is_empty()).count() as u64;
    Ok(())
}

/// The names of all segments, oldest first.
pub(crate) fn segments_of(disk: &dyn Disk) -> Result<Vec<String>, LogError> {
    let mut names = disk.list().map_err(|error| io_error(disk, "", error))?;
    names.retain(|name| first_group_of(name).is_some());
    Ok(names)
}

/// Whether everything up to `tips` was applied.
pub(crate) fn reaches(applied: &[Lsn], tips: &[Lsn]) -> bool {
    if applied.is_empty() {
        return tips.iter().all(|tip| *tip == Lsn(0));
    }
    applied.len() == tips.len()
        && applied
            .iter()
            .zip(tips)
            .all(|(applied, tip)| applied >= tip)
}

impl End {
    /// The log begins with this segment.
    fn begin(&mut self, header: &Header) {
        self.next_group = header.first_group;
        self.synced_through = header.first_group - 1;
        self.tips.clone_from(&header.tips);
        self.marked = (header.tips.clone(), header.clock_up_to_ms);
        self.report.clock_up_to_ms = header.clock_up_to_ms;
        self.report.partitions =
            u16::try_from(header.tips.len()).expect("because a header counts them in 16 bits");
    }
}

pub(super) fn io_error(disk: &dyn Disk, name: &str, error: io::Error) -> LogError {
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

fn read_header(disk: &dyn Disk, name: &str, bytes: &[u8]) -> Result<Header, LogError> {
    let header = Header::decode(bytes)
        .ok_or_else(|| corrupt(disk, name, 0, "the segment's header is damaged".to_owned()))?;
    if header.version != VERSION {
        return Err(LogError::OtherVersion {
            path: disk.path(name),
            version: header.version,
        });
    }
    Ok(header)
}

/// An error if a segment was written by another version. One that is damaged does not tell.
///
/// # Errors
/// One was, or the folder cannot be read.
pub(crate) fn refuse_other_version(disk: &dyn Disk) -> Result<(), LogError> {
    for name in segments_of(disk)? {
        // What else is wrong with it is looked at later.
        if let Err(error @ LogError::OtherVersion { .. }) = open(disk, &name) {
            return Err(error);
        }
    }
    Ok(())
}

pub(super) fn open(disk: &dyn Disk, name: &str) -> Result<Segment, LogError> {
    let read = || {
        let file = disk.open(name)?;
        let size = usize::try_from(file.size()?).unwrap_or(usize::MAX);
        let mut front = vec![0; size.min(header_bytes(usize::from(PARTITIONS_MAX)))];
        file.read_at(0, &mut front)?;
        Ok((file, size, front))
    };
    let (file, size, front) = read().map_err(|error| io_error(disk, name, error))?;
    Ok(Segment {
        name: name.to_owned(),
        header: read_header(disk, name, &front)?,
        file,
        size,
        piece: Vec::new(),
        from: 0,
    })
}

/// Reads the groups of one segment that come before group `until`, where the next one begins.
fn read_segment(
    disk: &dyn Disk,
    segment: &mut Segment,
    until: Option<u64>,
    end: &mut End,
    visit: &mut dyn FnMut(Record<'_>) -> Result<(), ReplayError>,
) -> Result<(), LogError> {
    let name = &segment.name.clone();
    let header = segment.header.clone();
    let fail = |error| io_error(disk, name, error);
    if header.first_group != end.next_group {
        let what = format!(
            "the segment begins with group {}, but group {} comes next: a segment is missing",
            header.first_group, end.next_group
        );
        return Err(corrupt(disk, name, 24, what));
    }
    if header.tips != end.tips {
        let what = "it does not go on where the segment before ended".to_owned();
        return Err(corrupt(disk, name, 40, what));
    }
    let mut at = header.bytes();
    end.cut = Some((name.clone(), at as u64));
    while until.is_none_or(|until| end.next_group < until) {
        let found = segment.group(at).map_err(fail)?;
        let Some(found) = found.filter(|found| found.number == end.next_group) else {
            check_tail(disk, segment, at, until, end)?;
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
            let tip = end.tips.get_mut(record.partition.index());
            let next = tip.filter(|tip| tip.next() == record.lsn);
            let tip = next.ok_or_else(|| corrupt(disk, name, at, out_of_turn(&record)))?;
            *tip = record.lsn;
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

/// There is no sound group at `at`: that is a torn tail, unless something says that there was one.
fn check_tail(
    disk: &dyn Disk,
    segment: &mut Segment,
    at: usize,
    until: Option<u64>,
    end: &End,
) -> Result<(), LogError> {
    let name = &segment.name.clone();
    let fail = |error| io_error(disk, name, error);
    // The next segment is made only once everything before it is durable.
    let mark = match until {
        Some(until) => until - 1,
        None => segment.highest_mark(at).map_err(fail)?,
    };
    if mark < end.next_group {
        return Ok(());
    }
    let missing = end.next_group;
    let is_empty = segment
        .bytes(at, 1)
        .map_err(fail)?
        .iter()
        .all(|byte| *byte == 0);
    let what = match until {
        Some(until) if is_empty => format!(
            "it ends before group {missing}, and the next segment begins with group {until}: a \
             segment between them is missing, or the end of this one"
        ),
        Some(_) | None => {
            format!("group {missing} is damaged, and a later one says that it was durable")
        }
    };
    Err(corrupt(disk, name, at, what))
}

/// Groups up to `through` are known to be durable; the next one is at `at`.
fn mark(end: &mut End, through: u64, name: &str, at: usize) {
    if through <= end.synced_through {
        return;
    }
    let covered = usize::try_from(through - end.synced_through).unwrap_or(usize::MAX);
    for group in end.beyond.drain(..covered.min(end.beyond.len())) {
        let (tips, clock_up_to_ms) = &mut end.marked;
        *clock_up_to_ms = group.clock_up_to_ms.max(*clock_up_to_ms);
        for record in Group::read(&group.records).flatten() {
            tips[record.partition.index()] = record.lsn;
        }
    }
    end.synced_through = through;
    end.cut = Some((name.to_owned(), at as u64));
}

fn out_of_turn(record: &Record<'_>) -> String {
    let Record { partition, lsn, .. } = record;
    format!(
        "record {} of partition {} is not the one that comes next",
        lsn.0, partition.0
    )
}
