//! What is kept of one that was seen: where it falls, and how rare that is.

use xxhash_rust::xxh3::xxh3_64;

/// How many chunks there are.
pub const CHUNKS: usize = 64;

/// Bits of the hash by which two are told apart as long as coupons are kept.
pub(crate) const PLACE_BITS: u32 = 26;

/// Bits of a register's number: its chunk's, and the one within.
const REGISTER_BITS: u32 = 14;

/// Bits of a register's number within its chunk.
const WITHIN_BITS: u32 = 8;

/// Bits of a rank, in a coupon as in a register.
pub(crate) const RANK_BITS: u32 = 6;

/// The highest rank that a coupon has: all bits behind its place are zero.
const COUPON_RANK_MAX: u8 = (u64::BITS - PLACE_BITS) as u8 + 1;

/// The highest rank of a register.
pub(crate) const RANK_MAX: u8 = (u64::BITS - REGISTER_BITS) as u8 + 1;

/// One that was seen: 26 bits of its place and 6 of its rank, the number of the first bit behind the place
/// that is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Coupon(u32);

impl Coupon {
    /// The coupon of `who`, whose bytes are all that counts.
    pub fn of(who: &[u8]) -> Coupon {
        Coupon::of_hash(xxh3_64(who))
    }

    /// The coupon of a hash that is evenly spread over 64 bits.
    pub fn of_hash(hash: u64) -> Coupon {
        let place = (hash >> (u64::BITS - PLACE_BITS)) as u32;
        let rank = (hash << PLACE_BITS)
            .leading_zeros()
            .min(u32::from(COUPON_RANK_MAX) - 1)
            + 1;
        Coupon(place << RANK_BITS | rank)
    }

    /// The chunk that it falls into, below [`CHUNKS`].
    pub fn chunk(self) -> usize {
        (self.0 >> (u32::BITS - 6)) as usize
    }

    /// It as a number, which is how it is stored.
    pub(crate) fn number(self) -> u32 {
        self.0
    }

    /// The coupon of this number, if it is one.
    pub(crate) fn of_number(number: u32) -> Option<Coupon> {
        let coupon = Coupon(number);
        (1..=COUPON_RANK_MAX)
            .contains(&coupon.rank())
            .then_some(coupon)
    }

    /// Those of one place are one coupon, with the highest rank.
    pub(crate) fn place(self) -> u32 {
        self.0 >> RANK_BITS
    }

    /// Its register within its chunk, and the rank that the register has at least.
    pub(crate) fn register(self) -> (usize, u8) {
        let register = (self.place() >> (PLACE_BITS - REGISTER_BITS)) & ((1 << WITHIN_BITS) - 1);
        (register as usize, self.register_rank())
    }

    /// The bits between the register's number and the end of the place come before those that the rank counts.
    fn register_rank(self) -> u8 {
        let between = self.place() << (u32::BITS - PLACE_BITS + REGISTER_BITS);
        match between {
            0 => (PLACE_BITS - REGISTER_BITS) as u8 + self.rank(),
            bits => bits.leading_zeros() as u8 + 1,
        }
    }

    fn rank(self) -> u8 {
        (self.0 & ((1 << RANK_BITS) - 1)) as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Register and rank straight from the hash.
    fn plainly(hash: u64) -> (usize, usize, u8) {
        let register = (hash >> 56) as usize & 3;
        let rank = ((hash << REGISTER_BITS).leading_zeros() as u8 + 1).min(RANK_MAX);
        (
            (hash >> 58) as usize,
            register << 6 | (hash >> 50) as usize & 63,
            rank,
        )
    }

    #[test]
    fn a_coupon_tells_register_and_rank_as_the_hash_does() {
        for zeros in 0..64 {
            for hash in [
                u64::MAX >> zeros,
                1 << (63 - zeros),
                0xabcd << 48 | 1 << zeros,
                0,
            ] {
                let coupon = Coupon::of_hash(hash);
                let (within, rank) = coupon.register();
                assert_eq!(
                    (coupon.chunk(), within, rank),
                    plainly(hash),
                    "of {hash:#x}"
                );
            }
        }
    }

    #[test]
    fn a_number_without_a_rank_or_with_one_too_high_is_no_coupon() {
        assert_eq!(Coupon::of_number(7 << RANK_BITS), None);
        assert_eq!(Coupon::of_number(7 << RANK_BITS | 40), None);
        assert!(Coupon::of_number(7 << RANK_BITS | 39).is_some());
    }

    #[test]
    fn the_hash_is_for_ever() {
        assert_eq!(Coupon::of(b"").number(), 0x2d06_8004);
        assert_eq!(Coupon::of(b"ann").number(), 0x482c_8943);
    }
}
