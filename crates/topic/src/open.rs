//! Which positions of a group are open: looked at, and not settled.
//!
//! A chunk of positions is a row, as long as one of them is open. So what is settled costs nothing, whatever lies
//! before or behind it, and a read or an acknowledgement of many messages writes a row or two.

use std::collections::BTreeMap;

use minicbor::bytes::ByteArray;
use minicbor::{Decode, Encode};
use tidegate_engine::{Missing, Row, Tx};

use crate::table::OPEN;

/// Bytes of a chunk.
const BYTES: usize = 64;

/// Positions of a chunk.
pub(crate) const POSITIONS: u64 = 8 * BYTES as u64;

/// A bit for each position, the lowest first.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct OpenChunk {
    #[n(0)]
    bits: ByteArray<BYTES>,
}

impl Row for OpenChunk {}

impl OpenChunk {
    fn none() -> Self {
        let bits = ByteArray::from([0; BYTES]);
        Self { bits }
    }

    /// The byte and the bit of a position.
    fn place(position: u64) -> (usize, u8) {
        let at = usize::try_from(position % POSITIONS).expect("because a chunk is small");
        (at / 8, 1 << (at % 8))
    }

    pub(crate) fn has(&self, position: u64) -> bool {
        let (at, bit) = Self::place(position);
        self.bits[at] & bit != 0
    }

    fn set(&mut self, position: u64, is_open: bool) {
        let (at, bit) = Self::place(position);
        if is_open {
            self.bits[at] |= bit;
        } else {
            self.bits[at] &= !bit;
        }
    }

    fn is_none(&self) -> bool {
        self.bits.iter().all(|byte| *byte == 0)
    }

    /// The open positions of the chunk with this number, ascending.
    pub(crate) fn positions(&self, chunk: u64) -> impl Iterator<Item = u64> + '_ {
        let all = chunk * POSITIONS..(chunk + 1) * POSITIONS;
        all.filter(|position| self.has(*position))
    }
}

/// The open positions of a group, as far as a command has looked at them.
#[derive(Default)]
pub(crate) struct OpenSet {
    /// By number, with whether it has changed.
    chunks: BTreeMap<u64, (OpenChunk, bool)>,
}

/// The chunk of a position.
pub(crate) fn chunk_of(position: u64) -> u64 {
    position / POSITIONS
}

impl OpenSet {
    fn chunk(
        &mut self,
        tx: &mut Tx<'_>,
        (name, group): (&str, &str),
        position: u64,
    ) -> Result<&mut (OpenChunk, bool), Missing> {
        let number = chunk_of(position);
        if let std::collections::btree_map::Entry::Vacant(place) = self.chunks.entry(number) {
            let row = tx.get(&OPEN, (name, group, number))?;
            place.insert((row.unwrap_or_else(OpenChunk::none), false));
        }
        let chunk = self.chunks.get_mut(&number);
        Ok(chunk.expect("because it was put there"))
    }

    pub(crate) fn has(
        &mut self,
        tx: &mut Tx<'_>,
        group: (&str, &str),
        position: u64,
    ) -> Result<bool, Missing> {
        let (chunk, _) = self.chunk(tx, group, position)?;
        Ok(chunk.has(position))
    }

    /// Opens a position that is not open, or closes one that is.
    pub(crate) fn set(
        &mut self,
        tx: &mut Tx<'_>,
        group: (&str, &str),
        position: u64,
        is_open: bool,
    ) -> Result<(), Missing> {
        let (chunk, has_changed) = self.chunk(tx, group, position)?;
        assert_ne!(chunk.has(position), is_open, "position {position}");
        chunk.set(position, is_open);
        *has_changed = true;
        Ok(())
    }

    /// Writes what has changed.
    pub(crate) fn put(self, tx: &mut Tx<'_>, (name, group): (&str, &str)) {
        for (number, (chunk, has_changed)) in self.chunks {
            if has_changed && chunk.is_none() {
                tx.remove(&OPEN, (name, group, number));
            } else if has_changed {
                tx.put(&OPEN, (name, group, number), chunk);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tidegate_engine::testing::hex;

    use super::*;

    #[test]
    fn a_chunk_tells_its_positions() {
        let mut chunk = OpenChunk::none();
        for position in [1024, 1031, 1535] {
            chunk.set(position, true);
        }
        assert_eq!(chunk.positions(2).collect::<Vec<_>>(), [1024, 1031, 1535]);
        chunk.set(1031, false);
        assert_eq!(chunk.positions(2).collect::<Vec<_>>(), [1024, 1535]);
        assert!(!chunk.is_none() && OpenChunk::none().is_none());
    }

    #[test]
    fn a_chunk_is_frozen() {
        let mut chunk = OpenChunk::none();
        chunk.set(0, true);
        chunk.set(9, true);
        let rest = "00".repeat(BYTES - 2);
        assert_eq!(hex(&chunk), format!("a1005840 0102{rest}").replace(' ', ""));
    }
}
