//! The mark of the last checkpoint: how far the base is known to hold every partition.
//!
//! ```text
//! magic "TIDEMARK" 8 │ version 2 │ partitions 2 │ crc 4 │ phase 1 (1 begun, 2 done) │ zero 7 │ number 8
//! for each partition: applied 8 │ frozen 8
//! ```
//!
//! Numbers are little endian; the crc is CRC32C over everything else. *Applied*: the base holds
//! everything up to here. *Frozen*: it may hold some of what is up to here, so the log must reach at
//! least as far. Once a checkpoint is done, both are the same. A new mark takes the place of the one
//! before by a rename.

use std::io;

use crate::disk::Disk;
use crate::limits::PARTITIONS_MAX;
use crate::log::Lsn;

const NAME: &str = "checkpoint";
const NEW: &str = "checkpoint.tmp";
const MAGIC: &[u8; 8] = b"TIDEMARK";
const VERSION: u16 = 1;
const HEAD: usize = 32;

/// How far the base holds every partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mark {
    /// How many checkpoints there have been, this one included.
    pub(crate) number: u64,
    pub(crate) applied: Vec<Lsn>,
    pub(crate) frozen: Vec<Lsn>,
}

/// Why there is no telling how far the base goes.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {what}")]
pub struct MarkError {
    /// The file.
    pub path: String,
    /// What is wrong with it.
    pub what: String,
}

impl Mark {
    /// Whether the base holds nothing beyond `applied`.
    pub(crate) fn is_done(&self) -> bool {
        self.applied == self.frozen
    }

    /// The mark of a disk; none if there has been no checkpoint.
    pub(crate) fn read(disk: &dyn Disk) -> Result<Option<Self>, MarkError> {
        let fail = |what: String| MarkError {
            path: disk.path(NAME),
            what,
        };
        let read = || {
            let file = disk.open(NAME)?;
            let most = HEAD + 16 * usize::from(PARTITIONS_MAX);
            let size = usize::try_from(file.size()?).unwrap_or(usize::MAX);
            let mut bytes = vec![0; size.min(most)];
            file.read_at(0, &mut bytes)?;
            Ok(bytes)
        };
        match read() {
            Ok(bytes) => Self::decode(&bytes).map(Some).map_err(fail),
            Err(error) if io::Error::kind(&error) == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(fail(error.to_string())),
        }
    }

    /// Makes this the mark of a disk, durably.
    pub(crate) fn write(&self, disk: &dyn Disk) -> io::Result<()> {
        let bytes = self.encode();
        let mut file = disk.create(NEW, bytes.len() as u64)?;
        file.write_at(0, &bytes)?;
        file.sync()?;
        disk.rename(NEW, NAME)?;
        disk.sync_folder()
    }

    fn encode(&self) -> Vec<u8> {
        let partitions = u16::try_from(self.applied.len());
        let partitions = partitions.expect("because there are at most 1,024 partitions");
        let mut bytes = Vec::new();
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&partitions.to_le_bytes());
        bytes.extend_from_slice(&[0; 4]);
        bytes.push(if self.is_done() { 2 } else { 1 });
        bytes.extend_from_slice(&[0; 7]);
        bytes.extend_from_slice(&self.number.to_le_bytes());
        for (applied, frozen) in self.applied.iter().zip(&self.frozen) {
            bytes.extend_from_slice(&applied.0.to_le_bytes());
            bytes.extend_from_slice(&frozen.0.to_le_bytes());
        }
        let crc = crc_of(&bytes);
        bytes[12..16].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    fn decode(bytes: &[u8]) -> Result<Self, String> {
        let damaged = || {
            "the mark of the last checkpoint is damaged; `tidegate check --repair` writes it anew"
                .to_owned()
        };
        if bytes.len() < HEAD || !bytes.starts_with(MAGIC) {
            return Err(damaged());
        }
        let short = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
        let (version, partitions) = (short(8), usize::from(short(10)));
        if version != VERSION {
            return Err(format!(
                "format {version} is not known, this version reads {VERSION}"
            ));
        }
        let crc = u32::from_le_bytes([bytes[12], bytes[13], bytes[14], bytes[15]]);
        if bytes.len() != HEAD + 16 * partitions || crc != crc_of(bytes) {
            return Err(damaged());
        }
        let (numbers, _) = bytes[24..].as_chunks::<8>();
        let mut numbers = numbers.iter().map(|bytes| u64::from_le_bytes(*bytes));
        let mut mark = Self {
            number: numbers.next().ok_or_else(damaged)?,
            ..Self::default()
        };
        while let (Some(applied), Some(frozen)) = (numbers.next(), numbers.next()) {
            mark.applied.push(Lsn(applied));
            mark.frozen.push(Lsn(frozen));
        }
        Ok(mark)
    }
}

fn crc_of(bytes: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&bytes[..12]), &bytes[16..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Mark {
        Mark {
            number: 3,
            applied: vec![Lsn(7), Lsn(0)],
            frozen: vec![Lsn(9), Lsn(1)],
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
            "544944454d41524b0100020031a54b560100000000000000030000000000000007000000000000000900000000000000\
             00000000000000000100000000000000"
        );
    }

    #[test]
    fn any_flipped_bit_is_noticed() {
        let mut bytes = sample().encode();
        assert_eq!(Mark::decode(&bytes), Ok(sample()));
        for bit in 0..bytes.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(Mark::decode(&bytes).is_err(), "bit {bit}");
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }
}
