//! Counts of the buckets of one block, as they lie in a row.

use minicbor::decode::Error;
use minicbor::encode::Write;
use minicbor::{Decode, Decoder, Encode, Encoder};

use crate::levels::BLOCK_BUCKETS;

const PLACES: usize = BLOCK_BUCKETS as usize;

/// Most bytes of them in a row: a place and a count of ten bytes for each.
const BYTES_MAX: usize = 11 * PLACES;

/// A number for each bucket of a block. Stored as bytes: for each that is not zero, in order, its place and the number
/// as a varint (seven bits a byte, the lowest first).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts([u64; PLACES]);

impl Counts {
    pub(crate) const NONE: Self = Self([0; PLACES]);

    pub(crate) fn get(&self, place: usize) -> u64 {
        self.0[place]
    }

    pub(crate) fn set(&mut self, place: usize, number: u64) {
        self.0[place] = number;
    }

    /// Adds to one of them; gives what it was before.
    pub(crate) fn add(&mut self, place: usize, amount: u64) -> u64 {
        let before = self.0[place];
        self.0[place] = before + amount;
        before
    }

    /// Those that are not zero, with their places.
    pub(crate) fn some(&self) -> impl Iterator<Item = (usize, u64)> + '_ {
        let all = self.0.iter().copied().enumerate();
        all.filter(|(_, number)| *number > 0)
    }

    fn write(&self, out: &mut [u8; BYTES_MAX]) -> usize {
        let mut at = 0;
        let mut push = |byte: u8| {
            out[at] = byte;
            at += 1;
        };
        for (place, mut number) in self.some() {
            push(place as u8);
            while number > 0x7f {
                push(number as u8 | 0x80);
                number >>= 7;
            }
            push(number as u8);
        }
        at
    }

    fn read(mut bytes: &[u8]) -> Option<Self> {
        let mut counts = Self::NONE;
        let mut least = 0;
        while let Some((place, rest)) = bytes.split_first() {
            let place = usize::from(*place);
            let (number, rest) = varint(rest)?;
            if place < least || place >= PLACES || number == 0 {
                return None;
            }
            counts.0[place] = number;
            (least, bytes) = (place + 1, rest);
        }
        Some(counts)
    }
}

/// A varint, and what is behind it.
fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
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
        let mut bytes = [0; BYTES_MAX];
        let length = self.write(&mut bytes);
        out.bytes(&bytes[..length])?.ok()
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
            let bytes = minicbor::to_vec(some).unwrap();
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
