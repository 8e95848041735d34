//! Tokens: the right to buy so many units of one SKU, signed. Who spends one shows it where the SKU is.

use compact_str::CompactString;
use hmac::Mac;
use sha2::{Digest, Sha256};

use crate::draw::{Hash, first, keyed};
use crate::hex::{from_hex, hex};

/// Bytes by which a token is known to be none of its holder's making.
const TAG_BYTES: usize = 16;

/// Bytes of what it says: serial, expiry, quantity, and who may spend it.
const BODY_BYTES: usize = 8 + 8 + 4 + 8;

/// A token that its sale has signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    /// Its number.
    pub(crate) serial: u64,
    pub(crate) expires_ms: u64,
    pub(crate) quantity: u64,
}

/// Why a token is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bad {
    /// It is not one of this sale and SKU.
    Forged,
    /// It is somebody else's.
    OtherBuyer,
}

/// For what a token is good: a sale, a SKU, a buyer.
#[derive(Clone, Copy)]
pub(crate) struct For<'a> {
    pub(crate) sale: &'a str,
    pub(crate) sku: &'a str,
    pub(crate) buyer: &'a str,
}

impl Token {
    /// What its holder is given: serial, expiry in ms, quantity and a hash of the buyer, big endian, and behind
    /// them the first 16 bytes of HMAC-SHA256 over `token`, sale, SKU (a zero behind each) and all that, in hex.
    pub(crate) fn signed(&self, key: &Hash, to: For<'_>) -> CompactString {
        let mut bytes = [0; BODY_BYTES + TAG_BYTES];
        let (body, tag) = bytes.split_at_mut(BODY_BYTES);
        body.copy_from_slice(&self.body(to.buyer));
        let mac = mac_of(key, to, body).finalize().into_bytes();
        tag.copy_from_slice(&mac[..TAG_BYTES]);
        hex(&bytes)
    }

    /// Reads one that somebody shows.
    pub(crate) fn read(shown: &str, key: &Hash, to: For<'_>) -> Result<Self, Bad> {
        let bytes: [u8; BODY_BYTES + TAG_BYTES] = from_hex(shown).ok_or(Bad::Forged)?;
        let (body, tag) = bytes.split_at(BODY_BYTES);
        // In constant time.
        let checked = mac_of(key, to, body).verify_truncated_left(tag);
        checked.map_err(|_| Bad::Forged)?;
        let token = Self {
            serial: u64::from_be_bytes(first(body)),
            expires_ms: u64::from_be_bytes(first(&body[8..])),
            quantity: u32::from_be_bytes(first(&body[16..])).into(),
        };
        if token.body(to.buyer) == body {
            Ok(token)
        } else {
            Err(Bad::OtherBuyer)
        }
    }

    fn body(&self, buyer: &str) -> [u8; BODY_BYTES] {
        let quantity = u32::try_from(self.quantity);
        let quantity = quantity.expect("because no sale has such a limit");
        let holder: [u8; 8] = first(&Sha256::digest(buyer.as_bytes()));
        let mut body = [0; BODY_BYTES];
        body[..8].copy_from_slice(&self.serial.to_be_bytes());
        body[8..16].copy_from_slice(&self.expires_ms.to_be_bytes());
        body[16..20].copy_from_slice(&quantity.to_be_bytes());
        body[20..].copy_from_slice(&holder);
        body
    }
}

fn mac_of(key: &Hash, to: For<'_>, body: &[u8]) -> hmac::Hmac<Sha256> {
    let mut mac = keyed(key);
    mac.update(b"token\0");
    for name in [to.sale, to.sku] {
        mac.update(name.as_bytes());
        mac.update(&[0]);
    }
    mac.update(body);
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Hash = [3; 32];
    const TO: For<'_> = For {
        sale: "s",
        sku: "k",
        buyer: "b",
    };
    const TOKEN: Token = Token {
        serial: 12,
        expires_ms: 1_000,
        quantity: 2,
    };

    #[test]
    fn token_is_good_for_its_sale_sku_and_buyer_alone() {
        let shown = TOKEN.signed(&KEY, TO);
        assert_eq!(Token::read(&shown, &KEY, TO), Ok(TOKEN));
        let other_buyer = For { buyer: "c", ..TO };
        assert_eq!(Token::read(&shown, &KEY, other_buyer), Err(Bad::OtherBuyer));
        for other in [For { sale: "t", ..TO }, For { sku: "l", ..TO }] {
            assert_eq!(Token::read(&shown, &KEY, other), Err(Bad::Forged));
        }
        assert_eq!(Token::read(&shown, &[4; 32], TO), Err(Bad::Forged));
    }

    #[test]
    fn what_was_changed_by_one_character_is_no_token() {
        let shown = TOKEN.signed(&KEY, TO);
        for at in 0..shown.len() {
            let mut bytes = shown.as_bytes().to_vec();
            bytes[at] = if bytes[at] == b'1' { b'2' } else { b'1' };
            let changed = std::str::from_utf8(&bytes).expect("ASCII");
            assert_eq!(Token::read(changed, &KEY, TO), Err(Bad::Forged));
        }
        for other in ["", "12", &shown[1..], &format!("{shown}00")] {
            assert_eq!(Token::read(other, &KEY, TO), Err(Bad::Forged));
        }
    }
}
