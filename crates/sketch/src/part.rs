//! The stored form of a part: one byte that names it, then what it says.

use crate::coupon::Coupon;

/// The longest part in bytes: a head of 64 coupons.
pub const PART_BYTES_MAX: usize = 1 + crate::head::COUPONS_MAX * COUPON_BYTES;

/// Bytes of a coupon, little endian.
const COUPON_BYTES: usize = 4;

/// Forms, for ever: what changes one gets another number.
pub(crate) const COUPONS: u8 = 1;
pub(crate) const REGISTERS: u8 = 2;
pub(crate) const SPLIT: u8 = 3;

/// Why bytes are no part of a sketch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// The first byte is of no form that a part of this sort has.
    #[error("the form is not known")]
    Form,
    /// It has not as many bytes as its form says.
    #[error("the length is not that of the form")]
    Length,
    /// Coupons are not in order, too many, of several chunks in one, or none at all.
    #[error("the coupons are not such as are written")]
    Coupons,
    /// A register is higher than any hash makes it.
    #[error("a register is out of range")]
    Register,
}

/// Coupons as they are stored.
pub(crate) fn of_coupons(coupons: &[Coupon]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(1 + COUPON_BYTES * coupons.len());
    bytes.push(COUPONS);
    for coupon in coupons {
        bytes.extend_from_slice(&coupon.number().to_le_bytes());
    }
    bytes
}

/// At most `most` coupons, in ascending order of place.
pub(crate) fn coupons(bytes: &[u8], most: usize) -> Result<Vec<Coupon>, Malformed> {
    let (numbers, rest) = bytes.as_chunks::<COUPON_BYTES>();
    if !rest.is_empty() {
        return Err(Malformed::Length);
    }
    if numbers.len() > most {
        return Err(Malformed::Coupons);
    }
    let mut coupons: Vec<Coupon> = Vec::with_capacity(numbers.len() + 1); // Mostly one is put in next.
    for number in numbers {
        let coupon = Coupon::of_number(u32::from_le_bytes(*number)).ok_or(Malformed::Coupons)?;
        let last = coupons.last();
        if last.is_some_and(|last| last.place() >= coupon.place()) {
            return Err(Malformed::Coupons);
        }
        coupons.push(coupon);
    }
    Ok(coupons)
}
