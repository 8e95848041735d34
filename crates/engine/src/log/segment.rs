//! The bytes of a segment file.
//!
//! ```text
//! header   magic "TIDELOG\0" 8 │ version 2 │ partitions 2 │ crc 4 │ salt 8 │ first group 8 │ clock up to 8
//!          position 8 of each partition
//! group    magic "TGRP" 4 │ crc 4 │ salt 8 │ number 8 │ synced through 8 │ clock up to 8 │ length 4 │ zero 4
//!          records (length bytes), zeros up to a multiple of 8
//! record   partition 2 │ lsn 8 │ length 4 │ effects
//! ```
//!
//! Numbers are little endian. The header's crc is CRC32C over everything else of it; a group's over
//! everything from its salt to the end of its records. A header tells the promise of time and the
//! positions that stand before its first group, so that segments before it can be done without.

use super::{Group, Lsn};
use crate::limits::PARTITIONS_MAX;

/// Of these bytes, and of the rows in them: 3 since finished holds have a timer that archives them. The
/// bytes of a header stay what they are, so that every version tells another one's log from damage.
pub(crate) const VERSION: u16 = 3;
const SEGMENT_MAGIC: &[u8; 8] = b"TIDELOG\0";
pub(crate) const GROUP_MAGIC: &[u8; 4] = b"TGRP";
const HEADER_BYTES: usize = 40;
pub(crate) const GROUP_HEADER_BYTES: usize = 48;
pub(crate) const ALIGN: usize = 8;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) version: u16,
    pub(crate) salt: u64,
    pub(crate) first_group: u64,
    /// Engine time may have been used up to here before the first group.
    pub(crate) clock_up_to_ms: u64,
    /// The last position of each partition before the first group.
    pub(crate) tips: Vec<Lsn>,
}

/// Bytes of the header of a segment for so many partitions.
pub(crate) fn header_bytes(partitions: usize) -> usize {
    HEADER_BYTES + 8 * partitions
}

impl Header {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let partitions = u16::try_from(self.tips.len());
        let partitions = partitions.expect("because there are at most 1,024 partitions");
        let mut bytes = Vec::with_capacity(header_bytes(self.tips.len()));
        bytes.extend_from_slice(SEGMENT_MAGIC);
        bytes.extend_from_slice(&self.version.to_le_bytes());
        bytes.extend_from_slice(&partitions.to_le_bytes());
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(&self.salt.to_le_bytes());
        bytes.extend_from_slice(&self.first_group.to_le_bytes());
        bytes.extend_from_slice(&self.clock_up_to_ms.to_le_bytes());
        for tip in &self.tips {
            bytes.extend_from_slice(&tip.0.to_le_bytes());
        }
        let crc = header_crc(&bytes);
        bytes[12..16].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let partitions = usize::from(u16_at(bytes, 10)?);
        (partitions <= usize::from(PARTITIONS_MAX)).then_some(())?;
        let bytes = bytes.get(..header_bytes(partitions))?;
        let sound = bytes.starts_with(SEGMENT_MAGIC) && u32_at(bytes, 12)? == header_crc(bytes);
        sound.then_some(())?;
        let tips = (0..partitions).map(|p| u64_at(bytes, header_bytes(p)).map(Lsn));
        Some(Self {
            version: u16_at(bytes, 8)?,
            salt: u64_at(bytes, 16)?,
            first_group: u64_at(bytes, 24)?,
            clock_up_to_ms: u64_at(bytes, 32)?,
            tips: tips.collect::<Option<_>>()?,
        })
    }

    pub(crate) fn bytes(&self) -> usize {
        header_bytes(self.tips.len())
    }
}

fn header_crc(bytes: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&bytes[..12]), &bytes[16..])
}

/// A group read back from a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found<'a> {
    pub(crate) number: u64,
    pub(crate) synced_through: u64,
    pub(crate) clock_up_to_ms: u64,
    pub(crate) records: &'a [u8],
    /// Bytes up to the next group.
    pub(crate) span: usize,
}

/// Bytes that a group takes in a segment.
pub(crate) fn span_of(records: usize) -> usize {
    (GROUP_HEADER_BYTES + records).next_multiple_of(ALIGN)
}

/// Writes a group into `out`, which is cleared first.
pub(crate) fn encode(
    out: &mut Vec<u8>,
    salt: u64,
    number: u64,
    synced_through: u64,
    group: &Group,
) {
    let length = u32::try_from(group.records.len());
    let length = length.expect("because the bytes ahead of the log are bounded");
    out.clear();
    out.extend_from_slice(GROUP_MAGIC);
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&salt.to_le_bytes());
    out.extend_from_slice(&number.to_le_bytes());
    out.extend_from_slice(&synced_through.to_le_bytes());
    out.extend_from_slice(&group.clock_up_to_ms.to_le_bytes());
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&group.records);
    let crc = crc32c::crc32c(&out[8..]);
    out[4..8].copy_from_slice(&crc.to_le_bytes());
    out.resize(span_of(group.records.len()), 0);
}

/// Bytes of the group with this header, if it is one of this salt; zeros up to the next one apart.
pub(crate) fn span_at(head: &[u8], salt: u64) -> Option<usize> {
    let own = head.get(..4)? == GROUP_MAGIC && u64_at(head, 8)? == salt;
    own.then_some(())?;
    Some(GROUP_HEADER_BYTES + usize::try_from(u32_at(head, 40)?).ok()?)
}

/// Reads the group at the front of `bytes`; `None` if there is no sound one of this salt.
pub(crate) fn decode(bytes: &[u8], salt: u64) -> Option<Found<'_>> {
    let head = bytes.get(..GROUP_HEADER_BYTES)?;
    let end = span_at(head, salt)?;
    let covered = bytes.get(8..end)?;
    (crc32c::crc32c(covered) == u32_at(head, 4)?).then_some(())?;
    Some(Found {
        number: u64_at(head, 16)?,
        synced_through: u64_at(head, 24)?,
        clock_up_to_ms: u64_at(head, 32)?,
        records: &bytes[GROUP_HEADER_BYTES..end],
        span: end.next_multiple_of(ALIGN),
    })
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// The file name of a segment. Names sort as their first groups do.
pub(crate) fn file_name(first_group: u64) -> String {
    format!("log-{first_group:016x}.seg")
}

/// The first group of a segment, from its file name.
pub(crate) fn first_group_of(name: &str) -> Option<u64> {
    let digits = name.strip_prefix("log-")?.strip_suffix(".seg")?;
    let first_group = u64::from_str_radix(digits, 16).ok()?;
    (file_name(first_group) == name).then_some(first_group)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::PartitionId;
    use crate::log::{Lsn, Record};

    fn sample() -> Group {
        let mut group = Group {
            clock_up_to_ms: 5_000,
            ..Group::default()
        };
        group.push(Record {
            partition: PartitionId(3),
            lsn: Lsn(9),
            effects: b"effects",
        });
        group
    }

    #[test]
    fn group_bytes_are_frozen() {
        let mut bytes = Vec::new();
        encode(&mut bytes, 0x11, 7, 6, &sample());
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            hex,
            "5447525089615ec5110000000000000007000000000000000600000000000000\
             881300000000000015000000000000000300090000000000000007000000\
             65666665637473000000"
        );
    }

    #[test]
    fn header_bytes_are_frozen() {
        let header = Header {
            version: VERSION,
            salt: 0x22,
            first_group: 1,
            clock_up_to_ms: 5_000,
            tips: vec![Lsn(1), Lsn(2)],
        };
        let hex: String = header
            .encode()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(
            hex,
            "544944454c4f470003000200e4b0542b2200000000000000010000000000000088130000000000000100000000000000\
             0200000000000000"
        );
        assert_eq!(Header::decode(&header.encode()), Some(header));
    }

    #[test]
    fn any_flipped_bit_makes_a_group_unsound() {
        let mut bytes = Vec::new();
        encode(&mut bytes, 0x11, 7, 6, &sample());
        let end = GROUP_HEADER_BYTES + sample().records.len();
        assert!(decode(&bytes, 0x11).is_some());
        for bit in 0..end * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            let found = decode(&bytes, 0x11);
            assert_eq!(found, None, "bit {bit}");
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }

    #[test]
    fn group_of_another_segment_is_not_taken() {
        let mut bytes = Vec::new();
        encode(&mut bytes, 0x11, 7, 6, &sample());
        assert_eq!(decode(&bytes, 0x12), None);
    }
}
