//! The log: groups of records, each durable before anything that rests on it is answered.
//!
//! [`Log`] is the contract; [`EmbeddedLog`] keeps it with segment files. A replicated log keeps
//! the same contract with another process's disks.

mod embedded;
mod lost;
mod removal;
mod scan;
mod segment;
mod writer;

use std::io;

pub use embedded::{EmbeddedLog, Spawn};
pub(crate) use embedded::{begin_log, is_full};
pub(crate) use lost::first_tips;
pub use lost::{LogDamage, Lost};
pub(crate) use scan::{End, refuse_other_version, scan_into, segments_of};
pub use scan::{LogReport, Reading};
pub(crate) use segment::first_group_of;
pub use writer::Did;
pub(crate) use writer::{LogQueue, LogWriter};

use crate::contract::{Class, Fault};
use crate::key::PartitionId;
use crate::limits::{AHEAD_BYTES_MAX, BUSY_RETRY_MS, FINISHING_BYTES, RECORD_BYTES_MAX};
use crate::table::ReplayError;

/// A position in one partition's sequence. Positions of two partitions are never compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lsn(pub u64);

impl Lsn {
    /// The position behind this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// What one batch of one partition changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Whose record it is.
    pub partition: PartitionId,
    /// Its place in the partition's sequence.
    pub lsn: Lsn,
    /// What it changed.
    pub effects: &'a [u8],
}

/// Records that become durable together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// The records, one behind the other, as [`Group::push`] writes them.
    pub(crate) records: Vec<u8>,
    /// Engine time may be used up to here once this group is durable.
    pub clock_up_to_ms: u64,
}

impl Group {
    /// Adds a record.
    pub fn push(&mut self, record: Record<'_>) {
        let length = u32::try_from(record.effects.len());
        let length = length.expect("because a record is far smaller than 4 GiB");
        self.records
            .extend_from_slice(&record.partition.0.to_le_bytes());
        self.records.extend_from_slice(&record.lsn.0.to_le_bytes());
        self.records.extend_from_slice(&length.to_le_bytes());
        self.records.extend_from_slice(record.effects);
    }

    /// Whether it has no records.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    pub(crate) fn read(mut bytes: &[u8]) -> impl Iterator<Item = Option<Record<'_>>> {
        std::iter::from_fn(move || {
            if bytes.is_empty() {
                return None;
            }
            let record = read_record(&mut bytes);
            if record.is_none() {
                bytes = &[];
            }
            Some(record)
        })
    }
}

fn read_record<'a>(bytes: &mut &'a [u8]) -> Option<Record<'a>> {
    let (partition, rest) = bytes.split_first_chunk::<2>()?;
    let (lsn, rest) = rest.split_first_chunk::<8>()?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let (effects, rest) = rest.split_at_checked(length)?;
    *bytes = rest;
    let partition = PartitionId(u16::from_le_bytes(*partition));
    Some(Record {
        partition,
        lsn: Lsn(u64::from_le_bytes(*lsn)),
        effects,
    })
}

/// Too much waits: ask again.
pub(crate) const BUSY: Fault = Fault::Busy {
    retry_after_ms: BUSY_RETRY_MS,
};

/// A durable sequence of groups. One group is in flight at a time.
pub trait Log: Send {
    /// Appends a group; `Ok` means that it is durable.
    ///
    /// # Errors
    /// [`LogError::Full`]: nothing was written, the same group may be appended later. Any other:
    /// whether the group is durable is unknown, and this log must not be used any more.
    fn append(&mut self, group: &Group) -> Result<(), LogError>;

    /// Covers the last group with a mark, so that a later start can tell that it was acknowledged.
    /// Does nothing if it is covered.
    ///
    /// # Errors
    /// As for [`Log::append`].
    fn seal(&mut self) -> Result<(), LogError>;

    /// Whether the last group is covered by a mark.
    fn is_sealed(&self) -> bool;

    /// Drops what is not needed once every partition is kept elsewhere up to its position in
    /// `applied`.
    ///
    /// # Errors
    /// It could not be dropped.
    fn trim(&mut self, applied: &[Lsn]) -> Result<(), LogError>;

    /// Bytes that a start may have to read.
    fn bytes(&self) -> u64;

    /// What there is room for.
    ///
    /// # Errors
    /// Room could not be made, and not for want of space.
    fn room(&mut self) -> Result<Room, LogError>;
}

/// What the log has room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// For everything.
    Enough,
    /// For what has been executed and not yet written, and perhaps a little more.
    Short {
        /// For finishing commands too.
        finishes: bool,
        /// The disk has no more; otherwise more is being made.
        is_full: bool,
    },
}

impl Room {
    /// Why a request of this class is turned away, if it is.
    pub(crate) fn refuses(self, class: Class) -> Option<Fault> {
        let is_full = match (self, class) {
            (Self::Enough, _) | (_, Class::Reads) => return None,
            (Self::Short { finishes: true, .. }, Class::Finishes) => return None,
            (Self::Short { is_full, .. }, Class::Opens | Class::Finishes) => is_full,
        };
        Some(if is_full { Fault::DiskFull } else { BUSY })
    }

    pub(crate) fn to_bits(self) -> u8 {
        match self {
            Self::Enough => 0,
            Self::Short { finishes, is_full } => {
                1 | u8::from(finishes) << 1 | u8::from(is_full) << 2
            }
        }
    }

    pub(crate) fn from_bits(bits: u8) -> Self {
        match bits {
            0 => Self::Enough,
            _ => Self::Short {
                finishes: bits & 2 != 0,
                is_full: bits & 4 != 0,
            },
        }
    }
}

/// Space of a log for `executors` threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// Bytes of a segment, allocated ahead so that a sync has no file size to write: 83 MiB with two
    /// executors.
    pub segment: u64,
    /// Once no further segment can be made, opening commands have all but this of the last one.
    pub reserve: u64,
    /// And finishing ones all but this, which is for what was executed before that was known.
    pub ahead: u64,
}

impl Space {
    /// What `executors` threads need, each in the middle of a record while the group before is
    /// being written.
    #[must_use]
    pub fn of(executors: usize) -> Self {
        let group = AHEAD_BYTES_MAX + executors * RECORD_BYTES_MAX;
        let ahead = 2 * group as u64;
        // A group may be written between two looks at the room.
        let reserve = ahead + group as u64 + FINISHING_BYTES;
        Self {
            segment: 2 * reserve,
            reserve,
            ahead,
        }
    }
}

/// Why the log cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// No room for another segment.
    #[error("the disk is full")]
    Full,
    /// No room for the segment that a start needs.
    #[error("{path}: the disk is full: a start needs {bytes} bytes free")]
    NoRoom {
        /// The file.
        path: String,
        /// What it needs.
        bytes: u64,
    },
    /// A folder without a log.
    #[error("{path} is no data folder: it holds no log")]
    Absent {
        /// The folder.
        path: String,
    },
    /// The machine failed a read, a write or a sync.
    #[error("{path}: {error}")]
    Io {
        /// The file.
        path: String,
        /// What the machine said.
        error: io::Error,
    },
    /// Another version has written it, and what it says is sound.
    #[error(
        "{path}: its format is {version}, this version reads {}: start the version that has made \
         the folder, or let this one make another. Nothing was changed",
        segment::VERSION
    )]
    OtherVersion {
        /// The file.
        path: String,
        /// The format.
        version: u16,
    },
    /// Bytes that were durable are not what was written.
    #[error(
        "{path}: corrupt at byte {offset}: {what}. Nothing was changed; \
         `tidegate check` names every damage, `tidegate check --repair` goes on without what is \
         damaged, and `tidegate restore` brings a backup back in a new folder"
    )]
    Corrupt {
        /// The file.
        path: String,
        /// Where in it.
        offset: u64,
        /// What is wrong there.
        what: String,
    },
    /// The base holds what the log does not reach.
    #[error(
        "{path}: the log ends at position {log} of partition {partition}, before what the base \
         holds, {base}: the end of the log is missing. Nothing was changed; `tidegate check \
         --repair` goes on without it, and `tidegate restore` brings a backup back in a new folder"
    )]
    Short {
        /// The folder.
        path: String,
        /// The partition.
        partition: u16,
        /// Where its log ends.
        log: u64,
        /// Up to where the base may hold it.
        base: u64,
    },
    /// A record does not fit the tables.
    #[error("{path}: record at byte {offset} cannot be replayed: {error}")]
    Replay {
        /// The file.
        path: String,
        /// Where in it.
        offset: u64,
        /// Why.
        error: ReplayError,
    },
}
