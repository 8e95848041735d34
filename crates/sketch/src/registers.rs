//! 256 registers of 6 bits, four in three bytes.

use crate::coupon::{Coupon, RANK_BITS, RANK_MAX};
use crate::part::Malformed;

/// Registers of a chunk.
pub(crate) const COUNT: usize = 256;

const BYTES: usize = COUNT * RANK_BITS as usize / 8;

const RANK: u32 = (1 << RANK_BITS) - 1;

/// The highest bit of a rank.
const HIGHEST: u32 = 1 << (RANK_BITS - 1);

/// A one in each of four registers.
const FOUR_ONES: u32 = 1 | 1 << RANK_BITS | 1 << (2 * RANK_BITS) | 1 << (3 * RANK_BITS);

/// The highest rank seen of each register, 0 for none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Registers(Box<[u8; BYTES]>);

impl Registers {
    pub(crate) fn of(coupons: &[Coupon]) -> Registers {
        let mut registers = Registers(Box::new([0; BYTES]));
        for coupon in coupons {
            registers.put(*coupon);
        }
        registers
    }

    /// Whether one is higher afterwards.
    pub(crate) fn put(&mut self, coupon: Coupon) -> bool {
        let (register, rank) = coupon.register();
        self.raise(register, rank)
    }

    /// Whether one is higher afterwards.
    pub(crate) fn merge(&mut self, other: &Registers) -> bool {
        let mut raised = false;
        for register in 0..COUNT {
            raised |= self.raise(register, other.rank(register));
        }
        raised
    }

    pub(crate) fn ranks(&self) -> impl Iterator<Item = u8> + '_ {
        (0..COUNT).map(|register| self.rank(register))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &*self.0
    }

    pub(crate) fn of_bytes(bytes: &[u8]) -> Result<Registers, Malformed> {
        let bytes: [u8; BYTES] = bytes.try_into().map_err(|_| Malformed::Length)?;
        let registers = Registers(Box::new(bytes));
        match registers.are_too_high() {
            true => Err(Malformed::Register),
            false => Ok(registers),
        }
    }

    /// Whether some rank is higher than any coupon has. Of four at once: such a rank has the highest bit, and its others
    /// come to that when so much is added to them as the rank lacks of all bits.
    fn are_too_high(&self) -> bool {
        const {
            assert!(
                RANK_MAX as u32 >= HIGHEST,
                "the highest bit alone is not too high"
            )
        };
        let lacks = FOUR_ONES * (RANK - u32::from(RANK_MAX));
        let fours = (0..BYTES).step_by(3).map(|at| self.four(at));
        let too_high = fours.fold(0, |any, four| {
            let others = four & (FOUR_ONES * (HIGHEST - 1));
            any | ((others + lacks) & four)
        });
        too_high & (FOUR_ONES * HIGHEST) != 0
    }

    fn raise(&mut self, register: usize, rank: u8) -> bool {
        let higher = rank > self.rank(register);
        if higher {
            let (at, shift) = place(register);
            let others = self.four(at) & !(RANK << shift);
            let four = (others | u32::from(rank) << shift).to_le_bytes();
            self.0[at..at + 3].copy_from_slice(&four[..3]);
        }
        higher
    }

    fn rank(&self, register: usize) -> u8 {
        let (at, shift) = place(register);
        (self.four(at) >> shift & RANK) as u8
    }

    /// The three bytes from there on.
    fn four(&self, at: usize) -> u32 {
        u32::from_le_bytes([self.0[at], self.0[at + 1], self.0[at + 2], 0])
    }
}

/// Where the three bytes of four registers begin, and by how much this one is shifted in them.
fn place(register: usize) -> (usize, u32) {
    (register / 4 * 3, (register % 4) as u32 * RANK_BITS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_that_no_coupon_has_are_malformed_in_any_register() {
        for register in 0..COUNT {
            for rank in 0..=RANK as u8 {
                let mut registers = Registers(Box::new([0; BYTES]));
                registers.raise((register + 1) % COUNT, RANK_MAX);
                registers.raise(register, rank);
                let read = Registers::of_bytes(registers.bytes());
                let expected = match rank <= RANK_MAX {
                    true => Ok(registers),
                    false => Err(Malformed::Register),
                };
                assert_eq!(read, expected, "{rank} in register {register}");
            }
        }
    }
}
