//! Ids of the orders that are made by tokens: who knows one may read, pay and cancel its order, so nobody guesses one.
//!
//! 22 characters in base62: the serial of the token, 11 of them, and the first 8 bytes of HMAC-SHA256(key, `order` ‖ 0 ‖
//! sale ‖ 0 ‖ serial), big endian, 11 of them. A serial can be guessed; the other half is 64 bits that nobody knows
//! without the key of the sale, as many as a session's id should have (OWASP, Session Management Cheat Sheet). The
//! same token gives the same id whenever it is spent.

use compact_str::CompactString;
use hmac::Mac;

use crate::draw::{Hash, first, keyed};

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Digits of 64 bits.
const HALF: usize = 11;

/// The id of the order that is made by a token of a sale with this key.
pub(crate) fn order_of(key: &Hash, sale: &str, serial: u64) -> CompactString {
    let mut mac = keyed(key);
    mac.update(b"order\0");
    mac.update(sale.as_bytes());
    mac.update(&[0]);
    mac.update(&serial.to_be_bytes());
    let secret = u64::from_be_bytes(first(&mac.finalize().into_bytes()));
    [serial, secret].into_iter().flat_map(digits).collect()
}

/// The serial of the token by which an order was made; none if its id is not such a one.
pub(crate) fn serial_of(order: &str) -> Option<u64> {
    let (serial, secret) = order.split_at_checked(HALF)?;
    number(secret)?;
    number(serial)
}

/// A number in base62, the highest digit first.
fn digits(mut number: u64) -> [char; HALF] {
    let mut digits = ['0'; HALF];
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[(number % 62) as usize].into();
        number /= 62;
    }
    digits
}

/// The number whose [`digits`] these are.
fn number(digits: &str) -> Option<u64> {
    if digits.len() != HALF {
        return None;
    }
    digits.bytes().try_fold(0u64, |number, digit| {
        let value = DIGITS.iter().position(|known| *known == digit)?;
        number.checked_mul(62)?.checked_add(value as u64)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Hash = [3; 32];

    #[test]
    fn order_says_by_which_token_it_was_made() {
        for serial in [0, 12, u64::MAX] {
            let order = order_of(&KEY, "s", serial);
            assert_eq!((order.len(), serial_of(&order)), (2 * HALF, Some(serial)));
        }
        let beyond = "z".repeat(2 * HALF);
        let accent = format!("{}é{}", "0".repeat(10), "0".repeat(10));
        for other in ["", "o-1", "123456789", &beyond, &accent] {
            assert_eq!(serial_of(other), None, "{other}");
        }
    }

    /// The bytes as Python's hmac computes them.
    #[test]
    fn its_other_half_is_known_by_the_sale_and_its_key_alone() {
        let order = order_of(&KEY, "s", 12);
        assert_eq!(order, "0000000000CCwQUlo0rIhb");
        let others = [
            order_of(&KEY, "t", 12),
            order_of(&[4; 32], "s", 12),
            order_of(&KEY, "s", 13),
        ];
        for other in others {
            assert_ne!(other[HALF..], order[HALF..]);
        }
    }
}
