//! Counts of the buckets of one block, as they lie in a row.

use minicbor::decode::Error;
use minicbor::encode::Write;
use minicbor::{Decode, Decoder, Encode, Encoder};
use smallvec::SmallVec;

use crate::levels::BLOCK_BUCKETS;

const PLACES: usize = BLOCK_BUCKETS as usize;

/// A number for each bucket of a block: those that are not zero, in order, with their places. Stored as bytes: for each its
/// place and the number as a varint (seven bits a byte, the lowest first).
///
/// Most rows have a few of them, and each event gets and puts some: those few stand in place.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Counts(SmallVec<[(u8, u64); 3]>);

impl Counts {
    pub(crate) const NONE: Self = Self(SmallVec::new_const());

    /// Where a place stands, or would stand. Mostly it is the last one.
    fn find(&self, place: usize) -> Result<usize, usize> {
        match self.0.last() {
            Some((last, _)) if usize::from(*last) == place => Ok(self.0.len() - 1),
            _ => self
                .0
                .binary_search_by_key(&place, |(at, _)| usize::from(*at)),
        }
    }

    pub(crate) fn get(&self, place: usize) -> u64 {
        self.find(place).map_or(0, |at| self.0[at].1)
    }

    pub(crate) fn set(&mut self, place: usize, number: u64) {
        match self.find(place) {
            Ok(at) if number == 0 => _ = self.0.remove(at),
            Ok(at) => self.0[at].1 = number,
            Err(_) if number == 0 => {}
            Err(at) => self.0.insert(at, (place as u8, number)),
        }
    }

    /// Adds to one of them; gives what it was before.
    pub(crate) fn add(&mut self, place: usize, amount: u64) -> u64 {
        let before = self.get(place);
        self.set(place, before + amount);
        before
    }

    /// Those that are not zero, with their places.
    pub(crate) fn some(&self) -> impl Iterator<Item = (usize, u64)> + '_ {
        let all = self.0.iter().copied();
        all.map(|(place, number)| (usize::from(place), number))
    }

    fn read(mut bytes: &[u8]) -> Option<Self> {
        let ends = bytes.iter().filter(|byte| **byte & 0x80 == 0).count();
        let mut counts = SmallVec::with_capacity(ends / 2); // A place is one byte, and a varint ends once.
        let mut least = 0;
        while let Some((place, rest)) = bytes.split_first() {
            let (number, rest) = varint(rest)?;
            if *place < least || usize::from(*place) >= PLACES || number == 0 {
                return None;
            }
            counts.push((*place, number));
            (least, bytes) = (place + 1, rest);
        }
        Some(Self(counts))
    }
}

/// The bytes of a number as a varint.
pub(crate) fn push_varint(mut number: u64, mut push: impl FnMut(u8)) {
    while number > 0x7f {
        push(number as u8 | 0x80);
        number >>= 7;
    }
    push(number as u8);
}

/// A varint, and what is behind it.
pub(crate) fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut number = 0;
    for (at, byte) in bytes.iter().enumerate().take(10) {
        let bits = u64::from(byte & 0x7f);
        let shift = 7 * at as u32;
        if bits << shift >> shift != bits {
            return None;
        }
        number |= bits << shift;
        if byte & 0x80 == 0 {
            let is_shortest = at == 0 || *byte != 0;
            return is_shortest.then_some((number, &bytes[at + 1..]));
        }
    }
    None
}

impl std::fmt::Debug for Counts {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_map().entries(self.some()).finish()
    }
}

impl<C> Encode<C> for Counts {
    fn encode<W: Write>(
        &self,
        out: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        let mut bytes = SmallVec::<[u8; 64]>::new();
        for (place, number) in &self.0 {
            bytes.push(*place);
            push_varint(*number, |byte| bytes.push(byte));
        }
        out.bytes(&bytes)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Counts {
    fn decode(from: &mut Decoder<'b>, _: &mut C) -> Result<Self, Error> {
        let bytes = from.bytes()?;
        Self::read(bytes).ok_or_else(|| Error::message("no counts of a block"))
    }
}

#[cfg(test)]
mod tests {
    use tidegate_engine::Random;
    use tidegate_engine::testing::hex;

    use super::*;

    fn counts(some: &[(usize, u64)]) -> Counts {
        let mut counts = Counts::NONE;
        for (place, number) in some {
            counts.set(*place, *number);
        }
        counts
    }

    #[test]
    fn stored_counts_are_frozen() {
        assert_eq!(hex(&Counts::NONE), "40");
        assert_eq!(hex(&counts(&[(0, 1)])), "420001");
        assert_eq!(hex(&counts(&[(3, 127), (63, 300)])), "45037f3fac02");
        let most = hex(&counts(&[(7, u64::MAX)]));
        assert_eq!(most, "4b07ffffffffffffffffff01");
    }

    #[test]
    fn counts_read_back_as_they_were_written() {
        let mut random = Random::new(1);
        for _ in 0..500 {
            let mut some = Counts::NONE;
            for _ in 0..random.below(64) {
                let place = random.below(64) as usize;
                some.set(place, u64::MAX >> random.below(64));
            }
            let bytes = minicbor::to_vec(&some).unwrap();
            assert_eq!(minicbor::decode::<Counts>(&bytes).unwrap(), some);
        }
    }

    #[test]
    fn bytes_that_no_counts_have_are_refused() {
        for bytes in [
            &[1][..],
            &[1, 0],
            &[64, 1],
            &[2, 1, 1, 1],
            &[1, 1, 1, 1],
            &[1, 0x81, 0],
            &[1, 0x80],
            &[1, 255, 255, 255, 255, 255, 255, 255, 255, 255, 2],
            &[1, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 1],
        ] {
            assert_eq!(Counts::read(bytes), None, "{bytes:?}");
        }
    }
}
