//! The log on one machine: segment files shared by all partitions, so that one sync serves all.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use rustix::io::Errno;

use super::removal::{Removal, remove};
use super::scan::{End, Reading, reaches, scan_into};
use super::segment::{self, Header, VERSION, file_name};
use super::{Group, Log, LogError, LogReport, Lsn, Record, Room, Space};
use crate::disk::{Disk, File};
use crate::random::Random;
use crate::table::ReplayError;

/// Runs a piece of slow work beside the log, which has a name: on a thread, or at once.
pub type Spawn = Box<dyn Fn(&'static str, Box<dyn FnOnce() + Send>) + Send>;

const SPARE: &str = "spare.tmp";

/// A log of segment files in one folder.
pub struct EmbeddedLog {
    disk: Arc<dyn Disk>,
    spawn: Spawn,
    random: Random,
    space: Space,
    /// Segments before the current one, oldest first.
    closed: VecDeque<Closed>,
    current: Segment,
    /// The last position of each partition.
    tips: Vec<Lsn>,
    next_group: u64,
    synced_through: u64,
    clock_up_to_ms: u64,
    sealed: bool,
    spare: Arc<Mutex<Spare>>,
    removal: Arc<Removal>,
    /// The last attempt to make a spare found the disk full.
    is_full: bool,
    encoded: Vec<u8>,
}

struct Segment {
    file: Box<dyn File>,
    name: String,
    salt: u64,
    at: u64,
    size: u64,
}

/// A segment that is written no more.
struct Closed {
    name: String,
    bytes: u64,
    /// The last position of each partition at its end.
    tips: Vec<Lsn>,
}

/// The segment that is made ahead, allocated and synced.
enum Spare {
    Absent,
    InTheMaking,
    Ready(Box<dyn File>),
    Failed(io::Error),
}

impl EmbeddedLog {
    /// Opens the log of a folder, replays its records into `visit`, and makes it ready to append.
    ///
    /// Groups that no mark covers were perhaps never synced: only the page cache may hold them.
    /// They are copied into a new segment and synced, so that answers may rest on them.
    ///
    /// `kept`: up to where each partition is kept elsewhere, up to where it may be so that the log
    /// must reach as far, and who is told how far the log has been read.
    ///
    /// # Errors
    /// The log is corrupt, of other partitions, cannot be read or written, or `visit` refused.
    pub fn open(
        disk: Arc<dyn Disk>,
        partitions: u16,
        space: Space,
        seed: u64,
        spawn: Spawn,
        kept: (&[Lsn], &[Lsn], &Reading),
        visit: &mut dyn FnMut(Record<'_>) -> Result<(), ReplayError>,
    ) -> Result<(Self, LogReport, Vec<Lsn>), LogError> {
        let mut end = End::default();
        scan_into(&*disk, kept, visit, &mut end)?;
        if end.report.partitions == 0 {
            end.report.partitions = partitions;
            end.tips = vec![Lsn(0); usize::from(partitions)];
            end.marked.0.clone_from(&end.tips);
        }
        let mut random = Random::new(seed);
        let (tips, clock_up_to_ms) = end.marked.clone();
        let header = Header {
            version: VERSION,
            salt: random.next_u64(),
            first_group: end.synced_through + 1,
            clock_up_to_ms,
            tips,
        };
        let current = carry_over(&*disk, &header, space.segment, &end)?;
        let closed = closed(&*disk, &end, &current.name, &header.tips)?;
        for name in &end.done {
            remove(&*disk, name)?;
        }
        let log = Self {
            disk,
            spawn,
            random,
            space,
            closed,
            current,
            tips: end.tips.clone(),
            next_group: end.next_group,
            synced_through: end.next_group - 1,
            clock_up_to_ms: end.report.clock_up_to_ms,
            sealed: false,
            spare: Arc::new(Mutex::new(Spare::Absent)),
            removal: Arc::default(),
            is_full: false,
            encoded: Vec::new(),
        };
        log.make_spare();
        Ok((log, end.report, end.tips))
    }

    fn error(&self, error: io::Error) -> LogError {
        io_error(&*self.disk, &self.current.name, error)
    }

    /// Begins to make the next segment, unless it is there or in the making.
    fn make_spare(&self) {
        let spare = Arc::clone(&self.spare);
        let mut state = spare.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*state, Spare::InTheMaking | Spare::Ready(_)) {
            return;
        }
        *state = Spare::InTheMaking;
        drop(state);
        let (disk, size) = (Arc::clone(&self.disk), self.space.segment);
        let make = move || {
            let made = disk.create(SPARE, size).and_then(|mut file| {
                file.sync()?;
                Ok(file)
            });
            let made = match made {
                Ok(file) => Spare::Ready(file),
                Err(error) => Spare::Failed(error),
            };
            *spare.lock().unwrap_or_else(PoisonError::into_inner) = made;
        };
        (self.spawn)("segments", Box::new(make));
    }

    /// Whether the next segment is there; takes note of why it could not be made.
    fn is_spare_ready(&mut self) -> Result<bool, LogError> {
        let mut state = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        match std::mem::replace(&mut *state, Spare::Absent) {
            Spare::Failed(error) if is_full(&error) => self.is_full = true,
            Spare::Failed(error) => return Err(io_error(&*self.disk, SPARE, error)),
            kept @ (Spare::Absent | Spare::InTheMaking | Spare::Ready(_)) => *state = kept,
        }
        Ok(matches!(*state, Spare::Ready(_)))
    }

    fn take_spare(&self) -> Result<Box<dyn File>, LogError> {
        let mut state = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        match std::mem::replace(&mut *state, Spare::Absent) {
            Spare::Ready(file) => Ok(file),
            Spare::InTheMaking => {
                *state = Spare::InTheMaking;
                Err(LogError::Full)
            }
            Spare::Absent => Err(LogError::Full),
            Spare::Failed(error) if is_full(&error) => Err(LogError::Full),
            Spare::Failed(error) => Err(io_error(&*self.disk, SPARE, error)),
        }
    }

    /// Goes on in the spare segment. Everything before it is durable, for one group is in flight.
    fn roll(&mut self) -> Result<(), LogError> {
        let spare = self.take_spare().inspect_err(|_| self.make_spare())?;
        let header = Header {
            version: VERSION,
            salt: self.random.next_u64(),
            first_group: self.next_group,
            clock_up_to_ms: self.clock_up_to_ms,
            tips: self.tips.clone(),
        };
        let name = file_name(header.first_group);
        let next = activate(&*self.disk, spare, &header, self.space.segment, name)?;
        let last = std::mem::replace(&mut self.current, next);
        self.closed.push_back(Closed {
            name: last.name,
            bytes: last.size,
            tips: header.tips,
        });
        self.make_spare(); // Under the name that the one taken has just given up.
        Ok(())
    }

    fn write(&mut self, group: &Group) -> Result<(), LogError> {
        let span = segment::span_of(group.records.len()) as u64;
        if self.current.at + span > self.current.size {
            self.roll()?;
        }
        let (number, marked) = (self.next_group, self.synced_through);
        segment::encode(&mut self.encoded, self.current.salt, number, marked, group);
        let at = self.current.at;
        let written = self.current.file.write_at(at, &self.encoded);
        written.map_err(|error| self.error(error))?;
        // Also for want of space: what is durable is unknown.
        self.current.file.sync().map_err(|error| LogError::Io {
            path: self.disk.path(&self.current.name),
            error,
        })?;
        for record in Group::read(&group.records).flatten() {
            self.tips[record.partition.index()] = record.lsn;
        }
        self.current.at += span;
        self.next_group += 1;
        self.clock_up_to_ms = self.clock_up_to_ms.max(group.clock_up_to_ms);
        Ok(())
    }
}

impl Log for EmbeddedLog {
    fn append(&mut self, group: &Group) -> Result<(), LogError> {
        self.write(group)?;
        self.synced_through = self.next_group - 1;
        self.sealed = false;
        Ok(())
    }

    fn seal(&mut self) -> Result<(), LogError> {
        if !self.sealed {
            let seal = Group {
                clock_up_to_ms: self.clock_up_to_ms,
                ..Group::default()
            };
            self.append(&seal)?;
            self.sealed = true;
        }
        Ok(())
    }

    fn is_sealed(&self) -> bool {
        self.sealed
    }

    fn trim(&mut self, applied: &[Lsn]) -> Result<(), LogError> {
        let mut done = Vec::new();
        while let Some(segment) = self
            .closed
            .pop_front_if(|closed| reaches(applied, &closed.tips))
        {
            done.push(segment.name);
        }
        if self.removal.add(done)? {
            let (removal, disk) = (Arc::clone(&self.removal), Arc::clone(&self.disk));
            (self.spawn)("trim", Box::new(move || removal.run(&*disk)));
        }
        Ok(())
    }

    fn bytes(&self) -> u64 {
        let closed: u64 = self.closed.iter().map(|closed| closed.bytes).sum();
        closed + self.current.at
    }

    fn room(&mut self) -> Result<Room, LogError> {
        let left = self.current.size.saturating_sub(self.current.at);
        if left > self.space.reserve || self.is_spare_ready()? {
            self.is_full = false;
            return Ok(Room::Enough);
        }
        self.make_spare();
        if self.is_spare_ready()? {
            self.is_full = false;
            return Ok(Room::Enough);
        }
        Ok(Room::Short {
            finishes: left > self.space.ahead,
            is_full: self.is_full,
        })
    }
}

/// Whether there may be room later: on the disk, or among the files that the process may open.
pub(crate) fn is_full(error: &io::Error) -> bool {
    let too_many_files = [Errno::MFILE, Errno::NFILE].map(Errno::raw_os_error);
    let is_files = error
        .raw_os_error()
        .is_some_and(|code| too_many_files.contains(&code));
    is_files || is_disk_full(error)
}

fn is_disk_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

/// A start that may open no more files is not told to free some space.
pub(super) fn io_error(disk: &dyn Disk, name: &str, error: io::Error) -> LogError {
    if is_disk_full(&error) {
        LogError::Full
    } else {
        LogError::Io {
            path: disk.path(name),
            error,
        }
    }
}

/// Makes the segment of a start: the groups beyond the mark, copied and durable. The name is given
/// last, so that a crash on the way leaves the log as it was.
fn carry_over(
    disk: &dyn Disk,
    header: &Header,
    segment_bytes: u64,
    end: &End,
) -> Result<Segment, LogError> {
    let name = file_name(header.first_group);
    let fail = |error| io_error(disk, &name, error);
    let beyond: usize = end
        .beyond
        .iter()
        .map(|g| segment::span_of(g.records.len()))
        .sum();
    make_way(disk, end)?;
    let (mut file, size) = create(disk, (beyond + header.bytes()) as u64, segment_bytes)?;
    let mut at = header.bytes() as u64;
    let mut encoded = Vec::new();
    for (number, group) in (header.first_group..).zip(&end.beyond) {
        segment::encode(&mut encoded, header.salt, number, end.synced_through, group);
        file.write_at(at, &encoded).map_err(fail)?;
        at += encoded.len() as u64;
    }
    let mut segment = activate(disk, file, header, size, name.clone())?;
    segment.at = at;
    match &end.cut {
        // What lies behind the mark now stands in the new segment, or was never acknowledged.
        Some((old, cut)) if *old != name => {
            let mut old = disk.open(old).map_err(fail)?;
            old.set_size(*cut).and_then(|()| old.sync()).map_err(fail)?;
        }
        Some(_) | None => {}
    }
    Ok(segment)
}

/// The segments before the current one, with where each ends.
fn closed(
    disk: &dyn Disk,
    end: &End,
    current: &str,
    last_tips: &[Lsn],
) -> Result<VecDeque<Closed>, LogError> {
    let old = end.needed.iter().filter(|(name, _)| name != current);
    let starts_after = end.needed.iter().skip(1).map(|(_, tips)| tips.clone());
    let ends = starts_after.chain([last_tips.to_vec()]);
    let closed = old.zip(ends).map(|((name, _), tips)| {
        let file = disk.open(name).and_then(|file| file.size());
        let bytes = file.map_err(|error| io_error(disk, name, error))?;
        let name = name.clone();
        Ok(Closed { name, bytes, tips })
    });
    closed.collect()
}

/// Gives back what the last segment has allocated behind its groups, and what a start that failed
/// has left: on a full disk it is the room that this start needs.
fn make_way(disk: &dyn Disk, end: &End) -> Result<(), LogError> {
    match disk.remove(SPARE) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(io_error(disk, SPARE, error));
        }
        Ok(()) | Err(_) => {}
    }
    let Some((last, groups_end)) = &end.tail else {
        return Ok(());
    };
    let cut = || {
        let mut last = disk.open(last)?;
        if last.size()? > *groups_end {
            last.set_size(*groups_end)?;
            last.sync()?;
        }
        Ok(())
    };
    cut().map_err(|error| io_error(disk, last, error))
}

/// A file for `used` bytes and a segment behind them; on a full disk a smaller one, so that what is
/// there can at least be read.
fn create(
    disk: &dyn Disk,
    used: u64,
    segment_bytes: u64,
) -> Result<(Box<dyn File>, u64), LogError> {
    let mut free = segment_bytes;
    loop {
        let size = used + free;
        match disk.create(SPARE, size) {
            Ok(file) => return Ok((file, size)),
            Err(error) if is_disk_full(&error) && free / 2 >= segment_bytes / START_PARTS_MAX => {
                free /= 2
            }
            Err(error) if is_disk_full(&error) => {
                return Err(LogError::NoRoom {
                    path: disk.path(SPARE),
                    bytes: size,
                });
            }
            Err(error) => return Err(io_error(disk, SPARE, error)),
        }
    }
}

/// A start on a full disk makes do with one part in so many of a segment: clock records take some
/// fifty bytes a second.
const START_PARTS_MAX: u64 = 64;

/// Makes the first segment of a log that goes on behind these positions and this promise of time,
/// durably. It has no room for groups: a start begins another.
pub(crate) fn begin_log(
    disk: &dyn Disk,
    salt: u64,
    first_group: u64,
    (tips, clock_up_to_ms): (&[Lsn], u64),
) -> Result<(), LogError> {
    let header = Header {
        version: VERSION,
        salt,
        first_group,
        clock_up_to_ms,
        tips: tips.to_vec(),
    };
    let size = header.bytes() as u64;
    let file = disk.create(SPARE, size);
    let file = file.map_err(|error| io_error(disk, SPARE, error))?;
    activate(disk, file, &header, size, file_name(header.first_group)).map(drop)
}

/// Gives a file of zeros its header and its name, both durable.
fn activate(
    disk: &dyn Disk,
    mut file: Box<dyn File>,
    header: &Header,
    size: u64,
    name: String,
) -> Result<Segment, LogError> {
    let mut ready = || {
        file.write_at(0, &header.encode())?;
        file.sync()?;
        disk.rename(SPARE, &name)?;
        disk.sync_folder()
    };
    ready().map_err(|error| io_error(disk, &name, error))?;
    Ok(Segment {
        file,
        name,
        salt: header.salt,
        at: header.bytes() as u64,
        size,
    })
}
