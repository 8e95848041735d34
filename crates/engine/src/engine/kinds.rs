//! Timers and letters that nobody here would know what to do with: a start that meets one is refused.
//!
//! A folder may hold timers and letters of a structure that this program does not have, or of a newer
//! version. They would come up at any time later; so they are looked for before anything runs. Not
//! among all timers there are, which may be many: the file `kinds` names every kind that a program has
//! been able to leave here, and only if one of them is not known here are the rows read. The file is
//! written before the program runs. Without it, or if it is damaged, the rows are read once.
//!
//! It also names the program, so that an older one goes no further ([`refuse_newer`]).
//!
//! ```text
//! magic "TIDEKIND" 8 │ version 2 │ zero 2 │ crc 4 │ length 2 │ version of the program │ kinds 2
//! for each, in order: sort 1 (L letter, T timer) │ number 2 │ length 2 │ name of the domain
//! ```
//!
//! Numbers are little endian; the crc is CRC32C over everything else.

use std::collections::BTreeMap;
use std::io;

use super::OpenError;
use crate::base::BaseError;
use crate::contract::Domain;
use crate::disk::Disk;
use crate::key::{RowKey, Slot};
use crate::log::LogError;
use crate::mail::OUTBOX;
use crate::partition::in_slots;
use crate::row::Row;
use crate::table::Table;
use crate::tables::{Snapshot, Tables};
use crate::timer::{Due, IDLE_TIMERS, TIMERS};
use crate::version;

const NAME: &str = "kinds";
const NEW: &str = "kinds.tmp";
const MAGIC: &[u8; 8] = b"TIDEKIND";
const VERSION: u16 = 1;
const HEAD: usize = 16;

/// Bytes of the file that are read: 512 kinds of each of 256 domains are less.
const BYTES_MAX: u64 = 4 * 1024 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sort {
    Letter,
    Timer,
}

/// Kinds of timers and letters, with the names of their domains.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Kinds {
    /// Of the program that has written them down.
    program: String,
    all: BTreeMap<(Sort, u16), String>,
}

/// The folder holds a timer or a letter that no structure of this program knows.
#[derive(Debug, thiserror::Error)]
#[error(
    "{folder}: slot {slot} holds a {what} of kind {}.{}{of}, about {key}, which no structure of \
     this version knows; start the version that has left it there",
    .number >> 8, .number & 255
)]
pub struct UnknownKind {
    folder: String,
    slot: u16,
    what: &'static str,
    number: u16,
    /// Whose it is, if the folder says so.
    of: String,
    key: String,
}

/// A newer program has been at work in the folder.
#[derive(Debug, thiserror::Error)]
#[error(
    "{folder}: tidegate {left} has been at work here, and this is {}, which would lose what is new \
     in its rows; start {left} or a newer one, or restore a backup that was made before",
    version::OWN
)]
pub struct NewerProgram {
    folder: String,
    left: String,
}

/// Refuses a folder in which a newer program has been at work, as far as it says so.
///
/// # Errors
/// One has, or what it has left cannot be read.
pub(crate) fn refuse_newer<E>(disk: &dyn Disk) -> Result<(), E>
where
    E: From<NewerProgram> + From<LogError>,
{
    if let Some(left) = Kinds::left_on(disk)? {
        left.refuse_newer(disk)?;
    }
    Ok(())
}

impl Kinds {
    /// All kinds of some domains.
    pub(super) fn of(domains: &[Domain]) -> Self {
        let mut all = BTreeMap::new();
        for Domain {
            name,
            timers,
            takes,
            ..
        } in domains
        {
            let timers = timers.iter().map(|timer| (Sort::Timer, timer.id));
            let letters = takes.iter().map(|mail| (Sort::Letter, mail.id));
            all.extend(timers.chain(letters).map(|kind| (kind, (*name).to_owned())));
        }
        Self {
            program: version::OWN.to_owned(),
            all,
        }
    }

    /// Those that a program has been able to leave on a disk, as far as that is known.
    ///
    /// # Errors
    /// They cannot be read, or are written in a way that is not known.
    pub(super) fn left_on(disk: &dyn Disk) -> Result<Option<Self>, LogError> {
        let read = || {
            let file = disk.open(NAME)?;
            let mut bytes = vec![0; usize::try_from(file.size()?.min(BYTES_MAX)).unwrap_or(0)];
            file.read_at(0, &mut bytes)?;
            Ok(bytes)
        };
        match read() {
            Ok(bytes) => Self::decode(&bytes).map_err(|error| failed(disk, error)),
            Err(error) if io::Error::kind(&error) == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(disk, error)),
        }
    }

    /// Refuses those that a newer program has left on a disk.
    pub(super) fn refuse_newer(&self, disk: &dyn Disk) -> Result<(), NewerProgram> {
        if version::is_newer(&self.program) {
            return Err(NewerProgram {
                folder: disk.folder(),
                left: self.program.clone(),
            });
        }
        Ok(())
    }

    /// Writes these down on a disk, durably, unless they are what was `left` there. Of others there is
    /// nothing, or the start would have been refused.
    ///
    /// # Errors
    /// It could not be written.
    pub(super) fn leave_on(&self, disk: &dyn Disk, left: Option<&Self>) -> Result<(), LogError> {
        if left == Some(self) {
            return Ok(());
        }
        let write = || {
            let bytes = self.encode();
            let mut file = disk.create(NEW, bytes.len() as u64)?;
            file.write_at(0, &bytes)?;
            file.sync()?;
            disk.rename(NEW, NAME)?;
            disk.sync_folder()
        };
        write().map_err(|error| failed(disk, error))
    }

    /// Whether every kind of `others` is among these.
    pub(super) fn know(&self, others: &Self) -> bool {
        others.all.keys().all(|kind| self.all.contains_key(kind))
    }

    /// Looks for a timer or a letter of a kind that is not among these, in the slots of a partition.
    ///
    /// # Errors
    /// There is one, or the base cannot be read.
    pub(super) fn look(
        &self,
        (tables, slots): (&Tables, &[Slot]),
        disk: &dyn Disk,
        left: Option<&Self>,
    ) -> Result<(), OpenError> {
        let rows = tables.books_of(&[TIMERS.id(), IDLE_TIMERS.id(), OUTBOX.id()]);
        let Some((slot, ((sort, number), key))) = self.first_unknown(&rows, slots)? else {
            return Ok(());
        };
        let whose = left.and_then(|left| {
            let domain = left.all.get(&(sort, number))?;
            Some(format!(
                " ({domain}, as tidegate {} has noted)",
                left.program
            ))
        });
        Err(OpenError::UnknownKind(UnknownKind {
            folder: disk.folder(),
            slot: slot.0,
            what: match sort {
                Sort::Letter => "letter",
                Sort::Timer => "timer",
            },
            number,
            of: whose.unwrap_or_default(),
            key,
        }))
    }

    fn first_unknown(&self, rows: &Snapshot, slots: &[Slot]) -> Result<Option<Found>, BaseError> {
        for table in [&TIMERS, &IDLE_TIMERS] {
            let timer = first(rows, table, slots, |key, _| {
                let due = Due::of(key.clone())?;
                self.unknown(Sort::Timer, due.timer, shown(due.owner().rest()))
            })?;
            if timer.is_some() {
                return Ok(timer);
            }
        }
        first(rows, &OUTBOX, slots, |_, sent| {
            self.unknown(Sort::Letter, sent.mail, sent.to.to_string())
        })
    }

    fn unknown(&self, sort: Sort, number: u16, about: String) -> Option<((Sort, u16), String)> {
        let kind = (sort, number);
        (!self.all.contains_key(&kind)).then_some((kind, about))
    }

    fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&[0; 6]);
        write_text(&mut bytes, &self.program);
        bytes.extend_from_slice(&short(self.all.len()).to_le_bytes());
        for ((sort, number), domain) in &self.all {
            bytes.push(match sort {
                Sort::Letter => b'L',
                Sort::Timer => b'T',
            });
            bytes.extend_from_slice(&number.to_le_bytes());
            write_text(&mut bytes, domain);
        }
        let crc = crc_of(&bytes);
        bytes[12..HEAD].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// None if the bytes are damaged: they only save work.
    fn decode(bytes: &[u8]) -> io::Result<Option<Self>> {
        if bytes.len() < HEAD || !bytes.starts_with(MAGIC) {
            return Ok(None);
        }
        let crc = u32::from_le_bytes([bytes[12], bytes[13], bytes[14], bytes[15]]);
        if crc != crc_of(bytes) {
            return Ok(None);
        }
        let version = u16::from_le_bytes([bytes[8], bytes[9]]);
        if version != VERSION {
            return Err(io::Error::other(format!(
                "format {version} is not known, this version reads {VERSION}; was it a newer one's?"
            )));
        }
        Ok(Self::read(&bytes[HEAD..]))
    }

    fn read(mut bytes: &[u8]) -> Option<Self> {
        let bytes = &mut bytes;
        let mut kinds = Self {
            program: read_text(bytes)?,
            ..Self::default()
        };
        for _ in 0..read_short(bytes)? {
            let (sort, rest) = bytes.split_first()?;
            *bytes = rest;
            let sort = match sort {
                b'L' => Sort::Letter,
                b'T' => Sort::Timer,
                _ => return None,
            };
            let number = read_short(bytes)?;
            kinds.all.insert((sort, number), read_text(bytes)?);
        }
        Some(kinds)
    }
}

/// A slot, and the kind and key of something in it.
type Found = (Slot, ((Sort, u16), String));

/// The first row of some slots of which `find` finds something.
fn first<R: Row, T>(
    rows: &Snapshot,
    table: &Table<R>,
    slots: &[Slot],
    find: impl Fn(&RowKey, &R) -> Option<T>,
) -> Result<Option<(Slot, T)>, BaseError> {
    let mut own = in_slots(rows, table, slots);
    let found = own.find_map(|(key, row)| Some((key.slot(), find(&key, &row)?)));
    rows.failure().map_or(Ok(found), Err)
}

/// What a timer was set with, for people. A text that is a part of it ends with a zero.
fn shown(owner: &[u8]) -> String {
    let owner = owner.strip_suffix(&[0]).unwrap_or(owner);
    owner.escape_ascii().to_string()
}

fn failed(disk: &dyn Disk, error: io::Error) -> LogError {
    let path = disk.path(NAME);
    LogError::Io { path, error }
}

fn short(number: usize) -> u16 {
    u16::try_from(number).expect("because names are short and kinds are few")
}

fn write_text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend_from_slice(&short(text.len()).to_le_bytes());
    bytes.extend_from_slice(text.as_bytes());
}

fn read_short(bytes: &mut &[u8]) -> Option<u16> {
    let (number, rest) = bytes.split_first_chunk::<2>()?;
    *bytes = rest;
    Some(u16::from_le_bytes(*number))
}

fn read_text(bytes: &mut &[u8]) -> Option<String> {
    let length = usize::from(read_short(bytes)?);
    let (text, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    String::from_utf8(text.to_vec()).ok()
}

fn crc_of(bytes: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&bytes[..12]), &bytes[HEAD..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Kinds {
        let kind = |sort, number, name: &str| ((sort, number), name.to_owned());
        Kinds {
            program: "0.1.0".to_owned(),
            all: BTreeMap::from([
                kind(Sort::Letter, 0xff01, "note"),
                kind(Sort::Timer, 0x0101, "stock"),
            ]),
        }
    }

    #[test]
    fn bytes_are_frozen() {
        let hex: String = sample()
            .encode()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(
            hex,
            "544944454b494e4401000000991627160500302e312e3002004c01ff04006e6f7465540101050073746f636b"
        );
    }

    #[test]
    fn what_is_damaged_counts_as_not_there() {
        let mut bytes = sample().encode();
        let decode = |bytes: &[u8]| Kinds::decode(bytes).expect("the format is known");
        assert_eq!(decode(&bytes), Some(sample()));
        for bit in 0..bytes.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode(&bytes), None, "bit {bit}");
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        for length in 0..bytes.len() {
            assert_eq!(decode(&bytes[..length]), None, "{length} bytes");
        }
    }

    #[test]
    fn a_newer_format_is_told() {
        let mut bytes = sample().encode();
        bytes[8] = 2;
        let crc = crc_of(&bytes);
        bytes[12..16].copy_from_slice(&crc.to_le_bytes());
        let told = Kinds::decode(&bytes).expect_err("it is newer").to_string();
        assert!(
            told.starts_with("format 2 is not known, this version reads 1"),
            "{told}"
        );
    }
}
