//! The mark of damage: a base that was found damaged while it was served is served no more.
//!
//! What a read finds damaged stops the process; without a mark the next start would go on until the
//! same place is read again. A repair leaves the same mark while it is under way.
//!
//! ```text
//! file `damaged`   magic "TIDEHURT" 8 │ version 2 │ kind 1 (1 the base, 2 a repair) │ zero 1 │ crc32c 4
//!                  length 2 │ words for people
//! ```
//!
//! Numbers are little endian; the crc is CRC32C over everything else.

use std::io;
use std::sync::Arc;

use crate::base::{BaseCause, BaseError};
use crate::disk::Disk;

const NAME: &str = "damaged";
const NEW: &str = "damaged.tmp";
const MAGIC: &[u8; 8] = b"TIDEHURT";
const VERSION: u16 = 1;
const HEAD: usize = 18;

/// Words that are kept.
const WORDS_MAX: usize = 4 * 1024;

/// A folder that is not served before it is repaired.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{path}: {words}. Nothing is served from this folder until `tidegate check --repair` has run: it \
     says what it drops. `tidegate restore` brings a backup back in a new folder"
)]
pub struct Damaged {
    path: String,
    words: String,
    pub(crate) kind: Kind,
}

/// What has marked a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The base was found damaged.
    Base,
    /// A repair has begun and has not come to its end.
    Repair,
}

impl Kind {
    fn number(self) -> u8 {
        match self {
            Self::Base => 1,
            Self::Repair => 2,
        }
    }
}

/// Where it is noted that the base is damaged.
#[derive(Clone)]
pub struct Alarm {
    pub(crate) disk: Arc<dyn Disk>,
}

impl Alarm {
    /// Notes what is wrong with the base, unless only the machine failed. Durable when it returns.
    ///
    /// # Errors
    /// It could not be written.
    pub fn note(&self, error: &BaseError) -> io::Result<()> {
        match error.cause {
            BaseCause::Corrupt(_) => write(&*self.disk, Kind::Base, &error.to_string()),
            BaseCause::Io(_) => Ok(()),
        }
    }
}

/// An error if this folder was found damaged and was not repaired.
///
/// # Errors
/// It was.
pub fn check_whole(disk: &dyn Disk) -> Result<(), Damaged> {
    match read(disk) {
        Some(damaged) => Err(damaged),
        None => Ok(()),
    }
}

/// The mark of a folder, if there is one, sound or not.
pub(crate) fn read(disk: &dyn Disk) -> Option<Damaged> {
    let read = || {
        let file = disk.open(NAME)?;
        let size = usize::try_from(file.size()?).unwrap_or(usize::MAX);
        let mut bytes = vec![0; size.min(HEAD + WORDS_MAX)];
        file.read_at(0, &mut bytes)?;
        Ok(bytes)
    };
    let (kind, words) = match read() {
        Err(error) if io::Error::kind(&error) == io::ErrorKind::NotFound => return None,
        Err(error) => (Kind::Base, format!("it is marked as damaged: {error}")),
        Ok(bytes) => decode(&bytes).unwrap_or_else(|| {
            (
                Kind::Base,
                "it is marked as damaged, in no words".to_owned(),
            )
        }),
    };
    let path = disk.path(NAME);
    Some(Damaged { path, words, kind })
}

/// Marks a folder, durably.
pub(crate) fn write(disk: &dyn Disk, kind: Kind, words: &str) -> io::Result<()> {
    let bytes = encode(kind, words);
    let mut file = disk.create(NEW, bytes.len() as u64)?;
    file.write_at(0, &bytes)?;
    file.sync()?;
    disk.rename(NEW, NAME)?;
    disk.sync_folder()
}

/// Takes the mark away, durably.
pub(crate) fn remove(disk: &dyn Disk) -> io::Result<()> {
    match disk.remove(NAME) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed.and_then(|()| disk.sync_folder()),
    }
}

fn encode(kind: Kind, words: &str) -> Vec<u8> {
    let mut end = words.len().min(WORDS_MAX);
    while !words.is_char_boundary(end) {
        end -= 1;
    }
    let length = u16::try_from(end).expect("because it was cut");
    let mut bytes = Vec::with_capacity(HEAD + end);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&[kind.number(), 0]);
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(&words.as_bytes()[..end]);
    let crc = crc_of(&bytes);
    bytes[12..16].copy_from_slice(&crc.to_le_bytes());
    bytes
}

fn decode(bytes: &[u8]) -> Option<(Kind, String)> {
    let (head, words) = bytes.split_first_chunk::<HEAD>()?;
    let version = u16::from_le_bytes([head[8], head[9]]);
    let crc = u32::from_le_bytes([head[12], head[13], head[14], head[15]]);
    let length = usize::from(u16::from_le_bytes([head[16], head[17]]));
    let is_sound = head.starts_with(MAGIC) && version == VERSION && crc == crc_of(bytes);
    (is_sound && words.len() == length).then_some(())?;
    let kinds = [Kind::Base, Kind::Repair];
    let kind = kinds.into_iter().find(|kind| kind.number() == head[10])?;
    Some((kind, String::from_utf8(words.to_vec()).ok()?))
}

fn crc_of(bytes: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&bytes[..12]), &bytes[16..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_frozen() {
        let bytes = encode(Kind::Base, "torn");
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "54494445485552540100010055e870aa0400746f726e");
        assert_eq!(decode(&bytes), Some((Kind::Base, "torn".to_owned())));
        let bytes = encode(Kind::Repair, "ä".repeat(WORDS_MAX).as_str());
        assert!(decode(&bytes).is_some_and(|(kind, words)| {
            kind == Kind::Repair && words.chars().all(|char| char == 'ä')
        }));
    }

    #[test]
    fn any_flipped_bit_is_noticed() {
        let mut bytes = encode(Kind::Repair, "torn");
        for bit in 0..bytes.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode(&bytes), None, "bit {bit}");
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }
}
